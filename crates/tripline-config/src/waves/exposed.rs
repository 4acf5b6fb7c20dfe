//! How many devices hold the firmware before the first verdict.

use tripline::faults::Fault;
use tripline::release::WaveName;

use super::Waves;
use crate::keys::{WAVE_PREFIX, WAVES};

/// How many devices a wave has, and from how many on its gate decides by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaveSize {
    /// What it is called.
    pub name: WaveName,
    /// How many devices it has; `None`: not known.
    pub devices: Option<u32>,
    /// From about how many on its gate decides; `None`: never.
    pub decides_from: Option<u32>,
}

impl WaveSize {
    /// Whether its gate can decide by itself. Of a wave whose devices are not known nobody can say.
    pub fn decides(&self) -> Option<bool> {
        let Some(from) = self.decides_from else { return Some(false) };
        self.devices.map(|devices| devices >= from)
    }
}

/// The devices of the waves up to and with the first whose gate can decide, or of all of them if none
/// can: a person who lets a wave through passes no verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exposed {
    /// How many they are, as far as it is known.
    pub devices: u32,
    /// The first wave whose gate can decide; `None` if none can.
    pub verdict: Option<WaveName>,
    /// Waves up to there whose devices are not known.
    pub unknown: Vec<WaveName>,
}

impl Exposed {
    /// Adds waves up in their order.
    pub fn of(sizes: &[WaveSize]) -> Self {
        let mut exposed = Self { devices: 0, verdict: None, unknown: Vec::new() };
        for size in sizes {
            match size.devices {
                Some(devices) => exposed.devices = exposed.devices.saturating_add(devices),
                None => exposed.unknown.push(size.name.clone()),
            }
            if size.decides() == Some(true) {
                exposed.verdict = Some(size.name.clone());
                break;
            }
        }
        exposed
    }
}

impl Waves {
    /// A fault if more devices than `exposure` would hold the firmware before the first verdict; the wave
    /// that is one too many is named. Those of waves whose devices are not known are not counted.
    pub fn over_exposed(&self, sizes: &[WaveSize]) -> Option<Fault> {
        let most = self.exposure?;
        let exposed = Exposed::of(sizes);
        if exposed.devices <= most {
            return None;
        }
        let mut before = 0_u32;
        let over = sizes.iter().find(|size| {
            let with = before.saturating_add(size.devices.unwrap_or(0));
            let is_over = with > most;
            if !is_over {
                before = with;
            }
            is_over
        })?;
        let wave = self.waves.iter().find(|wave| wave.name == over.name);
        let (line, place) = match wave {
            Some(wave) => (wave.line, format!("{WAVE_PREFIX}{}", wave.name)),
            None => (self.exposure_line, WAVES.to_owned()),
        };
        let verdict = match &exposed.verdict {
            Some(name) => format!("the first verdict is that of wave `{name}`"),
            None => "no wave is large enough for a verdict".to_owned(),
        };
        let text = format!(
            "`[{place}]`: {} devices of {} would hold the firmware before any verdict: {verdict} (expected at most {} here: `exposure = {most}` in line {})",
            over.devices.unwrap_or(0),
            exposed.devices,
            most - before,
            self.exposure_line
        );
        Some(Fault::at(line, text))
    }
}
