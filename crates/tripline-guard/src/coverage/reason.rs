//! Why a way to go wrong is not seen, or not by whom it should be.

use std::fmt;

use super::{Inactive, Level};
use crate::verdict::WhyNot;

/// What keeps somebody from doing more about one way to go wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct Shortfall {
    /// Who would: an alarm by its name in the guard, or what AWS IoT does by itself. `None`: there is nobody.
    pub by: Option<String>,
    /// What keeps it from that.
    pub reason: Reason,
    /// What it would do.
    pub would: Level,
}

/// Why something does not see a way to go wrong.
#[derive(Debug, Clone, PartialEq)]
pub enum Reason {
    /// The job has no timeout, so that nothing times out.
    NoTimeout,
    /// Rejections do not count: `CountRejected` is `no`.
    NotCounted,
    /// Nothing watches for it.
    NobodyLooks,
    /// It does not act.
    Inactive(Inactive),
    /// It takes more devices than there are.
    TooFewDevices {
        /// So many at least.
        needed: u32,
        /// So many there are.
        devices: u32,
    },
    /// A period never has the samples that it takes.
    TooSlow {
        /// Samples that a period has to have.
        samples: u32,
        /// Its length in seconds.
        period: u32,
        /// Devices a minute, at most.
        rate: u32,
    },
    /// An execution times out before it can be as slow.
    TimesOutBefore {
        /// The job's timeout.
        minutes: u32,
    },
    /// Devices succeed, and none reports the value.
    NeverReported {
        /// So many did.
        succeeded: u32,
        /// Details that could not be used.
        invalid: u32,
    },
    /// Executions end and are not counted.
    Uncounted(u32),
    /// The guard-keeper, which publishes what it watches, has not looked for so many minutes.
    KeeperSilent(u32),
    /// Nobody computes evidence of the rollout.
    NoEvidence,
    /// The limits of its evidence say nothing of that.
    NoLimit,
    /// Only counts are known, and after this many minutes they say no more.
    CountsSayNoMore(u32),
    /// AWS IoT counts attempts, and the devices could not be counted.
    AttemptsOnly,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTimeout => f.write_str("the job has no timeout, so no execution times out"),
            Self::NotCounted => f.write_str("rejections do not count (`CountRejected` is `no`)"),
            Self::NobodyLooks => f.write_str("no alarm watches for it"),
            Self::Inactive(inactive) => inactive.fmt(f),
            Self::TooFewDevices { needed, devices } => {
                write!(f, "needs {needed} devices to decide, and the rollout has {devices}")
            }
            Self::TooSlow { samples, period, rate } => write!(
                f,
                "needs {samples} reports in {period} s, and at most {rate} devices a minute are notified"
            ),
            Self::TimesOutBefore { minutes } => write!(
                f,
                "cannot see a slow device: executions time out after {minutes} min, before its threshold"
            ),
            Self::NeverReported { succeeded, invalid: 0 } => write!(
                f,
                "never had a value: {succeeded} devices succeeded and none reported `downloadTime`"
            ),
            Self::NeverReported { succeeded, invalid } => write!(
                f,
                "never had a value: {succeeded} devices succeeded and none reported a usable `downloadTime` ({invalid} unusable details)"
            ),
            Self::Uncounted(executions) => {
                write!(f, "sees nothing: {executions} executions ended and were not counted")
            }
            Self::KeeperSilent(minutes) => {
                write!(f, "is blind: the guard-keeper has not checked for {minutes} min")
            }
            Self::NoEvidence => f.write_str("has no data: no evidence of this job is computed"),
            Self::NoLimit => f.write_str("has no limit on it"),
            Self::CountsSayNoMore(minutes) => write!(
                f,
                "decides nothing after minute {minutes}, because executions in progress are not listed"
            ),
            Self::AttemptsOnly => f.write_str(
                "decides nothing: AWS IoT counts attempts of this job, and its devices could not be counted",
            ),
        }
    }
}

impl Reason {
    /// Its kind as a number, to see whether it is another one than before.
    pub fn kind(&self) -> u8 {
        match self {
            Self::NoTimeout => 1,
            Self::NotCounted => 2,
            Self::NobodyLooks => 3,
            Self::Inactive(_) => 4,
            Self::TooFewDevices { .. } => 5,
            Self::TooSlow { .. } => 6,
            Self::TimesOutBefore { .. } => 7,
            Self::NeverReported { .. } => 8,
            Self::Uncounted(_) => 9,
            Self::KeeperSilent(_) => 10,
            Self::NoEvidence => 11,
            Self::NoLimit => 12,
            Self::CountsSayNoMore(_) => 13,
            Self::AttemptsOnly => 14,
        }
    }

    /// The command, or the change, after which it is seen. `job`: the job's name, where it is known; without it
    /// commands have `<jobId>` in its place.
    pub fn fix(&self, job: Option<&str>) -> Option<String> {
        let job = job.unwrap_or("<jobId>");
        let apply = || format!("tripline alarms apply --job-id {job}");
        let doctor = || format!("tripline doctor --job-id {job}");
        Some(match self {
            Self::NoTimeout | Self::NotCounted => return None,
            // An alarm that is in ALARM already stays so, however it is put.
            Self::Inactive(Inactive::There(WhyNot::HasFired)) => {
                format!("tripline alarms remove --job-id {job} --force && {}", apply())
            }
            Self::Inactive(inactive) => inactive.fix().unwrap_or_else(apply),
            Self::NobodyLooks | Self::NoEvidence => {
                "set `defaultGuard = True` in `[ALARM_CONFIG]`, or add an alarm on it".to_owned()
            }
            Self::NoLimit => "declare a limit on it in `[EVIDENCE_CONFIG]`".to_owned(),
            Self::TooFewDevices { .. } => {
                "lower its `minSamples`, `datapointsToAlarm` or `minNumberOfExecutedThings`; evidence needs a higher `falseStops`".to_owned()
            }
            Self::TooSlow { .. } => {
                "lower `minSamples` of the alarm, or lengthen its `period`".to_owned()
            }
            Self::TimesOutBefore { .. } => {
                "lower `threshold` of the alarm, or raise `inProgressTimeoutInMinutes`".to_owned()
            }
            Self::NeverReported { .. } => {
                "report `downloadTime` in `statusDetails` from devices: seconds, as a number"
                    .to_owned()
            }
            Self::Uncounted(_) | Self::KeeperSilent(_) => doctor(),
            Self::CountsSayNoMore(_) => {
                "add an alarm on `overdueCount`, or roll out to fewer devices at a time".to_owned()
            }
            Self::AttemptsOnly => {
                "let the guard-keeper call `iot:ListJobExecutionsForJob`".to_owned()
            }
        })
    }
}
