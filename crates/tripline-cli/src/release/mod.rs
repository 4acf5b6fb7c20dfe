//! `tripline release`: a firmware that goes out in waves, by the stack and without this machine.
//!
//! - [`start`]: works the waves out, uploads what they need, and starts the release; [`waves`]: which
//!   devices each gets, [`frozen`]: as targets of a job; [`fits`]: whether it can be seen through;
//! - [`status`]: how far it is; [`approve`]: lets a wave go on; [`hold`]: slows its rollout down, and goes
//!   on; [`stop`]: ends it;
//! - [`store`]: the stack's tables and its state machine.

mod approve;
mod fits;
mod frozen;
mod hold;
mod start;
mod status;
mod stop;
mod store;
mod waves;

pub use approve::ApprovedData;
pub use hold::HoldData;
pub use start::StartedData;
pub use status::StatusData;
pub use stop::StoppedRelease;

use clap::{Args, Subcommand};
use tripline::release::ReleaseId;

use crate::aws::connect::{connect, connect_to_change};
use crate::aws::region::Region;
use crate::exit::{End, Error};
use crate::terminal::output::Output;
use store::Store;

#[derive(Debug, Subcommand)]
#[command(after_long_help = "\
Examples:
  tripline release start release/dev.ini --dry-run
  tripline release start release/dev.ini
  tripline release status fw-2-1
  tripline release approve fw-2-1 --wave canary
  tripline release hold fw-2-1
  tripline release stop fw-2-1

A release runs in the stack, which needs the parameter `Releases=on`. It does not depend on this
command, and you can follow it from any machine.

Exit codes: see each command.")]
pub enum Command {
    /// Start a release: check its waves, fix their devices, and let the stack roll them out
    Start(Box<start::Start>),
    /// Show the state of a release, wave by wave, and what it waits for
    Status(status::Status),
    /// Approve a wave, or the next one after an undecided wave
    Approve(approve::Approve),
    /// Hold a rollout: slow it down to one device a minute
    Hold(hold::HoldJob),
    /// Go on with a held rollout at its earlier rate
    GoOn(hold::GoOn),
    /// Stop a release: prevent further waves and stop its rollouts
    Stop(stop::StopRelease),
}

/// What every command about a release is given.
#[derive(Debug, Clone, Args)]
pub struct Common {
    /// The release: the `jobId` of its `dev.ini`
    release: ReleaseId,
    #[command(flatten)]
    place: Place,
}

/// Where a release runs, and how it is shown.
#[derive(Debug, Clone, Args)]
pub struct Place {
    /// The stack that it runs in
    #[arg(long, default_value = "tripline")]
    stack: String,
    /// AWS Region [default: the environment's]
    #[arg(long)]
    region: Option<Region>,
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

impl Place {
    async fn store(&self) -> Result<Store, Error> {
        Store::connect(connect(self.region.clone()).await?, &self.stack).await
    }

    /// The same, for a command that changes something: it says where.
    async fn store_to_change(&self) -> Result<Store, Error> {
        Store::connect(connect_to_change(self.region.clone()).await?, &self.stack).await
    }
}

pub async fn run(command: Command) -> Result<End, Error> {
    match command {
        Command::Start(start) => start.run().await,
        Command::Status(status) => status.run().await,
        Command::Approve(approve) => approve.run().await,
        Command::Hold(hold) => hold.run().await,
        Command::GoOn(go_on) => go_on.run().await,
        Command::Stop(stop) => stop.run().await,
    }
}
