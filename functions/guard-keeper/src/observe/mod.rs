//! What there is: jobs in progress, alarms, mute rules, configs. All of it is read before anything is done.

mod alarms;
pub(crate) mod cache;
mod devices;
mod guards;
mod jobs;
mod mutes;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_sdk_cloudwatch::types::MetricAlarm;
use tripline::alarm::AlarmDefinition;
use tripline::baseline::Baseline;
use tripline::evidence::Record;
use tripline::job::{Job, JobId};
use tripline::release::hold::HeldBriefly;
use tripline::time::Timestamp;
use tripline_aws::{Failure, FailureKind};
use tripline_config::{AlarmConfig, EvidenceConfig, parse_evidence};
use tripline_guard::desired::{KeptConfig, watches_evidence_s_absence};
use tripline_guard::kept::FirstSeen;
use tripline_guard::reconcile::numbered;

use crate::ask::{Alarm, Ask, Item, Listed, Page};
use crate::clock::{Call, Clock, Minute};
use crate::keeper::Keeper;

/// Looking has to be done by then, in percent of a minute's work.
const LOOK: u32 = 60;

/// Alarms have to be read by then that are asked for by name.
const NAMES: u32 = 70;
/// Most names in one call (CloudWatch `DescribeAlarms`, `AlarmNames`).
const MOST_NAMES: usize = 100;
/// So many alarms of one name and its successors are asked for by name.
const MOST_NUMBERED: u32 = 3;

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
    /// What could not be read.
    pub failures: Vec<(&'static str, Failure)>,
}

/// A job, as it was described at a time.
#[derive(Debug, Clone)]
pub(crate) struct Described {
    pub id: JobId,
    pub now: Job,
    /// When AWS IoT's answer was there.
    pub at: Duration,
}

/// What is in the stack's table.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    /// The jobs' own configs.
    pub configs: BTreeMap<JobId, Config>,
    pub memory: Option<String>,
    /// What jobs were when they were first seen.
    pub first: BTreeMap<JobId, FirstSeen>,
    /// Jobs' evidence.
    pub evidence: BTreeMap<JobId, KeptEvidence>,
    /// Rollouts that are held, or were.
    pub holds: BTreeMap<JobId, HeldBriefly>,
}

/// A job's evidence after the last minute.
#[derive(Debug)]
pub(crate) struct KeptEvidence {
    /// As far as it can be read.
    pub record: Record,
    pub state: Vec<u8>,
    /// The minute that is to be overwritten.
    pub tick: u32,
}

