//! All executions of a job, page by page.

use aws_sdk_iot::Client;
use aws_sdk_iot::primitives::DateTime;
use aws_sdk_iot::types::JobExecutionSummaryForJob;
use tripline::job::JobId;
use tripline::metric::Outcome;
use tripline_aws::Failure;

use crate::aws::budget::Budget;
use crate::aws::executions::{outcome_of, read_executions};

/// One device's execution, as AWS IoT lists it: of a device that was tried again an attempt.
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
    let mut all = Vec::new();
    let page = |page: &[JobExecutionSummaryForJob]| {
        all.extend(page.iter().filter_map(execution));
        seen(all.len());
    };
    read_executions(client, job, None, usize::MAX, budget, page).await?;
    Ok(all)
}

fn execution(listed: &JobExecutionSummaryForJob) -> Option<JobExecution> {
    let summary = listed.job_execution_summary()?;
    let retries = summary.retry_attempt().unwrap_or(0);
    Some(JobExecution {
        thing_arn: listed.thing_arn()?.to_owned(),
        outcome: summary.status().and_then(outcome_of),
        began: summary.started_at().map(DateTime::secs),
        changed: summary.last_updated_at().or(summary.queued_at())?.secs(),
        retries: u32::try_from(retries).unwrap_or(0),
    })
}
