//! A small AWS in memory behind the real clients: alarms with tags, job events, one stack, one job.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use aws_sdk_cloudformation::operation::describe_stacks::{
    DescribeStacksError, DescribeStacksOutput,
};
use aws_sdk_cloudformation::types::{Output, Stack, StackStatus};
use aws_sdk_cloudwatch::operation::delete_alarms::DeleteAlarmsOutput;
use aws_sdk_cloudwatch::operation::describe_alarms::DescribeAlarmsOutput;
use aws_sdk_cloudwatch::operation::list_tags_for_resource::ListTagsForResourceOutput;
use aws_sdk_cloudwatch::operation::put_metric_alarm::{
    PutMetricAlarmError, PutMetricAlarmInput, PutMetricAlarmOutput,
};
use aws_sdk_cloudwatch::operation::tag_resource::TagResourceOutput;
use aws_sdk_cloudwatch::types::error::LimitExceededFault;
use aws_sdk_cloudwatch::types::{CompositeAlarm, MetricAlarm, StateValue, Tag};
use aws_sdk_dynamodb::operation::delete_item::DeleteItemOutput;
use aws_sdk_dynamodb::operation::put_item::PutItemOutput;
use aws_sdk_iot::operation::describe_event_configurations::DescribeEventConfigurationsOutput;
use aws_sdk_iot::operation::describe_job::{DescribeJobError, DescribeJobOutput};
use aws_sdk_iot::operation::update_event_configurations::UpdateEventConfigurationsOutput;
use aws_sdk_iot::types::error::ResourceNotFoundException;
use aws_sdk_iot::types::{Configuration, EventType, Job, JobStatus};
use aws_sdk_sns::operation::list_subscriptions_by_topic::ListSubscriptionsByTopicOutput;
use aws_sdk_sns::types::Subscription;
use aws_smithy_mocks::{MockResponse, Rule, RuleMode, mock, mock_client};

use crate::aws::clients::Aws;

pub const EMAIL: &str = "arn:aws:sns:us-east-1:111122223333:email";
pub const FORCE_STOP: &str = "arn:aws:sns:us-east-1:111122223333:force-stop";

/// What the fake AWS holds, and what it was asked to change.
#[derive(Debug, Default)]
pub struct World {
    pub alarms: BTreeMap<String, MetricAlarm>,
    pub composite: Vec<String>,
    pub tags: BTreeMap<String, BTreeMap<String, String>>,
    pub events: BTreeMap<String, bool>,
    /// The configs that the stack's table keeps, by job.
    pub kept: BTreeMap<String, String>,
    pub stack: Option<&'static str>,
    pub outputs: Vec<(&'static str, &'static str)>,
    pub job: Option<JobStatus>,
    /// Topic, protocol, endpoint and ARN of each subscription.
    pub subscriptions: Vec<[&'static str; 4]>,
    /// The calls that change something, in their order.
    pub changes: Vec<String>,
    /// `PutMetricAlarm` of this name fails.
    pub refused: Option<String>,
    /// New alarms have no actions, as if somebody else took them away.
    pub forgets_actions: bool,
}

#[derive(Debug, Clone, Default)]
pub struct FakeAws(Arc<Mutex<World>>);

impl FakeAws {
    /// A stack, job events enabled, no alarms, no job.
    pub fn new() -> Self {
        let fake = Self::default();
        let mut world = fake.world();
        world.stack = Some("CREATE_COMPLETE");
        world.outputs = vec![
            ("StopMode", "cancel"),
            ("EmailTopicArn", EMAIL),
            ("GuardKeeperFunctionArn", "arn:aws:lambda:us-east-1:111122223333:function:keeper"),
            ("GuardsTableName", "guards"),
            ("ForceStopTopicArn", FORCE_STOP),
        ];
        // The force-stopper's is on the second page.
        world.subscriptions = vec![
            [FORCE_STOP, "sqs", "arn:aws:sqs:us-east-1:111122223333:log", "arn:log"],
            [FORCE_STOP, "lambda", "arn:aws:lambda:us-east-1:111122223333:function:f", "arn:f"],
            [EMAIL, "email", "ops@example.com", "arn:ops"],
        ];
        for event in ["JOB", "JOB_EXECUTION", "THING"] {
            world.events.insert(event.to_owned(), event != "THING");
        }
        drop(world);
        fake
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap()
    }

    /// What was changed since the last look.
    pub fn changes(&self) -> Vec<String> {
        std::mem::take(&mut self.world().changes)
    }

    pub fn set_state(&self, name: &str, state: StateValue) {
        self.world().alarms.get_mut(name).unwrap().state_value = Some(state);
    }

