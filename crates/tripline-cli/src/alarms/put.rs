//! An alarm of the config as CloudWatch is asked for it.

use aws_sdk_cloudwatch::operation::put_metric_alarm::PutMetricAlarmInput;
use aws_sdk_cloudwatch::operation::put_metric_alarm::builders::PutMetricAlarmInputBuilder;
use aws_sdk_cloudwatch::types::{
    ComparisonOperator, Dimension, Metric, MetricAlarm, MetricDataQuery, MetricStat, Statistic, Tag,
};
use tripline::alarm::{self, AlarmDefinition, Limit};
use tripline::job::JobId;
use tripline::metric::DIMENSION;
use tripline::text::clean;

use super::watch::Watch;

/// The tag with the job that an alarm guards.
pub const JOB_TAG: &str = "tripline:job";
/// The tag with the alarm's name in the config.
pub const ALARM_TAG: &str = "tripline:alarm";

/// In metric math: what is held against the threshold once there are samples enough.
pub const VALUE: &str = "value";
/// In metric math: how many samples a period has.
pub const SAMPLES: &str = "samples";

/// The tags of a job's alarm.
pub fn tags(alarm: &AlarmDefinition, job: &JobId) -> Vec<Tag> {
    [(JOB_TAG, job.as_str()), (ALARM_TAG, alarm.name.as_str())]
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .into()
}

/// The request that creates or overwrites the alarm. `actions` are the ARNs of its topics.
///
/// There is no `Unit`: an alarm with another unit than its metric's never has data. There is no
/// `EvaluateLowSampleCountPercentile` either: `ignore` would keep a p99 silent below 1,000 devices
/// in its range.
pub fn request(
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
        .treat_missing_data(alarm.missing_data.name())
        .set_tags(Some(tags(alarm, job)));
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
    alarm.alarm_description == *wanted.get_alarm_description()
        && has_actions(alarm, &wanted.get_alarm_actions().clone().unwrap_or_default())
        && alarm.ok_actions().is_empty()
        && alarm.insufficient_data_actions().is_empty()
        && alarm.evaluation_periods == *wanted.get_evaluation_periods()
        && alarm.datapoints_to_alarm == *wanted.get_datapoints_to_alarm()
        && alarm.threshold == *wanted.get_threshold()
        && alarm.comparison_operator == *wanted.get_comparison_operator()
        && alarm.treat_missing_data == *wanted.get_treat_missing_data()
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

/// Whether an alarm's actions are on, and exactly these. An alarm without any tells nobody, whether
/// or not that is what was asked for.
pub fn has_actions(alarm: &MetricAlarm, actions: &[String]) -> bool {
    let sorted = |actions: &[String]| {
        let mut sorted = actions.to_vec();
        sorted.sort();
        sorted
    };
    !actions.is_empty()
        && alarm.actions_enabled() == Some(true)
        && sorted(alarm.alarm_actions()) == sorted(actions)
}
