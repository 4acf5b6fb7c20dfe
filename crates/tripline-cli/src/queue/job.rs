//! How a job that nobody waited for has ended.

use crate::queue::state::{Entry, JobView};
use aws_sdk_iot::Client;
use tripline::job::JobId;

use super::aws::Aws;
use crate::aws::budget::Budget;
use crate::aws::devices::Devices;
use crate::aws::job::{DescribedJob, find_job};
use crate::exit::Error;

/// Whether there is a job of this name.
pub async fn exists(aws: &Aws, region: Option<&str>, job: &JobId) -> Result<bool, Error> {
    Ok(find_job(&aws.iot(region).await?, job).await?.is_some())
}

/// Looks at an entry's job, in devices; `None` if there is none of this name.
pub async fn find_view_of(aws: &Aws, entry: &Entry) -> Result<Option<JobView>, Error> {
    find_view(&aws.iot(entry.region.as_deref()).await?, &entry.job).await
}

async fn find_view(iot: &Client, job: &JobId) -> Result<Option<JobView>, Error> {
    let Some(found) = find_job(iot, job).await? else { return Ok(None) };
    let described = Devices::default().describe(iot, job, &found, &mut Budget::new()).await?;
    Ok(Some(view(described)))
}

fn view(job: DescribedJob) -> JobView {
    let uncounted = job.attempts_text().filter(|_| job.uncounted().is_some());
    let DescribedJob { state, reason_code, comment, tally, .. } = job;
    JobView {
        state,
        reason_code,
        comment,
        succeeded: tally.succeeded,
        failed: tally.failures(),
        canceled: tally.canceled,
        uncounted,
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_iot::types::{Job, JobProcessDetails, JobStatus, RetryableFailureType};
    use fake_aws::Fault;
    use tripline::job::JobState;

    use super::*;
    use crate::queue::state::{EntryOutcome, ending};

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
            uncounted: None,
        };
        assert_eq!(view(DescribedJob::from(&described)), expected);
    }

    /// A job of two things that is complete: one failed `failures` times of the two that it had.
    fn completed(failures: usize) -> fake_aws::FakeAws {
        let fake = fake_aws::FakeAws::default();
        let iot = &mut fake.account().iot;
        iot.job("fw", JobStatus::InProgress, &["thing/a", "thing/b"]);
        iot.retry("fw", RetryableFailureType::All, 1);
        iot.notify("fw", "a");
        iot.notify("fw", "b");
        iot.report("fw", "a", "SUCCEEDED");
        (0..failures).for_each(|_| iot.report("fw", "b", "TIMED_OUT"));
        if failures < 2 {
            iot.report("fw", "b", "SUCCEEDED");
        }
        fake.clone()
    }

    #[tokio::test(start_paused = true)]
    async fn a_queue_is_held_up_by_devices_and_never_by_attempts() {
        let job = JobId::new("fw").unwrap();
        for (failures, is_denied, expected) in [
            (0, true, Some(EntryOutcome::Succeeded)),
            (1, false, Some(EntryOutcome::Succeeded)),
            (2, false, Some(EntryOutcome::Failed)),
            (1, true, None),
            (2, true, None),
        ] {
            let fake = completed(failures);
            fake.fail(move |call| {
                let denied = Fault::Refused("AccessDeniedException", "not authorized");
                (is_denied && call.operation.starts_with("List")).then_some(denied)
            });
            let view = find_view(&fake.iot(), &job).await.unwrap().unwrap();
            let ended = ending(Some(&view)).unwrap();
            assert_eq!(ended.outcome, expected, "{view:?}");
            let says_attempts = ended.why.is_some_and(|why| why.contains("attempts, not devices"));
            assert_eq!(says_attempts, expected.is_none(), "{view:?}");
        }
    }
}
