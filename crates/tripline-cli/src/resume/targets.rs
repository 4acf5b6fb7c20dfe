//! Which devices do not have the firmware.

use std::collections::{BTreeSet, HashSet};

use aws_sdk_iot::types::JobExecutionStatus;
use tripline::job::{JobId, JobState};
use tripline::text::excerpt;

use crate::exit::Error;
use crate::successor::aws::Aws;
use crate::successor::created::Counts;
use crate::successor::ended::EndedJob;
use crate::successor::place::Earlier;
use crate::successor::targets::{Target, members, targets_of, without, without_those_of};
use crate::terminal::progress::Progress;

/// The devices of a job, sorted out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Targets {
    /// Those that the new job is for.
    pub devices: BTreeSet<String>,
    /// All that the old job is for.
    pub all: usize,
    /// Those that have it.
    pub succeeded: usize,
    /// Those that get it by an earlier resume that is in progress.
    pub resumed: usize,
    /// Those that had their chance: a resume that has ended, and how many of its devices have not
    /// got it. It is that one that goes on for them.
    pub ended: Vec<(JobId, usize)>,
    /// Those that are unfinished.
    pub in_progress: usize,
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

    /// Every device of the old job that has not got it, neither from the old job nor from one that
    /// goes on with it. Those that are unfinished are left out, unless they are asked for.
    pub async fn find(
        aws: &Aws,
        old: &EndedJob,
        earlier: &[Earlier],
        include_in_progress: bool,
        progress: &mut Progress,
    ) -> Result<Self, Error> {
        let mut direct = HashSet::new();
        let mut devices = BTreeSet::new();
        for target in targets_of(&old.id, &old.job)? {
            match target {
                Target::Thing(thing) => {
                    devices.insert(thing.to_owned());
                    direct.insert(thing.to_owned());
                }
                Target::Group(group) => {
                    if !members(aws, group, &mut devices, progress).await? {
                        return Err(Error::input(format!("job `{}`: its thing group `{}` does not exist, so its devices are not known", old.id, excerpt(group))).hint("create a job for them by hand"));
                    }
                }
            }
        }
        let mut targets = Self { all: devices.len(), devices, ..Self::default() };
        for job in earlier.iter().map(|earlier| &earlier.id).chain([&old.id]) {
            targets.succeeded +=
                targets.without(aws, job, Some(JobExecutionStatus::Succeeded), progress).await?;
        }
        let is_active = |earlier: &&Earlier| earlier.state() == JobState::Active;
        for earlier in earlier.iter().filter(is_active) {
            targets.resumed += targets.without_those_of(aws, earlier, progress).await?;
        }
        // The last one first: it is the one to go on with. One that is being deleted is not.
        let is_over = |earlier: &&Earlier| {
            matches!(earlier.state(), JobState::Canceled | JobState::Completed)
        };
        for earlier in earlier.iter().rev().filter(is_over) {
            let left = targets.without_those_of(aws, earlier, progress).await?;
            if left > 0 {
                targets.ended.push((earlier.id.clone(), left));
            }
        }
        let mut others = targets.clone();
        targets.in_progress =
            others.without(aws, &old.id, Some(JobExecutionStatus::InProgress), progress).await?;
        if !include_in_progress {
            targets.devices = others.devices;
        }
        // Members of a group are there; a thing that was named may be gone, and AWS refuses a job
        // for what is gone.
        for thing in direct
            .iter()
            .filter(|thing| targets.devices.contains(*thing))
            .cloned()
            .collect::<Vec<_>>()
        {
            if !aws.has_thing(&thing).await? {
                targets.devices.remove(&thing);
                targets.gone += 1;
            }
        }
        Ok(targets)
    }

    /// Leaves out the devices whose execution is in a state, and says how many they were.
    pub async fn without(
        &mut self,
        aws: &Aws,
        job: &JobId,
        status: Option<JobExecutionStatus>,
        progress: &mut Progress,
    ) -> Result<usize, Error> {
        without(&mut self.devices, aws, job, status, progress).await
    }

    /// Leaves out the devices of an earlier resume, and says how many they were.
    async fn without_those_of(
        &mut self,
        aws: &Aws,
        earlier: &Earlier,
        progress: &mut Progress,
    ) -> Result<usize, Error> {
        without_those_of(&mut self.devices, aws, earlier, progress).await
    }
}
