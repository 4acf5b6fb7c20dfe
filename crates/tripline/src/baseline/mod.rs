//! A baseline: how long devices took in past rollouts, and how soon failures came. Limits of
//! [`crate::evidence`] are derived from it.
//!
//! Counts are kept, and no shares: each statement about a fleet is worked out from them with its own
//! error. An upper limit is that of Clopper and Pearson at 99.9 %: a fleet just like the past ones is
//! above it in 1 of 1,000 baselines, at each age on its own. With ten followed ages that is up to 1 in
//! 100 baselines, beside the false stops that were permitted.

mod calibrate;
mod clopper_pearson;
mod file;
mod limits;

pub use calibrate::{Calibration, Execution, LeftOut, PastRollout, TooLittle, calibrate};
pub use clopper_pearson::upper_limit;
pub use file::{InvalidBaseline, MAX_BYTES};
pub use limits::{SlowerBy, Tolerance, followed_ages};

use crate::evidence::Limits;

/// The shares of devices unfinished and of failures, by age, in past rollouts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Baseline {
    name: String,
    rollouts: u32,
    pooled: Unfinished,
    slowest: Unfinished,
    failures: Vec<u32>,
}

/// How many devices were unfinished by age.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Unfinished {
    devices: u32,
    /// At each whole minute from 1, never rising.
    at: Vec<u32>,
}

impl Unfinished {
    /// How many were unfinished at a minute. Beyond the last one as many as then; all at 0.
    fn count(&self, minute: u32) -> u32 {
        let Some(place) = minute.checked_sub(1) else { return self.devices };
        let place = usize::try_from(place).unwrap_or(usize::MAX);
        self.at.get(place).or(self.at.last()).copied().unwrap_or(self.devices)
    }

    fn share(&self, minute: u32) -> f64 {
        f64::from(self.count(minute)) / f64::from(self.devices.max(1))
    }
}

impl Baseline {
    /// Longest age in minutes.
    pub const MAX_AGE: u32 = Limits::MAX_AGE;

    /// What it is called, for people.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Of how many rollouts it is.
    pub fn rollouts(&self) -> u32 {
        self.rollouts
    }

    /// Of how many devices.
    pub fn devices(&self) -> u32 {
        self.pooled.devices
    }

    /// How many of them failed.
    pub fn failures(&self) -> u32 {
        self.failures.last().copied().unwrap_or(0)
    }

    /// The last age in minutes at which a device ended.
    pub fn last_age(&self) -> u32 {
        u32::try_from(self.pooled.at.len()).unwrap_or(u32::MAX)
    }

    /// The share of devices that were unfinished at an age, of all rollouts together; 1 at age 0.
    pub fn unfinished(&self, minute: u32) -> f64 {
        self.pooled.share(minute)
    }

    /// The same of the slowest rollout.
    pub fn slowest_unfinished(&self, minute: u32) -> f64 {
        self.slowest.share(minute)
    }

    /// The age in whole minutes by which this share of the failures, 0 to 1, had come; `None` if none
    /// came.
    pub fn failed_by(&self, share: f64) -> Option<u32> {
        let wanted = f64::from(self.failures()) * share;
        let place = self.failures.iter().position(|by| *by > 0 && f64::from(*by) >= wanted)?;
        u32::try_from(place + 1).ok()
    }
}
