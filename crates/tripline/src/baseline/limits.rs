//! Limits of the next rollout, from past ones and what is tolerated.

use super::{Baseline, upper_limit};
use crate::evidence::{Limits, Parameters, Source};
use crate::invalid::Invalid;

/// How much slower than the past ones a healthy rollout may be, in percent: 0 to 500.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SlowerBy(u32);

impl SlowerBy {
    /// What it can be, in words.
    pub const EXPECTED: &str = "percent, 0 to 500";

    /// For a baseline of several rollouts.
    pub const USUAL: Self = Self(20);
    /// For a baseline of one rollout. Two rollouts that each drift by up to 20 % differ by up to half:
    /// with less, one past rollout of 5,000 devices stops 4 % of healthy ones.
    pub const OF_ONE_ROLLOUT: Self = Self(50);
    /// More than this is another firmware.
    pub const MAX: u32 = 500;

    /// Checks a percentage.
    ///
    /// # Errors
    /// What it can be.
    pub fn new(percent: u32) -> Result<Self, Invalid> {
        (percent <= Self::MAX).then_some(Self(percent)).ok_or(Invalid(Self::EXPECTED))
    }

    /// What a baseline takes if nobody says otherwise.
    pub fn for_rollouts(rollouts: u32) -> Self {
        if rollouts <= 1 { Self::OF_ONE_ROLLOUT } else { Self::USUAL }
    }

    /// In percent.
    pub fn percent(self) -> u32 {
        self.0
    }

    /// The age that a past rollout had when a healthy one has `age`, rounded down.
    fn past(self, age: u32) -> u32 {
        let past = u64::from(age) * 100 / u64::from(100 + self.0);
        u32::try_from(past).unwrap_or(u32::MAX)
    }

    /// The age at which a past rollout had as many failures as a faster one has at `age`, rounded up.
    fn faster(self, age: u32) -> u32 {
        let faster = (u64::from(age) * u64::from(100 + self.0)).div_ceil(100);
        u32::try_from(faster).unwrap_or(u32::MAX)
    }
}

/// What a healthy rollout may be worse by than the past ones.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tolerance {
    /// How much slower.
    pub slower_by: SlowerBy,
    /// The share of devices that may never end, 0 to 1.
    pub silent: f64,
}

/// The shares at which devices are followed one by one: at the first age at which each is allowed.
const LEVELS: [f64; 10] = [0.97, 0.9, 0.8, 0.65, 0.5, 0.35, 0.2, 0.1, 0.05, 0.03];
/// They are followed below this age, in minutes, unless the fleet takes hours.
const FOLLOWED_BELOW: u32 = 120;
/// The last age of a fleet that takes hours lies beyond this.
const HOURS: u32 = 199;
/// From where the share falls by no more than this until its end, nothing is asserted.
const TAIL: f64 = 0.002;

impl Baseline {
    /// Fewer failures than this say nothing of when they come.
    pub const LEAST_FAILURES: u32 = 20;

    /// The limits for a rollout with this tolerance and timeout (minutes). What no baseline knows is
    /// that of `Parameters::default()`: how many may fail, how many false stops are permitted, and
    /// whether there is a list.
    pub fn parameters(&self, tolerance: Tolerance, timeout: Option<u32>) -> Parameters {
        let mut unfinished = self.stairs(tolerance);
        let mut rungs = followed_ages(&unfinished);
        // Nothing is in progress beyond the timeout, and what timed out is counted there.
        if let Some(timeout) = timeout {
            let beyond = unfinished.partition_point(|(age, _)| *age < timeout);
            unfinished.truncate(beyond + 1);
            if rungs.iter().any(|age| *age > timeout) {
                rungs.retain(|age| *age <= timeout);
                rungs.extend(unfinished.get(beyond).map(|(age, _)| *age));
                rungs.dedup();
            }
        }
        Parameters {
            unfinished,
            rungs: Some(rungs),
            failure_curve: self.failure_curve(tolerance.slower_by),
            timeout,
            source: Source::Baseline {
                name: self.name.clone(),
                rollouts: self.rollouts,
                slower_by: tolerance.slower_by.percent(),
            },
            ..Parameters::default()
        }
    }

