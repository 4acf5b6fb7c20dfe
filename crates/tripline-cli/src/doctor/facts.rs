//! What was asked of AWS, before it is judged. Nothing here says whether it is right.

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::types::MetricAlarm;
use aws_sdk_iot::types::Job;
use tripline::job::JobId;
use tripline_aws::Failure;

use super::check::{Not, quoted};
use super::policy::Policy;
use crate::aws::arming::plan::Plan;

/// What a check needs to be asked. Each is one or a few calls, made once whatever the number of
/// checks that need it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    Resources,
    OwnAlarms,
    Events,
    Rule,
    RuleRole,
    Generator,
    GeneratorRole,
    Ingest,
    Stopper,
    StopperRole,
    Keeper,
    KeeperRole,
    Undelivered,
    Topics,
    Filters,
    StopSubscription,
    Sms,
    Key,
    Health,
    Job,
    Tags,
    Kept,
    Counted,
    Alarms,
    Config,
}

/// Why there is no answer.
#[derive(Debug, Clone)]
pub enum Gap {
    /// It was not asked: the check does not say that it needs it.
    NotAsked,
    /// The stack does not say what to ask for.
    NoOutput(&'static str),
    /// The call failed.
    Failed(Failure),
}

impl From<Failure> for Gap {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// An answer, or why there is none.
pub type Asked<T> = Result<T, Gap>;

/// The answer, for a judge.
pub fn seen<T>(asked: &Asked<T>) -> Result<&T, Not> {
    asked.as_ref().map_err(|gap| match gap {
        Gap::Failed(failure) => Not::unknown(failure),
        Gap::NoOutput(output) => no_output(output),
        Gap::NotAsked => Not::Unknown("was not asked".to_owned()),
    })
}

fn no_output(output: &str) -> Not {
    Not::elsewhere(format!("the stack has no output `{output}`"), "stack-outputs")
}

/// Everything that was asked.
#[derive(Debug)]
pub struct Facts {
    pub region: String,
    pub stack: StackFacts,
    /// Seconds by which the local clock is ahead of AWS's, if AWS said what time it is.
    pub clock_ahead: Option<i64>,
    pub resources: Asked<Vec<Resource>>,
    pub own_alarms: Asked<Vec<MetricAlarm>>,
    /// Whether job events are on.
    pub events: Asked<bool>,
    pub rule: Asked<Option<Rule>>,
    pub rule_role: Asked<Option<Role>>,
    pub generator: Function,
    pub generator_role: Asked<Option<Role>>,
    pub stopper: Function,
    pub stopper_role: Asked<Option<Role>>,
    pub keeper: Function,
    pub keeper_role: Asked<Option<Role>>,
    pub ingest: Asked<Ingest>,
    pub undelivered: Asked<Option<Queue>>,
    pub topics: Topics,
    /// The attributes of the force-stopper's subscription, if it has one.
    pub stop_subscription: Asked<Option<BTreeMap<String, String>>>,
    pub sms: Sms,
    pub key: Asked<Key>,
    pub health: Asked<Health>,
    pub job: Option<JobFacts>,
}

/// The stack as CloudFormation describes it.
#[derive(Debug, Clone, Default)]
pub struct StackFacts {
    pub name: String,
    pub status: String,
    /// Seconds since it was created or last updated, if CloudFormation says when.
    pub age: Option<i64>,
    pub outputs: BTreeMap<String, String>,
}

/// A resource of the stack.
#[derive(Debug, Clone)]
pub struct Resource {
    pub logical: String,
    pub kind: String,
    pub physical: String,
    pub status: String,
}

/// The IoT rule that takes the job events.
#[derive(Debug, Clone, Default)]
pub struct Rule {
    pub sql: String,
    pub sql_version: String,
    pub disabled: bool,
    pub actions: Vec<Action>,
    pub error_action: Option<Action>,
}

/// What a rule does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    Lambda(String),
    Sqs { url: String, role: String },
    Other,
}

/// What is known of a function. Each part is asked on its own, because each may be denied.
#[derive(Debug)]
pub struct Function {
    pub runs: Asked<Option<Runs>>,
    /// Who may invoke it; `None`: nobody by its own word.
    pub policy: Asked<Option<Policy>>,
    /// Where events go that it fails at.
    pub on_failure: Asked<Option<String>>,
}

impl Function {
    pub fn not_asked() -> Self {
        Self {
            runs: Err(Gap::NotAsked),
            policy: Err(Gap::NotAsked),
            on_failure: Err(Gap::NotAsked),
        }
    }
}

/// Whether a function can run.
#[derive(Debug, Clone, Default)]
pub struct Runs {
    pub state: String,
    pub last_update: String,
    /// Why not, in Lambda's words.
    pub reason: String,
    /// Most that run at once, where somebody has set that.
    pub reserved: Option<i32>,
    /// The role that it runs under.
    pub role: String,
    /// Most seconds that it may take.
    pub timeout: i32,
    pub environment: BTreeMap<String, String>,
}

/// A role.
#[derive(Debug, Clone, Default)]
pub struct Role {
    pub name: String,
    /// Who may take it.
    pub trust: Policy,
    /// What it may do.
    pub policy: Policy,
    /// A permissions boundary, which takes away from that.
    pub boundary: Option<String>,
}

/// The queue of job events.
#[derive(Debug, Clone)]
pub enum Ingest {
    /// The rule invokes the function itself.
    Direct,
    Batched {
        queue: Option<Queue>,
        /// What takes messages out of it.
        mappings: Vec<Mapping>,
    },
}

/// An event source mapping.
#[derive(Debug, Clone, Default)]
pub struct Mapping {
    pub id: String,
    pub function: String,
    pub state: String,
    pub reports_failures: bool,
}

/// A queue.
#[derive(Debug, Clone, Default)]
pub struct Queue {
    pub arn: String,
    pub url: String,
    pub messages: u64,
    pub policy: Policy,
    /// Where messages go that were taken too often.
    pub dead_letters: Option<String>,
}

/// The stack's topics.
#[derive(Debug)]
pub struct Topics {
    pub email: Asked<Option<Topic>>,
    pub sms: Asked<Option<Topic>>,
    pub stop: Asked<Option<Topic>>,
    /// The filter policies of the e-mail topic's subscriptions, by the subscription's ARN.
    pub filters: Asked<BTreeMap<String, String>>,
}

/// A topic.
#[derive(Debug, Clone, Default)]
pub struct Topic {
    pub arn: String,
    pub policy: Policy,
    pub key: Option<String>,
    pub subscriptions: Vec<Subscription>,
}

/// Who hears a topic.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subscription {
    pub protocol: String,
    pub endpoint: String,
    /// `None` until it is confirmed.
    pub arn: Option<String>,
}

