//! A release in waves: rollouts one after another, each with its own evidence, and a gate between.

use super::gate::{Decision, GatePlan};
use super::guard::GuardPlan;
use super::outcome::RolloutOutcome;
use super::run::Simulator;
use super::statistics::{Proportion, Spread};
use super::study::{Runs, each_run};
use super::time::Elapsed;
use super::{Detail, Scenario};

/// A release to be simulated.
pub struct ReleasePlan<'a> {
    /// Its waves in their order.
    pub waves: Vec<SimulatedWave<'a>>,
}

/// A wave of it.
pub struct SimulatedWave<'a> {
    /// What it is called.
    pub name: String,
    /// The rollout to its devices.
    pub scenario: Scenario,
    /// What guards it.
    pub guards: Vec<&'a dyn GuardPlan>,
    /// What lets the next one begin.
    pub gate: GatePlan,
    /// Whether a person lets it begin.
    pub approval: bool,
}

/// What becomes of one release. People approve at once whatever they are asked, but for a wave with more
/// unsuccessful devices than are tolerated, which they stop.
#[derive(Debug, Clone, PartialEq)]
pub struct ReleaseOutcome {
    /// How it ended.
    pub ended: ReleaseEnd,
    /// Devices that hold or may hold the firmware: those that had begun.
    pub exposed: u32,
    /// How long it took, without people's time.
    pub took: Elapsed,
    /// How often a person was asked.
    pub asked: u32,
    /// What each wave's gate answered that was reached; `None`: a guard stopped the wave.
    pub gates: Vec<Option<Decision>>,
}

/// How a release ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReleaseEnd {
    /// All waves were let through.
    Well,
    /// A guard stopped a wave.
    Stopped,
    /// A person was asked about a wave with too many unsuccessful devices.
    Refused,
}

/// Many runs of a release.
#[derive(Debug, Clone, PartialEq)]
pub struct ReleaseStudy {
    /// What all random numbers follow from.
    pub seed: u64,
    /// How many.
    pub runs: u32,
    /// Runs in which every wave was let through.
    pub well: Proportion,
    /// Runs in which a guard stopped a wave.
    pub stopped: Proportion,
    /// Runs that a person stopped, asked about too many unsuccessful devices.
    pub refused: Proportion,
    /// Runs in which at least one gate opened by itself.
    pub opened: Proportion,
    /// How often a person was asked, on average.
    pub asked: f64,
    /// Devices that hold or may hold the firmware at the end of those that were stopped.
    pub exposed: Option<Spread>,
    /// Minutes to the end of those that ended well, without people's time.
    pub minutes: Option<Spread>,
    /// Its waves.
    pub waves: Vec<WaveShare>,
}

/// What became of a wave, of the runs that came to it.
#[derive(Debug, Clone, PartialEq)]
pub struct WaveShare {
    /// What it is called.
    pub name: String,
    /// How many devices it has.
    pub devices: u32,
    /// Its gate opened by itself.
    pub opened: Proportion,
    /// Its gate asked a person, although no more devices were unsuccessful than are tolerated.
    pub asked: Proportion,
    /// Its gate asked a person, since more were.
    pub over: Proportion,
    /// A guard stopped it.
    pub stopped: Proportion,
}

impl ReleaseStudy {
    /// Simulates many releases. `progress` gets after each how many are done, from any thread.
    pub fn new(plan: &ReleasePlan<'_>, runs: Runs, progress: &(dyn Fn(u32) + Sync)) -> Self {
        let guards: Vec<Vec<&dyn GuardPlan>> = plan
            .waves
            .iter()
            .map(|wave| wave.guards.iter().copied().chain([&wave.gate as &dyn GuardPlan]).collect())
            .collect();
        let worker = || {
            let waves = plan.waves.iter().zip(&guards);
            let mut simulators: Vec<Simulator<'_>> =
                waves.map(|(wave, guards)| Simulator::new(&wave.scenario, guards)).collect();
            move |run| release(plan, &mut simulators, runs.seed, run)
        };
        Self::of(plan, runs, &each_run(runs, worker, progress))
    }

