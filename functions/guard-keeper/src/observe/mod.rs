//! What there is: jobs in progress, alarms, mute rules, configs. All of it is read before anything is done.

mod alarms;
pub(crate) mod cache;
mod guards;
mod jobs;
mod mutes;

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_cloudwatch::types::MetricAlarm;
use tripline::alarm::AlarmDefinition;
use tripline::job::JobId;
use tripline::time::Timestamp;
use tripline_aws::{Failure, FailureKind};
use tripline_config::AlarmConfig;
use tripline_guard::desired::KeptConfig;
use tripline_guard::kept::FirstSeen;

use crate::ask::{Alarm, Ask, Item, Listed, Page};
use crate::clock::{Call, Clock, Minute};
use crate::failed::Trouble;
use crate::keeper::Keeper;

/// Looking has to be done by then, in percent of a minute's work.
const LOOK: u32 = 60;

/// What there is in the account.
#[derive(Debug)]
pub(crate) struct Account {
    pub jobs: BTreeMap<JobId, Listed>,
    /// By the job whose guard they may be of.
    pub alarms: BTreeMap<JobId, Vec<MetricAlarm>>,
    /// The names of all alarms that are called as Tripline's are, whatever they watch.
    pub taken: BTreeSet<String>,
    /// The muted alarms, each with the rule that mutes it.
    pub muted: BTreeMap<String, String>,
    /// The stack's table; `None` if it cannot be read.
    pub table: Option<Kept>,
}

/// What is in the stack's table.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    /// The jobs' own configs.
    pub configs: BTreeMap<JobId, Config>,
    pub memory: Option<String>,
    /// What jobs were when they were first seen.
    pub first: BTreeMap<JobId, FirstSeen>,
}

/// A job's own config.
#[derive(Debug)]
pub(crate) struct Config {
    /// `None` if it cannot be read.
    pub alarms: Option<Vec<AlarmDefinition>>,
    /// When the job was armed with it.
    pub armed: Timestamp,
    /// That it stops nothing is meant.
    pub tell_only: bool,
}

impl Account {
    pub fn alarms_of(&self, job: &JobId) -> &[MetricAlarm] {
        self.alarms.get(job).map_or(&[], Vec::as_slice)
    }

    /// The config that a job was armed with.
    pub fn kept(&self, job: &JobId) -> KeptConfig<'_> {
        match self.table.as_ref().and_then(|table| table.configs.get(job)) {
            None => KeptConfig::None,
            Some(Config { alarms: None, .. }) => KeptConfig::Unusable,
            Some(Config { alarms: Some(alarms), tell_only, .. }) => {
                KeptConfig::Alarms { alarms, tell_only: *tell_only }
            }
        }
    }

    /// The alarms that a job was armed with.
    pub fn own(&self, job: &JobId) -> Option<&[AlarmDefinition]> {
        self.table.as_ref()?.configs.get(job)?.alarms.as_deref()
    }
}

impl<C: Ask, K: Clock + Sync> Keeper<C, K> {
    /// Looks at everything. Without the jobs or the alarms nothing can be done.
    pub(crate) async fn observe(
        &self,
        minute: &Minute<'_, K>,
        trouble: &mut Trouble,
    ) -> Result<Account, Failure> {
        let lists = async {
            let jobs = |next| self.client.list_jobs(next);
            all("ListJobs", minute, Call::ListJobs, jobs).await
        };
        let describes = async {
            let alarms = |next| self.client.list_alarms(next);
            all("DescribeAlarms", minute, Call::DescribeAlarms, alarms).await
        };
        let scans = async {
            let items = |next| self.client.read_table(next);
            all("Scan", minute, Call::Table, items).await
        };
        let mutes = self.muted(minute);
        let (listed, alarms, items, muted) = tokio::join!(lists, describes, scans, mutes);
        let mut by_id = BTreeMap::new();
        by_id.extend(listed?.into_iter().map(|job| (job.job.clone(), job)));
        let table = match items {
            Ok(items) => Some(read(items)),
            Err(failure) => {
                trouble.add("the stack's table", failure);
                None
            }
        };
        let muted = muted.unwrap_or_else(|failure| {
            trouble.add("mute rules", failure);
            BTreeMap::new()
        });
        let (mut metric, mut taken) = (Vec::new(), BTreeSet::new());
        for alarm in alarms? {
            match alarm {
                Alarm::Metric(alarm) => {
                    taken.insert(name(&alarm).to_owned());
                    metric.push(*alarm);
                }
                Alarm::Composite(name) => drop(taken.insert(name)),
            }
        }
        self.cache.tidy(minute.now(), |job| by_id.contains_key(job));
        self.recall(&by_id, table.as_ref());
        let configs = table.iter().flat_map(|table| table.configs.keys());
        let named = by_id.keys().chain(configs).collect();
        let alarms = self.by_job(minute, metric, named).await;
        Ok(Account { jobs: by_id, alarms, taken, muted, table })
    }
}

/// An alarm's name.
pub(crate) fn name(alarm: &MetricAlarm) -> &str {
    alarm.alarm_name().unwrap_or_default()
}

/// What is not there in time.
pub(crate) fn late(operation: &'static str) -> Failure {
    Failure::new(operation, FailureKind::Unavailable, "not done within this minute")
}

/// All pages of a list.
async fn all<T, K: Clock, F>(
    operation: &'static str,
    minute: &Minute<'_, K>,
    call: Call,
    ask: impl Fn(Option<String>) -> F,
) -> Result<Vec<T>, Failure>
where
    F: Future<Output = Result<Page<T>, Failure>>,
{
    let mut all = Vec::new();
    let mut next = None;
    loop {
        if !minute.may(call, LOOK).await {
            return Err(late(operation));
        }
        let page = ask(next).await?;
        all.extend(page.items);
        next = page.next;
        if next.is_none() {
            return Ok(all);
        }
    }
}

fn read(items: Vec<Item>) -> Kept {
    let mut kept = Kept::default();
    for item in items {
        match item {
            Item::Memory(text) => kept.memory = Some(text),
            Item::FirstSeen { job, first } => drop(kept.first.insert(job, first)),
            Item::Config { job, text, armed, tell_only } => {
                let alarms = match AlarmConfig::parse("kept config", &text) {
                    Ok(config) if !config.alarms.is_empty() => Some(config.alarms),
                    Ok(_) => None,
                    Err(faults) => {
                        tracing::error!(%job, %faults, "kept_config_unusable");
                        None
                    }
                };
                kept.configs.insert(job, Config { alarms, armed, tell_only });
            }
        }
    }
    kept
}
