//! How AWS IoT Jobs rolls a job out: how fast devices are notified, how long they may take, when they
//! try again, and when the service itself gives up.
//!
//! AWS describes it in "How job configurations work"
//! (<https://docs.aws.amazon.com/iot/latest/developerguide/jobs-configurations-details.html>). What
//! it leaves open, or says in two ways, is a field of [`Parameters`].

mod abort;
mod rate;

use crate::invalid::Invalid;
use crate::metric::Outcome;

pub use abort::{AbortCriterion, FailureType, MinExecuted, Threshold};
pub use rate::{Exponential, Factor, Pace, Rate};

/// How a job is rolled out.
#[derive(Debug, Clone, PartialEq)]
pub struct RolloutConfig {
    /// How many devices are notified per minute.
    pub rate: Rate,
    /// How long a device may be in progress; `None`: for ever.
    pub timeout: Option<Timeout>,
    /// When AWS IoT Jobs cancels the job. AWS takes one criterion of each failure type.
    pub abort: Vec<AbortCriterion>,
    /// How often a device tries again.
    pub retries: Retries,
}

impl Default for RolloutConfig {
    /// A job that sets nothing: all devices are notified as fast as the service does, and that is all.
    fn default() -> Self {
        Self {
            rate: Rate::Constant(Rate::QUOTA),
            timeout: None,
            abort: Vec::new(),
            retries: Retries::default(),
        }
    }
}

/// Minutes that an execution may be in progress before it becomes `TIMED_OUT`: 1 to 10,080 (seven
/// days).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timeout(u32);

impl Timeout {
    /// What it can be, in words.
    pub const EXPECTED: &str = "1 to 10080 minutes";

    /// Most minutes.
    pub const MAX: u32 = 10_080;

    /// Checks a number of minutes.
    ///
    /// # Errors
    /// What it can be.
    pub fn new(minutes: u32) -> Result<Self, Invalid> {
        (1..=Self::MAX).contains(&minutes).then_some(Self(minutes)).ok_or(Invalid(Self::EXPECTED))
    }

    /// The minutes.
    pub fn minutes(self) -> u32 {
        self.0
    }
}

/// How often one device tries again, 0 to 10 for both kinds together (AWS IoT `CreateJob`,
/// `jobExecutionsRetryConfig`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Retries {
    failed: u8,
    timed_out: u8,
}

impl Retries {
    /// What it can be, in words.
    pub const EXPECTED: &str = "at most 10 together";

    /// Most retries of one device.
    pub const MAX: u8 = 10;

    /// Checks the numbers of retries after a failure and after a timeout.
    ///
    /// # Errors
    /// What it can be.
    pub fn new(failed: u8, timed_out: u8) -> Result<Self, Invalid> {
        (failed.saturating_add(timed_out) <= Self::MAX)
            .then_some(Self { failed, timed_out })
            .ok_or(Invalid(Self::EXPECTED))
    }

    /// How often a device tries again after an ending of this kind. A rejection is final.
    pub fn after(self, outcome: Outcome) -> u8 {
        match outcome {
            Outcome::Failed => self.failed,
            Outcome::TimedOut => self.timed_out,
            _ => 0,
        }
    }
}

/// What AWS says of a rollout in two ways or not at all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Parameters {
    /// What `minNumberOfExecutedThings` is a number of.
    pub min_executed: MinExecuted,
    /// Whether an attempt that is followed by another counts, in metrics and for the abort criteria.
    pub retried: Retried,
}

/// Whether an attempt that is followed by another counts: for the job's abort criteria, and with an event of its own
/// in metrics. Tripline's own failure rate and evidence count devices in either case.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Retried {
    /// Each does. The default: of a job with a retry config, AWS IoT's counts were reported to be of attempts
    /// (<https://github.com/boto/boto3/issues/4656>). Whether each has an event AWS does not say.
    #[default]
    Counted,
    /// Only a device's last attempt does, as events are documented for states that are terminal.
    Hidden,
}

#[cfg(test)]
mod tests;
