//! Why the gate answers what it does: clauses for people.

use std::fmt;

use super::observed::Unclearable;
use crate::evidence::Clearance;
use crate::stop::Canceler;
use crate::text::clean;
use crate::time::Timestamp;

/// Most characters of a name or an error in a clause.
const MAX_TEXT: usize = 256;

/// What the gate waits for.
#[derive(Debug, Clone, PartialEq)]
pub enum Waiting {
    /// Somebody, or an alarm, holds the rollout.
    Held,
    /// Not every device has been notified.
    BakeNotBegun,
    /// The bake is not over.
    Bake {
        /// When it is, in seconds since the epoch.
        until: i64,
    },
    /// What is still missing.
    For(Missing),
}

/// What is missing, and a person is asked about once time is up.
#[derive(Debug, Clone, PartialEq)]
pub enum Missing {
    /// More devices are without the firmware than are tolerated.
    OverTolerance {
        /// How many are.
        without: u32,
        /// Of how many.
        devices: u32,
        /// How many may be.
        allowed: u32,
    },
    /// Devices could not be counted, and why.
    Counts(String),
    /// No device has the firmware.
    Success,
    /// The job has not completed.
    Completion {
        /// How many devices have been notified and are not through, if known.
        open: Option<u32>,
    },
    /// Clearance is not open.
    Clearance {
        /// Its value.
        value: f64,
        /// How many more devices it takes, if that is the reason.
        more: Option<MoreDevices>,
    },
    /// The guard-keeper has not looked yet.
    FirstLook,
    /// The guard-keeper does not look at it.
    Watch,
    /// Nearly nothing ends although much should.
    Endings,
    /// Clearance can never be known.
    NoClearance(Unclearable),
}

/// Why the gate is open.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Passed {
    /// A person has let it through.
    Approved,
    /// Clearance is open, and no more devices are without the firmware than are tolerated.
    Cleared {
        /// Its value.
        value: f64,
    },
    /// The job has completed, and no more devices are without the firmware than are tolerated.
    Completed {
        /// Devices with the firmware.
        succeeded: u32,
        /// Of how many.
        devices: u32,
    },
}

/// Why nothing comes after this rollout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stopped {
    /// An alarm of the job has been in ALARM.
    Fired {
        /// Its whole name.
        alarm: String,
        /// When, in seconds since the epoch.
        at: i64,
    },
    /// The job was canceled.
    Canceled(Canceler),
    /// The job was deleted, or is being.
    Gone,
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held => f.write_str("the rollout is held"),
            Self::BakeNotBegun => {
                f.write_str("the bake has not begun: not every device has been notified")
            }
            Self::Bake { until } => write!(f, "the bake lasts until {}", At(*until)),
            Self::For(missing) => missing.fmt(f),
        }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OverTolerance { without, devices, allowed } => {
                let of = Devices(*devices);
                write!(f, "{without} of {of} failed; at most {allowed} may")
            }
            Self::Counts(why) => {
                write!(f, "devices could not be counted: {}", clean(why, MAX_TEXT))
            }
            Self::Success => f.write_str("no device has the firmware"),
            Self::Completion { open: None | Some(0) } => f.write_str("the job has not completed"),
            Self::Completion { open: Some(open) } => {
                write!(f, "the job has not completed: {} not finished", are(*open))
            }
            Self::Clearance { value, more } => {
                // Rounded down: what reads as open is open.
                let tenths = ((value + 1e-9) * 10.0).floor() / 10.0;
                write!(f, "clearance is {tenths:.1} of {}", Clearance::OPEN)?;
                more.map_or(Ok(()), |more| write!(f, "; {more}"))
            }
            Self::FirstLook => f.write_str("clearance is not known yet"),
            Self::Watch => f.write_str(
                "clearance is not known: the guard-keeper does not compute it for the job",
            ),
            Self::Endings => {
                f.write_str("clearance is not known: nearly no device ends although many should")
            }
            Self::NoClearance(why) => write!(f, "clearance can never be known: {why}"),
        }
    }
}

impl fmt::Display for Unclearable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Retries => "the job retries, and no count has the devices that wait",
            Self::NoList => "the executions in progress are not listed",
            Self::NoLimit => {
                "no declared limit allows at most half of the devices to be unfinished"
            }
        })
    }
}

impl fmt::Display for Passed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Approved => f.write_str("a person approved"),
            Self::Cleared { value } => {
                let tenths = ((value + 1e-9) * 10.0).floor() / 10.0;
                write!(f, "clearance is open: {tenths:.1} of {}", Clearance::OPEN)
            }
            Self::Completed { succeeded, devices } => {
                write!(f, "the job completed: {succeeded} of {} succeeded", Devices(*devices))
            }
        }
    }
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fired { alarm, at } => {
                write!(f, "alarm `{}` fired at {}", clean(alarm, MAX_TEXT), At(*at))
            }
            Self::Canceled(by) => f.write_str(match by {
                Canceler::Alarm => "an alarm stopped the rollout",
                Canceler::AbortCriteria => "the job's own abort criteria stopped the rollout",
                Canceler::Operator => "an operator stopped the rollout",
                Canceler::Somebody => "somebody canceled the job",
            }),
            Self::Gone => f.write_str("somebody deleted the job"),
        }
    }
}

/// About how many more devices would decide it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MoreDevices(u32);

impl MoreDevices {
    /// How many more a rollout to so many devices would need; `None` if it has enough, or nobody
    /// knows how many it takes.
    pub fn needed(clears_at: Option<u32>, devices: u32) -> Option<Self> {
        clears_at.and_then(|at| at.checked_sub(devices)).filter(|more| *more > 0).map(Self)
    }
}

impl fmt::Display for MoreDevices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let more = rounded(self.0);
        let devices = if more == 1 { "device" } else { "devices" };
        write!(f, "about {more} more {devices} would decide it")
    }
}

/// A point in time.
struct At(i64);

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Timestamp::from_seconds(self.0).rfc3339())
    }
}

/// `1 device`, `2 devices`.
struct Devices(u32);

impl fmt::Display for Devices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} device{}", self.0, if self.0 == 1 { "" } else { "s" })
    }
}

/// `1 device is`, `2 devices are`.
fn are(count: u32) -> String {
    format!("{} {}", Devices(count), if count == 1 { "is" } else { "are" })
}

/// Up to two digits that say something, rounded up.
fn rounded(number: u32) -> u32 {
    let mut step = 1_u32;
    while number / step >= 100 {
        step = step.saturating_mul(10);
    }
    number.div_ceil(step).saturating_mul(step)
}
