//! An alarm as CloudWatch is asked for it.

use aws_sdk_cloudwatch::operation::put_metric_alarm::PutMetricAlarmInput;
use aws_sdk_cloudwatch::operation::put_metric_alarm::builders::PutMetricAlarmInputBuilder;
use aws_sdk_cloudwatch::types::{
    ComparisonOperator, Dimension, Metric, MetricAlarm, MetricDataQuery, MetricStat, Statistic,
};
use tripline::alarm::{self, AlarmDefinition, Limit, alarm_name_prefix};
use tripline::job::JobId;
use tripline::metric::{self, DIMENSION, KeptMetric};
use tripline::text::clean;

use crate::definition::Watch;
use crate::desired::{FailureRate, GuardAlarm};
use crate::observed::{Watched, watched};

/// In metric math: what is compared with the threshold once there are samples enough.
pub const VALUE: &str = "value";
/// In metric math: the share of a failure rate, where it is decided.
pub(crate) const SHARE: &str = "100 * unsuccessful / notified)";
/// Seconds of a period of it: the guard-keeper publishes by the minute.
const SHARE_PERIOD: u32 = 60;
/// In metric math: how many samples a period has.
pub const SAMPLES: &str = "samples";

/// One statistic of one metric.
///
/// There is no `Unit`: an alarm with another unit than its metric's never has data. There is no
/// `EvaluateLowSampleCountPercentile` either: `ignore` would keep a p99 silent below 1,000 devices
/// in its range.
fn statistic(
    alarm: &AlarmDefinition,
    job: &JobId,
    actions: &[String],
) -> PutMetricAlarmInputBuilder {
    let description = format!("Tripline guards rollout {job}: {}", Watch::from(alarm));
    let request = PutMetricAlarmInput::builder()
        .alarm_name(alarm.name_for(job))
        .alarm_description(clean(&description, 1024))
        .actions_enabled(true)
        .set_alarm_actions(Some(actions.to_vec()))
        .evaluation_periods(int(alarm.evaluation.evaluation_periods()))
        .datapoints_to_alarm(int(alarm.evaluation.datapoints_to_alarm()))
        .threshold(alarm.threshold)
        .comparison_operator(match alarm.limit {
            Limit::Upper => ComparisonOperator::GreaterThanThreshold,
            Limit::Lower => ComparisonOperator::LessThanThreshold,
        })
        .treat_missing_data(alarm.missing_data.name());
    match alarm.min_samples {
        None => plain(request, alarm, job),
        Some(samples) => request.set_metrics(Some(gated(alarm, job, samples.get()))),
    }
}

fn plain(
    request: PutMetricAlarmInputBuilder,
    alarm: &AlarmDefinition,
    job: &JobId,
) -> PutMetricAlarmInputBuilder {
    let request = request
        .namespace(&alarm.namespace)
        .metric_name(&alarm.metric)
        .dimensions(dimension(job))
        .period(int(alarm.period.seconds()));
    match alarm.statistic {
        alarm::Statistic::Percentile(percentile) => {
            request.extended_statistic(percentile.to_string())
        }
        other => request.statistic(Statistic::from(other.to_string().as_str())),
    }
}

/// Metric math: a period with too few samples has no point, which is then missing data. The
/// two-argument `IF` drops a point where its condition is false.
fn gated(alarm: &AlarmDefinition, job: &JobId, samples: u32) -> Vec<MetricDataQuery> {
    let metric = Metric::builder()
        .namespace(&alarm.namespace)
        .metric_name(&alarm.metric)
        .dimensions(dimension(job))
        .build();
    let input = |id: &str, statistic: String| {
        let stat = MetricStat::builder()
            .metric(metric.clone())
            .period(int(alarm.period.seconds()))
            .stat(statistic)
            .build();
        MetricDataQuery::builder().id(id).metric_stat(stat).return_data(false).build()
    };
    let decided = MetricDataQuery::builder()
        .id("decided")
        .expression(format!("IF({SAMPLES} >= {samples}, {VALUE})"))
        .label(format!("{} with {samples} samples", clean(&alarm.metric, 200)))
        .return_data(true)
        .build();
    vec![
        decided,
        input(VALUE, alarm.statistic.to_string()),
        input(SAMPLES, Statistic::SampleCount.as_str().to_owned()),
    ]
}

/// The request that creates or overwrites the alarm, without its [`tags`](crate::ownership::tags). `actions` are the ARNs of its
/// topics.
pub fn request_for(
    alarm: &GuardAlarm,
    job: &JobId,
    actions: &[String],
) -> PutMetricAlarmInputBuilder {
    match alarm {
        GuardAlarm::Config(alarm) => statistic(alarm, job, actions),
        GuardAlarm::FailureRate(alarm) => failure_rate(alarm, job, actions),
    }
}

