//! Whether executions that end are counted.
//!
//! AWS IoT knows how many executions of a job ended; CloudWatch knows how many of their events were
//! counted. If more ended and *nothing* more was counted for some minutes, the way between them is
//! broken: events off, rule disabled, permission gone, function failing.
//!
//! What counts is growth. Executions that ended before anybody looked may well never have been
//! counted, since events may have been enabled later, and say nothing of now. And as long as
//! CloudWatch has counted as many as ended there is no fault, however late AWS IoT's own counts come.

use tripline::time::Timestamp;

/// What is known of a job's endings and of their events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pipeline {
    /// Endings when last all was well.
    ended: u32,
    /// Events counted then.
    counted: u32,
    /// When more endings than those were first seen.
    grown_at: Option<i64>,
    /// Endings since, if not one of them was counted in time.
    uncounted: u32,
}

impl Pipeline {
    /// A job that is seen for the first time. One whose whole life lies within what is watched
    /// begins with nothing ([`Pipeline::default`]).
    pub fn seen(ended: u32, counted: u32) -> Self {
        Self { ended, counted, ..Self::default() }
    }

    /// Takes in how many executions have ended by now. `true`: it is time to ask how many events
    /// were counted, and to [`judge`](Self::judge). Events have `delay` seconds to come.
    #[must_use]
    pub fn needs_count(&mut self, ended: u32, now: Timestamp, delay: i64) -> bool {
        if ended <= self.ended {
            return false;
        }
        let grown_at = *self.grown_at.get_or_insert(now.seconds());
        now.seconds().saturating_sub(grown_at) >= delay
    }

    /// Judges, once it was asked how many events were counted.
    pub fn judge(&mut self, ended: u32, counted: u32) {
        if counted > self.counted || counted >= ended {
            *self = Self::seen(ended, counted);
        } else {
            self.uncounted = ended.saturating_sub(self.ended);
        }
    }

    /// What it consists of: endings and events when last all was well, when more endings were first
    /// seen (0: they were not), and those of which none was counted.
    pub fn numbers(&self) -> [i64; 4] {
        let Self { ended, counted, grown_at, uncounted } = *self;
        [ended.into(), counted.into(), grown_at.unwrap_or(0), uncounted.into()]
    }

    /// From what it consists of.
    pub fn from_numbers([ended, counted, grown_at, uncounted]: [i64; 4]) -> Option<Self> {
        let count = |number| u32::try_from(number).ok();
        Some(Self {
            ended: count(ended)?,
            counted: count(counted)?,
            grown_at: Some(grown_at).filter(|at| *at != 0),
            uncounted: count(uncounted)?,
        })
    }

    /// Executions that ended while no event was counted.
    pub fn uncounted(&self) -> u32 {
        self.uncounted
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DELAY: i64 = 600;

    /// Each step: the minute, endings then, events counted then. Gives what is uncounted after each.
    fn run(mut pipeline: Pipeline, steps: &[(i64, u32, u32)]) -> Vec<u32> {
        steps
            .iter()
            .map(|(minute, ended, counted)| {
                let now = Timestamp::from_seconds(minute * 60);
                if pipeline.needs_count(*ended, now, DELAY) {
                    pipeline.judge(*ended, *counted);
                }
                pipeline.uncounted()
            })
            .collect()
    }

    #[test]
    fn endings_that_nobody_counts_are_found_after_the_delay() {
        let new = Pipeline::default();
        assert_eq!(run(new, &[(0, 0, 0), (1, 4, 0), (10, 9, 0), (11, 9, 0)]), [0, 0, 0, 9]);
        // One alone is enough, and it stays found while nothing else ends.
        assert_eq!(run(new, &[(1, 1, 0), (11, 1, 0), (60, 1, 0)]), [0, 1, 1]);
    }

    #[test]
    fn what_is_counted_again_is_well_again() {
        assert_eq!(run(Pipeline::default(), &[(1, 5, 0), (11, 6, 0), (12, 9, 3)]), [0, 6, 0]);
    }

    #[test]
    fn a_rule_that_is_disabled_later_is_found_too() {
        let steps = [(1, 50, 0), (11, 90, 80), (12, 95, 80), (22, 99, 80), (23, 99, 80)];
        assert_eq!(run(Pipeline::default(), &steps), [0, 0, 0, 9, 9]);
    }

    #[test]
    fn what_ended_before_anybody_looked_is_nobody_s_fault() {
        let late = Pipeline::seen(5_000, 0);
        assert_eq!(run(late, &[(1, 5_000, 0), (2, 5_003, 1), (12, 5_010, 8)]), [0, 0, 0]);
        assert_eq!(run(late, &[(2, 5_003, 0), (12, 5_010, 0)]), [0, 10]);
    }

    #[test]
    fn counts_of_aws_iot_that_come_late_are_no_fault() {
        // The events were counted before; only then does the job show it.
        let behind = Pipeline::seen(90, 100);
        assert_eq!(run(behind, &[(1, 100, 100), (11, 100, 100)]), [0, 0]);
    }

    proptest! {
        /// However sparsely executions end and however often anybody looks: if events come within
        /// the delay, nothing is ever found.
        #[test]
        fn a_healthy_rollout_never_raises_it(
            minutes in proptest::collection::vec((0_u32..4, 0_i64..10), 1..200),
        ) {
            let mut pipeline = Pipeline::default();
            let mut endings: Vec<(i64, i64)> = Vec::new();
            for (minute, (ending, late)) in minutes.into_iter().enumerate() {
                let minute = i64::try_from(minute).unwrap();
                endings.extend((0..ending).map(|_| (minute, minute + late)));
                let count = |until: fn(&(i64, i64)) -> i64| {
                    u32::try_from(endings.iter().filter(|e| until(e) <= minute).count()).unwrap()
                };
                let (ended, counted) = (count(|e| e.0), count(|e| e.1));
                if pipeline.needs_count(ended, Timestamp::from_seconds(minute * 60), DELAY) {
                    pipeline.judge(ended, counted);
                }
                prop_assert_eq!(pipeline.uncounted(), 0);
            }
        }

        /// Whatever was healthy before: once nothing more is counted, what ends from then on is found.
        #[test]
        fn a_broken_pipeline_is_always_found(healthy in 0_u32..500, ends in 1_u32..50, at in 0_i64..30) {
            let mut pipeline = Pipeline::seen(healthy, healthy);
            for minute in 0..(at + 60) {
                let ended = if minute >= at { healthy + ends } else { healthy };
                if pipeline.needs_count(ended, Timestamp::from_seconds(minute * 60), DELAY) {
                    pipeline.judge(ended, healthy);
                }
            }
            prop_assert_eq!(pipeline.uncounted(), ends);
        }
    }
}
