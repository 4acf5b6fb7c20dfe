//! All endings and all failures against what the limits allow, at minutes that are fixed beforehand.
//!
//! Each check multiplies, over the devices that began, a likelihood ratio with an expectation of at
//! most 1 under the limits; the running sum of the checks, each a fortieth, has an expectation of at
//! most 1 at its end, whatever the dependence between them, so that Markov's inequality holds for
//! the whole rollout.

use libm::{log, log1p};

use super::bernoulli::{ln_add, ln_mean};
use super::clock::Clock;
use super::cohorts::{Cohorts, may_be_forgotten};
use super::limits::Limits;
use super::stairs::Curve;

/// The minutes of a rollout at which is checked. Beyond the last one, endings and failures by age are
/// seen no more.
pub(super) const MINUTES: [u32; 40] = [
    2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 22, 24, 26, 28, 30, 33, 36,
    40, 44, 48, 53, 58, 64, 70, 80, 90, 105, 120, 150, 200, 300,
];

/// The alternatives for endings: this factor per device that ended.
const FEWER_ENDINGS: [f64; 6] = [0.97, 0.93, 0.85, 0.7, 0.5, 0.3];
/// The alternatives for failures: this factor per failure.
const MORE_FAILURES: [f64; 5] = [1.3, 1.6, 2.0, 3.0, 5.0];

/// A running sum of checks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Checks {
    /// ln of the sum.
    pub ln_sum: f64,
    /// How many of [`MINUTES`] were made.
    pub made: usize,
}

impl Default for Checks {
    fn default() -> Self {
        Self { ln_sum: f64::NEG_INFINITY, made: 0 }
    }
}

impl Checks {
    /// Makes the checks that are due by a minute.
    fn make_until(&mut self, minute: u32, ln_e: impl Fn(u32) -> f64) {
        for due in MINUTES.into_iter().skip(self.made).take_while(|due| *due <= minute) {
            self.ln_sum = ln_add(self.ln_sum, ln_e(due) - log(MINUTES.len() as f64));
            self.made += 1;
        }
    }

    /// Too few endings, by the clock that stands still. A check that is late uses the ages of its own
    /// minute and the endings of now: it can only be lower.
    pub fn count(&mut self, clock: &Clock, ended: u32, cohorts: &Cohorts, limits: &Limits) {
        self.make_until(clock.virtual_minute, |minute| {
            let share_ended =
                |minute: u32, began: u32| 1.0 - limits.stairs().share(minute.saturating_sub(began));
            let mut ln = FEWER_ENDINGS.map(|theta| f64::from(ended) * log(theta));
            let mut expect = |begun: u32, share: f64| {
                for (ln, theta) in ln.iter_mut().zip(FEWER_ENDINGS) {
                    *ln -= f64::from(begun) * log1p((theta - 1.0) * share);
                }
            };
            for cohort in &cohorts.list {
                // The list is in the order of its minutes.
                if cohort.virtual_minute > minute {
                    break;
                }
                let share = share_ended(minute, cohort.virtual_minute);
                if share > 0.0 {
                    expect(cohort.begun, share);
                }
            }
            expect(cohorts.older, 1.0 - limits.stairs().share_at_last());
            ln_mean(ln)
        });
    }

    /// Failures that come too soon, by real time: devices fail in an outage as well. A check that is
    /// late uses the ages of now, since with those of its own minute and the failures of now it
    /// would be too high. Devices are dated at the beginning of their tick: older than they are.
    pub fn failures(
        &mut self,
        clock: &Clock,
        t: u32,
        failed: u32,
        cohorts: &Cohorts,
        limits: &Limits,
    ) {
        let Some(curve) = limits.failure_curve() else { return };
        self.make_until(clock.real_minute(t), |_| {
            let mut ln = MORE_FAILURES.map(|theta| f64::from(failed) * log(theta));
            let mut expect = |begun: u32, share: f64| {
                for (ln, theta) in ln.iter_mut().zip(MORE_FAILURES) {
                    *ln -= f64::from(begun) * log1p((theta - 1.0) * limits.failed() * share);
                }
            };
            for (cohort, previous) in cohorts.with_previous() {
                expect(cohort.begun, share_of_failures(curve, previous, t, limits));
            }
            expect(cohorts.older, 1.0);
            ln_mean(ln)
        });
    }
}

fn share_of_failures(curve: &Curve, previous: Option<u32>, t: u32, limits: &Limits) -> f64 {
    if may_be_forgotten(previous, t, limits) {
        return 1.0;
    }
    curve.share(previous.map(|previous| t.saturating_sub(previous)))
}

/// How many devices should have ended by now, at least, by the limits.
pub(super) fn expected_endings(virtual_minute: u32, cohorts: &Cohorts, limits: &Limits) -> u32 {
    let ended = |begun: u32, age: u32| f64::from(begun) * (1.0 - limits.stairs().share(age));
    let young = cohorts
        .list
        .iter()
        .map(|cohort| ended(cohort.begun, virtual_minute.saturating_sub(cohort.virtual_minute)));
    (young.sum::<f64>() + ended(cohorts.older, u32::MAX)).floor() as u32
}

/// How many devices may have failed by now, at most, by the limits.
pub(super) fn expected_failures(t: u32, cohorts: &Cohorts, limits: &Limits) -> u32 {
    let Some(curve) = limits.failure_curve() else { return 0 };
    let young = cohorts.with_previous().map(|(cohort, previous)| {
        f64::from(cohort.begun) * share_of_failures(curve, previous, t, limits)
    });
    ((young.sum::<f64>() + f64::from(cohorts.older)) * limits.failed()).ceil() as u32
}
