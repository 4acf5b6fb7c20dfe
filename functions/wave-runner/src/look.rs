//! A minute's look at every release that is under way.

use serde_json::{Value, json};
use tripline::gate::{Answer, Stopped as Why, ask};
use tripline::job::{Job, JobId, JobState};
use tripline::release::hold::Hold;
use tripline::release::{Phase, Plan, ReleaseId, State, WaveState};
use tripline::stop::StopMode;
use tripline_aws::FailureKind;

use crate::Runner;
use crate::arm::Guard;
use crate::ask::{Ask, Versioned};
use crate::failed::Failed;
use crate::letters::{Letter, Stopped};
use crate::seen::{Read, bake_began, rules};
use crate::step::OfWave;

/// The error of a release that was stopped, in Step Functions.
const STOPPED: &str = "Tripline.Stopped";
/// How often the config of an ended job's alarms is kept anew, in seconds, so that they stay while the release
/// goes on. The guard-keeper removes them an hour after the last time, unless it is told otherwise.
const KEPT_FOR: i64 = 1_200;

/// The jobs that are held, as they were read this minute.
pub(crate) type Holds = Vec<(JobId, Hold)>;

impl<C: Ask> Runner<C> {
    /// Looks at every release, and at every hold. One that fails never costs the next.
    pub(crate) async fn minute(&self, machine: &str) -> Result<Value, Failed> {
        let mut failed: Option<Failed> = None;
        let mut note = |what: &str, result: Result<(), Failed>| {
            if let Err(error) = result {
                tracing::error!(what, %error, "look_failed");
                failed.get_or_insert(error);
            }
        };
        let holds = self.client.holds().await;
        let mut held = 0;
        match &holds {
            Ok(holds) => {
                for (job, hold) in holds {
                    held += usize::from(hold.is_on());
                    note(job.as_str(), self.look_at_hold(job, hold).await);
                }
            }
            Err(failure) => note("holds", Err(failure.clone().into())),
        }
        let names = self.client.running(machine).await;
        let mut releases = 0;
        match &names {
            Ok(names) => {
                for name in names {
                    let Some((release, attempt)) = State::of_execution(name) else { continue };
                    releases += 1;
                    // Without its holds a release that is held would go on.
                    if let Ok(holds) = &holds {
                        note(name, self.look(&release, attempt, holds).await);
                    }
                }
            }
            Err(failure) => note("executions", Err(failure.clone().into())),
        }
        match failed {
            None => Ok(json!({ "releases": releases, "holds": held })),
            Some(error) => Err(error),
        }
    }

    /// Looks at one release.
    async fn look(&self, release: &ReleaseId, attempt: u32, holds: &Holds) -> Result<(), Failed> {
        let Some(mut read) = self.client.state(release).await? else { return Ok(()) };
        if read.state.attempt != attempt || read.state.ended.is_some() {
            return Ok(());
        }
        // It was cut off before the machine was answered.
        let mut passed = read.state.waves.iter().filter(|wave| wave.phase == Phase::Passed);
        if let Some(token) = passed.find_map(|wave| wave.token.as_ref()) {
            self.client.succeed(token).await?;
        }
        let Some(at) = read.state.current() else { return Ok(()) };
        let of = OfWave { release: release.clone(), attempt, wave: at };
        let Some(wave) = read.state.waves.get(at) else { return Ok(()) };
        let Some(token) = wave.token.clone() else { return Ok(()) };
        match wave.phase {
            Phase::Approval => self.look_at_approval(&mut read, at, &token).await,
            Phase::Running | Phase::Undecided => {
                let (plan, config) = self.plan(&of).await?;
                let guard = Guard::of(&plan, &config)?;
                self.look_at_wave(&mut read, at, &token, (&plan, &guard, holds)).await
            }
            // It was cut off before the machine was answered.
            Phase::Stopped => {
                let why = wave.reasons.first().cloned().unwrap_or_default();
                self.client.fail(&token, STOPPED, &why).await?;
                Ok(())
            }
            Phase::Waiting | Phase::Beginning | Phase::Passed => Ok(()),
        }
    }

    async fn look_at_approval(
        &self,
        read: &mut Versioned,
        at: usize,
        token: &str,
    ) -> Result<(), Failed> {
        let now = self.client.now().seconds();
        let Some(wave) = read.state.waves.get(at) else { return Ok(()) };
        let key = read.state.begin_key(&wave.name);
        match self.client.approval(&key).await? {
            Some(approval) => {
                tracing::info!(release = %read.state.release, wave = %wave.name, by = approval.by, "wave_approved");
                // Who began it stays to be read; that it may pass is another word.
                self.client.succeed(token).await?;
                Ok(())
            }
            None => {
                if wave.asked.is_none() {
                    self.send(&Letter::approval(&read.state, wave)).await?;
                    if let Some(wave) = read.state.waves.get_mut(at) {
                        wave.asked = Some(now);
                    }
                    self.client.write_state(read).await?;
                }
                self.client.heartbeat(token).await?;
                Ok(())
            }
        }
    }

