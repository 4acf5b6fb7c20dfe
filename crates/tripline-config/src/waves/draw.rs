//! Which devices of the thing list each wave gets.
//!
//! Devices are drawn in the order of a fixed hash of their names: the same list gives the same waves
//! wherever it is drawn, and neighbors in the list, which are often of one hardware or one site, are
//! mixed.

use std::collections::{HashMap, HashSet};

use sha2::{Digest, Sha256};
use tripline::faults::{Fault, Faults, reported};
use tripline::release::WaveName;

use super::{Wave, WaveTargets, Waves};
use crate::keys::WAVE_PREFIX;
use crate::near::near;
use crate::things::{Target, TargetKind, TargetName, ThingList};

/// A wave with its targets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DrawnWave {
    /// What it is called.
    pub name: WaveName,
    /// What it is for.
    pub targets: DrawnTargets,
}

/// What a wave's job is rolled out to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DrawnTargets {
    /// These things, at least one; those that were drawn are in the order of the hash.
    Things(Vec<Target>),
    /// Groups, whose members only AWS IoT knows.
    Groups(Vec<Target>),
    /// What a query finds when the release starts.
    Query(String),
}

impl DrawnWave {
    /// How many devices it has; `None` if only AWS IoT knows.
    pub fn devices(&self) -> Option<u32> {
        match &self.targets {
            DrawnTargets::Things(things) => u32::try_from(things.len()).ok(),
            DrawnTargets::Groups(_) | DrawnTargets::Query(_) => None,
        }
    }
}

impl Waves {
    /// Works out which targets of a list each wave gets; no thing is in two of them. A thing that a wave
    /// names is left to it by all others. `file` is what the faults call the config.
    pub fn draw(&self, file: &str, list: &ThingList) -> Result<Vec<DrawnWave>, Faults> {
        let mut pool = Pool::new(self, list);
        let drawn: Vec<_> = self.waves.iter().filter_map(|wave| pool.draw(wave)).collect();
        reported(file, drawn, pool.faults)
    }

    /// The targets of a list that no wave has.
    pub fn left_out<'l>(drawn: &[DrawnWave], list: &'l ThingList) -> Vec<&'l Target> {
        let taken: HashSet<&Target> = drawn
            .iter()
            .flat_map(|wave| match &wave.targets {
                DrawnTargets::Things(targets) | DrawnTargets::Groups(targets) => &targets[..],
                DrawnTargets::Query(_) => &[],
            })
            .collect();
        list.targets().iter().filter(|target| !taken.contains(target)).collect()
    }
}

/// What is left of a list while its waves are drawn.
struct Pool<'a> {
    list: &'a ThingList,
    named: HashMap<(TargetKind, &'a str), &'a Target>,
    /// Things that no wave names, in the order of the hash.
    left: std::vec::IntoIter<&'a Target>,
    /// How many things the list has.
    things: usize,
    groups: usize,
    /// The share of the list that earlier waves have drawn as `percent`.
    share: f64,
    faults: Vec<Fault>,
}

impl<'a> Pool<'a> {
    fn new(waves: &Waves, list: &'a ThingList) -> Self {
        let named: HashSet<&str> = waves
            .waves
            .iter()
            .filter_map(|wave| match &wave.targets {
                WaveTargets::Things(names) => Some(names.iter().map(TargetName::as_str)),
                _ => None,
            })
            .flatten()
            .collect();
        let of_kind = |kind| list.targets().iter().filter(move |target| target.kind() == kind);
        let things = of_kind(TargetKind::Thing).count();
        let free = of_kind(TargetKind::Thing).filter(|thing| !named.contains(thing.name()));
        let mut left: Vec<(_, &Target)> = free.map(|thing| (order_of(thing), thing)).collect();
        left.sort_by(|(hash, thing), (other, its)| {
            hash.cmp(other).then_with(|| thing.arn().cmp(its.arn()))
        });
        let left: Vec<&Target> = left.into_iter().map(|(_, thing)| thing).collect();
        let key = |target: &'a Target| ((target.kind(), target.name()), target);
        Self {
            list,
            named: list.targets().iter().map(key).collect(),
            left: left.into_iter(),
            things,
            groups: list.targets().len() - things,
            share: 0.0,
            faults: Vec::new(),
        }
    }

    fn draw(&mut self, wave: &Wave) -> Option<DrawnWave> {
        let targets = match &wave.targets {
            WaveTargets::Things(names) => {
                DrawnTargets::Things(self.by_name(wave, names, TargetKind::Thing)?)
            }
            WaveTargets::Groups(names) => {
                DrawnTargets::Groups(self.by_name(wave, names, TargetKind::Group)?)
            }
            WaveTargets::Devices(count) => self.take(wave, *count as usize)?,
            WaveTargets::Percent(share) => {
                // Shares are rounded where waves meet, so that all of 100 % is all of the list.
                let before = whole(self.share, self.things);
                self.share += share;
                self.take(wave, whole(self.share, self.things).saturating_sub(before))?
            }
            WaveTargets::Query(query) => DrawnTargets::Query(query.clone()),
            WaveTargets::Rest => self.take(wave, self.left.len())?,
        };
        Some(DrawnWave { name: wave.name.clone(), targets })
    }

    fn by_name(
        &mut self,
        wave: &Wave,
        names: &[TargetName],
        kind: TargetKind,
    ) -> Option<Vec<Target>> {
        let found: Vec<Target> = names
            .iter()
            .filter_map(|name| {
                let target = self.named.get(&(kind, name.as_str())).copied();
                if target.is_none() {
                    let text = format!("`{}` is not in the thing list", name.as_str());
                    let of_kind = self.list.targets().iter().filter(|other| other.kind() == kind);
                    let known: Vec<&str> = of_kind.map(Target::name).collect();
                    let hint =
                        near(name.as_str(), &known).map(|it| format!("did you mean `{it}`?"));
                    self.fault(wave, &text, hint);
                }
                target.cloned()
            })
            .collect();
        (found.len() == names.len()).then_some(found)
    }

    fn take(&mut self, wave: &Wave, count: usize) -> Option<DrawnTargets> {
        if self.groups > 0 {
            // A member could be drawn as a thing too, and nobody but AWS IoT knows who is one.
            let text = "the thing list has groups, whose members are not known here (expected things only, or `groups`)";
            self.fault(wave, text, None);
            return None;
        }
        if count > self.left.len() {
            let text = format!(
                "{count} devices, and {} of {} are left (expected no more than are left)",
                self.left.len(),
                self.things
            );
            self.fault(wave, &text, None);
            return None;
        }
        if count == 0 {
            let text = match wave.targets {
                WaveTargets::Rest => "nothing is left of the thing list",
                _ => "less than half a device of the thing list (expected at least one device)",
            };
            self.fault(wave, text, None);
            return None;
        }
        Some(DrawnTargets::Things(self.left.by_ref().take(count).cloned().collect()))
    }

    fn fault(&mut self, wave: &Wave, text: &str, hint: Option<String>) {
        let key = wave.targets.key();
        let text = format!("`[{WAVE_PREFIX}{}]`: {key}: {text}", wave.name);
        self.faults.push(Fault::at(wave.line, text).hint(hint));
    }
}

/// Where a thing stands in the order in which things are drawn. It goes by the name alone, so that
/// a device stays in its wave when the account or the region changes.
fn order_of(thing: &Target) -> [u8; 32] {
    Sha256::digest(thing.name()).into()
}

/// A share of a number, rounded.
pub(super) fn whole(share: f64, all: usize) -> usize {
    // A list has at most some thousands of things.
    (share * all as f64).round() as usize
}
