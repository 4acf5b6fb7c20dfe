//! `tripline queue`: rollouts that wait for one another.
//!
//! - [`add`], [`next`], [`list`], [`declare`]: the commands;
//! - [`draft`]: a `dev.ini` from an old one; [`check`]: what is wrong with a release;
//! - [`work`]: deploys a claimed entry, [`lease`]: and keeps it meanwhile;
//! - [`look`]: how a job that nobody waited for has ended;
//! - [`store`]: the table, [`item`]: an entry in it; [`files`]: what is in the bucket;
//! - [`aws`]: the clients, [`clock`]: time and chance, [`ask`]: questions at the terminal.

mod add;
mod ask;
mod aws;
mod check;
mod clock;
mod declare;
mod draft;
mod files;
mod item;
mod lease;
mod list;
mod look;
mod next;
mod state;
mod store;
mod work;

#[cfg(test)]
mod fake;
#[cfg(test)]
mod tests;

use crate::queue::state::QueueName;
use clap::{Args, Subcommand};

use crate::connect::Region;
use crate::exit::{End, Error};
use crate::output::Output;

#[derive(Debug, Subcommand)]
#[command(after_help = "\
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

/// What every command takes.
#[derive(Debug, Clone, Args)]
struct Common {
    /// The queue: rollouts of different queues do not wait for one another
    #[arg(long, value_name = "NAME", default_value = "default")]
    queue: QueueName,
    /// The table [default: the one of the stack]
    #[arg(long, visible_alias = "tableName", value_name = "NAME")]
    table: Option<String>,
    /// The stack whose table it is, and whose force-stopper guards the rollouts
    #[arg(long, value_name = "NAME", default_value = "tripline")]
    stack: String,
    /// AWS region of the table and the bucket [default: the environment's]; a rollout goes to the
    /// `region` of its `dev.ini`
    #[arg(short, long)]
    region: Option<Region>,
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
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
