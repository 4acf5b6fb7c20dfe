//! What a rollout is too small to decide.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::bernoulli::ln_bernoulli;
use super::checks::Checks;
use super::clock::Clock;
use super::cohorts::{Cohort, Cohorts};
use super::limits::Limits;
use super::sentence::Percent;
use super::verdict::LimitName;

/// A limit that a rollout is too small for: even if every device were beyond it, nothing would stop.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TooSmall {
    /// Which one.
    pub limit: LimitName,
    /// The share that it allows, if it is of one.
    pub share: Option<f64>,
    /// How many devices it takes at least; `None` if no number is enough.
    pub needed: Option<u32>,
}

/// How many devices a rollout has at least for evidence to be able to see a way to go wrong, if all of them go
/// that way; `None` if it never does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Needs {
    /// Devices that fail, or reject.
    pub failing: Option<u32>,
    /// Devices that time out.
    pub timing_out: Option<u32>,
    /// Devices that are too slow, or never end.
    pub unfinished: Option<u32>,
    /// Single devices are not listed: after [`Limits::LAST_CHECK`] minutes nothing more is seen of those that are
    /// too slow.
    pub only_counts: bool,
}

impl Needs {
    /// Those of limits that every rollout can be outside of.
    pub const LEAST: Self =
        Self { failing: Some(1), timing_out: Some(1), unfinished: Some(1), only_counts: false };
}

impl Limits {
    /// How many devices a rollout has at least for each way to go wrong to be seen.
    pub fn needs(&self) -> Needs {
        let mut needs = Needs { only_counts: !self.uses_list(), ..Needs::default() };
        for name in self.names() {
            let Some(least) = self.smallest(name) else { continue };
            let of = match name {
                LimitName::Rung(_) | LimitName::Count => &mut needs.unfinished,
                LimitName::Timeout(_) => &mut needs.timing_out,
                LimitName::Failed | LimitName::FailedCurve => &mut needs.failing,
            };
            *of = Some(of.map_or(least, |other| other.min(least)));
        }
        needs
    }

    /// How many devices a rollout has at least for a limit to be able to stop it, if all of them are
    /// beyond it; `None` if no number is enough, or it is none of these limits.
    pub fn smallest(&self, limit: LimitName) -> Option<u32> {
        self.names().find(|name| *name == limit)?;
        let weights = self.weights();
        let (weight, share) = match limit {
            LimitName::Rung(_) | LimitName::Timeout(_) => (weights.rung, self.share_of(limit)?),
            LimitName::Failed => (weights.failed, self.failed()),
            LimitName::Count => {
                return smallest(self.needed(weights.count), |n| never_ending(n, self));
            }
            LimitName::FailedCurve => {
                return smallest(self.needed(weights.failed_curve), |n| failing_at_once(n, self));
            }
        };
        smallest(self.needed(weight), |n| ln_bernoulli(n, n, share))
    }

    /// The limits that a rollout to this many devices is too small for.
    pub fn too_small_for(&self, devices: u32) -> Vec<TooSmall> {
        let every = self.names().map(|limit| TooSmall {
            limit,
            share: self.share_of(limit),
            needed: self.smallest(limit),
        });
        every.filter(|limit| limit.needed.is_none_or(|needed| devices < needed)).collect()
    }

    /// ln of the e-value at which a limit of a weight stops.
    fn needed(&self, weight: f64) -> f64 {
        (self.threshold() - weight) * std::f64::consts::LN_10
    }
}

/// The least number whose logarithm of evidence, which rises with it, reaches `needed`.
fn smallest(needed: f64, ln_evidence: impl Fn(u32) -> f64) -> Option<u32> {
    let (mut low, mut high) = (1, u32::MAX);
    if needed == f64::INFINITY || ln_evidence(high) < needed {
        return None;
    }
    while low < high {
        let middle = low + (high - low) / 2;
        if ln_evidence(middle) < needed { low = middle + 1 } else { high = middle }
    }
    Some(low)
}

fn all_at_once(n: u32) -> Cohorts {
    let cohort = Cohort { minute: 1, virtual_minute: 1, begun: n, total: n };
    Cohorts { list: vec![cohort], before: Some(0), older: 0 }
}

fn never_ending(n: u32, limits: &Limits) -> f64 {
    let mut checks = Checks::default();
    let end = Clock { virtual_minute: Limits::LAST_CHECK, ..Clock::starting(1) };
    checks.count(&end, 0, &all_at_once(n), limits);
    checks.ln_sum
}

fn failing_at_once(n: u32, limits: &Limits) -> f64 {
    let mut checks = Checks::default();
    let clock = Clock::starting(1);
    for t in 1..=Limits::LAST_CHECK {
        checks.failures(&clock, t, n, &all_at_once(n), limits);
    }
    checks.ln_sum
}

impl fmt::Display for TooSmall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share = self.share.map(Percent);
        match (self.limit, share) {
            (LimitName::Rung(age), Some(share)) => write!(f, "{share} after {age} minutes")?,
            (LimitName::Timeout(age), Some(share)) => {
                write!(f, "{share} timed out after {age} minutes")?;
            }
            (LimitName::FailedCurve, _) => f.write_str("early failures")?,
            (LimitName::Failed, Some(share)) => write!(f, "{share} failed")?,
            _ => f.write_str("endings by age")?,
        }
        match self.needed {
            Some(1) => f.write_str(": takes 1 device"),
            Some(needed) => write!(f, ": takes {needed} devices"),
            None => f.write_str(": no number of devices is enough"),
        }
    }
}