    fn of(
        plan: &ReleasePlan<'_>,
        Runs { seed, runs, .. }: Runs,
        outcomes: &[ReleaseOutcome],
    ) -> Self {
        let ended = |end| share(outcomes.iter().map(|outcome| outcome.ended == end));
        let with = |is: fn(ReleaseEnd) -> bool, value: fn(&ReleaseOutcome) -> f64| {
            Spread::of(outcomes.iter().filter(|it| is(it.ended)).map(value).collect())
        };
        let asked: u32 = outcomes.iter().map(|outcome| outcome.asked).sum();
        let waves = plan.waves.iter().enumerate().map(|(place, wave)| {
            let of = |answer: Option<Decision>| {
                share(outcomes.iter().filter_map(|it| it.gates.get(place)).map(|it| *it == answer))
            };
            WaveShare {
                name: wave.name.clone(),
                devices: wave.gate.devices,
                opened: of(Some(Decision::Go)),
                asked: of(Some(Decision::Asks)),
                over: of(Some(Decision::OverTolerance)),
                stopped: of(None),
            }
        });
        Self {
            seed,
            runs,
            well: ended(ReleaseEnd::Well),
            stopped: ended(ReleaseEnd::Stopped),
            refused: ended(ReleaseEnd::Refused),
            opened: share(outcomes.iter().map(|it| it.gates.contains(&Some(Decision::Go)))),
            asked: f64::from(asked) / f64::from(runs.max(1)),
            exposed: with(|end| end != ReleaseEnd::Well, |it| f64::from(it.exposed)),
            minutes: with(|end| end == ReleaseEnd::Well, |it| it.took.minutes()),
            waves: waves.collect(),
        }
    }
}

/// One release.
fn release(
    plan: &ReleasePlan<'_>,
    simulators: &mut [Simulator<'_>],
    seed: u64,
    run: u32,
) -> ReleaseOutcome {
    let mut outcome = ReleaseOutcome {
        ended: ReleaseEnd::Well,
        exposed: 0,
        took: Elapsed::default(),
        asked: 0,
        gates: Vec::new(),
    };
    // Each wave draws numbers of its own.
    let numbers = run.saturating_mul(u32::try_from(plan.waves.len()).unwrap_or(u32::MAX))..;
    for ((wave, simulator), number) in plan.waves.iter().zip(simulators).zip(numbers) {
        outcome.asked += u32::from(wave.approval);
        let rollout = simulator.run(seed, number, Detail::Summary);
        outcome.exposed = outcome.exposed.saturating_add(rollout.exposed());
        outcome.took = outcome.took.plus(rollout.ended_at);
        let answer = answer(&rollout, wave.guards.len());
        outcome.gates.push(answer);
        match answer {
            None => outcome.ended = ReleaseEnd::Stopped,
            Some(Decision::Go) => {}
            Some(Decision::Asks) => outcome.asked += 1,
            Some(Decision::OverTolerance) => {
                outcome.asked += 1;
                outcome.ended = ReleaseEnd::Refused;
            }
        }
        if outcome.ended != ReleaseEnd::Well {
            break;
        }
    }
    outcome
}

/// What the gate answered, unless a guard had taken effect before. An alarm that only alerts keeps the gate
/// shut as well. `gate` is its place behind the guards.
fn answer(rollout: &RolloutOutcome, gate: usize) -> Option<Decision> {
    let has_fired = rollout.firings.iter().any(|it| it.guard != gate && it.effect.is_some());
    let said = rollout.firings.iter().find(|firing| firing.guard == gate)?;
    (!has_fired).then(|| GatePlan::decision(said))
}

fn share(are: impl Iterator<Item = bool>) -> Proportion {
    let (mut count, mut of) = (0, 0);
    for is in are {
        of += 1;
        count += u32::from(is);
    }
    Proportion { count, of }
}
