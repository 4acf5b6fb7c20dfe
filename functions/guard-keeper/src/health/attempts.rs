//! Devices of jobs whose retries make AWS IoT count attempts: counted from the lists of executions that ended
//! unsuccessfully, read whole.

use tripline::attempts::{Attempt, unsuccessful_devices};
use tripline::job::{EndedCounts, ExecutionCounts, Job, JobId};
use tripline::metric::Outcome;
use tripline_aws::Failure;

use crate::ask::{Ask, PAGE};
use crate::clock::{Call, Clock, Minute};
use crate::keeper::Keeper;
use crate::observe::cache::Attempts;

/// Until when these lists may be read, in percent of a minute's work.
const ATTEMPTS: u32 = 80;
/// Most pages of a job's lists in a minute, of 250 each.
const PAGES: u32 = 80;

/// A job's counts in devices, by what is known of its attempts. `None`: that has to be read first.
pub(super) fn in_devices(now: &Job, known: Option<Attempts>) -> Option<ExecutionCounts> {
    let counts = now.counts;
    if !now.setup.counts_attempts() {
        return Some(counts);
    }
    match known {
        // Nobody was unsuccessful, whatever was tried how often.
        _ if counts.ended.unsuccessful() == 0 => Some(counts),
        Some(Attempts::Counted { of, devices }) if is_same(of, counts.ended) => {
            Some(counts.of_devices(devices))
        }
        Some(Attempts::Counted { .. } | Attempts::NotCounted) | None => None,
    }
}

fn is_same(a: EndedCounts, b: EndedCounts) -> bool {
    (a.failed, a.rejected, a.timed_out) == (b.failed, b.rejected, b.timed_out)
}

impl<C: Ask, K: Clock + Sync> Keeper<C, K> {
    /// Counts a job's devices where AWS IoT counts attempts. Where there is no time for all of its lists, what was
    /// counted last stands.
    ///
    /// # Errors
    /// That of the call.
    pub(super) async fn count_attempts(
        &self,
        minute: &Minute<'_, K>,
        job: &JobId,
        now: &Job,
    ) -> Result<(), Failure> {
        let lists = lists_of(now);
        let attempts = match pages_of(&lists) > PAGES {
            true => Ok(None),
            false => match self.list_attempts(minute, job, &lists).await {
                // The next minute.
                Ok(None) => return Ok(()),
                listed => listed,
            },
        };
        let found = match &attempts {
            Ok(Some(attempts)) => {
                let devices = unsuccessful_devices(attempts.iter().cloned(), now.setup.retries);
                Attempts::Counted { of: now.counts.ended, devices }
            }
            Ok(None) | Err(_) => Attempts::NotCounted,
        };
        self.cache.learn(job, |job| job.attempts = Some(found));
        attempts.map(drop)
    }

    /// `None`: there is no time for all of them.
    async fn list_attempts(
        &self,
        minute: &Minute<'_, K>,
        job: &JobId,
        lists: &[(Outcome, u32)],
    ) -> Result<Option<Vec<Attempt<u64>>>, Failure> {
        let mut attempts = Vec::new();
        for (outcome, _) in lists {
            let mut next = None;
            loop {
                if !minute.may(Call::Executions, ATTEMPTS).await {
                    return Ok(None);
                }
                let page = self.client.list_attempts(job, *outcome, next).await?;
                attempts.extend(page.items);
                next = page.next;
                // A list that grows meanwhile is read again the next minute.
                if next.is_none() || attempts.len() > PAGES as usize * PAGE as usize {
                    break;
                }
            }
        }
        Ok(Some(attempts))
    }
}

/// The lists that a job's devices are counted from, with how many entries they have. A device that left the group
/// of a continuous job and joined it again may have succeeded since it failed: of a small one that is read too.
fn lists_of(now: &Job) -> Vec<(Outcome, u32)> {
    let ended = now.counts.ended;
    let mut lists = vec![
        (Outcome::Failed, ended.failed),
        (Outcome::Rejected, ended.rejected),
        (Outcome::TimedOut, ended.timed_out),
    ];
    let rejoined = (Outcome::Succeeded, ended.succeeded);
    if now.setup.is_continuous && pages_of(&lists) + pages_of(&[rejoined]) <= PAGES {
        lists.push(rejoined);
    }
    lists.retain(|(_, count)| *count > 0);
    lists
}

fn pages_of(lists: &[(Outcome, u32)]) -> u32 {
    lists.iter().map(|(_, count)| count.div_ceil(PAGE)).fold(0, u32::saturating_add)
}
