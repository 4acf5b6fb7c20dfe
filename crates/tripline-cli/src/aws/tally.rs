//! How many executions of a job are in which state.

use aws_sdk_iot::types::Job;
use serde::{Deserialize, Serialize};

/// How many executions of a job are in which state. AWS counts executions: devices that a
/// rate-limited rollout has not come to yet are in none of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tally {
    pub queued: u32,
    pub in_progress: u32,
    pub succeeded: u32,
    pub failed: u32,
    pub rejected: u32,
    pub timed_out: u32,
    pub canceled: u32,
    pub removed: u32,
}

impl From<&Job> for Tally {
    /// Of a job as it is described (`jobProcessDetails`).
    fn from(job: &Job) -> Self {
        let Some(details) = job.job_process_details() else { return Self::default() };
        let count = |number: Option<i32>| number.and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
        Self {
            queued: count(details.number_of_queued_things()),
            in_progress: count(details.number_of_in_progress_things()),
            succeeded: count(details.number_of_succeeded_things()),
            failed: count(details.number_of_failed_things()),
            rejected: count(details.number_of_rejected_things()),
            timed_out: count(details.number_of_timed_out_things()),
            canceled: count(details.number_of_canceled_things()),
            removed: count(details.number_of_removed_things()),
        }
    }
}

impl Tally {
    /// Executions that have tried and have not succeeded.
    pub fn failures(&self) -> u32 {
        sum([self.failed, self.rejected, self.timed_out])
    }

    /// Executions that have ended, however.
    pub fn ended(&self) -> u32 {
        sum([self.succeeded, self.failures(), self.canceled, self.removed])
    }

    /// Executions that have not ended.
    pub fn open(&self) -> u32 {
        self.queued.saturating_add(self.in_progress)
    }

    /// All executions that there are.
    pub fn all(&self) -> u32 {
        self.ended().saturating_add(self.open())
    }

    /// `197 succeeded, 3 failed`; states without executions are left out.
    pub fn text(&self) -> String {
        let parts = [
            (self.succeeded, "succeeded"),
            (self.failed, "failed"),
            (self.rejected, "rejected"),
            (self.timed_out, "timed out"),
            (self.canceled, "cancelled"),
            (self.removed, "removed"),
            (self.in_progress, "in progress"),
            (self.queued, "queued"),
        ];
        let parts: Vec<_> = parts
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, state)| format!("{count} {state}"))
            .collect();
        if parts.is_empty() { "no executions yet".to_owned() } else { parts.join(", ") }
    }
}

fn sum<const N: usize>(counts: [u32; N]) -> u32 {
    counts.into_iter().fold(0, u32::saturating_add)
}
