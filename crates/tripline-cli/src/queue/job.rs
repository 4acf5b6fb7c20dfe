//! How a job that nobody waited for has ended.

use crate::queue::state::{Entry, JobView};
use aws_sdk_iot::types::Job;
use tripline::job::JobId;

use super::aws::Aws;
use crate::aws::job::{DescribedJob, find_job};
use crate::exit::Error;

/// Looks at a job; `None` if there is none of this name.
pub async fn find_view(
    aws: &Aws,
    region: Option<&str>,
    job: &JobId,
) -> Result<Option<JobView>, Error> {
    let iot = aws.iot(region).await?;
    Ok(find_job(&iot, job).await?.as_ref().map(view))
}

/// Looks at an entry's job.
pub async fn find_view_of(aws: &Aws, entry: &Entry) -> Result<Option<JobView>, Error> {
    find_view(aws, entry.region.as_deref(), &entry.job).await
}

fn view(job: &Job) -> JobView {
    let DescribedJob { state, reason_code, comment, tally, .. } = DescribedJob::from(job);
    JobView {
        state,
        reason_code,
        comment,
        succeeded: tally.succeeded,
        failed: tally.failures(),
        canceled: tally.canceled,
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_iot::types::{JobProcessDetails, JobStatus};
    use tripline::job::JobState;

    use super::*;

    #[test]
    fn every_way_to_fail_is_counted() {
        let counts = JobProcessDetails::builder()
            .number_of_failed_things(1)
            .number_of_rejected_things(2)
            .number_of_timed_out_things(4)
            .number_of_canceled_things(8)
            .number_of_succeeded_things(16)
            .build();
        let described = Job::builder()
            .status(JobStatus::Canceled)
            .reason_code("TRIPLINE_ALARM")
            .job_process_details(counts)
            .build();
        let expected = JobView {
            state: JobState::Canceled,
            reason_code: Some("TRIPLINE_ALARM".to_owned()),
            comment: None,
            succeeded: 16,
            failed: 7,
            canceled: 8,
        };
        assert_eq!(view(&described), expected);
    }
}
