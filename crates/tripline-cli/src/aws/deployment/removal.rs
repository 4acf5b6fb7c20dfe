//! Removes what a deployment has made.

use std::time::Duration;

use tripline::job::{JobId, JobState};
use tripline_aws::{Failure, FailureKind};

use super::cloud::Cloud;
use crate::aws::arming::disarm::disarm;
use crate::aws::tags::{DEPLOYMENT_TAG, JOB_TAG};
use crate::exit::Error;

/// AWS deletes the executions of a job before the job itself.
const GONE_WITHIN: Duration = Duration::from_secs(600);

/// What was removed, or would be.
#[derive(Debug, Default)]
pub struct Removed {
    /// The kind and name of each.
    pub names: Vec<String>,
    /// What stays although it was named.
    pub notes: Vec<String>,
}

/// Removes job, stream and alarms, as far as they are there, and says which. The job goes first, so
/// that nothing is rolled out without its guard. `of`: only a job of this deployment.
pub async fn remove(
    cloud: &Cloud,
    job: &JobId,
    stream: Option<&str>,
    of: Option<&str>,
    force: bool,
    dry_run: bool,
) -> Result<Removed, Error> {
    let mut removed = Removed::default();
    if let Some(found) = cloud.job(job).await? {
        let status = found.status().map_or("", |status| status.as_str());
        let deployed = cloud.tag(found.job_arn().unwrap_or_default(), DEPLOYMENT_TAG).await?;
        if deployed.is_none() {
            return Err(Error::input(format!(
                "job `{job}` was not deployed by `tripline deploy`, so nothing was removed"
            ))
            .hint(format!("`aws iot delete-job --job-id {job}`"))
            .command(format!("aws iot delete-job --job-id {job}")));
        }
        if let (Some(of), Some(deployed)) = (of, &deployed)
            && of != deployed
        {
            return Err(Error::input(format!(
                "job `{job}` was deployed from other files in the meantime, so nothing was removed"
            )));
        }
        if !JobState::from_status(status).has_ended() && !force {
            return Err(Error::input(format!("job `{job}` is in progress; nothing was removed"))
                .hint("stop it first, or give `--force`"));
        }
        removed.names.push(format!("job {job}"));
        if !dry_run {
            if status != "DELETION_IN_PROGRESS" {
                cloud.delete_job(job, force).await?;
            }
            gone(cloud, job).await?;
        }
    }
    if let Some(id) = stream
        && let Some(found) = cloud.stream(id).await?
    {
        let of = cloud.tag(found.stream_arn().unwrap_or_default(), JOB_TAG).await?;
        if of.as_deref() == Some(job.as_str()) {
            removed.names.push(format!("stream {id}"));
            if !dry_run {
                cloud.delete_stream(id).await?;
            }
        } else {
            removed.notes.push(format!("stream `{id}` is not of job `{job}`, and stays"));
        }
    }
    // Looks once more whether the job is there: somebody may be deploying it at this moment.
    let alarms = disarm(&cloud.aws, None, job, force, dry_run).await?;
    removed.notes.extend(alarms.notes());
    removed.names.extend(alarms.names.into_iter().map(|alarm| format!("alarm {alarm}")));
    Ok(removed)
}

/// A deleted job is there for a while, and its name cannot be used again until it is gone.
async fn gone(cloud: &Cloud, job: &JobId) -> Result<(), Error> {
    let begun = tokio::time::Instant::now();
    let mut pause = Duration::from_millis(100);
    while cloud.job(job).await?.is_some() {
        if begun.elapsed() > GONE_WITHIN {
            let text =
                format!("job `{job}` is still being deleted after {} s", GONE_WITHIN.as_secs());
            return Err(Failure::new("DeleteJob", FailureKind::Unavailable, text)
                .with_hint("run the command again later")
                .into());
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(5));
    }
    Ok(())
}
