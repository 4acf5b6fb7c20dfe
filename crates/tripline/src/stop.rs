//! Whether a rollout is stopped.
//!
//! An alarm message is only a claim: whoever may publish to the topic can write one. It is compared
//! with what CloudWatch itself knows, and a claim that CloudWatch contradicts stops nothing.
//! But a guard that stands still while CloudWatch is out of reach is no guard: when all attempts are
//! spent the gentlest stop is made, a few times at most, and marked as unverified.

mod canceler;
mod claim;
mod evidence;
mod failure_rate;
mod known;

use std::fmt;
use std::str::FromStr;

use crate::job::{Job, JobId};
use crate::notification::{NoSingleJob, NotAnAlarm};
use crate::text::{bare_name, clean, excerpt};
use crate::time::Timestamp;

pub use canceler::Canceler;
pub use claim::{Asked, UNVERIFIED_AFTER, WithoutAnswer, job_of, verify, without_answer};
pub use evidence::{EvidenceRule, KEEPER_SILENT_AFTER, NotBorneOut};
pub use failure_rate::FailureRateRule;
pub use known::{Firing, KnownAlarm, KnownSubject};

/// The reason code of every job that Tripline stops.
pub const REASON_CODE: &str = "TRIPLINE_ALARM";
/// The reason code of every job that a person stops with Tripline's command.
pub const OPERATOR_REASON_CODE: &str = "TRIPLINE_OPERATOR";
/// Longest comment of a stop, in characters (AWS IoT `CancelJob`, `comment`).
pub const MAX_COMMENT: usize = 2_028;

/// What a stop does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum StopMode {
    /// Executions in progress are left alone; no further device receives the firmware.
    #[default]
    Cancel,
    /// Executions in progress are canceled too. This can leave a device unable to report or, with
    /// a poor agent, wedged.
    Abort,
    /// Nothing is stopped; people are alerted to what would have been.
    Observe,
}

/// A text that is no mode.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("stop mode `{0}` is unknown (expected `cancel`, `abort` or `observe`)")]
pub struct UnknownStopMode(String);

impl FromStr for StopMode {
    type Err = UnknownStopMode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "cancel" => Ok(Self::Cancel),
            "abort" => Ok(Self::Abort),
            "observe" => Ok(Self::Observe),
            other => Err(UnknownStopMode(excerpt(other))),
        }
    }
}

impl fmt::Display for StopMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cancel => "cancel",
            Self::Abort => "abort",
            Self::Observe => "observe",
        })
    }
}

/// Why a message stops nothing although it says that an alarm fired.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// It is no alarm message.
    #[error(transparent)]
    NotAnAlarm(#[from] NotAnAlarm),
    /// It does not name one rollout.
    #[error("alarm `{alarm}`: {cause}, so no rollout was stopped")]
    NoSingleJob {
        /// The alarm.
        alarm: String,
        /// What is missing.
        cause: NoSingleJob,
    },
    /// CloudWatch has no such alarm.
    #[error(
        "alarm `{0}` is not known to CloudWatch: the message is forged, or the alarm was deleted"
    )]
    UnknownAlarm(String),
    /// CloudWatch has this alarm watching something else.
    #[error(
        "alarm `{alarm}` does not watch {claimed} in CloudWatch: the message is forged or stale"
    )]
    WatchesAnother {
        /// The alarm.
        alarm: String,
        /// What the message says that it watches.
        claimed: String,
    },
    /// CloudWatch has this alarm, and it does not ask for a stop.
    #[error(
        "alarm `{0}` does not ask for a stop: the force-stop topic is not among its actions, or they are disabled"
    )]
    NotAsked(String),
    /// It watches another account's metric, which says nothing of this account's job of that name.
    #[error(
        "alarm `{0}` watches a metric of another account, so it says nothing of a rollout here"
    )]
    AnotherAccount(String),
    /// There is no such job.
    #[error("alarm `{alarm}` fired, but job `{job}` does not exist: was it deleted?")]
    NoSuchJob {
        /// The alarm.
        alarm: String,
        /// The job.
        job: JobId,
    },
    /// The failure rate that it reports cannot have been, by AWS IoT's own counts.
    #[error(
        "alarm `{alarm}` cannot be true: of {notified} notified devices {unsuccessful} were unsuccessful, so the limit was never passed: its metric is forged"
    )]
    NeverTrue {
        /// The alarm.
        alarm: String,
        /// Devices that were notified.
        notified: u32,
        /// Of those, unsuccessful.
        unsuccessful: u32,
    },
    /// What it says of the rollout's evidence is not what the guard-keeper has written down.
    #[error("alarm `{alarm}` cannot be true: {cause}")]
    NotBorneOut {
        /// The alarm.
        alarm: String,
        /// What the guard-keeper's item says.
        cause: NotBorneOut,
    },
    /// CloudWatch never saw it fire for this rollout.
    #[error("alarm `{0}` has not been in ALARM since the job was created: the message is forged")]
    NeverFired(String),
    /// It was sent before this job was created, so it is about an earlier job of that id.
    #[error(
        "the message of alarm `{0}` is older than the job: it is about an earlier job of that id"
    )]
    OlderThanJob(String),
}

