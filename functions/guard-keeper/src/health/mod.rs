//! The dead man's switch: whether what devices do is seen at all, and whether they still do anything.

pub(crate) mod attempts;
pub(crate) mod counts;
mod devices;
pub(crate) mod memory;
pub(crate) mod overdue;
pub(crate) mod pipeline;

use std::collections::BTreeMap;

use crate::evidence::Weighed;
use crate::health::counts::Round;
use crate::health::memory::{MAX_JOBS, Memory, Remembered};
use crate::health::pipeline::Pipeline;
use tripline::job::{Job, JobId};
use tripline::metric::{KeptMetric, Outcome};
use tripline_aws::{Failure, FailureKind};

use crate::ask::{Ask, JobGauge, Listed, Reported};
use crate::clock::{Call, Clock, Minute};
use crate::failed::Failures;
use crate::finding::Finding;
use crate::keeper::Keeper;
use crate::observe::{Account, Described};
use tripline::time::Timestamp;
use tripline_guard::coverage::Counted;

/// Until when each kind of work may begin, in percent of a minute's work.
const END: u32 = 84;
const TAGS: u32 = 87;
/// A job's tags are believed for so many seconds ...
const TAGS_FOR: i64 = 600;
/// ... and of those that were read before, one in so many is read again in a minute.
const TAGS_TURNS: usize = 10;

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
#[derive(Debug, Default)]
pub(crate) struct Watching {
    pub memory: Memory,
    /// Endings that were not counted while job events were off, of jobs where that was seen this minute.
    lost: BTreeMap<JobId, u32>,
    /// The stack's table is there, so that more is known than counts.
    pub remembers: bool,
    pub failures: Failures,
}

impl Watching {
    /// What there is to publish of single jobs beside their counts.
    pub fn gauges(&self) -> Vec<JobGauge> {
        let mut gauges = Vec::new();
        for (job, is) in &self.memory.jobs {
            let lost = self.lost.get(job).copied().unwrap_or(0);
            for (metric, number) in [
                (KeptMetric::OverdueCount, is.overdue),
                (KeptMetric::UncountedCount, is.pipeline.uncounted().saturating_add(lost)),
                (KeptMetric::OvercountedCount, is.pipeline.overcounted()),
            ] {
                if number > 0 {
                    gauges.push((job.clone(), metric, f64::from(number)));
                }
            }
        }
        gauges
    }

    /// Executions that ended uncounted, of all jobs.
    pub fn uncounted(&self) -> u64 {
        self.memory.uncounted() + self.lost.values().map(|lost| u64::from(*lost)).sum::<u64>()
    }

    /// What people are alerted to, of single jobs.
    pub fn findings(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (job, is) in &self.memory.jobs {
            let mut add =
                |case, number, text| findings.push(Finding::new(job, case, text).of(number));
            let (uncounted, overcounted) = (is.pipeline.uncounted(), is.pipeline.overcounted());
            if uncounted > 0 {
                add(
                    "uncounted",
                    uncounted,
                    format!(
                        "{uncounted} executions ended and none of them was counted, so no alarm on reports can fire. Watch it by hand; check the job events, the rule and the metrics-generator."
                    ),
                );
            }
            if overcounted > 0 {
                add(
                    "overcounted",
                    overcounted,
                    format!(
                        "{overcounted} more ended executions were counted than AWS IoT has, so alarms on reports can fire falsely. Find out who else publishes to IoT:OTA:JobExecution: a second stack, or a forger."
                    ),
                );
            }
            if is.worry {
                add(
                    "overdue",
                    is.overdue,
                    format!(
                        "At least {} devices have been in progress far longer than the others needed and may be dead. Nothing was stopped.",
                        is.overdue
                    ),
                );
            }
            if is.lost > 0 {
                add(
                    "lost",
                    is.lost,
                    format!(
                        "About {} executions ended while job events were off and are not counted: alarms on reports did not see them, the failure rate did. Check how they ended before you let it go on.",
                        is.lost
                    ),
                );
            }
        }
        findings
    }
}

