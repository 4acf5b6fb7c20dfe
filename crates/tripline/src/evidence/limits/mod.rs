//! What an operator declares of a healthy rollout, checked once.

mod faults;
mod weights;

use crate::evidence::stairs::{Curve, LOWEST, Stairs};
use crate::evidence::verdict::LimitName;
pub use faults::InvalidLimits;
pub(super) use weights::Weights;

/// Limits up to this age, in minutes, keep one cohort for every tick.
const MAX_UNMERGED_AGE: u32 = 199;

/// What is declared, as it comes from a config or a baseline: minutes, and shares from 0 to 1.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Parameters {
    /// By each age in minutes, the share of devices that may be unfinished. Ages rise, shares never.
    pub unfinished: Vec<(u32, f64)>,
    /// The ages of `unfinished` at which devices are followed one by one; `None`: all of them.
    pub rungs: Option<Vec<u32>>,
    /// The share of the devices that began which may fail or be rejected, 0.0001 to 0.9999.
    pub failed: f64,
    /// By each age in minutes, the share of the failures that come by then, at most. May be empty.
    pub failure_curve: Vec<(u32, f64)>,
    /// The share of healthy rollouts that may be stopped, 0.000001 to 0.5.
    pub false_stops: f64,
    /// Whether the executions in progress are listed. Fixed when the job is first seen: a list that
    /// becomes too long later only makes its rungs wait, since weights never move after looking.
    pub list: bool,
    /// The job's timeout for executions in progress, in minutes.
    pub timeout: Option<u32>,
    /// How far the counts may lag behind the list.
    pub slack: Slack,
    /// Where the limits come from, for people.
    pub source: Source,
}

/// How far the counts of `DescribeJob` may lag behind the list of executions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Slack {
    /// Up to one tick. Counts that lag the list by 20 s would otherwise stop healthy rollouts, since
    /// devices would be listed that are not counted yet.
    #[default]
    OneTick,
    /// Not at all: only for comparing with exact tables.
    None,
}

/// Where limits come from, for people.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Source {
    /// The operator wrote them down.
    #[default]
    Declared,
    /// They were calibrated from past rollouts.
    Baseline {
        /// What the baseline is called.
        name: String,
        /// Of how many rollouts.
        rollouts: u32,
        /// How much slower a rollout may be, in percent.
        slower_by: u32,
    },
}

/// A limit at one age whose devices are followed one by one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rung {
    /// The age in minutes.
    pub age: u32,
    /// The share that may still be unfinished, 0.0001 to 0.9999.
    pub share: f64,
    /// Whether the job's timeout ends executions at this age, so that those that timed out are
    /// counted instead of those in progress.
    pub is_timeout: bool,
}

impl Rung {
    pub fn name(self) -> LimitName {
        if self.is_timeout { LimitName::Timeout(self.age) } else { LimitName::Rung(self.age) }
    }
}

/// Checked limits of a healthy rollout.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    stairs: Stairs,
    rungs: Vec<Rung>,
    failed: f64,
    curve: Option<Curve>,
    false_stops: f64,
    list: bool,
    slack: Slack,
    source: Source,
    threshold: f64,
    weights: Weights,
    hash: u64,
}

impl Limits {
    /// Longest age of a limit in minutes: seven days, the longest timeout of AWS IoT Jobs.
    pub const MAX_AGE: u32 = 10_080;
    /// Most ages at which devices are followed one by one, so that a state stays small.
    pub const MAX_RUNGS: usize = 20;
    /// The last minute of a rollout at which all endings, and failures by age, are checked. Later only
    /// devices that are followed one by one are seen to be slow: without a list, none.
    pub const LAST_CHECK: u32 = 300;
    /// Shares from here on say nothing, and are left out.
    const SAYS_NOTHING: f64 = 0.9999;

