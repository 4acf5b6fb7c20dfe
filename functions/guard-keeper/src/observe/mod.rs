//! What there is: jobs in progress, alarms, configs.

pub(crate) mod cache;

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::types::MetricAlarm;
use tripline::alarm::{AlarmDefinition, alarm_name_prefix};
use tripline::job::JobId;
use tripline::time::Timestamp;
use tripline_aws::{Failure, FailureKind};
use tripline_config::AlarmConfig;
use tripline_guard::owner::{Watched, watched};
use tripline_guard::put::{JOB_TAG, STACK_TAG};

use crate::ask::{Alarm, Ask, Item, Listed, Page};
use crate::clock::{Call, Clock, Minute};
use crate::keeper::Keeper;
use crate::observe::cache::Tags;

/// Looking has to be done by then, in percent of a minute's work.
const LOOK: u32 = 60;

/// Alarms have to be read by then that are asked for by name.
const NAMES: u32 = 70;
/// Most names in one call (CloudWatch `DescribeAlarms`, `AlarmNames`).
const MOST_NAMES: usize = 100;

/// What there is in the account.
#[derive(Debug)]
pub(crate) struct Account {
    pub jobs: BTreeMap<JobId, Listed>,
    /// By the job that their metrics are of.
    pub alarms: BTreeMap<JobId, Vec<MetricAlarm>>,
    /// The names of all alarms that are called as Tripline's are, whatever they watch.
    pub taken: Vec<String>,
    /// The stack's table; `None` if it cannot be read.
    pub table: Option<Kept>,
    /// What could not be read.
    pub failures: Vec<(&'static str, Failure)>,
}

/// What is in the stack's table.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    /// The jobs' own configs.
    pub configs: BTreeMap<JobId, Config>,
    pub memory: Option<String>,
}

/// A job's own config.
#[derive(Debug)]
pub(crate) struct Config {
    /// `None` if it cannot be read.
    pub alarms: Option<Vec<AlarmDefinition>>,
    /// When the job was armed with it.
    pub armed: Timestamp,
}

impl Account {
    pub fn alarms_of(&self, job: &JobId) -> &[MetricAlarm] {
        self.alarms.get(job).map_or(&[], Vec::as_slice)
    }

    /// The alarms that a job was armed with.
    pub fn own(&self, job: &JobId) -> Option<&[AlarmDefinition]> {
        self.table.as_ref()?.configs.get(job)?.alarms.as_deref()
    }
}

impl<C: Ask, K: Clock + Sync> Keeper<C, K> {
    /// The jobs in progress.
    pub(crate) async fn list_all_jobs(
        &self,
        minute: &Minute<'_, K>,
    ) -> Result<BTreeMap<JobId, Listed>, Failure> {
        let jobs = |next| self.client.list_jobs(next);
        let listed = all("ListJobs", minute, Call::ListJobs, jobs).await?;
        Ok(listed.into_iter().map(|job| (job.job.clone(), job)).collect())
    }

    /// Looks at everything beside the jobs. Without the alarms nothing can be done.
    pub(crate) async fn observe(
        &self,
        minute: &Minute<'_, K>,
        jobs: &BTreeMap<JobId, Listed>,
    ) -> Result<Account, Failure> {
        let describes = self.list_alarms_in_time(minute);
        let scans = async {
            let items = |next| self.client.read_table(next);
            all("Scan", minute, Call::Table, items).await
        };
        let (alarms, items) = tokio::join!(describes, scans);
        let mut failures = Vec::new();
        let table = match items {
            Ok(items) => Some(read(items)),
            Err(failure) => {
                failures.push(("the stack's table", failure));
                None
            }
        };
        let (mut seen, is_whole) = alarms?;
        let mut account = Account {
            jobs: jobs.clone(),
            alarms: BTreeMap::new(),
            taken: Vec::new(),
            table,
            failures,
        };
        if !is_whole {
            account.failures.push(("alarms", late("DescribeAlarms")));
            self.add_wanted_alarms(minute, &account, &mut seen).await?;
        }
        let mut metric = Vec::new();
        for (name, alarm) in seen {
            account.taken.push(name);
            if let Alarm::Metric(alarm) = alarm {
                metric.push(*alarm);
            }
        }
        account.alarms = self.by_job(minute, metric).await;
        self.cache.tidy(minute.now(), |job| jobs.contains_key(job));
        Ok(account)
    }

