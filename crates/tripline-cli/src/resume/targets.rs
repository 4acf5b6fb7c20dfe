//! Which devices have not got the firmware.

use std::collections::{BTreeSet, HashSet};

use aws_sdk_iot::types::JobExecutionStatus;
use tripline::text::excerpt;

use super::aws::Aws;
use super::old::Old;
use crate::exit::Error;
use crate::fleet::progress::Progress;

/// The devices of a job, sorted out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Targets {
    /// Those that the new job is for.
    pub devices: BTreeSet<String>,
    /// All that the old job is for.
    pub all: usize,
    /// Those that have it.
    pub succeeded: usize,
    /// Those that are still at it.
    pub in_progress: usize,
    /// Targets that are no longer there.
    pub gone: usize,
}

impl Targets {
    /// Every device of the old job that has not got it. Those that are still at it are left out,
    /// unless they are asked for.
    pub async fn find(
        aws: &Aws,
        old: &Old,
        include_in_progress: bool,
        progress: &mut Progress,
    ) -> Result<Self, Error> {
        let mut direct = HashSet::new();
        let mut devices = BTreeSet::new();
        for arn in old.job.targets() {
            if let Some((_, thing)) = arn.split_once(":thing/") {
                devices.insert(thing.to_owned());
                direct.insert(thing.to_owned());
            } else if let Some((_, group)) = arn.split_once(":thinggroup/") {
                members(aws, old, group, &mut devices, progress).await?;
            } else {
                return Err(Error::Input(format!(
                    "job `{}`: target `{}` is neither a thing nor a thing group",
                    old.id,
                    excerpt(arn)
                )));
            }
        }
        let mut targets = Self { all: devices.len(), devices, ..Self::default() };
        targets.succeeded =
            targets.without(aws, old, JobExecutionStatus::Succeeded, progress).await?;
        let mut others = targets.clone();
        targets.in_progress =
            others.without(aws, old, JobExecutionStatus::InProgress, progress).await?;
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
        old: &Old,
        status: JobExecutionStatus,
        progress: &mut Progress,
    ) -> Result<usize, Error> {
        let before = self.devices.len();
        let (mut token, mut looked_at) = (None, 0);
        loop {
            let (page, next) = aws.executions(&old.id, status.clone(), token).await?;
            looked_at += page.len();
            for thing in &page {
                self.devices.remove(thing);
            }
            progress.show(format!("{looked_at} executions that are {}", status.as_str()));
            token = next;
            if token.is_none() {
                return Ok(before - self.devices.len());
            }
        }
    }
}

async fn members(
    aws: &Aws,
    old: &Old,
    group: &str,
    devices: &mut BTreeSet<String>,
    progress: &mut Progress,
) -> Result<(), Error> {
    let mut token = None;
    loop {
        let Some((page, next)) = aws.members(group, token).await? else {
            return Err(Error::Input(format!(
                "job `{}`: its thing group `{}` is gone, so that its devices are not known\n\n  hint: create a job for them by hand",
                old.id,
                excerpt(group)
            )));
        };
        devices.extend(page);
        progress.show(format!("{} devices", devices.len()));
        token = next;
        if token.is_none() {
            return Ok(());
        }
    }
}
