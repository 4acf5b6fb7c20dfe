//! What is known of past rollouts.

use tripline::baseline::{Execution, PastRollout};
use tripline::job::JobId;

/// A past rollout, and what of it is not in a baseline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    pub job: JobId,
    /// Its executions that began. None of a rollout that is left out.
    pub executions: Vec<Execution>,
    /// Why it is left out, if it is.
    pub left_out: Option<Reason>,
    /// Executions that ended of which nobody knows when they began.
    pub unknown: u32,
    /// Executions that AWS counts, and does not list.
    pub unlisted: u32,
}

/// Why a rollout is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// It was stopped, so that its slow devices were never seen to end.
    Stopped,
    /// AWS has deleted its executions.
    Deleted,
    /// No first attempt of a device is known to have begun.
    Empty,
}

impl Past {
    /// A rollout of which nothing is known, for this reason.
    pub fn left_out(job: JobId, reason: Reason) -> Self {
        let left_out = Some(reason);
        Self { job, executions: Vec::new(), left_out, unknown: 0, unlisted: 0 }
    }

    /// A rollout that ran to its end.
    pub fn ended(job: JobId, executions: Vec<Execution>, unknown: u32, unlisted: u32) -> Self {
        let is_empty = executions.iter().all(|execution| execution.is_retry);
        let left_out = is_empty.then_some(Reason::Empty);
        Self { job, executions, left_out, unknown, unlisted }
    }

    /// How many devices it had, by their first attempts.
    pub fn devices(&self) -> usize {
        self.executions.iter().filter(|execution| !execution.is_retry).count()
    }

    /// How many attempts after a device's first.
    pub fn retries(&self) -> usize {
        self.executions.len() - self.devices()
    }

    /// The same for the core.
    pub fn rollout(&self) -> PastRollout {
        PastRollout {
            was_stopped: self.left_out == Some(Reason::Stopped),
            executions: self.executions.clone(),
        }
    }
}

impl Reason {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Stopped => "it was stopped, so its slow devices did not end",
            Self::Deleted => "AWS has deleted its executions",
            Self::Empty => "no first attempt of a device is known to have begun",
        }
    }

    /// For programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Deleted => "deleted",
            Self::Empty => "empty",
        }
    }
}
