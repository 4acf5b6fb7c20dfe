//! Points in time. The core has no clock: whoever calls it says what time it is.

/// A point in time in whole seconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// From here on a number is taken for milliseconds: as seconds it would lie after the year 5138.
const MILLISECONDS_FROM: i64 = 100_000_000_000;

impl Timestamp {
    /// From seconds since the epoch.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds)
    }

    /// From a number that an event gives. AWS IoT writes seconds; milliseconds are accepted too,
    /// told apart by their size.
    pub fn from_event(number: i64) -> Self {
        if number.unsigned_abs() >= MILLISECONDS_FROM.unsigned_abs() {
            Self(number.div_euclid(1_000))
        } else {
            Self(number)
        }
    }

    /// Seconds since the epoch.
    pub const fn seconds(self) -> i64 {
        self.0
    }

    /// The beginning of the minute that this lies in. CloudWatch keeps custom metrics by the
    /// minute.
    #[must_use]
    pub const fn minute(self) -> Self {
        Self(self.0 - self.0.rem_euclid(60))
    }

    /// How many seconds `self` is ahead of `other`; negative if it is behind.
    pub const fn seconds_after(self, other: Self) -> i64 {
        self.0.saturating_sub(other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_are_told_apart_by_their_size() {
        assert_eq!(Timestamp::from_event(1_790_000_000).seconds(), 1_790_000_000);
        assert_eq!(Timestamp::from_event(1_790_000_000_123).seconds(), 1_790_000_000);
        assert_eq!(Timestamp::from_event(i64::MIN).seconds(), i64::MIN.div_euclid(1_000));
    }

    #[test]
    fn a_minute_begins_at_or_before_its_seconds() {
        assert_eq!(Timestamp::from_seconds(119).minute().seconds(), 60);
        assert_eq!(Timestamp::from_seconds(120).minute().seconds(), 120);
        assert_eq!(Timestamp::from_seconds(-1).minute().seconds(), -60);
    }
}
