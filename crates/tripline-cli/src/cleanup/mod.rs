//! `tripline cleanup`: removes by hand what a deployment has made.

use std::time::Duration;

use crate::aws::clients::Aws;
use crate::aws::connect::connect_to_change;
use crate::aws::deployment::cloud::Cloud;
use crate::aws::deployment::removal::{Removed, remove};
use crate::aws::deployment::spec::claim_key;
use crate::aws::region::{Region, region_for};
use crate::aws::s3;
use crate::aws::tags::CONFIG_TAG;
use crate::exit::{End, Error};
use crate::input::buckets::Buckets;
use crate::input::deployment;
use crate::input::job::ConfigAndJob;
use crate::terminal::document::print_document;
use crate::terminal::output::Output;
use crate::terminal::print::{print, say};
use crate::terminal::removed::RemovedData;

#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  tripline cleanup --dry-run
  tripline cleanup release/dev.ini
  tripline cleanup fw-1-3-0 --stream-id fw-1-3-0-stream

Removes the job, the stream and the alarms that `tripline deploy` created, as far as they exist.
The objects stay in the bucket, and so does everything that other tools created. The command
deletes a job in progress only with --force: its devices would not get the firmware, without any
sign.

Exit code 1: there was nothing to remove.",
    mut_arg("config", |arg| {
        arg.help("The deployment's config [default: dev.ini, unless a job is named]")
    }),
    mut_arg("job", |arg| arg.help("The job to remove [default: the config's `jobId`]")))]
pub struct Cleanup {
    #[command(flatten)]
    given: ConfigAndJob,
    /// The stream to remove [default: the config's `streamId`]
    #[arg(long, value_name = "ID")]
    stream_id: Option<String>,
    /// Delete the job even though it is in progress
    #[arg(long)]
    force: bool,
    /// Show what the command would remove, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// AWS Region [default: the config's `region`, or else the environment's]
    #[arg(long)]
    region: Option<Region>,
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

impl Cleanup {
    pub async fn run(self) -> Result<End, Error> {
        let (path, named) = self.given.given();
        let path = path.or_else(|| named.is_none().then(|| "dev.ini".into()));
        let loaded = path.map(|path| deployment::load(&path)).transpose()?;
        let config = loaded.as_ref().map(|loaded| &loaded.config);
        let region = match (self.region, &loaded) {
            (None, Some(loaded)) => region_for(None, &loaded.file, &loaded.config.alarms)?,
            (region, _) => region,
        };
        let of_config = config.map(|config| config.job.clone());
        let Some(job) = named.or(of_config) else {
            return Err(Error::input("no job to clean up").hint("name a config or a job"));
        };
        let of_config = config.and_then(|config| config.stream.as_ref()).map(|s| s.id.to_string());
        let stream = self.stream_id.or(of_config);
        let connection = connect_to_change(region).await?;
        let pace = config.map_or(Duration::ZERO, |config| config.pace);
        let client = s3::client(&connection.config);
        let s3 = match &loaded {
            Some(loaded) => loaded.buckets(client.clone()),
            None => Buckets::of_any(client.clone()),
        };
        let mut cloud = Cloud { s3, aws: Aws::for_connection(connection), pace };
        let bucket = match config {
            Some(config) => Some(config.bucket.to_string()),
            None => match cloud.job(&job).await? {
                Some(found) => {
                    let arn = found.job_arn().unwrap_or_default();
                    cloud.s3 = Buckets::of_arn(client, arn);
                    bucket_of(&cloud, arn).await?
                }
                None => None,
            },
        };
        let Removed { names: removed, notes } =
            remove(&cloud, &job, stream.as_deref(), None, self.force, self.dry_run).await?;
        for note in notes {
            say(&format!("note: {note}"));
        }
        if let Some(bucket) = bucket.filter(|_| !self.dry_run) {
            cloud.delete_object(&bucket, &claim_key(&job)).await?;
        }
        match self.output {
            Output::Text => {
                print(&removed.iter().map(|name| format!("{name}\n")).collect::<String>())
            }
            Output::Json => print_document(&RemovedData {
                job_id: job.to_string(),
                region: cloud.aws.region.clone(),
                dry_run: self.dry_run,
                removed: removed.clone(),
            }),
        }
        if removed.is_empty() {
            say(&format!("finding: nothing of job `{job}` is left in `{}`", cloud.aws.region));
            return Ok(End::Finding);
        }
        let verb = if self.dry_run { "would be removed" } else { "removed" };
        say(&format!("job `{job}`: {verb} what was left of it"));
        Ok(End::Done)
    }
}

/// The bucket in which the config of a job, of this ARN, is kept.
async fn bucket_of(cloud: &Cloud, job: &str) -> Result<Option<String>, Error> {
    let config = cloud.tag(job, CONFIG_TAG).await?;
    let bucket = config.as_deref().and_then(|config| config.strip_prefix("s3://")?.split_once('/'));
    Ok(bucket.map(|(bucket, _)| bucket.to_owned()))
}
