//! Looks at rollouts again and again, until all have ended or the time is over.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::{Instant, sleep_until};
use tripline::job::JobId;
use tripline::text::excerpt;
use tripline_aws::{Failure, FailureKind};

use super::aws::Observer;
use super::executions::Executions;
use super::pace::History;
use super::seen::{Alarm, Details, Evidence};
use super::targets::Targets;
use super::verdict::Verdict;
use crate::aws::alarms::Listed;
use crate::aws::coverage::KnownJob;
use crate::aws::devices::Devices;
use crate::aws::evidence::BLIND;
use crate::aws::job::DescribedJob;
use crate::exit::{End, Error};

/// How long AWS may be out of reach while a rollout is watched, in seconds ..
const PATIENCE: u64 = 300;
/// .. and before it has answered once: then it is rather the settings.
const FIRST_PATIENCE: u64 = 30;

/// What to watch, and how.
#[derive(Debug, Clone)]
pub struct Watch {
    pub jobs: Vec<JobId>,
    /// From one look to the next; calls that are not paid for make it longer.
    pub every: Duration,
    pub timeout: Option<Duration>,
    /// One look only.
    pub once: bool,
}

/// A rollout, as far as it is known.
#[derive(Debug)]
pub struct Rollout {
    pub job: JobId,
    /// The newest that was seen; `None` before the first answer.
    pub seen: Option<DescribedJob>,
    pub verdict: Verdict,
    pub history: History,
    pub details: Details,
    /// Since when AWS has given no answer, and why.
    pub lost: Option<(i64, Failure)>,
    devices: Devices,
    targets: Targets,
    executions: Executions,
}

/// Where what was seen goes.
pub trait Show {
    /// After each look.
    fn show(&mut self, rollouts: &[Rollout], now: i64);
    /// At the end.
    fn end(&mut self, rollouts: &[Rollout]);
}

/// The time of day, which goes on evenly from when it was begun.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    began: Instant,
    at: i64,
}

impl Clock {
    /// A clock that is set by the machine's.
    pub fn set() -> Self {
        let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        Self::at(i64::try_from(at).unwrap_or_default())
    }

    /// A clock that shows this time now.
    pub fn at(at: i64) -> Self {
        Self { began: Instant::now(), at }
    }

    pub fn now(&self) -> i64 {
        self.at.saturating_add(i64::try_from(self.began.elapsed().as_secs()).unwrap_or_default())
    }
}

impl Watch {
    /// Watches, and says how it ended: by the worst of the rollouts.
    pub async fn follow(
        &self,
        observer: &mut Observer,
        clock: Clock,
        shown: &mut impl Show,
    ) -> Result<End, Error> {
        let mut rollouts: Vec<_> = self.jobs.iter().cloned().map(Rollout::new).collect();
        let deadline = self.timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        loop {
            let began = Instant::now();
            update(&mut rollouts, observer, &clock).await?;
            shown.show(&rollouts, clock.now());
            let all_ended = rollouts.iter().all(|rollout| rollout.verdict.is_final());
            let over = deadline.is_some_and(|deadline| Instant::now() >= deadline);
            if all_ended || over || self.once && rollouts.iter().all(|one| one.seen.is_some()) {
                shown.end(&rollouts);
                return Ok(Verdict::overall(rollouts.iter().map(|rollout| rollout.verdict)));
            }
            let next = began + self.every;
            let next = deadline.map_or(next, |deadline| next.min(deadline));
            sleep_until(next.max(observer.settled())).await;
        }
    }
}

/// One look at all rollouts that have not ended.
async fn update(
    rollouts: &mut [Rollout],
    observer: &mut Observer,
    clock: &Clock,
) -> Result<(), Error> {
    let mut open: Vec<&mut Rollout> =
        rollouts.iter_mut().filter(|rollout| !rollout.verdict.is_final()).collect();
    // How they stand first: that decides.
    for rollout in &mut open {
        rollout.look_at_job(observer, clock.now()).await?;
    }
    open.retain(|rollout| {
        rollout.seen.is_some() && rollout.lost.is_none() && rollout.verdict != Verdict::Deleted
    });
    for rollout in &mut open {
        rollout.look_at_details(observer, clock.now()).await;
    }
    look_at_downloads(&mut open, observer, clock.now()).await;
    Ok(())
}

