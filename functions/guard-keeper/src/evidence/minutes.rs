//! At which minute of a job's ticks something was read.
//!
//! The minutes are the job's own: the schedule calls at any second of a minute, and where there are
//! many jobs some are read half a minute after others, but each at about the same place in every
//! minute. So the first reading says where a job's minutes begin.

use std::time::Duration;

/// Where a job's minutes begin, in milliseconds since the epoch. That never moves: AWS IoT ends executions
/// by real time, and whatever is dated before would be of another age.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Minutes {
    pub origin: i64,
}

/// A reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// Its minute.
    pub t: u32,
    /// Within a quarter of a minute after the minute began, so that the ages of executions at this
    /// minute are those that were read. A later reading belongs to the next minute, without them.
    pub is_timely: bool,
}

fn milliseconds(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

impl Minutes {
    /// The first reading is minute 1. It may come an eighth of a minute earlier or later by the next.
    pub fn from_first(at: Duration, minute: Duration) -> Self {
        let minute = milliseconds(minute);
        Self { origin: milliseconds(at) - minute - minute / 8 }
    }

    /// The minute of a reading.
    pub fn read(self, at: Duration, minute: Duration) -> Reading {
        let minute = milliseconds(minute).max(1);
        let since = milliseconds(at).saturating_sub(self.origin).max(0);
        let is_timely = since % minute <= minute / 4;
        let next = since / minute + i64::from(!is_timely);
        Reading { t: u32::try_from(next).unwrap_or(u32::MAX), is_timely }
    }

    /// In whole minutes, rounded down, the age that an execution has at a minute. `None`: it began
    /// after it.
    pub fn age(self, began: i64, t: u32, minute: Duration) -> Option<u32> {
        let minute = milliseconds(minute).max(1);
        let then = self.origin.saturating_add(i64::from(t).saturating_mul(minute));
        let age = then.saturating_sub(began.saturating_mul(1_000));
        u32::try_from(age.div_euclid(minute)).ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::settings::MINUTE;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(1_790_000_000 + seconds)
    }

    /// Readings at these seconds: their minutes, and whether they are timely.
    fn readings(seconds: &[u64]) -> Vec<(u32, bool)> {
        let minutes = Minutes::from_first(at(0), MINUTE);
        let read = seconds.iter().map(|second| minutes.read(at(*second), MINUTE));
        read.map(|reading| (reading.t, reading.is_timely)).collect()
    }

    #[test]
    fn a_reading_belongs_to_the_minute_that_began_a_short_time_before() {
        assert_eq!(readings(&[0, 53, 120, 187]), [(1, true), (2, true), (3, true), (4, true)]);
        assert_eq!(readings(&[0, 68, 130]), [(1, true), (3, false), (4, false)]);
    }

    #[test]
    fn an_age_is_that_at_the_minute() {
        let minutes = Minutes::from_first(at(0), MINUTE);
        // Minute 1 began 7.5 s before the first reading.
        for (began, age) in [(-8, Some(0)), (-67, Some(0)), (-68, Some(1)), (-7, None), (9, None)] {
            assert_eq!(minutes.age(1_790_000_000 + began, 1, MINUTE), age, "{began}");
        }
    }

    proptest! {
        /// So that no device is counted twice: when an execution began, in minutes, is the same at every
        /// tick. And a reading never belongs to a minute that is over, but for its first quarter.
        #[test]
        fn when_an_execution_began_is_the_same_at_every_tick(
            seconds in proptest::collection::vec(10_000_u64..100_000, 1..60),
            began in 0_i64..10_000,
        ) {
            let minutes = Minutes::from_first(at(10_000), MINUTE);
            let mut labels = std::collections::BTreeSet::new();
            for second in seconds {
                let reading = minutes.read(at(second), MINUTE);
                let begins = minutes.origin + i64::from(reading.t) * 60_000;
                let read = 1_000 * (1_790_000_000 + i64::try_from(second).unwrap());
                prop_assert!(read - begins <= 15_000);
                prop_assert_eq!(reading.is_timely, read >= begins);
                let age = minutes.age(1_790_000_000 + began, reading.t, MINUTE);
                labels.extend(age.map(|age| i64::from(reading.t) - i64::from(age)));
            }
            prop_assert!(labels.len() <= 1, "{:?}", labels);
        }
    }
}
