//! How a job that nobody waited for has ended.

use crate::queue::state::{Entry, EntryEnding, JobView, ending};
use tripline::job::{JobId, JobState};
use tripline::time::Timestamp;

use super::aws::Aws;
use crate::aws::budget::Budget;
use crate::aws::clients;
use crate::aws::devices::Devices;
use crate::aws::fired::Fired;
use crate::aws::job::{DescribedJob, find_job};
use crate::exit::Error;

/// By so many seconds the clocks of a worker and of CloudWatch may differ.
const MAX_SKEW: i64 = 60;

/// Whether there is a job of this name.
pub async fn exists(aws: &Aws, region: Option<&str>, job: &JobId) -> Result<bool, Error> {
    Ok(find_job(&aws.of_rollout(region).await?.iot, job).await?.is_some())
}

/// How an entry's job has ended, in devices; `None` while it goes on.
pub async fn ending_of(aws: &Aws, entry: &Entry) -> Result<Option<EntryEnding>, Error> {
    find_ending(&aws.of_rollout(entry.region.as_deref()).await?, entry).await
}

async fn find_ending(aws: &clients::Aws, entry: &Entry) -> Result<Option<EntryEnding>, Error> {
    let Some(found) = find_job(&aws.iot, &entry.job).await? else {
        return Ok(ending(None, entry.tolerance, None));
    };
    let mut budget = Budget::new();
    let job = Devices::default().describe(&aws.iot, &entry.job, &found, &mut budget).await?;
    // One that was canceled has been stopped already, and one that goes on is not asked about.
    let fired = match job.state {
        JobState::Completed => aws.fired(&entry.job, job.created_at.unwrap_or(0)).await?,
        JobState::Active | JobState::Canceled | JobState::Deleting => Vec::new(),
    };
    Ok(ending(Some(&view(job)), entry.tolerance, fired.first().map(Fired::seen)))
}

/// An alarm of an entry's job that has been in ALARM since the job was created.
pub async fn fired(aws: &Aws, entry: &Entry) -> Result<Option<Fired>, Error> {
    let aws = aws.of_rollout(entry.region.as_deref()).await?;
    let Some(found) = find_job(&aws.iot, &entry.job).await? else { return Ok(None) };
    let created = DescribedJob::from(&found).created_at.unwrap_or(0);
    Ok(aws.fired(&entry.job, created).await?.into_iter().next())
}

/// An alarm of an entry's job that went to ALARM after the entry had ended. What was there before, a person
/// who said how it ended has known.
pub async fn fired_after(
    aws: &Aws,
    entry: &Entry,
    ended: Timestamp,
) -> Result<Option<Fired>, Error> {
    let since = ended.seconds().saturating_sub(MAX_SKEW);
    let aws = aws.of_rollout(entry.region.as_deref()).await?;
    let fired = aws.fired(&entry.job, since).await?;
    Ok(fired.into_iter().find(|fired| fired.at >= since))
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

    use super::*;
    use crate::alarms::fake::FakeAws;
    use crate::queue::state::EntryOutcome;
    use crate::queue::tests::pending;

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
        let entry = Entry { job: JobId::new("fw").unwrap(), ..pending(1) };
        for (failures, is_denied, expected) in [
            (0, true, Some(EntryOutcome::Succeeded)),
            (1, false, Some(EntryOutcome::Succeeded)),
            (2, false, Some(EntryOutcome::Failed)),
            (1, true, None),
            (2, true, None),
        ] {
            let fake = FakeAws(completed(failures));
            fake.0.fail(move |call| {
                let denied = Fault::Refused("AccessDeniedException", "not authorized");
                let is_list = call.operation == "ListJobExecutionsForJob";
                (is_denied && is_list).then_some(denied)
            });
            let ended = find_ending(&fake.aws(), &entry).await.unwrap().unwrap();
            assert_eq!(ended.outcome, expected, "{ended:?}");
            let says_attempts = ended.why.is_some_and(|why| why.contains("attempts, not devices"));
            assert_eq!(says_attempts, expected.is_none(), "{failures} {is_denied}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_alarm_that_fired_while_it_was_rolled_out_stops_the_queue() {
        let entry = Entry { job: JobId::new("fw").unwrap(), ..pending(1) };
        let fake = FakeAws(completed(0));
        fake.world().cloudwatch.watch("fw", "slow");
        let outcome = async || find_ending(&fake.aws(), &entry).await.unwrap().unwrap();
        assert_eq!(outcome().await.outcome, Some(EntryOutcome::Succeeded));
        fake.world().cloudwatch.fire("tripline-fw-slow", 1_790_000_000);
        fake.world().cloudwatch.calm("tripline-fw-slow");
        let ended = outcome().await;
        assert_eq!(ended.outcome, Some(EntryOutcome::Stopped));
        let why = ended.why.unwrap();
        assert_eq!(why, "alarm `tripline-fw-slow` fired at 2026-09-21T14:13:20Z");
    }
}
