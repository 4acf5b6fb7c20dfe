//! What has become of the waves that have begun: their jobs, and whether an alarm of one of them has fired.

use tripline::gate::Stopped as Why;
use tripline::job::{Job, JobId, JobState};
use tripline::release::hold::{Hold, OnAlarm};
use tripline::release::{State, WaveState};
use tripline::stop::Canceler;
use tripline_aws::FailureKind;

use crate::Runner;
use crate::arm::Guard;
use crate::ask::{Ask, JobAlarm};
use crate::failed::Failed;

/// How often the config of an ended job's alarms is kept again, in seconds, so that they stay while the release
/// goes on. The guard-keeper removes them an hour after the last time, unless it is configured otherwise.
const KEPT_FOR: i64 = 1_200;
/// How long the force-stopper may take to hold a rollout whose alarm asks for it, in seconds. An alarm counts as
/// fired only then, or a look in between would stop what is to be held.
pub(crate) const HELD_WITHIN: i64 = 300;

/// The jobs that are held, as they were read this minute.
pub(crate) type Holds = Vec<(JobId, Hold)>;

/// The waves up to the one that is under way, as AWS has them.
pub(crate) struct Begun {
    /// In the waves' order. `None`: it has none yet, or it was deleted.
    pub jobs: Vec<Option<Job>>,
    /// The first alarm of any of them that counts, and when it fired.
    pub fired: Option<(String, i64)>,
    /// Any of their rollouts is held: what comes next waits.
    pub held: bool,
    /// How often each of their rollouts went on after a hold.
    pub times: Vec<u8>,
}

impl Begun {
    /// Why a release does not go on because of a wave before this one.
    pub fn stopped_before(&self, at: usize) -> Option<Why> {
        if let Some((alarm, at)) = &self.fired {
            return Some(Why::Fired { alarm: alarm.clone(), at: *at });
        }
        let mut before = self.jobs.iter().take(at).flatten();
        let canceled = before.find(|job| job.state == JobState::Canceled)?;
        let (code, comment) = (canceled.reason_code.as_deref(), canceled.comment.as_deref());
        Some(Why::Canceled(Canceler::from_reason(code, comment)))
    }
}

impl<C: Ask> Runner<C> {
    /// Looks at the waves up to this one. Their alarms stay armed, also of those that have ended.
    pub(crate) async fn begun(
        &self,
        state: &mut State,
        at: usize,
        (guard, holds): (&Guard, &Holds),
    ) -> Result<Begun, Failed> {
        let now = self.client.now().seconds();
        let jobs = self.jobs(state, at).await?;
        let mut held = false;
        for (wave, job) in state.waves.iter_mut().zip(&jobs) {
            self.stay_armed(wave, job.as_ref(), guard, now).await?;
            let hold = hold_of(holds, &wave.job, job.as_ref());
            held |= hold.is_some_and(Hold::is_on);
            let has_ended = job.as_ref().is_some_and(|job| job.state.has_ended());
            // Of a job that has ended nothing is left to be held.
            let on_alarm = if has_ended { OnAlarm::Cancel } else { guard.on_alarm };
            // What may be held in a moment does not go on meanwhile.
            held |= self.find_fired(wave, hold, on_alarm).await?;
        }
        let fired = state.waves.iter().find_map(|wave| wave.fired.clone());
        let times = jobs.iter().zip(&state.waves).map(|(job, wave)| {
            hold_of(holds, &wave.job, job.as_ref()).map_or(0, |hold| hold.times)
        });
        let times = times.collect();
        Ok(Begun { jobs, fired, held, times })
    }

    /// The jobs of the waves up to this one.
    pub(crate) async fn jobs(&self, state: &State, at: usize) -> Result<Vec<Option<Job>>, Failed> {
        let mut jobs = Vec::new();
        for wave in state.waves.iter().take(at + 1) {
            if wave.created.is_none() {
                jobs.push(None);
                continue;
            }
            match self.client.describe_job(&wave.job).await {
                Ok(job) => jobs.push(Some(job)),
                Err(failure) if failure.kind == FailureKind::NotFound => jobs.push(None),
                Err(failure) => return Err(failure.into()),
            }
        }
        Ok(jobs)
    }