impl Refusal {
    /// Whether the message is kept for people to look at, in the undelivered queue. The others are
    /// understood, and there is nothing in them to be saved.
    pub fn is_undelivered(&self) -> bool {
        matches!(self, Self::NotAnAlarm(_) | Self::NoSingleJob { .. })
    }

    /// Whether people are alerted at once. What is not even an alarm message says nothing about a
    /// rollout; the alarm on the undelivered queue reports it.
    pub fn is_announced(&self) -> bool {
        !matches!(self, Self::NotAnAlarm(_))
    }
}

/// How sure it is that the alarm really fired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Certainty {
    /// CloudWatch says so.
    Verified,
    /// CloudWatch could not be asked, for this reason.
    Unverified(String),
}

/// What is known of the job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobKnowledge {
    /// AWS IoT describes it.
    Found(Job),
    /// AWS IoT has no such job.
    Gone,
    /// AWS IoT could not be asked, for this reason.
    Unknown(String),
}

impl JobKnowledge {
    /// When the job was created, in seconds since the epoch, if that is known.
    pub fn created_at(&self) -> Option<i64> {
        match self {
            Self::Found(job) => job.created_at,
            Self::Gone | Self::Unknown(_) => None,
        }
    }
}

/// What is done about a rollout whose alarm fired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The job has ended: there is nothing to stop.
    AlreadyEnded,
    /// There is no such job.
    Missing,
    /// This very delivery stopped the job before, and it is not known whether people were alerted.
    AlreadyStopped {
        /// Whether executions in progress were canceled too.
        force: bool,
        /// Whether CloudWatch had confirmed the alarm by then.
        is_verified: bool,
    },
    /// Say what would have been stopped.
    Observe,
    /// Stop it.
    Cancel {
        /// Whether executions in progress are canceled too.
        force: bool,
    },
}

/// Decides. A job whose state is not known is treated as running: canceling what has ended does
/// no harm. Without CloudWatch's word a stop is never forced. `delivery` is what [`comment_for`] was
/// given.
pub fn decide(
    mode: StopMode,
    certainty: &Certainty,
    job: &JobKnowledge,
    delivery: &str,
) -> Decision {
    match job {
        JobKnowledge::Gone => Decision::Missing,
        JobKnowledge::Found(job) if job.state.has_ended() => {
            if is_stopped_by(job, delivery) {
                let comment = job.comment.as_deref().unwrap_or_default();
                let is_verified = !comment.contains(UNVERIFIED);
                Decision::AlreadyStopped { force: job.is_forced, is_verified }
            } else {
                Decision::AlreadyEnded
            }
        }
        _ => match mode {
            StopMode::Observe => Decision::Observe,
            StopMode::Cancel => Decision::Cancel { force: false },
            StopMode::Abort => Decision::Cancel { force: *certainty == Certainty::Verified },
        },
    }
}

/// Whether a job was stopped by this delivery of a message: it says so in its comment. Another
/// delivery of the same state change, which Lambda handles at the same time, is another's to announce.
fn is_stopped_by(job: &Job, delivery: &str) -> bool {
    job.reason_code.as_deref() == Some(REASON_CODE)
        && job.comment.as_deref().is_some_and(|comment| comment.ends_with(&signature(delivery)))
}

/// The end of a comment, which distinguishes a stop by one delivery from every other.
fn signature(delivery: &str) -> String {
    format!(" (message {})", bare_name(delivery))
}

/// What a comment says of a stop that could not be verified. No [`bare_name`] has it.
const UNVERIFIED: &str = ", unverified";

/// A comment in ASCII, for an AWS IoT that refuses one with a character that its Unicode does not know.
pub fn plain_comment(comment: &str) -> String {
    comment.chars().map(|c| if c.is_ascii() { c } else { '?' }).collect()
}

/// The comment of a stop: which alarm, when and why, all in CloudWatch's words, and by which
/// delivery, if it is one's. Without a [`Firing`] CloudWatch could not be asked, and nothing is
/// quoted. It fits AWS IoT's `[^\p{C}]+`.
pub fn comment_for(alarm: &str, firing: Option<&Firing>, delivery: Option<&str>) -> String {
    let text = match firing {
        Some(Firing { reason, at }) => {
            let at = at.map(|at| Timestamp::from_seconds(at).rfc3339());
            let at = at.unwrap_or_else(|| "an unknown time".to_owned());
            format!("Tripline: alarm {alarm} fired at {at}: {reason}")
        }
        None => format!(
            "Tripline: alarm {}{UNVERIFIED}: AWS could not be asked whether it fired",
            bare_name(alarm)
        ),
    };
    let signature = delivery.map(signature).unwrap_or_default();
    clean(&text, MAX_COMMENT.saturating_sub(signature.len())) + &signature
}

/// The comment of a stop by hand: the person's own words, as far as AWS IoT takes them.
pub fn operator_comment(reason: Option<&str>) -> String {
    match reason.map(str::trim).filter(|reason| !reason.is_empty()) {
        Some(reason) => clean(reason, MAX_COMMENT),
        None => "Tripline: stopped by an operator".to_owned(),
    }
}

#[cfg(test)]
mod tests;
