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
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    9,
    10,
    11,
    12,
    13,
    14,
    15,
    16,
    17,
    18,
    19,
    20,
    22,
    24,
    26,
    28,
    30,
    33,
    36,
    40,
    44,
    48,
    53,
    58,
    64,
    70,
    80,
    90,
    105,
    120,
    150,
    200,
    Limits::LAST_CHECK,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::cohorts::Cohort;
    use crate::evidence::{Parameters, State, Tick};

    fn limits(last_age: u32, curve: Vec<(u32, f64)>) -> Limits {
        Limits::new(Parameters {
            unfinished: vec![(2, 0.5), (last_age, 0.2)],
            failed: 0.1,
            failure_curve: curve,
            false_stops: 0.01,
            ..Parameters::default()
        })
        .unwrap()
    }

    /// log10 of a fortieth of the sum of some e-values, each the mean of `of(theta)`.
    fn sum_of<const N: usize>(thetas: [f64; N], e_values: &[&dyn Fn(f64) -> f64]) -> f64 {
        let mean = |of: &&dyn Fn(f64) -> f64| thetas.map(of).iter().sum::<f64>() / N as f64;
        (e_values.iter().map(mean).sum::<f64>() / 40.0).log10()
    }

    #[test]
    fn failures_are_compared_with_what_their_ages_allow() {
        let limits = limits(30, vec![(1, 0.2), (3, 0.5)]);
        let mut state = State::new(&limits);
        for (t, begun, unsuccessful) in [(4, 0, 0), (5, 10, 1), (6, 30, 4), (9, 30, 6)] {
            state.tick(&limits, &Tick { t, begun, unsuccessful, ..Tick::default() });
        }
        // At minute 2 of the rollout the 10 devices are 2 minutes old at most, the other 20 are 1.
        // The checks of minutes 3, 4 and 5 are made together, at ages 5 and 4.
        let at_2 = |theta: f64| {
            let factor = |share: f64| 1.0 + (theta - 1.0) * 0.1 * share;
            theta.powi(4) / factor(0.5).powi(10) / factor(0.2).powi(20)
        };
        let late = |theta: f64| theta.powi(6) / (1.0 + (theta - 1.0) * 0.1_f64).powi(30);
        let expected = sum_of(MORE_FAILURES, &[&at_2, &late, &late, &late]);
        let curve = state.parts(&limits).failed_curve.unwrap();
        assert!((curve - expected).abs() < 1e-9, "{curve} {expected}");
    }

    #[test]
    fn devices_that_may_have_begun_at_any_time_may_fail_at_any_time() {
        let limits = limits(30, vec![(1, 0.2), (3, 0.5)]);
        let mut state = State::new(&limits);
        for t in [5, 6] {
            let tick = Tick { t, begun: 10, unsuccessful: 4, ..Tick::default() };
            state.tick(&limits, &tick);
        }
        let e = |theta: f64| theta.powi(4) / (1.0 + (theta - 1.0) * 0.1_f64).powi(10);
        let expected = sum_of(MORE_FAILURES, &[&e]);
        assert!((state.parts(&limits).failed_curve.unwrap() - expected).abs() < 1e-9);
    }

    #[test]
    fn endings_are_compared_with_what_their_ages_allow() {
        let limits = limits(4, vec![]);
        let mut state = State::new(&limits);
        for (t, begun, ended) in [(0, 0, 0), (1, 10, 1), (4, 30, 6)] {
            state.tick(&limits, &Tick { t, begun, ended, ..Tick::default() });
        }
        // The checks of minutes 2, 3 and 4 are made together, each with its own ages of the first
        // 10 devices: 1, 2 and 3. The other 20 have just begun.
        let without_any = |theta: f64| theta.powi(6);
        let with_half = |theta: f64| theta.powi(6) / (1.0 - (1.0 - theta) * 0.5_f64).powi(10);
        let expected = sum_of(FEWER_ENDINGS, &[&without_any, &with_half, &with_half]);
        let count = state.parts(&limits).count.unwrap();
        assert!((count - expected).abs() < 1e-9, "{count} {expected}");
    }

    #[test]
    fn devices_that_were_forgotten_are_as_old_as_can_be() {
        let limits = limits(4, vec![]);
        let clock = Clock { virtual_minute: 2, ..Clock::starting(1) };
        let mut checks = Checks::default();
        checks.count(&clock, 3, &Cohorts { older: 10, ..Cohorts::default() }, &limits);
        let e = |theta: f64| theta.powi(3) / (1.0 - (1.0 - theta) * 0.8_f64).powi(10);
        let expected = sum_of(FEWER_ENDINGS, &[&e]);
        assert!((checks.ln_sum / std::f64::consts::LN_10 - expected).abs() < 1e-9);
    }

    #[test]
    fn devices_that_were_forgotten_may_have_failed_at_any_time() {
        let limits = limits(4, vec![(9, 0.1)]);
        let mut checks = Checks::default();
        let cohorts = Cohorts { older: 10, ..Cohorts::default() };
        checks.failures(&Clock::starting(1), 2, 3, &cohorts, &limits);
        let e = |theta: f64| theta.powi(3) / (1.0 + (theta - 1.0) * 0.1_f64).powi(10);
        let expected = sum_of(MORE_FAILURES, &[&e]);
        assert!((checks.ln_sum / std::f64::consts::LN_10 - expected).abs() < 1e-9);
    }

    #[test]
    fn merged_devices_that_would_be_forgotten_may_fail_at_any_time() {
        let limits = limits(210, vec![(290, 0.1)]);
        let cohort = |minute, begun, total| Cohort { minute, virtual_minute: minute, begun, total };
        let merged = Cohorts { list: vec![cohort(15, 20, 20)], before: Some(0), older: 0 };
        let kept = Cohorts { list: vec![cohort(15, 12, 20)], before: Some(9), older: 8 };
        let clock = Clock::starting(1);
        let (mut lower, mut higher) =
            (Checks { made: 38, ..Checks::default() }, Checks { made: 38, ..Checks::default() });
        lower.failures(&clock, 226, 9, &merged, &limits);
        higher.failures(&clock, 226, 9, &kept, &limits);
        assert!(lower.ln_sum <= higher.ln_sum, "{} {}", lower.ln_sum, higher.ln_sum);
        assert!(lower.made == 39);
    }
}