fn failure_rate(
    alarm: &FailureRate,
    job: &JobId,
    actions: &[String],
) -> PutMetricAlarmInputBuilder {
    PutMetricAlarmInput::builder()
        .alarm_name(format!("{}{}", alarm_name_prefix(job), alarm.name))
        .alarm_description(clean(&format!("Tripline guards rollout {job}: {alarm}"), 1024))
        .actions_enabled(true)
        .set_alarm_actions(Some(actions.to_vec()))
        .evaluation_periods(1)
        .datapoints_to_alarm(1)
        .threshold(alarm.limit)
        .comparison_operator(ComparisonOperator::GreaterThanThreshold)
        .treat_missing_data(alarm::MissingData::NotBreaching.name())
        .set_metrics(Some(share(alarm, job)))
}

/// Metric math: unsuccessful executions in percent of the notified devices, once there are enough. Both are the
/// guard-keeper's, of the same moment.
fn share(alarm: &FailureRate, job: &JobId) -> Vec<MetricDataQuery> {
    let count = |id: &str, kept: KeptMetric| {
        let metric = Metric::builder()
            .namespace(metric::NAMESPACE)
            .metric_name(kept.name())
            .dimensions(dimension(job))
            .build();
        let stat = MetricStat::builder()
            .metric(metric)
            .period(int(SHARE_PERIOD))
            .stat(Statistic::Maximum.as_str())
            .build();
        MetricDataQuery::builder().id(id).metric_stat(stat).return_data(false).build()
    };
    let samples = alarm.min_executions.get();
    let decided = MetricDataQuery::builder()
        .id("decided")
        .expression(format!("IF(notified >= {samples}, {SHARE}"))
        .label(format!("% of notified devices that were unsuccessful, from {samples}"))
        .return_data(true)
        .build();
    vec![
        decided,
        count("notified", KeptMetric::NotifiedCount),
        count("unsuccessful", KeptMetric::UnsuccessfulCount),
    ]
}

fn dimension(job: &JobId) -> Dimension {
    Dimension::builder().name(DIMENSION).value(job.as_str()).build()
}

