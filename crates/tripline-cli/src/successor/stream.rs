//! The stream that devices read the firmware from: the new job's document names it, too.

use tripline::job::{JobId, JobState};
use tripline_aws::FailureKind;

use super::aws::Aws;
use super::ended::EndedJob;
use super::link::tag;
use super::place::Earlier;
use crate::aws::tags::JOB_TAG;
use crate::exit::Error;

/// Most jobs that a tag has room for.
const MOST: usize = 3;

/// Tags a stream of the old job with the new one, so that `cleanup` of the old one leaves it. A
/// stream that an earlier resume is still at gets both names, and so is nobody's to remove.
pub async fn take_over(
    aws: &Aws,
    old: &EndedJob,
    new: &JobId,
    earlier: &[Earlier],
) -> Result<(), Error> {
    let Some(stream) = old.stream() else { return Ok(()) };
    let arn = old.arn_of(&format!("stream/{}", stream.as_str()));
    let tags = match aws.tags(&arn).await {
        Ok(tags) => tags,
        Err(failure) if failure.kind == FailureKind::NotFound => return Ok(()),
        Err(failure) => return Err(failure.into()),
    };
    let is_ours = |job: &str| {
        job == old.id.as_str() || earlier.iter().any(|earlier| earlier.id.as_str() == job)
    };
    if !tags.get(JOB_TAG).is_some_and(|jobs| jobs.split(' ').all(is_ours)) {
        return Ok(());
    }
    let active = earlier.iter().filter(|earlier| earlier.state() == JobState::Active);
    let mut users: Vec<_> = active.take(MOST - 1).map(|earlier| earlier.id.as_str()).collect();
    users.push(new.as_str());
    Ok(aws.tag(&arn, tag(JOB_TAG, &users.join(" "))).await?)
}
