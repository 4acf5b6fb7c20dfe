//! What the gate is shown of a wave, from what AWS and the guard-keeper say.

use tripline::evidence::{Ages, Standing, State, Tick};
use tripline::gate::{
    DeviceCounts, FiredAlarm, Needed, Observed, ObservedClearance, ObservedCounts, ObservedJob,
    Rules, Unclearable,
};
use tripline::job::{Job, JobState};
use tripline::release::{PlannedWave, WaveState};
use tripline::stop::Canceler;

use crate::arm::Guard;
use crate::ask::Kept;

/// Why devices are not known from the counts of a job.
const ATTEMPTS: &str = "AWS IoT counts attempts of this job";

/// What was read of a wave.
pub(crate) struct Read<'a> {
    pub now: i64,
    pub planned: &'a PlannedWave,
    pub wave: &'a WaveState,
    /// The alarm that counts, of whichever wave.
    pub fired: Option<&'a (String, i64)>,
    /// `None`: it was deleted.
    pub job: Option<&'a Job>,
    pub kept: Option<&'a Kept>,
    /// By which the guard-keeper judges it.
    pub guard: &'a Guard,
    /// How many seconds a minute of evidence has.
    pub minute: i64,
    pub held: bool,
    /// How often it went on after a hold: evidence of before counts no more.
    pub times: u8,
}

pub(crate) fn rules(planned: &PlannedWave) -> Rules {
    Rules {
        tolerance: planned.tolerance,
        bake: planned.bake,
        decide_within: planned.decide_within,
        clearance: Needed::Required,
    }
}

/// When every device of a wave had been notified, or its job ended. Devices that are gone are never notified: once
/// all of them should have been, and the time of the gate is over beside that, the bake begins without them.
pub(crate) fn bake_began(planned: &PlannedWave, job: &Job, now: i64) -> Option<i64> {
    match job.ended_at {
        Some(0) => Some(now),
        Some(at) => Some(at),
        None => {
            let minutes = i64::from(planned.devices.div_ceil(job.rate.max(1)));
            let late = (minutes * 60).saturating_add(planned.decide_within.into());
            let is_late = job.created_at.is_some_and(|at| now.saturating_sub(at) >= late);
            let is_whole = job.is_counted && job.counts.notified() >= planned.devices;
            (is_whole || is_late).then_some(now)
        }
    }
}

impl<'a> Read<'a> {
    pub fn seen(&self) -> Observed<'a> {
        Observed {
            now: self.now,
            devices: self.planned.devices,
            job: self.job.map_or(ObservedJob::Gone, |job| job_seen(job, self.now)),
            counts: self.job.map_or(ObservedCounts::Unknown("the job is gone"), counts),
            fired: self.fired.map(|(name, at)| FiredAlarm { name, at: *at }),
            clearance: self.clearance(),
            bake_began: self.wave.bake_began,
            approved: self.wave.approved.is_some(),
            held: self.held,
            clears_at: self.planned.clears_at,
        }
    }

    /// Clearance as the guard-keeper has written it down. Of a job that has ended, what it wrote last.
    fn clearance(&self) -> ObservedClearance {
        let Some(job) = self.job else { return ObservedClearance::NotYet };
        if job.setup.counts_attempts() {
            return ObservedClearance::Never(Unclearable::Retries);
        }
        let is_its = |kept: &&Kept| job.created_at == Some(kept.record.created);
        let Some(kept) = self.kept.filter(is_its) else { return ObservedClearance::NotYet };
        let record = &kept.record;
        if record.went_on < self.times && job.state == JobState::Active {
            return ObservedClearance::NotYet;
        }
        let until = job.ended_at.filter(|at| *at > 0).unwrap_or(self.now).min(self.now);
        if until.saturating_sub(record.at) > i64::from(State::BLIND_MINUTES) * 60 {
            return ObservedClearance::Blind;
        }
        if job.state == JobState::Completed
            && let Some(value) = self.concluded(job, kept)
        {
            return ObservedClearance::Value(value);
        }
        match (record.clearance, record.standing) {
            (_, Standing::Stalled) => ObservedClearance::Stalled,
            (Some(value), _) => ObservedClearance::Value(value),
            (None, _) if record.list == Some(false) => {
                ObservedClearance::Never(Unclearable::NoList)
            }
            (None, _) => ObservedClearance::Never(Unclearable::NoLimit),
        }
    }
}

impl Read<'_> {
    /// Clearance of a job that has completed: nobody is at it any more, which the guard-keeper, who looks at jobs
    /// in progress, does not see. `None`: its state is of other limits.
    fn concluded(&self, job: &Job, kept: &Kept) -> Option<f64> {
        let (record, guard) = (&kept.record, self.guard);
        let config = guard.evidence.clone().with_timeout(job.timeout);
        let list = record.list.unwrap_or(true);
        let limits = config.limits(guard.baseline.as_ref(), list).ok()?;
        let state = State::decode(&kept.state, &limits).ok()?;
        let ended = job.ended_at.filter(|at| *at > 0).unwrap_or(self.now);
        // Minutes from its last tick on, rounded so that devices are older than they were.
        let minute = self.minute.max(1);
        let whole = |seconds: i64| seconds.max(0).saturating_add(minute - 1) / minute;
        let later = u32::try_from(whole(ended.saturating_sub(record.at)));
        let last = state.last()?;
        // A tick may be dated up to a minute after the reading.
        let before = whole(record.at.saturating_sub(record.created)).saturating_add(1);
        let created = i64::from(last).saturating_sub(before);
        let counts = &job.counts;
        let gone = counts.canceled.saturating_add(counts.removed);
        let timed_out = counts.ended.timed_out;
        let ended = counts.ended.executed().saturating_sub(timed_out).saturating_add(gone);
        let tick = Tick {
            t: last.saturating_add(later.unwrap_or(u32::MAX)),
            begun: counts.ended.executed().saturating_add(gone),
            ended,
            unsuccessful: counts.ended.failed.saturating_add(counts.ended.rejected),
            timed_out,
            in_progress: Some(Ages::default()),
        };
        state.concluded_since(&limits, &tick, created).map(|clearance| clearance.value())
    }
}

fn job_seen(job: &Job, now: i64) -> ObservedJob {
    match job.state {
        JobState::Active => ObservedJob::Active,
        JobState::Completed => {
            ObservedJob::Completed { at: job.ended_at.filter(|at| *at > 0).unwrap_or(now) }
        }
        JobState::Canceled => {
            let (code, comment) = (job.reason_code.as_deref(), job.comment.as_deref());
            ObservedJob::Canceled(Canceler::from_reason(code, comment))
        }
        JobState::Deleting => ObservedJob::Gone,
    }
}

fn counts(job: &Job) -> ObservedCounts<'static> {
    if job.setup.counts_attempts() {
        return ObservedCounts::Unknown(ATTEMPTS);
    }
    if !job.is_counted {
        return ObservedCounts::Unknown("AWS IoT does not say how many");
    }
    let counts = &job.counts;
    ObservedCounts::Known(DeviceCounts {
        succeeded: counts.ended.succeeded,
        unsuccessful: counts.ended.unsuccessful(),
        canceled: counts.canceled,
        removed: counts.removed,
        in_progress: counts.in_progress,
        queued: counts.queued,
    })
}
