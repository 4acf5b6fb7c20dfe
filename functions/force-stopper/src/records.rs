//! The records of a delivery.

use serde_json::Value;
use tripline::time::Timestamp;

/// An alarm message with what its carrier calls it.
pub(crate) struct Record {
    /// Distinguishes this delivery from every other: SNS's message id or, without one, Lambda's id of the
    /// request, which is the same for each attempt.
    pub id: String,
    /// The message.
    pub message: String,
    /// When SNS took it or, if an alarm invoked the function itself, when CloudWatch did so. (Whoever
    /// may invoke the function can write that; the topic's writers cannot write SNS's.)
    pub sent_at: Option<Timestamp>,
    /// Whether an alarm invoked the function itself.
    pub is_direct: bool,
}

/// The messages in a payload: those that SNS brings or, if an alarm invokes the function itself,
/// the payload.
///
/// Only three fields of SNS's envelope are needed, so only they can be wrong; a typed envelope would
/// refuse a whole delivery for a signature that nobody reads.
pub(crate) fn of(payload: &Value, request: &str) -> Vec<Record> {
    match payload.get("Records").and_then(Value::as_array) {
        Some(records) if !records.is_empty() => {
            records.iter().map(|record| from_sns(record, request)).collect()
        }
        _ => vec![Record {
            id: request.to_owned(),
            message: payload.to_string(),
            sent_at: payload.get("time").and_then(Value::as_str).and_then(invoked_at),
            is_direct: true,
        }],
    }
}

/// CloudWatch writes `2026-09-21T14:01:09.199+0000`.
fn invoked_at(text: &str) -> Option<Timestamp> {
    let utc = text.strip_suffix("+0000").or(text.strip_suffix('Z'))?;
    Timestamp::from_rfc3339(&format!("{utc}Z"))
}

fn from_sns(record: &Value, request: &str) -> Record {
    let text = |pointer| record.pointer(pointer).and_then(Value::as_str);
    Record {
        id: text("/Sns/MessageId").filter(|id| !id.is_empty()).unwrap_or(request).to_owned(),
        // What is not of SNS is kept whole, so that it can be said what it is.
        message: text("/Sns/Message").map_or_else(|| record.to_string(), str::to_owned),
        sent_at: text("/Sns/Timestamp").and_then(Timestamp::from_rfc3339),
        is_direct: false,
    }
}