    pub fn aws(&self) -> Aws {
        let cloudwatch =
            [self.describes(), self.puts(), self.lists_tags(), self.tags(), self.deletes()];
        let iot = [self.describes_events(), self.updates_events(), self.describes_job()];
        let stacks = [self.describes_stacks()];
        let topics = [self.lists_subscriptions()];
        let tables = [self.keeps(), self.forgets()];
        Aws {
            region: "us-east-1".to_owned(),
            cloudwatch: mock_client!(aws_sdk_cloudwatch, RuleMode::MatchAny, &cloudwatch),
            dynamodb: mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, &tables),
            iot: mock_client!(aws_sdk_iot, RuleMode::MatchAny, &iot),
            cloudformation: mock_client!(aws_sdk_cloudformation, RuleMode::MatchAny, &stacks),
            sns: mock_client!(aws_sdk_sns, RuleMode::MatchAny, &topics),
        }
    }

    fn keeps(&self) -> Rule {
        let fake = self.clone();
        mock!(aws_sdk_dynamodb::Client::put_item).then_compute_output(move |input| {
            assert_eq!(input.table_name(), Some("guards"));
            let item = input.item().unwrap();
            assert!(item["armedAt"].as_n().unwrap().parse::<i64>().unwrap() > 0);
            let text = |key: &str| item[key].as_s().unwrap().clone();
            fake.world().kept.insert(text("jobId"), text("config"));
            PutItemOutput::builder().build()
        })
    }

    fn forgets(&self) -> Rule {
        let fake = self.clone();
        mock!(aws_sdk_dynamodb::Client::delete_item).then_compute_output(move |input| {
            assert_eq!(input.table_name(), Some("guards"));
            fake.world().kept.remove(input.key().unwrap()["jobId"].as_s().unwrap());
            DeleteItemOutput::builder().build()
        })
    }

    /// In pages of two alarms.
    fn describes(&self) -> Rule {
        let fake = self.clone();
        mock!(aws_sdk_cloudwatch::Client::describe_alarms).then_compute_output(move |input| {
            let world = fake.world();
            let prefix = input.alarm_name_prefix().unwrap();
            let from: usize = input.next_token().map_or(0, |token| token.parse().unwrap());
            let all: Vec<_> = world
                .alarms
                .values()
                .filter(|alarm| alarm.alarm_name().unwrap().starts_with(prefix))
                .collect();
            let page = all.iter().skip(from).take(2).map(|alarm| (*alarm).clone()).collect();
            let composite = world
                .composite
                .iter()
                .map(|name| CompositeAlarm::builder().alarm_name(name).build());
            DescribeAlarmsOutput::builder()
                .set_metric_alarms(Some(page))
                .set_composite_alarms(Some(composite.collect()))
                .set_next_token((from + 2 < all.len()).then(|| (from + 2).to_string()))
                .build()
        })
    }

    fn puts(&self) -> Rule {
        let fake = self.clone();
        mock!(aws_sdk_cloudwatch::Client::put_metric_alarm).then_compute_response(move |input| {
            let mut world = fake.world();
            let name = input.alarm_name().unwrap().to_owned();
            if world.refused.as_ref() == Some(&name) {
                let fault = LimitExceededFault::builder().message("no more alarms").build();
                return MockResponse::Error(PutMetricAlarmError::LimitExceededFault(fault));
            }
            let arn = arn(&name);
            // As CloudWatch does: tags count on creation only, and the state is kept.
            let before = world.alarms.get(&name).map(|alarm| alarm.state_value.clone());
            if before.is_none() {
                let tags = input.tags().iter().map(pair).collect();
                world.tags.insert(arn.clone(), tags);
            }
            let mut alarm = alarm_of(input);
            alarm.alarm_arn = Some(arn);
            alarm.state_value = before.unwrap_or(Some(StateValue::InsufficientData));
            if world.forgets_actions {
                alarm.alarm_actions = None;
            }
            world.alarms.insert(name.clone(), alarm);
            world.changes.push(format!("put {name}"));
            MockResponse::Output(PutMetricAlarmOutput::builder().build())
        })
    }

    fn lists_tags(&self) -> Rule {
        let fake = self.clone();
        mock!(aws_sdk_cloudwatch::Client::list_tags_for_resource).then_compute_output(
            move |input| {
                let world = fake.world();
                let tags = world.tags.get(input.resource_arn().unwrap()).into_iter().flatten();
                let tags = tags.map(|(key, value)| Tag::builder().key(key).value(value).build());
                ListTagsForResourceOutput::builder().set_tags(Some(tags.collect())).build()
            },
        )
    }

    fn tags(&self) -> Rule {
        let fake = self.clone();
        mock!(aws_sdk_cloudwatch::Client::tag_resource).then_compute_output(move |input| {
            let arn = input.resource_arn().unwrap().to_owned();
            let mut world = fake.world();
            world.changes.push(format!("tag {}", arn.rsplit(':').next().unwrap()));
            world.tags.entry(arn).or_default().extend(input.tags().iter().map(pair));
            TagResourceOutput::builder().build()
        })
    }

    fn deletes(&self) -> Rule {
        let fake = self.clone();
        mock!(aws_sdk_cloudwatch::Client::delete_alarms).then_compute_output(move |input| {
            let mut world = fake.world();
            assert!((1..=100).contains(&input.alarm_names().len()));
            for name in input.alarm_names() {
                world.alarms.remove(name).unwrap();
            }
            world.changes.push(format!("delete {}", input.alarm_names().join(" ")));
            DeleteAlarmsOutput::builder().build()
        })
    }

