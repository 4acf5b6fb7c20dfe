//! CloudWatch's alarms, by AWS's rules as far as the functions come to them.

use serde_json::{Map, Value, json};

use super::account::{Account, Alarm, Answer, alarm_arn};
use super::now;
use super::page::page;

impl Account {
    pub(super) fn describe_alarms(&self, asked: &Value) -> Value {
        let names: Vec<&str> = asked["AlarmNames"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let prefix = asked["AlarmNamePrefix"].as_str();
        let kinds = asked["AlarmTypes"].as_array();
        let is_asked = |alarm: &Alarm| {
            let kind = if alarm.is_composite { "CompositeAlarm" } else { "MetricAlarm" };
            match kinds {
                Some(kinds) => kinds.iter().any(|asked| asked == kind),
                // Without kinds, only metric alarms are described.
                None => !alarm.is_composite,
            }
        };
        let is_meant = |name: &str| match prefix {
            Some(prefix) => name.starts_with(prefix),
            None => names.is_empty() || names.contains(&name),
        };
        let meant = self.alarms.iter().filter(|(name, alarm)| is_meant(name) && is_asked(alarm));
        let (alarms, next) = page(meant.map(|(_, alarm)| alarm), &asked["NextToken"]);
        let of = |is_composite: bool| -> Vec<&Value> {
            let alarms = alarms.iter().filter(|alarm| alarm.is_composite == is_composite);
            alarms.map(|alarm| &alarm.described).collect()
        };
        json!({"MetricAlarms": of(false), "CompositeAlarms": of(true), "NextToken": next})
    }

    pub(super) fn alarm_history(&self, asked: &Value) -> Value {
        let name = asked["AlarmName"].as_str().unwrap_or_default();
        let (from, to) = (asked["StartDate"].as_f64(), asked["EndDate"].as_f64());
        let alarm = self.alarms.get(name);
        let changes = alarm.into_iter().flat_map(|alarm| &alarm.history);
        let within = changes
            .filter(|(at, _)| from.is_none_or(|from| *at >= from) && to.is_none_or(|to| *at <= to));
        let mut items: Vec<Value> = within.map(|(at, state)| change(name, *at, state)).collect();
        if asked["ScanBy"] == "TimestampAscending" {
            items.reverse();
        }
        json!({"AlarmHistoryItems": items})
    }

    /// An alarm that is there keeps its state and its tags.
    pub(super) fn put_metric_alarm(&mut self, asked: &Value) -> Answer {
        let name = asked["AlarmName"].as_str().unwrap_or_default().to_owned();
        let mut described = asked.as_object().cloned().unwrap_or_default();
        let tags = described.remove("Tags");
        described.insert("AlarmArn".to_owned(), alarm_arn(&name).into());
        described.entry("ActionsEnabled").or_insert(true.into());
        for list in ["AlarmActions", "OKActions", "InsufficientDataActions", "Dimensions"] {
            described.entry(list).or_insert(json!([]));
        }
        described.insert("AlarmConfigurationUpdatedTimestamp".to_owned(), now().into());
        let before = self.alarms.remove(&name);
        if before.is_none() {
            self.alarm_tags.insert(name.clone(), pairs(tags.as_ref(), ["Key", "Value"]));
        }
        let old = before.as_ref().and_then(|alarm| alarm.described.as_object());
        let of_state = [
            ("StateValue", json!("INSUFFICIENT_DATA")),
            ("StateReason", json!("Unchecked: Initial alarm creation")),
            ("StateUpdatedTimestamp", json!(now())),
            ("StateTransitionedTimestamp", json!(now())),
        ];
        for (key, first) in of_state {
            let value = old.and_then(|old| old.get(key)).cloned().unwrap_or(first);
            described.insert(key.to_owned(), value);
        }
        let history = before.map(|alarm| alarm.history).unwrap_or_default();
        let described = Value::Object(described);
        self.alarms.insert(name, Alarm { described, is_composite: false, history });
        Ok(json!({}))
    }

    pub(super) fn delete_alarms(&mut self, asked: &Value) -> Answer {
        for name in asked["AlarmNames"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            self.alarms.remove(name);
            self.alarm_tags.remove(name);
        }
        Ok(json!({}))
    }

    pub(super) fn set_alarm_state(&mut self, asked: &Value) -> Answer {
        let name = asked["AlarmName"].as_str().unwrap_or_default();
        let Some(alarm) = self.alarms.get_mut(name) else {
            return Err((404, "ResourceNotFound", format!("{name} does not exist")));
        };
        let state = match asked["StateValue"].as_str() {
            Some("OK") => "OK",
            Some("ALARM") => "ALARM",
            _ => "INSUFFICIENT_DATA",
        };
        alarm.described["StateValue"] = state.into();
        alarm.described["StateReason"] = asked["StateReason"].clone();
        alarm.described["StateUpdatedTimestamp"] = now().into();
        alarm.described["StateTransitionedTimestamp"] = now().into();
        alarm.history.insert(0, (now(), state));
        Ok(json!({}))
    }

    pub(super) fn tags_of_alarm(&self, asked: &Value) -> Value {
        let arn = asked["ResourceARN"].as_str().unwrap_or_default();
        let tags = self.alarm_tags.iter().find(|(name, _)| alarm_arn(name) == arn);
        let tags = tags.into_iter().flat_map(|(_, tags)| tags);
        let tags: Vec<Value> =
            tags.map(|(key, value)| json!({"Key": key, "Value": value})).collect();
        json!({"Tags": tags})
    }

    pub(super) fn list_mute_rules(&self, asked: &Value) -> Value {
        let rule = |name: &String| {
            let arn = alarm_arn(name).replace(":alarm:", ":alarm-mute-rule:");
            json!({
                "AlarmMuteRuleArn": arn, "Status": "ACTIVE", "LastUpdatedTimestamp": 1_790_000_000,
            })
        };
        let (rules, next) = page(self.mute_rules.keys().map(rule), &asked["NextToken"]);
        json!({"AlarmMuteRuleSummaries": rules, "NextToken": next})
    }

    pub(super) fn mute_rule(&self, asked: &Value) -> Answer {
        let name = asked["AlarmMuteRuleName"].as_str().unwrap_or_default();
        let muted = self.mute_rules.get(name);
        let muted =
            muted.ok_or_else(|| (404, "ResourceNotFoundException", format!("no rule {name}")))?;
        Ok(json!({"Name": name, "MuteTargets": {"AlarmNames": muted}}))
    }
}

/// Keys and values, as tags have them under these names.
pub(super) fn pairs(tags: Option<&Value>, [key, value]: [&str; 2]) -> Vec<(String, String)> {
    let tags = tags.and_then(Value::as_array).into_iter().flatten();
    let text = |of: &Map<String, Value>, name: &str| of.get(name)?.as_str().map(str::to_owned);
    tags.filter_map(Value::as_object)
        .filter_map(|tag| Some((text(tag, key)?, text(tag, value).unwrap_or_default())))
        .collect()
}

fn change(name: &str, at: f64, state: &str) -> Value {
    let old = if state == "ALARM" { "OK" } else { "ALARM" };
    let data = json!({
        "version": "1.0",
        "oldState": {"stateValue": old, "stateReason": "as it was"},
        "newState": {
            "stateValue": state,
            "stateReason": "Threshold Crossed: 1 out of the last 1 datapoints [40.0] was greater than the threshold (20.0).",
        },
    });
    json!({
        "AlarmName": name,
        "Timestamp": at,
        "HistoryItemType": "StateUpdate",
        "HistorySummary": format!("Alarm updated from {old} to {state}"),
        "HistoryData": data.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_that_is_put_again_keeps_its_state_and_its_tags() {
        let mut account = Account::default();
        let put = |threshold: f64, tags: Value| {
            json!({
                "AlarmName": "a", "MetricName": "m", "Threshold": threshold, "Tags": tags,
                "AlarmActions": ["arn:topic"],
            })
        };
        account.put_metric_alarm(&put(1.0, json!([{"Key": "k", "Value": "v"}]))).unwrap();
        account
            .set_alarm_state(&json!({"AlarmName": "a", "StateValue": "ALARM", "StateReason": "r"}))
            .unwrap();
        account.put_metric_alarm(&put(2.0, json!([{"Key": "k", "Value": "w"}]))).unwrap();
        let described = account.describe_alarms(&json!({"AlarmNamePrefix": "a"}));
        let alarm = &described["MetricAlarms"][0];
        assert_eq!((&alarm["Threshold"], &alarm["StateValue"]), (&json!(2.0), &json!("ALARM")));
        assert_eq!(alarm["Tags"], Value::Null);
        let tags = account.tags_of_alarm(&json!({"ResourceARN": alarm_arn("a")}));
        assert_eq!(tags, json!({"Tags": [{"Key": "k", "Value": "v"}]}));
        account.delete_alarms(&json!({"AlarmNames": ["a", "b"]})).unwrap();
        assert!(account.alarms.is_empty() && account.alarm_tags.is_empty());
    }
}
