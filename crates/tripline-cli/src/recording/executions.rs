//! All executions of a job, page by page.

use aws_sdk_iot::Client;
use aws_sdk_iot::primitives::DateTime;
use aws_sdk_iot::types::{JobExecutionStatus, JobExecutionSummaryForJob};
use tripline::job::JobId;
use tripline::metric::Outcome;
use tripline_aws::{Failure, FailureKind};

use crate::aws::budget::Budget;

/// `ListJobExecutionsForJob` gives so many at a time.
const PAGE: i32 = 250;
/// How often a page is asked for that is throttled or does not come.
const ATTEMPTS: u32 = 5;

/// One device's execution, as AWS IoT lists it: of a device that tried again its last attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobExecution {
    pub thing_arn: String,
    /// How it ended; `None` if it did not.
    pub outcome: Option<Outcome>,
    /// When it began, in seconds since the epoch; `None` if it never did.
    pub began: Option<i64>,
    /// When it changed last: if it ended, when it did.
    pub changed: i64,
    /// How many attempts came before it.
    pub retries: u32,
}

/// All executions of a job. `seen` is said how many there are so far, after each page.
pub async fn all_executions(
    client: &Client,
    job: &JobId,
    budget: &mut Budget,
    mut seen: impl FnMut(usize),
) -> Result<Vec<JobExecution>, Failure> {
    let (mut all, mut token, mut attempt) = (Vec::new(), None, 1);
    loop {
        budget.turn().await;
        let page = client
            .list_job_executions_for_job()
            .job_id(job.as_str())
            .max_results(PAGE)
            .set_next_token(token.clone())
            .send()
            .await
            .map_err(|error| Failure::from_sdk("ListJobExecutionsForJob", &error));
        let page = match page {
            Ok(page) => page,
            Err(failure) => {
                let passes =
                    matches!(failure.kind, FailureKind::Throttled | FailureKind::Unavailable);
                if !passes || attempt == ATTEMPTS {
                    return Err(failure);
                }
                attempt += 1;
                continue;
            }
        };
        attempt = 1;
        all.extend(page.execution_summaries().iter().filter_map(execution));
        seen(all.len());
        token = page.next_token.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok(all);
        }
    }
}

fn execution(listed: &JobExecutionSummaryForJob) -> Option<JobExecution> {
    let summary = listed.job_execution_summary()?;
    let retries = summary.retry_attempt().unwrap_or(0);
    Some(JobExecution {
        thing_arn: listed.thing_arn()?.to_owned(),
        outcome: summary.status().and_then(outcome),
        began: summary.started_at().map(DateTime::secs),
        changed: summary.last_updated_at().or(summary.queued_at())?.secs(),
        retries: u32::try_from(retries).unwrap_or(0),
    })
}

fn outcome(status: &JobExecutionStatus) -> Option<Outcome> {
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
