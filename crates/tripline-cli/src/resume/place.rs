//! What the new job is called, and which jobs go on with the old one already.

use aws_sdk_iot::types::Job;
use tripline::job::{JobId, JobState, MAX_JOB_ID};

use super::aws::Aws;
use super::old::{Old, resumes};
use crate::exit::Error;

/// Most names that are tried.
const MOST: u32 = 99;
/// So many free names in a row are the end: one that is free may be that of a job that was deleted.
const GAP: u32 = 3;

/// Where the new job goes.
#[derive(Debug)]
pub struct Place {
    /// The name of a job that is not there; `None` if the name that was asked for is that of an
    /// earlier resume.
    pub free: Option<JobId>,
    /// Every job that goes on with the old one, or with one that does. What goes on with a job
    /// comes after it.
    pub earlier: Vec<Earlier>,
}

/// A job that an earlier resume has made.
#[derive(Debug)]
pub struct Earlier {
    pub id: JobId,
    pub job: Job,
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
    /// The name that is asked for, or else the first of `<old>-r1`, `<old>-r2`, .. that is no job's.
    /// Earlier resumes are found by such names, and by the one that is asked for.
    pub async fn find(aws: &Aws, old: &Old, wanted: Option<JobId>) -> Result<Self, Error> {
        let mut earlier = Vec::new();
        let mut free = None;
        let is_named = wanted.is_some();
        if let Some(id) = wanted {
            match use_of_name(aws, &old.id, id.clone()).await? {
                NameUse::Free => free = Some(id),
                NameUse::Earlier(found) => earlier.push(*found),
                NameUse::Another => {
                    return Err(Error::Input(format!(
                        "job `{id}` is there already, and does not resume `{}`\n\n  hint: give another one with `--new-job-id`",
                        old.id
                    )));
                }
            }
        }
        let first = resumed(aws, &old.id, &mut earlier).await?;
        // Those that resume a resume.
        let mut at = 0;
        while let Some(id) = earlier.get(at).map(|earlier| earlier.id.clone()) {
            resumed(aws, &id, &mut earlier).await?;
            at += 1;
        }
        if !is_named && first.is_none() {
            return Err(Error::Input(format!(
                "jobs `{}-r1` to `-r{MOST}` are all there already\n\n  hint: name the new job with `--new-job-id`",
                old.id
            )));
        }
        Ok(Self { free: if is_named { free } else { first }, earlier })
    }
}

/// Adds the jobs that go on with one, and gives the first free name.
async fn resumed(
    aws: &Aws,
    job: &JobId,
    earlier: &mut Vec<Earlier>,
) -> Result<Option<JobId>, Error> {
    let (mut free, mut gap) = (None, 0);
    for id in (1..=MOST).filter_map(|n| numbered(job, n)) {
        if id == *job || earlier.iter().any(|earlier| earlier.id == id) {
            continue;
        }
        match use_of_name(aws, job, id.clone()).await? {
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

/// Whether a job is there that goes on with another.
pub async fn is_there(aws: &Aws, old: &JobId, id: &JobId) -> Result<bool, Error> {
    Ok(matches!(use_of_name(aws, old, id.clone()).await?, NameUse::Earlier(_)))
}

async fn use_of_name(aws: &Aws, old: &JobId, id: JobId) -> Result<NameUse, Error> {
    let Some(job) = aws.job(&id).await? else {
        return Ok(NameUse::Free);
    };
    let tags = aws.tags(job.job_arn().unwrap_or_default()).await?;
    Ok(if resumes(&tags, old) {
        NameUse::Earlier(Box::new(Earlier { id, job }))
    } else {
        NameUse::Another
    })
}

/// `fw-r1`; the end of a long name gives way.
fn numbered(old: &JobId, n: u32) -> Option<JobId> {
    let suffix = format!("-r{n}");
    let head = old.as_str().get(..old.as_str().len().min(MAX_JOB_ID - suffix.len()))?;
    JobId::new(&format!("{head}{suffix}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_never_too_long() {
        let id = |id: &str| JobId::new(id).unwrap();
        assert_eq!(numbered(&id("fw"), 1), Some(id("fw-r1")));
        let long = "x".repeat(64);
        assert_eq!(numbered(&id(&long), 12), Some(id(&format!("{}-r12", "x".repeat(60)))));
    }
}
