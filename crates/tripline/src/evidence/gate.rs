//! The reverse of evidence, for the next wave: whether limits twice as loose can be ruled out.

use std::f64::consts::LN_10;

use super::bernoulli::{ln_mean, ln_ratio};
use super::cohorts::Cohorts;
use super::limits::{Limits, Rung};
use super::tick::Tick;

/// By what the odds of a good device are multiplied for the alternatives.
const ALTERNATIVES: [f64; 5] = [1.3, 1.6, 2.0, 3.0, 6.0];
/// Limits that allow more than this say little of how good a rollout is, and are not asked.
const HIGHEST_SHARE: f64 = 0.5;

/// What is known for one limit. Every safe side turns round: devices that are missing from `n` or
/// too many in `x` keep the gate shut, so that it counts on its own, by real time.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Cleared {
    /// Devices that came to the limit's age, at most as many as did.
    pub n: u32,
    /// How many of them were unfinished, or failed, at least as many as were.
    pub x: u32,
    /// log10 of the e-value against twice the limit, at its highest.
    pub best: f64,
}

impl Cleared {
    fn raise(&mut self, share: f64) {
        // A share with twice the odds, and the share of good devices that it leaves.
        let twice = 2.0 * share / (1.0 + share);
        let good = self.n.saturating_sub(self.x);
        let ln = ln_mean(ALTERNATIVES.map(|k| ln_ratio(good, self.n, 1.0 - twice, k)));
        self.best = self.best.max(ln / LN_10);
    }
}

/// What is known for every limit that the gate asks.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Gate {
    /// By [`asked`], in its order.
    pub rungs: Vec<Cleared>,
    pub failed: Cleared,
}

/// The rungs that the gate asks.
pub(super) fn asked(limits: &Limits) -> impl Iterator<Item = &Rung> {
    limits.rungs().iter().filter(|rung| rung.share <= HIGHEST_SHARE)
}

impl Gate {
    pub fn new(limits: &Limits) -> Self {
        Self { rungs: asked(limits).map(|_| Cleared::default()).collect(), ..Self::default() }
    }

    /// Takes the devices that are in the last minute before each age. Those of a tick that was
    /// missed, or whose list was, are left out for good.
    pub fn read(&mut self, tick: &Tick, failed: u32, cohorts: &Cohorts, limits: &Limits) {
        for (rung, cleared) in asked(limits).zip(&mut self.rungs) {
            let Some(ages) = &tick.in_progress else { continue };
            let minute = tick.t.checked_add(1).and_then(|next| next.checked_sub(rung.age));
            if let Some(cohort) = minute.and_then(|minute| cohorts.of_one_minute(minute)) {
                cleared.n = cleared.n.saturating_add(cohort.begun);
                cleared.x = cleared.x.saturating_add(ages.at(rung.age.saturating_sub(1)));
                cleared.raise(rung.share);
            }
        }
        let last_age = match limits.rungs().last() {
            Some(rung) => rung.age,
            None => limits.stairs().last_age(),
        };
        let old_enough = tick
            .t
            .checked_sub(last_age)
            .map_or(0, |minute| cohorts.list.partition_point(|cohort| cohort.minute <= minute));
        if let Some(cohort) = old_enough.checked_sub(1).and_then(|place| cohorts.get(place)) {
            self.failed.n = self.failed.n.max(cohort.total);
            self.failed.x = failed;
            self.failed.raise(limits.failed());
        }
    }
}

/// How surely a rollout is better than twice its limits, in every one of them: its next wave may go
/// once this reaches [`Clearance::OPEN`]. At most 1 in 20 rollouts that are worse in any one of them
/// ever get there.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Clearance(f64);

impl Clearance {
    /// From here on the gate is open.
    pub const OPEN: f64 = 1.3;

    /// log10, from 0, never falling.
    pub fn value(self) -> f64 {
        self.0
    }

    /// Whether the next wave may go.
    pub fn is_open(self) -> bool {
        self.0 >= Self::OPEN
    }
}

impl super::State {
    /// How surely the rollout is better than twice its limits. `None` if it can never be known:
    /// without a list, or without a limit of at most one half, nobody sees how many are slow.
    /// The caller leaves it out for a job with retries, whose waiting devices are in no count, and
    /// while ticks are missing.
    pub fn clearance(&self) -> Option<Clearance> {
        let slow = self.gate.rungs.iter().map(|cleared| cleared.best).reduce(f64::min)?;
        Some(Clearance(slow.min(self.gate.failed.best)))
    }
}
