//! The command `tripline`: guards firmware rollouts on AWS IoT Jobs.

mod alarms;
mod exit;
mod fleet;
mod stack;

use clap::{Parser, Subcommand};

/// Stops bad firmware rollouts on AWS IoT Jobs.
#[derive(Debug, Parser)]
#[command(name = "tripline", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Arm a rollout: check, apply, list and remove the alarms of a job
    #[command(subcommand)]
    Alarms(alarms::Command),
    /// Run a fleet of simulated devices against AWS IoT Jobs
    Fleet(fleet::Arguments),
}

#[tokio::main]
async fn main() -> std::process::ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Alarms(command) => alarms::run(command).await,
        Command::Fleet(arguments) => fleet::run(arguments).await,
    };
    exit::report(outcome)
}