    async fn look_at_wave(
        &self,
        read: &mut Versioned,
        at: usize,
        token: &str,
        (plan, guard, holds): (&Plan, &Guard, &Holds),
    ) -> Result<(), Failed> {
        let now = self.client.now().seconds();
        let before = read.state.clone();
        let jobs = self.jobs(&read.state, at).await?;
        for (wave, job) in read.state.waves.iter_mut().zip(&jobs) {
            self.stay_armed(wave, job.as_ref(), guard, now).await?;
            let hold = hold_of(holds, &wave.job, job.as_ref());
            self.find_fired(wave, hold).await?;
        }
        let Some(planned) = plan.waves.get(at) else { return Ok(()) };
        let job = jobs.get(at).and_then(Option::as_ref);
        let kept = self.client.record(&planned.job).await?;
        let Some(wave) = read.state.waves.get_mut(at) else { return Ok(()) };
        if let Some(job) = job
            && wave.bake_began.is_none()
        {
            wave.bake_began = bake_began(planned, job, now);
        }
        if wave.approved.is_none() {
            let key = before.approval_key(&planned.name);
            wave.approved = self.client.approval(&key).await?;
        }
        let held = hold_of(holds, &planned.job, job).is_some_and(Hold::is_on);
        let fired = read.state.waves.iter().find_map(|wave| wave.fired.clone());
        let Some(wave) = read.state.waves.get(at) else { return Ok(()) };
        let looked = Read {
            now,
            planned,
            wave,
            fired: fired.as_ref(),
            job,
            kept: kept.as_ref(),
            guard,
            minute: self.settings.minute,
            held,
        };
        let answer = ask(&rules(planned), &looked.seen());
        // A wave that was let through earlier may have been stopped since.
        let answer = match (answer, stopped_before(&jobs, at)) {
            (Answer::Stop(why), _) => Answer::Stop(why),
            (_, Some(why)) => Answer::Stop(why),
            (answer, None) => answer,
        };
        tracing::info!(release = %before.release, wave = %planned.name, ?answer, "gate_asked");
        let reasons = texts(&answer);
        let phase = match &answer {
            Answer::Stop(_) => Phase::Stopped,
            Answer::Undecided(_) => Phase::Undecided,
            Answer::Wait(_) => Phase::Running,
            Answer::Go(_) => Phase::Passed,
        };
        if let Some(wave) = read.state.waves.get_mut(at) {
            wave.reasons = reasons;
            wave.enter(phase, now);
        }
        match answer {
            Answer::Wait(_) => {
                self.write_if_changed(read, &before).await?;
                self.client.heartbeat(token).await?;
            }
            Answer::Undecided(_) => {
                let asked = read.state.waves.get(at).and_then(|wave| wave.asked);
                if asked.is_none_or(|at_| at_ < read.state.waves.get(at).map_or(0, |it| it.since)) {
                    if let Some(wave) = read.state.waves.get(at) {
                        self.send(&Letter::undecided(&read.state, wave)).await?;
                    }
                    if let Some(wave) = read.state.waves.get_mut(at) {
                        wave.asked = Some(now);
                    }
                }
                self.write_if_changed(read, &before).await?;
                self.client.heartbeat(token).await?;
            }
            Answer::Go(_) => {
                // Written first: the next wave begins only if it is written that this one was let through.
                if self.client.write_state(read).await? {
                    self.client.succeed(token).await?;
                }
            }
            Answer::Stop(_) => {
                let stops = self.stops(&read.state, fired.as_ref()).await?;
                let now = self.stop_jobs(&read.state, &jobs, at, stops).await;
                if let Some(wave) = read.state.waves.get(at) {
                    let why = wave.reasons.first().cloned().unwrap_or_default();
                    self.send(&Letter::stopped(&read.state, wave, &why, now)).await?;
                    self.write_if_changed(read, &before).await?;
                    self.client.fail(token, STOPPED, &why).await?;
                }
            }
        }
        Ok(())
    }

