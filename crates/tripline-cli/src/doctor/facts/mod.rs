//! What was asked of AWS, before it is judged: plain data, that says of nothing whether it is right.

mod asked;
mod delivery;
mod functions;
mod job;
mod roles;
mod stack;
mod topics;

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::types::MetricAlarm;

pub use asked::{Asked, Gap, Need};
pub use delivery::{Action, Ingest, Mapping, Queue, Rule};
pub use functions::{Function, Runs};
pub use job::JobFacts;
pub use roles::{Key, Role};
pub use stack::{Health, Resource, StackFacts};
pub use topics::{Sms, Subscription, Topic, Topics};

/// Everything that was asked.
#[derive(Debug)]
pub struct Facts {
    pub region: String,
    pub stack: StackFacts,
    /// Seconds by which the local clock is ahead of AWS's, if AWS said what time it is.
    pub clock_ahead: Option<i64>,
    pub resources: Asked<Vec<Resource>>,
    pub own_alarms: Asked<Vec<MetricAlarm>>,
    /// Whether job events are on.
    pub events: Asked<bool>,
    pub rule: Asked<Option<Rule>>,
    pub rule_role: Asked<Option<Role>>,
    pub generator: Function,
    pub generator_role: Asked<Option<Role>>,
    pub stopper: Function,
    pub stopper_role: Asked<Option<Role>>,
    pub keeper: Function,
    pub keeper_role: Asked<Option<Role>>,
    pub ingest: Asked<Ingest>,
    pub undelivered: Asked<Option<Queue>>,
    pub topics: Topics,
    /// The attributes of the force-stopper's subscription, if it has one.
    pub stop_subscription: Asked<Option<BTreeMap<String, String>>>,
    pub sms: Sms,
    pub key: Asked<Key>,
    pub health: Asked<Health>,
    pub job: Option<JobFacts>,
}

impl Facts {
    /// Facts of which nothing has been asked yet.
    pub fn not_asked(region: &str, stack: StackFacts, clock_ahead: Option<i64>) -> Self {
        Self {
            region: region.to_owned(),
            stack,
            clock_ahead,
            resources: Err(Gap::NotAsked),
            own_alarms: Err(Gap::NotAsked),
            events: Err(Gap::NotAsked),
            rule: Err(Gap::NotAsked),
            rule_role: Err(Gap::NotAsked),
            generator: Function::not_asked(),
            generator_role: Err(Gap::NotAsked),
            stopper: Function::not_asked(),
            stopper_role: Err(Gap::NotAsked),
            keeper: Function::not_asked(),
            keeper_role: Err(Gap::NotAsked),
            ingest: Err(Gap::NotAsked),
            undelivered: Err(Gap::NotAsked),
            topics: Topics {
                email: Err(Gap::NotAsked),
                sms: Err(Gap::NotAsked),
                stop: Err(Gap::NotAsked),
                filters: Err(Gap::NotAsked),
            },
            stop_subscription: Err(Gap::NotAsked),
            sms: Sms { in_sandbox: Err(Gap::NotAsked), monthly_limit: Err(Gap::NotAsked) },
            key: Err(Gap::NotAsked),
            health: Err(Gap::NotAsked),
            job: None,
        }
    }

    /// The job.
    pub fn job(&self) -> Result<&JobFacts, Gap> {
        self.job.as_ref().ok_or(Gap::NoJob)
    }
}
