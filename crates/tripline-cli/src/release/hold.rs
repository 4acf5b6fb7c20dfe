//! `tripline release hold` and `go-on`: a stop for doubt, which can be undone.

use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;
use tripline::job::{JobId, JobState};
use tripline::release::hold::{Hold, OnHoldFailed, Rates};
use tripline::release::{Phase, ReleaseId, State};
use tripline_aws::iot::request::{held_rate, rates_of, restored};
use tripline_aws::{Failure, FailureKind, iot};

use super::Place;
use super::store::{Store, now, person};
use crate::aws::alarms::NamedAlarm;
use crate::aws::topics;
use crate::exit::{End, Error};
use crate::terminal::document::print_document;
use crate::terminal::output::Output;
use crate::terminal::print::{print, say};

/// Which rollout.
#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = false)]
pub struct Which {
    /// A release: the rollout of its current wave; or the job of any rollout
    #[arg(value_name = "RELEASE|JOB")]
    named: Option<JobId>,
    /// The job of any rollout
    #[arg(long, value_name = "JOB")]
    job_id: Option<JobId>,
}

/// What the argument names.
#[derive(Debug)]
enum Named {
    Release(State),
    Job(JobId),
}

impl Which {
    /// The release of that name, or else the job.
    async fn find(&self, store: &Store) -> Result<Named, Error> {
        if let Some(named) = &self.named
            && let Ok(release) = ReleaseId::new(named.as_str())
            && let Some(found) = store.find(&release).await?
        {
            return Ok(Named::Release(found.state));
        }
        let job = self.named.as_ref().or(self.job_id.as_ref()).cloned();
        job.map(Named::Job).ok_or_else(|| {
            Error::input("no rollout (expected a release, a job, or `--job-id`)".to_owned())
        })
    }
}

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  tripline release hold fw-2-1
  tripline release hold fw-1-3-0 --on-failed alert

The rollout goes on with one device a minute, the lowest rate that AWS IoT allows, and the next
wave waits. Tripline stores the earlier rate, and `tripline release go-on` restores it. The stack
verifies the hold: if AWS IoT notifies more than two devices a minute over three minutes, the stack
alerts people and stops the rollout (--on-failed alert: it only alerts).

