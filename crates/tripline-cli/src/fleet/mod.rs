//! `tripline fleet`: devices that take the jobs of AWS IoT Jobs and report, without a device.

mod board;
pub mod device;
pub mod job_side;
mod names;
pub mod pace;
mod plan;
pub mod progress;
mod registry;
mod run;
mod value;

use clap::{Args, Subcommand, ValueEnum};

use crate::connect::{Region, connect};
use crate::exit::{End, Error};
use names::Prefix;

const EXAMPLES: &str = "\
Examples:
  # 200 things and a thing group of them, whose ARN is printed:
  target=$(tripline fleet register --devices 200 --prefix demo-)

  # Roll something out to the group ..
  aws iot create-job --job-id fw-1-3-0 --targets $target --document '{}'

  # .. and be the devices: a tenth of them downloads slowly
  tripline fleet run --devices 200 --prefix demo- --job-id fw-1-3-0 --slow 0.1

  tripline fleet remove --prefix demo-

The fleet goes wherever the AWS settings point to: an account, or AWS_ENDPOINT_URL.

Exit codes: see each command.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, arg_required_else_help = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// AWS region [default: the environment's]
    #[arg(long, global = true)]
    region: Option<Region>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Create the things and a thing group of them to target; prints the group's ARN
    Register(registry::Register),
    /// Be the devices: take one job's executions, wait, report
    Run(run::Run),
    /// Remove the things and the thing group again
    Remove(registry::Remove),
}

/// Which things a fleet is made of.
#[derive(Debug, Args)]
struct Devices {
    /// Number of devices
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    devices: u32,
    /// Start of every device's name, such as `demo-` for `demo-000001`
    #[arg(long)]
    prefix: Prefix,
}

/// How hard the account's limits are used.
#[derive(Debug, Args)]
struct Limits {
    /// Most calls a second; AWS allows an account 200 job reports, and as many looks for a job
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rate: u32,
    /// Most calls at a time
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=1000))]
    concurrency: u32,
}

impl Limits {
    fn pace(&self) -> pace::Pace {
        pace::Pace::new(self.rate, self.concurrency)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Text,
    Json,
}

pub async fn run(arguments: Arguments) -> Result<End, Error> {
    let config = connect(arguments.region).await?.config;
    match arguments.command {
        Command::Register(register) => register.run(&config).await,
        Command::Run(run) => run.run(&config).await,
        Command::Remove(remove) => remove.run(&config).await,
    }
}
