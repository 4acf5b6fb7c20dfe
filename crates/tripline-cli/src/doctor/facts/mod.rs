//! What was asked of AWS, before it is judged: plain data, that says of nothing whether it is right.

mod answer;
mod delivery;
mod functions;
mod job;
mod roles;
mod stack;
mod topics;

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::types::MetricAlarm;

pub use answer::{Answer, Need, NoAnswer};
pub use delivery::{Action, Ingest, Mapping, Queue, Rule};
pub use functions::{Function, FunctionConfiguration};
pub use job::{Counted, JobFacts, Misspelled};
pub use roles::{Key, Role};
pub use stack::{Health, Resource, StackFacts};
pub use topics::{Sms, Subscription, Topic, Topics};

/// Everything that was asked.
#[derive(Debug)]
pub struct Facts {
    pub region: String,
    pub stack: StackFacts,
    /// Seconds by which the local clock is ahead of AWS's, if AWS said what time it is.
    pub clock_ahead: Option<i64>,
    pub resources: Answer<Vec<Resource>>,
    pub own_alarms: Answer<Vec<MetricAlarm>>,
    /// Whether job events are on.
    pub events: Answer<bool>,
    pub rule: Answer<Option<Rule>>,
    pub rule_role: Answer<Option<Role>>,
    pub generator: Function,
    pub generator_role: Answer<Option<Role>>,
    pub stopper: Function,
    pub stopper_role: Answer<Option<Role>>,
    pub keeper: Function,
    pub keeper_role: Answer<Option<Role>>,
    /// The wave-runner.
    pub runner: Function,
    pub runner_role: Answer<Option<Role>>,
    pub ingest: Answer<Ingest>,
    pub undelivered: Answer<Option<Queue>>,
    pub topics: Topics,
    /// The attributes of the force-stopper's subscription, if it has one.
    pub stop_subscription: Answer<Option<BTreeMap<String, String>>>,
    pub sms: Sms,
    pub key: Answer<Key>,
    pub health: Answer<Health>,
    pub job: Option<JobFacts>,
}

impl Facts {
    /// Facts of which nothing has been asked yet.
    pub fn not_asked(region: &str, stack: StackFacts, clock_ahead: Option<i64>) -> Self {
        Self {
            region: region.to_owned(),
            stack,
            clock_ahead,
            resources: Err(NoAnswer::NotAsked),
            own_alarms: Err(NoAnswer::NotAsked),
            events: Err(NoAnswer::NotAsked),
            rule: Err(NoAnswer::NotAsked),
            rule_role: Err(NoAnswer::NotAsked),
            generator: Function::not_asked(),
            generator_role: Err(NoAnswer::NotAsked),
            stopper: Function::not_asked(),
            stopper_role: Err(NoAnswer::NotAsked),
            keeper: Function::not_asked(),
            keeper_role: Err(NoAnswer::NotAsked),
            runner: Function::not_asked(),
            runner_role: Err(NoAnswer::NotAsked),
            ingest: Err(NoAnswer::NotAsked),
            undelivered: Err(NoAnswer::NotAsked),
            topics: Topics {
                email: Err(NoAnswer::NotAsked),
                sms: Err(NoAnswer::NotAsked),
                stop: Err(NoAnswer::NotAsked),
                filters: Err(NoAnswer::NotAsked),
            },
            stop_subscription: Err(NoAnswer::NotAsked),
            sms: Sms {
                in_sandbox: Err(NoAnswer::NotAsked),
                monthly_limit: Err(NoAnswer::NotAsked),
            },
            key: Err(NoAnswer::NotAsked),
            health: Err(NoAnswer::NotAsked),
            job: None,
        }
    }

    /// The job.
    pub fn job(&self) -> Result<&JobFacts, NoAnswer> {
        self.job.as_ref().ok_or(NoAnswer::NoJob)
    }
}
