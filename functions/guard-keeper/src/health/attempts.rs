//! Devices of jobs whose retries make AWS IoT count attempts: counted from the lists of executions that ended
//! unsuccessfully, read whole.

use tripline::attempts::unsuccessful_devices;
use tripline::job::{EndedCounts, ExecutionCounts, Job, JobId};
use tripline::metric::Outcome;
use tripline_aws::Failure;

use crate::ask::Ask;
use crate::clock::{Call, Clock, Minute};
use crate::keeper::Keeper;
use crate::observe::cache::Attempts;

/// Until when these lists may be read, in percent of a minute's work.
const ATTEMPTS: u32 = 80;
/// Most pages of a job's lists in a minute, of 250 each.
const PAGES: usize = 40;

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
    /// Counts a job's devices where AWS IoT counts attempts.
    ///
    /// # Errors
    /// That of the call.
    pub(super) async fn count_attempts(
        &self,
        minute: &Minute<'_, K>,
        job: &JobId,
        now: &Job,
    ) -> Result<(), Failure> {
        let attempts = self.list_attempts(minute, job, now).await;
        let found = match &attempts {
            Ok(Some(devices)) => Attempts::Counted { of: now.counts.ended, devices: *devices },
            Ok(None) | Err(_) => Attempts::NotCounted,
        };
        self.cache.learn(job, |job| job.attempts = Some(found));
        attempts.map(drop)
    }

    /// `None`: there are too many, or no time for all of them.
    async fn list_attempts(
        &self,
        minute: &Minute<'_, K>,
        job: &JobId,
        now: &Job,
    ) -> Result<Option<EndedCounts>, Failure> {
        let ended = now.counts.ended;
        let (mut attempts, mut pages) = (Vec::new(), 0);
        let counted = [
            (Outcome::Failed, ended.failed),
            (Outcome::Rejected, ended.rejected),
            (Outcome::TimedOut, ended.timed_out),
        ];
        for (outcome, _) in counted.into_iter().filter(|(_, count)| *count > 0) {
            let mut next = None;
            loop {
                pages += 1;
                if pages > PAGES || !minute.may(Call::Executions, ATTEMPTS).await {
                    return Ok(None);
                }
                let page = self.client.list_attempts(job, outcome, next).await?;
                attempts.extend(page.items);
                next = page.next;
                if next.is_none() {
                    break;
                }
            }
        }
        Ok(Some(unsuccessful_devices(attempts, now.setup.retries)))
    }
}
