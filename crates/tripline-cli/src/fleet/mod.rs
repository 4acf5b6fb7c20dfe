//! `tripline fleet`: devices that take the jobs of AWS IoT Jobs and report, without a device.

mod arguments;
mod board;
mod device;
mod names;
mod plan;
mod registry;
mod run;
mod value;

pub use board::BoardData;
pub use registry::{RegisteredData, RemovedDevices};

use clap::{Args, Subcommand};

use crate::aws::connect::connect_to_change;
use crate::aws::region::Region;
use crate::exit::{End, Error};

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
#[command(after_long_help = EXAMPLES, arg_required_else_help = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// AWS Region [default: the environment's]
    #[arg(long, global = true)]
    region: Option<Region>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Create things and a thing group of them as a target; print the ARN of the group
    Register(registry::Register),
    /// Simulate the devices: take the executions of a job, wait, report
    Run(run::Run),
    /// Remove the things and the thing group
    Remove(registry::Remove),
}

pub async fn run(arguments: Arguments) -> Result<End, Error> {
    let config = connect_to_change(arguments.region).await?.config;
    match arguments.command {
        Command::Register(register) => register.run(&config).await,
        Command::Run(run) => run.run(&config).await,
        Command::Remove(remove) => remove.run(&config).await,
    }
}
