use std::time::Duration;

use aws_sdk_iot::config::retry::RetryConfig;
use aws_sdk_iot::config::timeout::TimeoutConfig;
use aws_sdk_iot::types::{Job as IotJob, JobProcessDetails};
use tripline::job::{Counts, Job, JobId, JobState};
use tripline::stop::REASON_CODE;
use tripline_aws::{Failure, FailureKind};

use super::Aws;
use crate::{CancelJob, DescribeJob};

/// A stop is what all this is for, and AWS IoT allows ten a second: it is tried harder than any
/// other call, for most of the function's time.
const CANCEL_ATTEMPTS: u32 = 12;
pub(crate) const CANCEL_TIMEOUT: Duration = Duration::from_secs(75);

impl DescribeJob for Aws {
    async fn describe_job(&self, job: &JobId) -> Result<Job, Failure> {
        let output = self
            .iot
            .describe_job()
            .job_id(job.as_str())
            .send()
            .await
            .map_err(|error| Failure::from_sdk("DescribeJob", &error))?;
        let missing =
            || Failure::new("DescribeJob", FailureKind::Unavailable, "the answer has no job");
        output.job.map(read).ok_or_else(missing)
    }
}

impl CancelJob for Aws {
    async fn cancel_job(&self, job: &JobId, force: bool, comment: &str) -> Result<(), Failure> {
        let patient = aws_sdk_iot::config::Builder::new()
            .retry_config(RetryConfig::standard().with_max_attempts(CANCEL_ATTEMPTS))
            .timeout_config(TimeoutConfig::builder().operation_timeout(CANCEL_TIMEOUT).build());
        self.iot
            .cancel_job()
            .job_id(job.as_str())
            .reason_code(REASON_CODE)
            .comment(comment)
            .force(force)
            .customize()
            .config_override(patient)
            .send()
            .await
            .map_err(|error| Failure::from_sdk("CancelJob", &error))?;
        Ok(())
    }
}

fn read(job: IotJob) -> Job {
    Job {
        // A job without a status is not known to have ended.
        state: job.status.map_or(JobState::Active, |status| JobState::from_status(status.as_str())),
        reason_code: job.reason_code,
        comment: job.comment,
        created_at: job.created_at.map(|at| at.secs()),
        counts: job.job_process_details.as_ref().map(counts).unwrap_or_default(),
    }
}

fn counts(details: &JobProcessDetails) -> Counts {
    let sum = |numbers: &[Option<i32>]| {
        numbers
            .iter()
            .flatten()
            .fold(0_u32, |sum, n| sum.saturating_add(u32::try_from(*n).unwrap_or(0)))
    };
    let d = details;
    Counts {
        succeeded: sum(&[d.number_of_succeeded_things]),
        failed: sum(&[
            d.number_of_failed_things,
            d.number_of_rejected_things,
            d.number_of_timed_out_things,
        ]),
        in_progress: sum(&[d.number_of_in_progress_things]),
        will_not_receive: sum(&[
            d.number_of_queued_things,
            d.number_of_canceled_things,
            d.number_of_removed_things,
        ]),
    }
}