/// A job's own config.
#[derive(Debug)]
pub(crate) struct Config {
    /// `None` if it cannot be read.
    pub alarms: Option<Vec<AlarmDefinition>>,
    /// The limits of a healthy rollout.
    pub evidence: Option<EvidenceConfig>,
    /// The baseline that they are of.
    pub baseline: Option<Baseline>,
    /// When the job was armed with it.
    pub armed: Timestamp,
    /// That it stops nothing is meant.
    pub alert_only: bool,
    /// The default guard fills what it does not see.
    pub fills: bool,
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
            Some(Config { alarms: Some(alarms), evidence, alert_only, fills, .. }) => {
                KeptConfig::Alarms {
                    alarms,
                    evidence: evidence.as_ref(),
                    alert_only: *alert_only,
                    fills: *fills,
                }
            }
        }
    }

    /// A hold of this very job.
    pub fn hold(&self, job: &JobId, created: i64) -> Option<&HeldBriefly> {
        self.table.as_ref()?.holds.get(job).filter(|hold| hold.created == created)
    }

    /// Whether the config that a job was armed with declares limits of its own.
    pub fn declares_limits(&self, job: &JobId) -> bool {
        let config = self.table.as_ref().and_then(|table| table.configs.get(job));
        config.is_some_and(|config| config.evidence.is_some())
    }

    /// The baseline that a job's limits are of.
    pub fn baseline(&self, job: &JobId) -> Option<&Baseline> {
        self.table.as_ref()?.configs.get(job)?.baseline.as_ref()
    }

    /// Whether evidence of a job was published. Where that cannot be read, an alarm on its absence stays.
    pub fn has_evidence(&self, job: &JobId) -> bool {
        let created = self.jobs.get(job).map(|listed| listed.created.seconds());
        let is_its = |kept: &KeptEvidence| Some(kept.record.created) == created;
        let kept = self.table.as_ref().map(|table| table.evidence.get(job).is_some_and(is_its));
        let is_on_absence = |alarm: &MetricAlarm| watches_evidence_s_absence(alarm);
        kept.unwrap_or_else(|| self.alarms_of(job).iter().any(is_on_absence))
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
        let (alarms, items, muted) = tokio::join!(describes, scans, self.muted(minute));
        let mut account = Account {
            jobs: jobs.clone(),
            alarms: BTreeMap::new(),
            taken: BTreeSet::new(),
            muted: BTreeMap::new(),
            table: None,
            failures: Vec::new(),
        };
        match items {
            Ok(items) => account.table = Some(read(items)),
            Err(failure) => account.failures.push(("the stack's table", failure)),
        }
        let (muted, failure) = muted;
        account.muted = muted;
        account.failures.extend(failure.map(|failure| ("mute rules", failure)));
        self.cache.tidy(minute.now(), |job| jobs.contains_key(job));
        self.recall(jobs, account.table.as_ref());
        let (mut seen, is_whole) = alarms?;
        if !is_whole {
            account.failures.push(("alarms", late("DescribeAlarms")));
            self.add_wanted_alarms(minute, &account, &mut seen).await?;
        }
        let mut metric = Vec::new();
        for (name, alarm) in seen {
            account.taken.insert(name);
            if let Alarm::Metric(alarm) = alarm {
                metric.push(*alarm);
            }
        }
        let configs = account.table.iter().flat_map(|table| table.configs.keys());
        let named = jobs.keys().chain(configs).collect();
        account.alarms = self.by_job(minute, metric, named).await;
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

    /// Where there are more alarms than can be listed: at least those that jobs in progress are to have, and
    /// those that stand for them where a name was taken. So nothing of theirs is overwritten unseen, and nothing
    /// is left undone; what jobs have beside them is not seen.
    async fn add_wanted_alarms(
        &self,
        minute: &Minute<'_, K>,
        account: &Account,
        seen: &mut BTreeMap<String, Alarm>,
    ) -> Result<(), Failure> {
        let wanted = account.jobs.keys().flat_map(|job| {
            let desired = self.desired(account, job, &self.cache.job(job));
            let names = desired.alarms.into_iter().map(|alarm| alarm.name_for(job));
            names.collect::<Vec<_>>()
        });
        let mut names: Vec<String> = wanted.filter(|name| !seen.contains_key(name)).collect();
        // Under its own name, and then under the next ones as long as there is one.
        let mut number = 1;
        while !names.is_empty() && number <= MOST_NUMBERED {
            let mut there = Vec::new();
            for some in names.chunks(MOST_NAMES) {
                if !minute.may(Call::DescribeAlarms, NAMES).await {
                    return Err(late("DescribeAlarms"));
                }
                let asked: Vec<String> = some.iter().map(|name| numbered(name, number)).collect();
                let found = self.client.alarms_named(&asked).await?;
                let is_there =
                    |name: &&String| found.iter().any(|it| it.name() == numbered(name, number));
                there.extend(some.iter().filter(is_there).cloned());
                seen.extend(found.into_iter().map(|alarm| (alarm.name().to_owned(), alarm)));
            }
            (names, number) = (there, number + 1);
        }
        Ok(())
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
            Item::Holds(holds) => kept.holds = holds.into_iter().collect(),
            Item::FirstSeen { job, first } => drop(kept.first.insert(job, first)),
            Item::Evidence { job, text, state, tick } => {
                let record = Record::from_text(&text).unwrap_or_else(|| {
                    tracing::error!(%job, "evidence_unreadable");
                    Record::default()
                });
                kept.evidence.insert(job, KeptEvidence { record, state, tick });
            }
            Item::Config { job, text, armed, alert_only, baseline } => {
                let read = read_config(&text, baseline.as_deref());
                if let Err(faults) = &read {
                    tracing::error!(%job, faults, "kept_config_unusable");
                }
                let config = match read {
                    Ok(read) => Config { armed, alert_only, ..read },
                    Err(_) => Config {
                        alarms: None,
                        evidence: None,
                        baseline: None,
                        armed,
                        alert_only,
                        fills: true,
                    },
                };
                kept.configs.insert(job, config);
            }
        }
    }
    kept
}

/// A config that guards by nothing is none.
fn read_config(text: &str, baseline: Option<&str>) -> Result<Config, String> {
    const FILE: &str = "kept config";
    let config = AlarmConfig::parse(FILE, text).map_err(|faults| faults.to_string())?;
    let evidence = parse_evidence(FILE, text).map_err(|faults| faults.to_string())?;
    let baseline = baseline.map(Baseline::parse).transpose().map_err(|error| error.to_string())?;
    match config.alarms.is_empty() && evidence.is_none() {
        true => Err("it has no alarm".to_owned()),
        false => Ok(Config {
            alarms: Some(config.alarms),
            evidence,
            baseline,
            armed: Timestamp::from_seconds(0),
            alert_only: false,
            fills: config.default_guard,
        }),
    }
}
