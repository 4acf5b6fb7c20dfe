//! The job and its guard.

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::types::MetricAlarm;
use aws_sdk_iot::types::Job;
use tripline::detail::Detail;
use tripline::evidence::Record;
use tripline::job::JobId;
use tripline::reports::{Reported, Reports};
use tripline_guard::kept::{FirstSeen, KeptItem};
use tripline_guard::observed::ObservedAlarm;
use tripline_guard::ownership::{AlarmTags, Foreign};

use super::answer::{Answer, NoAnswer};
use crate::aws::arming::plan::Plan;

/// A job and its guard.
#[derive(Debug)]
pub struct JobFacts {
    pub id: JobId,
    /// The config file that was given.
    pub file: Option<String>,
    /// How many devices it is for, if the operator says so.
    pub devices: Option<u32>,
    pub job: Answer<Option<Job>>,
    /// The job's tags, by which it changes the guard-keeper's guard or goes without.
    pub tags: Answer<Vec<(String, String)>>,
    /// The config that the job was armed with, as the stack's table has it.
    pub kept_config: Answer<Option<KeptItem>>,
    /// What the guard-keeper keeps of the job's evidence.
    pub evidence: Answer<Option<Record>>,
    /// When it was asked, in seconds since the epoch.
    pub asked_at: i64,
    /// What the job was when the guard-keeper first saw it, as the stack's table has it: tags that came later
    /// can only tighten its guard. `None`: it has not been seen yet.
    pub first_seen: Answer<Option<FirstSeen>>,
    /// Alarms that watch the job and are not this stack's, with whose they are. They guard nothing.
    pub foreign: Answer<Vec<(String, Foreign)>>,
    /// What was counted since the job was created.
    pub counted: Answer<Counted>,
    /// What one or two executions that succeeded have in place of a detail that nobody reports. Not asked where
    /// devices report all.
    pub misspelled: Answer<BTreeMap<Detail, Misspelled>>,
    /// The alarms that are this stack's and this job's, by their tags.
    pub alarms: Answer<Vec<MetricAlarm>>,
    /// The muted ones, each with the rule that mutes it.
    pub muted: Answer<BTreeMap<String, String>>,
    /// What would have to be changed to have the alarms of the config, if one is given.
    pub plan: Option<Answer<Plan>>,
}

/// What was counted of a job: sums of its metrics, all of the same time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counted {
    /// Executions that ended by themselves.
    pub ended: u64,
    /// Those that succeeded.
    pub succeeded: u64,
    /// Details that were unusable or had a misspelled key.
    pub invalid: u64,
    /// How many values each detail has.
    pub samples: BTreeMap<Detail, u64>,
}

impl Counted {
    /// Whether devices report a detail. `executions`: how many there are to be, if that is known.
    pub fn reports(&self, detail: Detail, executions: Option<u64>) -> Reports {
        let Self { ended, succeeded, invalid, .. } = *self;
        let samples = self.samples.get(&detail).copied().unwrap_or(0);
        Reports::new(Reported { succeeded, ended, samples, invalid, executions })
    }
}

/// A key that nearly is the one of a detail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misspelled {
    /// The key, shortened.
    pub key: String,
    /// The device that sent it.
    pub thing: String,
}

impl JobFacts {
    /// What the guard-keeper keeps of the evidence of this very job: another may have had its name.
    pub fn record(&self) -> Result<Option<&Record>, NoAnswer> {
        let created = self.created_at()?;
        let record = self.evidence.as_ref().map_err(Clone::clone)?.as_ref();
        Ok(record.filter(|record| Some(record.created) == created))
    }

    /// When the job was created, in seconds since the epoch.
    pub fn created_at(&self) -> Result<Option<i64>, NoAnswer> {
        let job = self.job.as_ref().map_err(Clone::clone)?.as_ref();
        Ok(job.and_then(|job| job.created_at()).map(|at| at.secs()))
    }

    /// The job's alarms, as its verdict needs them.
    pub fn observed(&self, stack: &str) -> Result<Vec<ObservedAlarm<'_>>, NoAnswer> {
        let (alarms, muted) = (
            self.alarms.as_ref().map_err(Clone::clone)?,
            self.muted.as_ref().map_err(Clone::clone)?,
        );
        let tags =
            AlarmTags { job: Some(self.id.as_str().to_owned()), stack: Some(stack.to_owned()) };
        let seen = |alarm| {
            let mut seen = ObservedAlarm::new(alarm, Some(tags.clone()));
            seen.muted_by = muted.get(seen.name()).cloned();
            seen
        };
        Ok(alarms.iter().map(seen).collect())
    }

    /// The config file: the one that was given, or what it is called otherwise.
    pub fn config_file(&self) -> &str {
        self.file.as_deref().unwrap_or("dev.ini")
    }
}
