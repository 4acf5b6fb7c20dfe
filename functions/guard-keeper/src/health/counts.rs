//! How far each job is: notified and unsuccessful executions, by which the alarm on the failure rate decides.
//! They are published while jobs are still being described, before anything else is looked for.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use aws_sdk_cloudwatch::types::{MetricAlarm, StateValue};
use tripline::job::{Job, JobId};
use tripline::metric::KeptMetric;
use tripline::time::Timestamp;

use super::attempts::in_devices;
use super::oldest_first;
use crate::ask::{Ask, JobGauge, Listed};
use crate::clock::{Call, Clock, FIT_A_MINUTE, Minute};
use crate::failed::Failures;
use crate::keeper::{Keeper, held};
use crate::observe::cache::Numbers;
use crate::observe::{Account, Described, late};

/// Until when a job may be described, in percent of a minute's work. The rest is for what comes after.
const DESCRIBE: u32 = 75;
/// Until when tags may be read without which a job's counts are not known.
const TAGS: u32 = 80;
/// Counts are published once there are those of so many jobs: at five descriptions a second, every ten seconds.
const PUBLISHED_TOGETHER: usize = 50;
/// Counts that do not change are published for so many seconds more, so that every alarm has seen them; then no
/// longer, since a metric costs in the hours in which it has points.
pub const STILL_FOR: i64 = 300;

/// What became of the round.
#[derive(Debug, Default)]
pub(crate) struct Round {
    /// The jobs that were described.
    pub jobs: Vec<Described>,
    /// Those whose counts are not known before more is.
    waiting: Vec<(JobId, Job)>,
    pub failures: Failures,
}

/// The round as its lanes share it.
#[derive(Default)]
struct Lanes<'a> {
    waiting: VecDeque<&'a Listed>,
    counted: Round,
    /// Counts that are to be published.
    due: Vec<(JobId, (u32, u32))>,
}

impl<C: Ask, K: Clock + Sync> Keeper<C, K> {
    /// Describes jobs, those first that were not described for longest, and publishes their counts.
    pub(crate) async fn count_devices(
        &self,
        minute: &Minute<'_, K>,
        jobs: &BTreeMap<JobId, Listed>,
    ) -> Round {
        let mut listed: Vec<&Listed> = jobs.values().collect();
        // A new environment knows of none when it was described: where they do not all fit a minute, others
        // come first each time. Else each keeps its place in the minute, which evidence goes by.
        let by = minute.turn().wrapping_mul(PUBLISHED_TOGETHER as u64);
        if listed.len() > FIT_A_MINUTE
            && let Some(by) = by.checked_rem(listed.len() as u64)
        {
            listed.rotate_left(usize::try_from(by).unwrap_or(0));
        }
        let watched = listed.iter().map(|listed| self.cache.job(&listed.job).watched);
        let round = Mutex::new(Lanes {
            waiting: oldest_first(watched.collect(), &listed).collect(),
            counted: Round::default(),
            due: Vec::new(),
        });
        // One answer that is slow does not hold up the pace.
        let lane = || self.describe_some(minute, &round);
        tokio::join!(lane(), lane(), lane());
        self.publish_counts(minute, &round, 1).await;
        round.into_inner().unwrap_or_else(PoisonError::into_inner).counted
    }

    async fn describe_some(&self, minute: &Minute<'_, K>, round: &Mutex<Lanes<'_>>) {
        loop {
            let Some(listed) = held(round).waiting.pop_front() else { return };
            if !minute.may(Call::DescribeJob, DESCRIBE).await {
                return;
            }
            let job = &listed.job;
            let described = self.client.describe_job(job).await;
            let at = self.clock.now();
            self.cache.learn(job, |job| job.watched = Some(minute.now()));
            match described {
                Ok(now) => {
                    self.cache.learn_described(job, &now);
                    let counts = self.counts_of(job, &now, false);
                    let mut round = held(round);
                    match counts {
                        None => round.counted.waiting.push((job.clone(), now.clone())),
                        Some(counts) if counts.0 > 0 && self.is_due(job, counts, minute.now()) => {
                            round.due.push((job.clone(), counts));
                        }
                        Some(_) => {}
                    }
                    round.counted.jobs.push(Described { id: job.clone(), now, at });
                }
                Err(failure) => held(round).counted.failures.add(job.as_str(), failure),
            }
            self.publish_counts(minute, round, PUBLISHED_TOGETHER).await;
        }
    }

    /// How many devices were notified, and how many of them unsuccessful. Where AWS IoT counts attempts, its lists
    /// have to be read. Only where some were rejected, the
    /// job's tags have to be known, and the table read that keeps the first ones, as far as it can be
    /// (`is_read`): until then its counts wait, because one too many could stop it.
    fn counts_of(&self, job: &JobId, now: &Job, is_read: bool) -> Option<(u32, u32)> {
        let known = self.cache.job(job);
        let is_known = known.tags.is_some() && (known.is_recalled || is_read);
        if now.counts.ended.rejected > 0 && !is_known {
            return None;
        }
        let attempts = known.attempts;
        let rejected = known.tagged().and_then(|tagged| tagged.count_rejected);
        let rejected = rejected.unwrap_or(self.settings.count_rejected);
        let counts = in_devices(now, attempts)?;
        let notified = counts.ended.executed().saturating_add(counts.open());
        Some((notified, counts.ended.unsuccessful_with(rejected)))
    }

