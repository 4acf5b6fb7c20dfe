//! The numbers a fleet is made of, checked where they enter.

use std::str::FromStr;
use std::time::Duration;

use crate::input::duration::{self, Bare};

/// A part of the fleet, 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share(f64);

impl Share {
    pub fn new(value: f64) -> Result<Self, String> {
        if (0.0..=1.0).contains(&value) {
            Ok(Self(value))
        } else {
            Err(format!("`{value}` is no share of the fleet (expected 0 to 1)"))
        }
    }

    pub fn get(self) -> f64 {
        self.0
    }
}

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::new(number(text)?)
    }
}

/// A length of time in seconds, above 0 and at most 604,800: seven days, the longest a job
/// execution may last.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Seconds(f64);

impl Seconds {
    pub const MAX: f64 = 604_800.0;

    pub fn new(value: f64) -> Option<Self> {
        (value > 0.0 && value <= Self::MAX).then_some(Self(value))
    }

    pub fn get(self) -> f64 {
        self.0
    }

    pub fn duration(self) -> Duration {
        Duration::from_secs_f64(self.0)
    }
}

impl FromStr for Seconds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let seconds = duration::seconds(text, Bare::Seconds).and_then(Self::new);
        seconds.ok_or_else(|| duration::not_within(text, Bare::Seconds, "above 0, at most 7d"))
    }
}

/// A factor, 0 to `MAX`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UpTo<const MAX: u32>(f64);

impl<const MAX: u32> UpTo<MAX> {
    pub fn new(value: f64) -> Result<Self, String> {
        if (0.0..=f64::from(MAX)).contains(&value) {
            Ok(Self(value))
        } else {
            Err(format!("`{value}` is out of range (expected 0 to {MAX})"))
        }
    }

    pub fn get(self) -> f64 {
        self.0
    }
}

impl<const MAX: u32> FromStr for UpTo<MAX> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::new(number(text)?)
    }
}

/// How many times faster than its download a device lives: 1 to 1,000,000.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Speedup(f64);

impl Speedup {
    /// How long a device waits for a download of `seconds`.
    pub fn wait(self, seconds: f64) -> Duration {
        Duration::try_from_secs_f64(seconds / self.0).unwrap_or(Duration::ZERO)
    }
}

impl FromStr for Speedup {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let value = number(text)?;
        if (1.0..=1e6).contains(&value) {
            Ok(Self(value))
        } else {
            Err(format!("`{value}` is out of range (expected 1 to 1000000)"))
        }
    }
}

fn number(text: &str) -> Result<f64, String> {
    text.parse().map_err(|_| format!("`{text}` is no number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_zero_to_one() {
        for good in ["0", "0.02", "1"] {
            assert!(good.parse::<Share>().is_ok(), "{good}");
        }
        for bad in ["-0.1", "1.01", "NaN", "inf", "two"] {
            assert!(bad.parse::<Share>().is_err(), "{bad}");
        }
    }

    #[test]
    fn seconds_are_a_time_that_a_device_may_report() {
        for good in ["0.1", "300", "604800", "5m", "1.5h"] {
            assert!(good.parse::<Seconds>().is_ok(), "{good}");
        }
        for bad in ["0", "-1", "604801", "NaN", "inf", "8d"] {
            assert!(bad.parse::<Seconds>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_minute_of_download_is_a_second_at_speedup_60() {
        let speedup: Speedup = "60".parse().unwrap();
        assert_eq!(speedup.wait(60.0), Duration::from_secs(1));
        assert!("0.5".parse::<Speedup>().is_err());
    }

    #[test]
    fn a_factor_has_a_limit() {
        assert!("3".parse::<UpTo<3>>().is_ok());
        assert_eq!(
            "3.1".parse::<UpTo<3>>().unwrap_err(),
            "`3.1` is out of range (expected 0 to 3)"
        );
    }
}
