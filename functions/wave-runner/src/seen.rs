//! What the gate is shown of a wave, from what AWS and the guard-keeper say.

use tripline::evidence::{Record, Standing, State};
use tripline::gate::{
    ClearanceSeen, CountsSeen, DeviceCounts, FiredAlarm, JobSeen, Needed, Rules, Seen, Unclearable,
};
use tripline::job::{Job, JobState};
use tripline::release::{PlannedWave, WaveState};
use tripline::stop::Canceler;

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
    pub record: Option<&'a Record>,
    pub held: bool,
}

pub(crate) fn rules(planned: &PlannedWave) -> Rules {
    Rules {
        tolerance: planned.tolerance,
        bake: planned.bake,
        decide_within: planned.decide_within,
        clearance: Needed::Required,
    }
}

/// When every device of a wave had been notified, or its job ended.
pub(crate) fn bake_began(planned: &PlannedWave, job: &Job, now: i64) -> Option<i64> {
    match job.ended_at {
        Some(0) => Some(now),
        Some(at) => Some(at),
        None => (job.is_counted && job.counts.notified() >= planned.devices).then_some(now),
    }
}

impl<'a> Read<'a> {
    pub fn seen(&self) -> Seen<'a> {
        Seen {
            now: self.now,
            devices: self.planned.devices,
            job: self.job.map_or(JobSeen::Gone, |job| job_seen(job, self.now)),
            counts: self.job.map_or(CountsSeen::Unknown("the job is gone"), counts),
            fired: self.fired.map(|(name, at)| FiredAlarm { name, at: *at }),
            clearance: self.clearance(),
            bake_began: self.wave.bake_began,
            approved: self.wave.approved.is_some(),
            held: self.held,
            clears_at: self.planned.clears_at,
        }
    }

    /// Clearance as the guard-keeper has written it down. Of a job that has ended, what it wrote last.
    fn clearance(&self) -> ClearanceSeen {
        let Some(job) = self.job else { return ClearanceSeen::NotYet };
        if job.setup.counts_attempts() {
            return ClearanceSeen::Never(Unclearable::Retries);
        }
        let is_its = |record: &&Record| job.created_at == Some(record.created);
        let Some(record) = self.record.filter(is_its) else { return ClearanceSeen::NotYet };
        let until = job.ended_at.filter(|at| *at > 0).unwrap_or(self.now).min(self.now);
        if until.saturating_sub(record.at) > i64::from(State::BLIND_MINUTES) * 60 {
            return ClearanceSeen::Blind;
        }
        match (record.clearance, record.standing) {
            (_, Standing::Stalled) => ClearanceSeen::Stalled,
            (Some(value), _) => ClearanceSeen::Value(value),
            (None, _) if record.list == Some(false) => ClearanceSeen::Never(Unclearable::NoList),
            (None, _) => ClearanceSeen::Never(Unclearable::NoLimit),
        }
    }
}

fn job_seen(job: &Job, now: i64) -> JobSeen {
    match job.state {
        JobState::Active => JobSeen::Active,
        JobState::Completed => {
            JobSeen::Completed { at: job.ended_at.filter(|at| *at > 0).unwrap_or(now) }
        }
        JobState::Canceled => {
            let (code, comment) = (job.reason_code.as_deref(), job.comment.as_deref());
            JobSeen::Canceled(Canceler::from_reason(code, comment))
        }
        JobState::Deleting => JobSeen::Gone,
    }
}

fn counts(job: &Job) -> CountsSeen<'static> {
    if job.setup.counts_attempts() {
        return CountsSeen::Unknown(ATTEMPTS);
    }
    if !job.is_counted {
        return CountsSeen::Unknown("AWS IoT does not say how many");
    }
    let counts = &job.counts;
    CountsSeen::Known(DeviceCounts {
        succeeded: counts.ended.succeeded,
        unsuccessful: counts.ended.unsuccessful(),
        canceled: counts.canceled,
        removed: counts.removed,
        in_progress: counts.in_progress,
        queued: counts.queued,
    })
}
