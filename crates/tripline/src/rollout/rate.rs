use crate::invalid::Invalid;

/// How many devices are reported a job per minute.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rate {
    /// Always as many, at least 1.
    Constant(u32),
    /// More and more.
    Exponential(Exponential),
}

impl Rate {
    /// Executions per minute that AWS creates at most, unless the quota was raised.
    pub const QUOTA: u32 = 1_000;

    /// Devices notified in the first minute.
    pub fn first(&self) -> u32 {
        match self {
            Self::Constant(rate) => *rate,
            Self::Exponential(exponential) => exponential.base.min(exponential.maximum),
        }
    }

    /// Devices notified per minute at most.
    pub fn maximum(&self) -> u32 {
        match self {
            Self::Constant(rate) => *rate,
            Self::Exponential(exponential) => exponential.maximum,
        }
    }
}

/// A rate that is multiplied each time when enough devices were notified, or have succeeded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Exponential {
    /// Devices per minute in the beginning: 1 to 1,000.
    pub base: u32,
    /// What the rate is multiplied by.
    pub factor: Factor,
    /// The rate rises with every so many devices notified; at least 1.
    pub notified: Option<u32>,
    /// The rate rises with every so many devices that have succeeded; at least 1.
    pub succeeded: Option<u32>,
    /// Devices per minute at most; at least 1.
    pub maximum: u32,
}

/// What a rate is multiplied by: 1.1 to 5 with one decimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Factor {
    tenths: u8,
}

impl Factor {
    /// What it can be, in words.
    pub const EXPECTED: &str = "1.1 to 5 with one decimal";

    /// Checks a factor.
    ///
    /// # Errors
    /// What it can be.
    pub fn new(factor: f64) -> Result<Self, Invalid> {
        let tenths = factor * 10.0;
        let whole = tenths.round();
        // 1.1 * 10 is a little more than 11.
        let allowed = (11.0..=50.0).contains(&whole) && (tenths - whole).abs() < 1e-6;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        allowed.then_some(Self { tenths: whole as u8 }).ok_or(Invalid(Self::EXPECTED))
    }

    /// The factor.
    pub fn get(self) -> f64 {
        f64::from(self.tenths) / 10.0
    }
}

/// The rate of a rollout under way.
#[derive(Debug, Clone)]
pub struct Pace {
    rate: Rate,
    increases: u32,
}

impl Pace {
    /// At the beginning.
    pub fn new(rate: Rate) -> Self {
        Self { rate, increases: 0 }
    }

    /// How many devices are notified in the minute that begins, when so many have been notified and have
    /// succeeded before.
    ///
    /// The k-th increase comes with k times the number that the criterion names (AWS's example: 50
    /// a minute to 1,000 devices, 100 to 2,000, 200 to 3,000). AWS does not say how often it looks;
    /// here it is by the minute, as the rate is.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn next_minute(&mut self, notified: u32, succeeded: u32) -> u32 {
        let exponential = match self.rate {
            Rate::Constant(rate) => return rate.max(1),
            Rate::Exponential(exponential) => exponential,
        };
        let steps = |count: u32, every: Option<u32>| every.map_or(0, |every| count / every.max(1));
        let reached =
            steps(notified, exponential.notified).max(steps(succeeded, exponential.succeeded));
        self.increases = self.increases.max(reached);
        let power = i32::try_from(self.increases).unwrap_or(i32::MAX);
        // A float that is too large for a number of devices becomes the largest there is.
        let rate = (f64::from(exponential.base) * exponential.factor.get().powi(power)) as u32;
        rate.min(exponential.maximum).max(1)
    }
}
