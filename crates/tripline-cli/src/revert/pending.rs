//! Devices that other jobs wait for: what those install comes before or after the revert.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_iot::types::JobExecutionStatus;
use schemars::JsonSchema;
use serde::Serialize;
use tripline::text::excerpt;
use tripline_aws::Failure;

use crate::successor::aws::Aws;
use crate::terminal::progress::Progress;

/// Most devices that are asked for: two calls each, of about eight a second that AWS allows.
const MOST_ASKED: usize = 300;
/// Most jobs that are named.
const MOST_NAMED: usize = 3;

/// What else is pending for the devices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pending {
    /// How many devices have an execution of another job that has not ended, and how many of each job.
    Counted { devices: usize, jobs: BTreeMap<String, usize> },
    /// Nobody was asked, or the answers were not all given, for this reason.
    NotCounted(String),
}

impl Pending {
    /// Counts the devices that have an execution, queued or in progress, of a job that is not among
    /// `own`. All are counted or none: a part would say nothing of the rest. A failure costs the count
    /// and not the revert.
    pub async fn count(
        aws: &Aws,
        devices: &BTreeSet<String>,
        own: &BTreeSet<&str>,
        progress: &mut Progress,
    ) -> Self {
        if devices.len() > MOST_ASKED {
            return Self::NotCounted(format!("{} devices, more than {MOST_ASKED}", devices.len()));
        }
        let (mut with_others, mut jobs) = (0, BTreeMap::new());
        for (asked, thing) in devices.iter().enumerate() {
            progress.show(format!("other jobs of {asked} of {} devices", devices.len()));
            match others_of(aws, thing, own).await {
                Ok(others) => {
                    with_others += usize::from(!others.is_empty());
                    for job in others {
                        *jobs.entry(job).or_default() += 1;
                    }
                }
                Err(failure) => return Self::NotCounted(failure.in_short()),
            }
        }
        Self::Counted { devices: with_others, jobs }
    }

    pub fn note(&self) -> Option<String> {
        match self {
            Self::Counted { devices: 0, .. } => None,
            Self::Counted { devices, jobs } => {
                let mut named: Vec<_> = jobs.iter().collect();
                named.sort_by_key(|(job, count)| (std::cmp::Reverse(**count), (*job).clone()));
                let more = named.len().saturating_sub(MOST_NAMED);
                let named = named.into_iter().take(MOST_NAMED);
                let mut named: Vec<_> =
                    named.map(|(job, count)| format!("`{}`: {count}", excerpt(job))).collect();
                if more > 0 {
                    named.push(format!("{more} more jobs"));
                }
                Some(format!(
                    "note: devices that have other jobs pending: {devices} ({}); what those install comes before or after this",
                    named.join(", ")
                ))
            }
            Self::NotCounted(why) => {
                Some(format!("note: devices that have other jobs pending: not counted ({why})"))
            }
        }
    }

    pub fn data(&self) -> PendingData {
        match self {
            Self::Counted { devices, jobs } => PendingData {
                devices: Some(*devices),
                jobs: jobs.iter().map(|(job, count)| (job.clone(), *count)).collect(),
                because: None,
            },
            Self::NotCounted(why) => {
                PendingData { devices: None, jobs: BTreeMap::new(), because: Some(why.clone()) }
            }
        }
    }
}

/// Devices that have other jobs pending.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PendingData {
    devices: Option<usize>,
    /// How many of them each job has.
    jobs: BTreeMap<String, usize>,
    /// Why they were not counted, if so.
    because: Option<String>,
}

/// The other jobs that a thing has open executions of.
async fn others_of(
    aws: &Aws,
    thing: &str,
    own: &BTreeSet<&str>,
) -> Result<BTreeSet<String>, Failure> {
    let mut others = BTreeSet::new();
    for status in [JobExecutionStatus::InProgress, JobExecutionStatus::Queued] {
        let mut token = None;
        loop {
            let (jobs, next) = aws.jobs_of(thing, status.clone(), token).await?;
            others.extend(jobs.into_iter().filter(|job| !own.contains(job.as_str())));
            token = next;
            if token.is_none() {
                break;
            }
        }
    }
    Ok(others)
}
