//! Waits until a round's job has ended.

use std::time::Duration;

use tripline::job::JobId;
use tripline_aws::Failure;

use super::ending::{RoundEnding, Through};
use crate::aws::budget::Budget;
use crate::aws::deployment::cloud::Cloud;
use crate::aws::devices::Devices;
use crate::aws::executions::passes;
use crate::aws::fired::Fired;
use crate::aws::job::DescribedJob;
use crate::exit::Error;

/// How long AWS may be out of reach while a job is waited for: the job goes on meanwhile.
const OUTAGE: Duration = Duration::from_secs(600);
/// How long a job that was made may not be seen: AWS IoT may take a moment to show it.
const UNSEEN: Duration = Duration::from_secs(20);
/// Time before the second look at a job; it doubles from look to look.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// Least of the longest time between looks.
const LEAST: Duration = Duration::from_secs(1);

/// Waits until a job has ended. The time between looks grows to `longest`.
///
/// # Errors
/// What AWS refuses, and an outage that lasts too long.
pub async fn wait(
    cloud: &Cloud,
    job: &JobId,
    through: Through,
    longest: Duration,
) -> Result<RoundEnding, Error> {
    let longest = longest.max(LEAST);
    let (mut budget, mut counted) = (Budget::new(), Devices::default());
    let mut pause = FIRST_PAUSE;
    let mut lost: Option<tokio::time::Instant> = None;
    let begun = tokio::time::Instant::now();
    let mut seen = false;
    loop {
        match describe_job(cloud, job, through, &mut counted, &mut budget).await {
            Ok((described, fired)) => {
                lost = None;
                seen |= described.is_some();
                let is_late = described.is_none() && !seen && begun.elapsed() < UNSEEN;
                if !is_late
                    && let Some(ending) =
                        RoundEnding::of_job(described.as_ref(), through, fired.as_ref())
                {
                    return Ok(ending);
                }
            }
            Err(failure) if passes(&failure) => {
                let since = *lost.get_or_insert_with(tokio::time::Instant::now);
                if since.elapsed() > OUTAGE {
                    return Err(failure.into());
                }
            }
            Err(failure) => return Err(failure.into()),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(longest);
    }
}

/// A job, and an alarm of it that has fired, if it has ended without being canceled.
async fn describe_job(
    cloud: &Cloud,
    job: &JobId,
    through: Through,
    counted: &mut Devices,
    budget: &mut Budget,
) -> Result<(Option<DescribedJob>, Option<Fired>), Failure> {
    let Some(found) = cloud.job(job).await? else { return Ok((None, None)) };
    let described = counted.describe(&cloud.aws.iot, job, &found, budget).await?;
    let fired = if through.is(&described) {
        cloud.aws.fired(job, described.created_at.unwrap_or(0)).await?.into_iter().next()
    } else {
        None
    };
    Ok((Some(described), fired))
}

#[cfg(test)]
mod tests {
    use aws_sdk_iot::types::{JobStatus, RetryableFailureType};
    use fake_aws::Fault;
    use tripline_config::TargetSelection;

    use super::*;
    use crate::alarms::fake::FakeAws;
    use crate::deploy::ending::RoundOutcome;
    use crate::input::buckets::Buckets;

    /// A job of things `d0`, `d1` .., each of which fails so often before it succeeds; `None`: it never does.
    fn job(fake: &FakeAws, failures: &[Option<usize>]) {
        const RETRIES: usize = 3;
        let iot = &mut fake.world().iot;
        let things: Vec<_> = (0..failures.len()).map(|n| format!("thing/d{n}")).collect();
        let things: Vec<_> = things.iter().map(String::as_str).collect();
        iot.job("fw", JobStatus::InProgress, &things);
        iot.retry("fw", RetryableFailureType::Failed, i32::try_from(RETRIES).unwrap());
        for n in 0..failures.len() {
            iot.notify("fw", &format!("d{n}"));
        }
        for (n, failures) in failures.iter().enumerate() {
            let thing = format!("d{n}");
            (0..failures.unwrap_or(RETRIES + 1)).for_each(|_| iot.report("fw", &thing, "FAILED"));
            if failures.is_some() {
                iot.report("fw", &thing, "SUCCEEDED");
            }
        }
    }

    async fn ending(fake: &FakeAws) -> RoundEnding {
        let cloud =
            Cloud { aws: fake.aws(), s3: Buckets::of_any(fake.0.s3()), pace: Duration::ZERO };
        let job = JobId::new("fw").unwrap();
        let through =
            Through { selection: TargetSelection::Snapshot, devices: None, tolerance: 0.0 };
        wait(&cloud, &job, through, Duration::ZERO).await.unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_round_whose_devices_succeeded_in_the_end_has_succeeded() {
        let fake = FakeAws::new();
        job(&fake, &[Some(0), Some(1), Some(3)]);
        let ended = ending(&fake).await;
        assert_eq!(ended.outcome, RoundOutcome::Succeeded, "{ended:?}");
        assert_eq!((ended.counts.failed, ended.attempts.unwrap().failed), (Some(0), 4));
    }

    #[tokio::test(start_paused = true)]
    async fn a_device_that_failed_all_of_its_attempts_fails_the_round_once() {
        let fake = FakeAws::new();
        job(&fake, &[Some(0), None, Some(2)]);
        let ended = ending(&fake).await;
        assert_eq!(ended.outcome, RoundOutcome::Failed, "{ended:?}");
        assert_eq!((ended.counts.failed, ended.attempts.unwrap().failed), (Some(1), 6));
    }

    #[tokio::test(start_paused = true)]
    async fn attempts_that_cannot_be_listed_leave_a_round_undecided() {
        let fake = FakeAws::new();
        job(&fake, &[Some(0), Some(1)]);
        fake.world().faults.add(|call| {
            let denied = Fault::Refused("AccessDeniedException", "not authorized");
            (call.operation == "ListJobExecutionsForJob").then_some(denied)
        });
        let ended = ending(&fake).await;
        assert_eq!(ended.outcome, RoundOutcome::Undecided, "{ended:?}");
        assert_eq!(ended.counts.failed, None);
        assert!(ended.text().contains("attempts, not devices: 1 failed"), "{}", ended.text());
    }

    #[tokio::test(start_paused = true)]
    async fn a_round_whose_alarm_fired_too_late_to_stop_it_is_the_last() {
        let fake = FakeAws::new();
        job(&fake, &[Some(0), Some(0)]);
        fake.world().cloudwatch.watch("fw", "slow");
        fake.world().cloudwatch.fire("tripline-fw-slow", 1_790_000_000);
        let ended = ending(&fake).await;
        assert_eq!(ended.outcome, RoundOutcome::Stopped, "{ended:?}");
        let alarm = "alarm `tripline-fw-slow` fired at 2026-09-21T14:13:20Z";
        assert_eq!(ended.text(), format!("completed, but {alarm}: 2 succeeded"));
    }
}
