//! The dead man's switch: whether what devices do is seen at all, and whether they still do anything.

pub(crate) mod memory;
pub(crate) mod overdue;
pub(crate) mod pipeline;

use crate::health::memory::{MAX_JOBS, Memory, Remembered};
use crate::health::pipeline::Pipeline;
use tripline::alarm::{Limit, Statistic};
use tripline::job::{Job, JobId};
use tripline::metric::{KeptMetric, Metric, NAMESPACE};
use tripline::time::Timestamp;
use tripline_aws::{Failure, FailureKind};

use crate::ask::{Ask, JobGauge, Listed, Phase, Span};
use crate::clock::{Call, Clock, Minute};
use crate::failed::Trouble;
use crate::keeper::Keeper;
use crate::observe::Account;

/// Until when each kind of work may begin, in percent of a minute's work.
const JUDGE: u32 = 75;
const END: u32 = 80;
const TAGS: u32 = 88;
const OVERDUE: u32 = 100;
/// For so many seconds the limit from which on executions are overdue is not found anew.
const LIMIT_FOR: i64 = 900;
/// Most pages of executions, of 250 each.
const SUCCEEDED_PAGES: usize = 2;
const IN_PROGRESS_PAGES: usize = 4;

/// The items in the order of their times, those first that have none.
fn oldest_first<T: Copy>(times: Vec<Option<Timestamp>>, items: &[T]) -> impl Iterator<Item = T> {
    in_order(times).into_iter().filter_map(|place| items.get(place).copied())
}

fn in_order(times: Vec<Option<Timestamp>>) -> Vec<usize> {
    let mut places: Vec<_> = times.into_iter().zip(0_usize..).collect();
    places.sort_unstable();
    places.into_iter().map(|(_, place)| place).collect()
}

/// Whether AWS IoT sends job events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Events {
    On,
    /// Since this minute.
    Enabled,
    Off,
    Unknown,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Watching {
    pub memory: Memory,
    /// Of each job that was looked at: how many devices were told, and ended badly.
    counts: Vec<(JobId, u32, u32)>,
    /// The stack's table is there, so that more is known than counts.
    pub remembers: bool,
    pub trouble: Trouble,
}

impl Watching {
    /// What there is to publish of single jobs.
    pub fn gauges(&self) -> Vec<JobGauge> {
        let mut gauges = Vec::new();
        for (job, is) in &self.memory.jobs {
            for (metric, number) in [
                (KeptMetric::OverdueCount, is.overdue),
                (KeptMetric::UncountedCount, is.pipeline.uncounted()),
            ] {
                if number > 0 {
                    gauges.push((job.clone(), metric, f64::from(number)));
                }
            }
        }
        // Both, also where none ended badly: a share has to be seen to be well.
        for (job, told, bad) in &self.counts {
            gauges.push((job.clone(), KeptMetric::NotifiedCount, f64::from(*told)));
            gauges.push((job.clone(), KeptMetric::UnsuccessfulCount, f64::from(*bad)));
        }
        gauges
    }
}

impl<C: Ask, K: Clock + Sync> Keeper<C, K> {
    /// Watches jobs in progress, those first that were not watched for longest. Without the stack's table
    /// they are only counted: what was remembered must not be overwritten.
    pub(crate) async fn watch(
        &self,
        minute: &Minute<'_, K>,
        account: &Account,
        events: Events,
    ) -> Watching {
        let remembers = account.table.is_some();
        let before = account.table.as_ref().and_then(|table| table.memory.as_deref());
        let mut memory = Memory::from_text(before, minute.now());
        if events == Events::Enabled {
            // Whatever ended before could not be counted.
            memory = Memory { since: minute.now().seconds(), ..Memory::default() };
        }
        let mut trouble = Trouble::default();
        let jobs: Vec<&Listed> = account.jobs.values().collect();
        let mut at_work = Vec::new();
        let watched = jobs.iter().map(|listed| self.cache.job(&listed.job).watched);
        for listed in oldest_first(watched.collect(), &jobs) {
            let job = &listed.job;
            let is_remembered = memory.job(job).is_some() || memory.jobs.len() < MAX_JOBS;
            if !minute.may(Call::DescribeJob, JUDGE).await {
                break;
            }
            match self.client.describe_job(job).await {
                Ok(now) => {
                    self.cache.learn(job, |job| {
                        (job.rate, job.is_greengrass) = (Some(now.rate), Some(now.is_greengrass));
                    });
                    if is_remembered && remembers {
                        self.judge(minute, job, &now, &mut memory, &mut trouble).await;
                    }
                    at_work.push((job, now));
                }
                Err(failure) => trouble.add(job.as_str(), failure),
            }
            self.cache.learn(job, |job| job.watched = Some(minute.now()));
        }
        if remembers {
            self.end(minute, account, &mut memory, &mut trouble).await;
        }
        self.refresh_tags(minute, account).await;
        let overdue_counted = at_work.iter().map(|(job, _)| self.cache.job(job).overdue_counted);
        for (job, now) in
            oldest_first(overdue_counted.collect(), &at_work.iter().collect::<Vec<_>>())
        {
            self.count_overdue_devices(minute, account, job, now, (&mut memory, &mut trouble))
                .await;
        }
        let counts = at_work
            .into_iter()
            .filter_map(|(job, now)| {
                let open = now.counts.open();
                let told = now.counts.ended.executed().saturating_add(open);
                (told > 0).then(|| (job.clone(), told, now.counts.ended.unsuccessful()))
            })
            .collect();
        Watching { memory, counts, remembers, trouble }
    }

