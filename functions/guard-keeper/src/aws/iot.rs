use crate::pipeline::Endings;
use aws_sdk_iot::types::{
    JobExecutionStatus, JobExecutionSummaryForJob, JobExecutionsRolloutConfig, JobProcessDetails,
    JobStatus, JobSummary,
};
use tripline::job::{JobId, JobState};
use tripline::rollout::Rate;
use tripline::time::Timestamp;
use tripline_aws::{Failure, FailureKind};
use tripline_guard::events;

use super::Aws;
use crate::ask::{
    DescribeJob, JobEvents, JobNow, JobTags, ListExecutions, ListJobs, Listed, Page, Phase, Span,
};

/// Most entries of a page.
const PAGE: i32 = 250;

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
            .max_results(PAGE)
            .set_next_token(next)
            .send()
            .await
            .map_err(|error| Failure::from_sdk("ListJobs", &error))?;
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
    async fn job_tags(&self, arn: &str) -> Result<Vec<(String, String)>, Failure> {
        let mut tags = Vec::new();
        let mut next = None;
        // A resource has 50 tags at most.
        for _ in 0..2 {
            let output = self
                .iot
                .list_tags_for_resource()
                .resource_arn(arn)
                .set_next_token(next)
                .send()
                .await
                .map_err(|error| Failure::from_sdk("ListTagsForResource", &error))?;
            let page = output.tags.into_iter().flatten();
            tags.extend(page.map(|tag| (tag.key, tag.value.unwrap_or_default())));
            next = output.next_token;
            if next.is_none() {
                break;
            }
        }
        Ok(tags)
    }
}

impl DescribeJob for Aws {
    async fn describe_job(&self, job: &JobId) -> Result<JobNow, Failure> {
        let output = self
            .iot
            .describe_job()
            .job_id(job.as_str())
            .send()
            .await
            .map_err(|error| Failure::from_sdk("DescribeJob", &error))?;
        let missing =
            || Failure::new("DescribeJob", FailureKind::Unavailable, "the answer has no job");
        let job = output.job.ok_or_else(missing)?;
        let status = job.status.as_ref().map_or("", |status| status.as_str());
        // A cancelled job may have no time of completion.
        let ended = job.completed_at.or(job.last_updated_at);
        let details = job.job_process_details.as_ref();
        Ok(JobNow {
            created: at(job.created_at),
            ended: JobState::from_status(status).has_ended().then(|| at(ended)),
            endings: details.map(endings).unwrap_or_default(),
            in_progress: count(details.and_then(|is| is.number_of_in_progress_things)),
            queued: count(details.and_then(|is| is.number_of_queued_things)),
            rate: rate(job.job_executions_rollout_config.as_ref()),
        })
    }
}

fn rate(config: Option<&JobExecutionsRolloutConfig>) -> u32 {
    let at_first = config.and_then(|config| match &config.exponential_rate {
        Some(exponential) => Some(exponential.base_rate_per_minute),
        None => config.maximum_per_minute,
    });
    at_first.and_then(|rate| u32::try_from(rate).ok()).unwrap_or(Rate::QUOTA)
}

fn endings(details: &JobProcessDetails) -> Endings {
    Endings {
        succeeded: count(details.number_of_succeeded_things),
        failed: count(details.number_of_failed_things),
        rejected: count(details.number_of_rejected_things),
        timed_out: count(details.number_of_timed_out_things),
    }
}

fn count(number: Option<i32>) -> u32 {
    number.and_then(|number| u32::try_from(number).ok()).unwrap_or(0)
}

impl ListExecutions for Aws {
    async fn list_executions(
        &self,
        job: &JobId,
        phase: Phase,
        next: Option<String>,
    ) -> Result<Page<Span>, Failure> {
        let output = self
            .iot
            .list_job_executions_for_job()
            .job_id(job.as_str())
            .status(match phase {
                Phase::InProgress => JobExecutionStatus::InProgress,
                Phase::Succeeded => JobExecutionStatus::Succeeded,
            })
            .max_results(PAGE)
            .set_next_token(next)
            .send()
            .await
            .map_err(|error| Failure::from_sdk("ListJobExecutionsForJob", &error))?;
        let items = output.execution_summaries.into_iter().flatten().filter_map(span).collect();
        Ok(Page { items, next: output.next_token })
    }
}

/// An execution that shows no beginning says nothing.
fn span(execution: JobExecutionSummaryForJob) -> Option<Span> {
    let summary = execution.job_execution_summary?;
    let began = summary.started_at?;
    Some((at(Some(began)), at(summary.last_updated_at.or(Some(began)))))
}
