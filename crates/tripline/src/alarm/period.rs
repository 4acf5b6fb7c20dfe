use crate::invalid::Invalid;

/// The length of a period in seconds: 10, 20, 30 or a multiple of 60, at most seven days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period(u32);

impl Period {
    /// What it can be, in words.
    pub const EXPECTED: &str = "10, 20, 30 or a multiple of 60, in seconds";

    /// Longest period, in seconds: an alarm looks back seven days at most.
    pub const MAX: u32 = 604_800;

    /// By which the guard-keeper publishes.
    pub const MINUTE: Self = Self(60);

    /// Checks a number of seconds.
    ///
    /// # Errors
    /// What it can be.
    pub fn new(seconds: u32) -> Result<Self, Invalid> {
        let allowed =
            matches!(seconds, 10 | 20 | 30) || (seconds > 0 && seconds.is_multiple_of(60));
        (allowed && seconds <= Self::MAX).then_some(Self(seconds)).ok_or(Invalid(Self::EXPECTED))
    }

    /// The seconds.
    pub fn seconds(self) -> u32 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_cloudwatch_s() {
        for good in [10, 20, 30, 60, 120, 86_400, 604_800] {
            assert_eq!(Period::new(good).ok().map(Period::seconds), Some(good));
        }
        for bad in [0, 1, 15, 40, 59, 61, 90, 604_860, u32::MAX] {
            assert_eq!(Period::new(bad).ok(), None, "{bad}");
        }
    }
}
