//! Fleets, firmware and plans.

use std::error::Error;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread::available_parallelism;

use tripline::gate::{Needed, Rules};
use tripline::rollout::Rate;
use tripline::stop::StopMode;
use tripline::time::Timestamp;
use tripline_config::{parse_evidence, parse_rollout};
use tripline_simulation::simulation::{
    AbortPlan, EvidencePlan, Fleet, GatePlan, GuardPlan, Lognormal, ReleasePlan, ReleaseStudy,
    Runs, Scenario, Share, SimulatedWave,
};

/// What all random numbers follow from. Chosen before anything was run.
pub const SEED: u64 = 20_261_129;
const FILE: &str = "recommended.ini";
const TEXT: &str = include_str!("../../../../examples/guards/recommended.ini");
const HOUR: f64 = 3_600.0;
/// Of a release, at most so many healthy ones are stopped.
const FALSE_STOPS: f64 = 0.01;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Firmware {
    Good,
    Failing,
    Slow,
    Silent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    A,
    B,
    /// All devices end within minutes.
    Quick,
}

/// A release of equal waves.
#[derive(Debug, Clone, Copy)]
pub struct Waves {
    pub count: u32,
    pub devices: u32,
    pub tolerance: f64,
    pub concludes: bool,
}

impl Firmware {
    pub const ALL: [Self; 4] = [Self::Good, Self::Failing, Self::Slow, Self::Silent];
}

impl Shape {
    pub const ALL: [Self; 2] = [Self::A, Self::B];

    fn fleet(self, firmware: Firmware, devices: u32) -> Result<Fleet, Box<dyn Error>> {
        let (median, sigma, silent) = match self {
            Self::A => (848.0, 0.6, 0.002),
            Self::B => (323.5, 1.0, 0.002),
            Self::Quick => (120.0, 0.3, 0.0),
        };
        let percent = |share| Share::new(share).ok().ok_or("no share");
        let time = Lognormal::new(median, sigma)?;
        let mut fleet = Fleet {
            failing: percent(0.02)?,
            silent: percent(silent)?,
            download: time,
            slow_download: time,
            ..Fleet::healthy(devices)
        };
        match firmware {
            Firmware::Good => {}
            Firmware::Failing => fleet.failing = percent(0.09)?,
            Firmware::Silent => fleet.silent = percent(0.1)?,
            Firmware::Slow => {
                fleet.download =
                    Lognormal::with_share_over(HOUR, 0.1, sigma).ok_or("no such times")?;
            }
        }
        Ok(fleet)
    }
}

impl Waves {
    pub fn study(
        self,
        shape: Shape,
        firmware: Firmware,
        runs: u32,
    ) -> Result<ReleaseStudy, Box<dyn Error>> {
        let mut rollout = parse_rollout(FILE, TEXT)?;
        rollout.rate = Rate::Constant(100);
        let mut evidence = parse_evidence(FILE, TEXT)?
            .ok_or("no limits")?
            .with_timeout(rollout.timeout.map(|timeout| timeout.minutes()));
        evidence.false_stops = FALSE_STOPS / f64::from(self.count);
        let limits = evidence.limits(None, true)?;
        let guard = EvidencePlan::new(limits.clone(), StopMode::Cancel);
        let abort = AbortPlan::new(rollout.abort.clone());
        let fleet = shape.fleet(firmware, self.devices)?;
        let scenario = Scenario::new(fleet, rollout, Timestamp::from_seconds(1_767_225_600));
        let limits = Arc::new(limits);
        let wave = |number: u32| SimulatedWave {
            name: format!("w{number}"),
            scenario: scenario.clone(),
            guards: vec![&guard as &dyn GuardPlan, &abort],
            gate: GatePlan {
                rules: Rules {
                    tolerance: self.tolerance,
                    bake: 7_200,
                    decide_within: 86_400,
                    clearance: Needed::Required,
                },
                devices: self.devices,
                limits: Arc::clone(&limits),
                retries: false,
                concludes: self.concludes,
            },
            approval: false,
        };
        let plan = ReleasePlan { waves: (1..=self.count).map(wave).collect() };
        let threads = available_parallelism().unwrap_or(NonZeroUsize::MIN);
        Ok(ReleaseStudy::new(&plan, Runs { seed: SEED, runs, threads }, &|_| {}))
    }
}

impl fmt::Display for Firmware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Good => "good",
            Self::Failing => "9 % fail",
            Self::Slow => "10 % slow",
            Self::Silent => "10 % silent",
        })
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::A => "A",
            Self::B => "B",
            Self::Quick => "C",
        })
    }
}
