//! A stack on a local AWS with a guarded job, and what the doctor says of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use aws_sdk_iot::types::{
    Configuration, EventType, JobExecutionsRolloutConfig, TimeoutConfig, TopicRulePayload,
};
use aws_sdk_iotjobsdataplane::types::JobExecutionStatus;
use serde_json::{Value, json};
use tempfile::TempDir;
use tripline_tests::local_aws::LocalAws;
use tripline_tests::proxy::{Proxy, Ran};
use tripline_tests::stack::Stack;

/// Two alarms: one that stops, and one that only alerts, so that a test may set it off.
pub const CONFIG: &str = "\
[ALARM_CONFIG]
alarmList = Failures, Rejections

[ALARM_CONFIG_Failures]
namespace = IoT:OTA:JobExecution
metricName = failedCount
stat = Sum
period = 60
threshold = 50
alarmType = upper
evaluationPeriods = 5
datapointsToAlarm = 3
snsTopics = @email, @force-stop

[ALARM_CONFIG_Rejections]
namespace = IoT:OTA:JobExecution
metricName = rejectedCount
stat = Sum
period = 60
threshold = 50
alarmType = upper
evaluationPeriods = 5
datapointsToAlarm = 3
snsTopics = @email
";

/// The job that most faults are seeded into.
pub const JOB: &str = "sound";
/// So many other devices, so that a job goes on when its first one has ended, and is large enough to be guarded.
const IDLE: usize = 7;
const WITHIN: Duration = Duration::from_secs(60);

pub struct Stage {
    pub proxy: Proxy,
    pub cloudwatch: aws_sdk_cloudwatch::Client,
    pub dynamodb: aws_sdk_dynamodb::Client,
    pub iam: aws_sdk_iam::Client,
    pub iot: aws_sdk_iot::Client,
    pub kms: aws_sdk_kms::Client,
    pub lambda: aws_sdk_lambda::Client,
    pub sns: aws_sdk_sns::Client,
    pub sqs: aws_sdk_sqs::Client,
    devices: aws_sdk_iotjobsdataplane::Client,
    pub aws: LocalAws,
    stack: Stack,
    folder: TempDir,
    /// Policies that a test has to put back, by their role.
    policies: Mutex<BTreeMap<String, Value>>,
}

/// What the doctor said: the exit code, and each check with its result.
pub struct Examined {
    pub code: Option<i32>,
    pub checks: BTreeMap<String, Value>,
    pub stderr: String,
}

impl fmt::Debug for Examined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let notable = |check: &Value| check["result"] == "finding" || check["result"] == "unknown";
        write!(f, "exit code {:?}\n{}", self.code, self.stderr)?;
        for check in self.checks.values().filter(|check| notable(check)) {
            writeln!(f, "{} {}: {}", check["name"], check["result"], check["detail"])?;
        }
        Ok(())
    }
}

impl Examined {
    /// The checks with this result.
    pub fn with(&self, result: &str) -> BTreeSet<&str> {
        let with = self.checks.iter().filter(|(_, check)| check["result"] == result);
        with.map(|(name, _)| name.as_str()).collect()
    }

    pub fn findings(&self) -> BTreeSet<&str> {
        self.with("finding")
    }
}

impl Stage {
    /// A stack in which every part is there, whose job events are on and whose guard-keeper has spoken.
    pub async fn new(parameters: &[(&str, &str)]) -> Self {
        let stage = Self::unspoken(parameters).await;
        stage.tick().await;
        stage
    }

