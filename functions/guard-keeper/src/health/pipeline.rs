//! Whether executions that end are counted, and no others.
//!
//! AWS IoT knows how many executions of a job ended; CloudWatch knows how many of their events were
//! counted. If more ended and *nothing* more was counted for some minutes, the way between them is
//! broken: events off, rule disabled, permission gone, function failing. If more were counted than
//! ended, somebody else counts too: a second stack, or a program that makes metrics up.
//!
//! What counts is growth. Executions that ended before anybody looked may well never have been
//! counted, since events may have been enabled later, and say nothing of now. And as long as
//! CloudWatch has counted as many as ended there is no shortage, however late AWS IoT's own counts come.

use tripline::time::Timestamp;

/// So many counted executions too many are never anything: delivery is at least once, and what
/// CloudWatch may have taken is sent again.
pub const TOLERATED: u32 = 10;
/// Nor is this share of those that ended, in percent: far less than the share of failures that stops a
/// rollout, and far more than what is delivered twice.
pub const TOLERATED_PERCENT: u32 = 5;
/// AWS IoT's own counts come later than events, by seconds: what was counted so many seconds ago, or as long ago
/// as events have to come if that is less, has to have ended by now.
const AGAIN_AFTER: i64 = 300;
/// Where nothing ends it is asked once in so many seconds at least: made-up metrics need no endings ...
const ROUTINE: i64 = 3_600;
/// ... and once in so many times the time that events have to come, if that is sooner.
const ROUTINE_DELAYS: i64 = 6;

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
    /// Whether too many were counted.
    excess: Excess,
    /// When it was last asked how many were counted.
    asked_at: i64,
}

/// Whether more events were counted than ended and is tolerated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Excess {
    #[default]
    None,
    /// So many events were counted at the last look; the endings may only be late.
    Suspected(u32),
    /// So many more than ended, and that was not only late.
    Proven(u32),
}

impl Pipeline {
    /// A job that is seen for the first time, for which so many endings and events stand.
    pub fn seen(ended: u32, counted: u32, at: Timestamp) -> Self {
        Self { ended, counted, asked_at: at.seconds(), ..Self::default() }
    }

    /// Takes in how many executions have ended by now. `true`: it is time to ask how many events
    /// were counted, and to [`judge`](Self::judge). Events have `delay` seconds to come.
    #[must_use]
    pub fn needs_count(&mut self, ended: u32, now: Timestamp, delay: i64) -> bool {
        if ended > self.ended && self.grown_at.is_none() {
            self.grown_at = Some(now.seconds());
        }
        let since_asked = now.seconds().saturating_sub(self.asked_at);
        let wait = match self.excess {
            Excess::None => ROUTINE.min(delay.saturating_mul(ROUTINE_DELAYS)),
            Excess::Suspected(_) | Excess::Proven(_) => AGAIN_AFTER.min(delay),
        };
        since_asked >= wait || self.is_grown(ended, now, delay)
    }

    fn is_grown(&self, ended: u32, now: Timestamp, delay: i64) -> bool {
        let grown = self.grown_at.is_some_and(|at| now.seconds().saturating_sub(at) >= delay);
        ended > self.ended && grown
    }

    /// Judges, once it was asked how many events were counted.
    pub fn judge(&mut self, ended: u32, counted: u32, now: Timestamp, delay: i64) {
        let excess = self.excess_of(ended, counted);
        if counted > self.counted || counted >= ended {
            *self = Self::seen(ended, counted, now);
        } else if self.is_grown(ended, now, delay) {
            self.uncounted = ended.saturating_sub(self.ended);
        }
        self.excess = excess;
        self.asked_at = now.seconds();
    }

    fn excess_of(&self, ended: u32, counted: u32) -> Excess {
        let share = u64::from(ended) * u64::from(TOLERATED_PERCENT) / 100;
        let tolerated = TOLERATED.max(u32::try_from(share).unwrap_or(u32::MAX));
        let is_too_many = |counted: u32| counted.saturating_sub(ended) > tolerated;
        match self.excess {
            _ if !is_too_many(counted) => Excess::None,
            Excess::Suspected(before) if is_too_many(before.min(counted)) => {
                Excess::Proven(before.min(counted).saturating_sub(ended))
            }
            Excess::None | Excess::Suspected(_) => Excess::Suspected(counted),
            Excess::Proven(_) => Excess::Proven(counted.saturating_sub(ended)),
        }
    }

