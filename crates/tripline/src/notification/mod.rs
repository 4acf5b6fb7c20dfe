//! What CloudWatch says when an alarm changes its state.
//!
//! The shapes differ by the kind of alarm and by the year: descriptions are null, ARNs are missing
//! before 2020, metric-math alarms have no dimensions of their own, composite alarms have no
//! trigger at all. Only what a stop needs is read, and only that is required.

mod raw;

use std::collections::BTreeSet;
use std::fmt;

use crate::job::JobId;
use crate::text::{bare_name, excerpt};

/// A state change of an alarm.
#[derive(Debug, Clone, PartialEq)]
pub struct AlarmNotification {
    /// The alarm, 1 to 255 characters.
    pub alarm: String,
    /// Its new state.
    pub state: AlarmState,
    /// Why, in CloudWatch's words; may be empty.
    pub reason: String,
    /// When, as CloudWatch writes it; may be empty.
    pub changed_at: String,
    /// What it watches, as far as the message says.
    pub subject: Subject,
    /// The rule that was broken, in words; a composite alarm has none.
    pub rule: Option<String>,
}

/// An alarm's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlarmState {
    /// `OK`
    Ok,
    /// `ALARM`
    Alarm,
    /// `INSUFFICIENT_DATA`
    InsufficientData,
}

impl AlarmState {
    /// Reads CloudWatch's name of a state.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "OK" => Some(Self::Ok),
            "ALARM" => Some(Self::Alarm),
            "INSUFFICIENT_DATA" => Some(Self::InsufficientData),
            _ => None,
        }
    }
}

/// What an alarm watches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// Metrics: one, or those of its metric math.
    Metrics(Watched),
    /// Other alarms. `triggering` names those that caused the change, if the message does.
    Composite {
        /// Names of alarms.
        triggering: BTreeSet<String>,
    },
}

/// The metrics that an alarm watches, as far as a stop needs to know them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Watched {
    /// Their namespaces.
    pub namespaces: BTreeSet<String>,
    /// The values of their dimension `jobId`, as they are.
    pub jobs: BTreeSet<String>,
    /// The accounts that metric math takes metrics from, where it names any; the alarm's own is
    /// meant otherwise.
    pub accounts: BTreeSet<String>,
}

/// Why no single rollout can be named.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoSingleJob {
    /// None is named.
    #[error("no `jobId` is named")]
    None,
    /// Several are named.
    #[error("{0} different `jobId`s are named")]
    Several(usize),
    /// What is named cannot be a job.
    #[error("`{0}` is no job id (expected 1 to 64 letters, digits, `-` or `_`)")]
    Impossible(String),
}

impl Watched {
    /// The one rollout that is watched.
    pub fn job(&self) -> Result<JobId, NoSingleJob> {
        let mut jobs = self.jobs.iter();
        match (jobs.next(), jobs.next()) {
            (None, _) => Err(NoSingleJob::None),
            (Some(job), None) => {
                JobId::new(job).map_err(|_| NoSingleJob::Impossible(bare_name(job)))
            }
            (Some(_), Some(_)) => Err(NoSingleJob::Several(self.jobs.len())),
        }
    }

    /// Adds what another alarm watches.
    pub fn extend(&mut self, other: Self) {
        self.namespaces.extend(other.namespaces);
        self.jobs.extend(other.jobs);
        self.accounts.extend(other.accounts);
    }

    /// Whether another says the same of what is watched. A message may leave accounts out.
    pub fn agrees_with(&self, other: &Self) -> bool {
        self.namespaces == other.namespaces && self.jobs == other.jobs
    }
}

/// A message that CloudWatch does not send.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAnAlarm {
    /// Not JSON, or not of an alarm's shape.
    #[error("not a CloudWatch alarm message: {0}")]
    Shape(String),
    /// In the envelope of another service, which is no way to stop a rollout.
    #[error("{0}, not a CloudWatch alarm message: only the stack's force-stop topic carries those")]
    Carried(Carrier),
    /// No usable name.
    #[error(
        "AlarmName: `{0}` is no alarm's name (expected 1 to 255 characters, none of them a control character)"
    )]
    Name(String),
    /// No usable state.
    #[error("NewStateValue: `{0}` is unknown (expected `ALARM`, `OK` or `INSUFFICIENT_DATA`)")]
    State(String),
}

/// A service whose envelopes are distinguished from alarm messages, so that whoever connected it reads what
/// is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    /// Amazon EventBridge, for example its event `CloudWatch Alarm State Change`.
    EventBridge,
    /// Amazon SQS.
    Sqs,
    /// Amazon SNS, within an SQS message.
    SnsInSqs,
}

