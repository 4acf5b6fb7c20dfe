//! A job as AWS IoT describes it, asked for and read in one place.

use aws_sdk_iot::Client;
use aws_sdk_iot::types::{Job, TargetSelection};
use tripline::job::{JobId, JobState};
use tripline_aws::{Failure, FailureKind, iot};

use tripline_guard::coverage::{Devices, Shape};

use super::coverage::shape_of;
use super::tally::{Counts, Tally};

/// A job as `DescribeJob` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribedJob {
    pub state: JobState,
    /// The state in AWS's word for it.
    pub status: String,
    /// The job takes in every device that joins one of its groups, and never completes by itself.
    pub continuous: bool,
    /// The rollout has not come to all of its devices yet.
    pub reaches_more: bool,
    pub reason_code: Option<String>,
    pub comment: Option<String>,
    /// In seconds since the epoch, as all times here.
    pub created_at: Option<i64>,
    /// The ARNs of its things and thing groups.
    pub targets: Vec<String>,
    /// How many devices these are, as far as that is known.
    pub devices: Devices,
    pub tally: Tally,
    /// What it was created with, as far as its guard goes by it.
    pub shape: Shape,
    /// What the tally counts.
    pub counted: Counted,
}

/// What a tally counts. With a retry config, or for devices that can leave a group and join it again, AWS IoT
/// counts attempts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Counted {
    /// Devices, as AWS IoT does.
    Devices,
    /// Devices, while AWS IoT counts these attempts.
    Tried(Tally),
    /// AWS IoT's attempts: which of them are of one device is not known, for this reason.
    Attempts(String),
}

impl DescribedJob {
    /// Its end, or that of all that is there of a job that never ends by itself: what is decided by its counts.
    pub fn is_through(&self) -> bool {
        match self.state {
            JobState::Completed => true,
            JobState::Active if self.continuous => {
                self.tally.open() == 0 && self.tally.ended() > 0 && !self.reaches_more
            }
            _ => false,
        }
    }

    /// AWS IoT's own counts, where they are of attempts and not of devices.
    pub fn attempts(&self) -> Option<Tally> {
        match &self.counted {
            Counted::Devices => None,
            Counted::Tried(attempts) => Some(*attempts),
            Counted::Attempts(_) => Some(self.tally),
        }
    }

    /// Why it is not known how many devices were unsuccessful, if so.
    pub fn uncounted(&self) -> Option<&str> {
        match &self.counted {
            Counted::Attempts(why) => Some(why),
            Counted::Devices | Counted::Tried(_) => None,
        }
    }

    /// The counts for programs: of devices, or nothing.
    pub fn counts(&self) -> Counts {
        Counts::new(self.tally, self.uncounted().is_none())
    }

    /// What AWS IoT counts otherwise, in words: `attempts: 10 failed`, or `attempts, not devices: ..` and why, where
    /// the devices are not known.
    pub fn attempts_text(&self) -> Option<String> {
        self.attempts().map(|attempts| attempts_text(&attempts, self.uncounted()))
    }
}

/// Counts in a line, with the attempts where AWS IoT counts those, and why they are all that is known if so.
pub fn counts_text(counts: &Counts, attempts: Option<&Tally>, uncounted: Option<&str>) -> String {
    match attempts {
        Some(attempts) => format!("{}; {}", counts.text(), attempts_text(attempts, uncounted)),
        None => counts.text(),
    }
}

fn attempts_text(attempts: &Tally, uncounted: Option<&str>) -> String {
    let failures = attempts.failures_text();
    match uncounted {
        None => format!("attempts: {failures}"),
        Some(why) => format!("attempts, not devices: {failures} ({why})"),
    }
}

/// As AWS IoT counts: [`Devices`](super::devices::Devices) finds out which attempts are of one device.
impl From<&Job> for DescribedJob {
    fn from(job: &Job) -> Self {
        let read = iot::job_of(job);
        Self {
            state: read.state,
            shape: shape_of(&read),
            status: job.status().map_or("unknown", |status| status.as_str()).to_owned(),
            continuous: job.target_selection() == Some(&TargetSelection::Continuous),
            reaches_more: job.is_concurrent() == Some(true),
            reason_code: read.reason_code,
            comment: read.comment,
            created_at: read.created_at,
            targets: job.targets().to_vec(),
            devices: Devices::of_things(&read.setup).unwrap_or(Devices::Unknown),
            tally: Tally::from(read.counts),
            counted: match read.setup.counts_attempts() && read.counts.ended.unsuccessful() > 0 {
                true => Counted::Attempts("they are not listed here".to_owned()),
                false => Counted::Devices,
            },
        }
    }
}

/// Describes a job; `None` if there is none.
pub async fn find_job(client: &Client, job: &JobId) -> Result<Option<Job>, Failure> {
    match iot::describe(client, job).await {
        Ok(job) => Ok(Some(job)),
        Err(failure) if failure.kind == FailureKind::NotFound => Ok(None),
        Err(failure) => Err(failure),
    }
}
