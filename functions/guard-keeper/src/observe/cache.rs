//! What this environment of the function still knows from earlier minutes: answers that would cost
//! calls. Whatever is not here is asked again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tripline::baseline::Baseline;
use tripline::evidence::{Limits, Needs};
use tripline::job::{EndedCounts, Job, JobId, Setup};
use tripline::time::Timestamp;
use tripline_aws::cloudwatch::MuteRule;
use tripline_config::{EvidenceConfig, NoLimits};
use tripline_guard::coverage::{Devices, Shape};
use tripline_guard::desired::Tagged;
use tripline_guard::kept::FirstSeen;
use tripline_guard::ownership::AlarmTags;

use crate::finding::CaseOf;

/// Whose an alarm is by its tags is believed for so many seconds, as long as it is not touched. That one is
/// somebody else's changes when ours takes its name.
const OWNER_FOR: i64 = 6 * 3_600;
const FOREIGN_FOR: i64 = 600;
/// For so many seconds nobody asks again for a job that is not there.
const ABSENT_FOR: i64 = 600;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Cache(Mutex<Known>);

#[derive(Debug, Default)]
pub(crate) struct Known {
    jobs: BTreeMap<JobId, KnownJob>,
    /// Alarms' tags, and when they were read.
    owners: BTreeMap<String, (Timestamp, AlarmTags)>,
    /// Jobs of which something is kept and that are not in progress, and since when.
    gone: BTreeMap<JobId, Timestamp>,
    /// The alarms that the active mute rules mute.
    mutes: BTreeMap<MuteRule, Vec<String>>,
    /// What people were alerted to, and when: should the stack's table not take it.
    alerted: BTreeMap<CaseOf, Timestamp>,
}

/// What is known of a job.
#[derive(Debug, Clone, Default)]
pub(crate) struct KnownJob {
    /// What its tags make of the default guard, and when they were read.
    pub tags: Option<(Timestamp, Tagged)>,
    /// What it was when it was first seen.
    pub first: Option<FirstSeen>,
    /// The table was read since, so that it is known whether it keeps that.
    pub is_recalled: bool,
    /// When its tags could not be read.
    pub unannounced: Option<Timestamp>,
    /// It is a deployment of Greengrass.
    pub is_greengrass: Option<bool>,
    /// When it could not be described.
    pub undescribed: Option<Timestamp>,
    /// How many devices a minute it comes to, at first.
    pub rate: Option<u32>,
    /// What it was created with.
    pub setup: Option<Setup>,
    /// The same, as far as its guard goes by it.
    pub shape: Option<Shape>,
    /// How many devices its things and groups have, where that was counted.
    pub devices: Option<(Timestamp, Devices)>,
    /// How many devices were notified, where AWS IoT counts these.
    pub notified: u32,
    /// When its things could not be counted.
    pub things_unknown: Option<Timestamp>,
    /// Its devices, where AWS IoT counts attempts.
    pub attempts: Option<Attempts>,
    /// When it ended, if it still has alarms.
    pub ended: Option<Timestamp>,
    /// From how many seconds on its executions are overdue, and when that was found.
    pub limit: Option<(Timestamp, i64)>,
    /// When its devices at work were last counted.
    pub overdue_counted: Option<Timestamp>,
    /// When there was no such job.
    pub absent: Option<Timestamp>,
    /// When it was last watched.
    pub watched: Option<Timestamp>,
    /// Its counts, as they were published last.
    pub numbers: Option<Numbers>,
    /// The limits of its evidence, and of what they are.
    pub limits: Option<Arc<(OfLimits, JobLimits)>>,
}

/// What limits follow from: the config, the baseline, the job's timeout in minutes and whether executions are
/// listed.
type OfLimits = (EvidenceConfig, Option<Baseline>, (Option<u32>, bool));