    /// Checks what was declared.
    pub fn new(parameters: Parameters) -> Result<Self, InvalidLimits> {
        faults::check(&parameters)?;
        let Parameters { unfinished, failed, false_stops, list, timeout, slack, source, .. } =
            parameters;
        let mut pairs = unfinished;
        pairs.retain(|(_, share)| *share < Self::SAYS_NOTHING);
        let mut rungs = match &parameters.rungs {
            Some(ages) => pairs.iter().copied().filter(|(age, _)| ages.contains(age)).collect(),
            None => pairs.clone(),
        };
        if let Some(timeout) = timeout {
            end_at(&mut pairs, timeout);
            end_at(&mut rungs, timeout);
        }
        if !list {
            rungs.clear();
        }
        if rungs.len() > Self::MAX_RUNGS {
            return Err(InvalidLimits::TooManyRungs(rungs.len()));
        }
        let rung = |(age, share): (u32, f64)| Rung {
            age,
            share: share.clamp(LOWEST, 1.0 - LOWEST),
            is_timeout: timeout == Some(age),
        };
        let curve =
            (!parameters.failure_curve.is_empty()).then(|| Curve::of(parameters.failure_curve));
        let mut limits = Self {
            weights: Weights::of(list, curve.is_some(), rungs.len()),
            stairs: Stairs::of(pairs),
            rungs: rungs.into_iter().map(rung).collect(),
            failed,
            curve,
            false_stops,
            list,
            slack,
            source,
            threshold: -libm::log10(false_stops),
            hash: 0,
        };
        limits.hash = limits.fingerprint();
        Ok(limits)
    }

    /// The share that may be unfinished, by age.
    pub fn stairs(&self) -> &Stairs {
        &self.stairs
    }

    /// The share of the devices that may fail or be rejected.
    pub fn failed(&self) -> f64 {
        self.failed
    }

    /// How soon failures come, if that was declared.
    pub fn failure_curve(&self) -> Option<&Curve> {
        self.curve.as_ref()
    }

    /// The share of healthy rollouts that may be stopped.
    pub fn false_stops(&self) -> f64 {
        self.false_stops
    }

    /// The evidence at which a rollout is stopped: -log10 of [`Self::false_stops`].
    pub fn threshold(&self) -> f64 {
        self.threshold
    }

    /// Whether the executions in progress are to be listed.
    pub fn uses_list(&self) -> bool {
        self.list
    }

    /// Where the limits come from.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// A fingerprint of everything that the statistic depends on. A state belongs to one of it.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// The limits in the order in which they speak.
    pub fn names(&self) -> impl Iterator<Item = LimitName> {
        let rungs = self.rungs.iter().map(|rung| rung.name());
        let curve = self.curve.as_ref().map(|_| LimitName::FailedCurve);
        rungs.chain([LimitName::Count, LimitName::Failed]).chain(curve)
    }

    /// The share that a limit allows; `None` for those that compare with all limits at once.
    pub fn share_of(&self, limit: LimitName) -> Option<f64> {
        match limit {
            LimitName::Rung(_) | LimitName::Timeout(_) => {
                self.rungs.iter().find(|rung| rung.name() == limit).map(|rung| rung.share)
            }
            LimitName::Failed => Some(self.failed),
            LimitName::Count | LimitName::FailedCurve => None,
        }
    }

    pub(super) fn rungs(&self) -> &[Rung] {
        &self.rungs
    }

    pub(super) fn weights(&self) -> Weights {
        self.weights
    }

    /// By how many cohorts the devices that are counted run ahead of those that are listed.
    pub(super) fn slack(&self) -> usize {
        match self.slack {
            Slack::OneTick => 1,
            Slack::None => 0,
        }
    }

    /// Whether the ages reach so far that cohorts have to be merged to keep a state small.
    pub(super) fn merges(&self) -> bool {
        self.stairs.last_age() > MAX_UNMERGED_AGE
    }

    /// FNV-1a of all numbers.
    fn fingerprint(&self) -> u64 {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut add = |number: u64| {
            for byte in number.to_le_bytes() {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
        };
        let curve = self.curve.as_ref().map_or(&[][..], Curve::pairs);
        for pairs in [self.stairs.pairs(), curve] {
            add(pairs.len() as u64);
            for (age, share) in pairs {
                add(u64::from(*age));
                add(share.to_bits());
            }
        }
        for rung in &self.rungs {
            add(u64::from(rung.age) << 1 | u64::from(rung.is_timeout));
            add(rung.share.to_bits());
        }
        add(self.failed.to_bits());
        add(self.false_stops.to_bits());
        add(u64::from(self.list) << 1 | self.slack() as u64);
        hash
    }
}

/// The first pair at or beyond the timeout moves to it, and later ones go: nothing is in progress
/// longer than that.
fn end_at(pairs: &mut Vec<(u32, f64)>, timeout: u32) {
    if let Some(place) = pairs.iter().position(|(age, _)| *age >= timeout) {
        pairs.truncate(place + 1);
        if let Some((age, _)) = pairs.last_mut() {
            *age = timeout;
        }
    }
}
