//! `tripline fleet`.

use crate::exit::{Done, Error};

#[derive(Debug, clap::Args)]
pub struct Arguments {}

pub async fn run(_arguments: Arguments) -> Result<Done, Error> {
    Ok(Done::Done)
}
