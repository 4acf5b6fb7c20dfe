//! Whether a rollout is stopped.
//!
//! An alarm message is only a claim: whoever may publish to the topic can write one. It is held
//! against what CloudWatch itself knows, and a claim that CloudWatch contradicts stops nothing.
//! But a guard that stands still while CloudWatch is out of reach is no guard: then the gentlest
//! stop is made, and marked as unverified.

mod canceler;

use std::fmt;
use std::str::FromStr;

use crate::job::{Job, JobId};
use crate::notification::{AlarmNotification, AlarmState, NoSingleJob, NotAnAlarm, Watched};
use crate::text::{clean, excerpt};

pub use canceler::Canceler;

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
    /// Executions in progress are cancelled too. This can leave a device unable to report or, with
    /// a poor agent, wedged.
    Abort,
    /// Nothing is stopped; people are told what would have been.
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

/// An alarm as CloudWatch knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownAlarm {
    /// Its name.
    pub name: String,
    /// Its state now.
    pub state: AlarmState,
    /// What it watches.
    pub subject: KnownSubject,
    /// Its rule in words; a composite alarm has none.
    pub rule: Option<String>,
    /// Since when it has been in its state, in seconds since the epoch, if CloudWatch says so.
    pub since: Option<i64>,
}

impl KnownAlarm {
    /// Whether it is in ALARM because of something since `created_at`, as far as can be told: an
    /// alarm that was in ALARM before the job existed did not fire for it.
    pub fn fires_for_job_of(&self, created_at: Option<i64>) -> bool {
        let older = |(since, created_at)| since < created_at;
        self.state == AlarmState::Alarm && !self.since.zip(created_at).is_some_and(older)
    }
}

/// What an alarm watches, as CloudWatch knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KnownSubject {
    /// Metrics: one, or those of its metric math.
    Metrics(Watched),
    /// Other alarms, by this rule.
    Composite {
        /// CloudWatch's rule expression.
        rule: String,
    },
}

/// Why a message stops nothing although it says that an alarm fired.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
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
    /// CloudWatch never saw it fire for this rollout.
    #[error("alarm `{0}` has not been in ALARM since the job was created: the message is forged")]
    NeverFired(String),
}

impl Refusal {
    /// Whether the message is kept for people to look at, in the undelivered queue. The others are
    /// understood, and there is nothing in them to be saved.
    pub fn is_undelivered(&self) -> bool {
        matches!(self, Self::NotAnAlarm(_) | Self::NoSingleJob { .. })
    }

    /// Whether people are told at once. What is not even an alarm message says nothing about a
    /// rollout; the alarm on the undelivered queue tells of it.
    pub fn is_announced(&self) -> bool {
        !matches!(self, Self::NotAnAlarm(_))
    }
}

/// Holds what a message claims against the alarm that CloudWatch knows by that name.
///
/// `claimed` is what the message says that is watched. A composite alarm's message does not say,
/// so there it comes from the alarm's children and the comparison holds of itself.
pub fn verify(
    notification: &AlarmNotification,
    claimed: &Watched,
    known: Option<&KnownAlarm>,
) -> Result<(), Refusal> {
    let known = known.ok_or_else(|| Refusal::UnknownAlarm(excerpt(&notification.alarm)))?;
    let agrees = match &known.subject {
        KnownSubject::Metrics(watched) => watched == claimed,
        KnownSubject::Composite { .. } => {
            matches!(notification.subject, crate::notification::Subject::Composite { .. })
        }
    };
    if agrees {
        return Ok(());
    }
    let list = |set: &std::collections::BTreeSet<String>| {
        set.iter().take(3).map(|text| excerpt(text)).collect::<Vec<_>>().join(", ")
    };
    Err(Refusal::WatchesAnother {
        alarm: excerpt(&notification.alarm),
        claimed: format!(
            "job `{}` in namespace `{}`",
            list(&claimed.jobs),
            list(&claimed.namespaces)
        ),
    })
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

/// What is done about a rollout whose alarm fired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The job has ended or is gone: there is nothing to stop.
    AlreadyEnded,
    /// This very message stopped the job before, and it is not known whether people were told.
    AlreadyStopped,
    /// Say what would have been stopped.
    Observe,
    /// Stop it.
    Cancel {
        /// Whether executions in progress are cancelled too.
        force: bool,
    },
}

/// Decides. A job whose state is not known is treated as running: cancelling what has ended does
/// no harm. Without CloudWatch's word a stop is never forced.
pub fn decide(
    mode: StopMode,
    certainty: &Certainty,
    job: &JobKnowledge,
    comment: &str,
) -> Decision {
    match job {
        JobKnowledge::Gone => Decision::AlreadyEnded,
        JobKnowledge::Found(job) if job.state.has_ended() => {
            let ours = job.reason_code.as_deref() == Some(REASON_CODE)
                && job.comment.as_deref() == Some(comment);
            if ours { Decision::AlreadyStopped } else { Decision::AlreadyEnded }
        }
        _ => match mode {
            StopMode::Observe => Decision::Observe,
            StopMode::Cancel => Decision::Cancel { force: false },
            StopMode::Abort => Decision::Cancel { force: *certainty == Certainty::Verified },
        },
    }
}

/// The comment of a stop: which alarm, when and why. It tells the stop by one message from every
/// other, and fits AWS IoT's `[^\p{C}]+`.
pub fn comment_for(notification: &AlarmNotification) -> String {
    let AlarmNotification { alarm, reason, changed_at, .. } = notification;
    clean(&format!("Tripline: alarm {alarm} fired at {changed_at}: {reason}"), MAX_COMMENT)
}

/// The comment of a stop by hand: the person's own words, as far as AWS IoT takes them.
pub fn operator_comment(reason: Option<&str>) -> String {
    match reason.map(str::trim).filter(|reason| !reason.is_empty()) {
        Some(reason) => clean(reason, MAX_COMMENT),
        None => "Tripline: stopped by an operator".to_owned(),
    }
}

/// The rollout that a message names, or why it names none.
pub fn job_of(notification: &AlarmNotification, watched: &Watched) -> Result<JobId, Refusal> {
    watched
        .job()
        .map_err(|cause| Refusal::NoSingleJob { alarm: excerpt(&notification.alarm), cause })
}

#[cfg(test)]
mod tests;