/// One call for all of them.
async fn look_at_downloads(rollouts: &mut [&mut Rollout], observer: &mut Observer, now: i64) {
    if rollouts.is_empty() {
        return;
    }
    let jobs: Vec<_> = rollouts.iter().map(|rollout| rollout.job.clone()).collect();
    let created = rollouts.iter().filter_map(|rollout| rollout.seen.as_ref()?.created_at).min();
    match observer.downloads(&jobs, created.unwrap_or(now), now).await {
        Ok(downloads) => {
            for (rollout, download) in rollouts.iter_mut().zip(downloads) {
                rollout.details.download = download;
            }
        }
        Err(failure) => {
            for rollout in rollouts {
                rollout.details.notes.push(format!("download times: {failure}"));
            }
        }
    }
}

impl Rollout {
    fn new(job: JobId) -> Self {
        Self {
            job,
            seen: None,
            verdict: Verdict::Running,
            history: History::default(),
            details: Details::default(),
            lost: None,
            devices: Devices::default(),
            targets: Targets::default(),
            executions: Executions::default(),
        }
    }

    async fn look_at_job(&mut self, observer: &mut Observer, now: i64) -> Result<(), Error> {
        match observer.devices(&self.job, &mut self.devices).await {
            Ok(Some(seen)) => {
                self.lost = None;
                self.history.push(now, seen.tally.ended());
                self.verdict = Verdict::of_job(&seen);
                self.seen = Some(seen);
            }
            Ok(None) if self.seen.is_some() => {
                self.lost = None;
                self.verdict = Verdict::Deleted;
            }
            Ok(None) => {
                return Err(Error::input(format!("there is no job `{}`", self.job))
                    .hint("check the Region and the account"));
            }
            Err(failure) => self.lose(failure, now)?,
        }
        Ok(())
    }

    /// Throttling and short outages pass; what AWS refuses it will refuse again.
    fn lose(&mut self, failure: Failure, now: i64) -> Result<(), Error> {
        if !matches!(failure.kind, FailureKind::Throttled | FailureKind::Unavailable) {
            return Err(failure.into());
        }
        let since = self.lost.as_ref().map_or(now, |(since, _)| *since);
        let patience = if self.seen.is_some() { PATIENCE } else { FIRST_PATIENCE };
        if super::duration::since(since, now) >= patience {
            return Err(failure.into());
        }
        self.lost = Some((since, failure));
        Ok(())
    }

    async fn look_at_details(&mut self, observer: &mut Observer, now: i64) {
        let Some(seen) = &mut self.seen else { return };
        // What could not be seen this time is shown as it was, with a note.
        self.details.notes.clear();
        let mut watched = None;
        match observer.guard(&self.job).await {
            Ok(guard) => {
                self.details.alarms = Some(guard.alarms.iter().map(alarm).collect());
                match guard.verdict {
                    Ok(verdict) => {
                        watched = Some((guard.watchers, verdict.clone()));
                        self.details.guard = Some(verdict);
                    }
                    Err(why) => {
                        (self.details.guard, self.details.coverage) = (None, None);
                        self.details.notes.push(format!("guard: {why}"));
                    }
                }
            }
            Err(failure) => self.details.notes.push(format!("alarms: {failure}")),
        }
        match observer.evidence(&self.job).await {
            Ok(record) => {
                // Another job may have had its name.
                let record = record.filter(|record| Some(record.created) == seen.created_at);
                let is_in_progress = !self.verdict.is_final();
                if let Some((watchers, verdict)) = watched {
                    let (shape, created) = (&seen.shape, seen.created_at);
                    let known = KnownJob { shape, created, record: record.as_ref(), now };
                    let is_known = is_in_progress && observer.has_keeper();
                    self.details.coverage = is_known.then(|| known.coverage(&watchers, &verdict));
                }
                self.details.evidence = record.map(|record| {
                    let age = record.age(now);
                    let blind = (is_in_progress && age >= BLIND).then_some(age / 60);
                    Evidence { record, blind }
                });
            }
            Err(failure) => self.details.notes.push(format!("evidence: {failure}")),
        }
        let kept = self.details.evidence.as_ref().and_then(|it| it.record.coverage.devices);
        seen.devices = self.targets.count(observer, seen, kept, &mut self.details.notes).await;
        let (executions, details) = (&mut self.executions, &mut self.details);
        // As AWS IoT counts, so that what has changed is seen.
        let counted = seen.attempts().unwrap_or(seen.tally);
        executions.update(observer, &self.job, &counted, details).await;
    }
}

fn alarm(listed: &Listed) -> Alarm {
    let prefix = format!("tripline-{}-", listed.job);
    let name = listed.name();
    Alarm {
        name: excerpt(name.strip_prefix(&prefix).unwrap_or(name)),
        state: listed.state().to_owned(),
        watches: listed.watches(),
        idle: listed.idle(),
    }
}
