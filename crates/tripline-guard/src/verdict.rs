//! Whether an alarm counts as a guard of a job, and whether a job is guarded. `tripline alarms apply`,
//! the guard-keeper, `watch`, doctor and the drill all ask here.

use std::fmt;

use tripline::alarm::alarm_name_prefix;
use tripline::job::JobId;
use tripline::text::excerpt;

use crate::desired::{DEFAULT_PREFIX, watches_evidence, watches_evidence_s_absence};
use crate::observed::{ObservedAlarm, Watched, watched, watches_what_is_published};
use crate::ownership::{Foreign, Owner};
use crate::range::never_fires;

/// The stack that is asked about: only its own alarms count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stack<'a> {
    /// Its name, which its alarms are tagged with.
    pub name: &'a str,
    /// The ARN of the topic that stops its rollouts.
    pub force_stop_topic: &'a str,
}

/// Why an alarm does not count as a guard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WhyNot {
    /// It is not this stack's, or not this job's.
    Foreign(Foreign),
    /// Whose it is, is not known yet.
    OwnerNotKnown,
    /// It watches another job, or something else.
    WatchesElsewhere,
    /// Nobody publishes what it watches.
    NotPublished,
    /// Nothing ever crosses its threshold.
    NeverFires,
    /// Its actions are off.
    ActionsOff,
    /// It does not go to the force-stop topic.
    StopsNothing,
    /// This mute rule keeps its actions from running.
    Muted(String),
    /// It is in ALARM already, and so acts no more.
    HasFired,
}

impl WhyNot {
    /// Whether to put the alarm again leaves it as it is: neither its state nor a mute rule changes.
    pub fn outlasts_a_repair(&self) -> bool {
        matches!(self, Self::Muted(_) | Self::HasFired)
    }

    /// The command that fixes it, where that is not to make the alarm again.
    pub fn fix(&self) -> Option<String> {
        match self {
            Self::Muted(rule) => Some(lift_command(rule)),
            _ => None,
        }
    }
}

/// The command that lifts a mute rule.
pub fn lift_command(rule: &str) -> String {
    let rule = excerpt(rule).replace('\'', "'\\''");
    format!("aws cloudwatch delete-alarm-mute-rule --alarm-mute-rule-name '{rule}'")
}

impl fmt::Display for WhyNot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign(foreign) => foreign.fmt(f),
            Self::OwnerNotKnown => f.write_str("has tags that could not be read"),
            Self::WatchesElsewhere => f.write_str("watches something else than this job"),
            Self::NotPublished => f.write_str("watches a metric that Tripline does not publish"),
            Self::NeverFires => f.write_str("has a threshold that nothing ever crosses"),
            Self::ActionsOff => f.write_str("has its actions off"),
            Self::StopsNothing => f.write_str("does not go to the force-stop topic"),
            Self::Muted(rule) => write!(f, "is muted by the rule `{}`", excerpt(rule)),
            Self::HasFired => f.write_str("is in ALARM already, so its actions will not run again"),
        }
    }
}

/// Why an alarm does not count as a guard of a job; `None` if it does.
pub fn why_not(alarm: &ObservedAlarm<'_>, job: &JobId, stack: Stack<'_>) -> Option<WhyNot> {
    match alarm.owner(job, stack.name) {
        Owner::Ours => {}
        Owner::Foreign(foreign) => return Some(WhyNot::Foreign(foreign)),
        Owner::NotKnown => return Some(WhyNot::OwnerNotKnown),
    }
    match watched(alarm.alarm) {
        Watched::Job(watched) if watched == job.as_str() => {}
        // What it shows are words; its tags say the rest.
        Watched::Unseen => {}
        Watched::Job(_) | Watched::Other => return Some(WhyNot::WatchesElsewhere),
    }
    if !watches_what_is_published(alarm.alarm) {
        return Some(WhyNot::NotPublished);
    }
    if never_fires(alarm.alarm, job) {
        return Some(WhyNot::NeverFires);
    }
    if !alarm.is_enabled() {
        return Some(WhyNot::ActionsOff);
    }
    if !alarm.goes_to(stack.force_stop_topic) {
        return Some(WhyNot::StopsNothing);
    }
    lasting(alarm)
}

