//! CloudWatch as this function uses it.

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{Dimension, MetricDatum, StandardUnit};
use tripline::batch::{Datum, Request};
use tripline::metric::{DIMENSION, NAMESPACE, Unit};
use tripline_aws::{Failure, SdkConfig};

use crate::PutMetrics;

/// Publishes to CloudWatch.
#[derive(Debug)]
pub struct CloudWatch {
    client: Client,
}

impl CloudWatch {
    /// A client with these settings.
    pub fn new(config: &SdkConfig) -> Self {
        Self { client: Client::new(config) }
    }
}

impl PutMetrics for CloudWatch {
    async fn put_metrics(&self, request: &Request) -> Result<(), Failure> {
        self.client
            .put_metric_data()
            .namespace(NAMESPACE)
            .set_metric_data(Some(request.datums.iter().map(datum).collect()))
            .send()
            .await
            .map_err(|error| Failure::from_sdk("PutMetricData", &error))?;
        Ok(())
    }
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
mod tests;
