use std::hash::{DefaultHasher, Hash, Hasher};

use aws_sdk_iot::types::{JobExecutionStatus, JobExecutionSummaryForJob, JobStatus, JobSummary};
use tripline::attempts::Attempt;
use tripline::job::{Job, JobId};
use tripline::metric::Outcome;
use tripline::time::Timestamp;
use tripline_aws::answer::whole;
use tripline_aws::{Failure, iot};
use tripline_guard::events;

use super::Aws;
use crate::ask::{
    DescribeJob, JobEvents, JobTags, ListAttempts, ListExecutions, ListJobs, ListThings, Listed,
    PAGE, Page, Phase, Span,
};

impl JobEvents for Aws {
    async fn job_events_are_on(&self) -> Result<bool, Failure> {
        events::are_on(&self.iot).await
    }

    async fn enable_job_events(&self) -> Result<(), Failure> {
        events::enable(&self.iot).await
    }
}

impl ListJobs for Aws {
    async fn list_jobs(&self, next: Option<String>) -> Result<Page<Listed>, Failure> {
        let output = self
            .iot
            .list_jobs()
            .status(JobStatus::InProgress)
            .max_results(PAGE as i32)
            .set_next_token(next)
            .send()
            .await
            .map_err(|error| Failure::from_sdk("ListJobs", &error))?;
        // `{}` of anybody would read as "no rollouts", and none would be guarded without a word.
        whole("ListJobs", output.jobs.is_some(), &output)?;
        let items = output.jobs.into_iter().flatten().filter_map(listed).collect();
        Ok(Page { items, next: output.next_token })
    }
}

fn listed(job: JobSummary) -> Option<Listed> {
    Some(Listed {
        job: JobId::new(&job.job_id?).ok()?,
        arn: job.job_arn.unwrap_or_default(),
        created: at(job.created_at),
    })
}

fn at(time: Option<aws_sdk_iot::primitives::DateTime>) -> Timestamp {
    Timestamp::from_seconds(time.map_or(0, |time| time.secs()))
}

impl JobTags for Aws {
    async fn job_tags(
        &self,
        arn: &str,
        next: Option<String>,
    ) -> Result<Page<(String, String)>, Failure> {
        let output = self
            .iot
            .list_tags_for_resource()
            .resource_arn(arn)
            .set_next_token(next)
            .send()
            .await
            .map_err(|error| Failure::from_sdk("ListTagsForResource", &error))?;
        whole("ListTagsForResource", output.tags.is_some(), &output)?;
        let tags = output.tags.into_iter().flatten();
        let items = tags.map(|tag| (tag.key, tag.value.unwrap_or_default())).collect();
        Ok(Page { items, next: output.next_token })
    }
}

impl DescribeJob for Aws {
    async fn describe_job(&self, job: &JobId) -> Result<Job, Failure> {
        iot::describe_job(&self.iot, job).await
    }
}

impl Aws {
    /// A page of a job's executions in one state.
    async fn executions(
        &self,
        job: &JobId,
        status: JobExecutionStatus,
        next: Option<String>,
    ) -> Result<Page<JobExecutionSummaryForJob>, Failure> {
        let output = self
            .iot
            .list_job_executions_for_job()
            .job_id(job.as_str())
            .status(status)
            .max_results(PAGE as i32)
            .set_next_token(next)
            .send()
            .await
            .map_err(|error| Failure::from_sdk("ListJobExecutionsForJob", &error))?;
        whole("ListJobExecutionsForJob", output.execution_summaries.is_some(), &output)?;
        let items = output.execution_summaries.unwrap_or_default();
        Ok(Page { items, next: output.next_token })
    }
}

impl ListExecutions for Aws {
    async fn list_executions(
        &self,
        job: &JobId,
        phase: Phase,
        next: Option<String>,
    ) -> Result<Page<Span>, Failure> {
        let status = match phase {
            Phase::InProgress => JobExecutionStatus::InProgress,
            Phase::Succeeded => JobExecutionStatus::Succeeded,
        };
        let page = self.executions(job, status, next).await?;
        Ok(Page { items: page.items.into_iter().filter_map(span).collect(), next: page.next })
    }
}

impl ListAttempts for Aws {
    async fn list_attempts(
        &self,
        job: &JobId,
        outcome: Outcome,
        next: Option<String>,
    ) -> Result<Page<Attempt<u64>>, Failure> {
        let status = match outcome {
            Outcome::Failed => JobExecutionStatus::Failed,
            Outcome::Rejected => JobExecutionStatus::Rejected,
            Outcome::TimedOut => JobExecutionStatus::TimedOut,
            Outcome::Succeeded => JobExecutionStatus::Succeeded,
            Outcome::Canceled => JobExecutionStatus::Canceled,
            Outcome::Removed => JobExecutionStatus::Removed,
        };
        let page = self.executions(job, status, next).await?;
        let attempts = page.items.into_iter().map(|execution| {
            let number = execution.job_execution_summary.and_then(|it| it.execution_number);
            // One without a number is the first.
            let number = number.and_then(|number| u32::try_from(number).ok()).unwrap_or(1);
            Attempt { thing: number_of(&execution.thing_arn), number, outcome }
        });
        Ok(Page { items: attempts.collect(), next: page.next })
    }
}

impl ListThings for Aws {
    async fn list_things(&self, group: &str, next: Option<String>) -> Result<Page<u64>, Failure> {
        let output = self
            .iot
            .list_things_in_thing_group()
            .thing_group_name(group)
            .recursive(true)
            .max_results(PAGE as i32)
            .set_next_token(next)
            .send()
            .await
            .map_err(|error| Failure::from_sdk("ListThingsInThingGroup", &error))?;
        whole("ListThingsInThingGroup", output.things.is_some(), &output)?;
        let things = output.things.into_iter().flatten();
        Ok(Page { items: things.map(number_of).collect(), next: output.next_token })
    }
}

/// A number of a thing, by its name or ARN: a list of millions is remembered by it.
fn number_of(thing: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    thing.hash(&mut hasher);
    hasher.finish()
}

/// An execution that shows no beginning says nothing.
fn span(execution: JobExecutionSummaryForJob) -> Option<Span> {
    let thing = number_of(&execution.thing_arn);
    let summary = execution.job_execution_summary?;
    let began = summary.started_at?;
    Some(Span {
        began: at(Some(began)),
        updated: at(summary.last_updated_at.or(Some(began))),
        is_retry: summary.retry_attempt.is_some_and(|attempt| attempt > 0),
        thing,
    })
}
