//! Which devices are slow or failing, from at most one page a look and state.
//!
//! A fleet has more devices in progress than a page holds, and AWS sorts them by nothing that
//! helps. So the pages are turned one a look, and the slowest of all are remembered.

use std::collections::BTreeSet;

use aws_sdk_iot::types::JobExecutionStatus;
use tripline::job::JobId;
use tripline::text::excerpt;
use tripline_aws::FailureKind;

use super::aws::{Execution, Observer};
use super::seen::{Details, Failing, Slow};
use crate::aws::tally::Tally;

/// Most devices that are named.
const NAMED: usize = 5;

/// What is known of a job's executions.
#[derive(Debug, Default)]
pub struct Executions {
    /// The counts when the pages were turned through last.
    looked_at: Option<Tally>,
    /// The next page of those in progress; without one they are begun again.
    token: Option<String>,
    /// The slowest of the pages turned in this round, and of all in the round before.
    round: Vec<Slow>,
    before: Vec<Slow>,
    failing: [Failures; 3],
}

/// Those that ended in one way.
#[derive(Debug, Default)]
struct Failures {
    count: u32,
    newest: Vec<Failing>,
}

impl Executions {
    /// Looks at what has changed, as the counts show it.
    pub async fn update(
        &mut self,
        observer: &mut Observer,
        job: &JobId,
        tally: &Tally,
        details: &mut Details,
    ) {
        self.look_at_slow(observer, job, tally, &mut details.notes).await;
        self.look_at_failing(observer, job, tally, &mut details.notes).await;
        let mut slow = self.round.clone();
        slow.extend(self.before.iter().filter(|old| !self.round.contains(old)).cloned());
        details.slow = slowest(slow);
        details.slow_of = self.token.is_some().then_some(tally.in_progress);
        details.failing = newest(self.failing.iter().flat_map(|one| one.newest.iter().cloned()));
    }

    async fn look_at_slow(
        &mut self,
        observer: &mut Observer,
        job: &JobId,
        tally: &Tally,
        notes: &mut Vec<String>,
    ) {
        if tally.in_progress == 0 {
            (self.token, self.round, self.before) = (None, Vec::new(), Vec::new());
            self.looked_at = Some(*tally);
            return;
        }
        // All pages have been turned, and nothing has moved since.
        if self.token.is_none() && self.looked_at == Some(*tally) {
            return;
        }
        if self.token.is_none() {
            self.looked_at = Some(*tally);
            if !self.round.is_empty() {
                self.before = std::mem::take(&mut self.round);
            }
        }
        let token = self.token.take();
        let is_first = token.is_none();
        match observer.executions(job, JobExecutionStatus::InProgress, token.clone()).await {
            Ok((page, next)) => {
                self.round.extend(page.into_iter().map(|execution| Slow {
                    since: execution.started_at.unwrap_or(execution.updated_at),
                    thing: excerpt(&execution.thing),
                }));
                self.round = slowest(std::mem::take(&mut self.round));
                // A round that is complete says all.
                if next.is_none() {
                    self.before.clear();
                }
                self.token = next;
            }
            Err(failure) => {
                notes.push(format!("who is slow: {failure}"));
                // A token that has grown too old is not taken any more: another round.
                let stale = !is_first && failure.kind == FailureKind::Refused;
                self.token = token.filter(|_| !stale);
                if self.token.is_none() {
                    self.looked_at = None;
                }
            }
        }
    }

    async fn look_at_failing(
        &mut self,
        observer: &mut Observer,
        job: &JobId,
        tally: &Tally,
        notes: &mut Vec<String>,
    ) {
        let states = [
            (JobExecutionStatus::Failed, tally.failed),
            (JobExecutionStatus::Rejected, tally.rejected),
            (JobExecutionStatus::TimedOut, tally.timed_out),
        ];
        for ((status, count), known) in states.into_iter().zip(&mut self.failing) {
            if count == known.count {
                continue;
            }
            if count == 0 {
                *known = Failures::default();
                continue;
            }
            let name = status.as_str().to_owned();
            match observer.executions(job, status, None).await {
                Ok((page, _)) => {
                    let failing =
                        page.into_iter().map(|Execution { thing, updated_at, .. }| Failing {
                            thing: excerpt(&thing),
                            status: name.clone(),
                            at: updated_at,
                        });
                    *known = Failures { count, newest: newest(failing) };
                }
                Err(failure) => notes.push(format!("who has {name}: {failure}")),
            }
        }
    }
}

fn slowest(mut slow: Vec<Slow>) -> Vec<Slow> {
    slow.sort_by(|a, b| (a.since, &a.thing).cmp(&(b.since, &b.thing)));
    slow.dedup();
    slow.truncate(NAMED);
    slow
}

fn newest(failing: impl Iterator<Item = Failing>) -> Vec<Failing> {
    let mut failing: Vec<_> = failing.collect();
    failing.sort_by(|a, b| (b.at, &a.thing).cmp(&(a.at, &b.thing)));
    // A device that was tried again is named once.
    let mut named = BTreeSet::new();
    failing.retain(|failing| named.insert(failing.thing.clone()));
    failing.truncate(NAMED);
    failing
}
