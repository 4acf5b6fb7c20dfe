use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{
    AlarmHistoryItem, AlarmType, CompositeAlarm, Dimension, HistoryItemType, Metric, MetricAlarm,
    ScanBy, StateValue,
};
use serde_json::Value;
use tripline::metric::DIMENSION;
use tripline::notification::{AlarmState, Watched, rule_in_words};
use tripline::stop::{KnownAlarm, KnownSubject};
use tripline_aws::Failure;

use super::Aws;
use crate::ask::{DescribeAlarms, HasFired};

/// Most pages of history that are read, of 100 items each: an alarm that changed its state 300 times
/// since without firing has not fired.
pub(crate) const MAX_PAGES: usize = 3;

impl DescribeAlarms for Aws {
    async fn describe_alarms(&self, names: &[String]) -> Result<Vec<KnownAlarm>, Failure> {
        let output = self
            .cloudwatch
            .describe_alarms()
            .set_alarm_names(Some(names.to_vec()))
            // Without this, only metric alarms are returned.
            .alarm_types(AlarmType::MetricAlarm)
            .alarm_types(AlarmType::CompositeAlarm)
            .max_records(100)
            .send()
            .await
            .map_err(|error| Failure::from_sdk("DescribeAlarms", &error))?;
        let metric = output.metric_alarms.into_iter().flatten().filter_map(metric_alarm);
        let composite = output.composite_alarms.into_iter().flatten().filter_map(composite_alarm);
        Ok(metric.chain(composite).collect())
    }
}

fn metric_alarm(alarm: MetricAlarm) -> Option<KnownAlarm> {
    let statistic = alarm.statistic.as_ref().map(|statistic| statistic.as_str());
    let rule = rule_in_words(
        alarm.extended_statistic.as_deref().or(statistic),
        alarm.metric_name.as_deref(),
        alarm.comparison_operator.as_ref().map_or("", |operator| operator.as_str()),
        alarm.threshold.unwrap_or_default(),
    );
    let mut watched = Watched::default();
    add(&mut watched, alarm.namespace, alarm.dimensions);
    for stat in alarm.metrics.into_iter().flatten().filter_map(|query| query.metric_stat) {
        if let Some(Metric { namespace, dimensions, .. }) = stat.metric {
            add(&mut watched, namespace, dimensions);
        }
    }
    Some(KnownAlarm {
        name: alarm.alarm_name?,
        state: state(alarm.state_value.as_ref()),
        subject: KnownSubject::Metrics(watched),
        rule,
        since: alarm.state_transitioned_timestamp.map(|at| at.secs()),
    })
}

fn add(watched: &mut Watched, namespace: Option<String>, dimensions: Option<Vec<Dimension>>) {
    watched.namespaces.extend(namespace.filter(|namespace| !namespace.is_empty()));
    let dimensions = dimensions.into_iter().flatten();
    let jobs = dimensions.filter(|d| d.name.as_deref() == Some(DIMENSION)).filter_map(|d| d.value);
    watched.jobs.extend(jobs);
}

fn composite_alarm(alarm: CompositeAlarm) -> Option<KnownAlarm> {
    Some(KnownAlarm {
        name: alarm.alarm_name?,
        state: state(alarm.state_value.as_ref()),
        subject: KnownSubject::Composite { rule: alarm.alarm_rule.unwrap_or_default() },
        rule: None,
        since: alarm.state_transitioned_timestamp.map(|at| at.secs()),
    })
}

/// A state that is not known is not ALARM; then the history decides.
fn state(value: Option<&StateValue>) -> AlarmState {
    value
        .and_then(|value| AlarmState::parse(value.as_str()))
        .unwrap_or(AlarmState::InsufficientData)
}

impl HasFired for Aws {
    async fn has_fired(&self, alarm: &str, since: Option<i64>) -> Result<bool, Failure> {
        let mut pages = self
            .cloudwatch
            .describe_alarm_history()
            .alarm_name(alarm)
            .alarm_types(AlarmType::MetricAlarm)
            .alarm_types(AlarmType::CompositeAlarm)
            .history_item_type(HistoryItemType::StateUpdate)
            .set_start_date(since.map(DateTime::from_secs))
            .scan_by(ScanBy::TimestampDescending)
            .max_records(100)
            .into_paginator()
            .send();
        for _ in 0..MAX_PAGES {
            let Some(page) = pages.next().await else { break };
            let page = page.map_err(|error| Failure::from_sdk("DescribeAlarmHistory", &error))?;
            let items = page.alarm_history_items.into_iter().flatten();
            // The times are compared here too, for whoever answers without regard to the start.
            let mut recent = items.filter(|item| {
                since.is_none_or(|since| item.timestamp.is_none_or(|at| at.secs() >= since))
            });
            if recent.any(|item| went_to_alarm(&item)) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// `historyData` is JSON with the new state; the summary says the same in words.
fn went_to_alarm(item: &AlarmHistoryItem) -> bool {
    let data: Option<Value> =
        item.history_data.as_deref().and_then(|data| serde_json::from_str(data).ok());
    let state = data.as_ref().and_then(|data| data.pointer("/newState/stateValue"));
    match state.and_then(Value::as_str) {
        Some(state) => state == "ALARM",
        None => item.history_summary.as_deref().is_some_and(|text| text.ends_with("to ALARM")),
    }
}
