use std::time::Duration;

use aws_sdk_iot::config::retry::RetryConfig;
use aws_sdk_iot::config::timeout::TimeoutConfig;
use tripline::job::{Job, JobId};
use tripline::stop::REASON_CODE;
use tripline_aws::{Failure, iot};

use super::Aws;
use crate::ask::{CancelJob, DescribeJob};

/// A stop is what all this is for, and AWS IoT allows ten a second: it is tried harder than any
/// other call, for most of the function's time.
const CANCEL_ATTEMPTS: u32 = 12;
pub(crate) const CANCEL_TIMEOUT: Duration = Duration::from_secs(75);

impl DescribeJob for Aws {
    async fn describe_job(&self, job: &JobId) -> Result<Job, Failure> {
        iot::describe_job(&self.iot, job).await
    }
}

impl CancelJob for Aws {
    async fn cancel_job(&self, job: &JobId, force: bool, comment: &str) -> Result<(), Failure> {
        let patient = aws_sdk_iot::config::Builder::new()
            .retry_config(RetryConfig::standard().with_max_attempts(CANCEL_ATTEMPTS))
            .timeout_config(TimeoutConfig::builder().operation_timeout(CANCEL_TIMEOUT).build());
        self.iot
            .cancel_job()
            .job_id(job.as_str())
            .reason_code(REASON_CODE)
            .comment(comment)
            .force(force)
            .customize()
            .config_override(patient)
            .send()
            .await
            .map_err(|error| Failure::from_sdk("CancelJob", &error))?;
        Ok(())
    }
}
