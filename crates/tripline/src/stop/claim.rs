//! A message compared with what CloudWatch knows, and what is done without CloudWatch's answer.

use std::collections::BTreeSet;

use super::{KnownAlarm, KnownSubject, Refusal};
use crate::alarm::alarm_name_prefix;
use crate::job::JobId;
use crate::notification::{AlarmNotification, Subject, Watched};
use crate::text::bare_name;

/// Who is asked to stop: what an alarm must name among its actions, and in which account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The ARN of the force-stop topic, or the function's own if an alarm invokes it itself.
    pub action: String,
    /// The account of the stack.
    pub account: String,
}

/// Holds what a message claims against the alarm that CloudWatch knows by that name.
///
/// `claimed` is what the message says that is watched. A composite alarm's message does not say,
/// so there it comes from the alarm's children and the comparison holds of itself.
///
/// # Errors
/// Why the message stops nothing.
pub fn verify(
    notification: &AlarmNotification,
    claimed: &Watched,
    known: Option<&KnownAlarm>,
    asked: &Asked,
) -> Result<(), Refusal> {
    let alarm = || bare_name(&notification.alarm);
    let known = known.ok_or_else(|| Refusal::UnknownAlarm(alarm()))?;
    let (agrees, watched) = match &known.subject {
        KnownSubject::Metrics(watched) => (watched.agrees_with(claimed), watched),
        KnownSubject::Composite { .. } => {
            (matches!(notification.subject, Subject::Composite { .. }), claimed)
        }
    };
    if !agrees {
        let list = |set: &BTreeSet<String>| {
            set.iter().take(3).map(|text| bare_name(text)).collect::<Vec<_>>().join(", ")
        };
        let claimed = format!("job `{}` in `{}`", list(&claimed.jobs), list(&claimed.namespaces));
        return Err(Refusal::WatchesAnother { alarm: alarm(), claimed });
    }
    is_of_account(alarm, watched, asked)?;
    if known.actions.contains(&asked.action) { Ok(()) } else { Err(Refusal::NotAsked(alarm())) }
}

fn is_of_account(
    alarm: impl Fn() -> String,
    watched: &Watched,
    asked: &Asked,
) -> Result<(), Refusal> {
    match watched.accounts.iter().find(|account| **account != asked.account) {
        Some(_) => Err(Refusal::AnotherAccount(alarm())),
        None => Ok(()),
    }
}

/// The rollout that a message names, or why it names none of this account.
///
/// # Errors
/// If it names none, several, or one of another account.
pub fn job_of(
    notification: &AlarmNotification,
    watched: &Watched,
    asked: &Asked,
) -> Result<JobId, Refusal> {
    let alarm = || bare_name(&notification.alarm);
    is_of_account(alarm, watched, asked)?;
    watched.job().map_err(|cause| Refusal::NoSingleJob { alarm: alarm(), cause })
}

/// From this age of a message on, in seconds, a stop is made without verification. Lambda makes its
/// last attempt at least a minute and two after the first.
pub const UNVERIFIED_AFTER: i64 = 170;

/// What is done about a claim that could be neither confirmed nor refuted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WithoutAnswer {
    /// There is time to ask again.
    AskAgain,
    /// It is not stopped, for this reason, and people are alerted.
    GiveUp(&'static str),
    /// It may be stopped, if that many are not stopped so already.
    Stop,
}

/// Decides on a claim that could not be verified. `age` is that of SNS's delivery, in seconds: the
/// message's own time is whatever its writer liked.
pub fn without_answer(age: Option<i64>, alarm: &str, job: &JobId) -> WithoutAnswer {
    match age {
        None => WithoutAnswer::GiveUp("the age of the message is not known"),
        Some(age) if age < UNVERIFIED_AFTER => WithoutAnswer::AskAgain,
        Some(_) if alarm.starts_with(&alarm_name_prefix(job)) => WithoutAnswer::Stop,
        Some(_) => WithoutAnswer::GiveUp("the alarm is not one of Tripline's for this rollout"),
    }
}
