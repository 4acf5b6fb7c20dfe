//! What CloudWatch has counted lately.

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricDataResult, MetricStat};
use tripline_aws::Failure;

use super::clients::Clients;
use crate::doctor::facts::{Answer, Health, StackFacts};

const FUNCTIONS: [&str; 4] =
    ["MetricsGeneratorFunctionArn", "ForceStopperFunctionArn", "GuardKeeperFunctionArn", RUNNER];
/// There with `Releases=on`.
const RUNNER: &str = "WaveRunnerFunctionArn";
/// How far back errors are looked for.
const HOUR: i64 = 3_600;
/// How long the guard-keeper, which speaks every minute, may be silent.
const SILENCE: i64 = 600;

/// A metric with one dimension, by the minute or longer.
pub struct MetricQuery<'a> {
    pub namespace: &'a str,
    pub metric: &'a str,
    pub dimension: (&'a str, &'a str),
    pub statistic: &'a str,
    /// Seconds.
    pub period: i32,
}

impl Clients {
    /// What the functions failed at, and what the guard-keeper said.
    pub async fn get_health(&self, stack: &StackFacts, now: i64) -> Answer<Health> {
        let functions: Vec<&String> =
            FUNCTIONS.iter().filter_map(|output| stack.outputs.get(*output)).collect();
        let mut wanted = Vec::new();
        for arn in &functions {
            for metric in ["Errors", "Throttles"] {
                wanted.push(of_function(arn, metric));
            }
        }
        let unguarded = wanted.len();
        wanted.push(MetricQuery {
            namespace: "Tripline",
            metric: "unguardedJobs",
            dimension: ("StackName", &stack.name),
            statistic: "Maximum",
            period: 60,
        });
        let invocations = wanted.len();
        if let Some(runner) = stack.outputs.get(RUNNER) {
            wanted.push(of_function(runner, "Invocations"));
        }
        let found = self.get_metric_values(&wanted, now - HOUR, now + 60).await?;
        let total = |index: usize| {
            found
                .get(index)
                .map_or(0.0, |points| points.iter().fold(0.0, |sum, (_, value)| sum + value))
        };
        let by = |offset: usize| -> BTreeMap<String, f64> {
            functions
                .iter()
                .enumerate()
                .map(|(index, arn)| ((*arn).clone(), total(2 * index + offset)))
                .collect()
        };
        let lately = |index: usize| {
            found.get(index).into_iter().flatten().filter(|(at, _)| *at >= now - SILENCE)
        };
        let said = lately(unguarded);
        Ok(Health {
            errors: by(0),
            throttles: by(1),
            unguarded: said.max_by_key(|(at, _)| *at).map(|(_, value)| *value),
            runner_minutes: lately(invocations).filter(|(_, invoked)| *invoked > 0.0).count(),
        })
    }

    /// The points of metrics in a time, in the order in which they are wanted.
    pub async fn get_metric_values(
        &self,
        wanted: &[MetricQuery<'_>],
        from: i64,
        to: i64,
    ) -> Result<Vec<Vec<(i64, f64)>>, Failure> {
        let queries =
            wanted.iter().enumerate().map(|(index, wanted)| query(index, wanted)).collect();
        let mut pages = self
            .alarms
            .cloudwatch
            .get_metric_data()
            .set_metric_data_queries(Some(queries))
            .start_time(DateTime::from_secs(from))
            .end_time(DateTime::from_secs(to))
            .into_paginator()
            .send();
        let mut found: BTreeMap<String, Vec<(i64, f64)>> = BTreeMap::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| Failure::from_sdk("GetMetricData", &error))?;
            for result in page.metric_data_results() {
                found
                    .entry(result.id().unwrap_or_default().to_owned())
                    .or_default()
                    .extend(points(result));
            }
        }
        Ok((0..wanted.len()).map(|index| found.remove(&id(index)).unwrap_or_default()).collect())
    }
}

fn of_function<'a>(arn: &'a str, metric: &'a str) -> MetricQuery<'a> {
    MetricQuery {
        namespace: "AWS/Lambda",
        metric,
        dimension: ("FunctionName", arn.split(':').nth(6).unwrap_or(arn)),
        statistic: "Sum",
        period: 60,
    }
}

fn points(result: &MetricDataResult) -> impl Iterator<Item = (i64, f64)> {
    result.timestamps().iter().map(DateTime::secs).zip(result.values().iter().copied())
}

fn id(index: usize) -> String {
    format!("m{index}")
}

fn query(index: usize, wanted: &MetricQuery<'_>) -> MetricDataQuery {
    let (name, value) = wanted.dimension;
    let metric = Metric::builder()
        .namespace(wanted.namespace)
        .metric_name(wanted.metric)
        .dimensions(Dimension::builder().name(name).value(value).build())
        .build();
    let stat =
        MetricStat::builder().metric(metric).period(wanted.period).stat(wanted.statistic).build();
    MetricDataQuery::builder().id(id(index)).metric_stat(stat).build()
}