/// What SNS says of text messages.
#[derive(Debug)]
pub struct Sms {
    pub in_sandbox: Asked<bool>,
    /// US dollars a month; `None`: AWS's default, 1.
    pub monthly_limit: Asked<Option<f64>>,
}

/// The stack's key.
#[derive(Debug, Clone, Default)]
pub struct Key {
    pub arn: String,
    pub state: String,
    pub policy: Policy,
}

/// What CloudWatch counted of the functions in the last hour, by the function's ARN.
#[derive(Debug, Clone, Default)]
pub struct Health {
    pub errors: BTreeMap<String, f64>,
    pub throttles: BTreeMap<String, f64>,
    /// What the guard-keeper said last, in the last ten minutes: jobs without a guard.
    pub unguarded: Option<f64>,
}

/// A job and its guard.
#[derive(Debug)]
pub struct JobFacts {
    pub id: JobId,
    /// The config file that was given.
    pub file: Option<String>,
    /// How many devices it is for, if the operator says so.
    pub devices: Option<u32>,
    pub job: Asked<Option<Job>>,
    /// The job's tags, by which it changes the guard-keeper's guard or goes without.
    pub tags: Asked<Vec<(String, String)>>,
    /// Whether the stack's table has a config that the job was armed with.
    pub has_config: Asked<bool>,
    /// Alarms of the job that another stack's guard-keeper has made, with that stack.
    pub elsewhere: Asked<Vec<(String, String)>>,
    /// Executions that were counted, since the job was created.
    pub counted: Asked<f64>,
    pub alarms: Asked<Vec<MetricAlarm>>,
    /// What would have to be changed to have the alarms of the config, if one is given.
    pub plan: Option<Asked<Plan>>,
}

impl JobFacts {
    /// The config file, as a word of a command: the one that was given, or what it is called otherwise.
    pub fn config_file(&self) -> String {
        quoted(self.file.as_deref().unwrap_or("dev.ini"))
    }
}

impl StackFacts {
    /// An output.
    pub fn output(&self, key: &'static str) -> Result<&str, Gap> {
        self.outputs.get(key).map(String::as_str).ok_or(Gap::NoOutput(key))
    }

    /// An output, for a judge.
    pub fn output_seen(&self, key: &'static str) -> Result<&str, Not> {
        self.output(key).map_err(|_| no_output(key))
    }

    /// The account's number, which every ARN has.
    pub fn account(&self) -> &str {
        let topic = self.outputs.get("ForceStopTopicArn").map_or("", String::as_str);
        topic.split(':').nth(4).unwrap_or_default()
    }

    /// `aws`, or what stands for it elsewhere.
    pub fn partition(&self) -> &str {
        let topic = self.outputs.get("ForceStopTopicArn").map_or("", String::as_str);
        topic.split(':').nth(1).unwrap_or("aws")
    }

    /// Whether job events go through a queue.
    pub fn is_batched(&self) -> bool {
        self.outputs.get("Ingest").is_some_and(|ingest| ingest == "batched")
    }
}

impl Facts {
    /// Facts of which nothing has been asked yet.
    pub fn not_asked(region: &str, stack: StackFacts, clock_ahead: Option<i64>) -> Self {
        Self {
            region: region.to_owned(),
            stack,
            clock_ahead,
            resources: Err(Gap::NotAsked),
            own_alarms: Err(Gap::NotAsked),
            events: Err(Gap::NotAsked),
            rule: Err(Gap::NotAsked),
            rule_role: Err(Gap::NotAsked),
            generator: Function::not_asked(),
            generator_role: Err(Gap::NotAsked),
            stopper: Function::not_asked(),
            stopper_role: Err(Gap::NotAsked),
            keeper: Function::not_asked(),
            keeper_role: Err(Gap::NotAsked),
            ingest: Err(Gap::NotAsked),
            undelivered: Err(Gap::NotAsked),
            topics: Topics {
                email: Err(Gap::NotAsked),
                sms: Err(Gap::NotAsked),
                stop: Err(Gap::NotAsked),
                filters: Err(Gap::NotAsked),
            },
            stop_subscription: Err(Gap::NotAsked),
            sms: Sms { in_sandbox: Err(Gap::NotAsked), monthly_limit: Err(Gap::NotAsked) },
            key: Err(Gap::NotAsked),
            health: Err(Gap::NotAsked),
            job: None,
        }
    }

    /// The job, for a judge.
    pub fn job(&self) -> Result<&JobFacts, Not> {
        self.job.as_ref().ok_or_else(|| Not::skipped("no `--job-id`"))
    }
}
