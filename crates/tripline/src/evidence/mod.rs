//! Evidence: how unlikely what a rollout shows is, under the limits that its operator declared.
//!
//! One number a minute and job. 2 says that at most 1 in 100 rollouts within their limits ever get
//! there, 3 that at most 1 in 1,000 do: over the whole rollout, however often one looks, and however
//! the devices are distributed within the limits. It needs nothing from the devices: AWS IoT Jobs
//! knows how many began and ended, and since when each execution is in progress.
//!
//! The way of one tick, a minute of one job, through these files:
//!
//! - [`Limits`]: what was declared, checked once; [`Stairs`] and [`Curve`] read it by age;
//! - [`Tick`]: what AWS IoT says at a full minute;
//! - [`State::tick`]: the order of everything; `cohorts` dates the devices that began, `clock` stands
//!   still in an outage, `rungs` follows devices past an age, `checks` compares all endings and
//!   failures with what the limits allow;
//! - [`Verdict`]: the evidence, which limit spoke, whether to stop; `sentence` puts it in words;
//! - [`Standing`]: how the rollout stands, in one word;
//! - [`Clearance`]: the reverse, for the next wave: whether twice the limits can be ruled out;
//!   [`Limits::clears_at`]: how many devices that takes;
//! - `encode`: the state between two ticks, at most [`State::MAX_BYTES`] long;
//! - [`Record`]: what is kept beside it for whoever asks.
//!
//! Why it holds: each part is a test supermartingale or a sum of e-values with an expectation of at
//! most its weight, so that by Ville's inequality it passes 1/alpha in at most alpha times its weight
//! of all healthy rollouts; the weights sum to 1 (arXiv 2210.01948, 1912.06116, 2409.19888). The parts
//! are compared, never averaged: they live in different filtrations (arXiv 2402.09698). Relatives:
//! the anytime-valid logrank test (arXiv 2011.06931), and sequential tests of rollouts against a
//! control group (arXiv 2205.14762, 2011.03567, 1905.10493). Whatever is late, missing or inexact is
//! read in the direction that lowers the evidence.

mod bernoulli;
mod checks;
mod clears;
mod clock;
mod cohorts;
mod conclude;
mod encode;
mod gate;
mod limits;
mod record;
mod rungs;
mod sentence;
mod smallest;
mod stairs;
mod standing;
mod state;
mod tick;
mod verdict;

pub use encode::InvalidState;
pub use gate::Clearance;
pub use limits::{InvalidLimits, Limits, Parameters, Slack, Source};
pub use record::{CoverageFacts, Record};
pub use sentence::{Above, Brief, InWords, Reason};
pub use smallest::{Needs, TooSmall};
pub use stairs::{Curve, Stairs};
pub use standing::Standing;
pub use state::{Parts, State};
pub use tick::{Ages, Tick};
pub use verdict::{LimitName, Spoke, Verdict};

#[cfg(test)]
mod tests;
