//! A release that goes out in waves: what it was started with, how far it has come, and a hold.
//!
//! Nothing here asks AWS for anything. The state is in the stack's queue table, a hold in the guards table.

pub mod hold;
mod name;
mod plan;
mod state;

pub use name::{InvalidName, JOB_PREFIX, ReleaseId, WaveName};
pub use plan::{MAX_PLAN, MAX_WAVES, Plan, PlannedWave};
pub use state::{Approval, Ended, Phase, State, WaveState};