    /// Publishes the counts that had to wait, now that the table was read or cannot be. `with_lists`: also of jobs
    /// whose lists of executions have to be read for that, others first each minute.
    pub(crate) async fn publish_waiting(
        &self,
        minute: &Minute<'_, K>,
        jobs: &BTreeMap<JobId, Listed>,
        counted: &mut Round,
        with_lists: bool,
    ) {
        let mut waiting: Vec<(JobId, Job)> = std::mem::take(&mut counted.waiting);
        if let Some(by) = minute.turn().checked_rem(waiting.len() as u64) {
            waiting.rotate_left(usize::try_from(by).unwrap_or(0));
        }
        let mut due = Vec::new();
        for (job, now) in waiting {
            if self.cache.job(&job).tags.is_none()
                && let Some(listed) = jobs.get(&job)
                && let Err(failure) = self.ask_tags(minute, listed, TAGS).await
            {
                counted.failures.add(job.as_str(), failure);
            }
            if in_devices(&now, self.cache.job(&job).attempts).is_none() {
                if !with_lists {
                    counted.waiting.push((job, now));
                    continue;
                }
                if let Err(failure) = self.count_attempts(minute, &job, &now).await {
                    counted.failures.add(job.as_str(), failure);
                }
            }
            if let Some(counts) = self.counts_of(&job, &now, true)
                && counts.0 > 0
                && self.is_due(&job, counts, minute.now())
            {
                due.push((job, counts));
            }
        }
        let round = Mutex::new(Lanes { due, ..Lanes::default() });
        self.publish_counts(minute, &round, 1).await;
        let round = round.into_inner().unwrap_or_else(PoisonError::into_inner);
        counted.failures.extend(round.counted.failures);
    }

    /// Whether counts are to be published: they are not known to be, have changed, or have a short time ago.
    fn is_due(&self, job: &JobId, counts: (u32, u32), now: Timestamp) -> bool {
        self.cache.job(job).numbers.is_none_or(|published| {
            published.counts != counts || now.seconds_after(published.since) <= STILL_FOR
        })
    }

    /// Publishes what is due, if there are at least so many.
    async fn publish_counts(&self, minute: &Minute<'_, K>, round: &Mutex<Lanes<'_>>, least: usize) {
        let due = {
            let mut round = held(round);
            if round.due.len() < least {
                return;
            }
            std::mem::take(&mut round.due)
        };
        // Both of a job in one request, so that they are of one moment.
        let both = |(job, (notified, unsuccessful)): &(JobId, (u32, u32))| -> [JobGauge; 2] {
            [
                (job.clone(), KeptMetric::NotifiedCount, f64::from(*notified)),
                (job.clone(), KeptMetric::UnsuccessfulCount, f64::from(*unsuccessful)),
            ]
        };
        let gauges: Vec<JobGauge> = due.iter().flat_map(both).collect();
        let published = match minute.may_publish() {
            true => self.client.publish_jobs(&gauges).await,
            false => Err(late("PutMetricData")),
        };
        match published {
            Ok(()) => {
                let at = minute.now();
                for (job, counts) in due {
                    self.cache.learn(&job, |job| {
                        let same = job.numbers.filter(|before| before.counts == counts);
                        let since = same.map_or(at, |before| before.since);
                        job.numbers = Some(Numbers { counts, since, at });
                    });
                }
            }
            Err(failure) => held(round).counted.failures.add("counts", failure),
        }
    }

    /// Has counts published on that nobody changes but an alarm needs: one that is in ALARM would be well
    /// again without them, and one that is newer than the last of them has not seen any.
    pub(super) fn keep_counts_seen(&self, minute: &Minute<'_, K>, account: &Account) {
        for job in account.jobs.keys() {
            let Some(numbers) = self.cache.job(job).numbers else { continue };
            let needs = |alarm: &MetricAlarm| {
                let updated = alarm.alarm_configuration_updated_timestamp();
                watches_counts(alarm)
                    && (alarm.state_value() == Some(&StateValue::Alarm)
                        || updated.is_some_and(|at| at.secs() >= numbers.at.seconds()))
            };
            if account.alarms_of(job).iter().any(needs) {
                let since = minute.now();
                self.cache.learn(job, |job| job.numbers = Some(Numbers { since, ..numbers }));
            }
        }
    }
}

/// Whether an alarm may be on a job's counts: it says so, or does not say what it is on.
fn watches_counts(alarm: &MetricAlarm) -> bool {
    let is_count = |name: Option<&str>| {
        [KeptMetric::NotifiedCount, KeptMetric::UnsuccessfulCount]
            .iter()
            .any(|count| name == Some(count.name()))
    };
    let of_math = alarm.metrics().iter().filter_map(|query| query.metric_stat()?.metric());
    let is_unseen = alarm.metric_name().is_none() && alarm.metrics().is_empty();
    is_unseen
        || is_count(alarm.metric_name())
        || of_math.into_iter().any(|metric| is_count(metric.metric_name()))
}
