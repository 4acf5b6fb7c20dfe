//! `tripline config`: the whole `dev.ini`.
//!
//! - [`check`]: what is wrong with it, and what it comes to;
//! - [`checked`]: all of it; [`summary`]: what it says, for people, [`json`]: for programs; [`waves`]: what a plan
//!   of waves comes to, for both.

mod check;
mod checked;
mod json;
mod summary;
mod waves;

pub use json::CheckedData;

use crate::exit::{End, Error};

#[derive(Debug, clap::Subcommand)]
#[command(after_long_help = "\
Examples:
  tripline config check release/dev.ini

Exit codes: see each command.")]
pub enum Command {
    /// Check a whole `dev.ini` and the files that it names; needs no AWS
    Check(check::Check),
}

pub async fn run(command: Command) -> Result<End, Error> {
    match command {
        Command::Check(check) => check.run().await,
    }
}
