//! The metrics that Tripline publishes, and the values they may have.

use std::fmt;

use crate::invalid::Invalid;

/// The namespace of every metric that Tripline publishes of a job.
pub const NAMESPACE: &str = "IoT:OTA:JobExecution";
/// The one dimension of every metric that Tripline publishes of a job.
pub const DIMENSION: &str = "jobId";
/// The namespace of what the guard-keeper says of a whole stack, with the stack's name as dimension.
pub const STACK_NAMESPACE: &str = "Tripline";
/// The one dimension of what is said of a whole stack.
pub const STACK_DIMENSION: &str = "StackName";

/// What is published of a stack, in [`STACK_NAMESPACE`]. The guard-keeper publishes all but the last two, each minute.
pub mod stack {
    /// Jobs in progress that are guarded: failing devices stop the rollout, and people get an alert about every
    /// other way to go wrong.
    pub const GUARDED_JOBS: &str = "guardedJobs";
    /// Jobs in progress that something stops, and that can go wrong in some way of which nobody would hear.
    pub const PARTLY_GUARDED_JOBS: &str = "partlyGuardedJobs";
    /// Jobs in progress that nothing stops. Three of five minutes with one are an alarm.
    pub const UNGUARDED_JOBS: &str = "unguardedJobs";
    /// Jobs in progress whose alarms only alert people, as their config says. Published while there are any.
    pub const ALERTS_ONLY_JOBS: &str = "alertsOnlyJobs";
    /// Jobs in progress that opted out by their tag `tripline:guard`. Published while there are any.
    pub const OPTED_OUT_JOBS: &str = "optedOutJobs";
    /// Jobs in progress with many overdue devices.
    pub const OVERDUE_JOBS: &str = "overdueJobs";
    /// `uncountedCount` of all jobs in progress together.
    pub const UNCOUNTED_COUNT: &str = "uncountedCount";
    /// `overcountedCount` of all jobs in progress together. Published while there is any.
    pub const OVERCOUNTED_COUNT: &str = "overcountedCount";
    /// Alarm messages that the force-stopper refused.
    pub const REFUSED_ALARMS: &str = "refusedAlarms";
    /// Ended executions of which CloudWatch did not say whether it has counted them, so that they are counted again.
    /// An upper bound of what was counted twice for that reason.
    pub const MAYBE_COUNTED_TWICE: &str = "maybeCountedTwice";
}

/// How an execution ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// The device reported success.
    Succeeded,
    /// The device reported failure.
    Failed,
    /// The device refused.
    Rejected,
    /// The device did not end in time.
    TimedOut,
    /// The execution was canceled.
    Canceled,
    /// The device was deleted or left its group.
    Removed,
}

/// The closed set of metric names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Metric {
    /// Seconds that a device's download took, as the device says.
    DownloadTime,
    /// Retries that a device needed, as the device says.
    RetryCount,
    /// Executions that ended this way.
    Count(Outcome),
    /// Details that a device gave and that could not be used.
    InvalidDetailCount,
}

/// What the guard-keeper publishes of a job beside what devices report: by the minute, how many there
/// are, and nothing as long as there are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeptMetric {
    /// Devices that have been at work far longer than the others needed, and may be dead.
    OverdueCount,
    /// Executions that ended while no event was counted.
    UncountedCount,
    /// Ended executions that were counted, beyond those that AWS IoT has: doubled or made up.
    OvercountedCount,
    /// Executions of notified devices: queued, in progress, or ended by the device or the job's
    /// timeout.
    NotifiedCount,
    /// Of those, the ones that failed, timed out or, unless `CountRejected` is `no`, were rejected.
    UnsuccessfulCount,
    /// How unlikely what the rollout shows is under its declared limits: see [`crate::evidence`].
    Evidence,
    /// For how many minutes the clock of a rollout's evidence has stood still, while it does.
    StalledMinutes,
}

/// What an alarm on the share of notified devices that were unsuccessful is said to watch, in percent: a metric of
/// configs, which is not published. Such an alarm is armed as metric math of [`KeptMetric::NotifiedCount`] and
/// [`KeptMetric::UnsuccessfulCount`].
pub const UNSUCCESSFUL_RATE: &str = "unsuccessfulRate";

/// What metrics were called before the first release, and what they are called now. There is no alias:
/// an alarm on a name of before would never fire.
const RENAMED: [(&str, KeptMetric); 4] = [
    ("suspectCount", KeptMetric::OverdueCount),
    ("uncountedEndings", KeptMetric::UncountedCount),
    ("toldCount", KeptMetric::NotifiedCount),
    ("endedBadlyCount", KeptMetric::UnsuccessfulCount),
];

impl KeptMetric {
    /// The metric that once had another name, if this is one.
    pub fn once_called(name: &str) -> Option<Self> {
        RENAMED.into_iter().find(|(former, _)| *former == name).map(|(_, metric)| metric)
    }

