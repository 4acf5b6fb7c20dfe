//! Rollouts within the tolerance of a baseline that was itself made of a few rollouts.

use std::io;
use std::num::NonZeroUsize;
use std::thread;

use rand::{RngExt, SeedableRng};
use tripline::baseline::{Baseline, Execution, PastRollout, SlowerBy, Tolerance, calibrate};
use tripline::evidence::{Limits, Parameters};
use tripline::stop::StopMode;
use tripline_simulation::simulation::{
    Detail, EvidencePlan, Fleet, GuardPlan, Kind, Lognormal, Random, Share, Simulator,
};

use crate::cell::{Cell, Key, Results, thousands};
use crate::world::{FAILED, Guard, Pace, SILENT, Shape, Situation, scenario};

/// Rollouts under each baseline.
const LIVE: u32 = 10;
/// Devices of a live rollout.
const DEVICES: u32 = 5_000;

/// Past rollouts and devices of each, and by how many percent a healthy one may be slower.
const BASELINES: [(u32, u32, u32); 3] = [(1, 5_000, 20), (1, 5_000, 50), (3, 1_000, 20)];

/// Past and live rollouts drift alike: up to a fifth slower or faster.
pub fn run(results: &mut Results, seed: u64, runs: u32) -> io::Result<()> {
    for (rollouts, devices, percent) in BASELINES {
        let Some(slower_by) = SlowerBy::new(percent).ok() else { continue };
        for shape in Shape::ALL {
            results.run(key(rollouts, devices, percent, shape), runs, |runs| {
                let stopped = stopped(seed, runs, shape, (rollouts, devices), slower_by);
                Cell { runs, devices: DEVICES, stopped, notified: None, of_all: DEVICES }
            })?;
        }
    }
    Ok(())
}

fn key(rollouts: u32, devices: u32, percent: u32, shape: Shape) -> Key {
    let plural = if rollouts == 1 { "" } else { "s" };
    let baseline = format!("{rollouts} rollout{plural} of {} devices", thousands(devices));
    Key::of_baseline(&baseline, &format!("{percent} %"), &shape.to_string())
}

/// The table of what was run.
pub fn table(results: &Results) -> String {
    let mut text = format!(
        "\n## Under baselines of past rollouts\n\nDrifting rollouts of {} devices at 100 a minute that are stopped by evidence with a list, {LIVE} under each baseline of past ones that drifted\nalike.\n\n| baseline | slack | A | B |\n| --- | --- | --- | --- |\n",
        thousands(DEVICES)
    );
    for (rollouts, devices, percent) in BASELINES {
        let keys = Shape::ALL.map(|shape| key(rollouts, devices, percent, shape));
        let cells =
            keys.each_ref().map(|key| results.get(key).map_or_else(|| "-".to_owned(), Cell::stops));
        let [[_, baseline, slack, ..], _] = keys.map(|key| key.0);
        text.push_str(&format!("| {baseline} | {slack} | {} |\n", cells.join(" | ")));
    }
    text
}

fn stopped(seed: u64, runs: u32, shape: Shape, past: (u32, u32), slower_by: SlowerBy) -> u32 {
    let pace = Pace::Flat(100, DEVICES);
    let live = scenario(shape, pace, Situation::Drift, Guard::List);
    let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get) as u32;
    let of = |number: u32| -> u32 {
        let Some(baseline) = baseline(seed, number, &live.fleet, past) else { return 0 };
        let tolerance = Tolerance { slower_by, silent: SILENT };
        let parameters = Parameters {
            failed: FAILED,
            false_stops: 0.01,
            list: true,
            ..baseline.parameters(tolerance, None)
        };
        let Ok(limits) = Limits::new(parameters) else { return 0 };
        let plan = EvidencePlan::new(limits, StopMode::Cancel);
        let plans: [&dyn GuardPlan; 1] = [&plan];
        let mut simulator = Simulator::new(&live, &plans);
        let runs = (0..LIVE).map(|run| number * LIVE + run);
        runs.filter(|run| simulator.run(seed, *run, Detail::Summary).stop().is_some()).count()
            as u32
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|worker| {
                scope.spawn(move || {
                    (worker..runs.div_ceil(LIVE)).step_by(threads as usize).map(of).sum::<u32>()
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap_or_default()).sum()
    })
}

/// A baseline of so many rollouts to so many devices, each with a drift of its own.
fn baseline(seed: u64, number: u32, fleet: &Fleet, past: (u32, u32)) -> Option<Baseline> {
    // Numbers of its own, far from those of the live rollouts.
    let mut random = Random::seed_from_u64(seed ^ (u64::from(number) << 32));
    let rollouts = (0..past.0).map(|_| {
        let mut range = |low: f64, high: f64| low + (high - low) * random.random::<f64>();
        let (factor, failing, silent) = (range(0.8, 1.2), range(0.01, 0.03), range(0.0, 0.005));
        let time = fleet.download;
        let fleet = Fleet {
            download: Lognormal::new(time.median() * factor, time.sigma()).unwrap_or(time),
            failing: Share::new(failing).unwrap_or_default(),
            silent: Share::new(silent).unwrap_or_default(),
            ..*fleet
        };
        let executions = (0..past.1).map(|_| {
            let fate = fleet.draw(&mut random);
            Execution {
                lasted: (fate.kind != Kind::Silent).then_some(fate.download.div_ceil(10)),
                failed: fate.kind == Kind::Fails,
                is_retry: false,
            }
        });
        PastRollout { was_stopped: false, executions: executions.collect() }
    });
    let rollouts: Vec<PastRollout> = rollouts.collect();
    calibrate("past", rollouts).ok().map(|calibration| calibration.baseline)
}
