//! A minute's look at every release that is under way.

use serde_json::{Value, json};
use tripline::gate::{Answer, ask};
use tripline::release::{Phase, Plan, ReleaseId, State};

use crate::arm::Guard;
use crate::ask::{Ask, Versioned};
use crate::failed::Failed;
use crate::fired::{Begun, Holds};
use crate::messages::Message;
use crate::seen::{Read, bake_began, rules};
use crate::step::OfWave;
use crate::{Runner, no_wave};

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
                    note(job.as_str(), self.check_hold(job, hold).await);
                }
            }
            Err(failure) => note("holds", Err(failure.clone().into())),
        }
        let names = self.client.running(machine).await;
        let mut releases = 0;
        match &names {
            Ok(names) => {
                for name in in_turns(names, self.client.now().seconds()) {
                    let Some((release, attempt)) = State::of_execution(name) else { continue };
                    releases += 1;
                    // Without its holds a release that is held would go on.
                    if let Ok(holds) = &holds {
                        note(name, self.check_release(&release, attempt, holds).await);
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
    async fn check_release(
        &self,
        release: &ReleaseId,
        attempt: u32,
        holds: &Holds,
    ) -> Result<(), Failed> {
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
        let (phase, token) = (wave.phase, wave.token.clone());
        match phase {
            // Nothing has begun.
            Phase::Waiting if at == 0 => return Ok(()),
            // It was cut off before the machine was answered.
            Phase::Stopped => return self.stay_stopped(&read.state, at).await,
            _ => {}
        }
        let (plan, config) = self.plan(&of).await?;
        let guard = Guard::of(&plan, &config)?;
        let before = read.state.clone();
        let begun = self.begun(&mut read.state, at, (&guard, holds)).await?;
        // A wave that was let through earlier may have gone wrong since.
        if let Some(why) = begun.stopped_before(at) {
            return self.stop(&mut read, at, why.to_string(), &begun).await;
        }
        match (phase, token) {
            (Phase::Approval, Some(token)) => {
                self.check_approval(&mut read, (at, &token), &before, &begun).await
            }
            (Phase::Running | Phase::Undecided, Some(token)) => {
                self.check_wave(&mut read, (at, &token), &before, (&plan, &guard, &begun)).await
            }
            _ => self.write_if_changed(&read, &before).await,
        }
    }

    /// Asks people once whether a wave may begin, and has it begin once they say so.
    async fn check_approval(
        &self,
        read: &mut Versioned,
        (at, token): (usize, &str),
        before: &State,
        begun: &Begun,
    ) -> Result<(), Failed> {
        let Some(wave) = read.state.waves.get(at) else { return Ok(()) };
        let approval = self.client.approval(&read.state.begin_key(&wave.name)).await?;
        if approval.is_none() && wave.asked.is_none() {
            self.send(&Message::approval(&read.state, wave)).await?;
            let now = self.client.now().seconds();
            if let Some(wave) = read.state.waves.get_mut(at) {
                wave.asked = Some(now);
            }
        }
        self.write_if_changed(read, before).await?;
        match approval.filter(|_| !begun.held) {
            Some(approval) => {
                let release = &read.state.release;
                tracing::info!(%release, wave = at, by = approval.by, "wave_approved");
                // Who began it stays to be read; that it may pass is another word.
                self.client.succeed(token).await?;
            }
            None => {
                self.client.heartbeat(token).await?;
            }
        }
        Ok(())
    }

    /// Asks the gate of the wave that is rolled out.
    async fn check_wave(
        &self,
        read: &mut Versioned,
        (at, token): (usize, &str),
        before: &State,
        (plan, guard, begun): (&Plan, &Guard, &Begun),
    ) -> Result<(), Failed> {
        let now = self.client.now().seconds();
        let Some(planned) = plan.waves.get(at) else { return Err(no_wave_of(&read.state, at)) };
        let job = begun.jobs.get(at).and_then(Option::as_ref);
        let kept = self.client.record(&planned.job).await?;
        let key = before.approval_key(&planned.name);
        let Some(wave) = read.state.waves.get_mut(at) else { return Ok(()) };
        if let Some(job) = job
            && wave.bake_began.is_none()
        {
            wave.bake_began = bake_began(planned, job, now);
        }
        if wave.approved.is_none() {
            wave.approved = self.client.approval(&key).await?;
        }
        let looked = Read {
            now,
            planned,
            wave,
            fired: begun.fired.as_ref(),
            job,
            kept: kept.as_ref(),
            guard,
            minute: self.settings.minute,
            held: begun.held,
            times: begun.times.get(at).copied().unwrap_or(0),
        };
        let answer = ask(&rules(planned), &looked.seen());
        tracing::info!(release = %before.release, wave = %planned.name, ?answer, "gate_asked");
        let (phase, reasons) = match &answer {
            Answer::Stop(why) => return self.stop(read, at, why.to_string(), begun).await,
            Answer::Undecided(missing) => (Phase::Undecided, texts(missing)),
            Answer::Wait(waiting) => (Phase::Running, texts(waiting)),
            Answer::Go(passed) => (Phase::Passed, texts(&[passed])),
        };
        wave.reasons = reasons;
        wave.enter(phase, now);
        if phase == Phase::Undecided && wave.asked.is_none_or(|asked| asked < wave.since) {
            wave.asked = Some(now);
            let wave = wave.clone();
            self.send(&Message::undecided(&read.state, &wave)).await?;
        }
        if phase == Phase::Passed {
            // Written first: the next wave begins only if it is written that this one was let through.
            if self.client.write_state(read).await? {
                self.client.succeed(token).await?;
            }
            return Ok(());
        }
        self.write_if_changed(read, before).await?;
        self.client.heartbeat(token).await?;
        Ok(())
    }

    async fn write_if_changed(&self, read: &Versioned, before: &State) -> Result<(), Failed> {
        // Somebody else's write is looked at in the next minute.
        if read.state != *before {
            self.client.write_state(read).await?;
        }
        Ok(())
    }
}

fn no_wave_of(state: &State, at: usize) -> Failed {
    no_wave(&OfWave { release: state.release.clone(), attempt: state.attempt, wave: at })
}

/// The names, beginning with another one each minute: if time runs out, it is not always for the same.
fn in_turns(names: &[String], now: i64) -> impl Iterator<Item = &String> {
    let first = usize::try_from(now / 60).unwrap_or(0).checked_rem(names.len()).unwrap_or(0);
    names.iter().cycle().skip(first).take(names.len())
}

fn texts<T: ToString>(reasons: &[T]) -> Vec<String> {
    reasons.iter().map(ToString::to_string).collect()
}
