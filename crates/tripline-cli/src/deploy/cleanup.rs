//! Removes what a deployment has made, and `tripline cleanup`, which does it by hand.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;
use tripline::job::{JobId, JobState};
use tripline_aws::{Failure, FailureKind};

use super::aws::{Cloud, s3};
use super::input;
use super::spec::{CONFIG_TAG, DEPLOYMENT_TAG, JOB_TAG, claim_key};
use crate::alarms::aws::Aws;
use crate::alarms::remove::remove as disarm;
use crate::alarms::table::{print, print_json};
use crate::connect::Region;
use crate::exit::{End, Error};
use crate::output::Output;

/// AWS deletes the executions of a job before the job itself.
const GONE_WITHIN: Duration = Duration::from_secs(600);

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tripline cleanup --dry-run
  tripline cleanup release/dev.ini
  tripline cleanup --job-id fw-1-3-0 --stream-id fw-1-3-0-stream

Removes the job, the stream and the alarms that `tripline deploy` made, whatever is left of them.
Objects stay in the bucket. What other tools made is not touched. A job that is in progress is not
deleted without --force: its devices would not get the firmware, and nobody would see why.

Exit code 1: there was nothing to remove.")]
pub struct Cleanup {
    /// The deployment's config [default: dev.ini, unless --job-id is given]
    config: Option<PathBuf>,
    /// The job to remove [default: the config's `jobId`]
    #[arg(long, value_name = "ID")]
    job_id: Option<JobId>,
    /// The stream to remove [default: the config's `streamId`]
    #[arg(long, value_name = "ID")]
    stream_id: Option<String>,
    /// Delete the job even though it is in progress
    #[arg(long)]
    force: bool,
    /// Say what would be removed, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// AWS region [default: the config's `region`, or else the environment's]
    #[arg(long)]
    region: Option<Region>,
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

impl Cleanup {
    pub async fn run(self) -> Result<End, Error> {
        let path = self.config.clone().or_else(|| self.job_id.is_none().then(|| "dev.ini".into()));
        let loaded = path.map(|path| input::load(&path)).transpose()?;
        let config = loaded.as_ref().map(|loaded| &loaded.config);
        let region = match (self.region, &loaded) {
            (None, Some(loaded)) => super::region_of(loaded, None)?,
            (region, _) => region,
        };
        let of_config = config.map(|config| config.job.clone());
        let Some(job) = self.job_id.or(of_config) else {
            return Err(Error::Input(
                "no job to clean up\n\n  hint: give a config, or `--job-id`".to_owned(),
            ));
        };
        let of_config = config.and_then(|config| config.stream.as_ref()).map(|s| s.id.to_string());
        let stream = self.stream_id.or(of_config);
        let connection = crate::connect::connect(region).await?;
        let pace = config.map_or(Duration::ZERO, |config| config.pace);
        let cloud = Cloud { s3: s3(&connection.config), aws: Aws::of(connection), pace };
        let bucket = match config {
            Some(config) => Some(config.bucket.to_string()),
            None => bucket_of(&cloud, &job).await?,
        };
        let removed =
            remove(&cloud, &job, stream.as_deref(), None, self.force, self.dry_run).await?;
        if let Some(bucket) = bucket.filter(|_| !self.dry_run) {
            cloud.delete_object(&bucket, &claim_key(&job)).await?;
        }
        match self.output {
            Output::Text => {
                print(&removed.iter().map(|name| format!("{name}\n")).collect::<String>())
            }
            Output::Json => print_json(&json!({
                "job": job.as_str(), "region": cloud.aws.region, "dryRun": self.dry_run, "removed": removed,
            })),
        }
        if removed.is_empty() {
            eprintln!("finding: nothing of job `{job}` is left in `{}`", cloud.aws.region);
            return Ok(End::Finding);
        }
        let verb = if self.dry_run { "would be removed" } else { "removed" };
        eprintln!("job `{job}`: {verb} what was left of it");
        Ok(End::Done)
    }
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
) -> Result<Vec<String>, Error> {
    let mut removed = Vec::new();
    if let Some(found) = cloud.job(job).await? {
        let status = found.status().map_or("", |status| status.as_str());
        let deployed = cloud.tag(found.job_arn().unwrap_or_default(), DEPLOYMENT_TAG).await?;
        if deployed.is_none() {
            return Err(Error::Input(format!(
                "job `{job}` was not deployed by `tripline deploy`, so nothing was removed\n\n  hint: `aws iot delete-job --job-id {job}`"
            )));
        }
        if let (Some(of), Some(deployed)) = (of, &deployed)
            && of != deployed
        {
            return Err(Error::Input(format!(
                "job `{job}` was deployed from other files in the meantime, so nothing was removed"
            )));
        }
        if !JobState::from_status(status).has_ended() && !force {
            return Err(Error::Input(format!(
                "job `{job}` is in progress; nothing was removed\n\n  hint: stop it first, or give `--force`"
            )));
        }
        removed.push(format!("job {job}"));
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
            removed.push(format!("stream {id}"));
            if !dry_run {
                cloud.delete_stream(id).await?;
            }
        } else {
            eprintln!("note: stream `{id}` is not of job `{job}`, and stays");
        }
    }
    // Looks once more whether the job is there: somebody may be deploying it at this moment.
    let alarms = disarm(&cloud.aws, None, job, force, dry_run).await?;
    removed.extend(alarms.into_iter().map(|alarm| format!("alarm {alarm}")));
    Ok(removed)
}

/// The bucket in which a job's config is kept.
async fn bucket_of(cloud: &Cloud, job: &JobId) -> Result<Option<String>, Error> {
    let Some(found) = cloud.job(job).await? else { return Ok(None) };
    let config = cloud.tag(found.job_arn().unwrap_or_default(), CONFIG_TAG).await?;
    let bucket = config.as_deref().and_then(|config| config.strip_prefix("s3://")?.split_once('/'));
    Ok(bucket.map(|(bucket, _)| bucket.to_owned()))
}

/// A deleted job is there for a while, and its name cannot be used again until it is gone.
async fn gone(cloud: &Cloud, job: &JobId) -> Result<(), Error> {
    let begun = tokio::time::Instant::now();
    let mut pause = Duration::from_millis(100);
    while cloud.job(job).await?.is_some() {
        if begun.elapsed() > GONE_WITHIN {
            let text = format!(
                "job `{job}` is still being deleted after {} s\n\n  hint: run this again later",
                GONE_WITHIN.as_secs()
            );
            return Err(Failure::new("DeleteJob", FailureKind::Unavailable, text).into());
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(5));
    }
    Ok(())
}
