//! `tripline queue`: rollouts that wait for one another.
//!
//! - [`add`], [`next`], [`list`], [`declare`]: the commands;
//! - [`draft`]: a `dev.ini` from an old one; [`check`]: what is wrong with a release;
//! - [`work`]: deploys a claimed entry, [`lease`]: and keeps it meanwhile;
//! - [`job`]: how a job that nobody waited for has ended;
//! - [`store`]: the table, [`item`]: an entry in it; [`files`]: what is in the bucket;
//! - [`aws`]: the clients, [`clock`]: time and chance, [`ask`]: questions at the terminal.

mod add;
mod arguments;
mod ask;
mod aws;
mod check;
mod clock;
mod declare;
mod draft;
mod files;
mod item;
mod job;
mod lease;
mod list;
mod next;
mod state;
mod store;
mod work;

#[cfg(test)]
mod fake;
#[cfg(test)]
mod tests;

use clap::Subcommand;

use crate::exit::{End, Error};

#[derive(Debug, Subcommand)]
#[command(after_long_help = "\
Examples:
  tripline queue add --bin tracker-2.1.bin --config dev.ini --things trackers.txt --bucket releases
  tripline queue next --detach
  tripline queue list

Exit codes: see each command.")]
pub enum Command {
    /// Put a release into the queue: its files are checked against each other and stored
    Add(Box<add::Add>),
    /// Show what is in the queue, and what is next
    List(list::List),
    /// Deploy the oldest release that may go; for exactly one worker
    Next(next::Next),
    /// Say how an entry ended, when only a person can
    Done(declare::Done),
    /// Let an entry that failed too often be tried again
    Retry(declare::Retry),
    /// Take an entry out of the queue that nobody has begun
    Remove(declare::Remove),
}

pub async fn run(command: Command) -> Result<End, Error> {
    match command {
        Command::Add(add) => add.run().await,
        Command::List(list) => list.run().await,
        Command::Next(next) => next.run().await,
        Command::Done(done) => done.run().await,
        Command::Retry(retry) => retry.run().await,
        Command::Remove(remove) => remove.run().await,
    }
}
