//! The records of a delivery.

use serde_json::Value;

/// An alarm message with what its carrier calls it.
pub(crate) struct Record {
    /// SNS's message id; empty if there is none.
    pub id: String,
    /// The message.
    pub message: String,
}

/// The messages in a payload: those that SNS brings or, if an alarm invokes the function itself,
/// the payload.
///
/// Only two fields of SNS's envelope are needed, so only they can be wrong; a typed envelope would
/// refuse a whole delivery for a date that nobody reads.
pub(crate) fn of(payload: &Value) -> Vec<Record> {
    match payload.get("Records").and_then(Value::as_array) {
        Some(records) if !records.is_empty() => records.iter().map(from_sns).collect(),
        _ => vec![Record { id: String::new(), message: payload.to_string() }],
    }
}

fn from_sns(record: &Value) -> Record {
    let text = |pointer| record.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    Record { id: text("/Sns/MessageId").to_owned(), message: text("/Sns/Message").to_owned() }
}
