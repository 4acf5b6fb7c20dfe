//! What an alarm can ever see: the least and the most of what it watches. A threshold beyond that is none.

use aws_sdk_cloudwatch::types::MetricAlarm;
use tripline::alarm::{Limit, MissingData, Statistic};
use tripline::job::JobId;
use tripline::metric::{DownloadTime, KeptMetric, Metric, NAMESPACE, RetryCount};

use crate::definition::{Watch, failure_rate_of};
use crate::desired::GuardAlarm;
use crate::request::{SAMPLES, VALUE};

/// The most of a value, either way: CloudWatch takes none beyond 2^360 (`PutMetricData`).
const MOST: f64 = 2.348_542_582_773_833_2e108;
/// More executions than a job ever has, and more samples than a period: AWS IoT creates 1,000 a minute,
/// and keeps a job for 730 days. In number.
const MOST_EXECUTIONS: f64 = 4_294_967_295.0;

/// From the least to the most.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Range {
    least: f64,
    most: f64,
}

impl Range {
    /// Whatever it is: sums too.
    const ANY: Self = Self { least: -MOST * MOST_EXECUTIONS, most: MOST * MOST_EXECUTIONS };
    /// In percent.
    const SHARE: Self = Self::up_to(100.0);

    const fn up_to(most: f64) -> Self {
        Self { least: 0.0, most }
    }

    /// Of what an alarm watches. Of metric math that is not Tripline's nothing is known.
    fn of(alarm: &MetricAlarm, job: &JobId) -> Self {
        if failure_rate_of(alarm, job).is_some() {
            return Self::SHARE;
        }
        let watch = Watch::from_alarm(alarm).filter(|_| shows_the_value_itself(alarm));
        watch.map_or(Self::ANY, |watch| Self::of_watch(&watch))
    }

    fn of_watch(watch: &Watch) -> Self {
        let one = match watch.namespace == NAMESPACE {
            true => most_of_one(&watch.metric).map(Self::up_to),
            false => None,
        };
        let one = one.unwrap_or(Self { least: -MOST, most: MOST });
        match Statistic::parse(&watch.statistic) {
            Some(Statistic::SampleCount) => Self::up_to(MOST_EXECUTIONS),
            Some(Statistic::Sum) => {
                Self { least: one.least * MOST_EXECUTIONS, most: one.most * MOST_EXECUTIONS }
            }
            Some(_) => one,
            // One that no config has, such as a trimmed sum.
            None => Self::ANY,
        }
    }
}

/// The most that a single sample of a metric of Tripline's is; `None` if there is no such metric.
fn most_of_one(metric: &str) -> Option<f64> {
    if KeptMetric::ALL.iter().any(|kept| kept.name() == metric) {
        return Some(MOST_EXECUTIONS);
    }
    Metric::ALL.iter().find(|known| known.name() == metric).map(|metric| match metric {
        Metric::DownloadTime => DownloadTime::MAX,
        Metric::RetryCount => f64::from(RetryCount::MAX),
        // One for each execution, or detail.
        Metric::Count(_) | Metric::InvalidDetailCount => 1.0,
    })
}

/// Whether what is compared with the threshold is a statistic as it is, at most from a number of samples on.
fn shows_the_value_itself(alarm: &MetricAlarm) -> bool {
    let mut expressions = alarm.metrics().iter().filter_map(|query| query.expression());
    expressions.all(|expression| {
        let samples = expression
            .strip_prefix("IF(")
            .and_then(|rest| rest.strip_prefix(SAMPLES)?.strip_prefix(" >= "))
            .and_then(|rest| rest.strip_suffix(')')?.strip_suffix(VALUE)?.strip_suffix(", "));
        samples.is_some_and(|samples| samples.parse::<u32>().is_ok())
    })
}

/// Whether an alarm's threshold is one that what it watches never crosses.
pub(crate) fn never_fires(alarm: &MetricAlarm, job: &JobId) -> bool {
    use aws_sdk_cloudwatch::types::ComparisonOperator as Is;
    let Some(threshold) = alarm.threshold() else { return false };
    if alarm.treat_missing_data() == Some(MissingData::Breaching.name()) {
        return false;
    }
    let Range { least, most } = Range::of(alarm, job);
    match alarm.comparison_operator() {
        Some(Is::GreaterThanThreshold) => threshold >= most,
        Some(Is::GreaterThanOrEqualToThreshold) => threshold > most,
        Some(Is::LessThanThreshold) => threshold <= least,
        Some(Is::LessThanOrEqualToThreshold) => threshold < least,
        _ => false,
    }
}

