//! What the new job is called.

use tripline::job::{JobId, MAX_JOB_ID};

use super::aws::Aws;
use super::old::Old;
use crate::exit::Error;

/// Most names that are tried.
const MOST: u32 = 99;

/// Where the new job goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// There is no job of this name.
    Free(JobId),
    /// The job is there already, from an earlier resume.
    Done(JobId),
}

impl Place {
    /// The name that is asked for, or else the first of `<old>-r1`, `<old>-r2`, .. that is not
    /// another job's.
    pub async fn find(aws: &Aws, old: &Old, wanted: Option<JobId>) -> Result<Self, Error> {
        if let Some(id) = wanted {
            return Self::look(aws, old, id.clone()).await?.ok_or_else(|| {
                Error::Input(format!(
                    "job `{id}` is there already, and does not resume `{}`\n\n  hint: give another one with `--new-job-id`",
                    old.id
                ))
            });
        }
        for n in 1..=MOST {
            if let Some(id) = numbered(&old.id, n)
                && let Some(place) = Self::look(aws, old, id).await?
            {
                return Ok(place);
            }
        }
        Err(Error::Input(format!(
            "jobs `{}-r1` to `-r{MOST}` are all there already\n\n  hint: name the new job with `--new-job-id`",
            old.id
        )))
    }

    /// `None` if the name is another job's.
    async fn look(aws: &Aws, old: &Old, id: JobId) -> Result<Option<Self>, Error> {
        let Some(job) = aws.job(&id).await? else {
            return Ok(Some(Self::Free(id)));
        };
        let tags = aws.tags(job.job_arn().unwrap_or_default()).await?;
        Ok(old.is_linked(&tags).then_some(Self::Done(id)))
    }
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
