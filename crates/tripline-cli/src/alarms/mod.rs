//! `tripline alarms`: the alarms that guard a job.
//!
//! - [`source`]: reads the config file; [`region`]: where it goes;
//! - [`check`], [`apply`], [`list`], [`remove`]: a command each;
//! - [`put`]: an alarm as CloudWatch is asked for it, shared with the guard-keeper; [`plan`]: what is
//!   to be changed;
//! - [`arm`]: changes it, and proves it;
//! - [`stop_topic`]: which topic stops, where AWS is not asked;
//! - [`stopping`]: who hears it, and what that does; [`verdict`]: whether the job is guarded;
//! - [`aws`], [`topics`], [`keeping`]: what is asked of AWS, [`owner`]: whose alarm one is;
//! - [`watch`], [`table`]: what people read.

pub mod apply;
pub mod arm;
pub mod aws;
pub mod check;
pub mod keeping;
pub mod list;
pub mod notes;
pub mod plan;
pub mod region;
pub mod remove;
pub mod source;
pub mod stop_topic;
pub mod stopping;
pub mod table;
pub mod topics;
pub mod verdict;

#[cfg(test)]
pub mod fake;
#[cfg(test)]
mod tests;

pub use tripline_guard::{owner, put, watch};

use clap::{Args, Subcommand};

use crate::connect::Region;
use crate::exit::{End, Error};
use crate::output::Output;

#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  tripline alarms check release/dev.ini
  tripline alarms apply release/dev.ini
  tripline alarms list
  tripline alarms remove --job-id fw-1-3-0

Exit codes: see each command.")]
pub enum Command {
    /// Check an alarm config; needs no AWS
    Check(check::Check),
    /// Arm a job: create, update and tidy its alarms; may be repeated
    Apply(apply::Apply),
    /// Show the alarms of a job, or all of Tripline's
    List(list::List),
    /// Disarm a job: remove its alarms
    Remove(remove::Remove),
}

/// What every command takes.
#[derive(Debug, Args)]
struct Common {
    /// AWS region [default: `region` of the config, where one is read, or else the environment's]
    #[arg(long)]
    region: Option<Region>,
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

pub async fn run(command: Command) -> Result<End, Error> {
    match command {
        Command::Check(check) => check.run(),
        Command::Apply(apply) => apply.run().await,
        Command::List(list) => list.run().await,
        Command::Remove(remove) => remove.run().await,
    }
}
