//! CloudWatch as this function uses it.
//!
//! CloudWatch adds up whatever it takes, and has no token that would make a second request the same as the
//! first. So a request gets one long try, and is sent again only after answers that say that it was not taken.

use std::time::Duration;

use aws_sdk_cloudwatch::config::Builder;
use aws_sdk_cloudwatch::error::SdkError;
use aws_sdk_cloudwatch::operation::put_metric_data::PutMetricDataError;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{Dimension, MetricDatum, StandardUnit};
use aws_sdk_cloudwatch::{Client, config::http::HttpResponse};
use tripline::batch::{Datum, Request};
use tripline::metric::{DIMENSION, NAMESPACE, STACK_DIMENSION, STACK_NAMESPACE, Unit, stack};
use tripline_aws::protocol::InProtocol;
use tripline_aws::taken::{OnlyIfNotTaken, Taken};
use tripline_aws::{CONNECT_TIMEOUT, Failure, RetryConfig, SdkConfig, TimeoutConfig};

use crate::{NotPut, PutDoubts, PutMetrics};

/// Longest time for one try. CloudWatch usually answers within a second, and takes what it is slow to answer.
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(20);
/// Longest time for a request with all its tries: refusals are quick, and the waits between tries are at most 1 s
/// and 2 s.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(25);
/// Tries of a request, the first one included.
const ATTEMPTS: u32 = 3;
/// Most requests of one invocation: the 500 events of a batch have at most 1,500 datums.
pub const MAX_REQUESTS: u32 = 2;
/// Longest time to publish what may have been counted twice, which can wait.
pub const DOUBTS_TIMEOUT: Duration = Duration::from_secs(3);

/// Publishes to CloudWatch.
#[derive(Debug)]
pub struct CloudWatch {
    client: Client,
    /// The stack's name, as the dimension of what is said of it.
    stack: Option<String>,
}

impl CloudWatch {
    /// A client with these settings, but for a request's limits. Without the name of a stack nothing can be
    /// said of it.
    pub fn new(config: &SdkConfig, stack: Option<String>) -> Self {
        let config = Builder::from(config)
            .timeout_config(timeouts(ATTEMPT_TIMEOUT, REQUEST_TIMEOUT))
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
            .retry_classifier(OnlyIfNotTaken)
            .interceptor(InProtocol)
            .build();
        Self { client: Client::from_conf(config), stack }
    }
}

fn timeouts(attempt: Duration, operation: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(attempt)
        .operation_timeout(operation)
        .build()
}

impl PutMetrics for CloudWatch {
    async fn put_metrics(&self, request: &Request) -> Result<(), NotPut> {
        let put = self
            .client
            .put_metric_data()
            .namespace(NAMESPACE)
            .set_metric_data(Some(request.datums.iter().map(datum).collect()))
            .send()
            .await;
        put.map(drop).map_err(|error| not_put(&error))
    }
}

impl PutDoubts for CloudWatch {
    async fn put_doubts(&self, endings: u64) -> Result<(), NotPut> {
        let Some(stack) = &self.stack else { return Ok(()) };
        let doubts = MetricDatum::builder()
            .metric_name(stack::MAYBE_COUNTED_TWICE)
            .dimensions(Dimension::builder().name(STACK_DIMENSION).value(stack).build())
            .unit(StandardUnit::Count)
            // Far below what a number can hold.
            .value(endings as f64)
            .build();
        let limits = Builder::new().timeout_config(timeouts(DOUBTS_TIMEOUT, DOUBTS_TIMEOUT));
        let put = self
            .client
            .put_metric_data()
            .namespace(STACK_NAMESPACE)
            .metric_data(doubts)
            .customize()
            .config_override(limits)
            .send()
            .await;
        put.map(drop).map_err(|error| not_put(&error))
    }
}

fn not_put(error: &SdkError<PutMetricDataError, HttpResponse>) -> NotPut {
    let failure = Failure::from_sdk("PutMetricData", error);
    let taken = Taken::of(error, failure.kind);
    NotPut { failure, taken }
}

fn datum(datum: &Datum) -> MetricDatum {
    let unit = match datum.metric.unit() {
        Unit::Seconds => StandardUnit::Seconds,
        Unit::Count => StandardUnit::Count,
    };
    let (values, counts) = datum.values.iter().map(|(v, count)| (*v, f64::from(*count))).unzip();
    MetricDatum::builder()
        .metric_name(datum.metric.name())
        .dimensions(Dimension::builder().name(DIMENSION).value(datum.job.as_str()).build())
        .timestamp(DateTime::from_secs(datum.at.seconds()))
        .unit(unit)
        .set_values(Some(values))
        .set_counts(Some(counts))
        .build()
}

#[cfg(test)]
pub(crate) mod front;
#[cfg(test)]
mod tests;
