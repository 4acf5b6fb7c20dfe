//! The shapes on the wire.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{AlarmNotification, NotAnAlarm, Subject, Watched, alarm_name_of, rule_in_words};
use crate::metric::DIMENSION;
use crate::text::excerpt;

pub(super) fn read(message: &str) -> Result<AlarmNotification, NotAnAlarm> {
    let shape = |error: serde_json::Error| NotAnAlarm::Shape(excerpt(&error.to_string()));
    match serde_json::from_str(message).map_err(shape)? {
        Message::Sns(message) => message.read(),
        Message::Lambda(event) => event.alarm_data.read(),
        Message::Other(_) => {
            Err(NotAnAlarm::Shape("neither `AlarmName` nor `alarmData` is there".to_owned()))
        }
    }
}

/// Tried in this order; what fits neither is kept as it is, so that the error says more than
/// "did not match".
#[derive(Deserialize)]
#[serde(untagged)]
enum Message {
    Sns(Box<SnsMessage>),
    Lambda(Box<LambdaEvent>),
    Other(serde::de::IgnoredAny),
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SnsMessage {
    alarm_name: String,
    new_state_value: String,
    new_state_reason: Option<String>,
    state_change_time: Option<String>,
    trigger: Option<Trigger>,
    triggering_children: Option<Vec<Child>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Child {
    arn: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Trigger {
    metric_name: Option<String>,
    namespace: Option<String>,
    statistic: Option<String>,
    /// Stands in place of `Statistic` for percentiles.
    extended_statistic: Option<String>,
    dimensions: Option<Vec<Dimension>>,
    metrics: Option<Vec<Query>>,
    comparison_operator: Option<String>,
    threshold: Option<f64>,
}

#[derive(Deserialize)]
struct Dimension {
    #[serde(alias = "Name")]
    name: String,
    #[serde(alias = "Value")]
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Query {
    metric_stat: Option<MetricStat>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MetricStat {
    metric: Metric,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Metric {
    namespace: Option<String>,
    dimensions: Option<Vec<Dimension>>,
}

impl SnsMessage {
    fn read(self) -> Result<AlarmNotification, NotAnAlarm> {
        let rule = self.trigger.as_ref().and_then(Trigger::rule);
        let subject = match self.trigger {
            Some(trigger) => Subject::Metrics(trigger.watched()),
            None => Subject::Composite {
                triggering: self
                    .triggering_children
                    .into_iter()
                    .flatten()
                    .map(|child| alarm_name_of(&child.arn).to_owned())
                    .collect(),
            },
        };
        AlarmNotification::new(
            self.alarm_name,
            &self.new_state_value,
            self.new_state_reason,
            self.state_change_time,
            subject,
            rule,
        )
    }
}

impl Trigger {
    fn watched(self) -> Watched {
        let mut watched = Watched::default();
        watched.add(self.namespace, self.dimensions);
        for stat in self.metrics.into_iter().flatten().filter_map(|query| query.metric_stat) {
            watched.add(stat.metric.namespace, stat.metric.dimensions);
        }
        watched
    }

    fn rule(&self) -> Option<String> {
        let statistic = self.extended_statistic.as_deref().or(self.statistic.as_deref());
        let comparison = self.comparison_operator.as_deref()?;
        rule_in_words(statistic, self.metric_name.as_deref(), comparison, self.threshold?)
    }
}

impl Watched {
    fn add(&mut self, namespace: Option<String>, dimensions: Option<Vec<Dimension>>) {
        self.namespaces.extend(namespace.filter(|namespace| !namespace.is_empty()));
        let dimensions = dimensions.into_iter().flatten();
        self.jobs.extend(dimensions.filter(|d| d.name == DIMENSION).map(|d| d.value));
    }
}

/// The event of an alarm's own Lambda action: other names, and dimensions as a map.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LambdaEvent {
    alarm_data: AlarmData,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AlarmData {
    alarm_name: String,
    state: State,
    configuration: Configuration,
}

#[derive(Deserialize)]
struct State {
    value: String,
    reason: Option<String>,
    timestamp: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Configuration {
    metrics: Option<Vec<LambdaQuery>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LambdaQuery {
    metric_stat: Option<LambdaMetricStat>,
}

#[derive(Deserialize)]
struct LambdaMetricStat {
    metric: LambdaMetric,
}

#[derive(Deserialize)]
struct LambdaMetric {
    namespace: Option<String>,
    dimensions: Option<BTreeMap<String, String>>,
}

impl AlarmData {
    fn read(self) -> Result<AlarmNotification, NotAnAlarm> {
        let subject = match self.configuration.metrics {
            Some(queries) => {
                let mut watched = Watched::default();
                for metric in queries.into_iter().filter_map(|query| query.metric_stat) {
                    watched.namespaces.extend(metric.metric.namespace);
                    watched.jobs.extend(metric.metric.dimensions.unwrap_or_default().remove(DIMENSION));
                }
                Subject::Metrics(watched)
            }
            None => Subject::Composite { triggering: Default::default() },
        };
        let State { value, reason, timestamp } = self.state;
        AlarmNotification::new(self.alarm_name, &value, reason, timestamp, subject, None)
    }
}
