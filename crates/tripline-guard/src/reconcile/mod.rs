//! What has to be done so that a job has the guard that it is to have. Pure: everything was read before.

mod naming;
mod order;

use std::collections::BTreeSet;

use aws_sdk_cloudwatch::types::MetricAlarm;
use tripline::alarm::alarm_name_prefix;
use tripline::job::JobId;
use tripline::time::Timestamp;

use crate::coverage::{Inactive, Watcher};
use crate::desired::{
    ConfigFault, DEFAULT_PREFIX, Desired, GuardAlarm, Purpose, watches_evidence_s_absence,
};
use crate::observed::{ObservedAlarm, watches_what_is_published};
use crate::ownership::Owner;
use crate::verdict::{Stack, Verdict, Why, WhyNot, is_meant_to_stop, lasting, why_not};

pub use naming::numbered;
pub use order::{Action, Ended, order, plan};

/// Everything that was read of one job and its alarms.
pub struct Observed<'a> {
    /// The job.
    pub job: &'a JobId,
    /// When it was created.
    pub created: Timestamp,
    /// Whether all that its guard follows from was read: what cannot be compared is not put again.
    pub is_sure: bool,
    /// Whether it is also known what the job was created with. Until it is, what is missing is put and what stands is
    /// left.
    pub is_described: bool,
    /// The alarms that may be of its guard.
    pub alarms: &'a [ObservedAlarm<'a>],
    /// Whether any alarm, of whatever kind, has this name.
    pub is_taken: &'a dyn Fn(&str) -> bool,
    /// Whether an alarm shows no difference from what is wanted.
    pub is_as_wanted: &'a dyn Fn(&MetricAlarm, &GuardAlarm) -> bool,
    /// The stack.
    pub stack: Stack<'a>,
}

/// An alarm to create or to repair.
#[derive(Debug, Clone, PartialEq)]
pub struct Put {
    /// Its name in CloudWatch.
    pub name: String,
    /// What it is to be.
    pub alarm: GuardAlarm,
    /// There is none of this name yet.
    pub is_new: bool,
    /// It is to stop the rollout: these go first, and without them a job is not guarded.
    pub stops: bool,
}

/// A name that a foreign alarm has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The name.
    pub name: String,
    /// The name that the guard's alarm has instead.
    pub instead: String,
}

/// A job's guard: what it is, and what is to be done about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Reconciled {
    /// The job.
    pub job: JobId,
    /// When it was created.
    pub created: Timestamp,
    /// What its guard is for.
    pub purpose: Purpose,
    /// Why its kept config is not enough.
    pub config_fault: Option<ConfigFault>,
    /// Names that it could not have.
    pub taken: Vec<Taken>,
    /// The alarms that it is to have, each with its name in CloudWatch, in their order.
    pub places: Vec<(GuardAlarm, String)>,
    /// Alarms whose tags have to be read before anything can be said or done.
    pub unread: Vec<String>,
    /// Whether it was guarded before anything was done.
    pub verdict: Verdict,
    puts: Vec<Put>,
    superseded: Vec<String>,
    /// What was put since.
    made: BTreeSet<String>,
    /// What stays wrong, whatever is put.
    lasting: Option<Why>,
    was_open: bool,
}

impl Reconciled {
    /// Compares what a job is to have with what it has.
    pub fn new(desired: &Desired, observed: &Observed<'_>) -> Self {
        let Observed { job, stack, .. } = observed;
        let mut found = Self {
            job: (*job).clone(),
            created: observed.created,
            purpose: desired.purpose,
            config_fault: desired.config_fault,
            taken: Vec::new(),
            places: Vec::new(),
            unread: Vec::new(),
            verdict: Verdict::new(observed.alarms, job, *stack),
            puts: Vec::new(),
            superseded: Vec::new(),
            made: BTreeSet::new(),
            lasting: None,
            was_open: false,
        };
        let names: BTreeSet<String> =
            desired.alarms.iter().map(|alarm| alarm.name_for(job)).collect();
        let mut chosen = BTreeSet::new();
        for wanted in &desired.alarms {
            if let Some(name) = found.place(wanted, observed, (&names, &chosen)) {
                chosen.insert(name.clone());
                found.places.push((wanted.clone(), name));
            }
        }
        if observed.is_sure && observed.is_described {
            found.find_superseded(observed, &names, &chosen);
        }
        if desired.purpose == Purpose::Stop {
            found.judge_others(observed, &chosen);
        }
        found
    }

