//! What the tests share.

use aws_sdk_cloudwatch::operation::put_metric_alarm::builders::PutMetricAlarmInputBuilder;
use aws_sdk_cloudwatch::types::{MetricAlarm, StateValue};

/// An alarm as CloudWatch shows what it was asked for.
pub(crate) fn shown(wanted: &PutMetricAlarmInputBuilder) -> MetricAlarm {
    MetricAlarm::builder()
        .set_alarm_name(wanted.get_alarm_name().clone())
        .set_alarm_description(wanted.get_alarm_description().clone())
        .set_actions_enabled(*wanted.get_actions_enabled())
        .set_alarm_actions(wanted.get_alarm_actions().clone())
        .set_namespace(wanted.get_namespace().clone())
        .set_metric_name(wanted.get_metric_name().clone())
        .set_dimensions(wanted.get_dimensions().clone())
        .set_statistic(wanted.get_statistic().clone())
        .set_extended_statistic(wanted.get_extended_statistic().clone())
        .set_period(*wanted.get_period())
        .set_evaluation_periods(*wanted.get_evaluation_periods())
        .set_datapoints_to_alarm(*wanted.get_datapoints_to_alarm())
        .set_threshold(*wanted.get_threshold())
        .set_comparison_operator(wanted.get_comparison_operator().clone())
        .set_treat_missing_data(wanted.get_treat_missing_data().clone())
        .set_metrics(wanted.get_metrics().clone())
        .state_value(StateValue::InsufficientData)
        .build()
}
