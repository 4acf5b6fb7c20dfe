//! A job as AWS IoT describes it, asked for and read in one place.

use aws_sdk_iot::Client;
use aws_sdk_iot::primitives::DateTime;
use aws_sdk_iot::types::{Job, TargetSelection};
use tripline::job::{JobId, JobState};
use tripline_aws::{Failure, FailureKind};

use super::tally::Tally;

/// A job as `DescribeJob` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribedJob {
    pub state: JobState,
    /// The state in AWS's word for it.
    pub status: String,
    /// The job takes in every device that joins one of its groups, and never completes by itself.
    pub continuous: bool,
    /// The rollout has not come to all of its devices yet.
    pub reaches_more: bool,
    pub reason_code: Option<String>,
    pub comment: Option<String>,
    /// In seconds since the epoch, as all times here.
    pub created_at: Option<i64>,
    pub tally: Tally,
}

impl From<&Job> for DescribedJob {
    fn from(job: &Job) -> Self {
        let status = job.status().map_or("unknown", |status| status.as_str()).to_owned();
        Self {
            state: JobState::from_status(&status),
            status,
            continuous: job.target_selection() == Some(&TargetSelection::Continuous),
            reaches_more: job.is_concurrent() == Some(true),
            reason_code: job.reason_code().map(str::to_owned),
            comment: job.comment().map(str::to_owned),
            created_at: job.created_at().map(DateTime::secs),
            tally: Tally::from(job),
        }
    }
}

/// Describes a job. That there is none is a failure of the kind [`FailureKind::NotFound`].
pub async fn describe_job(iot: &Client, job: &JobId) -> Result<Job, Failure> {
    const DESCRIBE: &str = "DescribeJob";
    let described = iot.describe_job().job_id(job.as_str()).send().await;
    let described = described.map_err(|error| Failure::from_sdk(DESCRIBE, &error))?;
    described
        .job
        .ok_or_else(|| Failure::new(DESCRIBE, FailureKind::Unavailable, "the answer has no job"))
}

/// Describes a job; `None` if there is none.
pub async fn find_job(iot: &Client, job: &JobId) -> Result<Option<Job>, Failure> {
    match describe_job(iot, job).await {
        Ok(job) => Ok(Some(job)),
        Err(failure) if failure.kind == FailureKind::NotFound => Ok(None),
        Err(failure) => Err(failure),
    }
}
