//! How many devices may be without the firmware for the next one to go.

use std::fmt;
use std::str::FromStr;

use tripline::text::excerpt;

/// A share of devices in percent, 0 to 100, in hundredths: `2`, `0.5`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tolerance(u16);

/// A text that is no such share.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no percentage (expected 0 to 100 with at most two decimals, such as `2` or `0.5`)"
)]
pub struct InvalidTolerance(String);

impl Tolerance {
    /// Every device.
    pub const NONE: Self = Self(0);

    /// As a share from 0 to 1.
    pub fn share(self) -> f64 {
        f64::from(self.0) / 10_000.0
    }
}

impl FromStr for Tolerance {
    type Err = InvalidTolerance;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidTolerance(excerpt(text));
        let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
        let are_digits = |part: &str| {
            (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
        };
        if !are_digits(whole) || !are_digits(decimals) || decimals.len() > 2 {
            return Err(invalid());
        }
        let hundredths: u16 = format!("{whole}{decimals:0<2}").parse().map_err(|_| invalid())?;
        if hundredths <= 10_000 { Ok(Self(hundredths)) } else { Err(invalid()) }
    }
}

/// As it is written: `2`, `0.5`, `0.25`.
impl fmt::Display for Tolerance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, decimals) = (self.0 / 100, self.0 % 100);
        match decimals {
            0 => write!(f, "{whole}"),
            _ if decimals.is_multiple_of(10) => write!(f, "{whole}.{}", decimals / 10),
            _ => write!(f, "{whole}.{decimals:02}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_read_and_written() {
        for (text, share, shown) in [
            ("0", 0.0, "0"),
            ("2", 0.02, "2"),
            ("0.5", 0.005, "0.5"),
            ("0.05", 0.0005, "0.05"),
            ("2.50", 0.025, "2.5"),
            ("33.33", 0.3333, "33.33"),
            ("100", 1.0, "100"),
        ] {
            let tolerance: Tolerance = text.parse().unwrap();
            assert_eq!((tolerance.share(), tolerance.to_string().as_str()), (share, shown));
        }
        for bad in ["", "-1", "+1", "100.01", "101", "2%", "1e1", "0.123", ".5", "2.", "NaN", "٣"]
        {
            assert!(bad.parse::<Tolerance>().is_err(), "{bad}");
        }
    }
}
