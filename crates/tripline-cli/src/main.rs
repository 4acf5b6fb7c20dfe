//! The command `tripline`: guards firmware rollouts on AWS IoT Jobs.

mod alarms;
mod aws;
mod calibrate;
mod cleanup;
mod config;
mod deploy;
mod doctor;
mod drill;
mod exit;
mod fleet;
mod input;
mod pages;
mod queue;
mod recording;
mod release;
mod replay;
mod report;
mod resume;
mod revert;
mod simulate;
mod stop;
mod successor;
mod terminal;
mod watch;

use clap::{CommandFactory, Parser, Subcommand};

/// Stops bad firmware rollouts on AWS IoT Jobs.
#[derive(Debug, Parser)]
#[command(
    name = "tripline",
    version,
    arg_required_else_help = true,
    after_long_help = "\
Examples:
  tripline config check release/dev.ini
  tripline deploy release/dev.ini

Exit codes, as far as a command does not say more: 0: done; 1: a difference or a finding; 2: the
user's input; 3: AWS refused or could not be reached; 5: the rollout was stopped by its guard, or
would have been; 6: undecided in the time given."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// In the order of work: a config, trying it, the stack, the rollout, and what comes after it.
#[derive(Debug, Subcommand)]
enum Command {
    /// Check a whole `dev.ini`, and see what it comes to
    #[command(subcommand)]
    Config(config::Command),
    /// Make a baseline of past rollouts, and see the limits that it gives the next one
    Calibrate(calibrate::Arguments),
    /// See what a guard would do: would it have fired, when, why, and how often falsely
    Simulate(Box<simulate::Simulate>),
    /// Prove that a stack is armed, and a job guarded: what is not so, and the command that mends it
    Doctor(doctor::Doctor),
    /// Try a deployed stack end to end on a job that does nothing
    Drill(drill::Drill),
    /// Roll out firmware from a `dev.ini`, guarded from its first device on
    Deploy(deploy::Deployment),
    /// Watch rollouts until they end: progress, guard, who is slow or failing
    Watch(watch::Arguments),
    /// Stop a rollout by hand
    Stop(stop::Arguments),
    /// Go on with a rollout that was stopped, for the devices that have not got it
    Resume(resume::Arguments),
    /// Take devices that have a bad firmware back to an earlier one
    Revert(revert::Arguments),
    /// Take a firmware out in waves: start, status, approve, hold, go-on, stop
    #[command(subcommand)]
    Release(release::Command),
    /// Let rollouts wait for one another: add, deploy the next, and say how one ended
    #[command(subcommand)]
    Queue(queue::Command),
    /// Arm a rollout: check, apply, list and remove the alarms of a job
    #[command(subcommand)]
    Alarms(alarms::Command),
    /// See what a guard would have done with a recorded rollout
    Replay(replay::Arguments),
    /// Remove what a deploy has made
    Cleanup(cleanup::Cleanup),
    /// Run a fleet of simulated devices against AWS IoT Jobs
    Fleet(fleet::Arguments),
    /// Write man pages and completions
    #[command(hide = true)]
    Pages(pages::Pages),
}

#[tokio::main]
async fn main() -> std::process::ExitCode {
    let json = exit::asks_for_json(std::env::args_os());
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return exit::usage(&error, json),
    };
    let outcome = match arguments.command {
        Command::Alarms(command) => alarms::run(command).await,
        Command::Calibrate(arguments) => arguments.run().await,
        Command::Cleanup(cleanup) => cleanup.run().await,
        Command::Config(command) => config::run(command).await,
        Command::Deploy(deployment) => deployment.run().await,
        Command::Drill(drill) => drill.run().await,
        Command::Doctor(doctor) => doctor.run().await,
        Command::Fleet(arguments) => fleet::run(arguments).await,
        Command::Queue(command) => queue::run(command).await,
        Command::Pages(pages) => pages.run(Arguments::command()),
        Command::Release(command) => release::run(command).await,
        Command::Replay(replay) => replay.run(),
        Command::Resume(arguments) => resume::run(arguments).await,
        Command::Revert(arguments) => revert::run(arguments).await,
        Command::Simulate(simulate) => simulate.run(),
        Command::Stop(arguments) => stop::run(arguments).await,
        Command::Watch(arguments) => watch::run(arguments).await,
    };
    exit::report(outcome, json).await
}
