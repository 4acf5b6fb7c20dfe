//! Whom a job is for.

use std::collections::BTreeSet;

use aws_sdk_iot::types::{Job, JobExecutionStatus};
use tripline::job::JobId;
use tripline::text::excerpt;

use super::aws::Aws;
use super::place::Earlier;
use crate::exit::Error;
use crate::terminal::progress::Progress;

/// A thing or a group that a job names.
pub enum Target<'a> {
    Thing(&'a str),
    Group(&'a str),
}

/// Whom a job names.
pub fn targets_of<'a>(id: &JobId, job: &'a Job) -> Result<Vec<Target<'a>>, Error> {
    let target = |arn: &'a String| {
        let thing = arn.split_once(":thing/").map(|(_, thing)| Target::Thing(thing));
        let group = || arn.split_once(":thinggroup/").map(|(_, group)| Target::Group(group));
        thing.or_else(group).ok_or_else(|| {
            Error::input(format!(
                "job `{id}`: target `{}` is neither a thing nor a thing group",
                excerpt(arn)
            ))
        })
    };
    job.targets().iter().map(target).collect()
}

/// Adds the members of a group; `false` if there is no such group.
pub async fn members(
    aws: &Aws,
    group: &str,
    devices: &mut BTreeSet<String>,
    progress: &mut Progress,
) -> Result<bool, Error> {
    let mut token = None;
    loop {
        let Some((page, next)) = aws.members(group, token).await? else {
            return Ok(false);
        };
        devices.extend(page);
        progress.show(format!("{} devices", devices.len()));
        token = next;
        if token.is_none() {
            return Ok(true);
        }
    }
}

/// Leaves out the devices whose execution is in a state, or in any, and says how many they were.
pub async fn without(
    devices: &mut BTreeSet<String>,
    aws: &Aws,
    job: &JobId,
    status: Option<JobExecutionStatus>,
    progress: &mut Progress,
) -> Result<usize, Error> {
    let before = devices.len();
    let what = status.as_ref().map_or("there", |status| status.as_str());
    let (mut token, mut looked_at) = (None, 0);
    loop {
        let (page, next) = aws.executions(job, status.clone(), token).await?;
        looked_at += page.len();
        for thing in &page {
            devices.remove(thing);
        }
        progress.show(format!("{looked_at} executions that are {what}"));
        token = next;
        if token.is_none() {
            return Ok(before - devices.len());
        }
    }
}

/// Leaves out the devices that a job is for, and says how many they were.
pub async fn without_those_of(
    devices: &mut BTreeSet<String>,
    aws: &Aws,
    earlier: &Earlier,
    progress: &mut Progress,
) -> Result<usize, Error> {
    let before = devices.len();
    let mut theirs = BTreeSet::new();
    for target in targets_of(&earlier.id, &earlier.job)? {
        match target {
            Target::Thing(thing) => {
                theirs.insert(thing.to_owned());
            }
            Target::Group(group) => {
                // Somebody has removed it: then those that it has reached are its devices.
                if !members(aws, group, &mut theirs, progress).await? {
                    without(devices, aws, &earlier.id, None, progress).await?;
                }
            }
        }
    }
    devices.retain(|thing| !theirs.contains(thing));
    Ok(before - devices.len())
}
