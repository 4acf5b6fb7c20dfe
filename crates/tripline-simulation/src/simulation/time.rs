use tripline::time::Timestamp;

/// Time since the job was created, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Elapsed(u64);

/// Milliseconds of a minute.
pub(super) const MINUTE: u64 = 60_000;

impl Elapsed {
    /// Later than everything.
    pub(super) const NEVER: Self = Self(u64::MAX);

    /// From milliseconds.
    pub const fn from_millis(milliseconds: u64) -> Self {
        Self(milliseconds)
    }

    /// From whole seconds.
    pub const fn from_seconds(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1_000))
    }

    /// From whole minutes.
    pub const fn from_minutes(minutes: u64) -> Self {
        Self(minutes.saturating_mul(MINUTE))
    }

    /// Milliseconds.
    pub const fn millis(self) -> u64 {
        self.0
    }

    /// Seconds.
    #[allow(clippy::cast_precision_loss)]
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1_000.0
    }

    /// Minutes.
    pub fn minutes(self) -> f64 {
        self.seconds() / 60.0
    }

    /// Whole minutes that are over.
    pub const fn minute(self) -> u64 {
        self.0 / MINUTE
    }

    /// Milliseconds since the minute began.
    pub(super) const fn within_minute(self) -> u64 {
        self.0 % MINUTE
    }

    /// The time of day, for a job that was created at `start`.
    pub fn at(self, start: Timestamp) -> Timestamp {
        let seconds = i64::try_from(self.0 / 1_000).unwrap_or(i64::MAX);
        Timestamp::from_seconds(start.seconds().saturating_add(seconds))
    }

    /// How long ago `other` is; nothing if it is to come.
    #[must_use]
    pub const fn since(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// Later by so much.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}
