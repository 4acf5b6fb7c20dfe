//! What happened, written down where it happened: by AWS, not by whoever called it.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::faults::Fault;

/// A call that came to AWS.
#[derive(Debug, Clone)]
pub struct Entry {
    /// When it had come.
    pub at: Instant,
    /// Through which door: which process made it.
    pub door: u64,
    /// For which delivery of its event, from 1.
    pub attempt: u32,
    /// The API's name of it.
    pub operation: String,
    /// What it is about: a job, an alarm, a topic, a table.
    pub subject: String,
    /// What became of it, if it did not go well.
    pub fault: Option<Fault>,
    /// Whether AWS did it. A call that AWS itself refuses was not done.
    pub carried_out: bool,
    /// What it was sent with, for people.
    pub text: String,
}

/// All calls in their order.
#[derive(Debug, Default)]
pub struct Ledger(Mutex<Vec<Entry>>);

impl Ledger {
    pub(crate) fn add(&self, entry: Entry) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
    }

    /// What was written down so far.
    pub fn entries(&self) -> Vec<Entry> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What was written down of one door, which is forgotten.
    pub fn take(&self, door: u64) -> Vec<Entry> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.extract_if(.., |entry| entry.door == door).collect()
    }

    /// The calls of one operation so far.
    pub fn of(&self, operation: &str) -> Vec<Entry> {
        let mut entries = self.entries();
        entries.retain(|entry| entry.operation == operation);
        entries
    }
}