    /// The share that may be unfinished, at every whole minute.
    fn stairs(&self, Tolerance { slower_by, silent }: Tolerance) -> Vec<(u32, f64)> {
        let last = slower_by.faster(self.last_age()).min(Baseline::MAX_AGE);
        let mut lowest = 1.0_f64;
        let mut pooled = Remembered::default();
        let mut slowest = Remembered::default();
        let stairs = (1..=last).map(|age| {
            let past = slower_by.past(age);
            let stretched = pooled.of(self.pooled.count(past), self.pooled.devices);
            let share = stretched.max(slowest.of(self.slowest.count(age), self.slowest.devices));
            lowest = lowest.min(share + (1.0 - share) * silent);
            (age, lowest)
        });
        let mut stairs: Vec<(u32, f64)> = stairs.collect();
        let end = stairs.last().map_or(0.0, |(_, share)| *share);
        let before_tail = stairs.partition_point(|(_, share)| *share > end + TAIL);
        stairs.truncate(before_tail + 1);
        stairs
    }

    /// The share of the failures that may have come by each whole minute; empty if too few came.
    fn failure_curve(&self, slower_by: SlowerBy) -> Vec<(u32, f64)> {
        let total = self.failures();
        if total < Self::LEAST_FAILURES {
            return Vec::new();
        }
        let mut curve = Vec::new();
        for age in 1..=Baseline::MAX_AGE {
            let place = usize::try_from(slower_by.faster(age).saturating_sub(1));
            let by = place.ok().and_then(|place| self.failures.get(place)).copied();
            let share = upper_limit(by.unwrap_or(total), total);
            if share >= 1.0 {
                break;
            }
            curve.push((age, share));
        }
        curve
    }
}

/// The ages at which devices are followed one by one, of shares at every whole minute: where each of
/// ten levels from 97 to 3 % is reached.
pub fn followed_ages(stairs: &[(u32, f64)]) -> Vec<u32> {
    let takes_hours = stairs.last().is_some_and(|(age, _)| *age > HOURS);
    let first = |level: f64| {
        let place = stairs.partition_point(|(_, share)| *share > level);
        stairs.get(place).copied()
    };
    let says_something = |(_, share): &(u32, f64)| *share > 0.001 && *share < 0.999;
    let followed = LEVELS.into_iter().filter_map(first).filter(says_something);
    let mut ages: Vec<u32> = followed.map(|(age, _)| age).collect();
    ages.retain(|age| takes_hours || *age < FOLLOWED_BELOW);
    ages.dedup();
    ages
}

/// The last upper limit: it takes long to work out, and neighbors share theirs.
#[derive(Default)]
struct Remembered(Option<(u32, f64)>);

impl Remembered {
    fn of(&mut self, x: u32, n: u32) -> f64 {
        let limit = match self.0 {
            Some((known, limit)) if known == x => limit,
            _ => upper_limit(x, n),
        };
        self.0 = Some((x, limit));
        limit
    }
}

/// A baseline reaches as far as limits do.
const _: () = assert!(Baseline::MAX_AGE == Limits::MAX_AGE);

#[cfg(test)]
mod tests {
    use super::super::{Execution, PastRollout, calibrate};
    use super::*;
    use crate::evidence::LimitName;

    /// A rollout to n devices that take up to `minutes`, evenly spread; one in `failing` fails.
    fn rollout(n: u32, minutes: u32, failing: u32) -> PastRollout {
        let execution = |number: u32| Execution {
            lasted: Some(number * minutes * 60 / n + 1),
            failed: number.is_multiple_of(failing),
            is_retry: false,
        };
        PastRollout { was_stopped: false, executions: (0..n).map(execution).collect() }
    }

    fn baseline(rollouts: Vec<PastRollout>) -> Baseline {
        calibrate("fw-2-0", rollouts).unwrap().baseline
    }

    const TOLERANCE: Tolerance = Tolerance { slower_by: SlowerBy::USUAL, silent: 0.01 };

    fn share_at(parameters: &Parameters, age: u32) -> f64 {
        parameters
            .unfinished
            .iter()
            .rfind(|(from, _)| *from <= age)
            .map_or(1.0, |(_, share)| *share)
    }

