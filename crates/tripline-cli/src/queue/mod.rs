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

pub use add::AddedData;
pub use declare::DeclaredData;
pub use list::QueueData;
pub use next::NextData;

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
    /// Add a release to the queue: check its files and store them
    Add(Box<add::Add>),
    /// List the entries of the queue, and show which one is next
    List(list::List),
    /// Deploy the oldest release that may go
    Next(next::Next),
    /// Record how an entry ended, or skip it
    Done(declare::Done),
    /// Retry an entry that failed too often
    Retry(declare::Retry),
    /// Remove an entry that no worker has begun
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
