//! What a tick comes to.

use std::fmt;

/// A limit that can speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LimitName {
    /// Devices followed past this age in minutes.
    Rung(u32),
    /// Devices that timed out at the job's timeout, in minutes.
    Timeout(u32),
    /// All endings against what the limits allow by each age.
    Count,
    /// Failures among the devices that began.
    Failed,
    /// Failures against how soon they come.
    FailedCurve,
}

impl fmt::Display for LimitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rung(age) => write!(f, "rung:{age}"),
            Self::Timeout(age) => write!(f, "timeout:{age}"),
            Self::Count => f.write_str("count"),
            Self::Failed => f.write_str("failed"),
            Self::FailedCurve => f.write_str("failedCurve"),
        }
    }
}

/// The limit that the evidence is of, as it was when the evidence rose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spoke {
    /// Which one.
    pub limit: LimitName,
    /// Of how many devices.
    pub n: u32,
    /// How many devices: unfinished, timed out or failed; for [`LimitName::Count`], ended.
    pub x: u32,
    /// How many of the n the limits allow: for [`LimitName::Count`] the endings that there should at
    /// least have been, for [`LimitName::FailedCurve`] the failures that there may have been at most.
    /// 0 for the others, whose share says it.
    pub allowed: u32,
    /// At which minute of the rollout, on the clock that stands still in an outage.
    pub minute: u32,
}

/// What a tick comes to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verdict {
    /// -log10 of the share of healthy rollouts that ever get here, at most. Never falls, never below
    /// 0.
    pub evidence: f64,
    /// Which limit it is of; `None` while it is 0.
    pub spoke: Option<Spoke>,
    /// The minute of the rollout, on the clock that stands still in an outage; 0 before a device
    /// began.
    pub minute: u32,
    /// For how many minutes that clock stood still so far.
    pub stalled: u32,
    /// Whether it stands still now.
    pub is_stalled: bool,
    /// Whether to stop the rollout.
    pub stop: bool,
}
