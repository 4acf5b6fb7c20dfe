//! How many devices a rollout is for: its things, and the members of its groups.
//!
//! AWS IoT says only how many it has reached. What the guard-keeper has counted is taken from there; else the groups
//! are listed, some pages a look.

use std::collections::HashSet;

use tripline::text::excerpt;
use tripline_guard::coverage::Devices;

use super::aws::Observer;
use crate::aws::job::DescribedJob;

/// Pages of members that are turned a look, of 250 devices.
const PAGES_A_LOOK: usize = 3;
/// Most pages that are turned: ten thousand devices.
const MOST_PAGES: usize = 40;

/// The targets of one job, as far as they were counted.
#[derive(Debug, Default)]
pub struct Targets {
    /// The groups that have not been listed to their end; `None` before the first look.
    groups: Option<Vec<String>>,
    /// The next page of the last one.
    token: Option<String>,
    things: HashSet<String>,
    pages: usize,
    /// AWS IoT does not say it.
    is_denied: bool,
}

impl Targets {
    /// How many devices a job is for, as far as that is known by now. `kept`: what the guard-keeper has counted.
    pub async fn count(
        &mut self,
        observer: &mut Observer,
        seen: &DescribedJob,
        kept: Option<u32>,
        notes: &mut Vec<String>,
    ) -> Devices {
        if let (Devices::Exactly(devices), _) | (_, Some(devices)) = (seen.devices, kept) {
            return Devices::Exactly(devices);
        }
        let groups = self.groups.get_or_insert_with(|| {
            let name = |arn: &String, kind: &str| Some(arn.split_once(kind)?.1.to_owned());
            self.things = seen.targets.iter().filter_map(|arn| name(arn, ":thing/")).collect();
            seen.targets.iter().filter_map(|arn| name(arn, ":thinggroup/")).collect()
        });
        let mut turned = 0;
        while let Some(group) = groups.last()
            && turned < PAGES_A_LOOK
            && self.pages < MOST_PAGES
            && !self.is_denied
        {
            match observer.members(group, self.token.take()).await {
                Ok((members, next)) => {
                    self.things.extend(members);
                    self.token = next;
                }
                Err(failure) => {
                    self.is_denied = true;
                    notes.push(format!("how many devices group {} has: {failure}", excerpt(group)));
                    break;
                }
            }
            if self.token.is_none() {
                groups.pop();
            }
            turned += 1;
            self.pages += 1;
        }
        let counted = u32::try_from(self.things.len()).unwrap_or(u32::MAX);
        match groups.is_empty() {
            // A job that shows no targets says nothing.
            _ if seen.targets.is_empty() => Devices::Unknown,
            true => Devices::Exactly(counted),
            false => Devices::AtLeast(counted),
        }
    }
}
