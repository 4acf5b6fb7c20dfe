//! Jobs, things, groups, tags and objects beside the alarms and the stack, in the AWS in memory.

use std::sync::MutexGuard;

use aws_sdk_iot::types::{
    AbortAction, AbortConfig, AbortCriteria, Job, JobExecutionFailureType,
    JobExecutionsRetryConfig, JobExecutionsRolloutConfig, PresignedUrlConfig, RetryCriteria,
    RetryableFailureType, TimeoutConfig,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fake_aws::{Account, Call, Fault};
use sha2::{Digest, Sha256};

use super::aws::Aws;
use crate::alarms::fake::FakeAws;

/// Everything that a job can be configured with.
pub fn configure(job: &mut Job) {
    job.description = Some("the pumps".to_owned());
    job.presigned_url_config = Some(
        PresignedUrlConfig::builder()
            .role_arn("arn:aws:iam::111122223333:role/signer")
            .expires_in_sec(600)
            .build(),
    );
    job.job_executions_rollout_config =
        Some(JobExecutionsRolloutConfig::builder().maximum_per_minute(7).build());
    let criteria = AbortCriteria::builder()
        .failure_type(JobExecutionFailureType::Failed)
        .action(AbortAction::Cancel)
        .threshold_percentage(12.5)
        .min_number_of_executed_things(3)
        .build()
        .unwrap();
    job.abort_config = Some(AbortConfig::builder().criteria_list(criteria).build().unwrap());
    job.timeout_config = Some(TimeoutConfig::builder().in_progress_timeout_in_minutes(90).build());
    let retry = RetryCriteria::builder()
        .failure_type(RetryableFailureType::TimedOut)
        .number_of_retries(2)
        .build()
        .unwrap();
    job.job_executions_retry_config =
        Some(JobExecutionsRetryConfig::builder().criteria_list(retry).build().unwrap());
}

/// A change to what resuming is about; alarms are not.
fn is_change(call: &Call) -> bool {
    call.service == "iot" && call.is_write()
}

#[derive(Clone)]
pub struct Fake {
    pub alarms: FakeAws,
}

impl Fake {
    pub fn new() -> Self {
        Self { alarms: FakeAws::new() }
    }

    pub fn world(&self) -> MutexGuard<'_, Account> {
        self.alarms.world()
    }

    /// How many calls have changed something.
    pub fn changes(&self) -> usize {
        self.world().calls.iter().filter(|call| is_change(call)).count()
    }

    /// All calls from this change on fail, as if the process had ended; if its answer is lost this
    /// change itself is made.
    pub fn cut(&self, at: usize, lost: bool) {
        let mut number = self.changes();
        self.alarms.0.fail(move |call| {
            if !is_change(call) {
                return None;
            }
            number += 1;
            let (code, message) = ("InvalidRequestException", "as it says");
            match number - 1 {
                change if change < at => None,
                change if change == at && lost => Some(Fault::Lost(code, message)),
                _ => Some(Fault::Refused(code, message)),
            }
        });
    }

    /// Everything that a resume leaves, to be compared.
    pub fn end(&self) -> String {
        let world = self.world();
        let alarms: Vec<_> = world.cloudwatch.alarms.keys().collect();
        let iot = &world.iot;
        format!("{:#?}\n{:#?}\n{:#?}\n{alarms:?}", iot.jobs, iot.groups, iot.tags)
    }

    /// An object of the bucket.
    pub fn object(&self, key: &str, text: &str) {
        self.world().s3.put("bucket", key, text);
    }

    /// A job whose tags say that `deploy` armed it with this config, and with this baseline beside it.
    pub fn armed_with(&self, job: &str, key: &str, config: &str, baseline: Option<&str>) {
        let sha256 = |text: &str| STANDARD.encode(Sha256::digest(text));
        self.object(key, config);
        let mut digests = sha256(config);
        if let Some(baseline) = baseline {
            let folder = key.rsplit_once('/').map_or("", |(folder, _)| folder);
            self.object(&format!("{folder}/baseline.json"), baseline);
            digests += &format!(" {}", sha256(baseline));
        }
        let (job, iot) = (format!("job/{job}"), &mut self.world().iot);
        iot.tag(&job, "tripline:config", &format!("s3://bucket/{key}"));
        iot.tag(&job, "tripline:configDigest", &digests);
    }

    pub fn aws(&self) -> Aws {
        let aws = &self.alarms.0;
        Aws::new(self.alarms.aws(), aws.iot(), aws.s3())
    }
}
