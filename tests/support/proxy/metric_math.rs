//! What alarms on metric math are made of: the `Metrics` of `PutMetricAlarm`, given back by `DescribeAlarms`.
//!
//! **A stand-in, not AWS.** The local AWS forgets them, and shows a statistic and a period in their place. Only alarms
//! that are put through the proxy are known here. Nothing evaluates them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::call::Call;
use crate::cbor;

/// What AWS does not show of such an alarm.
const OF_ONE_METRIC: [&str; 7] =
    ["MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Period", "Dimensions", "Unit"];

/// The queries of each alarm, by its name.
#[derive(Debug, Default)]
pub(super) struct MetricMath(BTreeMap<String, Value>);

impl MetricMath {
    /// Takes in a call that was carried out.
    pub(super) fn note(&mut self, call: &Call, asked: &[u8]) {
        if call.service != "monitoring" {
            return;
        }
        let asked = cbor::read(asked);
        match &*call.operation {
            "PutMetricAlarm" => {
                let Some(name) = asked.get("AlarmName").and_then(Value::as_str) else { return };
                let metrics = asked.get("Metrics").and_then(Value::as_array);
                match metrics.filter(|metrics| !metrics.is_empty()) {
                    Some(metrics) => self.0.insert(name.to_owned(), metrics.clone().into()),
                    None => self.0.remove(name),
                };
            }
            "DeleteAlarms" => {
                let names = asked.get("AlarmNames").and_then(Value::as_array).into_iter().flatten();
                for name in names.filter_map(Value::as_str) {
                    self.0.remove(name);
                }
            }
            _ => {}
        }
    }

    /// The answer to a call with the queries in it; `None`: it is as it is.
    pub(super) fn shown(&self, call: &Call, answer: &[u8]) -> Option<Vec<u8>> {
        if call.service != "monitoring" || call.operation != "DescribeAlarms" {
            return None;
        }
        let mut answer = cbor::read(answer);
        let mut is_changed = false;
        for alarm in answer.get_mut("MetricAlarms")?.as_array_mut()? {
            let alarm = alarm.as_object_mut()?;
            let name = alarm.get("AlarmName").and_then(Value::as_str).unwrap_or_default();
            let Some(metrics) = self.0.get(name) else { continue };
            is_changed = true;
            alarm.retain(|key, _| !OF_ONE_METRIC.contains(&key.as_str()));
            alarm.insert("Metrics".to_owned(), metrics.clone());
        }
        is_changed.then(|| cbor::write(&answer))
    }
}
