//! `tripline release stop`: ends a release by hand.

use schemars::JsonSchema;
use serde::Serialize;
use tripline::job::{JobId, JobState};
use tripline::release::{Ended, Phase, RELEASE_TAG, State};
use tripline::stop::{OPERATOR_REASON_CODE, operator_comment};
use tripline_aws::{Failure, FailureKind, iot};

use super::Common;
use super::store::{Store, now, person};
use crate::exit::{End, Error};
use crate::terminal::document::print_document;
use crate::terminal::output::Output;
use crate::terminal::print::{print, say};

/// How often a state is written again because the stack has written it meanwhile.
const MOST_TRIES: u32 = 10;

#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  tripline release stop fw-2-1 --reason \"bricks pump A\"

Prevents further waves, and stops the rollouts of waves in progress as `tripline stop` does. Use
`tripline revert` to return devices to an earlier firmware.

Exit code 0: stopped, now or before; 2: the release does not exist; 3: AWS refused or could not be
reached: run the command again.")]
pub struct StopRelease {
    #[command(flatten)]
    common: Common,
    /// The reason, shown with the release and its jobs
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// A release that was stopped.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StoppedRelease {
    release: String,
    /// `stopped`
    state: &'static str,
    /// The jobs that this command has stopped.
    stopped: Vec<String>,
}

impl StopRelease {
    pub async fn run(self) -> Result<End, Error> {
        let store = self.common.place.store_to_change().await?;
        let stopped = stop(&store, &self.common, self.reason.as_deref()).await?;
        let release = &self.common.release;
        match self.common.place.output {
            Output::Text => {
                let mut text = format!("release {release}: stopped; no further wave begins\n");
                for job in &stopped {
                    text += &format!("  stopped the rollout of job {job}\n");
                }
                print(&text);
            }
            Output::Json => print_document(&StoppedRelease {
                release: release.to_string(),
                state: "stopped",
                stopped: stopped.iter().map(ToString::to_string).collect(),
            }),
        }
        for job in &stopped {
            say(&format!(
                "hint: `tripline revert --job-id {job} --dry-run` says who has the firmware"
            ));
        }
        Ok(End::Done)
    }
}

/// First the machine, so that no wave begins meanwhile; then it is written down; then the jobs. A wave that is
/// being made at this moment either finds the release ended, or its job is there to be canceled. All of it is
/// done again whenever this is run, and one job that cannot be canceled never costs the next.
async fn stop(store: &Store, common: &Common, reason: Option<&str>) -> Result<Vec<JobId>, Error> {
    let comment = operator_comment(reason);
    let state = store.get(&common.release).await?.state;
    store.halt(&common.release, state.attempt, &comment).await?;
    write_end(store, common, &comment).await?;
    let mut stopped = Vec::new();
    let mut failed = None;
    for wave in &state.waves {
        match cancel(store, &state, &wave.job, &comment).await {
            Ok(true) => stopped.push(wave.job.clone()),
            Ok(false) => {}
            Err(failure) => {
                say(&format!("job {} goes on: {failure}", wave.job));
                failed.get_or_insert(failure);
            }
        }
    }
    if let Some(failure) = failed {
        return Err(failure.into());
    }
    let plan = store.plan(&common.release, state.attempt).await?;
    for group in plan.iter().flat_map(|plan| &plan.waves).filter_map(|wave| wave.group.as_ref()) {
        // The machine would have removed it in the end.
        iot::write::delete_group(&store.aws.iot, group).await?;
    }
    Ok(stopped)
}

async fn write_end(store: &Store, common: &Common, comment: &str) -> Result<(), Error> {
    for _ in 0..MOST_TRIES {
        let mut read = store.get(&common.release).await?;
        if read.state.ended.is_some() {
            return Ok(());
        }
        let now = now();
        if let Some(at) = read.state.current()
            && let Some(wave) = read.state.waves.get_mut(at)
        {
            wave.enter(Phase::Stopped, now);
            wave.token = None;
            wave.reasons = vec![format!("stopped by {}: {comment}", person())];
        }
        read.state.ended = Some(Ended { well: false, at: now, why: comment.to_owned() });
        if store.write(&read.state, Some(read.version)).await? {
            return Ok(());
        }
    }
    let text = format!("the state of release `{}` keeps changing", common.release);
    Err(Failure::new("PutItem", FailureKind::Unavailable, text)
        .with_hint("run the command again")
        .into())
}

/// Cancels a job of this release that is in progress; whether it was. Another's job of the same name is left.
async fn cancel(store: &Store, state: &State, job: &JobId, comment: &str) -> Result<bool, Failure> {
    let described = match iot::describe(&store.aws.iot, job).await {
        Ok(described) => described,
        Err(failure) if failure.kind == FailureKind::NotFound => return Ok(false),
        Err(failure) => return Err(failure),
    };
    if iot::job_of(&described).state != JobState::Active {
        return Ok(false);
    }
    let tags = iot::tags(&store.aws.iot, described.job_arn().unwrap_or_default()).await?;
    let release = State::execution(&state.release, state.attempt);
    if !tags.iter().any(|(key, value)| key == RELEASE_TAG && *value == release) {
        return Ok(false);
    }
    let cancel = store.aws.iot.cancel_job().job_id(job.as_str());
    let canceled = cancel.reason_code(OPERATOR_REASON_CODE).comment(comment).send().await;
    let failed = canceled.err().map(|error| Failure::from_sdk("CancelJob", &error));
    match (failed, store.aws.job_state(job).await?) {
        (Some(failure), Some(JobState::Active)) => Err(failure),
        _ => Ok(true),
    }
}