impl<C: Ask, K: Clock + Sync> Keeper<C, K> {
    /// Watches the jobs that were described. Without the account, or without the stack's table, what was
    /// remembered is not known, and must not be overwritten.
    pub(crate) async fn watch(
        &self,
        minute: &Minute<'_, K>,
        account: Option<&Account>,
        (counted, weighed): (Round, &mut Weighed),
        events: Events,
    ) -> Watching {
        let Round { jobs, mut failures, .. } = counted;
        let Some(account) = account else { return Watching { failures, ..Watching::default() } };
        let remembers = account.table.is_some();
        let before = account.table.as_ref().and_then(|table| table.memory.as_deref());
        let mut memory = Memory::from_text(before, minute.now());
        if events == Events::Enabled || events == Events::On && memory.events_off {
            memory.since = minute.now().seconds();
        }
        if events != Events::Unknown {
            memory.events_off = events == Events::Off;
        }
        let mut lost = BTreeMap::new();
        if remembers {
            for Described { id: job, now, .. } in &jobs {
                if memory.job(job).is_some() || memory.jobs.len() < MAX_JOBS {
                    let judged = (&mut memory, &mut lost, &mut failures);
                    self.judge(minute, job, now, judged).await;
                }
            }
            self.end(minute, account, (&mut memory, &mut lost, &mut failures)).await;
        }
        self.refresh_tags(minute, account, &mut failures).await;
        for Described { id: job, now, .. } in &jobs {
            if let Err(failure) = self.count_things(minute, job, &now.setup, TAGS).await {
                failures.add(job.as_str(), failure);
            }
        }
        let lists = self.weigh_lists(minute, account, weighed).await;
        let counted = jobs.iter().map(|described| self.cache.job(&described.id).overdue_counted);
        let mut described: Vec<&Described> =
            oldest_first(counted.collect(), &jobs.iter().collect::<Vec<_>>()).collect();
        // Half of it is read for those whose list evidence has needed; every other minute they go first.
        if minute.turn().is_multiple_of(2) {
            described.sort_by_key(|described| lists.of(&described.id).is_none());
        }
        for described in described {
            let found = (&mut memory, &mut failures);
            self.count_overdue_devices(minute, account, described, &lists, found).await;
        }
        self.keep_counts_seen(minute, account);
        Watching { memory, lost, remembers, failures }
    }

    /// Reads tags: those that are not known, and of the others those that are oldest, in turns. An operator may
    /// have changed them.
    async fn refresh_tags(
        &self,
        minute: &Minute<'_, K>,
        account: &Account,
        failures: &mut Failures,
    ) {
        let read = |listed: &Listed| self.cache.job(&listed.job).tags_read();
        let jobs: Vec<&Listed> = account.jobs.values().collect();
        let mut turns = jobs.len().div_ceil(TAGS_TURNS);
        for listed in oldest_first(jobs.iter().map(|listed| read(listed)).collect(), &jobs) {
            if let Some(at) = read(listed) {
                if turns == 0 || minute.now().seconds_after(at) < TAGS_FOR {
                    break;
                }
                turns -= 1;
            }
            // Arming has tried the same this minute.
            if self.cache.job(&listed.job).unannounced == Some(minute.now()) {
                continue;
            }
            match self.ask_tags(minute, listed, TAGS).await {
                Ok(Some(_)) => {}
                Ok(None) => break,
                // It does not keep the others from it.
                Err(failure) => {
                    turns += 1;
                    failures.add(listed.job.as_str(), failure);
                }
            }
        }
    }

