//! Many runs of one rollout under one guard, and the file in which they are kept.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::thread;

use tripline_simulation::simulation::{Detail, GuardPlan, Scenario, Simulator};

use crate::SEED;

/// Which cell: its table, rollout, pace and shape, and its guard.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key(pub [String; 5]);

/// What came of so many runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    pub runs: u32,
    pub devices: u32,
    pub stopped: u32,
    /// Devices notified when the stop took effect, median of the rollouts that were stopped.
    pub notified: Option<u32>,
    /// The same of all rollouts: without a stop all devices are notified.
    pub of_all: u32,
}

impl Cell {
    /// Runs number 0 to `runs` of the seed.
    pub fn of(scenario: &Scenario, plans: &[Box<dyn GuardPlan>], runs: u32) -> Self {
        let plans: Vec<&dyn GuardPlan> = plans.iter().map(|plan| &**plan).collect();
        let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get) as u32;
        let work = |worker: u32| {
            let mut simulator = Simulator::new(scenario, &plans);
            let stop = |run| {
                let outcome = simulator.run(SEED, run, Detail::Summary);
                outcome.stop().map(|(_, effect)| effect.reached.notified)
            };
            let runs = (worker..runs).step_by(threads as usize);
            runs.filter_map(stop).collect::<Vec<u32>>()
        };
        let notified = thread::scope(|scope| {
            let work = &work;
            let workers: Vec<_> =
                (0..threads).map(|worker| scope.spawn(move || work(worker))).collect();
            workers.into_iter().flat_map(|worker| worker.join().unwrap_or_default()).collect()
        });
        Self::new(runs, scenario.fleet.devices, notified)
    }

    fn new(runs: u32, devices: u32, notified: Vec<u32>) -> Self {
        let stopped = notified.len() as u32;
        let mut all = notified.clone();
        all.resize(runs as usize, devices);
        let of_all = median(all).unwrap_or(devices);
        Self { runs, devices, stopped, notified: median(notified), of_all }
    }

    /// Devices in the median, or how many rollouts were stopped and the median of those.
    pub fn detection(&self) -> String {
        let share = (self.stopped * 100 + self.runs / 2) / self.runs.max(1);
        let Some(notified) = self.notified else { return "-".to_owned() };
        let devices = if notified >= self.devices { "all".to_owned() } else { thousands(notified) };
        if self.stopped == self.runs { devices } else { format!("{share} %: {devices}") }
    }

    /// How many were stopped, of how many.
    pub fn stops(&self) -> String {
        format!("{} of {}", self.stopped, thousands(self.runs))
    }
}

fn median(mut numbers: Vec<u32>) -> Option<u32> {
    numbers.sort_unstable();
    numbers.get(numbers.len() / 2).copied()
}

/// A number as people read it.
pub fn thousands(number: u32) -> String {
    match (number / 1_000, number % 1_000) {
        (0, number) => number.to_string(),
        (thousands, rest) => format!("{thousands},{rest:03}"),
    }
}

/// The cells that were run at one commit, in a file that grows: a run that is cut off goes on where
/// it was.
pub struct Results {
    file: PathBuf,
    cells: BTreeMap<Key, Cell>,
}

impl Results {
    /// Reads what there is.
    pub fn read(file: &Path) -> io::Result<Self> {
        let text = match fs::read_to_string(file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            text => text?,
        };
        // The last line may have been cut off.
        let cells = text.lines().filter_map(parse).collect();
        Ok(Self { file: file.to_owned(), cells })
    }

    /// What came of a cell, if it was run.
    pub fn get(&self, key: &Key) -> Option<&Cell> {
        self.cells.get(key)
    }

    /// How often each cell of a table was run.
    pub fn runs(&self, part: &str) -> impl Iterator<Item = u32> + Clone {
        let of =
            self.cells.iter().filter(move |(key, _)| key.0.first().is_some_and(|of| of == part));
        of.map(|(_, cell)| cell.runs)
    }

    /// Runs a cell, unless it was run as often.
    pub fn run(&mut self, key: Key, runs: u32, cell: impl FnOnce(u32) -> Cell) -> io::Result<()> {
        if runs == 0 || self.get(&key).is_some_and(|cell| cell.runs >= runs) {
            return Ok(());
        }
        let cell = cell(runs);
        let Cell { runs, devices, stopped, notified, of_all } = cell;
        let notified = notified.map_or_else(|| "-".to_owned(), |notified| notified.to_string());
        let line =
            format!("{}\t{runs}\t{devices}\t{stopped}\t{notified}\t{of_all}\n", key.0.join("\t"));
        eprint!("{line}");
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.file)?
            .write_all(line.as_bytes())?;
        self.cells.insert(key, cell);
        Ok(())
    }
}

fn parse(line: &str) -> Option<(Key, Cell)> {
    let words: Vec<&str> = line.split('\t').collect();
    let [part, rollout, pace, shape, guard, runs, devices, stopped, notified, of_all] =
        *words.as_slice()
    else {
        return None;
    };
    let cell = Cell {
        runs: runs.parse().ok()?,
        devices: devices.parse().ok()?,
        stopped: stopped.parse().ok()?,
        notified: if notified == "-" { None } else { Some(notified.parse().ok()?) },
        of_all: of_all.parse().ok()?,
    };
    Some((Key([part, rollout, pace, shape, guard].map(str::to_owned)), cell))
}
