//! Arguments that the commands have in common.

use clap::Args;

use crate::aws::region::Region;
use crate::terminal::output::Output;

/// What every command takes.
#[derive(Debug, Args)]
pub struct Common {
    /// AWS Region [default: `region` of the config, where one is read, or else the environment's]
    #[arg(long)]
    pub region: Option<Region>,
    #[arg(long, value_enum, default_value = "text")]
    pub output: Output,
}
