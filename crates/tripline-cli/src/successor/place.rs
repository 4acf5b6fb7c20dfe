//! What the new job is called, and which jobs follow the old one already.

use std::collections::BTreeMap;

use aws_sdk_iot::operation::create_job::builders::CreateJobInputBuilder;
use aws_sdk_iot::types::Job;
use tripline::job::{JobId, JobState};
use tripline_aws::{Failure, FailureKind};

use super::aws::Aws;
use super::link::{Kind, Link};
use crate::exit::Error;

/// Most names that are tried.
const MOST: u32 = 99;
/// So many free names in a row are the end: one that is free may be that of a job that was deleted.
const GAP: u32 = 3;

/// Where the new job goes.
#[derive(Debug)]
pub struct Place {
    /// The name of a job that is not there; `None` if the name that was asked for is that of one that
    /// follows already.
    pub free: Option<JobId>,
    /// Every job that follows the old one, and every one that resumes such a job. What follows a job
    /// comes after it.
    pub earlier: Vec<Earlier>,
}

/// A job that an earlier run has made.
#[derive(Debug)]
pub struct Earlier {
    pub id: JobId,
    pub job: Job,
    pub tags: BTreeMap<String, String>,
}

/// What has a name.
enum NameUse {
    Free,
    Earlier(Box<Earlier>),
    Another,
}

impl Earlier {
    pub fn state(&self) -> JobState {
        JobState::from_status(self.job.status().map_or("", |status| status.as_str()))
    }
}

impl Place {
    /// The name that is asked for, or else the first of `<old>-r1`, `<old>-r2`, .. (`<old>-back`,
    /// `<old>-back-2`, ..) that is no job's. Earlier ones are found by such names, and by the one that is
    /// asked for.
    pub async fn find(aws: &Aws, link: &Link, wanted: Option<JobId>) -> Result<Self, Error> {
        let mut earlier = Vec::new();
        let mut free = None;
        let is_named = wanted.is_some();
        if let Some(id) = wanted {
            match use_of_name(aws, link, id.clone()).await? {
                NameUse::Free => free = Some(id),
                NameUse::Earlier(found) => earlier.push(*found),
                NameUse::Another => {
                    return Err(Error::input(format!(
                        "job `{id}` already exists, and does not {} `{}`",
                        link.kind.infinitive(),
                        link.old
                    ))
                    .hint("give another one with `--new-job-id`"));
                }
            }
        }
        let first = following(aws, link, &mut earlier).await?;
        // Those that resume one of them. What reverts a revert is no revert.
        let mut at = 0;
        while let Some(id) = earlier.get(at).map(|earlier| earlier.id.clone()) {
            following(aws, &Link::new(Kind::Resumes, id), &mut earlier).await?;
            at += 1;
        }
        if !is_named && first.is_none() {
            let name = |n| link.numbered(n).map_or_else(String::new, |id| id.to_string());
            return Err(Error::input(format!(
                "jobs `{}` to `{}` already exist",
                name(1),
                name(MOST)
            ))
            .hint("name the new job with `--new-job-id`"));
        }
        Ok(Self { free: if is_named { free } else { first }, earlier })
    }
}

/// Adds the jobs that follow one, and gives the first free name.
async fn following(
    aws: &Aws,
    link: &Link,
    earlier: &mut Vec<Earlier>,
) -> Result<Option<JobId>, Error> {
    let (mut free, mut gap) = (None, 0);
    for id in (1..=MOST).filter_map(|n| link.numbered(n)) {
        if id == link.old || earlier.iter().any(|earlier| earlier.id == id) {
            continue;
        }
        match use_of_name(aws, link, id.clone()).await? {
            NameUse::Free => {
                free.get_or_insert(id);
                gap += 1;
            }
            NameUse::Earlier(found) => {
                earlier.push(*found);
                gap = 0;
            }
            NameUse::Another => gap = 0,
        }
        if gap == GAP {
            break;
        }
    }
    Ok(free)
}

/// Creates the job. One that is there by now must be this one, from a call whose answer was lost.
pub async fn create(
    aws: &Aws,
    link: &Link,
    new: &JobId,
    request: CreateJobInputBuilder,
) -> Result<(), Error> {
    if aws.create_job(request).await? || is_there(aws, link, new).await? {
        return Ok(());
    }
    let text = format!(
        "another client created job `{new}`, and it does not {} `{}`",
        link.kind.infinitive(),
        link.old
    );
    Err(Failure::new("CreateJob", FailureKind::Refused, text)
        .with_hint("run the command again")
        .into())
}

/// Whether a job is there that follows another.
async fn is_there(aws: &Aws, link: &Link, id: &JobId) -> Result<bool, Error> {
    Ok(matches!(use_of_name(aws, link, id.clone()).await?, NameUse::Earlier(_)))
}

async fn use_of_name(aws: &Aws, link: &Link, id: JobId) -> Result<NameUse, Error> {
    let Some(job) = aws.job(&id).await? else {
        return Ok(NameUse::Free);
    };
    let tags = aws.tags(job.job_arn().unwrap_or_default()).await?;
    Ok(if link.is_in(&tags) {
        NameUse::Earlier(Box::new(Earlier { id, job, tags }))
    } else {
        NameUse::Another
    })
}