/// Why an alarm will not act, whatever else it is.
pub(crate) fn lasting(alarm: &ObservedAlarm<'_>) -> Option<WhyNot> {
    match &alarm.muted_by {
        Some(rule) => Some(WhyNot::Muted(rule.clone())),
        None => alarm.has_fired().then_some(WhyNot::HasFired),
    }
}

/// Whether an alarm of this stack's that does not count leaves a job without a part of its guard. One of an
/// operator's own on a metric that nobody publishes never was a part of it: a version with other names left
/// it. All of the default guard goes to the force-stop topic, or none of it: where `all` have one that does,
/// any other was cut off from it.
pub(crate) fn is_meant_to_stop(
    alarm: &ObservedAlarm<'_>,
    why: &WhyNot,
    all: &[ObservedAlarm<'_>],
    job: &JobId,
    stack: Stack<'_>,
) -> bool {
    let default = format!("{}{DEFAULT_PREFIX}", alarm_name_prefix(job));
    let is_default = |alarm: &ObservedAlarm<'_>| {
        // On evidence a default guard may alert people only.
        alarm.name().starts_with(&default) && !watches_evidence(alarm.alarm)
    };
    let is_ours = |alarm: &ObservedAlarm<'_>| alarm.owner(job, stack.name) == Owner::Ours;
    let stops = |alarm: &ObservedAlarm<'_>| alarm.goes_to(stack.force_stop_topic);
    match (stops(alarm), is_default(alarm)) {
        (true, is_default) => is_default || *why != WhyNot::NotPublished,
        (false, true) if is_ours(alarm) => {
            all.iter().any(|other| is_default(other) && is_ours(other) && stops(other))
        }
        (false, _) => false,
    }
}

/// Whether a job would be stopped if it went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It would be.
    Guarded,
    /// It would not be, or not by all of its guard.
    Unguarded(Why),
}

/// Why a job is not guarded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// None of its alarms is Tripline's and this stack's.
    NoAlarm,
    /// Its alarms alert people, and none goes to the force-stop topic.
    NothingStops,
    /// An alarm of its guard does not act.
    Alarm(String, WhyNot),
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAlarm => f.write_str("it has no alarm of this stack's"),
            Self::NothingStops => f.write_str("none of its alarms goes to the force-stop topic"),
            Self::Alarm(name, why) => write!(f, "its alarm `{}` {why}", excerpt(name)),
        }
    }
}

impl Verdict {
    /// Whether a job is guarded by these alarms: one of them counts, and so does every other one of
    /// this stack's that is to stop the rollout. Alarms of anybody else make no difference.
    pub fn new(alarms: &[ObservedAlarm<'_>], job: &JobId, stack: Stack<'_>) -> Self {
        let is_ours =
            |alarm: &&ObservedAlarm<'_>| !matches!(alarm.owner(job, stack.name), Owner::Foreign(_));
        let (mut ours, mut counting) = (0_usize, 0_usize);
        // One that goes off where the keeper is dead guards against nothing else.
        let is_on_absence = |alarm: &&ObservedAlarm<'_>| watches_evidence_s_absence(alarm.alarm);
        for alarm in alarms.iter().filter(is_ours).filter(|alarm| !is_on_absence(alarm)) {
            ours += 1;
            match why_not(alarm, job, stack) {
                None => counting += 1,
                Some(why) if is_meant_to_stop(alarm, &why, alarms, job, stack) => {
                    return Self::Unguarded(Why::Alarm(alarm.name().to_owned(), why));
                }
                Some(_) => {}
            }
        }
        match (ours, counting) {
            (0, _) => Self::Unguarded(Why::NoAlarm),
            (_, 0) => Self::Unguarded(Why::NothingStops),
            _ => Self::Guarded,
        }
    }

    /// Whether it is guarded.
    pub fn is_guarded(&self) -> bool {
        *self == Self::Guarded
    }
}

#[cfg(test)]
mod tests;
