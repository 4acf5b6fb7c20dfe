//! A job as AWS IoT describes it.

use aws_sdk_iot::primitives::DateTime;
use aws_sdk_iot::types::{Job, TargetSelection};
use tripline::job::JobState;

use super::seen::{Seen, Tally};

impl From<&Job> for Seen {
    fn from(job: &Job) -> Self {
        let status = job.status().map_or("unknown", |status| status.as_str()).to_owned();
        let details = job.job_process_details();
        let count =
            |count: Option<i32>| count.and_then(|n| u32::try_from(n).ok()).unwrap_or_default();
        let tally = details.map_or_else(Tally::default, |details| Tally {
            queued: count(details.number_of_queued_things()),
            in_progress: count(details.number_of_in_progress_things()),
            succeeded: count(details.number_of_succeeded_things()),
            failed: count(details.number_of_failed_things()),
            rejected: count(details.number_of_rejected_things()),
            timed_out: count(details.number_of_timed_out_things()),
            canceled: count(details.number_of_canceled_things()),
            removed: count(details.number_of_removed_things()),
        });
        Self {
            state: JobState::from_status(&status),
            status,
            continuous: job.target_selection() == Some(&TargetSelection::Continuous),
            reaches_more: job.is_concurrent() == Some(true),
            reason_code: job.reason_code().map(str::to_owned),
            comment: job.comment().map(str::to_owned),
            created_at: job.created_at().map(DateTime::secs),
            tally,
        }
    }
}