    /// A stack whose guard-keeper has not run yet, and runs only when the test invokes it: by its schedule it
    /// would fix what a test breaks.
    pub async fn unspoken(parameters: &[(&str, &str)]) -> Self {
        // So that what metric math is made of is shown.
        let started = Proxy::start_with_functions().await;
        let (aws, proxy) = started.unwrap_or_else(|error| panic!("{error}"));
        let stack = Stack::create(&aws, "tripline", parameters).await;
        let config = aws.config();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("dev.ini"), CONFIG).unwrap();
        let stage = Self {
            proxy,
            cloudwatch: aws_sdk_cloudwatch::Client::new(&config),
            dynamodb: aws_sdk_dynamodb::Client::new(&config),
            iam: aws_sdk_iam::Client::new(&config),
            iot: aws_sdk_iot::Client::new(&config),
            kms: aws_sdk_kms::Client::new(&config),
            lambda: aws_sdk_lambda::Client::new(&config),
            sns: aws_sdk_sns::Client::new(&config),
            sqs: aws_sdk_sqs::Client::new(&config),
            devices: aws_sdk_iotjobsdataplane::Client::new(&config),
            stack: stack.unwrap_or_else(|error| panic!("{error}")),
            aws,
            folder,
            policies: Mutex::default(),
        };
        let off = json!({"Name": stage.name("GuardKeeperScheduleArn")});
        let disabled = stage.aws.post("events", "AWSEvents.DisableRule", &off);
        disabled.unwrap_or_else(|error| panic!("{error}"));
        stage.events(true).await;
        stage
    }

    /// A minute of the guard-keeper.
    pub async fn tick(&self) -> Value {
        self.stack.keep(&self.aws).await.unwrap_or_else(|error| panic!("{error}"))
    }

    pub fn output(&self, key: &str) -> &str {
        self.stack.output(key).unwrap_or_else(|error| panic!("{error}"))
    }

    /// What stands behind the last separator of an output.
    pub fn name(&self, output: &str) -> &str {
        self.output(output).rsplit([':', '/']).next().unwrap()
    }

    pub fn config_file(&self) -> String {
        self.folder.path().join("dev.ini").display().to_string()
    }

    pub async fn tripline(&self, arguments: &[&str]) -> Ran {
        let mut program = self.proxy.tripline().unwrap_or_else(|error| panic!("{error}"));
        let ran = self.proxy.run(program.args(arguments), None).await;
        ran.unwrap_or_else(|error| panic!("{error}"))
    }

    /// `tripline doctor` with these arguments.
    pub async fn doctor(&self, arguments: &[&str]) -> Examined {
        let ran = self.tripline(&[&["doctor", "--output", "json"], arguments].concat()).await;
        let report: Value = serde_json::from_str(&ran.stdout)
            .unwrap_or_else(|error| panic!("{error}\n{}\n{}", ran.stdout, ran.stderr));
        let checks = report["checks"].as_array().unwrap().iter();
        Examined {
            code: ran.status.code(),
            checks: checks
                .map(|check| (check["name"].as_str().unwrap().to_owned(), check.clone()))
                .collect(),
            stderr: ran.stderr,
        }
    }

    pub async fn events(&self, on: bool) {
        let set = |on| Configuration::builder().enabled(on).build();
        self.iot
            .update_event_configurations()
            .event_configurations(EventType::Job, set(on))
            .event_configurations(EventType::JobExecution, set(on))
            .send()
            .await
            .unwrap();
    }

    /// A job for one device and idle ones, which is rolled out fast and ends what does not end.
    pub async fn job(&self, job: &str, with_timeout: bool) {
        let mut targets = vec![self.thing(&format!("{job}-device")).await];
        for idle in 0..IDLE {
            targets.push(self.thing(&format!("{job}-idle-{idle}")).await);
        }
        let rate = JobExecutionsRolloutConfig::builder().maximum_per_minute(1_000).build();
        let timeout = TimeoutConfig::builder().in_progress_timeout_in_minutes(75).build();
        self.iot
            .create_job()
            .job_id(job)
            .set_targets(Some(targets))
            .document("{}")
            .job_executions_rollout_config(rate)
            .set_timeout_config(with_timeout.then_some(timeout))
            .send()
            .await
            .unwrap();
    }

    /// Creates a thing, and gives its ARN.
    async fn thing(&self, name: &str) -> String {
        let thing = self.iot.create_thing().thing_name(name).send().await.unwrap();
        thing.thing_arn().unwrap().to_owned()
    }

    pub async fn job_arn(&self, job: &str) -> String {
        let described = self.iot.describe_job().job_id(job).send().await.unwrap();
        described.job.unwrap().job_arn.unwrap()
    }

    /// The job's device succeeds.
    pub async fn succeed(&self, job: &str) {
        let thing = format!("{job}-device");
        self.until("the job has reached its device", async || {
            let next = self.devices.start_next_pending_job_execution().thing_name(&thing);
            next.send().await.unwrap().execution.is_some()
        })
        .await;
        let update = self.devices.update_job_execution().job_id(job).thing_name(&thing);
        update.status(JobExecutionStatus::Succeeded).send().await.unwrap();
    }

    /// The job has the alarms of the config.
    pub async fn arm(&self, job: &str) {
        let ran = self.tripline(&["alarms", "apply", &self.config_file(), "--job-id", job]).await;
        assert_eq!(ran.status.code(), Some(0), "{}", ran.stderr);
    }

    pub async fn disarm(&self, job: &str) {
        let names = ["Failures", "Rejections"].map(|name| format!("tripline-{job}-{name}"));
        let delete = self.cloudwatch.delete_alarms().set_alarm_names(Some(names.to_vec()));
        delete.send().await.unwrap();
    }

    /// The stack's rule, as it can be put back.
    pub async fn rule(&self) -> TopicRulePayload {
        let name = self.name("JobExecutionRuleArn");
        let rule = self.iot.get_topic_rule().rule_name(name).send().await.unwrap().rule.unwrap();
        TopicRulePayload::builder()
            .sql(rule.sql().unwrap())
            .set_actions(Some(rule.actions().to_vec()))
            .set_error_action(rule.error_action().cloned())
            .set_aws_iot_sql_version(rule.aws_iot_sql_version().map(str::to_owned))
            .set_description(rule.description().map(str::to_owned))
            .rule_disabled(rule.rule_disabled().unwrap_or(false))
            .build()
            .unwrap()
    }

    pub async fn set_rule(&self, payload: TopicRulePayload) {
        let name = self.name("JobExecutionRuleArn");
        self.iot
            .replace_topic_rule()
            .rule_name(name)
            .topic_rule_payload(payload)
            .send()
            .await
            .unwrap();
    }

    pub fn keep(&self, role: &str, policy: &Value) {
        self.policies.lock().unwrap().insert(role.to_owned(), policy.clone());
    }

    pub fn kept(&self, role: &str) -> Value {
        self.policies.lock().unwrap()[role].clone()
    }

    pub async fn until(&self, what: &str, mut ask: impl AsyncFnMut() -> bool) {
        let start = Instant::now();
        while !ask().await {
            assert!(
                start.elapsed() < WITHIN,
                "{what}: not within {WITHIN:?}\n{}",
                self.aws.log_tail()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}