    /// Compares what has ended with what was counted.
    async fn judge(
        &self,
        minute: &Minute<'_, K>,
        job: &JobId,
        now: &Job,
        (memory, lost, failures): (&mut Memory, &mut BTreeMap<JobId, u32>, &mut Failures),
    ) {
        let ended = now.counts.ended.executed();
        let created = now.created().seconds();
        let known = memory.job(job);
        let mut remembered = match known.filter(|known| known.created == created) {
            Some(known) => known,
            None => {
                let counted = self.count(minute, job, now, failures).await;
                let Some((counted, reported)) = counted else { return };
                // CloudWatch counts on for another job of the same name, and by the hour.
                let before = counted.saturating_sub(ended);
                let is_whole = known.is_none() && memory.saw_beginning(now.created());
                let pipeline = match is_whole {
                    true => Pipeline::seen(0, 0, minute.now()),
                    false => Pipeline::seen(ended, counted.min(ended), minute.now()),
                };
                Remembered { created, before, pipeline, reported, ..Remembered::default() }
            }
        };
        let delay = self.settings.counted_within;
        let was_off = remembered.pipeline.asked_at() < memory.since;
        if (remembered.pipeline.needs_count(ended, minute.now(), delay) || was_off)
            && let Some((counted, reported)) = self.count(minute, job, now, failures).await
        {
            remembered.reported = reported;
            let counted = counted.saturating_sub(remembered.before);
            if was_off {
                let missed = remembered.pipeline.resume(ended, counted, minute.now());
                if missed > 0 {
                    tracing::error!(%job, missed, "executions_lost_while_events_off");
                    remembered.lost = remembered.lost.saturating_add(missed);
                    lost.insert(job.clone(), missed);
                }
            } else {
                remembered.pipeline.judge(ended, counted, minute.now(), delay);
            }
            let (uncounted, overcounted) =
                (remembered.pipeline.uncounted(), remembered.pipeline.overcounted());
            if uncounted > 0 {
                tracing::error!(%job, uncounted, "executions_uncounted");
            }
            if overcounted > 0 {
                tracing::error!(%job, overcounted, "executions_overcounted");
            }
        }
        memory.jobs.insert(job.clone(), remembered);
    }

    async fn count(
        &self,
        minute: &Minute<'_, K>,
        job: &JobId,
        now: &Job,
        failures: &mut Failures,
    ) -> Option<(u32, Counted)> {
        let life = (now.created(), minute.now());
        let (mut ended, mut reported, mut next) = (0_u32, Counted::default(), None);
        loop {
            if !minute.may(Call::Metrics, END).await {
                return None;
            }
            match self.client.count_events(job, life, next).await {
                Ok(page) => {
                    for (of, number) in page.items {
                        let add = |sum: &mut u32| *sum = sum.saturating_add(number);
                        match of {
                            Reported::Ended(Outcome::Succeeded) => {
                                add(&mut ended);
                                add(&mut reported.succeeded);
                            }
                            Reported::Ended(_) => add(&mut ended),
                            Reported::DownloadTimes => add(&mut reported.download_times),
                            Reported::InvalidDetails => add(&mut reported.invalid),
                        }
                    }
                    next = page.next;
                }
                Err(failure) => {
                    failures.add(job.as_str(), failure);
                    return None;
                }
            }
            if next.is_none() {
                return Some((ended, Counted { ended, ..reported }));
            }
        }
    }

    /// Jobs that have ended since: a last look at what was counted, and then they are forgotten.
    async fn end(
        &self,
        minute: &Minute<'_, K>,
        account: &Account,
        (memory, lost, failures): (&mut Memory, &mut BTreeMap<JobId, u32>, &mut Failures),
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
                    self.judge(minute, &job, &now, (memory, lost, failures)).await;
                    let since = now.ended().map_or(0, |at| minute.now().seconds_after(at));
                    if since > settled && !has_left {
                        memory.jobs.remove(&job);
                    }
                }
                Err(Failure { kind: FailureKind::NotFound, .. }) if !has_left => {
                    memory.jobs.remove(&job);
                }
                Err(Failure { kind: FailureKind::NotFound, .. }) => {}
                Err(failure) => failures.add(job.as_str(), failure),
            }
        }
    }
}
