//! The command `tripline`: guards firmware rollouts on AWS IoT Jobs.

mod alarms;
mod connect;
mod deploy;
mod doctor;
mod exit;
mod fleet;
mod output;
mod replay;
mod report;
mod simulate;
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
    /// Remove what a deploy has made
    Cleanup(deploy::cleanup::Cleanup),
    /// Roll out firmware from a `dev.ini`, guarded from its first device on
    Deploy(deploy::Deployment),
    /// Prove that a stack is armed, and a job guarded: what is not so, and the command that mends it
    Doctor(doctor::Doctor),
    /// Run a fleet of simulated devices against AWS IoT Jobs
    Fleet(fleet::Arguments),
    /// See what a guard would have done with a recorded rollout
    Replay(replay::Arguments),
    /// See what a guard would do: would it have fired, when, why, and how often falsely
    Simulate(Box<simulate::Simulate>),
}

#[tokio::main]
async fn main() -> std::process::ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Alarms(command) => alarms::run(command).await,
        Command::Cleanup(cleanup) => cleanup.run().await,
        Command::Deploy(deployment) => deployment.run().await,
        Command::Doctor(doctor) => doctor.run().await,
        Command::Fleet(arguments) => fleet::run(arguments).await,
        Command::Replay(replay) => replay.run(),
        Command::Simulate(simulate) => simulate.run(),
    };
    exit::report(outcome)
}
