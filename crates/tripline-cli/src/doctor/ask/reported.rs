//! What was counted of a job, and what devices report in place of what nobody reports.

use std::collections::BTreeMap;

use aws_sdk_iot::types::{Job, JobExecutionStatus};
use tripline::detail::Detail;
use tripline::job::JobId;
use tripline::metric::{DIMENSION, Metric, NAMESPACE, Outcome};
use tripline::text::excerpt;
use tripline_aws::Failure;

use super::clients::Clients;
use super::health::MetricQuery;
use crate::doctor::facts::{Answer, Counted, Misspelled};

/// Points of a period longer than a minute: an hour's, which CloudWatch keeps for 455 days.
const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
/// How a device's part of a job ends by itself.
const ENDS: [Outcome; 4] =
    [Outcome::Succeeded, Outcome::Failed, Outcome::Rejected, Outcome::TimedOut];
/// How many executions are looked at for a misspelled key: devices of one firmware spell alike.
const LOOKED_AT: i32 = 2;

/// Whether a detail has no value though devices succeeded.
pub fn is_silent(counted: &Counted) -> bool {
    let silent = |detail: &Detail| counted.samples.get(detail).is_none_or(|samples| *samples == 0);
    counted.succeeded > 0 && Detail::ALL.iter().any(silent)
}

impl Clients {
    /// What was counted of a job since it was created.
    pub async fn count_executions(&self, id: &JobId, job: &Job, now: i64) -> Answer<Counted> {
        let created = job.created_at().map_or(now - DAY, |at| at.secs());
        // Values come under the time of the event, in whole minutes.
        let from = (created - 60).div_euclid(HOUR) * HOUR;
        let period = if now - from > DAY { HOUR } else { 60 };
        let of = |metric: Metric, statistic| MetricQuery {
            namespace: NAMESPACE,
            metric: metric.name(),
            dimension: (DIMENSION, id.as_str()),
            statistic,
            period: i32::try_from(period).unwrap_or(60),
        };
        let ends = ENDS.map(|outcome| of(Metric::Count(outcome), "Sum"));
        let details = Detail::ALL.map(|detail| of(detail.metric(), "SampleCount"));
        let mut wanted: Vec<MetricQuery<'_>> = ends.into_iter().chain(details).collect();
        wanted.push(of(Metric::InvalidDetailCount, "Sum"));
        let found = self.get_metric_values(&wanted, from, now + 60).await?;
        let mut totals = found.iter().map(|points| total(points));
        let ends: Vec<u64> = totals.by_ref().take(ENDS.len()).collect();
        let samples = Detail::ALL.into_iter().zip(totals.by_ref()).collect();
        Ok(Counted {
            ended: ends.iter().sum(),
            succeeded: ends.first().copied().unwrap_or(0),
            samples,
            invalid: totals.next().unwrap_or(0),
        })
    }

    /// Looks for misspelled keys in one or two executions that succeeded.
    pub async fn look_for_misspelled(&self, id: &JobId) -> Answer<BTreeMap<Detail, Misspelled>> {
        let iot = &self.alarms.iot;
        let listed = iot
            .list_job_executions_for_job()
            .job_id(id.as_str())
            .status(JobExecutionStatus::Succeeded)
            .max_results(LOOKED_AT)
            .send()
            .await
            .map_err(|error| Failure::from_sdk("ListJobExecutionsForJob", &error))?;
        let things = listed.execution_summaries().iter().filter_map(|summary| {
            let (_, thing) = summary.thing_arn()?.split_once(":thing/")?;
            Some(thing)
        });
        let mut found = BTreeMap::new();
        for thing in things.take(usize::try_from(LOOKED_AT).unwrap_or(1)) {
            let described = iot
                .describe_job_execution()
                .job_id(id.as_str())
                .thing_name(thing)
                .send()
                .await
                .map_err(|error| Failure::from_sdk("DescribeJobExecution", &error))?;
            let details = described.execution().and_then(|execution| execution.status_details());
            let Some(details) = details.and_then(|details| details.details_map()) else { continue };
            for key in details.keys() {
                // Beside the right key it is nothing.
                let meant = Detail::misspelled(key).filter(|d| !details.contains_key(d.name()));
                let Some(meant) = meant else { continue };
                let misspelled = Misspelled { key: excerpt(key), thing: thing.to_owned() };
                found.entry(meant).or_insert(misspelled);
            }
        }
        Ok(found)
    }
}

/// The sum of points; CloudWatch counts in fractions that are whole.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn total(points: &[(i64, f64)]) -> u64 {
    points.iter().fold(0.0, |sum, (_, value)| sum + value).round() as u64
}