    /// Every one there is.
    pub const ALL: [Self; 7] = [
        Self::OverdueCount,
        Self::UncountedCount,
        Self::OvercountedCount,
        Self::NotifiedCount,
        Self::UnsuccessfulCount,
        Self::Evidence,
        Self::StalledMinutes,
    ];

    /// The name in CloudWatch.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OverdueCount => "overdueCount",
            Self::UncountedCount => "uncountedCount",
            Self::OvercountedCount => "overcountedCount",
            Self::NotifiedCount => "notifiedCount",
            Self::UnsuccessfulCount => "unsuccessfulCount",
            Self::Evidence => "evidence",
            Self::StalledMinutes => "stalledMinutes",
        }
    }
}

/// CloudWatch's unit of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// `Seconds`
    Seconds,
    /// `Count`
    Count,
}

impl Metric {
    /// Every metric there is.
    pub const ALL: [Self; 9] = [
        Self::DownloadTime,
        Self::RetryCount,
        Self::Count(Outcome::Succeeded),
        Self::Count(Outcome::Failed),
        Self::Count(Outcome::Rejected),
        Self::Count(Outcome::TimedOut),
        Self::Count(Outcome::Canceled),
        Self::Count(Outcome::Removed),
        Self::InvalidDetailCount,
    ];

    /// The name in CloudWatch.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DownloadTime => "downloadTime",
            Self::RetryCount => "retryCount",
            Self::Count(Outcome::Succeeded) => "succeededCount",
            Self::Count(Outcome::Failed) => "failedCount",
            Self::Count(Outcome::Rejected) => "rejectedCount",
            Self::Count(Outcome::TimedOut) => "timedOutCount",
            Self::Count(Outcome::Canceled) => "canceledCount",
            Self::Count(Outcome::Removed) => "removedCount",
            Self::InvalidDetailCount => "invalidDetailCount",
        }
    }

    /// The unit in CloudWatch.
    pub const fn unit(self) -> Unit {
        match self {
            Self::DownloadTime => Unit::Seconds,
            _ => Unit::Count,
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Seconds that a download took: finite, 0 to 604,800 (seven days, the longest job timeout).
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct DownloadTime(f64);

impl DownloadTime {
    /// What it can be, in words.
    pub const EXPECTED: &str = "seconds, 0 to 604800";

    /// Longest download time in seconds.
    pub const MAX: f64 = 604_800.0;

    /// Checks a number of seconds.
    ///
    /// # Errors
    /// What it can be.
    pub fn new(seconds: f64) -> Result<Self, Invalid> {
        // Adding zero turns -0.0 into 0.0, so that equal values are one value.
        (0.0..=Self::MAX)
            .contains(&seconds)
            .then_some(Self(seconds + 0.0))
            .ok_or(Invalid(Self::EXPECTED))
    }

    /// The seconds.
    pub fn seconds(self) -> f64 {
        self.0
    }
}

/// Retries that a device needed: 0 to 10,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RetryCount(u16);

impl RetryCount {
    /// What it can be, in words.
    pub const EXPECTED: &str = "a whole number, 0 to 10000";

    /// Most retries that are believed.
    pub const MAX: u16 = 10_000;

    /// Checks a number of retries.
    ///
    /// # Errors
    /// What it can be.
    pub fn new(retries: u64) -> Result<Self, Invalid> {
        u16::try_from(retries)
            .ok()
            .filter(|retries| *retries <= Self::MAX)
            .map(Self)
            .ok_or(Invalid(Self::EXPECTED))
    }

    /// The number.
    pub fn get(self) -> u16 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_distinct() {
        let kept = KeptMetric::ALL.iter().map(|metric| metric.name());
        let published = Metric::ALL.iter().map(|metric| metric.name()).chain(kept);
        let names: std::collections::BTreeSet<_> = published.chain([UNSUCCESSFUL_RATE]).collect();
        assert_eq!(names.len(), Metric::ALL.len() + KeptMetric::ALL.len() + 1);
    }

    #[test]
    fn download_time_is_finite_and_at_most_seven_days() {
        for good in [0.0, 0.5, 604_800.0] {
            assert_eq!(DownloadTime::new(good).ok().map(DownloadTime::seconds), Some(good));
        }
        assert!(DownloadTime::new(-0.0).is_ok_and(|t| t.seconds().is_sign_positive()));
        for bad in [-1.0, 604_800.1, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300] {
            assert_eq!(DownloadTime::new(bad).ok(), None, "{bad}");
        }
    }

    #[test]
    fn retries_are_at_most_ten_thousand() {
        assert_eq!(RetryCount::new(10_000).ok().map(RetryCount::get), Some(10_000));
        assert_eq!(RetryCount::new(10_001).ok(), None);
        assert_eq!(RetryCount::new(u64::MAX).ok(), None);
    }
}
