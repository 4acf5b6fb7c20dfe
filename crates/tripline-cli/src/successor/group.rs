//! The thing group of a job for more devices than a job can name.

use std::collections::{BTreeSet, HashSet};

use aws_sdk_iot::types::Tag;
use tokio::task::JoinSet;
use tripline::job::JobId;
use tripline::text::clean;
use tripline_aws::{Failure, FailureKind};

use super::aws::Aws;
use super::link::Link;
use crate::exit::Error;
use crate::terminal::progress::Progress;

/// Most targets of a job (AWS IoT `CreateJob`).
pub const MOST_TARGETS: usize = 100;
/// Most changes that are waited for at a time.
const WAITING: usize = 64;

/// The group's name.
pub fn name(job: &JobId) -> String {
    format!("tripline-{job}")
}

/// A change of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Add,
    Remove,
}

/// Whether an earlier run has made the group.
pub async fn is_there(aws: &Aws, link: &Link, job: &JobId) -> Result<bool, Error> {
    match aws.group(&name(job)).await? {
        Some(arn) => Ok(link.is_in(&aws.tags(&arn).await?)),
        None => Ok(false),
    }
}

/// Whose a group is: by a tag.
#[derive(Debug, Clone)]
pub struct Owner {
    /// The tag's key.
    pub key: &'static str,
    /// The tag's value.
    pub value: String,
    /// What its job is: `a job that resumes fw`.
    pub what: String,
    /// What its description says.
    pub about: String,
    /// What helps if the group is another's, or was not completed.
    pub hint: &'static str,
}

/// Makes the group of a job that follows another have exactly these members: see [`fill_for`].
pub async fn fill(
    aws: &Aws,
    link: &Link,
    job: &JobId,
    devices: &BTreeSet<String>,
    progress: &mut Progress,
) -> Result<Vec<String>, Error> {
    let owner = Owner {
        key: link.kind.key(),
        value: link.old.to_string(),
        what: format!("a job that {} `{}`", link.kind.verb(), link.old),
        about: format!("{} {}", link.kind.devices(), link.old),
        hint: "run the command again: it completes the group and creates the job",
    };
    fill_for(aws, &owner, job, devices, progress).await
}

/// Makes the group have exactly these members, whatever an earlier run has left of it. Returns
/// those that are no things any more, and so in no group.
pub async fn fill_for(
    aws: &Aws,
    owner: &Owner,
    job: &JobId,
    devices: &BTreeSet<String>,
    progress: &mut Progress,
) -> Result<Vec<String>, Error> {
    let group = name(job);
    let mut there = HashSet::new();
    match aws.group(&group).await? {
        Some(arn) => {
            if aws.tags(&arn).await?.get(owner.key) != Some(&owner.value) {
                return Err(Error::input(format!(
                    "thing group `{group}` already exists, and is not of {}",
                    owner.what
                ))
                .hint("give the new job another name with `--new-job-id`"));
            }
            let mut token = None;
            loop {
                let (page, next) = aws.members(&group, token).await?.unwrap_or_default();
                there.extend(page);
                token = next;
                if token.is_none() {
                    break;
                }
            }
        }
        None => {
            let tag = Tag::builder().key(owner.key).value(&owner.value).build().ok();
            aws.create_group(&group, &clean(&owner.about, 2_028), tag).await?;
        }
    }
    let strays: Vec<_> = there.iter().filter(|thing| !devices.contains(*thing)).collect();
    let missing: Vec<_> = devices.iter().filter(|thing| !there.contains(*thing)).collect();
    let changes = strays.into_iter().map(|thing| (Change::Remove, thing));
    let changes = changes.chain(missing.into_iter().map(|thing| (Change::Add, thing)));
    change(aws, (&group, owner.hint), changes, devices.len(), progress).await
}

/// Makes changes at a pace. Those that were asked for are waited for, even if one of them fails.
async fn change<'a>(
    aws: &Aws,
    (group, hint): (&str, &str),
    changes: impl Iterator<Item = (Change, &'a String)>,
    all: usize,
    progress: &mut Progress,
) -> Result<Vec<String>, Error> {
    let (mut done, mut gone) = (0_usize, Vec::new());
    let mut fault = None;
    let mut running = JoinSet::new();
    for (change, thing) in changes {
        if running.len() >= WAITING
            && let Some(ended) = running.join_next().await
        {
            gone.extend(settle(ended, &mut fault));
            done += 1;
            progress.show(format!("thing group {group}: {done} changes, for {all} devices"));
        }
        if fault.is_some() {
            break;
        }
        running.spawn(one(aws, group.to_owned(), change, thing.clone()));
    }
    while let Some(ended) = running.join_next().await {
        gone.extend(settle(ended, &mut fault));
    }
    match fault {
        None => Ok(gone),
        Some(failure) => Err(failure.with_hint(hint).into()),
    }
}

/// What one change came to: the thing, if it is gone. The first fault is kept.
fn settle(
    ended: Result<Result<Option<String>, Failure>, tokio::task::JoinError>,
    fault: &mut Option<Failure>,
) -> Option<String> {
    let ended = ended.unwrap_or_else(|lost| {
        Err(Failure::new("AddThingToThingGroup", FailureKind::Unavailable, lost.to_string()))
    });
    match ended {
        Ok(gone) => gone,
        Err(failure) => {
            fault.get_or_insert(failure);
            None
        }
    }
}

/// One change; the thing, if it is gone.
fn one(
    aws: &Aws,
    group: String,
    change: Change,
    thing: String,
) -> impl Future<Output = Result<Option<String>, Failure>> + Send + use<> {
    let (iot, pace) = (aws.iot.clone(), aws.changes.clone());
    async move {
        let _permit = pace.permit().await;
        let failure = match change {
            Change::Add => {
                let add = iot.add_thing_to_thing_group().thing_name(&thing).thing_group_name(group);
                match add.send().await {
                    Ok(_) => return Ok(None),
                    Err(error) => Failure::from_sdk("AddThingToThingGroup", &error),
                }
            }
            Change::Remove => {
                let remove =
                    iot.remove_thing_from_thing_group().thing_name(&thing).thing_group_name(group);
                match remove.send().await {
                    Ok(_) => return Ok(None),
                    Err(error) => Failure::from_sdk("RemoveThingFromThingGroup", &error),
                }
            }
        };
        match (failure.kind, change) {
            (FailureKind::NotFound, Change::Add) => Ok(Some(thing)),
            (FailureKind::NotFound, Change::Remove) => Ok(None),
            _ => Err(failure),
        }
    }
}
