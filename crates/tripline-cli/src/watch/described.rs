//! A job as AWS IoT describes it.

use aws_sdk_iot::primitives::DateTime;
use aws_sdk_iot::types::{Job, TargetSelection};
use tripline::job::JobState;

use super::seen::Seen;
use crate::aws::tally::Tally;

impl From<&Job> for Seen {
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
            tally: Tally::of(job),
        }
    }
}
