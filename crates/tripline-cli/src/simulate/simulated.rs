//! What came of a simulation, before it is said.

use tripline_simulation::simulation::{
    Advice, Conditions, Fleet, Record, RolloutOutcome, Scenario, Study,
};

use super::fleet::HealthySource;
use super::guard::Guards;

/// What came of a simulation.
pub struct Simulated {
    pub guards: Guards,
    pub scenario: Scenario,
    /// Whether the fleet is a healthy one, of which every stop is a false one.
    pub is_healthy: bool,
    /// The first run of the seed.
    pub outcome: RolloutOutcome,
    /// The same without guards.
    pub unguarded: Record,
    /// A stop came after every device that the rollout reaches had the firmware.
    pub is_too_late: bool,
    /// All runs.
    pub study: Study,
    /// All runs of the healthy fleet, unless that is this one.
    pub healthy: Option<Study>,
    /// What a healthy fleet is like, and who says so.
    pub healthy_fleet: Fleet,
    pub healthy_conditions: Conditions,
    pub healthy_source: HealthySource,
    /// Without a rollout file the fleet is an everyday one, but for the options.
    pub is_everyday: bool,
    pub advice: Vec<Advice>,
    /// The command that gives the same again.
    pub command: String,
}
