//! A plan of waves with the devices that each wave gets, and what its gate can decide at that size.

use tripline::evidence::Limits;
use tripline::faults::Faults;
use tripline::gate::Unclearable;
use tripline::metric::Outcome;
use tripline::rollout::{Rate, Retries, RolloutConfig};
use tripline_config::{DrawnWave, Exposed, Target, ThingList, Wave, WaveSize, Waves};

/// The waves of a release, worked out.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedWaves {
    /// In their order.
    pub waves: Vec<PlannedWave>,
    /// How many devices hold the firmware before the first verdict.
    pub exposed: Exposed,
    /// Targets of the list that no wave has.
    pub left_out: Vec<Target>,
    /// The share of healthy releases that may be stopped, and that of each wave's rollouts.
    pub false_stops: (f64, f64),
    /// `exposure`, if the config says it.
    pub most_exposed: Option<u32>,
}

/// A wave, worked out.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedWave {
    /// As the config has it.
    pub wave: Wave,
    /// Its targets.
    pub drawn: DrawnWave,
    /// Devices a minute at first and at most.
    pub rate: (u32, u32),
    /// What its gate can decide.
    pub gate: GateAbility,
}

/// What a gate can decide by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GateAbility {
    /// It decides: about so many devices are enough, and there are as many.
    Decides {
        /// About how many.
        from: u32,
    },
    /// There are fewer devices than about this many, so that a person is asked.
    TooFew {
        /// About how many.
        from: u32,
    },
    /// How many devices there are only AWS IoT knows.
    SizeUnknown {
        /// About how many it takes.
        from: u32,
    },
    /// Clearance can never be known, and why.
    Never(Unclearable),
}

impl PlannedWaves {
    /// Draws the waves of a list. `file` is what the faults call the config.
    pub fn new(
        file: &str,
        waves: &Waves,
        things: &ThingList,
        rollout: &RolloutConfig,
        limits: Option<&Limits>,
    ) -> Result<Self, Faults> {
        let drawn = waves.draw(file, things)?;
        let from = clears_at(rollout.retries, limits);
        let sizes: Vec<WaveSize> = drawn
            .iter()
            .map(|wave| WaveSize {
                name: wave.name.clone(),
                devices: wave.devices(),
                decides_from: from.ok(),
            })
            .collect();
        if let Some(fault) = waves.over_exposed(&sizes) {
            return Err(Faults { file: file.to_owned(), faults: vec![fault], more: 0 });
        }
        let left_out = Waves::left_out(&drawn, things).into_iter().cloned().collect();
        let waves_of = waves.waves.iter().zip(drawn);
        Ok(Self {
            waves: waves_of
                .map(|(wave, drawn)| PlannedWave {
                    gate: GateAbility::of(drawn.devices(), from),
                    rate: rate_of(wave, rollout),
                    wave: wave.clone(),
                    drawn,
                })
                .collect(),
            exposed: Exposed::of(&sizes),
            left_out,
            false_stops: (waves.false_stops, waves.false_stops_of_each()),
            most_exposed: waves.exposure,
        })
    }

    /// How many devices the largest wave has, if all of them are known.
    pub fn largest(&self) -> Option<u32> {
        let sizes: Option<Vec<u32>> = self.waves.iter().map(|wave| wave.drawn.devices()).collect();
        sizes?.into_iter().max()
    }

    /// How often a person is asked if everything goes well: to let a wave begin, and to let the next one begin
    /// where the gate cannot decide. Gates of waves whose size is not known are taken to decide.
    pub fn asks(&self) -> usize {
        let approvals = self.waves.iter().filter(|wave| wave.wave.approval).count();
        let gates = self.waves.iter().filter(|wave| wave.gate.asks()).count();
        approvals + gates
    }
}

impl GateAbility {
    fn of(devices: Option<u32>, from: Result<u32, Unclearable>) -> Self {
        match (from, devices) {
            (Err(why), _) => Self::Never(why),
            (Ok(from), None) => Self::SizeUnknown { from },
            (Ok(from), Some(devices)) if devices >= from => Self::Decides { from },
            (Ok(from), Some(_)) => Self::TooFew { from },
        }
    }

    /// Whether it asks a person although all is well.
    pub fn asks(self) -> bool {
        matches!(self, Self::TooFew { .. } | Self::Never(_))
    }
}

/// From about how many devices on clearance opens, or why it never does.
fn clears_at(retries: Retries, limits: Option<&Limits>) -> Result<u32, Unclearable> {
    let retried = [Outcome::Failed, Outcome::TimedOut].map(|outcome| retries.after(outcome));
    if retried.iter().any(|count| *count > 0) {
        return Err(Unclearable::Retries);
    }
    limits.and_then(Limits::clears_at).ok_or(Unclearable::NoLimit)
}

/// At first and at most. A wave's own rate is constant.
fn rate_of(wave: &Wave, rollout: &RolloutConfig) -> (u32, u32) {
    let rate = wave.rate.map_or(rollout.rate, Rate::Constant);
    let most = match rate {
        Rate::Constant(most) => most,
        Rate::Exponential(rate) => rate.maximum,
    };
    (rate.first().min(Rate::QUOTA), most.min(Rate::QUOTA))
}

/// At most four digits behind the point, none of them an idle zero.
pub fn percent(share: f64) -> String {
    let text = format!("{:.4}", share * 100.0);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_a_config_has_them() {
        for (share, text) in
            [(0.01, "1"), (0.0033333, "0.3333"), (1.0, "100"), (0.0, "0"), (0.125, "12.5")]
        {
            assert_eq!(percent(share), text);
        }
    }
}