    /// Finds an alarm its name, and what is to be done about it. Returns the name.
    fn place(
        &mut self,
        wanted: &GuardAlarm,
        observed: &Observed<'_>,
        (names, chosen): (&BTreeSet<String>, &BTreeSet<String>),
    ) -> Option<String> {
        let base = wanted.name_for(observed.job);
        let is_free_to_use =
            |name: &str| !chosen.contains(name) && (name == base || !names.contains(name));
        let stops = wanted.can_stop(observed.stack.force_stop_topic);
        let as_wanted = |alarm: &ObservedAlarm<'_>| match observed.is_sure {
            true if observed.is_described => (observed.is_as_wanted)(alarm.alarm, wanted),
            true => (observed.is_as_wanted)(alarm.alarm, wanted) || stands(alarm, stops, observed),
            false => stands(alarm, stops, observed),
        };
        let is_ours = |alarm: &&ObservedAlarm<'_>| {
            match alarm.owner(observed.job, observed.stack.name) {
                Owner::Ours => true,
                // It does what ours would do, as long as nobody has said whose it is.
                Owner::NotKnown => as_wanted(alarm),
                Owner::Foreign(_) => false,
            }
        };
        let ours = observed
            .alarms
            .iter()
            .filter(|alarm| is_free_to_use(alarm.name()))
            .filter_map(|alarm| Some((naming::number_of(alarm.name(), &base)?, alarm)))
            .filter(|(_, alarm)| is_ours(alarm))
            .min_by_key(|(number, _)| *number);
        let first = |number: &u32| ours.is_none_or(|(of_ours, _)| *number < of_ours);
        for number in (1..).take_while(first) {
            let name = naming::numbered(&base, number);
            if !is_free_to_use(&name) {
                continue;
            }
            if !(observed.is_taken)(&name) {
                if ours.is_some() {
                    continue;
                }
                self.give_way(&base, number, &name, observed);
                self.was_open |= stops;
                if observed.is_sure {
                    let alarm = wanted.clone();
                    self.puts.push(Put { name: name.clone(), alarm, is_new: true, stops });
                } else {
                    self.lasting.get_or_insert(Why::NoAlarm);
                }
                return Some(name);
            }
            let is_there = |alarm: &&ObservedAlarm<'_>| {
                alarm.name() == name
                    && alarm.owner(observed.job, observed.stack.name) == Owner::NotKnown
            };
            if ours.is_none() && observed.alarms.iter().any(|alarm| is_there(&alarm)) {
                self.was_open |= stops;
                self.lasting.get_or_insert(Why::Alarm(name.clone(), WhyNot::OwnerNotKnown));
                self.unread.push(name);
                return None;
            }
        }
        let (number, alarm) = ours?;
        let name = alarm.name().to_owned();
        self.give_way(&base, number, &name, observed);
        if let Some(why) = lasting(alarm).filter(|_| stops) {
            self.lasting.get_or_insert(Why::Alarm(name.clone(), why));
        }
        if !as_wanted(alarm) {
            let why = why_not(
                &ours_for_sure(alarm, observed.job, observed.stack),
                observed.job,
                observed.stack,
            );
            self.was_open |= stops && why.as_ref().is_some_and(|why| !why.outlasts_a_repair());
            if observed.is_sure {
                let (name, alarm) = (name.clone(), wanted.clone());
                self.puts.push(Put { name, alarm, is_new: false, stops });
            } else {
                let why = why.unwrap_or(WhyNot::StopsNothing);
                self.lasting.get_or_insert(Why::Alarm(name.clone(), why));
            }
        }
        Some(name)
    }

    /// Takes note of the names before this one that are somebody else's.
    fn give_way(&mut self, base: &str, number: u32, instead: &str, observed: &Observed<'_>) {
        let before = (1..number).map(|number| naming::numbered(base, number));
        let taken = before.filter(|name| (observed.is_taken)(name));
        let instead = || instead.to_owned();
        self.taken.extend(taken.map(|name| Taken { name, instead: instead() }));
    }

    /// Alarms of this stack's that the guard does not have any more: those of the default guard, and those
    /// that stand beside another of the same rule. Of the operator's own, none is removed.
    fn find_superseded(
        &mut self,
        observed: &Observed<'_>,
        names: &BTreeSet<String>,
        chosen: &BTreeSet<String>,
    ) {
        let default = format!("{}{DEFAULT_PREFIX}", alarm_name_prefix(observed.job));
        let is_left = |alarm: &&ObservedAlarm<'_>| {
            let name = alarm.name();
            let doubles = || names.iter().any(|base| naming::number_of(name, base).is_some());
            // Where nobody computes evidence, its absence says nothing.
            let is_on_absence = watches_evidence_s_absence(alarm.alarm);
            !chosen.contains(name) && (is_on_absence || name.starts_with(&default) || doubles())
        };
        for alarm in observed.alarms.iter().filter(is_left) {
            match alarm.owner(observed.job, observed.stack.name) {
                Owner::Ours => self.superseded.push(alarm.name().to_owned()),
                Owner::NotKnown => {
                    if !self.unread.iter().any(|name| name == alarm.name()) {
                        self.unread.push(alarm.name().to_owned());
                    }
                }
                Owner::Foreign(_) => {}
            }
        }
    }

    /// Alarms of this stack's that nobody asks for any more and that are to stop the rollout: who sees them
    /// takes them for a guard, and so one that does not act is said.
    fn judge_others(&mut self, observed: &Observed<'_>, chosen: &BTreeSet<String>) {
        for alarm in observed.alarms {
            let name = alarm.name();
            let is_other = !chosen.contains(name) && !self.superseded.iter().any(|is| is == name);
            let is_ours = alarm.owner(observed.job, observed.stack.name) == Owner::Ours;
            if is_other
                && is_ours
                && let Some(why) = why_not(alarm, observed.job, observed.stack)
                && is_meant_to_stop(alarm, &why, observed.alarms, observed.job, observed.stack)
            {
                self.lasting.get_or_insert(Why::Alarm(name.to_owned(), why));
            }
        }
    }

    /// The alarms that are to be put, or put again.
    pub fn puts(&self) -> &[Put] {
        &self.puts
    }

    /// The alarms that are there and are to be repaired or removed: whose they are has to be certain.
    pub fn touched(&self) -> impl Iterator<Item = &str> {
        let repaired = self.puts.iter().filter(|put| !put.is_new).map(|put| put.name.as_str());
        repaired.chain(self.superseded.iter().map(String::as_str))
    }

    /// An alarm is there now, as it is wanted.
    pub fn done(&mut self, name: &str) {
        self.puts.retain(|put| put.name != name);
        self.made.insert(name.to_owned());
    }

    /// Whether an alarm was missing, or stopped nothing, before anything was done about it.
    pub fn was_open(&self) -> bool {
        self.was_open
    }

    /// Who watches the job after what was done: the alarms that it is to have, each as far as it acts, and those of
    /// this stack's that nobody asks for.
    pub fn watchers(&self, observed: &[ObservedAlarm<'_>], stack: Stack<'_>) -> Vec<Watcher> {
        let wanted = self.places.iter().map(|(alarm, name)| {
            let wanted = Watcher::wanted(alarm, Some(stack.force_stop_topic));
            let there = observed.iter().find(|alarm| alarm.name() == name);
            let missing = self.puts.iter().find(|put| put.name == *name).map(|put| put.is_new);
            let inactive = match (missing, there) {
                (Some(true), _) => Some(Inactive::Missing),
                (Some(false), Some(there)) => {
                    let why = why_not(there, &self.job, stack);
                    Some(Inactive::There(why.unwrap_or(WhyNot::StopsNothing)))
                }
                // It may not be known yet what exactly is wanted: what it is, is what it sees.
                (None, Some(there)) if !self.made.contains(name) => {
                    let there = ours_for_sure(there, &self.job, stack);
                    return Watcher::observed(&there, &self.job, stack).unwrap_or(wanted);
                }
                // Whatever was put leaves its state, and who mutes it.
                (_, Some(there)) => lasting(there).map(Inactive::There),
                (_, None) => None,
            };
            wanted.inactive(inactive)
        });
        let is_other = |alarm: &&ObservedAlarm<'_>| {
            !self.places.iter().any(|(_, name)| name == alarm.name())
                && !self.superseded.iter().any(|name| name == alarm.name())
        };
        let others = observed.iter().filter(is_other);
        let others = others.filter_map(|alarm| Watcher::observed(alarm, &self.job, stack));
        wanted.chain(others).collect()
    }

    /// Why the job has not all of its guard, after what was done.
    pub fn fault(&self) -> Option<Why> {
        let counts = |put: &&Put| put.stops || self.purpose != Purpose::Stop;
        match self.puts.iter().find(counts) {
            Some(put) if put.is_new => Some(Why::NoAlarm),
            Some(put) => Some(Why::Alarm(put.name.clone(), WhyNot::StopsNothing)),
            None => self.lasting.clone(),
        }
    }
}

/// The same alarm, as if it were certain to be ours.
fn ours_for_sure<'a>(
    alarm: &ObservedAlarm<'a>,
    job: &JobId,
    stack: Stack<'_>,
) -> ObservedAlarm<'a> {
    let tags = crate::ownership::AlarmTags {
        job: Some(job.as_str().to_owned()),
        stack: Some(stack.name.to_owned()),
    };
    ObservedAlarm { tags: Some(tags), ..alarm.clone() }
}

/// Whether an alarm does what a guard is for, as far as that can be said without knowing what exactly is
/// wanted.
fn stands(alarm: &ObservedAlarm<'_>, stops: bool, observed: &Observed<'_>) -> bool {
    match stops {
        true => {
            let why = why_not(
                &ours_for_sure(alarm, observed.job, observed.stack),
                observed.job,
                observed.stack,
            );
            why.is_none_or(|why| why.outlasts_a_repair())
        }
        false => {
            alarm.is_enabled()
                && !alarm.alarm.alarm_actions().is_empty()
                && !alarm.goes_to(observed.stack.force_stop_topic)
                && watches_what_is_published(alarm.alarm)
        }
    }
}

#[cfg(test)]
mod tests;
