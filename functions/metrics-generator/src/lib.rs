//! Turns the ends of job executions into CloudWatch metrics.
//!
//! The IoT rule delivers each event by itself (`direct`) or through a queue (`batched`). Directly,
//! a failure is an error: Lambda tries again and then hands the event to the undelivered queue. In
//! a batch only what failed is reported, so that only that comes back.

pub mod cloudwatch;
mod delivery;
mod failed;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use aws_lambda_events::sqs::SqsBatchResponse;
use serde_json::Value;
use tripline::batch::{Batch, Request};
use tripline::event::{ExecutionEvent, PoisonEvent};
use tripline::recent::RecentEvents;
use tripline::time::Timestamp;
use tripline_aws::Failure;

use delivery::{Delivery, Message};
pub use failed::Failed;

/// How many events an environment remembers, so that a repetition is counted once: about 2 MB.
pub const REMEMBERED_EVENTS: usize = 10_000;
/// Most lines about unusable details in one invocation: devices write them, and logs cost money.
const LOGGED_DETAILS: usize = 5;

/// Publishes one request.
pub trait PutMetrics {
    /// Publishes all datums of a request or none.
    fn put_metrics(&self, request: &Request) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// The function, with what it remembers between invocations.
#[derive(Debug)]
pub struct Generator<C> {
    client: C,
    recent: Mutex<RecentEvents>,
}

impl<C: PutMetrics> Generator<C> {
    /// A generator that has counted nothing yet.
    pub fn new(client: C) -> Self {
        Self { client, recent: Mutex::new(RecentEvents::new(REMEMBERED_EVENTS)) }
    }

    /// Handles one delivery at the time `now`. The answer is `null` for a single event, and the
    /// failed items for a batch.
    ///
    /// # Errors
    /// A single event that cannot be handled, or not now.
    pub async fn handle(&self, payload: Value, now: Timestamp) -> Result<Value, Failed> {
        match Delivery::from_payload(payload) {
            Delivery::Direct(event) => {
                let message = Message { id: String::new(), event };
                match self.publish(&[message], now).await.into_values().next() {
                    Some(failed) => Err(failed),
                    None => Ok(Value::Null),
                }
            }
            Delivery::Batch(messages) => {
                let failed = self.publish(&messages, now).await;
                let mut answer = SqsBatchResponse::default();
                for message in failed.keys().filter_map(|position| messages.get(*position)) {
                    answer.add_failure(&message.id);
                }
                Ok(serde_json::to_value(answer)?)
            }
        }
    }

    /// Counts messages; returns those that failed, by their position.
    async fn publish(&self, messages: &[Message], now: Timestamp) -> BTreeMap<usize, Failed> {
        let mut failed = BTreeMap::new();
        let mut events = Vec::with_capacity(messages.len());
        for (position, message) in messages.iter().enumerate() {
            match &message.event {
                Ok(event) => events.push((position, event)),
                Err(poison) => {
                    tracing::error!(message_id = message.id, %poison, "event cannot be handled");
                    failed.insert(position, Failed::Poison(poison.clone()));
                }
            }
        }
        log_details(&events);
        let batch = {
            let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
            Batch::new(events.iter().copied(), &recent, now)
        };
        for request in &batch.requests {
            match self.client.put_metrics(request).await {
                // Only what was published may be remembered: the rest comes again to be counted.
                Ok(()) => {
                    let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
                    request.ids.iter().for_each(|id| recent.remember(id.clone()));
                }
                Err(failure) => {
                    tracing::error!(%failure, events = request.events.len(), "not published");
                    let events = request.events.iter();
                    failed.extend(events.map(|at| (*at, Failed::Aws(failure.clone()))));
                }
            }
        }
        tracing::info!(
            events = messages.len(),
            jobs = batch.jobs().len(),
            requests = batch.requests.len(),
            repeated = batch.repeated,
            retimed = batch.retimed,
            failed = failed.len(),
            "counted"
        );
        failed
    }
}

fn log_details(events: &[(usize, &ExecutionEvent)]) {
    let endings = events.iter().filter_map(|(_, event)| Some((&event.job, event.ending.as_ref()?)));
    let details = endings.flat_map(|(job, ending)| ending.invalid.iter().map(move |d| (job, d)));
    for (job, detail) in details.take(LOGGED_DETAILS) {
        tracing::warn!(%job, %detail, "detail not used");
    }
}

/// An event as it was delivered: read, or poison.
type Delivered = Result<ExecutionEvent, PoisonEvent>;

#[cfg(test)]
mod tests;