    /// The jobs of the waves up to this one; `None` for one that was deleted.
    async fn jobs(&self, state: &State, at: usize) -> Result<Vec<Option<Job>>, Failed> {
        let mut jobs = Vec::new();
        for wave in state.waves.iter().take(at + 1) {
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

    /// Whether any alarm of a wave has been in ALARM since its job was created, or went on after a hold. The
    /// history of an alarm is read once for each change of its state.
    async fn find_fired(&self, wave: &mut WaveState, hold: Option<&Hold>) -> Result<(), Failed> {
        let Some(created) = wave.created else { return Ok(()) };
        let since = hold.and_then(|hold| hold.went_on).map_or(created, |at| at.max(created));
        // What holds a rollout is decided on by people, and what fired before they did is known to them.
        if hold.is_some_and(Hold::is_on) {
            return Ok(());
        }
        if wave.fired.as_ref().is_some_and(|(_, at)| *at >= since) {
            return Ok(());
        }
        wave.fired = None;
        for alarm in self.client.alarms(&wave.job).await? {
            let is_new = wave.alarms.get(&alarm.name).is_none_or(|seen| *seen < alarm.since);
            let is_new = is_new || hold.is_some_and(|hold| hold.went_on.is_some());
            let at = match alarm.is_on && alarm.since >= since {
                true => Some(alarm.since),
                false if is_new && alarm.since >= since => {
                    self.client.last_firing(&alarm.name, since).await?
                }
                false => None,
            };
            if let Some(at) = at {
                wave.fired = Some((alarm.name, at));
                return Ok(());
            }
            wave.alarms.insert(alarm.name, alarm.since);
        }
        Ok(())
    }

    /// Whether what stops a release also stops those of its jobs that are in progress: not if an alarm fired
    /// that only alerts people.
    async fn stops(&self, state: &State, fired: Option<&(String, i64)>) -> Result<bool, Failed> {
        let Some((name, _)) = fired else { return Ok(true) };
        for wave in state.waves.iter().filter(|wave| wave.fired.is_some()) {
            for alarm in self.client.alarms(&wave.job).await? {
                if alarm.name == *name {
                    let topic = &self.settings.force_stop_topic;
                    return Ok(alarm.actions.iter().any(|action| action == topic));
                }
            }
        }
        Ok(true)
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
        for (wave, job) in state.waves.iter().zip(jobs) {
            if job.as_ref().is_none_or(|job| job.state != JobState::Active) {
                continue;
            }
            let job = wave.job.clone();
            if !stops || self.settings.mode == StopMode::Observe {
                stopped.going_on.push(job);
                continue;
            }
            let why = state.waves.get(at).and_then(|wave| wave.reasons.first());
            let comment = format!(
                "Tripline: release {} was stopped: {}",
                state.release,
                why.map_or("", String::as_str)
            );
            match self.client.cancel_job(&job, &comment).await {
                Ok(()) => stopped.canceled.push(job),
                Err(failure) => {
                    tracing::error!(%job, %failure, "stop_failed");
                    stopped.not_canceled.push((job, failure.in_short()));
                }
            }
        }
        stopped
    }

    async fn write_if_changed(&self, read: &Versioned, before: &State) -> Result<(), Failed> {
        // Somebody else's write is looked at in the next minute.
        if read.state != *before {
            self.client.write_state(read).await?;
        }
        Ok(())
    }

    /// Alerts people: both ways are tried.
    pub(crate) async fn send(&self, letter: &Letter) -> Result<(), Failed> {
        let email = self.client.email(&letter.subject, &letter.body).await;
        let sms = match &letter.sms {
            Some(text) => self.client.sms(text).await,
            None => Ok(()),
        };
        email.and(sms).map_err(Failed::Aws)
    }
}

/// The hold of a job, if it is of this very job.
fn hold_of<'a>(holds: &'a Holds, id: &JobId, job: Option<&Job>) -> Option<&'a Hold> {
    let (_, hold) = holds.iter().find(|(held, _)| held == id)?;
    (job?.created_at == Some(hold.created)).then_some(hold)
}

/// Why a wave that was let through is stopped by now.
fn stopped_before(jobs: &[Option<Job>], at: usize) -> Option<Why> {
    use tripline::stop::Canceler;
    let canceled = jobs.iter().take(at).flatten().find(|job| job.state == JobState::Canceled)?;
    let (code, comment) = (canceled.reason_code.as_deref(), canceled.comment.as_deref());
    Some(Why::Canceled(Canceler::from_reason(code, comment)))
}

fn texts(answer: &Answer) -> Vec<String> {
    match answer {
        Answer::Wait(waiting) => waiting.iter().map(ToString::to_string).collect(),
        Answer::Go(passed) => vec![passed.to_string()],
        Answer::Stop(stopped) => vec![stopped.to_string()],
        Answer::Undecided(missing) => missing.iter().map(ToString::to_string).collect(),
    }
}
