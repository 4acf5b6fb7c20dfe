//! A release that goes out in waves: what it was started with, how far it has come, and a hold.
//!
//! Nothing here asks AWS for anything. The state is in the stack's queue table, a hold in the guards table.

pub mod hold;
pub mod item;
mod name;
mod plan;
mod state;

/// The tag of a wave's job, and of a thing group made for a wave, with the release; a job's has the attempt too, as
/// [`State::execution`] writes it.
pub const RELEASE_TAG: &str = "tripline:release";
/// The tag of a job with the one that devices are taken back to.
pub const FALLBACK_TAG: &str = "tripline:fallback";

pub use name::{InvalidName, JOB_PREFIX, ReleaseId, WaveName};
pub use plan::{MAX_PLAN, MAX_WAVES, Plan, PlannedWave};
pub use state::{Approval, Ended, Phase, State, WaveState};
