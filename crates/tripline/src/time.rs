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
    /// distinguished by their size.
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

    /// As RFC 3339 in UTC, such as `2026-09-21T14:01:09Z`; for years 0 to 9999.
    pub fn rfc3339(self) -> String {
        let (day, second) = (self.0.div_euclid(DAY), self.0.rem_euclid(DAY));
        // Days to a civil date, in years that begin in March so that the leap day comes last.
        let shifted = day.saturating_add(719_468);
        let (era, era_day) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
        let era_year = (era_day - era_day / 1_460 + era_day / 36_524 - era_day / 146_096) / 365;
        let year_day = era_day - (365 * era_year + era_year / 4 - era_year / 100);
        let march_month = (5 * year_day + 2) / 153;
        let day = year_day - (153 * march_month + 2) / 5 + 1;
        let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
        let year = era_year + era * 400 + i64::from(month <= 2);
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }

    /// Reads RFC 3339 in UTC, as SNS writes it; a fraction of a second is left out.
    pub fn from_rfc3339(text: &str) -> Option<Self> {
        let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
        let time = time.split_once('.').map_or(time, |(whole, _)| whole);
        let [year, month, day] = numbers(date, '-')?;
        let [hour, minute, second] = numbers(time, ':')?;
        let is_date = (1..=9_999).contains(&year) && (1..=12).contains(&month);
        let is_time = hour < 24 && minute < 60 && second <= 60;
        if !is_date || !is_time || !(1..=31).contains(&day) {
            return None;
        }
        let year = year - i64::from(month <= 2);
        let (era, era_year) = (year.div_euclid(400), year.rem_euclid(400));
        let year_day = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        let era_day = era_year * 365 + era_year / 4 - era_year / 100 + year_day;
        let days = era * 146_097 + era_day - 719_468;
        Some(Self(days * DAY + hour * 3_600 + minute * 60 + second))
    }

    /// How many seconds `self` is ahead of `other`; negative if it is behind.
    pub const fn seconds_after(self, other: Self) -> i64 {
        self.0.saturating_sub(other.0)
    }
}

/// Seconds of a day.
const DAY: i64 = 86_400;

fn numbers(text: &str, separator: char) -> Option<[i64; 3]> {
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let read = |part: &str| part.parse().ok().filter(|_| digits(part) && part.len() <= 4);
    let all: Option<Vec<i64>> = text.split(separator).map(read).collect();
    all?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_in_time_are_written_and_read_as_rfc_3339() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_789_364_560, "2026-09-14T05:42:40Z"),
            (4_102_444_800, "2100-01-01T00:00:00Z"),
        ] {
            assert_eq!(Timestamp::from_seconds(seconds).rfc3339(), text);
            assert_eq!(Timestamp::from_rfc3339(text), Some(Timestamp(seconds)));
        }
        let with_fraction = Timestamp::from_rfc3339("2026-09-14T05:42:40.244Z");
        assert_eq!(with_fraction, Some(Timestamp(1_789_364_560)));
        for odd in [
            "",
            "Z",
            "2026-09-14",
            "2026-09-14T05:42:40",
            "2026-13-14T05:42:40Z",
            "2026-09-14T25:42:40Z",
            "+026-09-14T05:42:40Z",
            "99999-09-14T05:42:40Z",
            "2026-09-14T05:42Z",
        ] {
            assert_eq!(Timestamp::from_rfc3339(odd), None, "{odd}");
        }
        Timestamp::from_seconds(i64::MIN).rfc3339();
        Timestamp::from_seconds(i64::MAX).rfc3339();
    }

    #[test]
    fn milliseconds_are_distinguished_by_their_size() {
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