    #[test]
    fn limits_are_those_of_slower_rollouts_with_their_error_and_some_silence() {
        let baseline = baseline(vec![rollout(1_000, 60, 50), rollout(1_000, 60, 50)]);
        let parameters = baseline.parameters(TOLERANCE, None);
        // After 36 minutes a rollout that is a fifth slower is where one is after 30.
        let expected = upper_limit(1_000, 2_000);
        let share = share_at(&parameters, 36);
        assert!((share - (expected + (1.0 - expected) * 0.01)).abs() < 1e-9, "{share} {expected}");
        // Rounded down: age 35 is age 29.
        let before = upper_limit(31 * 2_000 / 60 + 1, 2_000);
        assert!((share_at(&parameters, 35) - (before + (1.0 - before) * 0.01)).abs() < 2e-3);
        assert_eq!(parameters.unfinished[0].0, 1);
        assert_eq!(parameters.unfinished[0].1, 1.0);
        let limits =
            Limits::new(Parameters { failed: 0.03, false_stops: 0.01, list: true, ..parameters });
        assert_eq!(
            limits.unwrap().source().to_string(),
            "baseline fw-2-0 of 2 rollouts, 20 % slack"
        );
    }

    #[test]
    fn the_slowest_rollout_is_within_the_limits_as_it_is() {
        // Pooled and stretched, this one of ten would be beyond them.
        let mut rollouts = vec![rollout(1_000, 30, 50); 9];
        rollouts.push(rollout(1_000, 60, 50));
        let parameters = baseline(rollouts).parameters(TOLERANCE, None);
        for age in 1..60 {
            let slowest = 1.0 - f64::from(age) / 60.0;
            assert!(share_at(&parameters, age) >= slowest, "{age}");
        }
        assert!(share_at(&parameters, 30) < 0.6);
    }

    #[test]
    fn devices_are_followed_from_each_level_on() {
        let parameters = baseline(vec![rollout(10_000, 60, 50)]).parameters(TOLERANCE, None);
        let rungs = parameters.rungs.clone().unwrap();
        assert!((8..=10).contains(&rungs.len()), "{rungs:?}");
        for (age, level) in rungs.iter().zip(LEVELS) {
            assert!(share_at(&parameters, *age) <= level && share_at(&parameters, age - 1) > level);
        }
        let hours = baseline(vec![rollout(10_000, 600, 50)]).parameters(TOLERANCE, None);
        assert!(hours.rungs.unwrap().last().is_some_and(|age| *age > 500));
        let nearly = baseline(vec![rollout(10_000, 160, 50)]).parameters(TOLERANCE, None);
        assert!(nearly.rungs.unwrap().iter().all(|age| *age < FOLLOWED_BELOW));
    }

    #[test]
    fn at_the_timeout_as_many_may_time_out_as_may_be_unfinished() {
        let baseline = baseline(vec![rollout(10_000, 60, 50), rollout(10_000, 60, 50)]);
        let free = baseline.parameters(TOLERANCE, None);
        let timed = baseline.parameters(TOLERANCE, Some(40));
        assert_eq!(timed.unfinished.last().copied(), Some((40, share_at(&free, 40))));
        let limits = Parameters { failed: 0.03, false_stops: 0.01, list: true, ..timed };
        let limits = Limits::new(limits).unwrap();
        assert_eq!(limits.share_of(LimitName::Timeout(40)), Some(share_at(&free, 40)));
        assert!(limits.names().all(|name| !matches!(name, LimitName::Rung(40..))));
        assert_eq!(baseline.parameters(TOLERANCE, Some(500)).unfinished, free.unfinished);
    }

    #[test]
    fn failures_may_come_as_soon_as_in_a_faster_rollout() {
        let baseline = baseline(vec![rollout(10_000, 60, 20), rollout(10_000, 60, 20)]);
        let curve = baseline.parameters(TOLERANCE, None).failure_curve;
        // After 10 minutes as many as otherwise after 12.
        let by = baseline.failures[11];
        assert_eq!(curve[9], (10, upper_limit(by, 1_000)));
        assert!(curve.iter().all(|(_, share)| *share < 1.0) && curve.len() < 60);
        let few = super::super::calibrate("fw", [rollout(190, 60, 10)]).unwrap().baseline;
        assert_eq!((few.failures(), few.parameters(TOLERANCE, None).failure_curve), (19, vec![]));
    }

    #[test]
    fn one_rollout_takes_more_slack() {
        assert_eq!([1, 2].map(SlowerBy::for_rollouts).map(SlowerBy::percent), [50, 20]);
        assert_eq!([0, 500].map(|percent| SlowerBy::new(percent).is_ok()), [true; 2]);
        assert_eq!(SlowerBy::new(501).ok(), None);
    }
}
