//! Which devices have the firmware that is taken back.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_iot::types::JobExecutionStatus;
use tripline::job::{JobId, JobState};

use crate::exit::Error;
use crate::successor::aws::Aws;
use crate::successor::created::Counts;
use crate::successor::group::MOST_TARGETS;
use crate::successor::place::Earlier;
use crate::successor::targets::{without, without_those_of};
use crate::terminal::progress::Progress;

/// The devices of a job, sorted out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Targets {
    /// Those that the new job is for.
    pub devices: BTreeSet<String>,
    /// All that the bad job has reached.
    pub reached: usize,
    /// Those whose latest execution of it succeeded.
    pub succeeded: usize,
    /// Those whose latest execution of it is in progress.
    pub in_progress: usize,
    /// Those that an earlier revert has taken back.
    pub back: usize,
    /// Those that an earlier revert that is in progress is for.
    pub reverting: usize,
    /// Those that had their chance: a revert that has ended, and how many of its devices it has not
    /// taken back. It is that one that is to be resumed.
    pub ended: Vec<(JobId, usize)>,
    /// Targets that are no longer there.
    pub gone: usize,
}

impl Targets {
    /// What is said of them beside the new job.
    pub fn counts(&self) -> Counts<'_> {
        Counts {
            devices: self.devices.len(),
            succeeded: self.succeeded,
            in_progress: self.in_progress,
            gone: self.gone,
            ended: &self.ended,
        }
    }

    /// Every device whose latest execution of the job succeeded, and that no revert of it is for. One
    /// that succeeded once, and was at it again since, has whatever the later execution left.
    pub async fn find(
        aws: &Aws,
        bad: &JobId,
        earlier: &[Earlier],
        include_in_progress: bool,
        progress: &mut Progress,
    ) -> Result<Self, Error> {
        let latest = latest(aws, bad, progress).await?;
        let of = |status: &JobExecutionStatus| -> BTreeSet<String> {
            let of_it = latest.iter().filter(|(_, (_, is))| is == status);
            of_it.map(|(thing, _)| thing.clone()).collect()
        };
        let mut targets = Self { reached: latest.len(), ..Self::default() };
        targets.devices = of(&JobExecutionStatus::Succeeded);
        targets.succeeded = targets.devices.len();
        let in_progress = of(&JobExecutionStatus::InProgress);
        if include_in_progress {
            targets.in_progress = in_progress.len();
            targets.devices.extend(in_progress);
            targets.leave_out(aws, earlier, progress).await?;
        } else {
            targets.leave_out(aws, earlier, progress).await?;
            // Of these only those count that an earlier revert has not taken in.
            let mut left = Self { devices: in_progress, ..Self::default() };
            left.leave_out(aws, earlier, progress).await?;
            targets.in_progress = left.devices.len();
        }
        // AWS refuses a job for what is gone; of a group, whoever fills it finds out.
        if targets.devices.len() <= MOST_TARGETS {
            for thing in targets.devices.clone() {
                if !aws.has_thing(&thing).await? {
                    targets.devices.remove(&thing);
                    targets.gone += 1;
                }
            }
        }
        Ok(targets)
    }

    /// Leaves out the devices of earlier reverts.
    async fn leave_out(
        &mut self,
        aws: &Aws,
        earlier: &[Earlier],
        progress: &mut Progress,
    ) -> Result<(), Error> {
        let devices = &mut self.devices;
        for job in earlier {
            let succeeded = Some(JobExecutionStatus::Succeeded);
            self.back += without(devices, aws, &job.id, succeeded, progress).await?;
        }
        for job in earlier.iter().filter(|job| job.state() == JobState::Active) {
            self.reverting += without_those_of(devices, aws, job, progress).await?;
        }
        // The last one first: it is the one to resume. One that is being deleted is not.
        let is_over =
            |job: &&Earlier| matches!(job.state(), JobState::Canceled | JobState::Completed);
        for job in earlier.iter().rev().filter(is_over) {
            let left = without_those_of(devices, aws, job, progress).await?;
            if left > 0 {
                self.ended.push((job.id.clone(), left));
            }
        }
        Ok(())
    }
}

/// The state of each device's latest execution of a job, with its number.
async fn latest(
    aws: &Aws,
    job: &JobId,
    progress: &mut Progress,
) -> Result<BTreeMap<String, (i64, JobExecutionStatus)>, Error> {
    let mut latest = BTreeMap::<String, (i64, JobExecutionStatus)>::new();
    let (mut token, mut looked_at) = (None, 0);
    loop {
        let (page, next) = aws.every_execution(job, token).await?;
        looked_at += page.len();
        for execution in page {
            let is_newer = |(number, _): &(i64, _)| *number < execution.number;
            if latest.get(&execution.thing).is_none_or(is_newer) {
                latest.insert(execution.thing, (execution.number, execution.status));
            }
        }
        progress.show(format!("{looked_at} executions of {job}"));
        token = next;
        if token.is_none() {
            return Ok(latest);
        }
    }
}
