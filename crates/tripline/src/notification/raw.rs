//! The shapes on the wire.
//!
//! Read field by field, so that a field which no stop needs can be anything: a date in another
//! format must not keep a rollout from being stopped.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    AlarmNotification, Carrier, NotAnAlarm, Subject, Watched, alarm_name_of, rule_in_words,
};
use crate::metric::DIMENSION;
use crate::text::excerpt;

pub(super) fn read(message: &str) -> Result<AlarmNotification, NotAnAlarm> {
    let shape = |text: &str| NotAnAlarm::Shape(text.to_owned());
    let value: Value = serde_json::from_str(message)
        .map_err(|error| NotAnAlarm::Shape(format!("no JSON: {}", excerpt(&error.to_string()))))?;
    if let Some(data) = value.get("alarmData") {
        return from_lambda_action(data);
    }
    if let Some(carrier) = carrier(&value) {
        return Err(NotAnAlarm::Carried(carrier));
    }
    if value.get("AlarmName").is_none() {
        return Err(shape("neither `AlarmName` nor `alarmData` is there"));
    }
    let trigger = value.get("Trigger").filter(|trigger| trigger.is_object());
    let subject = match trigger {
        Some(trigger) => Subject::Metrics(watched(trigger)),
        None => Subject::Composite { triggering: triggering(&value) },
    };
    AlarmNotification::new(
        text(&value, "AlarmName").ok_or_else(|| shape("`AlarmName` is no text"))?,
        text(&value, "NewStateValue").ok_or_else(|| shape("`NewStateValue` is no text"))?,
        text(&value, "NewStateReason"),
        text(&value, "StateChangeTime"),
        subject,
        trigger.and_then(rule),
    )
}

/// Whose envelope this is, if it is one.
fn carrier(value: &Value) -> Option<Carrier> {
    if value.get("detail-type").is_some() && value.get("detail").is_some() {
        return Some(Carrier::EventBridge);
    }
    if text(value, "eventSource") != Some("aws:sqs") {
        return None;
    }
    let body: Option<Value> = text(value, "body").and_then(|body| serde_json::from_str(body).ok());
    let is_sns = body.is_some_and(|body| body.get("TopicArn").is_some());
    Some(if is_sns { Carrier::SnsInSqs } else { Carrier::Sqs })
}

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}

fn items<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

fn triggering(message: &Value) -> BTreeSet<String> {
    items(message, "TriggeringChildren")
        .filter_map(|child| text(child, "Arn"))
        .map(|arn| alarm_name_of(arn).to_owned())
        .collect()
}

/// What the trigger itself watches, and what its metric math does.
fn watched(trigger: &Value) -> Watched {
    let mut watched = Watched::default();
    add(&mut watched, trigger);
    for query in items(trigger, "Metrics") {
        watched.accounts.extend(text(query, "AccountId").map(str::to_owned));
        if let Some(metric) = query.pointer("/MetricStat/Metric") {
            add(&mut watched, metric);
        }
    }
    watched
}

fn add(watched: &mut Watched, metric: &Value) {
    let namespace = text(metric, "Namespace").filter(|namespace| !namespace.is_empty());
    watched.namespaces.extend(namespace.map(str::to_owned));
    for dimension in items(metric, "Dimensions") {
        // CloudWatch writes small letters; some local stand-ins write capitals.
        let either = |small, capital| dimension.get(small).or_else(|| dimension.get(capital));
        if either("name", "Name").and_then(Value::as_str) == Some(DIMENSION) {
            watched.jobs.extend(either("value", "Value").map(job));
        }
    }
}

/// A job as it is named; what is no text cannot be a job, and is kept so that it is refused as that.
fn job(value: &Value) -> String {
    value.as_str().map_or_else(|| excerpt(&value.to_string()), str::to_owned)
}

fn rule(trigger: &Value) -> Option<String> {
    // For percentiles, `ExtendedStatistic` stands in place of `Statistic`.
    let statistic = text(trigger, "ExtendedStatistic").or_else(|| text(trigger, "Statistic"));
    rule_in_words(
        statistic,
        text(trigger, "MetricName"),
        text(trigger, "ComparisonOperator")?,
        trigger.get("Threshold").and_then(Value::as_f64)?,
    )
}

/// The event of an alarm's own Lambda action: other names, and dimensions as a map.
fn from_lambda_action(data: &Value) -> Result<AlarmNotification, NotAnAlarm> {
    let missing = |key: &str| NotAnAlarm::Shape(format!("`alarmData` has no `{key}`"));
    let state = data.get("state").ok_or_else(|| missing("state"))?;
    let configuration = data.get("configuration").ok_or_else(|| missing("configuration"))?;
    let subject = if configuration.get("metrics").is_some() {
        let mut watched = Watched::default();
        for query in items(configuration, "metrics") {
            watched.accounts.extend(text(query, "accountId").map(str::to_owned));
            let Some(metric) = query.pointer("/metricStat/metric") else { continue };
            watched.namespaces.extend(text(metric, "namespace").map(str::to_owned));
            watched.jobs.extend(metric.pointer("/dimensions/jobId").map(job));
        }
        Subject::Metrics(watched)
    } else {
        Subject::Composite { triggering: BTreeSet::new() }
    };
    AlarmNotification::new(
        text(data, "alarmName").ok_or_else(|| missing("alarmName"))?,
        text(state, "value").ok_or_else(|| missing("state.value"))?,
        text(state, "reason"),
        text(state, "timestamp"),
        subject,
        None,
    )
}