    /// Endings that were not counted while job events were off, now that they are on again; the watch goes
    /// on from here. A few of them may still be under way.
    pub fn resume(&mut self, ended: u32, counted: u32, now: Timestamp) -> u32 {
        let ending = ended.saturating_sub(self.ended);
        let lost = ending.saturating_sub(counted.saturating_sub(self.counted));
        *self = Self { excess: self.excess, ..Self::seen(ended, counted, now) };
        lost
    }

    /// When it was last asked how many were counted, in seconds since the epoch.
    pub fn asked_at(&self) -> i64 {
        self.asked_at
    }

    /// What it consists of: endings and events when last all was well, when more endings were first
    /// seen (0: they were not), those of which none was counted, events beyond the endings (negative: all
    /// events, of which too many are suspected), and when that was asked.
    pub fn numbers(&self) -> [i64; 6] {
        let Self { ended, counted, grown_at, uncounted, excess, asked_at } = *self;
        let excess = match excess {
            Excess::None => 0,
            Excess::Suspected(number) => -i64::from(number),
            Excess::Proven(number) => i64::from(number),
        };
        let grown_at = grown_at.unwrap_or(0);
        [ended.into(), counted.into(), grown_at, uncounted.into(), excess, asked_at]
    }

    /// From what it consists of.
    pub fn from_numbers(numbers: [i64; 6]) -> Option<Self> {
        let [ended, counted, grown_at, uncounted, excess, asked_at] = numbers;
        let count = |number| u32::try_from(number).ok();
        Some(Self {
            ended: count(ended)?,
            counted: count(counted)?,
            grown_at: Some(grown_at).filter(|at| *at != 0),
            uncounted: count(uncounted)?,
            excess: match excess {
                0 => Excess::None,
                suspected @ ..0 => Excess::Suspected(count(suspected.checked_neg()?)?),
                proven => Excess::Proven(count(proven)?),
            },
            asked_at,
        })
    }

    /// Executions that ended while no event was counted.
    pub fn uncounted(&self) -> u32 {
        self.uncounted
    }

