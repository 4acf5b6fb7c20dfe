//! The device's side of AWS IoT Jobs, one job's executions only.

use aws_sdk_iot::types::JobStatus as IotJobStatus;
use aws_sdk_iotjobsdataplane::types::JobExecutionStatus;
use tripline::job::JobId;
use tripline_aws::{Failure, FailureKind, SdkConfig, iot};

/// How a device's update ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceOutcome {
    Succeeded,
    Failed,
    /// Refused before the download.
    Rejected,
    /// Takes the job and is never heard of again.
    Silent,
}

/// What will become of one device.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fate {
    pub outcome: DeviceOutcome,
    /// Seconds, 0 to 604,800, in tenths.
    pub download_time: f64,
    pub retries: u32,
}

/// What the job has for a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offer {
    /// Nothing yet: the rollout has not reached the device.
    Nothing,
    /// An execution to take, or one that was taken before.
    Pending,
    /// An execution that has ended: reported earlier, timed out, or canceled.
    Ended,
}

/// Whether an update was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    Yes,
    /// The execution had ended before: canceled with force, timed out, or removed.
    TooLate,
}

/// What a device does about its execution of the job.
pub trait JobSide: Send + Sync + 'static {
    /// Looks at it, and changes nothing.
    fn offer(&self, thing: &str) -> impl Future<Output = Result<Offer, Failure>> + Send;
    /// Sets it to IN_PROGRESS.
    fn start(&self, thing: &str) -> impl Future<Output = Result<Taken, Failure>> + Send;
    /// Reports how it ended. [`DeviceOutcome::Silent`] reports nothing.
    fn report(
        &self,
        thing: &str,
        fate: Fate,
    ) -> impl Future<Output = Result<Taken, Failure>> + Send;
    /// The job's own status.
    fn status(&self) -> impl Future<Output = Result<JobStatus, Failure>> + Send;
}

/// The status of a job as AWS names it, and whether it has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobStatus {
    pub name: String,
    pub ended: bool,
}

/// [`JobSide`] on AWS.
///
/// It asks for the execution of the job by the job's id. `StartNextPendingJobExecution` would hand
/// a device the oldest execution in its queue and start it, whichever job that is from: a simulated
/// device must neither start nor end what belongs to another rollout, and a silent device of an
/// earlier one would get that old execution again for ever.
pub struct AwsJobSide {
    iot: aws_sdk_iot::Client,
    device: aws_sdk_iotjobsdataplane::Client,
    job_id: JobId,
}

impl AwsJobSide {
    pub async fn new(config: &SdkConfig, job_id: JobId) -> Result<Self, Failure> {
        let iot = aws_sdk_iot::Client::new(config);
        let mut device = aws_sdk_iotjobsdataplane::config::Builder::from(config);
        // An account has a device endpoint of its own; one endpoint for all calls serves this too.
        if config.endpoint_url().is_none() {
            device.set_endpoint_url(Some(device_endpoint(&iot).await?));
        }
        let device = aws_sdk_iotjobsdataplane::Client::from_conf(device.build());
        Ok(Self { iot, device, job_id })
    }

    async fn update(
        &self,
        thing: &str,
        status: JobExecutionStatus,
        fate: Option<Fate>,
    ) -> Result<Taken, Failure> {
        let mut update = self
            .device
            .update_job_execution()
            .job_id(self.job_id.as_str())
            .thing_name(thing)
            .status(status);
        if let Some(fate) = fate {
            update = update
                .status_details("downloadTime", format!("{:.1}", fate.download_time))
                .status_details("retryCount", fate.retries.to_string());
        }
        match update.send().await {
            Ok(_) => Ok(Taken::Yes),
            Err(error)
                if error.as_service_error().is_some_and(|e| {
                    e.is_invalid_state_transition_exception() || e.is_resource_not_found_exception()
                }) =>
            {
                Ok(Taken::TooLate)
            }
            Err(error) => Err(Failure::from_sdk("UpdateJobExecution", &error)),
        }
    }
}

impl JobSide for AwsJobSide {
    async fn offer(&self, thing: &str) -> Result<Offer, Failure> {
        let described = self
            .device
            .describe_job_execution()
            .job_id(self.job_id.as_str())
            .thing_name(thing)
            .include_job_document(false)
            .send()
            .await;
        match described {
            Ok(_) => Ok(Offer::Pending),
            Err(error) => match error.as_service_error() {
                Some(e) if e.is_terminal_state_exception() => Ok(Offer::Ended),
                Some(e) if e.is_resource_not_found_exception() => Ok(Offer::Nothing),
                _ => Err(Failure::from_sdk("DescribeJobExecution", &error)),
            },
        }
    }

    async fn start(&self, thing: &str) -> Result<Taken, Failure> {
        self.update(thing, JobExecutionStatus::InProgress, None).await
    }

    async fn report(&self, thing: &str, fate: Fate) -> Result<Taken, Failure> {
        match fate.outcome {
            DeviceOutcome::Succeeded => {
                self.update(thing, JobExecutionStatus::Succeeded, Some(fate)).await
            }
            DeviceOutcome::Failed => {
                self.update(thing, JobExecutionStatus::Failed, Some(fate)).await
            }
            DeviceOutcome::Rejected => self.update(thing, JobExecutionStatus::Rejected, None).await,
            DeviceOutcome::Silent => Ok(Taken::Yes),
        }
    }

    async fn status(&self) -> Result<JobStatus, Failure> {
        let status = iot::describe(&self.iot, &self.job_id).await?.status;
        Ok(JobStatus {
            ended: matches!(
                status,
                Some(
                    IotJobStatus::Canceled
                        | IotJobStatus::Completed
                        | IotJobStatus::DeletionInProgress
                )
            ),
            name: status.map_or_else(|| "UNKNOWN".to_owned(), |status| status.as_str().to_owned()),
        })
    }
}

/// `iot:Jobs` is what AWS documents for these calls; where it was retired, AWS refuses it and
/// refers to `iot:Data-ATS`.
async fn device_endpoint(iot: &aws_sdk_iot::Client) -> Result<String, Failure> {
    let mut last = None;
    for kind in ["iot:Jobs", "iot:Data-ATS"] {
        match iot.describe_endpoint().endpoint_type(kind).send().await {
            Ok(endpoint) => {
                if let Some(address) = endpoint.endpoint_address {
                    return Ok(format!("https://{address}"));
                }
            }
            Err(error) => {
                let failure = Failure::from_sdk("DescribeEndpoint", &error);
                if failure.kind != FailureKind::Refused {
                    return Err(failure);
                }
                last = Some(failure);
            }
        }
    }
    Err(last.unwrap_or_else(|| {
        let missing = "the answer has no address for devices";
        Failure::new("DescribeEndpoint", FailureKind::Unavailable, missing)
    }))
}
