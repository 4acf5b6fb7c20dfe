//! Past rollouts from AWS IoT.

use aws_sdk_iot::Client;
use tripline::baseline::Execution;
use tripline::diagnostic::{Diagnostic, Diagnostics};
use tripline::job::{JobId, JobState};
use tripline::metric::Outcome;

use super::past::{Past, Reason};
use crate::aws::budget::Budget;
use crate::aws::job::{DescribedJob, find_job};
use crate::exit::Error;
use crate::recording::executions::{JobExecution, all_executions};
use crate::terminal::progress::Progress;

/// Reads jobs. What is wrong with any of them is said before the executions of one are read.
pub async fn read(client: &Client, jobs: &[JobId], mut budget: Budget) -> Result<Vec<Past>, Error> {
    let (mut described, mut wrong) = (Vec::new(), Diagnostics::default());
    for job in jobs {
        budget.turn().await;
        let found = find_job(client, job).await?.as_ref().map(DescribedJob::from);
        match found.map(|found| (found.state, found)) {
            Some((JobState::Completed | JobState::Canceled, found)) => described.push((job, found)),
            Some((JobState::Active, _)) => wrong.add(format!(
                "job `{job}` is still in progress (expected jobs that have completed)"
            )),
            Some((JobState::Deleting, _)) => wrong.add(format!("job `{job}` is being deleted")),
            None => wrong.add(Diagnostic::new(format!("there is no job `{job}`")).with_hint(
                "check the Region and the account; for a deleted job use its recording",
            )),
        }
    }
    if !wrong.list().is_empty() {
        return Err(Error::input(wrong));
    }
    let mut progress = Progress::new();
    let mut past = Vec::new();
    for (job, found) in described {
        if found.state == JobState::Canceled {
            past.push(Past::left_out(job.clone(), Reason::Stopped));
            continue;
        }
        let counted = found.tally.all();
        let seen = |seen| progress.show(format!("{job}: {seen} of {counted} executions"));
        let executions = all_executions(client, job, &mut budget, seen).await?;
        past.push(of_job(job.clone(), counted, &executions));
    }
    Ok(past)
}

/// A job that completed.
fn of_job(job: JobId, counted: u32, listed: &[JobExecution]) -> Past {
    let number = u32::try_from(listed.len()).unwrap_or(u32::MAX);
    if number == 0 && counted > 0 {
        return Past::left_out(job, Reason::Deleted);
    }
    let (mut executions, mut unknown) = (Vec::new(), 0);
    for listed in listed {
        match (listed.began, listed.outcome) {
            (Some(began), outcome) => executions.push(Execution {
                lasted: outcome
                    .filter(|outcome| *outcome != Outcome::TimedOut)
                    .map(|_| seconds(began, listed.changed)),
                failed: matches!(outcome, Some(Outcome::Failed | Outcome::Rejected)),
                is_retry: listed.retries > 0,
            }),
            // Refused without beginning: it began and ended at once.
            (None, Some(Outcome::Rejected)) => executions.push(Execution {
                lasted: Some(0),
                failed: true,
                is_retry: listed.retries > 0,
            }),
            (None, Some(Outcome::Canceled | Outcome::Removed) | None) => {}
            (None, Some(Outcome::Succeeded | Outcome::Failed | Outcome::TimedOut)) => unknown += 1,
        }
    }
    Past::ended(job, executions, unknown, counted.saturating_sub(number))
}

/// From one time to a later one.
pub fn seconds(from: i64, to: i64) -> u32 {
    u32::try_from(to.saturating_sub(from).max(0)).unwrap_or(u32::MAX)
}
