//! `tripline alarms`.

use crate::exit::{Done, Error};

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Check an alarm config; needs no AWS
    Check,
}

pub async fn run(_command: Command) -> Result<Done, Error> {
    Ok(Done::Done)
}
