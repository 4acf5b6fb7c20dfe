//! A job as AWS IoT describes it, asked for and read in one place.

use aws_sdk_iot::Client;
use aws_sdk_iot::types::{Job, TargetSelection};
use tripline::job::{JobId, JobState};
use tripline_aws::{Failure, FailureKind, iot};

use tripline_guard::coverage::Shape;

use super::coverage::shape_of;
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
    /// What it was created with, as far as its guard goes by it.
    pub shape: Shape,
}

impl From<&Job> for DescribedJob {
    fn from(job: &Job) -> Self {
        let read = iot::job_of(job);
        Self {
            state: read.state,
            shape: shape_of(&read),
            status: job.status().map_or("unknown", |status| status.as_str()).to_owned(),
            continuous: job.target_selection() == Some(&TargetSelection::Continuous),
            reaches_more: job.is_concurrent() == Some(true),
            reason_code: read.reason_code,
            comment: read.comment,
            created_at: read.created_at,
            tally: Tally::from(read.counts),
        }
    }
}

/// Describes a job; `None` if there is none.
pub async fn find_job(client: &Client, job: &JobId) -> Result<Option<Job>, Failure> {
    match iot::describe(client, job).await {
        Ok(job) => Ok(Some(job)),
        Err(failure) if failure.kind == FailureKind::NotFound => Ok(None),
        Err(failure) => Err(failure),
    }
}
