//! False stops and detection of evidence, beside the guards of `examples/guards`, as Markdown:
//!
//! ```sh
//! cargo run --release -p tripline-simulation --example verdict -- RUNS [PART [GUARD]]
//! ```
//!
//! Parts: `stops`, `detection`, `limits`, `baselines`; all of them if none is named. A guard is named as in the
//! head of the table. The seeds are fixed, so that
//! the same commit writes the same table.

mod baselines;
mod world;

use std::num::NonZeroUsize;
use std::thread;

use tripline_simulation::simulation::{Detail, GuardPlan, Scenario, Simulator};
use world::{Guard, Pace, Shape, Trouble};

/// What all random numbers follow from. Chosen before anything was run.
const SEED: u64 = 20_260_801;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let runs = arguments.next().and_then(|runs| runs.parse().ok()).unwrap_or(100);
    let part = arguments.next();
    let guard = arguments.next();
    let chosen = |guards: &[Guard]| -> Vec<Guard> {
        let is_chosen = |other: &&Guard| guard.as_deref().is_none_or(|name| name == other.name());
        guards.iter().filter(is_chosen).copied().collect()
    };
    let has = |name: &str| part.as_deref().is_none_or(|part| part == name);
    println!("Seed {SEED}, {runs} runs a cell.\n");
    if has("detection") {
        detection(runs, &chosen(&Guard::ALL));
    }
    if has("stops") {
        false_stops(runs, &chosen(&Guard::LIVE));
    }
    if has("baselines") {
        baselines::table(SEED, runs);
    }
    if has("limits") {
        beyond_the_limits(runs, &chosen(&Guard::LIVE));
    }
}

/// How many devices had been notified when the stop took effect: in the median, or how many rollouts
/// were stopped and the median of those.
fn detection(runs: u32, guards: &[Guard]) {
    println!(
        "Devices notified when the stop takes effect, median of all rollouts; with a share, of those that were stopped.\n"
    );
    for pace in [Pace::Flat(100, 24_000), Pace::Ramp(24_000)] {
        for shape in Shape::ALL {
            println!("| {pace}, {shape} | {} |", names(guards).join(" | "));
            println!("| --- |{}", " --- |".repeat(guards.len()));
            for trouble in Trouble::FAULTS {
                let cells: Vec<String> = guards
                    .iter()
                    .copied()
                    .map(|guard| {
                        let scenario = world::scenario(shape, pace, trouble, guard);
                        cell(&Cell::of(&scenario, &guard.plans(shape), runs))
                    })
                    .collect();
                println!("| {trouble} | {} |", cells.join(" | "));
            }
            println!();
        }
    }
}

fn names(guards: &[Guard]) -> Vec<&'static str> {
    guards.iter().map(|guard| guard.name()).collect()
}

fn cell(Cell { stopped, notified, runs, devices }: &Cell) -> String {
    let share = stopped * 100 / runs.max(&1);
    match (median(notified), stopped == runs) {
        (None, _) => "-".to_owned(),
        (Some(median), true) if median >= *devices => "all".to_owned(),
        (Some(median), true) => median.to_string(),
        (Some(median), false) if median >= *devices => format!("{share} %: all"),
        (Some(median), false) => format!("{share} %: {median}"),
    }
}

/// Rollouts that are within the limits, and are stopped all the same.
fn false_stops(runs: u32, guards: &[Guard]) {
    println!("Rollouts within the limits that are stopped, of {runs}.\n");
    println!("| rollout | pace | shape | {} |", names(guards).join(" | "));
    println!("| --- | --- | --- |{}", " --- |".repeat(guards.len()));
    for (trouble, paces) in Trouble::healthy() {
        for pace in paces {
            for shape in Shape::ALL {
                let cells: Vec<String> = guards
                    .iter()
                    .copied()
                    .map(|guard| {
                        let scenario = world::scenario(shape, pace, trouble, guard);
                        let plans = guard.plans_for(shape, trouble);
                        Cell::of(&scenario, &plans, runs).stopped.to_string()
                    })
                    .collect();
                println!("| {trouble} | {pace} | {shape} | {} |", cells.join(" | "));
            }
        }
    }
    println!();
}

/// Rollouts that are a little beyond the limits, or break an assumption.
fn beyond_the_limits(runs: u32, guards: &[Guard]) {
    println!("Rollouts beyond the limits, or that break an assumption, stopped of {runs}.\n");
    println!("| rollout | shape | {} |", names(guards).join(" | "));
    println!("| --- | --- |{}", " --- |".repeat(guards.len()));
    for trouble in Trouble::BEYOND {
        for shape in Shape::ALL {
            let cells: Vec<String> = guards
                .iter()
                .copied()
                .map(|guard| {
                    let scenario = world::scenario(shape, Pace::Flat(100, 24_000), trouble, guard);
                    let plans = guard.plans_for(shape, trouble);
                    Cell::of(&scenario, &plans, runs).stopped.to_string()
                })
                .collect();
            println!("| {trouble} | {shape} | {} |", cells.join(" | "));
        }
    }
}

/// Many runs of one rollout.
struct Cell {
    runs: u32,
    devices: u32,
    stopped: u32,
    /// Devices notified when the stop took effect.
    notified: Vec<u32>,
}

impl Cell {
    fn of(scenario: &Scenario, plans: &[Box<dyn GuardPlan>], runs: u32) -> Self {
        let plans: Vec<&dyn GuardPlan> = plans.iter().map(|plan| &**plan).collect();
        let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get) as u32;
        let notified = thread::scope(|scope| {
            let workers: Vec<_> = (0..threads)
                .map(|worker| {
                    let plans = &plans;
                    scope.spawn(move || {
                        let mut simulator = Simulator::new(scenario, plans);
                        let stop = |run| {
                            let outcome = simulator.run(SEED, run, Detail::Summary);
                            outcome.stop().map(|(_, effect)| effect.reached.notified)
                        };
                        (worker..runs)
                            .step_by(threads as usize)
                            .filter_map(stop)
                            .collect::<Vec<u32>>()
                    })
                })
                .collect();
            workers.into_iter().flat_map(|worker| worker.join().unwrap_or_default()).collect()
        });
        let mut cell = Self { runs, devices: scenario.fleet.devices, stopped: 0, notified };
        cell.stopped = cell.notified.len() as u32;
        cell
    }
}

fn median(numbers: &[u32]) -> Option<u32> {
    let mut numbers = numbers.to_vec();
    numbers.sort_unstable();
    numbers.get(numbers.len() / 2).copied()
}
