//! An alarm that watches a rollout: as it is wanted, or as it is.

use std::fmt;

use tripline::job::JobId;

use super::{Facts, Level, Reason, Way, sees};
use crate::definition::definition_of;
use crate::desired::GuardAlarm;
use crate::observed::ObservedAlarm;
use crate::ownership::Owner;
use crate::range::would_never_fire;
use crate::verdict::{Stack, WhyNot, lasting, why_not};

/// Why an alarm does not act, whatever it sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inactive {
    /// It is not there.
    Missing,
    /// It is there.
    There(WhyNot),
}

impl fmt::Display for Inactive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("is not there"),
            Self::There(why) => why.fmt(f),
        }
    }
}

impl Inactive {
    /// The command that has it act, if there is one of its own.
    pub(super) fn fix(&self) -> Option<String> {
        match self {
            Self::Missing => None,
            Self::There(why) => why.fix(),
        }
    }
}

/// What comes of an alarm that stops the rollout or does not; `is_silent`: it goes nowhere at all.
fn level(stops: bool, is_silent: bool) -> Level {
    match (stops, is_silent) {
        (true, _) => Level::Stops,
        (false, true) => Level::Nobody,
        (false, false) => Level::Alerts,
    }
}

/// An alarm that watches a rollout.
#[derive(Debug, Clone, PartialEq)]
pub struct Watcher {
    /// Its name in the guard.
    name: String,
    /// What it watches; `None` if that is not known.
    alarm: Option<GuardAlarm>,
    /// What it does once it fires.
    level: Level,
    /// Why it does not act.
    inactive: Option<Inactive>,
}

impl Watcher {
    /// One that is to be there. `force_stop_topic`: the ARN of the stack's topic, where it is known.
    pub fn wanted(alarm: &GuardAlarm, force_stop_topic: Option<&str>) -> Self {
        Self {
            name: alarm.name().to_string(),
            alarm: Some(alarm.clone()),
            level: level(alarm.goes_to_force_stop(force_stop_topic), alarm.topics().is_empty()),
            inactive: would_never_fire(alarm).then_some(Inactive::There(WhyNot::NeverFires)),
        }
    }

    /// The same, which does not act.
    #[must_use]
    pub fn inactive(self, inactive: Option<Inactive>) -> Self {
        Self { inactive, ..self }
    }

    /// One that is there. `None`: it is somebody else's, or watches something else.
    pub fn observed(alarm: &ObservedAlarm<'_>, job: &JobId, stack: Stack<'_>) -> Option<Self> {
        if let Owner::Foreign(_) = alarm.owner(job, stack.name) {
            return None;
        }
        let stops = alarm.goes_to(stack.force_stop_topic);
        let is_silent = alarm.alarm.alarm_actions().is_empty();
        let why = match why_not(alarm, job, stack) {
            Some(WhyNot::WatchesElsewhere) => return None,
            // One that alerts people has done so once it is in ALARM.
            Some(WhyNot::StopsNothing) => lasting(alarm).filter(|why| *why != WhyNot::HasFired),
            other => other,
        };
        let prefix = tripline::alarm::alarm_name_prefix(job);
        Some(Self {
            name: alarm.name().strip_prefix(&prefix).unwrap_or(alarm.name()).to_owned(),
            alarm: definition_of(alarm.alarm, job),
            level: level(stops, is_silent),
            inactive: why.map(Inactive::There),
        })
    }

    /// Whether it is on evidence, so that the guard-keeper keeps a record of the job.
    pub fn is_on_evidence(&self) -> bool {
        self.alarm.as_ref().is_some_and(GuardAlarm::is_on_evidence)
    }

    /// Whether it sees a way to go wrong: by whom, what it would do, and what keeps it from that. `None`: it is
    /// not on that.
    pub(super) fn sees(&self, way: Way, facts: &Facts) -> Option<(String, Level, Option<Reason>)> {
        let alarm = self.alarm.as_ref()?;
        let reason = sees::alarm_sees(alarm, way, facts)?;
        let inactive = self.inactive.clone().map(Reason::Inactive);
        Some((self.name.clone(), self.level, inactive.or(reason)))
    }
}
