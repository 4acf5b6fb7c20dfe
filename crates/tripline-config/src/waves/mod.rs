//! The `[WAVES]` section and its `[WAVE_<name>]`: in which stages a release goes out.
//!
//! - [`read`]: the sections, with their faults; [`duration`]: `90s`, `2h`;
//! - [`draw`]: which devices of the thing list each wave gets;
//! - [`sizes`]: how many devices each has of a fleet whose things are not known;
//! - [`exposed`]: how many hold the firmware before the first verdict.

mod draw;
mod duration;
mod exposed;
mod read;
mod sizes;

use tripline::release::WaveName;

pub use draw::{DrawnTargets, DrawnWave};
pub use exposed::{Exposed, WaveSize};
pub(crate) use read::Around;
pub use sizes::parse_waves;

use crate::things::TargetName;

/// In which stages a release goes out: `[WAVES]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Waves {
    /// The waves in their order: 1 to [`MAX_WAVES`](tripline::release::MAX_WAVES).
    pub waves: Vec<Wave>,
    /// `falseStops`: the share of healthy releases that may be stopped, over all waves together.
    pub false_stops: f64,
    /// `exposure`: most devices that may hold the firmware before the first verdict.
    pub exposure: Option<u32>,
    /// The line of `exposure`, or of the section.
    exposure_line: usize,
}

/// A stage of a release: `[WAVE_<name>]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Wave {
    /// What it is called.
    pub name: WaveName,
    /// Which devices get it.
    pub targets: WaveTargets,
    /// Devices a minute, 1 to [`Rate::QUOTA`](tripline::rollout::Rate::QUOTA); `None`: as the config says of every job.
    pub rate: Option<u32>,
    /// Seconds for which the wave is watched after its last device was notified.
    pub bake: u32,
    /// The share of the wave's devices that may be unsuccessful.
    pub tolerance: f64,
    /// Whether a person lets it begin.
    pub approval: bool,
    /// Seconds from the beginning of the bake after which a person is asked.
    pub decide_within: u32,
    /// The line of its targets.
    pub line: usize,
}

/// Which devices a wave is for.
#[derive(Debug, Clone, PartialEq)]
pub enum WaveTargets {
    /// `things`: these of the thing list.
    Things(Vec<TargetName>),
    /// `groups`: the members of these groups of the thing list.
    Groups(Vec<TargetName>),
    /// `devices`: so many of the thing list.
    Devices(u32),
    /// `percent`: this share of the things in the thing list, above 0 and at most 1.
    Percent(f64),
    /// `query`: what a fleet-indexing query finds when the release starts.
    Query(String),
    /// `rest`: what is left of the thing list.
    Rest,
}

impl Waves {
    /// Longest that a wave is watched or waited for, in seconds: 365 days.
    pub const LONGEST: u32 = 365 * 86_400;
    /// How long a wave bakes if it is not said: one hour.
    pub const BAKE: u32 = 3_600;
    /// The share of unsuccessful devices that a wave tolerates if it is not said.
    pub const TOLERANCE: f64 = 0.05;
    /// After how long a person is asked if it is not said: one day.
    pub const DECIDE_WITHIN: u32 = 86_400;

    /// The share of healthy rollouts that each wave may stop, so that all of them together stop at most
    /// [`false_stops`](Self::false_stops) of healthy releases (the union bound).
    pub fn false_stops_of_each(&self) -> f64 {
        // There is at least one wave, and there are at most twenty.
        self.false_stops / self.waves.len().max(1) as f64
    }
}

impl WaveTargets {
    /// The key that says it.
    pub fn key(&self) -> &'static str {
        match self {
            Self::Things(_) => "things",
            Self::Groups(_) => "groups",
            Self::Devices(_) => "devices",
            Self::Percent(_) => "percent",
            Self::Query(_) => "query",
            Self::Rest => "rest",
        }
    }
}

#[cfg(test)]
#[path = "../tests/waves.rs"]
mod tests;
