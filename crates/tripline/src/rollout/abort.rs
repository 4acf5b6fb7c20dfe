use crate::counts::EndedCounts;
use crate::invalid::Invalid;
use crate::metric::Outcome;

/// When AWS IoT Jobs cancels a job by itself (`abortConfig`). Executions in progress are left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AbortCriterion {
    /// Which endings are failures.
    pub failure: FailureType,
    /// The share of failures among the executed from which on the job is canceled.
    pub threshold: Threshold,
    /// The least number of devices before that, at least 1; of which, see [`MinExecuted`].
    pub min_executed: u32,
}

/// Which endings count as failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureType {
    /// `FAILED`
    Failed,
    /// `REJECTED`
    Rejected,
    /// `TIMED_OUT`
    TimedOut,
    /// All three.
    All,
}

impl FailureType {
    /// The names that AWS IoT and the config have.
    pub const NAMES: [&'static str; 4] = ["FAILED", "REJECTED", "TIMED_OUT", "ALL"];

    /// AWS IoT's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Failed => "FAILED",
            Self::Rejected => "REJECTED",
            Self::TimedOut => "TIMED_OUT",
            Self::All => "ALL",
        }
    }

    /// Reads a name without regard to case.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Failed, Self::Rejected, Self::TimedOut, Self::All]
            .into_iter()
            .find(|failure| failure.name().eq_ignore_ascii_case(text))
    }

    /// Whether an ending is a failure of this type.
    pub fn includes(self, outcome: Outcome) -> bool {
        match outcome {
            Outcome::Failed => matches!(self, Self::Failed | Self::All),
            Outcome::Rejected => matches!(self, Self::Rejected | Self::All),
            Outcome::TimedOut => matches!(self, Self::TimedOut | Self::All),
            _ => false,
        }
    }

    fn count(self, endings: &EndedCounts) -> u32 {
        match self {
            Self::Failed => endings.failed,
            Self::Rejected => endings.rejected,
            Self::TimedOut => endings.timed_out,
            Self::All => endings.failed + endings.rejected + endings.timed_out,
        }
    }
}

/// A percentage above 0 and up to 100 with at most two decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Threshold {
    hundredths: u16,
}

impl Threshold {
    /// What it can be, in words.
    pub const EXPECTED: &str = "above 0, at most 100, with two decimals at most";

    /// Checks a percentage.
    ///
    /// # Errors
    /// What it can be.
    pub fn new(percent: f64) -> Result<Self, Invalid> {
        let hundredths = percent * 100.0;
        let whole = hundredths.round();
        let allowed = (1.0..=10_000.0).contains(&whole) && (hundredths - whole).abs() < 1e-6;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        allowed.then_some(Self { hundredths: whole as u16 }).ok_or(Invalid(Self::EXPECTED))
    }

    /// The percentage.
    pub fn percent(self) -> f64 {
        f64::from(self.hundredths) / 100.0
    }
}

/// What `minNumberOfExecutedThings` is a number of, which AWS has said in two ways.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MinExecuted {
    /// Executions that have ended, attempts as [`Retried`](super::Retried) says: "minimum number of executed
    /// things before evaluating an abort rule" (the service model until 2020, and AWS IoT developer guide, "Jobs
    /// API"). The default, after the field's name.
    #[default]
    Executed,
    /// Devices that were notified: "the minimum number of things which must receive job execution
    /// notifications before the job can be aborted"
    /// (<https://docs.aws.amazon.com/iot/latest/apireference/API_AbortCriteria.html>).
    Notified,
}

impl AbortCriterion {
    /// Whether the job is canceled when so many have ended, and `counted` devices are what
    /// [`Self::min_executed`] is a number of. The percentage is one of the executed in both readings,
    /// and reaching it is enough ("minimum percentage").
    pub fn is_met(&self, endings: &EndedCounts, counted: u32) -> bool {
        let failures = u64::from(self.failure.count(endings));
        // In whole numbers: 11 of 100 is 11 %, whatever the floats say.
        failures > 0
            && counted >= self.min_executed
            && failures * 10_000
                >= u64::from(endings.executed()) * u64::from(self.threshold.hundredths)
    }

    /// So many further endings cannot meet it, even if each were a failure. A criterion that is far
    /// from being met need not be looked at after each ending.
    pub fn cannot_be_met_within(&self, endings: &EndedCounts) -> u32 {
        let threshold = u64::from(self.threshold.hundredths);
        let lacking = u64::from(endings.executed()) * threshold;
        let lacking = lacking.saturating_sub(u64::from(self.failure.count(endings)) * 10_000);
        // Each failure makes up for 100 % less the threshold. At 100 % one success is never made up.
        match 10_000 - threshold {
            0 => {
                if lacking > 0 {
                    u32::MAX
                } else {
                    0
                }
            }
            gain => u32::try_from(lacking.div_ceil(gain).saturating_sub(1)).unwrap_or(u32::MAX),
        }
    }

    /// Why the job was canceled.
    pub fn reason(&self, endings: &EndedCounts) -> String {
        let (failures, executed) = (self.failure.count(endings), endings.executed());
        let (name, threshold) = (self.failure.name(), self.threshold.percent());
        format!(
            "{failures} of {executed} executed things are {name} (thresholdPercentage {threshold}, minNumberOfExecutedThings {})",
            self.min_executed
        )
    }
}
