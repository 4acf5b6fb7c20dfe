//! How many executions of a job are in which state, as people and programs read it.

use aws_sdk_iot::types::Job;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tripline::job::{EndedCounts, ExecutionCounts};
use tripline_aws::iot;

/// How many executions of a job are in which state. AWS counts executions: devices that a
/// rate-limited rollout has not come to yet are in none of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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

impl From<ExecutionCounts> for Tally {
    fn from(counts: ExecutionCounts) -> Self {
        let ExecutionCounts { queued, in_progress, ended, canceled, removed } = counts;
        let EndedCounts { succeeded, failed, rejected, timed_out } = ended;
        Self { queued, in_progress, succeeded, failed, rejected, timed_out, canceled, removed }
    }
}

impl From<&Job> for Tally {
    fn from(job: &Job) -> Self {
        iot::job_of(job).counts.into()
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

    /// `3 failed, 1 timed out`: those of the executions that have not succeeded.
    pub fn failures_text(&self) -> String {
        joined([
            (Some(self.failed), "failed"),
            (Some(self.rejected), "rejected"),
            (Some(self.timed_out), "timed out"),
        ])
    }
}

/// A tally of devices. How many were unsuccessful is left open where AWS IoT's attempts are all that is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    pub queued: u32,
    pub in_progress: u32,
    pub succeeded: u32,
    pub failed: Option<u32>,
    pub rejected: Option<u32>,
    pub timed_out: Option<u32>,
    pub canceled: u32,
    pub removed: u32,
}

impl Counts {
    /// Of devices, unless `is_known` says that those who failed, rejected or timed out are attempts.
    pub fn new(tally: Tally, is_known: bool) -> Self {
        let Tally { queued, in_progress, succeeded, canceled, removed, .. } = tally;
        let known = |count: u32| is_known.then_some(count);
        let (failed, rejected) = (known(tally.failed), known(tally.rejected));
        let timed_out = known(tally.timed_out);
        Self { queued, in_progress, succeeded, failed, rejected, timed_out, canceled, removed }
    }

    /// `197 succeeded, 3 failed`; states without executions, and what is not known, are left out.
    pub fn text(&self) -> String {
        let text = joined([
            (Some(self.succeeded), "succeeded"),
            (self.failed, "failed"),
            (self.rejected, "rejected"),
            (self.timed_out, "timed out"),
            (Some(self.canceled), "canceled"),
            (Some(self.removed), "removed"),
            (Some(self.in_progress), "in progress"),
            (Some(self.queued), "queued"),
        ]);
        if text.is_empty() { "no executions yet".to_owned() } else { text }
    }
}

/// Those that are not 0.
fn joined<const N: usize>(counts: [(Option<u32>, &str); N]) -> String {
    let some = counts.into_iter().filter_map(|(count, what)| {
        count.filter(|count| *count > 0).map(|count| format!("{count} {what}"))
    });
    some.collect::<Vec<_>>().join(", ")
}

fn sum<const N: usize>(counts: [u32; N]) -> u32 {
    counts.into_iter().fold(0, u32::saturating_add)
}
