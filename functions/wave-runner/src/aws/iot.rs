use aws_sdk_iot::operation::create_job::builders::CreateJobInputBuilder;
use tripline::job::{Job, JobId};
use tripline::stop::{MAX_COMMENT, REASON_CODE};
use tripline::text::clean;
use tripline_aws::{Failure, FailureKind, iot};

use super::Aws;
use crate::ask::Jobs;

impl Jobs for Aws {
    async fn describe_job(&self, job: &JobId) -> Result<Job, Failure> {
        iot::describe_job(&self.iot, job).await
    }

    async fn job_tags(&self, job: &JobId) -> Result<Vec<(String, String)>, Failure> {
        let described = iot::describe(&self.iot, job).await?;
        iot::tags(&self.iot, described.job_arn().unwrap_or_default()).await
    }

    async fn create_job(&self, request: CreateJobInputBuilder) -> Result<bool, Failure> {
        iot::write::create_job(&self.iot, request).await
    }

    async fn cancel_job(&self, job: &JobId, comment: &str) -> Result<(), Failure> {
        const OPERATION: &str = "CancelJob";
        let cancel = self.iot.cancel_job().job_id(job.as_str()).reason_code(REASON_CODE);
        let canceled = cancel.comment(clean(comment, MAX_COMMENT)).send().await;
        let failed = canceled.err().map(|error| Failure::from_sdk(OPERATION, &error));
        // That proves it, or finds out that an answer was lost.
        match self.describe_job(job).await {
            Ok(now) if now.state.has_ended() => Ok(()),
            Err(failure) if failure.kind == FailureKind::NotFound => Ok(()),
            _ => Err(failed.unwrap_or_else(|| {
                let text = "taken, but the job is still in progress";
                Failure::new(OPERATION, FailureKind::Unavailable, text)
            })),
        }
    }

    async fn delete_group(&self, group: &str) -> Result<(), Failure> {
        iot::write::delete_group(&self.iot, group).await
    }
}