    fn describes_events(&self) -> Rule {
        let fake = self.clone();
        mock!(aws_sdk_iot::Client::describe_event_configurations).then_compute_output(move |_| {
            let mut output = DescribeEventConfigurationsOutput::builder();
            for (event, enabled) in &fake.world().events {
                let configuration = Configuration::builder().enabled(*enabled).build();
                output =
                    output.event_configurations(EventType::from(event.as_str()), configuration);
            }
            output.build()
        })
    }

    fn updates_events(&self) -> Rule {
        let fake = self.clone();
        mock!(aws_sdk_iot::Client::update_event_configurations).then_compute_output(move |input| {
            let mut world = fake.world();
            for (event, configuration) in input.event_configurations().unwrap() {
                world.events.insert(event.as_str().to_owned(), configuration.enabled());
            }
            world.changes.push("update events".to_owned());
            UpdateEventConfigurationsOutput::builder().build()
        })
    }

    fn describes_job(&self) -> Rule {
        let fake = self.clone();
        mock!(aws_sdk_iot::Client::describe_job).then_compute_response(move |_| {
            match fake.world().job.clone() {
                Some(status) => {
                    let job = Job::builder().status(status).build();
                    MockResponse::Output(DescribeJobOutput::builder().job(job).build())
                }
                None => {
                    let meta = aws_sdk_iot::error::ErrorMetadata::builder()
                        .code("ResourceNotFoundException")
                        .build();
                    let error = ResourceNotFoundException::builder().meta(meta).build();
                    MockResponse::Error(DescribeJobError::ResourceNotFoundException(error))
                }
            }
        })
    }

    /// One on a page.
    fn lists_subscriptions(&self) -> Rule {
        let fake = self.clone();
        mock!(aws_sdk_sns::Client::list_subscriptions_by_topic).then_compute_output(move |input| {
            let world = fake.world();
            let topic = input.topic_arn().unwrap();
            let from: usize = input.next_token().map_or(0, |token| token.parse().unwrap());
            let all = world.subscriptions.iter().filter(|[of, ..]| *of == topic);
            let mut rest = all.skip(from).map(|[_, protocol, endpoint, arn]| {
                Subscription::builder()
                    .protocol(*protocol)
                    .endpoint(*endpoint)
                    .subscription_arn(*arn)
                    .build()
            });
            ListSubscriptionsByTopicOutput::builder()
                .set_subscriptions(Some(rest.next().into_iter().collect()))
                .set_next_token(rest.next().map(|_| (from + 1).to_string()))
                .build()
        })
    }

    fn describes_stacks(&self) -> Rule {
        let fake = self.clone();
        mock!(aws_sdk_cloudformation::Client::describe_stacks).then_compute_response(move |input| {
            let world = fake.world();
            let name = input.stack_name().unwrap();
            let Some(status) = world.stack else {
                let meta = aws_sdk_cloudformation::error::ErrorMetadata::builder()
                    .code("ValidationError")
                    .message(format!("Stack with id {name} does not exist"))
                    .build();
                return MockResponse::Error(DescribeStacksError::generic(meta));
            };
            let outputs = world.outputs.iter();
            let outputs = outputs.map(|(key, value)| {
                Output::builder().output_key(*key).output_value(*value).build()
            });
            let stack = Stack::builder()
                .stack_name(name)
                .stack_status(StackStatus::from(status))
                .set_outputs(Some(outputs.collect()))
                .build();
            MockResponse::Output(DescribeStacksOutput::builder().stacks(stack).build())
        })
    }
}

fn arn(name: &str) -> String {
    format!("arn:aws:cloudwatch:us-east-1:111122223333:alarm:{name}")
}

fn pair(tag: &Tag) -> (String, String) {
    (tag.key().unwrap().to_owned(), tag.value().unwrap().to_owned())
}

fn alarm_of(input: &PutMetricAlarmInput) -> MetricAlarm {
    let mut alarm = MetricAlarm::builder().build();
    alarm.alarm_name.clone_from(&input.alarm_name);
    alarm.alarm_description.clone_from(&input.alarm_description);
    alarm.actions_enabled = input.actions_enabled;
    alarm.alarm_actions.clone_from(&input.alarm_actions);
    alarm.namespace.clone_from(&input.namespace);
    alarm.metric_name.clone_from(&input.metric_name);
    alarm.dimensions.clone_from(&input.dimensions);
    alarm.statistic.clone_from(&input.statistic);
    alarm.extended_statistic.clone_from(&input.extended_statistic);
    alarm.period = input.period;
    alarm.evaluation_periods = input.evaluation_periods;
    alarm.datapoints_to_alarm = input.datapoints_to_alarm;
    alarm.threshold = input.threshold;
    alarm.comparison_operator.clone_from(&input.comparison_operator);
    alarm.treat_missing_data.clone_from(&input.treat_missing_data);
    alarm.metrics.clone_from(&input.metrics);
    alarm
}