    /// Reads tags anew, those first that are oldest: an operator may have changed them.
    async fn refresh_tags(&self, minute: &Minute<'_, K>, account: &Account) {
        let read = |listed: &Listed| self.cache.job(&listed.job).tags_read();
        let jobs: Vec<&Listed> = account.jobs.values().collect();
        for listed in oldest_first(jobs.iter().map(|listed| read(listed)).collect(), &jobs) {
            // Arming reads them too, at the same time.
            if read(listed) == Some(minute.now()) {
                continue;
            }
            if self.read_tags(minute, listed, TAGS).await.is_none() {
                break;
            }
        }
    }

    /// Holds what has ended against what was counted.
    async fn judge(
        &self,
        minute: &Minute<'_, K>,
        job: &JobId,
        now: &Job,
        memory: &mut Memory,
        trouble: &mut Trouble,
    ) {
        let ended = now.counts.ended.executed();
        let created = now.created().seconds();
        let remembered = match memory.job(job) {
            Some(remembered) if remembered.created == created => Some(remembered),
            // Another job of the same name: CloudWatch counts on.
            Some(_) => self.count(minute, job, now, trouble).await.map(|counted| Remembered {
                created,
                before: counted.saturating_sub(ended),
                pipeline: Pipeline::seen(ended, counted.min(ended)),
                ..Remembered::default()
            }),
            None if memory.saw_beginning(now.created()) => {
                Some(Remembered { created, ..Remembered::default() })
            }
            None => self.count(minute, job, now, trouble).await.map(|counted| Remembered {
                created,
                pipeline: Pipeline::seen(ended, counted),
                ..Remembered::default()
            }),
        };
        let Some(mut remembered) = remembered else { return };
        if remembered.pipeline.needs_count(ended, minute.now(), self.settings.counted_within)
            && let Some(counted) = self.count(minute, job, now, trouble).await
        {
            remembered.pipeline.judge(ended, counted.saturating_sub(remembered.before));
            let uncounted = remembered.pipeline.uncounted();
            if uncounted > 0 {
                tracing::error!(%job, uncounted, "executions_uncounted");
            }
        }
        memory.jobs.insert(job.clone(), remembered);
    }

    async fn count(
        &self,
        minute: &Minute<'_, K>,
        job: &JobId,
        now: &Job,
        trouble: &mut Trouble,
    ) -> Option<u32> {
        let life = (now.created(), minute.now());
        let (mut counted, mut next) = (0_u32, None);
        loop {
            if !minute.may(Call::Metrics, END).await {
                return None;
            }
            match self.client.count_events(job, now.counts.ended, life, next).await {
                Ok(page) => {
                    counted = page.items.into_iter().fold(counted, u32::saturating_add);
                    next = page.next;
                }
                Err(failure) => {
                    trouble.add(job.as_str(), failure);
                    return None;
                }
            }
            if next.is_none() {
                return Some(counted);
            }
        }
    }

    /// Jobs that have ended since: a last look at what was counted, and then they are forgotten.
    async fn end(
        &self,
        minute: &Minute<'_, K>,
        account: &Account,
        memory: &mut Memory,
        trouble: &mut Trouble,
    ) {
        let is_over = |job: &JobId| !account.jobs.contains_key(job);
        let mut names: Vec<JobId> =
            memory.jobs.keys().filter(|job| is_over(job)).cloned().collect();
        if !names.is_empty() {
            let by = minute.turn() % names.len() as u64;
            names.rotate_left(usize::try_from(by).unwrap_or(0));
        }
        for job in names {
            if let Some(remembered) = memory.jobs.get_mut(&job) {
                (remembered.overdue, remembered.worry) = (0, false);
            }
            if !minute.may(Call::DescribeJob, END).await {
                break;
            }
            // Its alarms and config are tidied up by what is remembered.
            let has_left = self.may_have_left(minute, account, &job)
                || account.table.as_ref().is_some_and(|table| table.configs.contains_key(&job));
            let settled = self.settings.grace.max(self.settings.counted_within + 120);
            match self.client.describe_job(&job).await {
                Ok(now) => {
                    self.judge(minute, &job, &now, memory, trouble).await;
                    let since = now.ended().map_or(0, |at| minute.now().seconds_after(at));
                    if since > settled && !has_left {
                        memory.jobs.remove(&job);
                    }
                }
                Err(Failure { kind: FailureKind::NotFound, .. }) if !has_left => {
                    memory.jobs.remove(&job);
                }
                Err(Failure { kind: FailureKind::NotFound, .. }) => {}
                Err(failure) => trouble.add(job.as_str(), failure),
            }
        }
    }

