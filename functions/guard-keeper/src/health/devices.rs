//! Devices at work, read from their executions: how many are overdue.

use tripline::alarm::{Limit, Statistic};
use tripline::job::JobId;
use tripline::metric::{Metric, NAMESPACE};
use tripline_aws::Failure;

use super::overdue;
use crate::ask::{Ask, Phase, Span};
use crate::clock::{Call, Clock, Minute};
use crate::evidence::Lists;
use crate::failed::Failures;
use crate::health::memory::Memory;
use crate::keeper::Keeper;
use crate::observe::{Account, Described};

/// Until when it may be asked for executions, in percent of a minute's work.
const OVERDUE: u32 = 100;
/// For so many seconds the limit from which on executions are overdue is not found again.
const LIMIT_FOR: i64 = 900;
/// Most pages of executions, of 250 each.
const SUCCEEDED_PAGES: usize = 2;
const IN_PROGRESS_PAGES: usize = 4;

impl<C: Ask, K: Clock + Sync> Keeper<C, K> {
    /// Counts devices that have been at work for too long.
    pub(super) async fn count_overdue_devices(
        &self,
        minute: &Minute<'_, K>,
        account: &Account,
        Described { id: job, now, .. }: &Described,
        lists: &Lists,
        (memory, failures): (&mut Memory, &mut Failures),
    ) {
        let Some(mut remembered) = memory.job(job) else { return };
        let found = match now.counts.in_progress {
            0 => Ok(Some((0, 0))),
            total => self.count_overdue(minute, account, job, (total, lists)).await,
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
            Err(failure) => failures.add(job.as_str(), failure),
        }
    }

    async fn count_overdue(
        &self,
        minute: &Minute<'_, K>,
        account: &Account,
        job: &JobId,
        (total, lists): (u32, &Lists),
    ) -> Result<Option<(u32, u32)>, Failure> {
        let limit = match self.cache.job(job).limit {
            Some((at, limit)) if minute.now().seconds_after(at) < LIMIT_FOR => limit,
            _ => {
                let spans = self.spans(minute, job, Phase::Succeeded, SUCCEEDED_PAGES).await?;
                let Some(spans) = spans else { return Ok(None) };
                let took = |span: &Span| span.updated.seconds_after(span.began);
                let times: Vec<i64> = spans.iter().map(took).collect();
                let limit = overdue::limit(&times, self.download_limit(account, job));
                // Few say little, and soon there are more.
                if times.len() >= overdue::MIN_FINISHED {
                    self.cache.learn(job, |job| job.limit = Some((minute.now(), limit)));
                }
                limit
            }
        };
        // Evidence needs the same list.
        let spans = match lists.of(job) {
            Some(listed) => Some(listed.to_vec()),
            None => self.spans(minute, job, Phase::InProgress, IN_PROGRESS_PAGES).await?,
        };
        let ages = |spans: Vec<Span>| {
            let seen = u32::try_from(spans.len()).unwrap_or(u32::MAX);
            let age = |span: Span| minute.now().seconds_after(span.began);
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
