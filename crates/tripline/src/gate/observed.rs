//! What the gate is shown of a rollout.

use crate::evidence::Clearance;
use crate::stop::Canceler;

/// What is seen of a rollout at one look. Times are in seconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Observed<'a> {
    /// Now.
    pub now: i64,
    /// How many devices the rollout is to reach.
    pub devices: u32,
    /// The job.
    pub job: ObservedJob,
    /// What has become of its devices.
    pub counts: ObservedCounts<'a>,
    /// Any alarm of the job that has been in ALARM since the job was created.
    pub fired: Option<FiredAlarm<'a>>,
    /// How surely it is better than twice its limits.
    pub clearance: ObservedClearance,
    /// When every device had been notified, or the job completed; `None` before that.
    pub bake_began: Option<i64>,
    /// A person has let it through.
    pub approved: bool,
    /// It is held.
    pub held: bool,
    /// About so many devices would decide it: [`Limits::clears_at`](crate::evidence::Limits::clears_at).
    pub clears_at: Option<u32>,
}

/// How the job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObservedJob {
    /// It is in progress.
    Active,
    /// It has completed.
    Completed {
        /// When.
        at: i64,
    },
    /// It was canceled, and by whom.
    Canceled(Canceler),
    /// It was deleted, or is being.
    Gone,
}

/// How many devices, not attempts, are in which state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DeviceCounts {
    /// Have the firmware.
    pub succeeded: u32,
    /// Failed, rejected it or timed out, and are not to try again.
    pub unsuccessful: u32,
    /// Somebody canceled their execution.
    pub canceled: u32,
    /// Left the targets, or their thing was deleted.
    pub removed: u32,
    /// Are at it.
    pub in_progress: u32,
    /// Were notified and have not begun.
    pub queued: u32,
}

impl DeviceCounts {
    /// Have end, are still targets, and are without the firmware.
    pub fn without(&self) -> u32 {
        self.unsuccessful.saturating_add(self.canceled)
    }
}

/// What is known of the devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObservedCounts<'a> {
    /// All of them.
    Known(DeviceCounts),
    /// Only that they could not be counted, and why.
    Unknown(&'a str),
}

impl ObservedCounts<'_> {
    /// Devices that have not end, if that is known.
    pub(super) fn open(&self) -> Option<u32> {
        match self {
            Self::Known(counts) => Some(counts.in_progress.saturating_add(counts.queued)),
            Self::Unknown(_) => None,
        }
    }

    pub(super) fn succeeded(&self) -> u32 {
        match self {
            Self::Known(counts) => counts.succeeded,
            Self::Unknown(_) => 0,
        }
    }
}

/// An alarm that has been in ALARM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FiredAlarm<'a> {
    /// Its whole name.
    pub name: &'a str,
    /// When it went there, in seconds since the epoch.
    pub at: i64,
}

/// What is known of clearance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ObservedClearance {
    /// Its value: open from [`Clearance::OPEN`] on.
    Value(f64),
    /// It can never be known.
    Never(Unclearable),
    /// The guard-keeper has not looked yet.
    NotYet,
    /// The guard-keeper has not looked for [`State::BLIND_MINUTES`](crate::evidence::State).
    Blind,
    /// Nearly nothing ends although much should, and its clock stands still.
    Stalled,
}

impl ObservedClearance {
    /// Whether it is open.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Value(value) if value >= Clearance::OPEN)
    }
}

/// Why clearance can never be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unclearable {
    /// Devices that wait for their next attempt are in no count.
    Retries,
    /// The executions in progress are not listed.
    NoList,
    /// No limit on slow devices is at most one half, or none is declared.
    NoLimit,
}
