//! Stops a release: no further wave begins, and no rollout of it goes on.

use tripline::job::{Job, JobState};
use tripline::release::{Phase, State};
use tripline::stop::StopMode;
use tripline_aws::Failure;

use crate::ask::{Ask, Versioned};
use crate::failed::Failed;
use crate::fired::Begun;
use crate::messages::{Message, Stopped};
use crate::{Runner, busy};

/// The error of a release that was stopped, in Step Functions.
pub(crate) const STOPPED: &str = "Tripline.Stopped";

impl<C: Ask> Runner<C> {
    /// Stops a release at a wave. Rollouts come first, then people, then the table, then the machine: whoever is
    /// cut off between them finds all of it still to be done.
    pub(crate) async fn stop(
        &self,
        read: &mut Versioned,
        at: usize,
        why: String,
        begun: &Begun,
    ) -> Result<(), Failed> {
        let stops = self.stops(&read.state).await?;
        let now = self.client.now().seconds();
        let Some(wave) = read.state.waves.get_mut(at) else { return Ok(()) };
        wave.reasons = vec![why.clone()];
        wave.enter(Phase::Stopped, now);
        let came_to = self.stop_jobs(&read.state, &begun.jobs, at, stops).await;
        tracing::error!(release = %read.state.release, why, "release_stopped");
        if let Some(wave) = read.state.waves.get(at) {
            self.send(&Message::stopped(&read.state, wave, &why, &came_to)).await?;
        }
        if !self.client.write_state(read).await? {
            // Somebody else's write is looked at in the next minute.
            return Err(Failed::Aws(busy(read.state.release.as_str())));
        }
        self.answer_stopped(&read.state, at, came_to).await
    }

    /// A release that was found to be stopped: its rollouts are, before the machine is answered.
    pub(crate) async fn stay_stopped(&self, state: &State, at: usize) -> Result<(), Failed> {
        let jobs = self.jobs(state, at).await?;
        let stops = self.stops(state).await?;
        let came_to = self.stop_jobs(state, &jobs, at, stops).await;
        self.answer_stopped(state, at, came_to).await
    }

    /// Has the machine fail, once nothing is left to be stopped: of what it has given up nobody takes care.
    async fn answer_stopped(
        &self,
        state: &State,
        at: usize,
        came_to: Stopped,
    ) -> Result<(), Failed> {
        let Some(wave) = state.waves.get(at) else { return Ok(()) };
        let token = wave.token.as_deref();
        if let Some((_, failure)) = came_to.not_canceled.into_iter().next() {
            if let Some(token) = token {
                self.client.heartbeat(token).await?;
            }
            return Err(failure.into());
        }
        if let Some(token) = token {
            let why = wave.reasons.first().map_or("", String::as_str);
            self.client.fail(token, STOPPED, why).await?;
        }
        Ok(())
    }

    /// Whether what stops a release also stops those of its jobs that are in progress: not if every alarm that
    /// fired only alerts people.
    async fn stops(&self, state: &State) -> Result<bool, Failed> {
        let mut only_alerts = false;
        for wave in &state.waves {
            let Some((name, _)) = &wave.fired else { continue };
            let alarms = self.client.alarms(&wave.job).await?;
            let alarm = alarms.iter().find(|alarm| alarm.name == *name);
            if alarm.is_none_or(|alarm| self.asks_for_a_stop(alarm)) {
                return Ok(true);
            }
            only_alerts = true;
        }
        Ok(!only_alerts)
    }

    /// Stops the jobs of a release that are still in progress: bad firmware does not go on in one wave because
    /// it was found in another.
    async fn stop_jobs(
        &self,
        state: &State,
        jobs: &[Option<Job>],
        at: usize,
        stops: bool,
    ) -> Stopped {
        let mut stopped = Stopped {
            counts: jobs.get(at).and_then(Option::as_ref).map(|job| job.counts),
            ..Stopped::default()
        };
        let start = format!("Tripline: release {} was stopped: ", state.release);
        let why = state.waves.get(at).and_then(|wave| wave.reasons.first());
        let comment = format!("{start}{}", why.map_or("", String::as_str));
        for (wave, job) in state.waves.iter().zip(jobs) {
            let (id, Some(job)) = (wave.job.clone(), job) else { continue };
            // A look that was cut off has stopped it, and said so to nobody.
            if job.comment.as_ref().is_some_and(|comment| comment.starts_with(&start)) {
                stopped.canceled.push(id);
                continue;
            }
            if job.state != JobState::Active {
                continue;
            }
            if !stops || self.settings.mode == StopMode::Observe {
                stopped.going_on.push(id);
                continue;
            }
            match self.client.cancel_job(&id, &comment).await {
                Ok(()) => stopped.canceled.push(id),
                Err(failure) => {
                    tracing::error!(job = %id, %failure, "stop_failed");
                    stopped.not_canceled.push((id, failure));
                }
            }
        }
        stopped
    }

    /// Alerts people: both ways are tried.
    pub(crate) async fn send(&self, message: &Message) -> Result<(), Failed> {
        let email = self.client.email(&message.subject, &message.body).await;
        let sms = match &message.sms {
            Some(text) => self.client.sms(text).await,
            None => Ok::<(), Failure>(()),
        };
        email.and(sms).map_err(Failed::Aws)
    }
}
