//! Why a way to go wrong is not seen, or not by whom it should be.

use std::fmt;

use super::{Inactive, Level};

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
            Self::NoTimeout => f.write_str("the job has no timeout, so nothing times out"),
            Self::NotCounted => f.write_str("rejections do not count (CountRejected is no)"),
            Self::NobodyLooks => f.write_str("nothing watches for it"),
            Self::Inactive(inactive) => inactive.fmt(f),
            Self::TooFewDevices { needed, devices } => {
                write!(f, "takes {needed} devices, and the rollout has {devices}")
            }
            Self::TooSlow { samples, period, rate } => write!(
                f,
                "takes {samples} reports in {period} s, and the rollout comes to {rate} devices a minute"
            ),
            Self::TimesOutBefore { minutes } => write!(
                f,
                "never sees a device as slow as that: it has timed out after {minutes} min"
            ),
            Self::NeverReported { succeeded, invalid: 0 } => write!(
                f,
                "never had a value: {succeeded} devices succeeded and none reported `downloadTime`"
            ),
            Self::NeverReported { succeeded, invalid } => write!(
                f,
                "never had a value: {succeeded} devices succeeded and none reported a `downloadTime` that can be used ({invalid} details cannot)"
            ),
            Self::Uncounted(executions) => {
                write!(f, "sees nothing: {executions} executions ended and were not counted")
            }
            Self::KeeperSilent(minutes) => {
                write!(f, "is blind: the guard-keeper has not looked for {minutes} min")
            }
            Self::NoEvidence => f.write_str("has no evidence: nobody computes it for this job"),
            Self::NoLimit => f.write_str("has no limit that says so"),
            Self::CountsSayNoMore(minutes) => write!(
                f,
                "sees nothing after {minutes} min: the executions in progress are not listed"
            ),
            Self::AttemptsOnly => f.write_str(
                "decides nothing: AWS IoT counts attempts here, and the devices could not be counted",
            ),
        }
    }
}

impl Reason {
    /// The command, or what else has to be done, so that it is seen.
    pub fn fix(&self, job: Option<&str>) -> Option<String> {
        let job = job.unwrap_or("<jobId>");
        let arm = || format!("tripline alarms apply --job-id {job}");
        let doctor = || format!("tripline doctor --job-id {job}");
        Some(match self {
            Self::NoTimeout | Self::NotCounted | Self::CountsSayNoMore(_) => return None,
            Self::Inactive(inactive) => inactive.fix().unwrap_or_else(arm),
            Self::NobodyLooks | Self::NoEvidence | Self::NoLimit => {
                "set `defaultGuard = True` in [ALARM_CONFIG], or add an alarm that sees it"
                    .to_owned()
            }
            Self::TooFewDevices { .. } | Self::TooSlow { .. } => {
                "lower `minSamples`, `period` or `datapointsToAlarm` of the alarm".to_owned()
            }
            Self::TimesOutBefore { .. } => "lower the alarm's `threshold`".to_owned(),
            Self::NeverReported { .. } => {
                "have devices report `downloadTime` in statusDetails: seconds, as a number"
                    .to_owned()
            }
            Self::Uncounted(_) | Self::KeeperSilent(_) => doctor(),
            Self::AttemptsOnly => {
                "let the guard-keeper list executions (iot:ListJobExecutionsForJob)".to_owned()
            }
        })
    }
}