    /// Executions that were counted and have not ended.
    pub fn overcounted(&self) -> u32 {
        match self.excess {
            Excess::Proven(number) => number,
            Excess::None | Excess::Suspected(_) => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DELAY: i64 = 600;
    const START: Timestamp = Timestamp::from_seconds(0);

    /// Each step: the minute, endings then, events counted then. Gives what is uncounted after each.
    fn run(mut pipeline: Pipeline, steps: &[(i64, u32, u32)]) -> Vec<u32> {
        steps
            .iter()
            .map(|(minute, ended, counted)| {
                let now = Timestamp::from_seconds(minute * 60);
                if pipeline.needs_count(*ended, now, DELAY) {
                    pipeline.judge(*ended, *counted, now, DELAY);
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
        let late = Pipeline::seen(5_000, 0, START);
        assert_eq!(run(late, &[(1, 5_000, 0), (2, 5_003, 1), (12, 5_010, 8)]), [0, 0, 0]);
        assert_eq!(run(late, &[(2, 5_003, 0), (12, 5_010, 0)]), [0, 10]);
    }

    #[test]
    fn counts_of_aws_iot_that_come_late_are_no_fault() {
        // The events were counted before; only then does the job show it.
        let behind = Pipeline::seen(90, 100, START);
        assert_eq!(run(behind, &[(1, 100, 100), (11, 100, 100)]), [0, 0]);
    }

    /// Each step: the minute, endings then, events counted then. Gives what is overcounted after each.
    fn overcounted(steps: &[(i64, u32, u32)]) -> Vec<u32> {
        let mut pipeline = Pipeline::default();
        let after = |(minute, ended, counted): &(i64, u32, u32)| {
            let now = Timestamp::from_seconds(minute * 60);
            if pipeline.needs_count(*ended, now, DELAY) {
                pipeline.judge(*ended, *counted, now, DELAY);
            }
            // Another environment goes on.
            pipeline = Pipeline::from_numbers(pipeline.numbers()).unwrap();
            pipeline.overcounted()
        };
        steps.iter().map(after).collect()
    }

    #[test]
    fn made_up_endings_are_found_though_nothing_ends() {
        let forged = [(1, 0, 300), (59, 0, 300), (60, 0, 300), (64, 0, 300), (65, 0, 300)];
        assert_eq!(overcounted(&forged), [0, 0, 0, 0, 300]);
        // They stay found, and what AWS IoT has at last is nobody's fault.
        let mut more = forged.to_vec();
        more.extend([(66, 0, 300), (70, 0, 340), (71, 330, 340), (75, 330, 340)]);
        assert_eq!(overcounted(&more)[5..], [300, 340, 340, 0]);
    }

    #[test]
    fn endings_that_are_counted_twice_are_found() {
        let doubled: Vec<(i64, u32, u32)> =
            (0..30).zip(0..).map(|(minute, n)| (minute, 10 * n, 20 * n)).collect();
        let after = overcounted(&doubled);
        assert_eq!((after[15], after[16], after[29]), (0, 60, 260), "{after:?}");
    }

    #[test]
    fn a_few_twice_or_one_look_ahead_of_aws_iot_are_nothing() {
        for (ended, counted, expected) in
            [(0, 10, 0), (0, 11, 11), (100, 110, 0), (10_000, 10_500, 0), (10_000, 10_501, 501)]
        {
            let steps = [(60, ended, counted), (120, ended, counted), (180, ended, counted)];
            assert_eq!(overcounted(&steps)[2], expected, "{counted} of {ended}");
        }
        assert_eq!(overcounted(&[(60, 0, 100), (65, 95, 100), (130, 95, 100)]), [0, 0, 0]);
    }

    #[test]
    fn what_was_lost_while_events_were_off_is_said_once() {
        let mut pipeline = Pipeline::seen(50, 48, START);
        let now = Timestamp::from_seconds(3_600);
        // Of 30 that ended meanwhile, the first 4 were still counted.
        assert_eq!(pipeline.resume(80, 52, now), 26);
        assert_eq!((pipeline.resume(80, 52, now), pipeline.asked_at()), (0, 3_600));
        assert_eq!(pipeline.resume(81, 99, now), 0);
    }

    proptest! {
        /// However fast a rollout is: what is ahead of AWS IoT's counts by a minute is not too much.
        #[test]
        fn events_ahead_by_a_minute_are_not_too_many(
            rates in proptest::collection::vec(0_u32..1_000, 1..120),
        ) {
            let mut pipeline = Pipeline::default();
            let mut counted = 0_u32;
            for (minute, rate) in (1_i64..).zip(rates) {
                let ended = counted;
                counted += rate;
                let now = Timestamp::from_seconds(minute * 60);
                if pipeline.needs_count(ended, now, DELAY) {
                    pipeline.judge(ended, counted, now, DELAY);
                }
                prop_assert_eq!(pipeline.overcounted(), 0);
            }
        }

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
                let now = Timestamp::from_seconds(minute * 60);
                if pipeline.needs_count(ended, now, DELAY) {
                    pipeline.judge(ended, counted, now, DELAY);
                }
                prop_assert_eq!((pipeline.uncounted(), pipeline.overcounted()), (0, 0));
            }
        }

        /// Whatever was healthy before: once nothing more is counted, what ends from then on is found.
        #[test]
        fn a_broken_pipeline_is_always_found(healthy in 0_u32..500, ends in 1_u32..50, at in 0_i64..30) {
            let mut pipeline = Pipeline::seen(healthy, healthy, START);
            for minute in 0..(at + 60) {
                let ended = if minute >= at { healthy + ends } else { healthy };
                let now = Timestamp::from_seconds(minute * 60);
                if pipeline.needs_count(ended, now, DELAY) {
                    pipeline.judge(ended, healthy, now, DELAY);
                }
            }
            prop_assert_eq!(pipeline.uncounted(), ends);
        }
    }
}