/// The same of an alarm that is to be there.
pub(crate) fn would_never_fire(alarm: &GuardAlarm) -> bool {
    let alarm = match alarm {
        GuardAlarm::FailureRate(alarm) => return alarm.limit >= Range::SHARE.most,
        GuardAlarm::Config(alarm) => alarm,
    };
    if alarm.missing_data == MissingData::Breaching {
        return false;
    }
    let Range { least, most } = Range::of_watch(&Watch::from(alarm));
    match alarm.limit {
        Limit::Upper => alarm.threshold >= most,
        Limit::Lower => alarm.threshold <= least,
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudwatch::types::{ComparisonOperator, Statistic as Plain};

    use super::*;
    use crate::desired::DefaultGuard;
    use crate::request::request_for;
    use crate::testing::shown;

    fn job() -> JobId {
        JobId::new("fw-2-1").unwrap()
    }

    fn default_guard() -> [MetricAlarm; 2] {
        let guard = DefaultGuard::new(Vec::new(), |_| None).unwrap().alarms(1_000);
        let alarms: [GuardAlarm; 2] = guard.try_into().unwrap();
        alarms.map(|alarm| shown(&request_for(&alarm, &job(), &[])))
    }

    fn never(alarm: &MetricAlarm, sign: &str, threshold: f64) -> bool {
        let mut alarm = alarm.clone();
        alarm.threshold = Some(threshold);
        alarm.comparison_operator = Some(match sign {
            ">" => ComparisonOperator::GreaterThanThreshold,
            ">=" => ComparisonOperator::GreaterThanOrEqualToThreshold,
            "<" => ComparisonOperator::LessThanThreshold,
            _ => ComparisonOperator::LessThanOrEqualToThreshold,
        });
        never_fires(&alarm, &job())
    }

    #[test]
    fn a_default_guard_beyond_what_is_published_never_fires() {
        let [downloads, failures] = default_guard();
        for (alarm, sign, threshold, expected) in [
            (&downloads, ">", 604_800.0, true),
            (&downloads, ">", 1e300, true),
            (&downloads, ">", 604_799.0, false),
            (&downloads, ">=", 1e300, true),
            (&downloads, ">=", 604_800.0, false),
            (&failures, ">", 100.0, true),
            (&failures, ">", 99.9, false),
            (&failures, ">=", 100.0, false),
            (&failures, ">=", 100.1, true),
            (&failures, "<", 0.0, true),
            (&failures, "<=", 0.0, false),
        ] {
            assert_eq!(never(alarm, sign, threshold), expected, "{sign} {threshold}");
        }
    }

    #[test]
    fn each_metric_and_statistic_has_a_threshold_that_nothing_crosses() {
        for (namespace, metric, statistic, possible, beyond) in [
            (NAMESPACE, "retryCount", "Maximum", 9_999.0, 10_000.0),
            (NAMESPACE, "retryCount", "Sum", 1e9, 1e300),
            (NAMESPACE, "downloadTime", "Average", 604_799.0, 604_800.0),
            (NAMESPACE, "downloadTime", "Sum", 1e12, 1e16),
            (NAMESPACE, "failedCount", "Sum", 1e6, 1e10),
            (NAMESPACE, "failedCount", "Maximum", 0.5, 1.0),
            (NAMESPACE, "failedCount", "SampleCount", 1e6, 1e10),
            (NAMESPACE, "overdueCount", "Maximum", 1e6, 1e10),
            ("Their:Namespace", "depth", "Maximum", 1e100, 1e300),
            ("Their:Namespace", "depth", "Sum", 1e108, 1e300),
        ] {
            let alarm = MetricAlarm::builder()
                .alarm_name("tripline-fw-2-1-x")
                .namespace(namespace)
                .metric_name(metric)
                .statistic(Plain::from(statistic))
                .period(60)
                .evaluation_periods(1)
                .build();
            let [mut possible_one, mut beyond_one] = [alarm.clone(), alarm.clone()];
            (possible_one.threshold, beyond_one.threshold) = (Some(possible), Some(beyond));
            assert!(!never(&possible_one, ">", possible), "{metric} {statistic} {possible}");
            assert!(never(&beyond_one, ">", beyond), "{metric} {statistic} {beyond}");
            assert!(never(&beyond_one, "<", -1e300), "{metric} {statistic}");
        }
    }

    /// Of other metric math nobody can say what it comes to, unless it is beyond all sense.
    #[test]
    fn other_metric_math_is_believed() {
        let [downloads, _] = default_guard();
        let mut other = downloads.clone();
        let decided = &mut other.metrics.as_mut().unwrap()[0];
        decided.expression = Some("IF(samples >= 100, 1000 * value)".to_owned());
        assert!(never(&downloads, ">", 1e6) && !never(&other, ">", 1e6));
        assert!(never(&other, ">", 1e300));
    }
}
