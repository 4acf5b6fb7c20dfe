//! What is to be done about the alarms of all jobs, most urgent first.

use std::collections::BTreeSet;

use super::guard::DEFAULT_PREFIX;
use tripline::alarm::alarm_name_prefix;
use tripline::job::JobId;
use tripline::time::Timestamp;

/// Where a job's guard comes from, with the names in CloudWatch of the alarms that it is to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The config that it was armed with.
    Own(Vec<String>),
    /// The stack's default guard.
    Default(Vec<String>),
    /// Nowhere: it opted out.
    OptedOut,
}

/// An alarm that is there and whose metrics are of this job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedAlarm {
    /// Its name.
    pub name: String,
    /// It is one of the wanted ones, and exactly as it is wanted.
    pub as_wanted: bool,
    /// Its actions are on and go to the topic that stops rollouts.
    pub stops: bool,
    /// It is in ALARM: its actions run when it gets there, and so not again.
    pub in_alarm: bool,
    /// Whose it is.
    pub owner: Owner,
}

impl ObservedAlarm {
    /// An alarm of this name that is somebody else's, and guards something else.
    pub fn foreign(name: String) -> Self {
        Self { name, as_wanted: false, stops: false, in_alarm: false, owner: Owner::Foreign }
    }
}

/// Whose an alarm is, by its tags. They cost a call, and so are looked at only before an alarm is
/// touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// Not looked at yet.
    Unknown,
    /// Tripline's, of this job and this stack.
    Ours,
    /// Anybody else's. It is never touched.
    Foreign,
}

/// A job in progress, and what there is of its guard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guarded {
    /// The job.
    pub job: JobId,
    /// When it was created.
    pub created: Timestamp,
    opted_out: bool,
    missing: Vec<String>,
    altered: Vec<String>,
    /// Alarms of the default guard that its own guard has taken the place of.
    superseded: Vec<String>,
    is_mute: bool,
    is_blocked: bool,
    was_open: bool,
}

/// What there is of an ended job's guard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The job.
    pub job: JobId,
    /// Its alarms.
    pub alarms: Vec<(String, Owner)>,
    /// Its config is kept.
    pub is_stored: bool,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Create an alarm that is missing.
    Arm {
        /// Its job.
        job: JobId,
        /// Its name.
        name: String,
    },
    /// Make an alarm what it is to be.
    Repair {
        /// Its job.
        job: JobId,
        /// Its name.
        name: String,
    },
    /// Delete an alarm.
    Remove {
        /// Its job.
        job: JobId,
        /// Its name.
        name: String,
    },
    /// Delete an ended job's config.
    Forget {
        /// The job.
        job: JobId,
    },
}

impl Guarded {
    /// Compares what a job is to have with what it has.
    pub fn new(job: JobId, created: Timestamp, source: &Source, there: &[ObservedAlarm]) -> Self {
        let is_default = {
            let prefix = format!("{}{DEFAULT_PREFIX}", alarm_name_prefix(&job));
            move |alarm: &ObservedAlarm| alarm.name.starts_with(&prefix)
        };
        let mut guarded = Self {
            job,
            created,
            opted_out: *source == Source::OptedOut,
            missing: Vec::new(),
            altered: Vec::new(),
            superseded: Vec::new(),
            is_mute: false,
            is_blocked: false,
            was_open: false,
        };
        let wanted: &[String] = match source {
            Source::Own(names) => names,
            // Somebody armed it whose config is not known here: an alarm that stops it is a guard.
            Source::Default(_) if there.iter().any(|alarm| alarm.stops && !is_default(alarm)) => {
                let own = there.iter().filter(|alarm| alarm.stops && !is_default(alarm));
                guarded.is_mute = own.clone().any(|alarm| alarm.in_alarm);
                return guarded;
            }
            Source::Default(names) => names,
            Source::OptedOut => &[],
        };
        for name in wanted {
            match there.iter().find(|alarm| alarm.name == *name) {
                None => {
                    guarded.was_open = true;
                    guarded.missing.push(name.clone());
                }
                Some(alarm) => {
                    guarded.was_open |= !alarm.as_wanted && !alarm.stops;
                    guarded.is_mute |= alarm.in_alarm && alarm.stops;
                    match alarm.owner {
                        _ if alarm.as_wanted => {}
                        // Of another stack, it is a guard if it would stop the rollout at all.
                        Owner::Foreign => guarded.is_blocked |= !alarm.stops,
                        Owner::Unknown | Owner::Ours => guarded.altered.push(name.clone()),
                    }
                }
            }
        }
        if !matches!(source, Source::Default(_)) {
            let left = there.iter().filter(|alarm| {
                is_default(alarm) && alarm.owner != Owner::Foreign && !wanted.contains(&alarm.name)
            });
            guarded.superseded = left.map(|alarm| alarm.name.clone()).collect();
        }
        guarded
    }

