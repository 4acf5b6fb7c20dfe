//! How many executions of a job have reached what.

use crate::metric::Outcome;

/// How many executions of a job are in which state: `jobProcessDetails` of `DescribeJob`. AWS counts
/// executions: devices that a rate-limited rollout has not reached yet have none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExecutionCounts {
    /// `QUEUED`: notified, and not begun.
    pub queued: u32,
    /// `IN_PROGRESS`: begun, and not ended.
    pub in_progress: u32,
    /// Ended by themselves.
    pub ended: EndedCounts,
    /// `CANCELED`
    pub canceled: u32,
    /// `REMOVED`: their thing was deleted, or left the job's targets.
    pub removed: u32,
}

impl ExecutionCounts {
    /// All executions that there are: devices that were notified.
    pub fn notified(&self) -> u32 {
        [self.open(), self.ended.executed(), self.canceled, self.removed]
            .into_iter()
            .fold(0, u32::saturating_add)
    }

    /// Executions that have not ended.
    pub fn open(&self) -> u32 {
        self.queued.saturating_add(self.in_progress)
    }

    /// Executions that will not be carried out once the job is canceled: they have not begun, or
    /// were canceled or removed before their end.
    pub fn will_not_receive(&self) -> u32 {
        self.queued.saturating_add(self.canceled).saturating_add(self.removed)
    }
}

/// Whether an execution that its device rejected counts as unsuccessful in what the guard-keeper publishes: the
/// stack's parameter, or the job's tag, `CountRejected`. Some fleets reject by design, such as devices that have
/// the version already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CountRejected {
    /// `yes`
    #[default]
    Yes,
    /// `no`
    No,
}

impl CountRejected {
    /// What it can be, in words.
    pub const EXPECTED: &str = "`yes` or `no`";

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
        }
    }

    /// Reads `yes` or `no`, in any case.
    pub fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "yes" => Some(Self::Yes),
            "no" => Some(Self::No),
            _ => None,
        }
    }
}

/// How many executions have ended in which way of their own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EndedCounts {
    /// `SUCCEEDED`
    pub succeeded: u32,
    /// `FAILED`
    pub failed: u32,
    /// `REJECTED`
    pub rejected: u32,
    /// `TIMED_OUT`
    pub timed_out: u32,
}

impl EndedCounts {
    /// All of them.
    pub fn executed(&self) -> u32 {
        self.unsuccessful().saturating_add(self.succeeded)
    }

    /// Those that have not succeeded.
    pub fn unsuccessful(&self) -> u32 {
        self.failed.saturating_add(self.rejected).saturating_add(self.timed_out)
    }

    /// Those that count as unsuccessful if rejected ones do, or do not.
    pub fn unsuccessful_with(&self, rejected: CountRejected) -> u32 {
        match rejected {
            CountRejected::Yes => self.unsuccessful(),
            CountRejected::No => self.failed.saturating_add(self.timed_out),
        }
    }

    /// Counts one; what was canceled or removed ended of its own.
    pub fn count(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Succeeded => self.succeeded += 1,
            Outcome::Failed => self.failed += 1,
            Outcome::Rejected => self.rejected += 1,
            Outcome::TimedOut => self.timed_out += 1,
            Outcome::Canceled | Outcome::Removed => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejected_executions_count_as_unsuccessful_unless_that_is_switched_off() {
        let ended = EndedCounts { succeeded: 40, failed: 3, rejected: 20, timed_out: 1 };
        for (text, expected) in [("yes", Some(24)), ("No", Some(4)), ("", None), ("off", None)] {
            let counted = CountRejected::parse(text).map(|is| ended.unsuccessful_with(is));
            assert_eq!(counted, expected, "{text}");
        }
        assert_eq!(ended.unsuccessful_with(CountRejected::default()), ended.unsuccessful());
    }
}