    /// The guard-keeper removes what an ended job has left, an hour after it was armed last.
    async fn stay_armed(
        &self,
        wave: &mut WaveState,
        job: Option<&Job>,
        guard: &Guard,
        now: i64,
    ) -> Result<(), Failed> {
        let has_ended = job.is_some_and(|job| job.state.has_ended());
        if has_ended && wave.kept.is_none_or(|at| now.saturating_sub(at) >= KEPT_FOR) {
            self.client.keep(&wave.job, &guard.kept, self.client.now()).await?;
            wave.kept = Some(now);
        }
        Ok(())
    }

    /// Finds out whether any alarm of a wave has been in ALARM since its job was created, or went on after a hold;
    /// of several, one that asks for a stop. The history of an alarm is read once for each change of its state.
    /// Returns whether the force-stopper may be about to hold the rollout.
    async fn find_fired(
        &self,
        wave: &mut WaveState,
        hold: Option<&Hold>,
        on_alarm: OnAlarm,
    ) -> Result<bool, Failed> {
        let Some(created) = wave.created else { return Ok(false) };
        let went_on = hold.and_then(|hold| hold.went_on);
        let since = went_on.map_or(created, |at| at.max(created));
        // What holds a rollout is decided on by people, and what fired before they did is known to them.
        if hold.is_some_and(Hold::is_on) {
            return Ok(false);
        }
        if wave.fired.as_ref().is_some_and(|(_, at)| *at >= since) {
            return Ok(false);
        }
        wave.fired = None;
        let mut is_pending = false;
        for alarm in self.client.alarms(&wave.job).await? {
            let is_new = wave.alarms.get(&alarm.name).is_none_or(|seen| *seen < alarm.since);
            let is_new = is_new || went_on.is_some();
            let at = match alarm.is_on {
                // One that was on before its job was there is on while the job is.
                true if alarm.since >= since || went_on.is_none() => Some(alarm.since.max(since)),
                // One that is on long after the rollout went on was set to fire again, and is not OK.
                true if self.client.now().seconds().saturating_sub(since) >= HELD_WITHIN => {
                    Some(since)
                }
                false if is_new && alarm.since >= since => {
                    self.client.last_firing(&alarm.name, since).await?
                }
                _ => None,
            };
            match at {
                Some(at) if self.is_to_be_held(&alarm, at, on_alarm) => is_pending = true,
                Some(at) => {
                    let asks = self.asks_for_a_stop(&alarm);
                    if asks || wave.fired.is_none() {
                        wave.fired = Some((alarm.name, at));
                    }
                    if asks {
                        return Ok(false);
                    }
                }
                None => {
                    wave.alarms.insert(alarm.name, alarm.since);
                }
            }
        }
        Ok(is_pending)
    }

    /// Whether the force-stopper may still hold the rollout because of an alarm.
    fn is_to_be_held(&self, alarm: &JobAlarm, at: i64, on_alarm: OnAlarm) -> bool {
        on_alarm == OnAlarm::Hold
            && self.asks_for_a_stop(alarm)
            && self.client.now().seconds().saturating_sub(at) < HELD_WITHIN
    }

    pub(crate) fn asks_for_a_stop(&self, alarm: &JobAlarm) -> bool {
        alarm.actions.contains(&self.settings.force_stop_topic)
    }
}

/// The hold of a job, if it is of this very job.
fn hold_of<'a>(holds: &'a Holds, id: &JobId, job: Option<&Job>) -> Option<&'a Hold> {
    let (_, hold) = holds.iter().find(|(held, _)| held == id)?;
    (job?.created_at == Some(hold.created)).then_some(hold)
}
