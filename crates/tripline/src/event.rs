//! Job-execution events: one device's execution of a job has ended.
//!
//! Topic `$aws/events/jobExecution/<jobId>/<operation>`; AWS documents one payload for all
//! operations ("Jobs events" in the AWS IoT developer guide). Delivery is at least once and
//! unordered.

use serde_json::{Map, Value};

use crate::detail::Detail;
use crate::invalid::Invalid;
use crate::job::{InvalidJobId, JobId};
use crate::metric::{DownloadTime, Outcome, RetryCount};
use crate::text::excerpt;
use crate::time::Timestamp;

/// One device's execution that has ended, with what the device says of it.
#[derive(Debug, Clone, PartialEq)]
pub struct ExecutionEvent {
    /// What distinguishes this event from its repetitions, if it carries a usable one.
    pub id: Option<EventId>,
    /// The rollout.
    pub job: JobId,
    /// How the execution ended; `None` for a deleted execution, which counts nothing.
    pub ending: Option<ExecutionEnding>,
    /// When, if the event says so.
    pub at: Option<Timestamp>,
}

/// How an execution ended, with the details that could be used.
#[derive(Debug, Clone, PartialEq)]
pub struct ExecutionEnding {
    /// How it ended.
    pub outcome: Outcome,
    /// `statusDetails.downloadTime`
    pub download_time: Option<DownloadTime>,
    /// `statusDetails.retryCount`
    pub retry_count: Option<RetryCount>,
    /// The details that are there and cannot be used: each detail once at most, however many keys
    /// nearly name it.
    pub invalid: Vec<InvalidDetail>,
}

/// An event's identity, of bounded length so that many can be remembered.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EventId(Box<str>);

impl EventId {
    /// What it can be, in words.
    pub const EXPECTED: &str = "1 to 64 bytes";

    /// Longest id; AWS IoT writes UUIDs of 36 characters.
    pub const MAX: usize = 64;

    /// Checks an id. One that is empty or too long identifies nothing.
    ///
    /// # Errors
    /// What it can be.
    pub fn new(id: &str) -> Result<Self, Invalid> {
        (1..=Self::MAX).contains(&id.len()).then(|| Self(id.into())).ok_or(Invalid(Self::EXPECTED))
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A detail that is there and cannot be used. Its event is counted all the same.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDetail {
    /// Its value is none.
    #[error("{name}: `{value}` is unusable, expected {expected}")]
    Value {
        /// Which.
        name: &'static str,
        /// The beginning of what was there.
        value: String,
        /// What would have been usable.
        expected: &'static str,
    },
    /// It came under another spelling of its key ([`Detail::misspelled`]). The value is not taken: nothing says
    /// that it has the same unit.
    #[error("{meant}: the key is `{key}`, expected `{meant}`")]
    Key {
        /// The detail that was meant.
        meant: Detail,
        /// The key that was there, at most [`Detail::MAX_KEY`] bytes of it.
        key: String,
    },
}

/// An event that can never be handled, however often it comes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PoisonEvent {
    /// The bytes are no JSON.
    #[error("not JSON: {0}")]
    NotJson(String),
    /// JSON, but no object.
    #[error("not an object but {0}")]
    NotAnObject(&'static str),
    /// Another kind of event.
    #[error("eventType: `{0}` is not handled, expected `JOB_EXECUTION`")]
    OtherKind(String),
    /// No job is named.
    #[error("jobId: missing or no text")]
    MissingJobId,
    /// What is named cannot be a job.
    #[error("jobId: {0}")]
    ImpossibleJobId(#[from] InvalidJobId),
    /// It does not say what happened, or says something unknown.
    #[error(
        "operation: `{0}` is unknown, expected one of succeeded, failed, rejected, timed_out, canceled, removed, deleted"
    )]
    UnknownOperation(String),
}

impl ExecutionEvent {
    /// Reads an event from its bytes.
    pub fn from_json(bytes: &[u8]) -> Result<Self, PoisonEvent> {
        let value: Value = serde_json::from_slice(bytes)
            .map_err(|error| PoisonEvent::NotJson(excerpt(&error.to_string())))?;
        Self::from_value(&value)
    }

