//! The clock of a rollout, which stands still while nearly nothing ends although much should.

use super::cohorts::Cohorts;
use super::stairs::Stairs;

/// How many endings are expected, at least, for their absence to be noticed. A healthy number of 10
/// on average is below 1 in 1 of 20,000 minutes, in two running in 1 of 500 million.
const EXPECTED: f64 = 10.0;
/// As many times the expected endings are in progress, at least: a fast fleet that has ended is not
/// stalled.
const IN_PROGRESS: f64 = 3.0;
/// As many devices have ended before, at least: firmware that never ends does not stop the clock.
const ENDED: u32 = 20;
/// From this evidence on the clock stands still no more.
const EVIDENCE: f64 = 0.5;
/// For how many minutes the clock may stand still in a rollout.
pub(super) const MAX_STALLED: u32 = 30;

/// Minutes of a rollout.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Clock {
    /// The tick that saw the first device.
    pub first: u32,
    /// The minute on the clock that stands still, from 1.
    pub virtual_minute: u32,
    /// For how many minutes it stood still.
    pub stalled: u32,
    /// Whether nearly nothing ended at the last tick.
    pub was_slow: bool,
}

/// What a clock is set by.
pub(super) struct Progress {
    /// Endings since the last tick.
    pub newly_ended: u32,
    /// Endings so far.
    pub ended: u32,
    /// Devices that began, and have neither ended nor timed out.
    pub in_progress: i64,
    /// The evidence before this tick.
    pub evidence: f64,
}

impl Clock {
    /// The clock at the first tick that sees a device.
    pub fn starting(t: u32) -> Self {
        Self { first: t, virtual_minute: 1, stalled: 0, was_slow: false }
    }

    /// Minutes since the first device began, by `t`, from 1. They never stand still.
    pub fn real_minute(&self, t: u32) -> u32 {
        t.saturating_sub(self.first).saturating_add(1)
    }

    /// Goes on by the minutes since the last tick, or stands still: then it says so.
    pub fn advance(
        &mut self,
        minutes: u32,
        stairs: &Stairs,
        cohorts: &Cohorts,
        progress: &Progress,
    ) -> bool {
        let then = self.virtual_minute.saturating_add(minutes);
        let expected = cohorts.list.iter().fold(0.0, |sum, cohort| {
            let share = |now: u32| stairs.share(now.saturating_sub(cohort.virtual_minute));
            sum + f64::from(cohort.begun) * (share(self.virtual_minute) - share(then))
        });
        let is_slow = expected >= EXPECTED
            && f64::from(progress.newly_ended) < expected / EXPECTED
            && progress.in_progress as f64 >= IN_PROGRESS * expected;
        let is_stalled = is_slow
            && self.was_slow
            && progress.ended >= ENDED
            && progress.evidence < EVIDENCE
            && self.stalled.saturating_add(minutes) <= MAX_STALLED;
        self.was_slow = is_slow;
        if is_stalled {
            self.stalled = self.stalled.saturating_add(minutes);
        } else {
            self.virtual_minute = then;
        }
        is_stalled
    }
}

#[cfg(test)]
mod tests {
    use super::super::cohorts::Cohort;
    use super::*;

    /// 100 devices that began in the first minute, of which half should end in the third.
    fn clock_and_cohorts() -> (Clock, Stairs, Cohorts) {
        let cohort = Cohort { minute: 1, virtual_minute: 1, begun: 100, total: 100 };
        let cohorts = Cohorts { list: vec![cohort], ..Cohorts::default() };
        let clock = Clock { virtual_minute: 2, was_slow: true, ..Clock::starting(1) };
        (clock, Stairs::of(vec![(2, 0.5)]), cohorts)
    }

    fn progress() -> Progress {
        Progress { newly_ended: 4, ended: 20, in_progress: 150, evidence: 0.49 }
    }

    fn stalls(change: impl FnOnce(&mut Clock, &mut Progress)) -> bool {
        let (mut clock, stairs, cohorts) = clock_and_cohorts();
        let mut progress = progress();
        change(&mut clock, &mut progress);
        let before = clock;
        let stalled = clock.advance(1, &stairs, &cohorts, &progress);
        let (stood, went) = if stalled { (1, 0) } else { (0, 1) };
        assert_eq!(clock.stalled, before.stalled + stood);
        assert_eq!(clock.virtual_minute, before.virtual_minute + went);
        stalled
    }

    #[test]
    fn the_clock_stands_still_only_while_all_of_its_conditions_hold() {
        assert!(stalls(|_, _| {}));
        assert!(!stalls(|_, progress| progress.newly_ended = 5), "a tenth of what should end");
        assert!(!stalls(|_, progress| progress.ended = 19), "too few have ever ended");
        assert!(!stalls(|_, progress| progress.in_progress = 149), "a fleet that has ended");
        assert!(!stalls(|_, progress| progress.evidence = 0.5), "there is evidence");
        assert!(!stalls(|clock, _| clock.was_slow = false), "a single slow minute");
        assert!(stalls(|clock, _| clock.stalled = 29), "29 minutes");
        assert!(!stalls(|clock, _| clock.stalled = 30), "half an hour is over");
        assert!(!stalls(|clock, _| clock.virtual_minute = 3), "nothing should end");
    }

    #[test]
    fn a_gap_that_does_not_fit_the_half_hour_moves_the_clock() {
        let (clock, stairs, cohorts) = clock_and_cohorts();
        for (gap, expected) in [(30, true), (31, false), (u32::MAX, false)] {
            let mut clock = clock;
            assert_eq!(clock.advance(gap, &stairs, &cohorts, &progress()), expected, "{gap}");
        }
    }

    #[test]
    fn real_minutes_never_stand_still() {
        let clock = Clock { stalled: 9, virtual_minute: 3, ..Clock::starting(40) };
        assert_eq!([40, 52, 0].map(|t| clock.real_minute(t)), [1, 13, 1]);
    }
}
