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
    /// Takes devices of which none was bad.
    pub fn add_good(&mut self, devices: u32, share: f64) {
        if devices > 0 {
            self.n = self.n.saturating_add(devices);
            self.raise(share);
        }
    }

    fn raise(&mut self, share: f64) {
        self.best = self.best.max(best(self.n, self.x, share));
    }
}

/// log10 of the e-value of x bad ones of n, against twice the odds of a share.
pub(super) fn best(n: u32, x: u32, share: f64) -> f64 {
    // The share with twice the odds, and the share of good devices that it leaves.
    let twice = 2.0 * share / (1.0 + share);
    let good = n.saturating_sub(x);
    ln_mean(ALTERNATIVES.map(|k| ln_ratio(good, n, 1.0 - twice, k))) / LN_10
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
    /// Takes all failures of all devices.
    pub fn conclude_failed(&mut self, begun: u32, failed: u32, share: f64) {
        self.failed = Cleared { n: begun, x: failed, ..self.failed };
        self.failed.raise(share);
    }

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{Ages, Parameters, State};

    fn limits() -> Limits {
        Limits::new(Parameters {
            unfinished: vec![(1, 0.6), (3, 0.2), (6, 0.1)],
            failed: 0.05,
            false_stops: 0.01,
            list: true,
            ..Parameters::default()
        })
        .unwrap()
    }

    /// log10 of the mean likelihood ratio of so many bad of n, against a bad share of `twice`.
    fn against(twice: f64, bad: i32, n: i32) -> f64 {
        let good_odds = (1.0 - twice) / twice;
        let ratio = |k: f64| {
            let good = k * good_odds / (1.0 + k * good_odds);
            (good / (1.0 - twice)).powi(n - bad) * ((1.0 - good) / twice).powi(bad)
        };
        (ALTERNATIVES.map(ratio).iter().sum::<f64>() / 5.0).log10()
    }

    /// The state after ticks at which 10 devices begin and, of all ages, 2 are listed.
    fn state(minutes: u32, unsuccessful: u32) -> State {
        let (limits, listed) = (limits(), Ages::of_counts((0..20).map(|age| (age, 2))));
        let mut state = State::new(&limits);
        for t in 0..=minutes {
            let in_progress = Some(listed.clone());
            let tick = Tick { t, begun: 10 * t, unsuccessful, in_progress, ..Tick::default() };
            state.tick(&limits, &tick);
        }
        state
    }

    #[test]
    fn devices_are_read_in_the_last_minute_before_each_age() {
        let gate = state(10, 0).gate;
        // The cohorts of minutes 1 to 8 are 3 minutes old, those of 1 to 5 to 6. The limit of
        // 60 % is not asked.
        let known: Vec<(u32, u32)> = gate.rungs.iter().map(|rung| (rung.n, rung.x)).collect();
        assert_eq!(known, [(80, 16), (50, 10)]);
        // Twice the odds of 20 % are 1 to 2. The best is that of all cohorts, as each is the same.
        assert!((gate.rungs[0].best - against(1.0 / 3.0, 16, 80)).abs() < 1e-9, "{gate:?}");
        // Twice the odds of 10 % are 2 to 9: what 20 % are is no better.
        assert_eq!(gate.rungs[1].best, 0.0);
    }

    #[test]
    fn all_failures_count_against_the_devices_that_are_old_enough() {
        let gate = state(66, 1).gate;
        // Those that began by minute 60; twice the odds of 5 % are 2 to 19.
        assert_eq!((gate.failed.n, gate.failed.x), (600, 1));
        assert!((gate.failed.best - against(2.0 / 21.0, 1, 600)).abs() < 1e-9, "{gate:?}");
    }

    #[test]
    fn clearance_is_that_of_the_worst_limit() {
        let limits = limits();
        let with = |rungs: [f64; 2], failed| {
            let cleared = |best| Cleared { best, ..Cleared::default() };
            let gate = Gate { rungs: rungs.map(cleared).into(), failed: cleared(failed) };
            State { gate, ..State::new(&limits) }.clearance().unwrap()
        };
        assert_eq!(with([2.0, 1.4], 1.5).value(), 1.4);
        assert_eq!(with([2.0, 1.6], 1.5).value(), 1.5);
        assert!(with([2.0, 1.6], 1.3).is_open() && !with([2.0, 1.6], 1.29).is_open());
    }
}