/// A job's limits, and what is worked out of them once.
#[derive(Debug, Clone)]
pub(crate) struct JobLimits {
    /// The limits.
    pub limits: Limits,
    /// How many devices it takes to see a way to go wrong.
    pub needs: Needs,
    /// How many it takes for clearance to open.
    pub clears_at: Option<u32>,
}

/// A job's devices, as they were counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attempts {
    /// With these counts of AWS IoT's, so many devices were unsuccessful.
    Counted {
        /// The attempts that AWS IoT had counted.
        of: EndedCounts,
        /// The devices.
        devices: EndedCounts,
    },
    /// They could not be.
    NotCounted,
}

/// A job's counts as they were published last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Numbers {
    /// Notified and unsuccessful.
    pub counts: (u32, u32),
    /// Since when they are so, or since when an alarm needs them.
    pub since: Timestamp,
    /// When they were last published.
    pub at: Timestamp,
}

impl KnownJob {
    /// A dynamic group is smaller once devices that are done have left it.
    fn at_least_notified(&self, devices: Devices) -> Devices {
        match devices {
            Devices::Exactly(devices) if devices < self.notified => Devices::AtLeast(self.notified),
            devices => devices,
        }
    }

    /// Whether it is known how its guard follows from what it was created with.
    pub fn is_described(&self) -> bool {
        let is_counted = |setup: &Setup| setup.groups.is_empty() || self.devices.is_some();
        self.rate.is_some()
            && self.is_greengrass.is_some()
            && self.setup.as_ref().is_some_and(is_counted)
    }

    /// A short time ago there was no such job.
    pub fn is_absent(&self, now: Timestamp) -> bool {
        self.absent.is_some_and(|at| now.seconds_after(at) < ABSENT_FOR)
    }

    /// What its tags make of the default guard.
    pub fn tagged(self) -> Option<Tagged> {
        self.tags.map(|(_, tagged)| tagged)
    }

    /// When its tags were read.
    pub fn tags_read(&self) -> Option<Timestamp> {
        self.tags.as_ref().map(|(at, _)| *at)
    }
}

impl Cache {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of a job.
    pub fn job(&self, job: &JobId) -> KnownJob {
        self.known().jobs.get(job).cloned().unwrap_or_default()
    }

    /// The limits of a job's evidence: to work them out of a baseline takes time.
    pub fn limits(
        &self,
        job: &JobId,
        config: &EvidenceConfig,
        baseline: Option<&Baseline>,
        (timeout, list): (Option<u32>, bool),
    ) -> Result<JobLimits, NoLimits> {
        let known = self.job(job).limits;
        let is_it = |known: &Arc<(OfLimits, JobLimits)>| {
            let (of, by, how) = &known.0;
            of == config && by.as_ref() == baseline && *how == (timeout, list)
        };
        if let Some(known) = known.filter(is_it) {
            return Ok(known.1.clone());
        }
        let limits = config.clone().with_timeout(timeout).limits(baseline, list)?;
        let of = (config.clone(), baseline.cloned(), (timeout, list));
        let (needs, clears_at) = (limits.needs(), limits.clears_at());
        let limits = JobLimits { limits, needs, clears_at };
        self.learn(job, |job| job.limits = Some(Arc::new((of, limits.clone()))));
        Ok(limits)
    }

    /// Something more is known of a job.
    pub fn learn(&self, job: &JobId, learn: impl FnOnce(&mut KnownJob)) {
        learn(self.known().jobs.entry(job.clone()).or_default());
    }

    /// An alarm's tags, if they were read a short time ago.
    pub fn owner(&self, alarm: &str, now: Timestamp) -> Option<AlarmTags> {
        let known = self.known();
        let (at, tags) = known.owners.get(alarm)?;
        (now.seconds_after(*at) < believed_for(tags)).then(|| tags.clone())
    }