    /// Whether the job would be stopped if it went bad; `None` if it wants no guard.
    pub fn is_guarded(&self) -> Option<bool> {
        let whole = self.missing.is_empty() && self.altered.is_empty();
        (!self.opted_out).then_some(whole && !self.is_mute && !self.is_blocked)
    }

    /// Whether an alarm was missing, or got to nothing that stops, before anything was done about it.
    pub fn was_open(&self) -> bool {
        self.was_open
    }

    /// Why it is not guarded, in words.
    pub fn fault(&self) -> Option<&'static str> {
        match self.is_guarded()? {
            true => None,
            false if !self.missing.is_empty() => Some("alarms are missing"),
            false if !self.altered.is_empty() => Some("alarms were altered"),
            false if self.is_mute => Some("an alarm is in ALARM already and will not act again"),
            false => Some("somebody else's alarm has the name of one of its own"),
        }
    }

    /// An alarm is there now, as it is wanted.
    pub fn done(&mut self, name: &str) {
        self.missing.retain(|missing| missing != name);
        self.altered.retain(|altered| altered != name);
    }

    /// Its tags turn out to say that it wants no guard.
    pub fn opt_out(&mut self) {
        self.opted_out = true;
        self.missing.clear();
        self.altered.clear();
    }

    /// It turns out to have another stack's guard.
    pub fn armed_elsewhere(&mut self) {
        self.missing.clear();
        self.altered.clear();
        self.is_blocked = false;
        self.was_open = false;
    }

    /// An alarm turns out to be somebody else's.
    pub fn blocked(&mut self, name: &str, stops: bool) {
        self.altered.retain(|altered| altered != name);
        self.is_blocked |= !stops;
    }
}

/// What to do, in this order: missing alarms are created, altered ones repaired, those of the default
/// guard removed where a job's own has taken their place, and ended jobs tidied up.
///
/// `turn` is another number each minute (such as the minute itself). If there is more to do than a
/// minute allows, every second job is one of the newest, and those between begin elsewhere each turn:
/// new rollouts do not wait for old ones, and no job that cannot be armed keeps another from it.
pub fn plan(jobs: &[Guarded], ended: &[Ended], turn: u64) -> Vec<Action> {
    let mut actions = Vec::new();
    let order = fair(jobs, turn);
    for guarded in &order {
        let job = &guarded.job;
        let arm = |name: &String| Action::Arm { job: job.clone(), name: name.clone() };
        actions.extend(guarded.missing.iter().map(arm));
    }
    for guarded in &order {
        let job = &guarded.job;
        let repair = |name: &String| Action::Repair { job: job.clone(), name: name.clone() };
        actions.extend(guarded.altered.iter().map(repair));
    }
    // Not before the job's own guard stands.
    for guarded in order.iter().filter(|guarded| guarded.missing.is_empty()) {
        let job = &guarded.job;
        let remove = |name: &String| Action::Remove { job: job.clone(), name: name.clone() };
        actions.extend(guarded.superseded.iter().map(remove));
    }
    let mut ended: Vec<&Ended> = ended.iter().collect();
    rotate(&mut ended, turn);
    for ended in ended {
        let job = &ended.job;
        let ours = ended.alarms.iter().filter(|(_, owner)| *owner != Owner::Foreign);
        let remove =
            |(name, _): &(String, Owner)| Action::Remove { job: job.clone(), name: name.clone() };
        actions.extend(ours.map(remove));
        if ended.is_stored {
            actions.push(Action::Forget { job: job.clone() });
        }
    }
    actions
}

/// Newest first, alternating with a place that moves on; which of the two begins, alternates too.
fn fair(jobs: &[Guarded], turn: u64) -> Vec<&Guarded> {
    let mut newest: Vec<&Guarded> = jobs.iter().collect();
    newest.sort_unstable_by_key(|guarded| (std::cmp::Reverse(guarded.created), &guarded.job));
    let mut moving = newest.clone();
    rotate(&mut moving, turn / 2);
    let mut taken = BTreeSet::new();
    let both = newest.into_iter().zip(moving);
    let both = both.flat_map(|(a, b)| if turn.is_multiple_of(2) { [a, b] } else { [b, a] });
    both.filter(|guarded| taken.insert(&guarded.job)).collect()
}

/// Begins elsewhere each turn. The step has no small divisor in common with any length, so that
/// every place comes first before long.
fn rotate<T>(items: &mut [T], turn: u64) {
    const STEP: u64 = 7_919;
    if let Some(length) = u64::try_from(items.len()).ok().filter(|length| *length > 0) {
        let by = turn.wrapping_mul(STEP) % length;
        items.rotate_left(usize::try_from(by).unwrap_or(0));
    }
}

#[cfg(test)]
mod tests;
