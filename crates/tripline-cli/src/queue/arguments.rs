//! Arguments that the commands have in common.

use crate::queue::state::QueueName;
use clap::Args;

use crate::aws::region::Region;
use crate::terminal::output::Output;

/// What every command takes.
#[derive(Debug, Clone, Args)]
pub struct Common {
    /// The queue: rollouts of different queues do not wait for one another
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub queue: QueueName,
    /// The table [default: the one of the stack]
    #[arg(long, visible_alias = "tableName", value_name = "NAME")]
    pub table: Option<String>,
    /// The stack whose table it is, and whose force-stopper guards the rollouts
    #[arg(long, value_name = "NAME", default_value = "tripline")]
    pub stack: String,
    /// AWS Region of the table and the bucket [default: the environment's]; a rollout goes to the
    /// `region` of its `dev.ini`
    #[arg(short, long)]
    pub region: Option<Region>,
    #[arg(long, value_enum, default_value = "text")]
    pub output: Output,
}
