//! AWS IoT's jobs: one reading of a job and of its counts, for everybody.

pub mod request;
pub mod write;

use aws_sdk_iot::Client;
use aws_sdk_iot::operation::describe_job::DescribeJobOutput;
use aws_sdk_iot::types::{
    AbortConfig, Job as Described, JobExecutionsRetryConfig, JobExecutionsRolloutConfig,
    JobProcessDetails, RetryableFailureType, TargetSelection,
};
use tripline::attempts::Retries;
use tripline::job::{EndedCounts, ExecutionCounts, Job, JobId, JobState, Setup};
use tripline::rollout::{AbortCriterion, FailureType, Rate, Threshold};

use crate::answer::{Complete, LastAnswer, whole};
use crate::{Failure, FailureKind};

/// A job as it is now.
///
/// # Errors
/// That of the call; [`FailureKind::NotFound`] if there is no such job.
pub async fn describe_job(client: &Client, job: &JobId) -> Result<Job, Failure> {
    describe(client, job).await.map(|described| job_of(&described))
}

/// A job with all that AWS IoT says of it.
///
/// # Errors
/// As [`describe_job`].
pub async fn describe(client: &Client, job: &JobId) -> Result<Described, Failure> {
    let last = LastAnswer::new();
    let output = client
        .describe_job()
        .job_id(job.as_str())
        .customize()
        .interceptor(last.clone())
        .interceptor(Complete::<DescribeJobOutput>::new(|output| output.job.is_some()))
        .send()
        .await
        .map_err(|error| last.failure("DescribeJob", &error))?;
    let missing = || Failure::new("DescribeJob", FailureKind::Unavailable, "the answer has no job");
    output.job.ok_or_else(missing)
}

/// The keys and values of the tags of a job, or of anything else of AWS IoT's that has an ARN.
///
/// # Errors
/// That of the call.
pub async fn tags(client: &Client, arn: &str) -> Result<Vec<(String, String)>, Failure> {
    let mut tags = Vec::new();
    let mut next = None;
    loop {
        let page = client.list_tags_for_resource().resource_arn(arn).set_next_token(next);
        let page = page.send().await;
        let page = page.map_err(|error| Failure::from_sdk("ListTagsForResource", &error))?;
        whole("ListTagsForResource", page.tags.is_some(), &page)?;
        let before = tags.len();
        let read = page.tags.into_iter().flatten();
        tags.extend(read.map(|tag| (tag.key, tag.value.unwrap_or_default())));
        next = page.next_token;
        // A resource has 50 tags at most; whoever pages on and on says nothing new.
        if next.is_none() || tags.len() == before || tags.len() >= MOST_TAGS {
            return Ok(tags);
        }
    }
}

/// Most tags of a resource.
const MOST_TAGS: usize = 50;

/// What an answer says of a job.
pub fn job_of(job: &Described) -> Job {
    // A job without a status is not known to have ended.
    let state =
        job.status().map_or(JobState::Active, |status| JobState::from_status(status.as_str()));
    // A canceled job may have no time of completion.
    let ended_at = job.completed_at().or(job.last_updated_at()).map_or(0, |at| at.secs());
    Job {
        state,
        reason_code: job.reason_code().map(str::to_owned),
        comment: job.comment().map(str::to_owned),
        is_forced: job.force_canceled() == Some(true),
        created_at: job.created_at().map(|at| at.secs()),
        ended_at: state.has_ended().then_some(ended_at),
        rate: rate_of(job.job_executions_rollout_config()),
        is_greengrass: job.namespace_id() == Some(GREENGRASS_NAMESPACE),
        counts: job.job_process_details().map(counts_of).unwrap_or_default(),
        is_counted: job.job_process_details().is_some(),
        timeout: job
            .timeout_config()
            .and_then(|timeout| timeout.in_progress_timeout_in_minutes())
            .and_then(|minutes| u32::try_from(minutes).ok())
            .filter(|minutes| *minutes > 0),
        setup: setup_of(job),
    }
}

fn setup_of(job: &Described) -> Setup {
    let mut setup = Setup {
        is_continuous: job.target_selection() == Some(&TargetSelection::Continuous),
        most_rate: most_rate_of(job.job_executions_rollout_config()),
        retries: retries_of(job.job_executions_retry_config()),
        abort: job.abort_config().map(abort_of).unwrap_or_default(),
        ..Setup::default()
    };
    for target in job.targets() {
        match target.split_once(":thinggroup/") {
            Some((_, group)) => setup.groups.push(group.to_owned()),
            None => setup.things = setup.things.saturating_add(1),
        }
    }
    setup
}

fn retries_of(config: Option<&JobExecutionsRetryConfig>) -> Retries {
    let mut retries = Retries::default();
    for criterion in config.into_iter().flat_map(JobExecutionsRetryConfig::criteria_list) {
        let number = u32::try_from(criterion.number_of_retries()).unwrap_or(0);
        let type_ = criterion.failure_type();
        if matches!(type_, RetryableFailureType::Failed | RetryableFailureType::All) {
            retries.failed = retries.failed.max(number);
        }
        if matches!(type_, RetryableFailureType::TimedOut | RetryableFailureType::All) {
            retries.timed_out = retries.timed_out.max(number);
        }
    }
    retries
}

/// Criteria that cannot be read decide nothing.
fn abort_of(config: &AbortConfig) -> Vec<AbortCriterion> {
    let criteria = config.criteria_list().iter().filter_map(|criterion| {
        Some(AbortCriterion {
            failure: FailureType::parse(criterion.failure_type().as_str())?,
            threshold: Threshold::new(criterion.threshold_percentage()).ok()?,
            min_executed: u32::try_from(criterion.min_number_of_executed_things()).ok()?,
        })
    });
    criteria.collect()
}

/// The `namespaceId` of jobs that are deployments of Greengrass V2.
const GREENGRASS_NAMESPACE: &str = "aws-gg-deployment";

fn rate_of(config: Option<&JobExecutionsRolloutConfig>) -> u32 {
    let at_first = config.and_then(|config| match &config.exponential_rate {
        Some(exponential) => Some(exponential.base_rate_per_minute),
        None => config.maximum_per_minute,
    });
    at_first.and_then(|rate| u32::try_from(rate).ok()).unwrap_or(Rate::QUOTA)
}

fn most_rate_of(config: Option<&JobExecutionsRolloutConfig>) -> u32 {
    let most = config.and_then(|config| match &config.exponential_rate {
        // AWS IoT's own limit, unless there is a lower one.
        Some(_) => Some(config.maximum_per_minute.unwrap_or(i32::MAX)),
        None => config.maximum_per_minute,
    });
    most.and_then(|rate| u32::try_from(rate).ok()).map_or(Rate::QUOTA, |rate| rate.min(Rate::QUOTA))
}

fn counts_of(details: &JobProcessDetails) -> ExecutionCounts {
    let count = |number: Option<i32>| number.and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
    ExecutionCounts {
        queued: count(details.number_of_queued_things),
        in_progress: count(details.number_of_in_progress_things),
        ended: EndedCounts {
            succeeded: count(details.number_of_succeeded_things),
            failed: count(details.number_of_failed_things),
            rejected: count(details.number_of_rejected_things),
            timed_out: count(details.number_of_timed_out_things),
        },
        canceled: count(details.number_of_canceled_things),
        removed: count(details.number_of_removed_things),
    }
}
