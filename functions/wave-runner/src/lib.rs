//! Takes a release from wave to wave.
//!
//! The state machine of the stack says what comes next; this function does what needs AWS IoT, a
//! `step` at a time: it arms a wave and creates its job (`begin`), and once a minute it looks at
//! every release that is under way (`tick`), asks the gate, and answers the machine that waits.
//! Holds are looked at in the same minute (`held`).
//!
//! Each step may be repeated: by Step Functions when it failed, and by the next minute when this function
//! was cut off. What was done is found done.

mod arm;
pub mod ask;
pub mod aws;
mod begin;
mod end;
mod failed;
mod fired;
mod held;
mod messages;
mod seen;
pub mod settings;
pub mod step;
mod stop;
#[cfg(test)]
mod tests;
mod tick;

use serde_json::{Value, json};
use tripline::release::{Phase, State, WaveState};
use tripline::text::excerpt;

use ask::{Ask, Versioned};
pub use failed::Failed;
use messages::Message;
use settings::Settings;
use step::{Invocation, OfWave, Step};

/// How often a state is written again because somebody else has written it meanwhile.
const MOST_TRIES: u32 = 5;
/// A second token of a wave that has waited for so many seconds is alerted to: below that the step was only tried
/// again.
const UNWATCHED_AFTER: i64 = 600;
/// How long the machine waits with one token, in seconds, a little less than `TimeoutSeconds` of its steps: it
/// then waits with another, however often it was looked at.
const TOKEN_LASTS: i64 = 86_000;

/// The function.
#[derive(Debug)]
pub struct Runner<C> {
    client: C,
    settings: Settings,
}

impl<C: Ask> Runner<C> {
    /// A runner with these clients.
    pub fn new(client: C, settings: Settings) -> Self {
        Self { client, settings }
    }

    /// Does what an invocation asks for.
    ///
    /// # Errors
    /// What cannot be done, or not now.
    pub async fn handle(&self, payload: Value) -> Result<Value, Failed> {
        let invocation: Invocation = serde_json::from_value(payload).map_err(|error| {
            Failed::Refused(format!("no step: {}", excerpt(&error.to_string())))
        })?;
        match invocation {
            Invocation::Minute { minute } => self.minute(&minute).await,
            Invocation::Step(Step::Begin { wave }) => self.begin(&wave).await.map(|()| json!({})),
            Invocation::Step(Step::Approve { wave, token }) => {
                self.wait(&wave, &token, Phase::Approval).await
            }
            Invocation::Step(Step::Watch { wave, token }) => {
                self.wait(&wave, &token, Phase::Running).await
            }
            Invocation::Step(Step::End { release, attempt, failed }) => {
                self.end(&release, attempt, failed).await.map(|()| json!({}))
            }
        }
    }

    /// Keeps the token that the machine waits with; the next minute looks at it.
    async fn wait(&self, of: &OfWave, token: &str, phase: Phase) -> Result<Value, Failed> {
        let now = self.client.now().seconds();
        let before = self.read(of).await?.state;
        if let Some(wave) = before.waves.get(of.wave)
            && is_unwatched(wave, token, now)
        {
            tracing::error!(release = %of.release, wave = %wave.name, "release_unwatched");
            // The release goes on all the same, also if nobody can be alerted.
            if let Err(error) = self.send(&Message::unwatched(&before, wave)).await {
                tracing::error!(release = %of.release, %error, "alert_failed");
            }
        }
        self.change(of, |wave| {
            if wave.token.as_deref() != Some(token) {
                (wave.token, wave.token_at) = (Some(token.to_owned()), Some(now));
            }
            // What was decided stays so, whoever waits for it.
            let is_decided = match wave.phase {
                Phase::Passed | Phase::Stopped => true,
                Phase::Undecided => phase == Phase::Running,
                _ => false,
            };
            if !is_decided {
                wave.enter(phase, now);
            }
        })
        .await?;
        Ok(json!({}))
    }

    /// Changes a wave of a release. Those before it were let through, or it is refused: whoever invokes this
    /// function, and whatever the machine does after a failure, no wave begins before its time.
    async fn change(
        &self,
        of: &OfWave,
        change: impl Fn(&mut WaveState),
    ) -> Result<Versioned, Failed> {
        for _ in 0..MOST_TRIES {
            let mut read = self.read(of).await?;
            for before in read.state.waves.iter_mut().take(of.wave) {
                if before.phase == Phase::Stopped {
                    return Err(stopped(of, before));
                }
                if before.phase != Phase::Passed {
                    return Err(Failed::Refused(format!(
                        "the gate of wave `{}` of release `{}` did not open (the wave is {})",
                        before.name, of.release, before.phase
                    )));
                }
                before.token = None;
            }
            let wave = read.state.waves.get_mut(of.wave);
            change(wave.ok_or_else(|| no_wave(of))?);
            if self.client.write_state(&read).await? {
                read.version += 1;
                return Ok(read);
            }
        }
        Err(Failed::Aws(busy(&of.release.to_string())))
    }

    async fn read(&self, of: &OfWave) -> Result<Versioned, Failed> {
        let read = self.client.state(&of.release).await?;
        let read = read.filter(|read| read.state.attempt == of.attempt).ok_or_else(|| {
            let execution = State::execution(&of.release, of.attempt);
            Failed::Refused(format!("there is no release `{execution}` in the table"))
        })?;
        match &read.state.ended {
            None => Ok(read),
            Some(_) => Err(Failed::Ended(format!("release `{}` has ended", of.release))),
        }
    }
}

/// Whether nobody has looked at a wave in time: the machine waits with a second token, and not because a day
/// was over.
fn is_unwatched(wave: &WaveState, token: &str, now: i64) -> bool {
    let is_another = wave.token.as_deref().is_some_and(|earlier| earlier != token);
    let waited = now.saturating_sub(wave.token_at.unwrap_or(now));
    is_another && (UNWATCHED_AFTER..TOKEN_LASTS).contains(&waited)
}

fn stopped(of: &OfWave, wave: &WaveState) -> Failed {
    let why = wave.reasons.first().map_or("", String::as_str);
    Failed::Ended(format!("release `{}` was stopped at wave `{}`: {why}", of.release, wave.name))
}

fn no_wave(of: &OfWave) -> Failed {
    Failed::Refused(format!("release `{}` has no wave {}", of.release, of.wave))
}

fn busy(release: &str) -> tripline_aws::Failure {
    tripline_aws::Failure::new(
        "PutItem",
        tripline_aws::FailureKind::Unavailable,
        format!("the state of release `{release}` keeps changing"),
    )
}
