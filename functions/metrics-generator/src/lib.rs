//! Turns the ends of job executions into CloudWatch metrics.
//!
//! The IoT rule delivers each event by itself (`direct`) or through a queue (`batched`). Directly,
//! a failure is an error: Lambda tries again and then hands the event to the undelivered queue. In
//! a batch only what failed is reported, so that only that comes back.
//!
//! Every event is counted at least once, or ends undelivered. It is counted twice if CloudWatch took a request
//! and did not say so; how many that may be is logged (`maybe_counted_twice`) and published.

pub mod cloudwatch;
mod delivery;
mod failed;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};
use tripline::batch::{Batch, Request};
use tripline::event::{ExecutionEvent, PoisonEvent};
use tripline::metric::Metric;
use tripline::recent::RecentEvents;
use tripline::time::Timestamp;
use tripline_aws::Failure;
use tripline_aws::taken::Taken;

use delivery::{Delivery, Message};
pub use failed::Failed;

/// How many events an environment remembers, so that a repetition is counted once: about 2 MB.
pub const REMEMBERED_EVENTS: usize = 10_000;
/// Most lines about unusable details in one invocation: devices write them, and logs cost money.
const LOGGED_DETAILS: usize = 5;

/// Publishes one request.
pub trait PutMetrics {
    /// Publishes all datums of a request.
    fn put_metrics(&self, request: &Request) -> impl Future<Output = Result<(), NotPut>> + Send;
}

/// Publishes what may have been counted twice.
pub trait PutDoubts {
    /// Publishes that so many endings may have been, in the whole stack.
    fn put_doubts(&self, endings: u64) -> impl Future<Output = Result<(), NotPut>> + Send;
}

/// Why something was not published, as far as anybody knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotPut {
    /// The call that failed.
    pub failure: Failure,
    /// Whether CloudWatch may have taken it all the same.
    pub taken: Taken,
}

/// The function, with what it remembers between invocations.
#[derive(Debug)]
pub struct Generator<C> {
    client: C,
    recent: Mutex<RecentEvents>,
    /// Endings that may have been counted twice, that nobody was alerted to. They wait for a request that
    /// succeeds: as long as CloudWatch does not answer, it would not take this either, and each try would cost
    /// the invocation its time. If the environment ends before, the log has them.
    doubts: AtomicU64,
}

impl<C: PutMetrics + PutDoubts> Generator<C> {
    /// A generator that has counted nothing yet.
    pub fn new(client: C) -> Self {
        let recent = Mutex::new(RecentEvents::new(REMEMBERED_EVENTS));
        Self { client, recent, doubts: AtomicU64::new(0) }
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
                let failed = failed.keys().filter_map(|position| messages.get(*position));
                let items: Vec<_> =
                    failed.map(|message| json!({ "itemIdentifier": message.id })).collect();
                Ok(json!({ "batchItemFailures": items }))
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
                    tracing::error!(message_id = message.id, %poison, "event_unusable");
                    failed.insert(position, Failed::Poison(poison.clone()));
                }
            }
        }
        log_details(&events);
        let batch = {
            let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
            Batch::new(events.iter().copied(), &recent, now)
        };
        let mut is_answered = false;
        for request in &batch.requests {
            match self.client.put_metrics(request).await {
                // Only what was published may be remembered: the rest comes again to be counted.
                Ok(()) => {
                    is_answered = true;
                    let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
                    request.ids.iter().for_each(|id| recent.remember(id.clone()));
                }
                Err(NotPut { failure, taken }) => {
                    self.note(request, &failure, taken);
                    let events = request.events.iter();
                    failed.extend(events.map(|at| (*at, Failed::Aws(failure.clone()))));
                }
            }
        }
        if is_answered {
            self.report_doubts().await;
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

    /// Takes note of a request that was not published.
    fn note(&self, request: &Request, failure: &Failure, taken: Taken) {
        match taken {
            Taken::No => {
                tracing::error!(%failure, events = request.events.len(), "metrics_not_published");
            }
            Taken::Unknown => {
                let endings = endings(request);
                tracing::error!(%failure, endings, "maybe_counted_twice");
                self.doubts.fetch_add(endings, Ordering::Relaxed);
            }
        }
    }

    /// Publishes what may have been counted twice. What cannot be is kept for the next time.
    async fn report_doubts(&self) {
        let endings = self.doubts.swap(0, Ordering::Relaxed);
        if endings > 0
            && let Err(NotPut { failure, .. }) = self.client.put_doubts(endings).await
        {
            tracing::warn!(%failure, endings, "doubts_not_published");
            self.doubts.fetch_add(endings, Ordering::Relaxed);
        }
    }
}

/// How many ended executions a request counts.
fn endings(request: &Request) -> u64 {
    let outcomes = request.datums.iter().filter(|datum| matches!(datum.metric, Metric::Count(_)));
    outcomes.flat_map(|datum| &datum.values).map(|(_, count)| u64::from(*count)).sum()
}

fn log_details(events: &[(usize, &ExecutionEvent)]) {
    let endings = events.iter().filter_map(|(_, event)| Some((&event.job, event.ending.as_ref()?)));
    let details = endings.flat_map(|(job, ending)| ending.invalid.iter().map(move |d| (job, d)));
    for (job, detail) in details.take(LOGGED_DETAILS) {
        tracing::warn!(%job, %detail, "detail_invalid");
    }
}

/// An event as it was delivered: read, or poison.
type Delivered = Result<ExecutionEvent, PoisonEvent>;

#[cfg(test)]
mod tests;
