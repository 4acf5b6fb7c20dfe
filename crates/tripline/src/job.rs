//! An AWS IoT job: its name, its state and how far it has come.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::attempts::Retries;
pub use crate::counts::{CountRejected, EndedCounts, ExecutionCounts};
use crate::rollout::{AbortCriterion, Rate};
use crate::text::excerpt;
use crate::time::Timestamp;

/// The name of a job: 1 to 64 of `a-z A-Z 0-9 _ -` (AWS IoT `CreateJob`, `jobId`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct JobId(String);

/// Longest job id.
pub const MAX_JOB_ID: usize = 64;

/// A text that cannot be a job's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no job id (expected 1 to 64 letters, digits, `-` or `_`)")]
pub struct InvalidJobId(String);

impl JobId {
    /// Checks a job's name.
    pub fn new(id: &str) -> Result<Self, InvalidJobId> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if (1..=MAX_JOB_ID).contains(&id.len()) && id.bytes().all(allowed) {
            Ok(Self(id.to_owned()))
        } else {
            Err(InvalidJobId(excerpt(id)))
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for JobId {
    type Err = InvalidJobId;

    fn from_str(id: &str) -> Result<Self, Self::Err> {
        Self::new(id)
    }
}

impl TryFrom<String> for JobId {
    type Error = InvalidJobId;

    fn try_from(id: String) -> Result<Self, Self::Error> {
        Self::new(&id)
    }
}

impl From<JobId> for String {
    fn from(job: JobId) -> Self {
        job.0
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A job as `DescribeJob` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Whether it still reaches devices.
    pub state: JobState,
    /// Why it was canceled, if it was: the reason code.
    pub reason_code: Option<String>,
    /// Why it was canceled, if it was: the comment.
    pub comment: Option<String>,
    /// Whether executions in progress were canceled with it (`forceCanceled`).
    pub is_forced: bool,
    /// When it was created, in seconds since the epoch.
    pub created_at: Option<i64>,
    /// When it ended, in seconds since the epoch: its completion, or its last update if it was
    /// canceled. `None` while it runs, 0 if AWS does
    /// not say when.
    pub ended_at: Option<i64>,
    /// How many devices a minute it is sent to, at first.
    pub rate: u32,
    /// It is a deployment of Greengrass V2 (its `namespaceId` says so), which another service owns.
    pub is_greengrass: bool,
    /// How far it has come.
    pub counts: ExecutionCounts,
    /// Whether AWS IoT said how far: without that, no counts are no devices.
    pub is_counted: bool,
    /// After how many minutes in progress AWS IoT ends an execution; `None` if never.
    pub timeout: Option<u32>,
    /// What else it was created with.
    pub setup: Setup,
}

/// What a job was created with, as far as its guard goes by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setup {
    /// The things that it names.
    pub things: u32,
    /// The names of the thing groups that it names.
    pub groups: Vec<String>,
    /// It stays in progress for devices that join its groups.
    pub is_continuous: bool,
    /// How many devices a minute it is sent to at most, 1 to 1,000.
    pub most_rate: u32,
    /// How often a device is tried again.
    pub retries: Retries,
    /// AWS IoT's own criteria to abort it.
    pub abort: Vec<AbortCriterion>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            things: 0,
            groups: Vec::new(),
            is_continuous: false,
            most_rate: Rate::QUOTA,
            retries: Retries::default(),
            abort: Vec::new(),
        }
    }
}

impl Setup {
    /// Whether AWS IoT's counts are of attempts, and not of devices: see [`attempts`](crate::attempts).
    pub fn counts_attempts(&self) -> bool {
        self.retries.any() || self.is_continuous && !self.groups.is_empty()
    }
}

impl Job {
    /// When it was created; 1970 if AWS does not say.
    pub fn created(&self) -> Timestamp {
        Timestamp::from_seconds(self.created_at.unwrap_or(0))
    }

    /// When it ended, if it has.
    pub fn ended(&self) -> Option<Timestamp> {
        self.ended_at.map(Timestamp::from_seconds)
    }
}