impl fmt::Display for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EventBridge => "an EventBridge event",
            Self::Sqs => "an SQS message",
            Self::SnsInSqs => "an SNS message that came through SQS",
        })
    }
}

/// An alarm's rule in words, such as `p99 of downloadTime > 3600`; `None` for a comparison that needs
/// more than a threshold. Metric math has neither a metric nor a statistic of its own.
pub fn rule_in_words(
    statistic: Option<&str>,
    metric: Option<&str>,
    comparison: &str,
    threshold: f64,
) -> Option<String> {
    let sign = match comparison {
        "GreaterThanThreshold" => ">",
        "GreaterThanOrEqualToThreshold" => ">=",
        "LessThanThreshold" => "<",
        "LessThanOrEqualToThreshold" => "<=",
        _ => return None,
    };
    let given = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(excerpt);
    Some(match (given(statistic), given(metric)) {
        (Some(statistic), Some(metric)) => format!("{statistic} of {metric} {sign} {threshold}"),
        (None, Some(metric)) => format!("{metric} {sign} {threshold}"),
        (_, None) => format!("metric math {sign} {threshold}"),
    })
}

/// Longest alarm name, in characters (CloudWatch `PutMetricAlarm`, `AlarmName`).
const MAX_ALARM_NAME: usize = 255;

impl AlarmNotification {
    /// Reads the message that CloudWatch publishes to SNS, or the event with which it invokes a
    /// function itself.
    pub fn from_json(message: &str) -> Result<Self, NotAnAlarm> {
        raw::read(message)
    }

    fn new(
        alarm: &str,
        state: &str,
        reason: Option<&str>,
        changed_at: Option<&str>,
        subject: Subject,
        rule: Option<String>,
    ) -> Result<Self, NotAnAlarm> {
        let impossible = alarm.is_empty() || alarm.chars().nth(MAX_ALARM_NAME).is_some();
        if impossible || alarm.chars().any(char::is_control) {
            return Err(NotAnAlarm::Name(excerpt(alarm)));
        }
        Ok(Self {
            alarm: alarm.to_owned(),
            state: AlarmState::parse(state).ok_or_else(|| NotAnAlarm::State(excerpt(state)))?,
            reason: reason.unwrap_or_default().to_owned(),
            changed_at: changed_at.unwrap_or_default().to_owned(),
            subject,
            rule,
        })
    }
}

/// The name in an alarm's ARN (`arn:<partition>:cloudwatch:<region>:<account>:alarm:<name>`, where
/// the name may have colons), or `text` itself if it is no ARN.
pub fn alarm_name_of(text: &str) -> &str {
    let mut parts = text.splitn(7, ':');
    match (parts.next(), parts.nth(1), parts.nth(2), parts.next()) {
        (Some("arn"), Some("cloudwatch"), Some("alarm"), Some(name)) => name,
        _ => text,
    }
}

/// The alarms that the rule of a composite alarm names, such as
/// `ALARM("a") AND NOT OK(arn:..:alarm:b)`.
pub fn alarms_in_rule(rule: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut rest = rule;
    while let Some(first) = rest.chars().next() {
        if first == '"' || first == '\'' {
            let quoted = rest.get(1..).unwrap_or_default();
            let (name, after) = unquoted(quoted, first);
            names.insert(alarm_name_of(&name).to_owned());
            rest = after;
            continue;
        }
        let end =
            rest.find(|c: char| c.is_whitespace() || "()\"',".contains(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end.max(if end == 0 { first.len_utf8() } else { end }));
        let is_number = word.bytes().all(|byte| byte.is_ascii_digit() || b".%".contains(&byte));
        if end > 0 && !is_number && !RULE_WORDS.contains(&word.to_ascii_uppercase().as_str()) {
            names.insert(alarm_name_of(word).to_owned());
        }
        rest = after;
    }
    names
}

/// The text up to the closing quote, and the rest after it. A backslash takes the next character
/// as it is.
fn unquoted(text: &str, quote: char) -> (String, &str) {
    let mut name = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => name.extend(characters.next().map(|(_, escaped)| escaped)),
            _ if character == quote => return (name, text.get(at + 1..).unwrap_or_default()),
            _ => name.push(character),
        }
    }
    (name, "")
}

/// The words of CloudWatch's rule expressions ("Create a composite alarm").
const RULE_WORDS: [&str; 9] =
    ["ALARM", "OK", "INSUFFICIENT_DATA", "AND", "OR", "NOT", "TRUE", "FALSE", "AT_LEAST"];

#[cfg(test)]
mod tests;
