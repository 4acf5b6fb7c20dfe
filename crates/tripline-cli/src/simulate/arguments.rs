//! The arguments of `tripline simulate`, and what follows from them.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::thread::available_parallelism;

use clap::ValueEnum;
use tripline::stop::StopMode;
use tripline_simulation::simulation::{MAX_DEVICES, Runs};

use super::conditions::ConditionOptions;
use super::fleet::FleetOptions;
use super::open::OpenParameters;
use crate::input::stop_topic::StopTopic;
use crate::report::When;
use crate::terminal::output::Output;

const EXAMPLES: &str = "\
Examples:
  # Would this config stop a rollout of which a tenth is slow? And a healthy one?
  tripline simulate examples/dev.ini --slow 0.1

  # The same with a named rollout, as a page with pictures
  tripline simulate examples/dev.ini --rollout examples/rollouts/failing.ini --report failing.html

  # What is left if the guard-keeper is dead?
  tripline simulate examples/dev.ini --slow 0.1 --keeper-dead

  # What would the stack's default guard do about a rollout that brings no config?
  tripline simulate --default-guard --rollout examples/rollouts/failing.ini --devices 2000

  # How would a release in waves go, and how often would a person be asked?
  tripline simulate examples/waves/dev.ini --failed 0.09

  # Which guard is the better one?
  tripline simulate --compare examples/guards/*.ini --against examples/rollouts/*.ini

Without a rollout file the fleet is an everyday healthy one, as that of examples/rollouts/healthy.ini:
2 % fail, and downloads take 323.5 s in the median with sigma 1. Options change it.

Exit code 0: the rollout would run to its end; 5: its guard would stop it; 1: it would, but by then
every device that the rollout reaches has the firmware; 2: a fault in a file or an option. One run
decides it, the first of the seed, and of a release in waves most runs. A comparison ends with 0.
The same seed gives the same output, on every machine.";

/// What to simulate.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Simulate {
    /// The config: rollout, abort criteria, timeout, alarms and evidence [default: dev.ini; none with
    /// `--default-guard`]
    pub config: Option<PathBuf>,
    /// Number of devices [default: the config's `deviceCount`]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_DEVICES)))]
    pub devices: Option<u32>,
    /// Seed of all random numbers
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(..=MAX_SEED))]
    pub seed: u64,
    /// Number of runs for probabilities [default: 1000, fewer above 20,000 devices]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub runs: Option<u32>,
    /// What is done when an alarm fires that stops, as the stack's parameter `StopMode` says
    #[arg(long, value_enum, default_value = "cancel")]
    pub stop_mode: Mode,
    #[command(flatten)]
    pub stop_topic: StopTopic,
    /// Simulate the stack's default guard, in place of a config or beside the one that is named before;
    /// with parameters of the stack, such as FailureRateUpperLimit=10
    #[arg(long, value_name = "KEY=VALUE", num_args = 0..)]
    pub default_guard: Option<Vec<String>>,
    /// Simulate a dead guard-keeper, which publishes neither evidence nor a failure rate
    #[arg(long)]
    pub keeper_dead: bool,
    /// Write a self-contained HTML report with charts
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,
    /// When to draw a chart
    #[arg(long, value_enum, default_value = "auto")]
    pub chart: When,
    #[arg(long, value_enum, default_value = "text")]
    pub output: Output,

    /// A rollout file, which describes the devices; options have precedence
    #[arg(long, value_name = "FILE", help_heading = "Fleet")]
    pub rollout: Option<PathBuf>,
    /// A rollout file that says what a healthy fleet is like [default: the rollout file, if it says
    /// `healthy = True`, or else that of examples/rollouts/healthy.ini; it begins as the given fleet
    /// does]
    #[arg(long, value_name = "FILE", help_heading = "Fleet")]
    pub healthy: Option<PathBuf>,
    #[command(flatten)]
    pub fleet: FleetOptions,
    #[command(flatten)]
    pub conditions: ConditionOptions,

    /// Compare these configs ..
    #[arg(
        long, value_name = "CONFIG", num_args = 1.., requires = "against", help_heading = "Comparison",
        conflicts_with_all = ["config", "default_guard", "rollout", "healthy", "chart", "FleetOptions", "ConditionOptions"],
    )]
    pub compare: Vec<PathBuf>,
    /// .. by these rollout files
    #[arg(long, value_name = "FILE", num_args = 1.., requires = "compare", conflicts_with = "config", help_heading = "Comparison")]
    pub against: Vec<PathBuf>,

    #[command(flatten)]
    pub open: OpenParameters,
}

/// The largest seed, which every reader of JSON keeps exactly.
const MAX_SEED: u64 = (1 << 53) - 1;
/// Most runs by default.
const RUNS: u32 = 1_000;
/// Devices of all runs together, by default: a few seconds on a small machine.
const DEVICES_OF_ALL_RUNS: u32 = 20_000_000;
/// Fewest runs by default, with which an interval is still of use.
const FEWEST_RUNS: u32 = 50;

impl Simulate {
    /// What the devices are like, and what befalls them.
    pub fn fleet(&self) -> FleetOptions {
        self.fleet.clone().with(self.conditions.clone())
    }

    /// How many runs of so many devices.
    pub fn runs(&self, devices: u32) -> Runs {
        let usual = (DEVICES_OF_ALL_RUNS / devices.max(1)).clamp(FEWEST_RUNS, RUNS);
        Runs {
            seed: self.seed,
            runs: self.runs.unwrap_or(usual),
            threads: available_parallelism().unwrap_or(NonZeroUsize::MIN),
        }
    }

    /// The command that gives the same again.
    pub fn command(&self) -> String {
        let mut words = vec!["tripline".to_owned()];
        words.extend(std::env::args().skip(1).map(quoted));
        if !words.iter().any(|word| word == "--seed" || word.starts_with("--seed=")) {
            words.push(format!("--seed {}", self.seed));
        }
        words.join(" ")
    }
}

/// A word as a shell reads it.
fn quoted(word: String) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./=:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// What is done when an alarm fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// Executions in progress go on
    Cancel,
    /// Executions in progress are canceled too
    Abort,
    /// An alarm alerts people, and the rollout goes on
    Observe,
}

impl From<Mode> for StopMode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Cancel => Self::Cancel,
            Mode::Abort => Self::Abort,
            Mode::Observe => Self::Observe,
        }
    }
}
