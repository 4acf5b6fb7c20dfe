//! The executions of a job, as AWS IoT lists them, page by page.

use aws_sdk_iot::Client;
use aws_sdk_iot::types::{JobExecutionStatus, JobExecutionSummaryForJob};
use tripline::job::JobId;
use tripline::metric::Outcome;
use tripline_aws::{Failure, FailureKind};

use super::budget::Budget;

/// `ListJobExecutionsForJob` gives so many at a time.
pub const PAGE: u32 = 250;
/// How often a page is asked for that is throttled or does not come.
const ATTEMPTS: u32 = 5;

/// Reads a job's executions, all of them or those in one state, and hands them over page by page. `false`: there
/// are more than `most` pages, and the rest was not read.
///
/// # Errors
/// That of the call; [`Throttled`](FailureKind::Throttled) and [`Unavailable`](FailureKind::Unavailable) once it
/// was repeated.
pub async fn read_executions(
    client: &Client,
    job: &JobId,
    status: Option<JobExecutionStatus>,
    most: usize,
    budget: &mut Budget,
    mut page: impl FnMut(&[JobExecutionSummaryForJob]),
) -> Result<bool, Failure> {
    let (mut token, mut attempt, mut pages) = (None, 1, 0);
    loop {
        budget.turn().await;
        let answer = client
            .list_job_executions_for_job()
            .job_id(job.as_str())
            .set_status(status.clone())
            .max_results(i32::try_from(PAGE).unwrap_or(i32::MAX))
            .set_next_token(token.clone())
            .send()
            .await
            .map_err(|error| Failure::from_sdk("ListJobExecutionsForJob", &error));
        let answer = match answer {
            Ok(answer) => answer,
            Err(failure) if passes(&failure) && attempt < ATTEMPTS => {
                attempt += 1;
                continue;
            }
            Err(failure) => return Err(failure),
        };
        (attempt, pages) = (1, pages + 1);
        page(answer.execution_summaries());
        token = answer.next_token.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok(true);
        }
        if pages >= most {
            return Ok(false);
        }
    }
}

/// Whether a failure may be over in a while.
pub fn passes(failure: &Failure) -> bool {
    matches!(failure.kind, FailureKind::Throttled | FailureKind::Unavailable)
}

/// How an execution in this state ended; `None` if it did not.
pub fn outcome_of(status: &JobExecutionStatus) -> Option<Outcome> {
    match status {
        JobExecutionStatus::Succeeded => Some(Outcome::Succeeded),
        JobExecutionStatus::Failed => Some(Outcome::Failed),
        JobExecutionStatus::Rejected => Some(Outcome::Rejected),
        JobExecutionStatus::TimedOut => Some(Outcome::TimedOut),
        JobExecutionStatus::Canceled => Some(Outcome::Canceled),
        JobExecutionStatus::Removed => Some(Outcome::Removed),
        _ => None,
    }
}
