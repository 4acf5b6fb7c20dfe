//! A stack behind a proxy, and all that a drill could leave.

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use aws_sdk_iot::types::{Configuration, EventType};
use serde_json::{Value, json};
use tripline_tests::Result;
use tripline_tests::local_aws::LocalAws;
use tripline_tests::proxy::{Call, Proxy, Ran};
use tripline_tests::stack::Stack;
use tripline_tests::wire::Answer;

pub const PREFIX: &str = "tripline-drill-";

pub struct Stage {
    pub proxy: Proxy,
    pub aws: Arc<LocalAws>,
    pub stack: Stack,
    /// Sees what the functions call, and whether they may.
    _functions: Proxy,
    pub cloudwatch: aws_sdk_cloudwatch::Client,
    pub dynamodb: aws_sdk_dynamodb::Client,
    pub iot: aws_sdk_iot::Client,
    pub sns: aws_sdk_sns::Client,
    pub sqs: aws_sdk_sqs::Client,
}

impl Stage {
    /// A stack, and job events that are on.
    pub async fn new(parameters: &[(&str, &str)]) -> Self {
        let (aws, functions) = must(Proxy::start_with_functions().await);
        let stack = must(Stack::create(&aws, "tripline", parameters).await);
        let config = aws.config();
        let stage = Self {
            _functions: functions,
            proxy: must(Proxy::start(&aws)),
            cloudwatch: aws_sdk_cloudwatch::Client::new(&config),
            dynamodb: aws_sdk_dynamodb::Client::new(&config),
            iot: aws_sdk_iot::Client::new(&config),
            sns: aws_sdk_sns::Client::new(&config),
            sqs: aws_sdk_sqs::Client::new(&config),
            stack,
            aws: Arc::new(aws),
        };
        stage.job_events(true).await;
        stage
    }

    pub async fn job_events(&self, enabled: bool) {
        let mut update = self.iot.update_event_configurations();
        for event in [EventType::Job, EventType::JobExecution] {
            let configuration = Configuration::builder().enabled(enabled).build();
            update = update.event_configurations(event, configuration);
        }
        update.send().await.unwrap();
    }

    pub fn output(&self, key: &str) -> &str {
        must(self.stack.output(key))
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut program = must(self.proxy.tripline());
        program.arg("drill").args(arguments);
        program
    }

    pub async fn drill(&self, arguments: &[&str]) -> Ran {
        must(self.proxy.run(&mut self.command(arguments), None).await)
    }

    /// Does something when the first call of this kind comes, before it is carried out.
    pub fn when(
        &self,
        is_meant: impl Fn(&Call) -> bool + Send + 'static,
        act: impl FnOnce(&LocalAws, &Call) + Send + 'static,
    ) {
        let (aws, act) = (self.aws.clone(), std::sync::Mutex::new(Some(act)));
        let comes = move |call: &Call| {
            if is_meant(call)
                && let Some(act) = act.lock().unwrap().take()
            {
                act(&aws, call);
            }
            false
        };
        self.proxy.fail_next(comes, 500, "Never", 1);
    }

    /// Everything of the account that a drill could make or change.
    pub async fn inventory(&self) -> BTreeSet<String> {
        let mut all = BTreeSet::new();
        let things = self.iot.list_things().send().await.unwrap().things.unwrap_or_default();
        all.extend(things.into_iter().map(|thing| format!("{thing:?}")));
        let jobs = self.iot.list_jobs().send().await.unwrap().jobs.unwrap_or_default();
        all.extend(jobs.into_iter().map(|job| format!("{job:?}")));
        let alarms = self.cloudwatch.describe_alarms().send().await.unwrap().metric_alarms;
        all.extend(alarms.unwrap_or_default().into_iter().map(|alarm| {
            // Others' state changes by itself.
            format!("alarm {:?} {:?}", alarm.alarm_name, alarm.alarm_actions)
        }));
        let queues = self.sqs.list_queues().send().await.unwrap().queue_urls.unwrap_or_default();
        all.extend(queues);
        let subscriptions = self.sns.list_subscriptions().send().await.unwrap().subscriptions;
        all.extend(subscriptions.unwrap_or_default().into_iter().map(|s| format!("{s:?}")));
        let topics = self.sns.list_topics().send().await.unwrap().topics.unwrap_or_default();
        all.extend(topics.into_iter().map(|topic| format!("{topic:?}")));
        let rules = self.iot.list_topic_rules().send().await.unwrap().rules.unwrap_or_default();
        all.extend(rules.into_iter().map(|rule| format!("{rule:?}")));
        // What jobs were armed with; the guard-keeper's own notes are in there too.
        let scan = self.dynamodb.scan().table_name(self.output("GuardsTableName"));
        let items = scan.send().await.unwrap().items.unwrap_or_default().into_iter();
        let configs = items.filter(|item| item.contains_key("config"));
        all.extend(configs.map(|item| format!("config of {:?}", item["jobId"])));
        all
    }

    /// Has the guard-keeper do its minute when the first call of this kind comes, before it is carried
    /// out; what it said of it.
    pub fn tick_at(&self, operation: &'static str) -> Arc<OnceLock<Value>> {
        let said = Arc::new(OnceLock::new());
        let (of, keeper) = (said.clone(), self.output("GuardKeeperFunctionArn").to_owned());
        self.when(
            move |call| call.operation == operation,
            move |aws, _| of.set(tick(aws, &keeper)).unwrap(),
        );
        said
    }

    /// A minute of the guard-keeper.
    pub async fn tick(&self) -> Value {
        must(self.stack.keep(&self.aws).await)
    }
}

/// The schedule may have it at work; then it is asked again.
fn tick(aws: &LocalAws, keeper: &str) -> Value {
    let keeper = keeper.rsplit(':').next().unwrap();
    let begun = Instant::now();
    loop {
        match aws.invoke(keeper, &json!({})) {
            Ok(Answer::Returned(summary)) => return summary,
            Ok(failed) => panic!("{failed:?}"),
            Err(error) => {
                let busy = error.0.contains("429") || error.0.contains("TooManyRequests");
                assert!(busy && begun.elapsed() < Duration::from_secs(60), "{error}");
            }
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// The name of a drill, from anything that names its things.
pub fn name_in(text: &str) -> Option<String> {
    let at = text.find(PREFIX)?;
    text.get(at..at + PREFIX.len() + 12).map(str::to_owned)
}

pub fn json_of(ran: &Ran) -> Value {
    let parsed = serde_json::from_str(&ran.stdout);
    parsed.unwrap_or_else(|error| panic!("{error}\n{}\n{}", ran.stdout, ran.stderr))
}

/// The results of the steps, in their order.
pub fn results(ran: &Ran) -> Vec<String> {
    let json = json_of(ran);
    let steps = json["steps"].as_array().unwrap().iter();
    steps.map(|step| step["result"].as_str().unwrap().to_owned()).collect()
}

/// What a harness gives, or its own words about why not.
pub fn must<T>(result: Result<T>) -> T {
    result.unwrap_or_else(|error| panic!("{error}"))
}

pub fn assert_ended(ran: &Ran, code: i32) {
    assert_eq!(ran.status.code(), Some(code), "{}\n{}", ran.stdout, ran.stderr);
}