Exit code 0: the rate was lowered, now or before; 1: the rollout has ended; 2: the release or the
job does not exist; 3: AWS refused or could not be reached.")]
pub struct HoldJob {
    #[command(flatten)]
    which: Which,
    /// What to do if the rollout does not slow down: `cancel` or `alert`
    #[arg(long, value_name = "WHAT", default_value = "cancel")]
    on_failed: OnHoldFailed,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  tripline release go-on fw-2-1

Restores the rollout's earlier rate. Evidence begins again and weighs new observations half as much
as before, so that a hold is no second chance at the permitted false stops. The first go-on spends
half of them again, the second a quarter, and so on. The alarm that held the rollout can fire
again.

Exit code 0: it goes on; 1: the rollout is not held, or has ended; 2: the release or the job does
not exist; 3: AWS refused or could not be reached.")]
pub struct GoOn {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    place: Place,
}

/// The rollout of a release that is held, of whichever wave; or else as [`job_of`].
async fn held_job_of(store: &Store, named: &Named) -> Result<JobId, Error> {
    if let Named::Release(state) = named {
        for wave in state.waves.iter().rev() {
            let hold = store.hold(&wave.job).await?;
            let is_on = |hold: Hold| hold.is_on() && wave.created == Some(hold.created);
            if hold.is_some_and(is_on) {
                return Ok(wave.job.clone());
            }
        }
    }
    job_of(named)
}

/// The rollout that is meant.
fn job_of(named: &Named) -> Result<JobId, Error> {
    let state = match named {
        Named::Job(job) => return Ok(job.clone()),
        Named::Release(state) => state,
    };
    let begun = state.waves.iter().rev().find(|wave| wave.created.is_some());
    match begun.filter(|wave| state.ended.is_none() && wave.phase != Phase::Stopped) {
        Some(wave) => Ok(wave.job.clone()),
        None => Err(Error::input(format!("no wave of release `{}` is under way", state.release))),
    }
}

async fn describe(store: &Store, job: &JobId) -> Result<aws_sdk_iot::types::Job, Error> {
    match iot::describe(&store.aws.iot, job).await {
        Err(failure) if failure.kind == FailureKind::NotFound => {
            Err(Error::input(format!("there is no job `{job}`, nor a release of this name"))
                .hint("check the Region and the account"))
        }
        described => Ok(described?),
    }
}

async fn set_rate(
    store: &Store,
    job: &JobId,
    rate: aws_sdk_iot::types::JobExecutionsRolloutConfig,
) -> Result<(), Failure> {
    let update = store.aws.iot.update_job().job_id(job.as_str());
    let updated = update.job_executions_rollout_config(rate).send().await;
    updated.map(drop).map_err(|error| Failure::from_sdk("UpdateJob", &error))
}

fn raced(job: &JobId) -> Error {
    let text = format!("another hold or go-on of job `{job}` is in progress");
    Failure::new("UpdateItem", FailureKind::Unavailable, text)
        .with_hint("run the command again")
        .into()
}

impl HoldJob {
    pub async fn run(self) -> Result<End, Error> {
        let store = self.place.store_to_change().await?;
        let named = self.which.find(&store).await?;
        let job = job_of(&named)?;
        let described = describe(&store, &job).await?;
        let seen = iot::job_of(&described);
        let is_active = seen.state == JobState::Active;
        // What comes after a wave can be kept back also when its rollout is over.
        if !is_active && matches!(named, Named::Job(_)) {
            show(
                &self.place,
                &job,
                HoldState::Ended,
                &format!("job {job} has ended: there is nothing to hold"),
            );
            return Ok(End::Finding);
        }
        let read = store.hold(&job).await?;
        let its = read.as_ref().filter(|hold| seen.created_at == Some(hold.created));
        if its.is_none_or(|hold| !hold.is_on()) {
            let hold = Hold {
                created: seen.created_at.unwrap_or(0),
                at: now(),
                by: person(),
                is_alarm: false,
                rates: rates_before(its, rates_of(described.job_executions_rollout_config())),
                on_failed: self.on_failed,
                since: None,
                proof: None,
                went_on: None,
                times: its.map_or(0, |hold| hold.times),
            };
            // First what it was: whoever lowers it and is cut off would leave nobody who knows.
            if !store.write_hold(&job, read.as_ref(), &hold).await? {
                return Err(raced(&job));
            }
        }
        if is_active {
            set_rate(&store, &job, held_rate()).await?;
        }
        let how = if is_active { "one device a minute, and no next wave" } else { "no next wave" };
        show(&self.place, &job, HoldState::Held, &format!("job {job} is held: {how}"));
        say("hint: `tripline release go-on` goes on as before; `tripline stop` stops it");
        Ok(End::Done)
    }
}

impl GoOn {
    pub async fn run(self) -> Result<End, Error> {
        let store = self.place.store_to_change().await?;
        let named = self.which.find(&store).await?;
        let job = held_job_of(&store, &named).await?;
        let described = describe(&store, &job).await?;
        let seen = iot::job_of(&described);
        let read = store.hold(&job).await?;
        let Some(hold) = read.filter(|hold| seen.created_at == Some(hold.created)) else {
            show(&self.place, &job, HoldState::NotHeld, &format!("job {job} is not held"));
            return Ok(End::Finding);
        };
        let is_active = seen.state == JobState::Active;
        let rate = restored(hold.rates).map_err(|fault| Error::input(fault.to_string()))?;
        let was_on = hold.is_on();
        if was_on {
            let on =
                Hold { went_on: Some(now()), times: hold.times.saturating_add(1), ..hold.clone() };
            if !store.write_hold(&job, Some(&hold), &on).await? {
                return Err(raced(&job));
            }
        }
        // Again, if it was cut off before. Of a wave that is complete only what comes after it goes on.
        if is_active {
            set_rate(&store, &job, rate).await?;
        }
        rearm(&store, &job).await?;
        let times = hold.times.saturating_add(u8::from(was_on));
        show(
            &self.place,
            &job,
            HoldState::GoesOn,
            &match is_active {
                true => format!(
                    "job {job} goes on as fast as before; evidence begins again at half its weight (time {times})"
                ),
                false => format!("job {job} has ended, so there is nothing to go on with"),
            },
        );
        Ok(End::Done)
    }
}

/// Every alarm of the job that stops and is in ALARM acts again once it fires again: those that fired during the
/// hold changed nothing.
async fn rearm(store: &Store, job: &JobId) -> Result<(), Error> {
    use aws_sdk_cloudwatch::types::StateValue;
    let topic = topics::of_stack(&store.stack, topics::FORCE_STOP)?;
    let there = store.aws.see(job).await?;
    for alarm in there.alarms.iter().map(NamedAlarm::observed) {
        if !alarm.has_fired() || !alarm.goes_to(topic) {
            continue;
        }
        let set = store.aws.cloudwatch.set_alarm_state().alarm_name(alarm.name());
        let set = set.state_value(StateValue::Ok);
        let set = set.state_reason("Tripline: the rollout goes on after a hold").send().await;
        match set.map_err(|error| Failure::from_sdk("SetAlarmState", &error)) {
            Err(failure) if failure.kind != FailureKind::NotFound => return Err(failure.into()),
            _ => {}
        }
    }
    Ok(())
}

/// How fast a rollout was before it was held. One that still has the rate of an earlier hold was cut off while
/// it went on.
fn rates_before(earlier: Option<&Hold>, now: Rates) -> Rates {
    match earlier {
        Some(earlier) if now == rates_of(Some(&held_rate())) => earlier.rates,
        _ => now,
    }
}

/// What became of a rollout.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HoldData {
    job_id: String,
    state: HoldState,
    /// The same for people.
    text: String,
}

#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum HoldState {
    /// It is taken down to one device a minute, or keeps the next wave back.
    Held,
    /// It goes on as fast as before.
    GoesOn,
    /// There was no hold.
    NotHeld,
    /// The rollout has ended: there is nothing to hold.
    Ended,
}

fn show(place: &Place, job: &JobId, result: HoldState, text: &str) {
    match place.output {
        Output::Text => print(&format!("{text}\n")),
        Output::Json => print_document(&HoldData {
            job_id: job.to_string(),
            state: result,
            text: text.to_owned(),
        }),
    }
}