/// The limits of the checked types are far below.
fn int(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// Whether CloudWatch has the alarm exactly as it is wanted, so that nothing has to be asked. In
/// doubt it is not.
pub fn is_as_wanted(alarm: &MetricAlarm, wanted: &PutMetricAlarmInputBuilder) -> bool {
    let list = |wanted: &Option<Vec<_>>| wanted.clone().unwrap_or_default();
    judges_as_wanted(alarm, wanted)
        && alarm.namespace == *wanted.get_namespace()
        && alarm.metric_name == *wanted.get_metric_name()
        && alarm.period == *wanted.get_period()
        && alarm.extended_statistic == *wanted.get_extended_statistic()
        // There is only one of the two; a percentile may be shown with a default beside it.
        && (alarm.extended_statistic.is_some() || alarm.statistic == *wanted.get_statistic())
        && alarm.unit.is_none()
        && alarm.evaluate_low_sample_count_percentile.is_none()
        && alarm.threshold_metric_id.is_none()
        && alarm.metrics() == wanted.get_metrics().clone().unwrap_or_default()
        && alarm.dimensions() == list(wanted.get_dimensions())
}

/// Whether an alarm shows no difference from what is wanted. If it shows no metrics at all, its
/// description, which has all of its rule in words, has to do for them: an alarm that can never be
/// seen to be right would be overwritten every minute.
pub fn shows_no_difference(alarm: &MetricAlarm, wanted: &PutMetricAlarmInputBuilder) -> bool {
    let is_unseen = wanted.get_metrics().is_some() && watched(alarm) == Watched::Unseen;
    if is_unseen { judges_as_wanted(alarm, wanted) } else { is_as_wanted(alarm, wanted) }
}

/// Whether it is as wanted but for what it watches.
fn judges_as_wanted(alarm: &MetricAlarm, wanted: &PutMetricAlarmInputBuilder) -> bool {
    alarm.alarm_description == *wanted.get_alarm_description()
        && has_actions(alarm, &wanted.get_alarm_actions().clone().unwrap_or_default())
        && alarm.ok_actions().is_empty()
        && alarm.insufficient_data_actions().is_empty()
        && alarm.evaluation_periods == *wanted.get_evaluation_periods()
        && alarm.datapoints_to_alarm == *wanted.get_datapoints_to_alarm()
        && alarm.threshold == *wanted.get_threshold()
        && alarm.comparison_operator == *wanted.get_comparison_operator()
        && alarm.treat_missing_data == *wanted.get_treat_missing_data()
}

/// Whether an alarm's actions are on, and exactly these. An alarm without any alerts nobody, whether
/// or not that is what was asked for.
pub fn has_actions(alarm: &MetricAlarm, actions: &[String]) -> bool {
    let there = alarm.alarm_actions();
    !actions.is_empty()
        && alarm.actions_enabled() == Some(true)
        && there.len() == actions.len()
        && actions.iter().all(|action| there.contains(action))
}

#[cfg(test)]
mod tests {
    use crate::desired::DefaultGuard;
    use serde_json::{Value, json};
    use tripline::alarm::Topic;
    use tripline::rollout::Rate;

    use super::*;

    fn default_guard() -> [GuardAlarm; 2] {
        let topics = vec![Topic::Email, Topic::ForceStop];
        DefaultGuard::new(topics, |_| None).unwrap().alarms(Rate::QUOTA).try_into().unwrap()
    }

    fn job() -> JobId {
        JobId::new("fw-2-1").unwrap()
    }

    /// As CloudWatch writes it into the message of an alarm.
    fn shown(query: &MetricDataQuery) -> Value {
        let mut shown = json!({ "Id": query.id(), "ReturnData": query.return_data() });
        if let Some(expression) = query.expression() {
            shown["Expression"] = json!(expression);
        }
        if let Some(label) = query.label() {
            shown["Label"] = json!(label);
        }
        if let Some(stat) = query.metric_stat() {
            let metric = stat.metric().unwrap();
            let dimensions: Vec<_> = metric
                .dimensions()
                .iter()
                .map(|is| json!({ "name": is.name(), "value": is.value() }))
                .collect();
            shown["MetricStat"] = json!({
                "Metric": {
                    "Dimensions": dimensions, "MetricName": metric.metric_name(),
                    "Namespace": metric.namespace(),
                },
                "Period": stat.period(), "Stat": stat.stat(),
            });
        }
        shown
    }

    /// The force-stopper is tested with the message.
    #[test]
    fn the_failure_rate_is_the_one_that_the_force_stopper_knows() {
        let event: Value =
            serde_json::from_str(include_str!("../../../events/sns/failure-rate.json")).unwrap();
        let message = event["Records"][0]["Sns"]["Message"].as_str().unwrap();
        let message: Value = serde_json::from_str(message).unwrap();
        let [_, failures] = default_guard();
        let request = request_for(&failures, &job(), &[]);
        let metrics: Vec<_> = request.get_metrics().as_ref().unwrap().iter().map(shown).collect();
        assert_eq!(json!(metrics), message["Trigger"]["Metrics"]);
        assert_eq!(json!(request.get_alarm_name()), message["AlarmName"]);
        assert_eq!(json!(request.get_alarm_description()), message["AlarmDescription"]);
        assert_eq!(json!(request.get_threshold()), message["Trigger"]["Threshold"]);
    }

    #[test]
    fn an_alarm_that_shows_no_metrics_is_compared_with_its_description() {
        for alarm in default_guard() {
            let wanted = request_for(&alarm, &job(), &["arn".to_owned()]);
            let mut there = MetricAlarm::builder()
                .set_alarm_description(wanted.get_alarm_description().clone())
                .actions_enabled(true)
                .alarm_actions("arn")
                .set_evaluation_periods(*wanted.get_evaluation_periods())
                .set_datapoints_to_alarm(*wanted.get_datapoints_to_alarm())
                .set_threshold(*wanted.get_threshold())
                .set_comparison_operator(wanted.get_comparison_operator().clone())
                .set_treat_missing_data(wanted.get_treat_missing_data().clone())
                .build();
            // Whoever shows no metrics may show a default in their place.
            there.statistic = Some(Statistic::Average);
            there.period = Some(60);
            assert!(shows_no_difference(&there, &wanted) && !is_as_wanted(&there, &wanted));
            (there.statistic, there.period) = (None, None);
            there.metrics.clone_from(wanted.get_metrics());
            assert!(shows_no_difference(&there, &wanted) && is_as_wanted(&there, &wanted));
            there.metrics.as_mut().unwrap().pop();
            assert!(!shows_no_difference(&there, &wanted), "metrics that differ are seen");
            there.metrics = None;
            there.alarm_description = Some("Tripline guards rollout fw-2-1: nothing".to_owned());
            assert!(!shows_no_difference(&there, &wanted), "another rule in words");
        }
    }
}