    /// As many alarms as can be read in time, by name, and whether these are all.
    async fn list_alarms_in_time(
        &self,
        minute: &Minute<'_, K>,
    ) -> Result<(BTreeMap<String, Alarm>, bool), Failure> {
        let (mut seen, mut next) = (BTreeMap::new(), None);
        loop {
            if !minute.may(Call::DescribeAlarms, LOOK).await {
                return Ok((seen, false));
            }
            let page = self.client.list_alarms(next).await?;
            seen.extend(page.items.into_iter().map(|alarm| (alarm.name().to_owned(), alarm)));
            next = page.next;
            if next.is_none() {
                return Ok((seen, true));
            }
        }
    }

    /// Where there are more alarms than can be listed: at least those that jobs in progress are to have. So
    /// nothing of theirs is overwritten unseen, and nothing is left undone; what jobs have beside them is not seen.
    async fn add_wanted_alarms(
        &self,
        minute: &Minute<'_, K>,
        account: &Account,
        seen: &mut BTreeMap<String, Alarm>,
    ) -> Result<(), Failure> {
        let wanted = account.jobs.keys().flat_map(|job| {
            let alarms = self.wanted(account, job).into_iter();
            alarms.map(move |alarm| alarm.name_for(job))
        });
        let names: Vec<String> = wanted.filter(|name| !seen.contains_key(name)).collect();
        for some in names.chunks(MOST_NAMES) {
            if !minute.may(Call::DescribeAlarms, NAMES).await {
                return Err(late("DescribeAlarms"));
            }
            let found = self.client.alarms_named(some).await?;
            seen.extend(found.into_iter().map(|alarm| (alarm.name().to_owned(), alarm)));
        }
        Ok(())
    }

    /// Alarms by their job. Those that are not of exactly one job, or not named after it, are
    /// somebody else's.
    async fn by_job(
        &self,
        minute: &Minute<'_, K>,
        alarms: Vec<MetricAlarm>,
    ) -> BTreeMap<JobId, Vec<MetricAlarm>> {
        let mut by_job: BTreeMap<JobId, Vec<MetricAlarm>> = BTreeMap::new();
        for alarm in alarms {
            let job = match watched(&alarm) {
                Watched::Job(job) => Some(job.to_owned()),
                Watched::Other => None,
                // CloudWatch shows metrics; whatever does not, is asked for its tags.
                Watched::Unseen => self.tags_of(minute, &alarm, LOOK).await.and_then(|is| is.job),
            };
            if let Some(job) = job.and_then(|job| JobId::new(&job).ok())
                && name(&alarm).starts_with(&alarm_name_prefix(&job))
            {
                by_job.entry(job).or_default().push(alarm);
            }
        }
        by_job
    }

    /// An alarm's tags, as far as they are known or can be had.
    pub(crate) async fn tags_of(
        &self,
        minute: &Minute<'_, K>,
        alarm: &MetricAlarm,
        percent: u32,
    ) -> Option<Tags> {
        match self.cache.owner(name(alarm), minute.now()) {
            Some(tags) => Some(tags),
            None => self.fresh_tags_of(minute, alarm, percent).await,
        }
    }

    /// An alarm's tags now; `None` if they cannot be had.
    pub(crate) async fn fresh_tags_of(
        &self,
        minute: &Minute<'_, K>,
        alarm: &MetricAlarm,
        percent: u32,
    ) -> Option<Tags> {
        let arn = alarm.alarm_arn()?;
        if !minute.may(Call::AlarmTags, percent).await {
            return None;
        }
        let read = match self.client.alarm_tags(arn).await {
            Ok(read) => read,
            Err(failure) => {
                tracing::warn!(alarm = name(alarm), %failure, "alarm_tags_unknown");
                return None;
            }
        };
        let value = |key| read.iter().find(|(other, _)| other == key).map(|(_, is)| is.clone());
        let tags = Tags { job: value(JOB_TAG), stack: value(STACK_TAG) };
        self.cache.learn_owner(name(alarm), minute.now(), tags.clone());
        Some(tags)
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
            Item::Config { job, text, armed } => {
                let alarms = match AlarmConfig::parse("kept config", &text) {
                    Ok(config) if !config.alarms.is_empty() => Some(config.alarms),
                    Ok(_) => None,
                    Err(faults) => {
                        tracing::error!(%job, %faults, "kept_config_unusable");
                        None
                    }
                };
                kept.configs.insert(job, Config { alarms, armed });
            }
        }
    }
    kept
}
