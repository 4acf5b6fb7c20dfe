//! What a job's guard follows from: its tags, how fast it is, and whose it is.

use std::collections::{BTreeMap, BTreeSet};

use tripline::evidence::Record;
use tripline::job::JobId;
use tripline::time::Timestamp;
use tripline_aws::Failure;
use tripline_guard::desired::{JobTags, Tagged};
use tripline_guard::kept::FirstSeen;

use super::Kept;
use crate::ask::{Ask, Listed, MAX_WRITES};
use crate::clock::{Call, Clock, Minute};
use crate::failed::Failures;
use crate::keeper::Keeper;
use crate::observe::Account;

/// Most pages of a job's tags, of which there are 50 at most.
const TAG_PAGES: usize = 2;
/// What is kept of a job that is no longer in progress goes when it is so many seconds old, ..
const FIRST_SEEN_FOR: i64 = 86_400;
/// .. and no list has had it for so many, as far as one environment knows.
const GONE_FOR: i64 = 1_800;

impl<C: Ask, K: Clock + Sync> Keeper<C, K> {
    /// Remembers what the table keeps of jobs in progress. Another job of the same name is another job.
    pub(super) fn recall(&self, jobs: &BTreeMap<JobId, Listed>, table: Option<&Kept>) {
        for (job, listed) in jobs {
            let is_it = |first: &FirstSeen| first.created == listed.created.seconds();
            let kept = table.and_then(|table| table.first.get(job)).filter(|first| is_it(first));
            self.cache.learn(job, |known| {
                if known.first.as_ref().is_some_and(|first| !is_it(first)) {
                    (known.first, known.tags, known.is_greengrass) = (None, None, None);
                }
                // Tags that were read before the table say nothing of the first ones.
                if table.is_some() && !std::mem::replace(&mut known.is_recalled, true) {
                    (known.first, known.tags) = (None, None);
                }
                let Some(first) = kept else { return };
                known.is_greengrass = known.is_greengrass.or(first.is_greengrass);
                if known.first.as_ref() != Some(first) {
                    known.tags = None;
                }
                if known.tags.is_none() {
                    let guard = &self.settings.default_guard;
                    // So old that they are read again before any others.
                    let long_ago = Timestamp::from_seconds(0);
                    known.tags = Some((long_ago, guard.honoring(&first.tags, &first.tags)));
                }
                known.first = Some(first.clone());
            });
        }
    }

    /// A job's tags, with those that it had when it was first seen. `None`: they are not there in time.
    ///
    /// # Errors
    /// That of the call. It is remembered that they could not be read this minute.
    pub(crate) async fn ask_tags(
        &self,
        minute: &Minute<'_, K>,
        listed: &Listed,
        percent: u32,
    ) -> Result<Option<Tagged>, Failure> {
        let job = &listed.job;
        let read = match self.all_tags(minute, &listed.arn, percent).await {
            // Half of them say as little as none: what is missing may be that it wants no guard.
            Ok(None) => return Ok(None),
            Ok(Some(read)) => read,
            Err(failure) => {
                tracing::warn!(%job, %failure, "job_tags_unknown");
                self.cache.learn(job, |job| job.unannounced = Some(minute.now()));
                return Err(failure);
            }
        };
        let pairs = read.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        let now = JobTags::read(pairs);
        let known = self.cache.job(job);
        let first = known.first.clone().unwrap_or_else(|| FirstSeen {
            created: listed.created.seconds(),
            is_greengrass: known.is_greengrass,
            tags: now.usable(),
        });
        let tagged = self.settings.default_guard.honoring(&first.tags, &now);
        if known.tagged().is_none_or(|before| before.faults != tagged.faults) {
            for fault in &tagged.faults {
                tracing::warn!(%job, %fault, "tag_invalid");
            }
        }
        let learned = (minute.now(), tagged.clone());
        self.cache.learn(job, |job| {
            (job.tags, job.unannounced) = (Some(learned), None);
            // The table may keep another first.
            if job.is_recalled {
                job.first = Some(first);
            }
        });
        Ok(Some(tagged))
    }

    /// All of a job's tags; `None` if they are not there in time.
    async fn all_tags(
        &self,
        minute: &Minute<'_, K>,
        arn: &str,
        percent: u32,
    ) -> Result<Option<Vec<(String, String)>>, Failure> {
        let (mut tags, mut next) = (Vec::new(), None);
        for _ in 0..TAG_PAGES {
            if !minute.may(Call::JobTags, percent).await {
                return Ok(None);
            }
            let page = self.client.job_tags(arn, next).await?;
            tags.extend(page.items);
            next = page.next;
            if next.is_none() {
                break;
            }
        }
        Ok(Some(tags))
    }

    /// How fast a job is, and whether it is a deployment of Greengrass; if that cannot be had, it gets the
    /// usual guard until it can. `false`: it is not there in time.
    pub(super) async fn read_rate(
        &self,
        minute: &Minute<'_, K>,
        job: &JobId,
        percent: u32,
    ) -> bool {
        if !minute.may(Call::DescribeNewJob, percent).await {
            return false;
        }
        match self.client.describe_job(job).await {
            Ok(now) => self.cache.learn_described(job, &now),
            Err(failure) => {
                tracing::warn!(%job, %failure, "job_rate_unknown");
                self.cache.learn(job, |job| job.undescribed = Some(minute.now()));
            }
        }
        true
    }

    /// Writes down what jobs were when they were first seen, and forgets those that are long over.
    pub(crate) async fn keep_first_seen(
        &self,
        minute: &Minute<'_, K>,
        account: &Account,
        percent: u32,
        failures: &mut Failures,
    ) {
        let Some(table) = &account.table else { return };
        let mut seen = Vec::new();
        for job in account.jobs.keys() {
            let known = self.cache.job(job);
            let Some(mut first) = known.first else { continue };
            first.is_greengrass = first.is_greengrass.or(known.is_greengrass);
            if table.first.get(job) != Some(&first) {
                seen.push((job.clone(), first));
            }
        }
        let is_gone = |(job, first): &(&JobId, &FirstSeen)| {
            !account.jobs.contains_key(*job)
                && minute.now().seconds() - first.created > FIRST_SEEN_FOR
        };
        let gone: BTreeSet<JobId> =
            table.first.iter().filter(is_gone).map(|(job, _)| job.clone()).collect();
        let is_over = |job: &JobId, record: &Record| {
            !account.jobs.contains_key(job) && record.age(minute.now().seconds()) > FIRST_SEEN_FOR
        };
        let evidence = table.evidence.iter().filter(|(job, kept)| is_over(job, &kept.record));
        let evidence: Vec<JobId> = evidence.map(|(job, _)| job.clone()).take(MAX_WRITES).collect();
        if !evidence.is_empty()
            && minute.may(Call::Table, percent).await
            && let Err(failure) = self.client.forget_evidence(&evidence).await
        {
            failures.add("evidence of ended jobs", failure);
        }
        // A list may leave one out by chance.
        let mut over = self.cache.gone_for(gone, minute.now(), GONE_FOR);
        over.truncate(MAX_WRITES);
        let forget = std::iter::once((&[][..], &over[..]));
        let keep = seen.chunks(MAX_WRITES).map(|some| (some, &[][..]));
        for (keep, forget) in keep.chain(forget) {
            if keep.is_empty() && forget.is_empty() {
                continue;
            }
            if !minute.may(Call::Table, percent).await {
                return;
            }
            if let Err(failure) = self.client.write_first_seen(keep, forget).await {
                failures.add("first tags", failure);
                return;
            }
        }
    }
}
