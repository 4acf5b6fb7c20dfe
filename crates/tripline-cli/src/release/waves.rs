//! Which devices each wave of a release gets, by the config, the thing list and AWS IoT.

use std::collections::BTreeSet;

use tripline::release::WaveName;
use tripline_aws::Failure;
use tripline_config::{DrawnTargets, Target, Waves};

use crate::exit::Error;
use crate::input::deployment::Input;
use crate::successor::aws::Aws;
use crate::terminal::progress::Progress;

/// Most devices of one wave that are named or found by a query: more of them are a thing group's.
const MOST_DEVICES: usize = 100_000;
/// The index of AWS IoT's fleet indexing, and how many things it finds at a time.
const INDEX: &str = "AWS_Things";
const FOUND_AT_ONCE: i32 = 100;

/// A wave with its devices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wave {
    pub name: WaveName,
    /// ARNs of groups; empty where things are named.
    pub groups: Vec<String>,
    /// The names of its things; of groups: their members.
    pub devices: BTreeSet<String>,
    /// Devices that a query found and earlier waves have.
    pub taken: usize,
}

/// Works the waves out. Nothing is made.
pub async fn work_out(aws: &Aws, input: &Input, waves: &Waves) -> Result<Vec<Wave>, Error> {
    let drawn = waves.draw(&input.file, &input.things).map_err(Error::input)?;
    let mut progress = Progress::new();
    let mut found: Vec<Wave> = Vec::new();
    for wave in drawn {
        let before = |thing: &String| found.iter().any(|wave| wave.devices.contains(thing));
        let mut groups = Vec::new();
        let mut taken = 0;
        let devices: BTreeSet<String> = match wave.targets {
            DrawnTargets::Things(things) => {
                things.iter().map(|thing| thing.name().to_owned()).collect()
            }
            DrawnTargets::Groups(targets) => {
                let mut members = BTreeSet::new();
                for group in &targets {
                    members.extend(members_of(aws, input, group, &mut progress).await?);
                }
                groups = targets.iter().map(|group| group.arn().to_owned()).collect();
                members
            }
            DrawnTargets::Query(query) => {
                let all = find(aws, &query, &mut progress).await?;
                let count = all.len();
                let free: BTreeSet<String> = all.into_iter().filter(|it| !before(it)).collect();
                taken = count - free.len();
                free
            }
        };
        let both: Vec<&String> = devices.iter().filter(|thing| before(thing)).collect();
        if let Some(first) = both.first() {
            return Err(Error::in_file(
                &input.file,
                format!(
                    "wave `{}` and a wave before it overlap: {} devices are in both, such as `{}` (expected none)",
                    wave.name,
                    both.len(),
                    tripline::text::excerpt(first)
                ),
            ));
        }
        if devices.is_empty() {
            return Err(Error::in_file(
                &input.file,
                format!("wave `{}` has no devices (expected one at least)", wave.name),
            ));
        }
        if devices.len() > MOST_DEVICES && groups.is_empty() {
            return Err(Error::in_file(
                &input.file,
                format!(
                    "wave `{}` has {} devices (expected at most {MOST_DEVICES}, or thing groups)",
                    wave.name,
                    devices.len()
                ),
            ));
        }
        found.push(Wave { name: wave.name, groups, devices, taken });
    }
    Ok(found)
}

async fn members_of(
    aws: &Aws,
    input: &Input,
    group: &Target,
    progress: &mut Progress,
) -> Result<BTreeSet<String>, Error> {
    let mut members = BTreeSet::new();
    let mut token = None;
    loop {
        let Some((page, next)) = aws.members(group.name(), token).await? else {
            return Err(Error::in_file(
                &input.file,
                format!("there is no thing group `{}`", group.name()),
            ));
        };
        members.extend(page);
        progress.show(format!("thing group {}: {} devices", group.name(), members.len()));
        token = next;
        if token.is_none() {
            return Ok(members);
        }
    }
}

/// The things that a query finds now.
async fn find(aws: &Aws, query: &str, progress: &mut Progress) -> Result<BTreeSet<String>, Error> {
    let mut things = BTreeSet::new();
    let mut token = None;
    loop {
        let _permit = aws.lists.permit().await;
        let search = aws.iot.search_index().index_name(INDEX).query_string(query);
        let page = search.max_results(FOUND_AT_ONCE).set_next_token(token).send().await;
        let page = page.map_err(|error| Failure::from_sdk("SearchIndex", &error))?;
        let names = page.things.unwrap_or_default().into_iter().filter_map(|it| it.thing_name);
        things.extend(names);
        progress.show(format!("query: {} devices", things.len()));
        token = page.next_token.filter(|token| !token.is_empty());
        if token.is_none() || things.len() > MOST_DEVICES {
            return Ok(things);
        }
    }
}
