//! The simulator against its floors, measured in the same run: `cargo bench -p tripline`.
//!
//! After the single measurements come the ratios that are promised, and a word each whether they
//! hold. A shared or busy machine can break them; the least of several measurements counts.

use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::time::Instant;

use divan::{Bencher, black_box};
use rand::SeedableRng;
use tripline::alarm::AlarmDefinition;
use tripline::rollout::{Rate, RolloutConfig};
use tripline::stop::StopMode;
use tripline::time::Timestamp;
use tripline_config::AlarmConfig;
use tripline_simulation::simulation::{
    AbortPlan, AlarmPlan, Detail, Fleet, GuardPlan, Random, Runs, Scenario, Share, Simulator, Study,
};

const CONFIG: &str = include_str!("../src/simulation/tests/slow-downloads.ini");
/// How often each side of a ratio is measured.
const ROUNDS: u32 = 15;
/// How often the work is done in one measurement: a system may count a thread's time in steps of 4 ms.
const TIMES: u32 = 5;

/// A rollout at AWS IoT Jobs' usual limit, 1,000 devices a minute, under an alarm and abort criteria.
struct Setting {
    scenario: Scenario,
    alarms: Vec<AlarmPlan>,
    abort: AbortPlan,
}

impl Setting {
    fn new(devices: u32) -> Self {
        let rollout =
            tripline_config::parse_rollout("slow-downloads.ini", CONFIG).unwrap_or_default();
        let alarms: Vec<AlarmDefinition> = AlarmConfig::parse("slow-downloads.ini", CONFIG)
            .map(|config| config.alarms)
            .unwrap_or_default();
        let abort = AbortPlan::new(rollout.abort.clone());
        let failing = Share::new(0.02).unwrap_or_default();
        let rollout = RolloutConfig { rate: Rate::Constant(Rate::QUOTA), ..rollout };
        let start = Timestamp::from_seconds(1_767_225_600);
        Self {
            scenario: Scenario::new(Fleet { failing, ..Fleet::healthy(devices) }, rollout, start),
            alarms: alarms
                .into_iter()
                .map(|alarm| AlarmPlan::new(alarm, StopMode::Cancel))
                .collect(),
            abort,
        }
    }

    fn plans(&self) -> Vec<&dyn GuardPlan> {
        let alarms = self.alarms.iter().map(|alarm| alarm as &dyn GuardPlan);
        alarms.chain([&self.abort as &dyn GuardPlan]).collect()
    }

    /// The random numbers of a rollout, and nothing else.
    fn draw(&self) -> u64 {
        let mut random = Random::seed_from_u64(1);
        let fleet = black_box(self.scenario.fleet);
        (0..fleet.devices).fold(0, |sum: u64, _| {
            let fate = fleet.draw(&mut random);
            sum.wrapping_add(fate.start.millis()).wrapping_add(fate.download.into())
        })
    }

    /// One rollout, with all the memory that it needs made again.
    fn simulate(&self) -> u32 {
        let outcome = Simulator::new(&self.scenario, &self.plans()).run(1, 0, Detail::Summary);
        outcome.exposed()
    }

    fn study(&self, runs: u32, threads: NonZeroUsize) -> Study {
        Study::new(&self.scenario, &self.plans(), Runs { seed: 1, runs, threads }, &|_| {})
    }
}

const MILLION: u32 = 1_000_000;
const BOTH: NonZeroUsize = NonZeroUsize::MIN.saturating_add(1);

#[divan::bench(sample_count = 10)]
fn random_numbers_of_1_000_000_devices(bencher: Bencher<'_, '_>) {
    let setting = Setting::new(MILLION);
    bencher.bench_local(|| setting.draw());
}

#[divan::bench(sample_count = 10)]
fn rollout_to_1_000_000_devices(bencher: Bencher<'_, '_>) {
    let setting = Setting::new(MILLION);
    bencher.bench_local(|| setting.simulate());
}

#[divan::bench(sample_count = 3)]
fn a_thousand_rollouts_to_10_000_devices(bencher: Bencher<'_, '_>) {
    let setting = Setting::new(10_000);
    bencher.bench_local(|| setting.study(1_000, BOTH));
}

/// What something takes, once: by the clock, and of the processor where the system reports it.
#[derive(Clone, Copy)]
struct Taken {
    wall: f64,
    processor: f64,
}

fn timed<T>(work: impl Fn() -> T) -> Taken {
    let (begin, before) = (Instant::now(), on_processor());
    (0..TIMES).for_each(|_| drop(black_box(work())));
    let wall = begin.elapsed().as_secs_f64();
    let processor = before.zip(on_processor()).map(|(before, after)| after - before);
    let times = f64::from(TIMES);
    Taken { wall: wall / times, processor: processor.unwrap_or(wall) / times }
}

/// Seconds that this thread has been running, which others on the machine do not add to.
fn on_processor() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok().map(|nanoseconds: f64| nanoseconds / 1e9)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The most memory that this process ever had, in MB, where the system reports it.
fn peak_memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok().map(|kilobytes: f64| kilobytes / 1_000.0)
}

fn verdict(what: &str, value: f64, unit: &str, holds: bool) -> bool {
    println!("{:>4}  {what}: {value:.2} {unit}", if holds { "ok" } else { "MISS" });
    holds
}

fn main() -> ExitCode {
    let mut all = true;
    // Before anything else has used memory.
    if std::env::args().any(|argument| argument == "--bench") {
        all &= one_rollout() & many_rollouts();
        println!();
    }
    divan::main();
    if all { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn one_rollout() -> bool {
    let million = Setting::new(MILLION);
    // In turn, so that what the machine is busy with hits both sides.
    let pairs: Vec<(Taken, Taken)> =
        (0..ROUNDS).map(|_| (timed(|| million.draw()), timed(|| million.simulate()))).collect();
    let floor = median(pairs.iter().map(|(floor, _)| floor.processor).collect());
    let rollout = median(pairs.iter().map(|(_, rollout)| rollout.processor).collect());
    let ratio =
        median(pairs.iter().map(|(floor, rollout)| rollout.processor / floor.processor).collect());
    println!(
        "\nrollout to 1,000,000 devices: {:.1} ms, their random numbers alone {:.1} ms",
        rollout * 1e3,
        floor * 1e3
    );
    let holds = verdict("rollout to its random numbers, at most 3", ratio, "times", ratio <= 3.0);
    let memory = peak_memory()
        .is_none_or(|memory| verdict("memory, at most 200", memory, "MB", memory <= 200.0));
    holds && memory
}

fn many_rollouts() -> bool {
    let many = Setting::new(10_000);
    let pairs: Vec<(Taken, Taken)> = (0..2)
        .map(|_| {
            (timed(|| many.study(1_000, NonZeroUsize::MIN)), timed(|| many.study(1_000, BOTH)))
        })
        .collect();
    let least = |taken: &dyn Fn(&(Taken, Taken)) -> f64| {
        pairs.iter().map(taken).fold(f64::INFINITY, f64::min)
    };
    let (one, two) = (least(&|(one, _)| one.wall), least(&|(_, two)| two.wall));
    println!("1,000 rollouts to 10,000 devices: {one:.2} s on one core, {two:.2} s on two");
    let used = 50.0 * one / two;
    verdict("use of two cores, at least 90", used, "%", used >= 90.0)
}