    /// Reads an event from parsed JSON.
    pub fn from_value(value: &Value) -> Result<Self, PoisonEvent> {
        let object = value.as_object().ok_or_else(|| PoisonEvent::NotAnObject(kind_of(value)))?;
        if let Some(kind) = object.get("eventType").filter(|kind| *kind != "JOB_EXECUTION") {
            return Err(PoisonEvent::OtherKind(shown(kind)));
        }
        let job = object.get("jobId").and_then(Value::as_str).ok_or(PoisonEvent::MissingJobId)?;
        Ok(Self {
            id: object.get("eventId").and_then(Value::as_str).and_then(|it| EventId::new(it).ok()),
            job: JobId::new(job)?,
            ending: ending(object)?,
            at: object.get("timestamp").and_then(timestamp),
        })
    }
}

/// `operation` decides, not `status`: a deleted execution keeps the status it had, and would be
/// counted a second time.
fn ending(object: &Map<String, Value>) -> Result<Option<ExecutionEnding>, PoisonEvent> {
    let operation = object.get("operation").unwrap_or(&Value::Null);
    let outcome = match operation.as_str() {
        Some("succeeded") => Outcome::Succeeded,
        Some("failed") => Outcome::Failed,
        Some("rejected") => Outcome::Rejected,
        Some("timed_out") => Outcome::TimedOut,
        Some("canceled") => Outcome::Canceled,
        Some("removed") => Outcome::Removed,
        Some("deleted") => return Ok(None),
        _ => return Err(PoisonEvent::UnknownOperation(shown(operation))),
    };
    let mut ending =
        ExecutionEnding { outcome, download_time: None, retry_count: None, invalid: Vec::new() };
    match object.get("statusDetails") {
        None | Some(Value::Null) => {}
        Some(Value::Object(details)) => {
            let mut read = Details { details, invalid: &mut ending.invalid };
            ending.download_time = read.take(Detail::DownloadTime, download_time);
            ending.retry_count = read.take(Detail::RetryCount, retry_count);
        }
        Some(other) => ending.invalid.push(InvalidDetail::Value {
            name: "statusDetails",
            value: shown(other),
            expected: "an object",
        }),
    }
    Ok(Some(ending))
}

struct Details<'a> {
    details: &'a Map<String, Value>,
    invalid: &'a mut Vec<InvalidDetail>,
}

impl Details<'_> {
    fn take<T>(&mut self, detail: Detail, read: fn(&Value) -> Option<T>) -> Option<T> {
        let Some(value) = self.details.get(detail.name()) else {
            let key = self.details.keys().find(|key| Detail::misspelled(key) == Some(detail));
            let key = key.map(|key| InvalidDetail::Key { meant: detail, key: excerpt(key) });
            self.invalid.extend(key);
            return None;
        };
        let taken = read(value);
        if taken.is_none() {
            self.invalid.push(InvalidDetail::Value {
                name: detail.name(),
                value: shown(value),
                expected: detail.expected(),
            });
        }
        taken
    }
}

/// Devices can only send texts; numbers are accepted too, since other sources send them.
fn download_time(value: &Value) -> Option<DownloadTime> {
    let seconds = match value {
        Value::String(text) => text.parse().ok()?,
        other => other.as_f64()?,
    };
    DownloadTime::new(seconds).ok()
}

fn retry_count(value: &Value) -> Option<RetryCount> {
    let retries = match value {
        Value::String(text) => text.parse().ok()?,
        other => other.as_u64()?,
    };
    RetryCount::new(retries).ok()
}

fn timestamp(value: &Value) -> Option<Timestamp> {
    // A fraction is cut off; `as` saturates, and what is out of range is re-timed by the batch.
    #[allow(clippy::cast_possible_truncation)]
    let number = value.as_i64().or_else(|| value.as_f64().map(|number| number as i64))?;
    Some(Timestamp::from_event(number))
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => excerpt(text),
        // An array or an object may be large: its kind says enough.
        Value::Array(_) | Value::Object(_) => kind_of(value).to_owned(),
        other => excerpt(&other.to_string()),
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
pub(crate) mod tests;
