//! What the account holds. What its services answer by AWS's rules stands in a file a service.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::REGION;

/// The account's number.
pub const ACCOUNT: &str = "111122223333";

/// An error of a service: status, code, message.
pub(super) type Refusal = (u16, &'static str, String);
pub(super) type Answer = Result<Value, Refusal>;

/// An account.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Account {
    /// Alarms by name, as CloudWatch describes them.
    pub alarms: BTreeMap<String, Alarm>,
    /// Keys and values of alarms' tags, by the alarm's name.
    pub alarm_tags: BTreeMap<String, Vec<(String, String)>>,
    /// Active mute rules, each with the names of the alarms that it mutes.
    pub mute_rules: BTreeMap<String, Vec<String>>,
    /// Jobs by id, as AWS IoT describes them.
    pub jobs: BTreeMap<String, Value>,
    /// Keys and values of jobs' tags, by the job's id.
    pub job_tags: BTreeMap<String, Vec<(String, String)>>,
    /// Jobs' executions, as AWS IoT lists them, by the job's id.
    pub executions: BTreeMap<String, Vec<Value>>,
    /// Thing groups, each with the names of its things.
    pub groups: BTreeMap<String, Vec<String>>,
    /// Names of the state machine's executions that run.
    pub running: Vec<String>,
    /// Tokens that executions wait with, or did.
    pub tokens: BTreeMap<String, super::Token>,
    /// Whether AWS IoT sends job events.
    pub job_events_are_on: bool,
    /// What was published, and is on its way to people.
    pub published: Vec<Published>,
    /// What was counted, a datum each, in its order.
    pub metrics: Vec<super::Datum>,
    /// Items by table and key.
    pub items: BTreeMap<(String, String), Map<String, Value>>,
}

/// An alarm.
#[derive(Debug, Clone, Default, PartialEq)]
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
