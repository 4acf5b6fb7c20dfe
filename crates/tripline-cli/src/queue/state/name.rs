//! What queues, entries and their files are called.

use std::fmt;
use std::str::FromStr;

use tripline::text::excerpt;

/// The name of a queue: 1 to 64 letters, digits, `-`, `_` or `.`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct QueueName(String);

/// A text that cannot be the name of a queue.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no name of a queue (expected 1 to 64 letters, digits, `-`, `_` or `.`)")]
pub struct InvalidQueueName(String);

impl QueueName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for QueueName {
    type Err = InvalidQueueName;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if (1..=64).contains(&name.len()) && name.bytes().all(allowed) {
            Ok(Self(name.to_owned()))
        } else {
            Err(InvalidQueueName(excerpt(name)))
        }
    }
}

impl fmt::Display for QueueName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What an entry is called: when it was added, in UTC and milliseconds, and something random, such
/// as `20261120T181323123Z-9f3a2b1c`. Names sort as their times do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId(String);

/// A text that cannot be an entry's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no entry of a queue (expected such as `20261120T181323123Z-9f3a2b1c`)")]
pub struct InvalidEntryId(String);

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;
/// The last millisecond of the year 9999, after which names would no longer sort.
const LAST: i64 = 253_402_300_799_999;

impl EntryId {
    /// The name of an entry that is added now, in milliseconds since 1970, behind `newest`: an entry
    /// goes to the end of its queue even if this clock is behind the one of the last to add.
    pub fn new(now: i64, random: u32, newest: Option<&Self>) -> Self {
        let behind = newest.map_or(0, |newest| newest.milliseconds() + 1);
        let at = now.max(behind).clamp(0, LAST);
        let (year, month, day) = date(at / DAY);
        let rest = at % DAY;
        let (hour, minute) = (rest / 3_600_000, rest / 60_000 % 60);
        let (second, milli) = (rest / 1_000 % 60, rest % 1_000);
        Self(format!(
            "{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}{milli:03}Z-{random:08x}"
        ))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// When it was added, in milliseconds since 1970.
    pub fn milliseconds(&self) -> i64 {
        let number = |from, to| self.0.get(from..to).and_then(|n| n.parse::<i64>().ok());
        let part = |from, to| number(from, to).unwrap_or_default();
        let days = days(part(0, 4), part(4, 6), part(6, 8));
        let seconds = part(9, 11) * 3_600 + part(11, 13) * 60 + part(13, 15);
        days * DAY + seconds * 1_000 + part(15, 18)
    }
}

impl FromStr for EntryId {
    type Err = InvalidEntryId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let id = Self(text.to_owned());
        let shape = text.len() == 28 && text.is_ascii();
        let random = text.get(20..).and_then(|text| u32::from_str_radix(text, 16).ok());
        // Only what `new` writes: the day, the hour and the hexadecimal digits included.
        match random {
            Some(random) if shape && Self::new(id.milliseconds(), random, None) == id => Ok(id),
            _ => Err(InvalidEntryId(excerpt(text))),
        }
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The Gregorian date of a day, counted from 1970-01-01. Years begin in March here, so that the
/// leap day is the last of its year; an era has 400 years.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (days.div_euclid(146_097) * 400 + year_of_era + i64::from(month <= 2), month, day)
}

/// The other way round.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let year_of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year;
    year.div_euclid(400) * 146_097 + of_era - 719_468
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_entry_is_called_by_its_time() {
        for (at, name) in [
            (0, "19700101T000000000Z-0000002a"),
            (1_790_003_755_007, "20260921T151555007Z-0000002a"),
            (951_782_400_000, "20000229T000000000Z-0000002a"),
            (i64::MAX, "99991231T235959999Z-0000002a"),
            (-5, "19700101T000000000Z-0000002a"),
        ] {
            assert_eq!(EntryId::new(at, 42, None).as_str(), name);
        }
    }

    #[test]
    fn an_entry_goes_to_the_end_of_its_queue() {
        let newest = EntryId::new(1_790_003_755_999, u32::MAX, None);
        let behind = EntryId::new(1_790_003_700_000, 0, Some(&newest));
        assert_eq!(behind.as_str(), "20260921T151556000Z-00000000");
    }

    #[test]
    fn names_are_checked() {
        let good = "20260921T151555007Z-9f3a2b1c";
        assert!(good.parse::<EntryId>().is_ok());
        for bad in [
            "",
            "20260921T151555007Z",
            "20260921T151555007Z-9F3A2B1C",
            "20260921T151555007Z-+f3a2b1c",
            "20260931T151555007Z-9f3a2b1c",
            "20260921T251555007Z-9f3a2b1c",
            "20260921 151555007Z-9f3a2b1c",
            "2026+921T151555007Z-9f3a2b1c",
            "#head",
            "../../../../etc/passwd/12345",
        ] {
            assert!(bad.parse::<EntryId>().is_err(), "{bad}");
        }
        let long = "x".repeat(256);
        assert!("default".parse::<QueueName>().is_ok());
        for bad in ["", "a b", "a/b", &long] {
            assert!(bad.parse::<QueueName>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn names_sort_as_their_times_and_are_read_back(a in 0..LAST, b in 0..LAST, random: u32) {
            let [first, second] = [a, b].map(|at| EntryId::new(at, random, None));
            prop_assert_eq!(first.cmp(&second), a.cmp(&b));
            prop_assert_eq!(first.milliseconds(), a);
            prop_assert_eq!(first.as_str().parse::<EntryId>(), Ok(first.clone()));
        }

        #[test]
        fn any_text_is_a_name_or_is_refused(text in any::<String>()) {
            if let Ok(id) = text.parse::<EntryId>() {
                prop_assert_eq!(id.as_str(), text);
            }
        }
    }
}
