//! The two ways in which events come.

use aws_lambda_events::sqs::SqsEvent;
use serde_json::Value;
use tripline::event::{ExecutionEvent, PoisonEvent};
use tripline::text::excerpt;

use crate::Delivered;

/// What one invocation brings.
pub(crate) enum Delivery {
    /// One event, straight from the rule.
    Direct(Delivered),
    /// Some events from the queue, in any order.
    Batch(Vec<Message>),
}

/// An event with what its queue calls it.
pub(crate) struct Message {
    /// The queue's message id. Without one the report of a failure names nothing, for which Lambda
    /// takes the whole batch as failed: nothing is lost.
    pub id: String,
    /// The event.
    pub event: Delivered,
}

impl Delivery {
    pub fn from_payload(payload: Value) -> Self {
        let from_queue = payload.pointer("/Records/0/eventSource").is_some_and(|s| s == "aws:sqs");
        if !from_queue {
            return Self::Direct(ExecutionEvent::from_value(&payload));
        }
        match serde_json::from_value::<SqsEvent>(payload) {
            Ok(batch) => Self::Batch(batch.records.into_iter().map(Message::from).collect()),
            // Lambda writes this envelope itself; if it ever changes, the event is kept as poison.
            Err(error) => Self::Direct(Err(PoisonEvent::NotJson(excerpt(&error.to_string())))),
        }
    }
}

impl From<aws_lambda_events::sqs::SqsMessage> for Message {
    fn from(message: aws_lambda_events::sqs::SqsMessage) -> Self {
        let body = message.body.unwrap_or_default();
        Self {
            id: message.message_id.unwrap_or_default(),
            event: ExecutionEvent::from_json(body.as_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_said_of_an_odd_envelope_is_short() {
        let record = json!({ "eventSource": "aws:sqs", "attributes": "\u{1b}[31m".repeat(1_000) });
        let Delivery::Direct(Err(poison)) = Delivery::from_payload(json!({ "Records": [record] }))
        else {
            panic!("not one event that is none");
        };
        let said = poison.to_string();
        assert!(said.len() < 200 && !said.contains(char::is_control), "{said}");
    }
}
