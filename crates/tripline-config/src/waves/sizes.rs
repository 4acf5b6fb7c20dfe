//! How many devices each wave has of a fleet of which nothing but the size is known.

use tripline::faults::{Fault, Faults, reported};

use super::draw::whole;
use super::read::Around;
use super::{WaveTargets, Waves};
use crate::ini::read_whole;
use crate::keys::WAVE_PREFIX;
use crate::parse_evidence;
use crate::reader::Reader;
use crate::values::TargetSelection;

/// Reads `[WAVES]` from the text of a `dev.ini`; `None` if there is none. `file` is what the errors call it.
pub fn parse_waves(file: &str, text: &str) -> Result<Option<Waves>, Faults> {
    // What is wrong with the rest is whoever reads that to say.
    let evidence = parse_evidence(file, text).ok().flatten();
    let around = Around {
        evidence: evidence.as_ref(),
        selection: TargetSelection::Snapshot,
        rounds: 1,
        default: None,
    };
    read_whole(file, text, |ini, faults| Reader::new(ini, faults).waves(&around))
}

impl Waves {
    /// How many devices each wave has of a fleet of so many things; faults where that is not known, or where
    /// the waves come to more than all. `file` is what the faults call the config.
    pub fn sizes(&self, file: &str, devices: u32) -> Result<Vec<u32>, Faults> {
        let mut faults = Vec::new();
        let by_name: u32 = self.waves.iter().filter_map(|wave| named(&wave.targets)).sum();
        let mut left = devices.saturating_sub(by_name);
        let mut share = 0.0;
        let all = devices as usize;
        let mut sizes = Vec::new();
        for wave in &self.waves {
            let mut fault = |text: String| {
                let text =
                    format!("`[{WAVE_PREFIX}{}]`: {}: {text}", wave.name, wave.targets.key());
                faults.push(Fault::at(wave.line, text));
            };
            let size = match &wave.targets {
                WaveTargets::Things(names) => u32::try_from(names.len()).unwrap_or(u32::MAX),
                WaveTargets::Groups(_) | WaveTargets::Query(_) => {
                    fault("only AWS IoT knows how many devices they are (expected `devices`, `percent`, `things` or `rest` to simulate)".to_owned());
                    continue;
                }
                WaveTargets::Devices(count) => *count,
                WaveTargets::Percent(part) => {
                    let before = whole(share, all);
                    share += part;
                    u32::try_from(whole(share, all).saturating_sub(before)).unwrap_or(u32::MAX)
                }
                WaveTargets::Rest => left,
            };
            if size == 0 {
                fault("comes to no device (expected at least one)".to_owned());
            }
            if named(&wave.targets).is_some() {
                if size > devices {
                    fault(format!("{size} devices, and there are {devices}"));
                }
            } else if size > left {
                fault(format!(
                    "{size} devices, and {left} of {devices} are left (expected no more than are left)"
                ));
            } else {
                left -= size;
            }
            sizes.push(size);
        }
        reported(file, sizes, faults)
    }
}

fn named(targets: &WaveTargets) -> Option<u32> {
    match targets {
        WaveTargets::Things(names) => u32::try_from(names.len()).ok(),
        _ => None,
    }
}
