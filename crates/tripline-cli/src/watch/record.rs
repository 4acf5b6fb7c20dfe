//! The recording of a rollout that has ended: when each execution began, and how it ended.

use tripline::job::{JobId, JobState};

use super::aws::Observer;
use crate::exit::Error;
use crate::input::file::NewFile;
use crate::recording::write::recording_of;
use crate::terminal::print::say;
use crate::terminal::progress::Progress;

/// Writes the recording of a job, unless it is still in progress or has no executions any more.
pub async fn record(observer: &mut Observer, job: &JobId, file: &NewFile) -> Result<(), Error> {
    let Some(found) = observer.job(job).await? else {
        say(&format!("note: {job} was deleted, so it was not recorded"));
        return Ok(());
    };
    if !matches!(found.state, JobState::Completed | JobState::Canceled) {
        say(&format!("note: {job} has not ended, so it was not recorded"));
        return Ok(());
    }
    let counted = found.tally.all();
    let mut progress = Progress::new();
    let seen = |seen| progress.show(format!("{job}: {seen} of {counted} executions"));
    let executions = observer.all_executions(job, seen).await?;
    drop(progress);
    if executions.is_empty() && counted > 0 {
        say(&format!("note: AWS has deleted the executions of {job}, so it was not recorded"));
        return Ok(());
    }
    file.write(&recording_of(job, &executions))?;
    say(&format!("recording: {}", file.name()));
    Ok(())
}
