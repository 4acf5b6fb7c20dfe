//! What the account holds, and what its services answer by AWS's rules.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{REGION, now};

/// The account's number.
pub const ACCOUNT: &str = "111122223333";

/// An error of a service: status, code, message.
pub(super) type Refusal = (u16, &'static str, String);
pub(super) type Answer = Result<Value, Refusal>;

/// An account.
#[derive(Debug, Default)]
pub struct Account {
    /// Alarms by name, as CloudWatch describes them.
    pub alarms: BTreeMap<String, Alarm>,
    /// Jobs by id, as AWS IoT describes them.
    pub jobs: BTreeMap<String, Value>,
    /// What was published, and is on its way to people.
    pub published: Vec<Published>,
    /// What was counted, a datum each, in its order.
    pub metrics: Vec<super::Datum>,
    /// Items by table and key.
    pub items: BTreeMap<(String, String), Map<String, Value>>,
}

/// An alarm.
#[derive(Debug, Clone, Default)]
pub struct Alarm {
    /// As `DescribeAlarms` answers it.
    pub described: Value,
    /// Whether its rule is on other alarms.
    pub is_composite: bool,
    /// Its state changes, the newest first: when, and to which state.
    pub history: Vec<(f64, &'static str)>,
}

/// A message of SNS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The topic's ARN.
    pub topic: String,
    /// Of an e-mail.
    pub subject: String,
    /// The text.
    pub message: String,
}

/// The ARN of an alarm.
pub fn alarm_arn(name: &str) -> String {
    format!("arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name}")
}

/// The ARN of a topic.
pub fn topic_arn(name: &str) -> String {
    format!("arn:aws:sns:{REGION}:{ACCOUNT}:{name}")
}

impl Account {
    /// A job in progress that was created at this time (seconds since the epoch).
    pub fn add_job(&mut self, id: &str, created_at: f64) {
        let job = json!({
            "jobArn": format!("arn:aws:iot:{REGION}:{ACCOUNT}:job/{id}"),
            "jobId": id,
            "targetSelection": "SNAPSHOT",
            "status": "IN_PROGRESS",
            "targets": [format!("arn:aws:iot:{REGION}:{ACCOUNT}:thinggroup/all")],
            "createdAt": created_at,
            "lastUpdatedAt": created_at,
            "jobProcessDetails": {
                "numberOfSucceededThings": 60,
                "numberOfFailedThings": 40,
                "numberOfInProgressThings": 20,
                "numberOfQueuedThings": 100,
            },
        });
        self.jobs.insert(id.to_owned(), job);
    }

    /// Whether a job was stopped.
    pub fn is_canceled(&self, job: &str) -> bool {
        self.jobs.get(job).is_some_and(|job| job["status"] == "CANCELED")
    }

    /// Why a job was canceled, in the words of whoever did it.
    pub fn comment(&self, job: &str) -> &str {
        self.jobs.get(job).and_then(|job| job["comment"].as_str()).unwrap_or_default()
    }

    pub(super) fn describe_alarms(&self, asked: &Value) -> Value {
        let names: Vec<&str> = asked["AlarmNames"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let prefix = asked["AlarmNamePrefix"].as_str();
        let kinds = asked["AlarmTypes"].as_array();
        let is_asked = |kind: &str| match kinds {
            Some(kinds) => kinds.iter().any(|asked| asked == kind),
            // Without kinds, only metric alarms are described.
            None => kind == "MetricAlarm",
        };
        let is_meant = |name: &str| match prefix {
            Some(prefix) => name.starts_with(prefix),
            None => names.is_empty() || names.contains(&name),
        };
        let of = |is_composite: bool, kind: &str| -> Vec<Value> {
            let alarms = self.alarms.iter().filter(|(name, _)| is_asked(kind) && is_meant(name));
            let alarms = alarms.filter(|(_, alarm)| alarm.is_composite == is_composite);
            alarms.map(|(_, alarm)| alarm.described.clone()).collect()
        };
        json!({
            "MetricAlarms": of(false, "MetricAlarm"),
            "CompositeAlarms": of(true, "CompositeAlarm"),
        })
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

    pub(super) fn describe_job(&self, id: &str) -> Answer {
        let job = self.jobs.get(id).ok_or_else(|| no_job(id))?;
        Ok(json!({"job": job}))
    }

    /// What AWS answers of a job that has ended is not documented; the job stays as it is.
    pub(super) fn cancel_job(&mut self, id: &str, force: bool, asked: &Value) -> Answer {
        let job = self.jobs.get_mut(id).ok_or_else(|| no_job(id))?;
        if job["status"] != "IN_PROGRESS" {
            let text = format!("Job {id} cannot be canceled in its state");
            return Err((400, "InvalidRequestException", text));
        }
        let is_comment =
            |text: &str| text.chars().count() <= 2_028 && !text.contains(char::is_control);
        if !asked["comment"].as_str().is_none_or(is_comment) {
            return Err((400, "InvalidRequestException", "comment: no control characters".into()));
        }
        job["status"] = "CANCELED".into();
        job["forceCanceled"] = force.into();
        job["reasonCode"] = asked["reasonCode"].clone();
        job["comment"] = asked["comment"].clone();
        job["completedAt"] = now().into();
        job["lastUpdatedAt"] = now().into();
        Ok(json!({"jobArn": job["jobArn"], "jobId": id}))
    }

    pub(super) fn publish(&mut self, form: &BTreeMap<String, String>) -> String {
        let field = |name| form.get(name).cloned().unwrap_or_default();
        self.published.push(Published {
            topic: field("TopicArn"),
            subject: field("Subject"),
            message: field("Message"),
        });
        let id = self.published.len();
        format!(
            "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><PublishResult>\
             <MessageId>m-{id}</MessageId></PublishResult><ResponseMetadata><RequestId>r-{id}\
             </RequestId></ResponseMetadata></PublishResponse>"
        )
    }
}

fn no_job(id: &str) -> Refusal {
    (404, "ResourceNotFoundException", format!("Job {id} cannot be found"))
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
