//! A length of time, as people write it.

use std::fmt;
use std::str::FromStr;

use tripline::text::excerpt;

use crate::input::duration::{self, Bare};

/// A length of time in whole seconds, at most [`Span::MAX`]: `90s`, `15m`, `2h`, `7d`, or `0`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(u32);

/// A text that is no length of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no length of time (expected such as `90s`, `15m`, `2h` or `7d`, at most 90 days)"
)]
pub struct InvalidSpan(String);

impl Span {
    /// The longest one: 90 days.
    pub const MAX: Self = Self(90 * 86_400);

    /// From seconds; `None` above [`Span::MAX`].
    pub const fn from_seconds(seconds: u32) -> Option<Self> {
        if seconds <= Self::MAX.0 { Some(Self(seconds)) } else { None }
    }

    /// In seconds.
    pub const fn seconds(self) -> u32 {
        self.0
    }
}

impl FromStr for Span {
    type Err = InvalidSpan;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let seconds = duration::seconds(text, Bare::Zero).filter(|_| !text.contains('.'));
        // From text to text: what is whole and small is written without a fraction or an exponent.
        let seconds = seconds.and_then(|seconds| seconds.to_string().parse().ok());
        seconds.and_then(Self::from_seconds).ok_or_else(|| InvalidSpan(excerpt(text)))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&duration::short(self.0.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_and_written() {
        for (text, seconds, shown) in [
            ("0", 0, "0s"),
            ("90s", 90, "90s"),
            ("15m", 900, "15m"),
            ("120m", 7_200, "2h"),
            ("36h", 129_600, "36h"),
            ("90d", 7_776_000, "90d"),
        ] {
            let span: Span = text.parse().unwrap();
            assert_eq!((span.seconds(), span.to_string().as_str()), (seconds, shown));
        }
        for bad in ["", "5", "-5m", "+5m", "5 m", "m", "1.5h", "91d", "99999999999d", "5w", "٣m"] {
            assert!(bad.parse::<Span>().is_err(), "{bad}");
        }
    }
}
