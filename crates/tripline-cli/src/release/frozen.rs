//! Waves as targets of jobs: few things by name, more of them as the members of a thing group that is made
//! for the wave, and groups as they are.

use tripline::job::JobId;
use tripline::release::{RELEASE_TAG, ReleaseId};

use super::waves::Wave;
use crate::exit::Error;
use crate::successor::aws::Aws;
use crate::successor::group::{self, MOST_TARGETS, Owner};
use crate::terminal::progress::Progress;

/// The group that a wave needs; `None` if it needs none.
pub fn group_of(wave: &Wave, job: &JobId) -> Option<String> {
    (wave.groups.is_empty() && wave.devices.len() > MOST_TARGETS).then(|| group::name(job))
}

/// The ARNs of a wave's targets. `arn` makes one of a resource such as `thing/a`.
pub fn targets(wave: &Wave, job: &JobId, arn: impl Fn(&str) -> String) -> Vec<String> {
    if !wave.groups.is_empty() {
        return wave.groups.clone();
    }
    match group_of(wave, job) {
        Some(group) => vec![arn(&format!("thinggroup/{group}"))],
        None => wave.devices.iter().map(|thing| arn(&format!("thing/{thing}"))).collect(),
    }
}

/// Fills the group of a wave, whatever an earlier start has left of it.
pub async fn fill(
    aws: &Aws,
    release: &ReleaseId,
    wave: &Wave,
    job: &JobId,
    progress: &mut Progress,
) -> Result<(), Error> {
    let owner = Owner {
        key: RELEASE_TAG,
        value: release.to_string(),
        what: format!("a wave of release `{release}`"),
        about: format!("Devices of wave {} of release {release}", wave.name),
        hint: "start the release again: it completes the group",
    };
    let gone = group::fill_for(aws, &owner, job, &wave.devices, progress).await?;
    if gone.is_empty() {
        return Ok(());
    }
    let first = gone.first().map_or("", String::as_str);
    Err(Error::input(format!("wave `{}`: {} of its devices are no things of this account, such as `{}`; the release was not started", wave.name, gone.len(), tripline::text::excerpt(first))).hint("take them out of the thing list"))
}
