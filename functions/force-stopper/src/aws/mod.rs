//! AWS as this function uses it: one file a service.

mod cloudwatch;
mod dynamodb;
mod iot;
mod sns;

use std::time::{Duration, SystemTime};

use aws_sdk_cloudwatch::operation::describe_alarm_history::DescribeAlarmHistoryError;
use aws_sdk_cloudwatch::operation::describe_alarms::DescribeAlarmsError;
use aws_sdk_dynamodb::operation::get_item::GetItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_iot::config::retry::{RetryConfig, RetryPartition, TokenBucket};
use aws_sdk_iot::operation::cancel_job::CancelJobError;
use aws_sdk_iot::operation::describe_job::DescribeJobError;
use tripline::metric::stack::REFUSED_ALARMS;
use tripline::metric::{STACK_DIMENSION, STACK_NAMESPACE};
use tripline::time::Timestamp;
use tripline_aws::SdkConfig;
use tripline_aws::answer::UntilAnswered;
use tripline_aws::protocol::InProtocol;

use crate::ask::Surroundings;
use crate::settings::Settings;

/// More tries than fit any of the time limits, which are what ends them. (The SDK adds up the waits
/// between all of them before each call, so it is no larger.)
const ATTEMPTS: u32 = 200;

/// The clients.
#[derive(Debug)]
pub struct Aws {
    cloudwatch: aws_sdk_cloudwatch::Client,
    dynamodb: aws_sdk_dynamodb::Client,
    iot: aws_sdk_iot::Client,
    sns: aws_sdk_sns::Client,
    settings: Settings,
}

impl Aws {
    /// Clients with these settings.
    ///
    /// Those of CloudWatch, AWS IoT and DynamoDB try until they are answered or out of time. The SDK's own
    /// budget for retries is shared by all calls of an environment, and once other calls have used
    /// it up a stop would be tried once.
    pub fn new(config: &SdkConfig, settings: &Settings) -> Self {
        let retries = || {
            RetryConfig::standard()
                .with_max_attempts(ATTEMPTS)
                .with_initial_backoff(Duration::from_millis(300))
                .with_max_backoff(Duration::from_secs(3))
        };
        let partition = RetryPartition::custom("stop").token_bucket(TokenBucket::unlimited());
        let partition = partition.build();
        let cloudwatch = aws_sdk_cloudwatch::config::Builder::from(config)
            .retry_config(retries())
            .retry_partition(partition.clone())
            .retry_classifier(UntilAnswered::<DescribeAlarmsError>::new())
            .retry_classifier(UntilAnswered::<DescribeAlarmHistoryError>::new())
            .interceptor(InProtocol);
        // It has the evidence that a stop is on, and before an unverified one it counts how many there were.
        let dynamodb = aws_sdk_dynamodb::config::Builder::from(config)
            .retry_config(retries())
            .retry_partition(partition.clone())
            .retry_classifier(UntilAnswered::<GetItemError>::new())
            .retry_classifier(UntilAnswered::<UpdateItemError>::new());
        let iot = aws_sdk_iot::config::Builder::from(config)
            .retry_config(retries())
            .retry_partition(partition)
            .retry_classifier(UntilAnswered::<DescribeJobError>::new())
            .retry_classifier(UntilAnswered::<CancelJobError>::new());
        Self {
            cloudwatch: aws_sdk_cloudwatch::Client::from_conf(cloudwatch.build()),
            dynamodb: aws_sdk_dynamodb::Client::from_conf(dynamodb.build()),
            iot: aws_sdk_iot::Client::from_conf(iot.build()),
            sns: aws_sdk_sns::Client::new(config),
            settings: settings.clone(),
        }
    }
}

impl Surroundings for Aws {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_seconds(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
    }

    /// As a line of the log in CloudWatch's embedded metric format: it takes neither a call, which
    /// could fail, nor a right.
    fn count_refusal(&self) {
        println!("{}", embedded_metric(&self.settings.stack, self.now()));
    }
}

fn embedded_metric(stack: &str, now: Timestamp) -> String {
    serde_json::json!({
        "_aws": {
            "Timestamp": now.seconds().saturating_mul(1_000),
            "CloudWatchMetrics": [{
                "Namespace": STACK_NAMESPACE,
                "Dimensions": [[STACK_DIMENSION]],
                "Metrics": [{ "Name": REFUSED_ALARMS, "Unit": "Count" }],
            }],
        },
        STACK_DIMENSION: stack,
        REFUSED_ALARMS: 1,
    })
    .to_string()
}

#[cfg(test)]
mod evidence_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod wire_tests;
