//! Rollouts without AWS: would the guard have fired, when, why, and how many devices had the
//! firmware by then.
//!
//! A [`Scenario`] is a [`Fleet`] and how a job is rolled out to it. [`GuardPlan`]s say who watches:
//! [`AlarmPlan`] for each of the job's CloudWatch alarms, [`AbortPlan`] for the abort criteria of
//! AWS IoT Jobs, [`EvidencePlan`] for evidence. [`Conditions`] befall a rollout as a whole. A
//! [`Simulator`] runs a rollout and answers with a [`RolloutOutcome`]; a [`Study`] is many runs; a
//! [`ReleaseStudy`] is many releases in waves, with a [`GatePlan`] behind each; [`advice`] says what is to be known of the rules, from a rollout that nobody guards.
//!
//! Everything follows from the seed and the number of the run, on every machine and whatever the
//! number of threads.

mod advice;
mod calendar;
mod conditions;
mod devices;
mod evidence;
mod fleet;
mod gate;
mod guard;
mod guards;
mod notices;
mod outcome;
mod random;
mod release;
mod run;
mod statistics;
mod store;
mod study;
mod time;
mod trial;
mod unsuccessful_rate;
mod watch;

use tripline::rollout::{self, RolloutConfig};
use tripline::time::Timestamp;

pub use advice::{Advice, advice};
pub use conditions::{Conditions, Drift, Offline, Outage};
pub use evidence::{EvidencePlan, EvidenceTrace};
pub use fleet::{Fate, Fleet, InvalidFleet, Kind, Lognormal, MAX_DEVICES, Share};
pub use gate::{Decision, GatePlan};
pub use guard::{Guard, GuardPlan, Live, Reaction, Reading, Schedule, Trace, Verdict};
pub use guards::{AbortPlan, AlarmPlan};
pub use outcome::{Effect, Firing, Reached, Record, RolloutOutcome};
pub use random::Random;
pub use release::{
    ReleaseEnd, ReleaseOutcome, ReleasePlan, ReleaseStudy, SimulatedWave, WaveShare,
};
pub use run::Simulator;
pub use statistics::{Proportion, Quantile, Spread};
pub use study::{GuardShare, Runs, Study};
pub use time::Elapsed;
pub use trial::Trial;

/// A rollout to be simulated.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// To whom.
    pub fleet: Fleet,
    /// What befalls the rollout as a whole.
    pub conditions: Conditions,
    /// How.
    pub rollout: RolloutConfig,
    /// How what AWS leaves open is read.
    pub parameters: rollout::Parameters,
    /// When the job is created. Minutes are counted from the beginning of its minute.
    pub start: Timestamp,
    /// From the end of an execution until CloudWatch shows its values: an event, a function, a
    /// request. Assumed, not measured on AWS.
    pub publishing_delay: Elapsed,
    /// When the simulation ends at the latest; `None`: when the job has ended, or nothing happens
    /// any more.
    pub horizon: Option<Elapsed>,
}

impl Scenario {
    /// From the end of an execution until CloudWatch shows its values, unless another is given: 5 s,
    /// which is what AWS advises for flushing metrics and less than alarms wait for.
    pub const PUBLISHING_DELAY: Elapsed = Elapsed::from_seconds(5);

    /// A rollout with the defaults of everything that AWS leaves open.
    pub fn new(fleet: Fleet, rollout: RolloutConfig, start: Timestamp) -> Self {
        Self {
            fleet,
            conditions: Conditions::default(),
            rollout,
            parameters: rollout::Parameters::default(),
            start,
            publishing_delay: Self::PUBLISHING_DELAY,
            horizon: None,
        }
    }

    fn devices(&self) -> u32 {
        self.fleet.devices.min(MAX_DEVICES)
    }
}

/// How much of a rollout is worked out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Up to the stop: enough for probabilities.
    Summary,
    /// To the end, with a [`Record`]: for pictures.
    Full,
}

#[cfg(test)]
mod tests;
