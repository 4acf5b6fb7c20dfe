//! At which minute of a job's ticks something was read.
//!
//! The minutes are the job's own: the schedule calls at any second of a minute, and where there are
//! many jobs some are read half a minute after others, but each at about the same place in every
//! minute. So the first reading says where a job's minutes begin.

use std::time::Duration;

/// A minute, unless a test has shorter ones.
pub const MINUTE: Duration = Duration::from_secs(60);
/// So many readings in a row that come too late move the beginning of the minutes.
const LATE: u32 = 3;

/// Where a job's minutes begin, in milliseconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Minutes {
    pub origin: i64,
    /// Readings in a row that came too late.
    pub late: u32,
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
        Self { origin: milliseconds(at) - minute - minute / 8, late: 0 }
    }

    /// The minute of a reading.
    pub fn read(&mut self, at: Duration, minute: Duration) -> Reading {
        let minute = milliseconds(minute).max(1);
        let since = milliseconds(at).saturating_sub(self.origin).max(0);
        let (whole, rest) = (since / minute, since % minute);
        let mut next = whole;
        let is_timely = rest <= minute / 4;
        if is_timely {
            self.late = 0;
        } else {
            next += 1;
            self.late += 1;
            if self.late >= LATE {
                // Everything that was dated before is younger from here on, which only lowers evidence.
                self.origin += rest - minute / 8;
                self.late = 0;
            }
        }
        Reading { t: u32::try_from(next).unwrap_or(u32::MAX), is_timely }
    }

    /// In whole minutes, rounded down, the age that an execution has at a minute. `None`: it began
    /// after it.
    pub fn age(&self, began: i64, t: u32, minute: Duration) -> Option<u32> {
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

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(1_790_000_000 + seconds)
    }

    /// Readings at these seconds: their minutes, and whether they are timely.
    fn readings(seconds: &[u64]) -> Vec<(u32, bool)> {
        let mut minutes = Minutes::from_first(at(0), MINUTE);
        let read = seconds.iter().map(|second| minutes.read(at(*second), MINUTE));
        read.map(|reading| (reading.t, reading.is_timely)).collect()
    }

    #[test]
    fn a_reading_belongs_to_the_minute_that_began_a_short_time_before() {
        assert_eq!(readings(&[0, 53, 120, 187]), [(1, true), (2, true), (3, true), (4, true)]);
        assert_eq!(readings(&[0, 68, 130]), [(1, true), (3, false), (4, false)]);
    }

    #[test]
    fn a_schedule_that_moves_is_followed() {
        let moved = readings(&[0, 60, 150, 210, 270, 330, 390]);
        let timely: Vec<bool> = moved.iter().map(|(_, is_timely)| *is_timely).collect();
        assert_eq!(timely, [true, true, false, false, false, true, true]);
        assert!(moved.windows(2).all(|pair| pair[0].0 <= pair[1].0), "{moved:?}");
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
        /// So that no device is counted twice: when an execution began, in minutes, is the same at
        /// every tick, and never later once the minutes have moved.
        #[test]
        fn when_an_execution_began_never_becomes_later(
            gaps in proptest::collection::vec(1_u64..200, 1..60),
            began in 0_i64..10_000,
        ) {
            let mut minutes = Minutes::from_first(at(10_000), MINUTE);
            let (mut now, mut last_t, mut last_began) = (10_000, 0, None::<i64>);
            for gap in gaps {
                now += gap;
                let before = minutes;
                let reading = minutes.read(at(now), MINUTE);
                // The minutes may move after a late reading; ages are asked at timely ones.
                // One that is not after the last one changes nothing.
                if reading.t <= last_t {
                    continue;
                }
                last_t = reading.t;
                if !reading.is_timely {
                    continue;
                }
                prop_assert_eq!(before, Minutes { late: before.late, ..minutes });
                if let Some(age) = minutes.age(1_790_000_000 + began, reading.t, MINUTE) {
                    let label = i64::from(reading.t) - i64::from(age);
                    prop_assert!(last_began.is_none_or(|last| label <= last));
                    last_began = Some(label);
                }
            }
        }
    }
}