    /// A job was described.
    pub fn learn_described(&self, job: &JobId, now: &Job) {
        self.learn(job, |known| {
            (known.rate, known.is_greengrass) = (Some(now.rate), Some(now.is_greengrass));
            let counted = known.devices.map_or(Devices::Unknown, |(_, devices)| devices);
            let devices = Devices::of_things(&now.setup).unwrap_or(counted);
            known.notified = if now.setup.counts_attempts() { 0 } else { now.counts.notified() };
            known.shape = Some(Shape::of_job(now, known.at_least_notified(devices)));
            known.setup = Some(now.setup.clone());
        });
    }

    /// How many devices a job comes to.
    pub fn learn_devices(&self, job: &JobId, at: Timestamp, devices: Devices) {
        self.learn(job, |known| {
            known.devices = Some((at, devices));
            let devices = known.at_least_notified(devices);
            if let Some(shape) = &mut known.shape {
                shape.devices = devices;
            }
        });
    }

    /// Which of the jobs that are gone have been so for so many seconds.
    pub fn gone_for(&self, gone: BTreeSet<JobId>, now: Timestamp, seconds: i64) -> Vec<JobId> {
        let mut known = self.known();
        known.gone.retain(|job, _| gone.contains(job));
        for job in gone {
            known.gone.entry(job).or_insert(now);
        }
        let long = known.gone.iter().filter(|(_, since)| now.seconds_after(**since) >= seconds);
        long.map(|(job, _)| job.clone()).collect()
    }

    /// Whether an alarm's tags were read this minute.
    pub fn is_owner_fresh(&self, alarm: &str, now: Timestamp) -> bool {
        self.known().owners.get(alarm).is_some_and(|(at, _)| *at == now)
    }

    /// An alarm's tags could not be read, so that nobody knows whose it is by now.
    pub fn forget_owner(&self, alarm: &str) {
        self.known().owners.remove(alarm);
    }

    /// An alarm's tags were read.
    pub fn learn_owner(&self, alarm: &str, now: Timestamp, tags: AlarmTags) {
        self.known().owners.insert(alarm.to_owned(), (now, tags));
    }

    /// The alarms that a rule mutes, if it was asked for.
    pub fn muted_by(&self, rule: &MuteRule) -> Option<Vec<String>> {
        self.known().mutes.get(rule).cloned()
    }

    /// When people were last alerted to a case, by this environment.
    pub fn alerted(&self, case: &CaseOf) -> Option<Timestamp> {
        self.known().alerted.get(case).copied()
    }

    /// People were alerted to these cases. What was longer ago than `repeat` seconds is forgotten.
    pub fn learn_alerted(&self, cases: Vec<CaseOf>, now: Timestamp, repeat: i64) {
        let mut known = self.known();
        known.alerted.retain(|_, at| now.seconds_after(*at) < repeat);
        known.alerted.extend(cases.into_iter().map(|case| (case, now)));
    }

    /// The active rules as they were known last.
    pub fn mutes(&self) -> BTreeMap<MuteRule, Vec<String>> {
        self.known().mutes.clone()
    }

    /// Which alarms each active rule mutes.
    pub fn learn_mutes(&self, mutes: BTreeMap<MuteRule, Vec<String>>) {
        self.known().mutes = mutes;
    }

    /// Forgets what is no longer of use: of jobs that are not in progress, but for when they ended,
    /// and of jobs that are, when they ended under the same name before.
    pub fn tidy(&self, now: Timestamp, in_progress: impl Fn(&JobId) -> bool) {
        let mut known = self.known();
        known.jobs.retain(|job, known| {
            in_progress(job) != known.ended.is_some() || !in_progress(job) && known.is_absent(now)
        });
        known.owners.retain(|_, (at, tags)| now.seconds_after(*at) < believed_for(tags));
    }
}

fn believed_for(tags: &AlarmTags) -> i64 {
    if tags.stack.is_some() && tags.job.is_some() { OWNER_FOR } else { FOREIGN_FOR }
}
