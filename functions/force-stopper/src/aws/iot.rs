use std::time::Duration;

use aws_sdk_iot::config::timeout::TimeoutConfig;
use aws_sdk_iot::operation::cancel_job::CancelJobOutput;
use tripline::job::{Job, JobId};
use tripline::stop::REASON_CODE;
use tripline_aws::answer::{Complete, LastAnswer};
use tripline_aws::{Failure, iot};

use super::Aws;
use crate::ask::{CancelJob, DescribeJob, HasOptedOut, ReadFallback};

/// The tag and value by which a job opts out of being guarded, as the guard-keeper reads it.
const OPTED_OUT: (&str, &str) = ("tripline:guard", "off");

/// The tag with the job that devices are taken back to, as `tripline deploy` sets it.
const FALLBACK: &str = "tripline:fallback";

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

impl ReadFallback for Aws {
    async fn read_fallback(&self, job: &JobId) -> Result<Option<JobId>, Failure> {
        let arn = self.settings.force_stop_topic.job_arn(job);
        let bounded = aws_sdk_iot::config::Builder::new()
            .timeout_config(TimeoutConfig::builder().operation_timeout(Self::PATIENCE).build());
        let request = self.iot.list_tags_for_resource().resource_arn(arn).customize();
        let output = request.config_override(bounded).send().await;
        let output = output.map_err(|error| Failure::from_sdk("ListTagsForResource", &error))?;
        let tag = output.tags().iter().find(|tag| tag.key() == FALLBACK);
        let fallback = tag.and_then(|tag| JobId::new(tag.value()?).ok());
        Ok(fallback.filter(|fallback| fallback != job))
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
