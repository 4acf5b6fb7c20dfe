//! `tripline alarms`: the alarms that guard a job.
//!
//! - [`check`], [`apply`], [`list`], [`remove`]: a command each; [`arguments`]: what they have in common.
//!
//! How a job is armed is in [`aws::arming`](crate::aws::arming).

mod apply;
mod arguments;
mod check;
pub mod list;
pub mod remove;

#[cfg(test)]
pub mod fake;
#[cfg(test)]
mod tests;

pub use check::CheckedData;
pub use list::ListData;

use clap::Subcommand;

use crate::exit::{End, Error};

#[derive(Debug, Subcommand)]
#[command(after_long_help = "\
Examples:
  tripline alarms check release/dev.ini
  tripline alarms apply release/dev.ini
  tripline alarms list
  tripline alarms remove --job-id fw-1-3-0

Exit codes: see each command.")]
pub enum Command {
    /// Check an alarm config; needs no AWS
    Check(check::Check),
    /// Arm a job: create, update and remove its alarms to match a config
    Apply(apply::Apply),
    /// List the alarms of a job, or all alarms of Tripline
    List(list::List),
    /// Disarm a job: remove its alarms
    Remove(remove::Remove),
}

pub async fn run(command: Command) -> Result<End, Error> {
    match command {
        Command::Check(check) => check.run(),
        Command::Apply(apply) => apply.run().await,
        Command::List(list) => list.run().await,
        Command::Remove(remove) => remove.run().await,
    }
}