    /// Counts devices that have been at work for too long.
    async fn count_overdue_devices(
        &self,
        minute: &Minute<'_, K>,
        account: &Account,
        job: &JobId,
        now: &Job,
        (memory, trouble): (&mut Memory, &mut Trouble),
    ) {
        let Some(mut remembered) = memory.job(job) else { return };
        let found = match now.counts.in_progress {
            0 => Ok(Some((0, 0))),
            total => self.count_overdue(minute, account, job, total).await,
        };
        match found {
            // In which order AWS IoT lists is not documented: those that were seen are sure.
            Ok(Some((count, estimate))) => {
                self.cache.learn(job, |job| job.overdue_counted = Some(minute.now()));
                remembered.overdue = count;
                remembered.worry = overdue::worry(estimate, now.counts.ended.executed());
                if remembered.worry {
                    tracing::warn!(%job, count, "devices_overdue");
                }
                memory.jobs.insert(job.clone(), remembered);
            }
            // The next minute.
            Ok(None) => {}
            Err(failure) => trouble.add(job.as_str(), failure),
        }
    }

    async fn count_overdue(
        &self,
        minute: &Minute<'_, K>,
        account: &Account,
        job: &JobId,
        total: u32,
    ) -> Result<Option<(u32, u32)>, Failure> {
        let limit = match self.cache.job(job).limit {
            Some((at, limit)) if minute.now().seconds_after(at) < LIMIT_FOR => limit,
            _ => {
                let spans = self.spans(minute, job, Phase::Succeeded, SUCCEEDED_PAGES).await?;
                let Some(spans) = spans else { return Ok(None) };
                let times: Vec<i64> =
                    spans.iter().map(|(began, ended)| ended.seconds_after(*began)).collect();
                let limit = overdue::limit(&times, self.download_limit(account, job));
                // Few say little, and soon there are more.
                if times.len() >= overdue::MIN_FINISHED {
                    self.cache.learn(job, |job| job.limit = Some((minute.now(), limit)));
                }
                limit
            }
        };
        let spans = self.spans(minute, job, Phase::InProgress, IN_PROGRESS_PAGES).await?;
        let ages = |spans: Vec<Span>| {
            let seen = u32::try_from(spans.len()).unwrap_or(u32::MAX);
            let age = |(began, _): Span| minute.now().seconds_after(began);
            let count = overdue::count(spans.into_iter().map(age), limit);
            (count, overdue::scaled(count, seen, total))
        };
        Ok(spans.map(ages))
    }

    /// Seconds that a download of a job may take: the longest that its own alarms allow, or the default
    /// guard as its tags have it.
    fn download_limit(&self, account: &Account, job: &JobId) -> f64 {
        let own = account.own(job).unwrap_or_default().iter();
        let own = own.filter(|alarm| {
            alarm.namespace == NAMESPACE
                && alarm.metric == Metric::DownloadTime.name()
                && alarm.limit == Limit::Upper
                && !matches!(alarm.statistic, Statistic::Sum | Statistic::SampleCount)
        });
        let default = || match self.cache.job(job).tagged() {
            Some(tagged) => tagged.guard.download_limit(),
            None => self.settings.default_guard.download_limit(),
        };
        own.map(|alarm| alarm.threshold).reduce(f64::max).unwrap_or_else(default)
    }

    /// Some pages of executions; `None` if they are not there in time.
    async fn spans(
        &self,
        minute: &Minute<'_, K>,
        job: &JobId,
        phase: Phase,
        pages: usize,
    ) -> Result<Option<Vec<Span>>, Failure> {
        let mut spans = Vec::new();
        let mut next = None;
        for _ in 0..pages {
            if !minute.may(Call::Executions, OVERDUE).await {
                return Ok(None);
            }
            let page = self.client.list_executions(job, phase, next).await?;
            spans.extend(page.items);
            next = page.next;
            if next.is_none() {
                break;
            }
        }
        Ok(Some(spans))
    }
}
