//! An AWS IoT job: its name, its state and how far it has come.

use std::fmt;
use std::str::FromStr;

use crate::text::excerpt;

/// The name of a job: 1 to 64 of `a-z A-Z 0-9 _ -` (AWS IoT `CreateJob`, `jobId`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(String);

/// Longest job id.
pub const MAX_JOB_ID: usize = 64;

/// A text that cannot be a job's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no job id (expected 1 to 64 letters, digits, `-` or `_`)")]
pub struct InvalidJobId(String);

impl JobId {
    /// Checks a job's name.
    pub fn new(id: &str) -> Result<Self, InvalidJobId> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if (1..=MAX_JOB_ID).contains(&id.len()) && id.bytes().all(allowed) {
            Ok(Self(id.to_owned()))
        } else {
            Err(InvalidJobId(excerpt(id)))
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for JobId {
    type Err = InvalidJobId;

    fn from_str(id: &str) -> Result<Self, Self::Err> {
        Self::new(id)
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A job as `DescribeJob` shows it, as far as a stop needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Whether it still reaches devices.
    pub state: JobState,
    /// Why it was cancelled, if it was: the reason code.
    pub reason_code: Option<String>,
    /// Why it was cancelled, if it was: the comment.
    pub comment: Option<String>,
    /// When it was created, in seconds since the epoch.
    pub created_at: Option<i64>,
    /// How far it has come.
    pub counts: Counts,
}

/// Whether a job still reaches devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobState {
    /// `IN_PROGRESS` or `SCHEDULED`, and any state that AWS may add: what is not known to have
    /// ended is treated as running.
    Active,
    /// `CANCELED`.
    Canceled,
    /// `COMPLETED`.
    Completed,
    /// `DELETION_IN_PROGRESS`.
    Deleting,
}

impl JobState {
    /// From the status that AWS IoT writes.
    pub fn from_status(status: &str) -> Self {
        match status {
            "CANCELED" => Self::Canceled,
            "COMPLETED" => Self::Completed,
            "DELETION_IN_PROGRESS" => Self::Deleting,
            _ => Self::Active,
        }
    }

    /// Whether there is nothing left to stop.
    pub fn has_ended(self) -> bool {
        self != Self::Active
    }
}

/// How many executions of a job are in which state (`jobProcessDetails`). AWS counts executions,
/// so the devices that a rate-limited rollout has not come to yet are in none of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Installed it.
    pub succeeded: u32,
    /// Tried and failed, or ran out of time, or refused.
    pub failed: u32,
    /// Are at it.
    pub in_progress: u32,
    /// Have been told and have not begun, or were cancelled or removed before the end.
    pub will_not_receive: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn job_ids_are_what_aws_iot_allows() {
        for good in ["a", "fw-2_1", &"x".repeat(64)] {
            assert_eq!(JobId::new(good).map(|id| id.to_string()), Ok(good.to_owned()));
        }
        for bad in ["", "a b", "a/b", "é", "$next", &"x".repeat(65), "<yourJobId>"] {
            assert!(JobId::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_unknown_state_counts_as_running() {
        assert!(!JobState::from_status("SCHEDULED").has_ended());
        assert!(!JobState::from_status("SOMETHING_NEW").has_ended());
        assert!(JobState::from_status("CANCELED").has_ended());
    }
}
