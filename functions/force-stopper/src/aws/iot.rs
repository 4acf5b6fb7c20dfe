use std::time::Duration;

use aws_sdk_iot::config::timeout::TimeoutConfig;
use aws_sdk_iot::operation::cancel_job::CancelJobOutput;
use tripline::job::{Job, JobId};
use tripline::stop::REASON_CODE;
use tripline_aws::answer::{Complete, LastAnswer};
use tripline_aws::{Failure, iot};

use super::Aws;
use crate::ask::{CancelJob, DescribeJob, HasOptedOut};

/// The tag and value by which a job opts out of being guarded, as the guard-keeper reads it.
const OPTED_OUT: (&str, &str) = ("tripline:guard", "off");

impl DescribeJob for Aws {
    async fn describe_job(&self, job: &JobId) -> Result<Job, Failure> {
        iot::describe_job(&self.iot, job).await
    }
}

impl HasOptedOut for Aws {
    /// A job has at most 50 tags, which are on one page.
    async fn has_opted_out(&self, job: &JobId) -> Result<bool, Failure> {
        let arn = self.settings.force_stop_topic.job_arn(job);
        let output = self.iot.list_tags_for_resource().resource_arn(arn).send().await;
        let output = output.map_err(|error| Failure::from_sdk("ListTagsForResource", &error))?;
        Ok(output
            .tags()
            .iter()
            .any(|tag| (tag.key(), tag.value().unwrap_or_default()) == OPTED_OUT))
    }
}

impl CancelJob for Aws {
    async fn cancel_job(
        &self,
        job: &JobId,
        force: bool,
        comment: &str,
        patience: Duration,
    ) -> Result<(), Failure> {
        let last = LastAnswer::new();
        let patient = aws_sdk_iot::config::Builder::new()
            .timeout_config(TimeoutConfig::builder().operation_timeout(patience).build());
        self.iot
            .cancel_job()
            .job_id(job.as_str())
            .reason_code(REASON_CODE)
            .comment(comment)
            .force(force)
            .customize()
            .config_override(patient)
            .interceptor(last.clone())
            .interceptor(Complete::<CancelJobOutput>::new(|output| output.job_id.is_some()))
            .send()
            .await
            .map_err(|error| last.failure("CancelJob", &error))?;
        Ok(())
    }
}
