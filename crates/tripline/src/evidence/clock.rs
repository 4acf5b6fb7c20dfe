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