/// Whether a job still reaches devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobState {
    /// `IN_PROGRESS` or `SCHEDULED`, and any state that AWS may add: what is not known to have
    /// ended is treated as running.
    Active,
    /// `CANCELED`.
    Canceled,
    /// `COMPLETED`.
    Completed,
    /// `DELETION_IN_PROGRESS`.
    Deleting,
}

impl JobState {
    /// From the status that AWS IoT writes.
    pub fn from_status(status: &str) -> Self {
        match status {
            "CANCELED" => Self::Canceled,
            "COMPLETED" => Self::Completed,
            "DELETION_IN_PROGRESS" => Self::Deleting,
            _ => Self::Active,
        }
    }

    /// Whether there is nothing left to stop.
    pub fn has_ended(self) -> bool {
        self != Self::Active
    }
}

/// Where a job is, as its ARN says it: `arn:<partition>:iot:<region>:<account>:job/<id>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobPlace<'a> {
    /// `aws`, `aws-cn`, `aws-us-gov`
    pub partition: &'a str,
    /// The Region.
    pub region: &'a str,
    /// The number of the account.
    pub account: &'a str,
    job: &'a str,
}

impl<'a> JobPlace<'a> {
    /// Reads a job's ARN; `None` for any other text.
    pub fn of_arn(arn: &'a str) -> Option<Self> {
        let mut parts = arn.splitn(6, ':');
        let mut part = || parts.next().filter(|part| !part.is_empty());
        let (prefix, partition, service) = (part()?, part()?, part()?);
        let (region, account, resource) = (part()?, part()?, part()?);
        let job = resource.strip_prefix("job/")?;
        let is_job = prefix == "arn" && service == "iot" && JobId::new(job).is_ok();
        is_job.then_some(Self { partition, region, account, job })
    }

    /// The job's page in the AWS console, which each partition has elsewhere.
    pub fn console_link(&self) -> String {
        let host = match self.partition {
            "aws-cn" => "console.amazonaws.cn",
            "aws-us-gov" => "console.amazonaws-us-gov.com",
            _ => "console.aws.amazon.com",
        };
        format!("https://{host}/iot/home?region={}#/job/{}", self.region, self.job)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn job_ids_are_what_aws_iot_allows() {
        for good in ["a", "fw-2_1", &"x".repeat(64)] {
            assert_eq!(JobId::new(good).map(|id| id.to_string()), Ok(good.to_owned()));
        }
        for bad in ["", "a b", "a/b", "é", "$next", &"x".repeat(65), "<yourJobId>"] {
            assert!(JobId::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_unknown_state_counts_as_running() {
        assert!(!JobState::from_status("SCHEDULED").has_ended());
        assert!(!JobState::from_status("SOMETHING_NEW").has_ended());
        assert!(JobState::from_status("CANCELED").has_ended());
    }

    #[test]
    fn the_console_of_a_job_is_that_of_its_partition() {
        let link = |arn| JobPlace::of_arn(arn).map(|place| place.console_link());
        for (arn, expected) in [
            (
                "arn:aws:iot:eu-west-1:111122223333:job/fw-1",
                "https://console.aws.amazon.com/iot/home?region=eu-west-1#/job/fw-1",
            ),
            (
                "arn:aws-cn:iot:cn-north-1:111122223333:job/fw-1",
                "https://console.amazonaws.cn/iot/home?region=cn-north-1#/job/fw-1",
            ),
            (
                "arn:aws-us-gov:iot:us-gov-west-1:111122223333:job/fw-1",
                "https://console.amazonaws-us-gov.com/iot/home?region=us-gov-west-1#/job/fw-1",
            ),
        ] {
            assert_eq!(link(arn).as_deref(), Some(expected));
        }
        for other in [
            "",
            "arn:aws:iot:eu-west-1:111122223333:thing/fw-1",
            "arn:aws:iot::111122223333:job/fw-1",
            "arn:aws:iot:eu-west-1:111122223333:job/fw 1",
            "arn:aws:sns:eu-west-1:111122223333:job/fw-1",
        ] {
            assert_eq!(link(other), None, "{other}");
        }
    }
}
