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
mod schemas;
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

Exit codes, unless a command says more: 0: done; 1: a difference or a finding; 2: invalid input;
3: AWS refused or could not be reached; 5: the guard stopped the rollout, or would have; 6: undecided
in the time given."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// In the order of work: a config, trying it, the stack, the rollout, and what comes after it.
#[derive(Debug, Subcommand)]
enum Command {
    /// Check a whole `dev.ini` and show the rollout that it describes
    #[command(subcommand)]
    Config(config::Command),
    /// Derive a baseline and limits from past rollouts
    Calibrate(calibrate::Arguments),
    /// Simulate a guard: whether it stops a bad rollout, when, and how often falsely
    Simulate(Box<simulate::Simulate>),
    /// Check that a stack and a job are guarded; print a fix for each finding
    Doctor(doctor::Doctor),
    /// Test a deployed stack end to end with a job that installs nothing
    Drill(drill::Drill),
    /// Roll out firmware from a `dev.ini`, guarded from the first device on
    Deploy(deploy::Deployment),
    /// Watch rollouts until they end: progress, guard, slow and failing devices
    Watch(watch::Arguments),
    /// Stop a rollout by hand
    Stop(stop::Arguments),
    /// Resume a stopped rollout for the devices that do not have the firmware
    Resume(resume::Arguments),
    /// Return devices that have a bad firmware to an earlier one
    Revert(revert::Arguments),
    /// Roll out firmware in waves: start, status, approve, hold, go-on, stop
    #[command(subcommand)]
    Release(release::Command),
    /// Queue rollouts: add entries, deploy the next one, record how one ended
    #[command(subcommand)]
    Queue(queue::Command),
    /// Arm a job: check its alarm config, create, list and remove its alarms
    #[command(subcommand)]
    Alarms(alarms::Command),
    /// Show what a guard would have done in a recorded rollout
    Replay(replay::Arguments),
    /// Remove what a deployment created
    Cleanup(cleanup::Cleanup),
    /// Run a fleet of simulated devices against AWS IoT Jobs
    Fleet(fleet::Arguments),
    /// Write the JSON Schemas of what the commands put out
    #[command(hide = true)]
    Schemas(schemas::Schemas),
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
        Command::Schemas(schemas) => schemas.run(),
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
