//! What a job is to have: by the config that it was armed with, by its tags, or by the stack's default
//! guard.

mod alarm;
mod default_guard;
mod policy;
mod tags;

use tripline::alarm::AlarmDefinition;
use tripline::job::JobId;

pub use alarm::{FailureRate, GuardAlarm, is_published};
pub use default_guard::{DEFAULT_PREFIX, DefaultGuard, InvalidValue, KEYS, variable_of};
pub use policy::{GreengrassDeployments, GuardedJobs, Policy};
pub use tags::{GUARD_TAG, JobTags, TAG_PREFIX, Tagged};

/// The config that a job was armed with, as the stack's table keeps it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum KeptConfig<'a> {
    /// There is none.
    None,
    /// There is one that cannot be read, or that has no alarm.
    Unusable,
    /// These alarms.
    Alarms {
        /// At least one.
        alarms: &'a [AlarmDefinition],
        /// It is meant that none of them stops the rollout.
        tell_only: bool,
    },
}

/// What is known of a job, of which its guard follows.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The config that it was armed with.
    pub kept: KeptConfig<'a>,
    /// What its tags make of the default guard; `None` if they could not be read.
    pub tagged: Option<&'a Tagged>,
    /// It is a deployment of Greengrass.
    pub is_greengrass: bool,
    /// How many devices a minute it comes to at first.
    pub rate: u32,
}

/// The stack's part in it.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// The guard of jobs that bring none.
    pub default_guard: &'a DefaultGuard,
    /// Which jobs get it.
    pub policy: Policy,
    /// The ARN of the topic that stops rollouts.
    pub force_stop_topic: &'a str,
}

/// What the guard of a job is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To stop the rollout.
    Stop,
    /// To alert people, and nothing else: so it is meant.
    Alert,
    /// To alert people until the job's tags can be read.
    AlertUntilTagsAreRead,
    /// Nothing: the job opted out.
    OptedOut,
    /// Nothing: the stack's parameters leave the job alone.
    Outside,
}

/// Why a kept config is not enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConfigFault {
    /// It cannot be read, or has no alarm.
    Unreadable,
    /// None of its alarms can stop the rollout.
    CannotStop,
}

/// What a job is to have.
#[derive(Debug, Clone, PartialEq)]
pub struct Desired {
    /// What for.
    pub purpose: Purpose,
    /// Its alarms.
    pub alarms: Vec<GuardAlarm>,
    /// Why the default guard stands beside the kept config, or in its place.
    pub config_fault: Option<ConfigFault>,
}

impl Desired {
    fn nothing(purpose: Purpose) -> Self {
        Self { purpose, alarms: Vec::new(), config_fault: None }
    }

    /// What a job is to have.
    pub fn new(known: Known<'_>, rules: Rules<'_>) -> Self {
        if known.tagged.is_some_and(|tagged| tagged.opted_out) {
            return Self::nothing(Purpose::OptedOut);
        }
        let default = || known.tagged.map_or(rules.default_guard, |is| &is.guard);
        let default = || default().alarms(known.rate);
        match known.kept {
            KeptConfig::Alarms { alarms, tell_only } => {
                let mut own: Vec<_> = alarms.iter().cloned().map(GuardAlarm::Config).collect();
                let stops = own.iter().any(|alarm| alarm.can_stop(rules.force_stop_topic));
                match (stops, tell_only) {
                    (true, _) => Self { alarms: own, ..Self::nothing(Purpose::Stop) },
                    (false, true) => Self { alarms: own, ..Self::nothing(Purpose::Alert) },
                    (false, false) => {
                        own.extend(default());
                        let config_fault = Some(ConfigFault::CannotStop);
                        Self { purpose: Purpose::Stop, alarms: own, config_fault }
                    }
                }
            }
            KeptConfig::Unusable => Self {
                purpose: Purpose::Stop,
                alarms: default(),
                config_fault: Some(ConfigFault::Unreadable),
            },
            KeptConfig::None => {
                let purpose = rules.policy.purpose(known.tagged, known.is_greengrass);
                let alarms = match purpose {
                    Purpose::Stop => default(),
                    Purpose::Alert | Purpose::AlertUntilTagsAreRead => {
                        default().into_iter().map(GuardAlarm::alert_only).collect()
                    }
                    Purpose::OptedOut | Purpose::Outside => Vec::new(),
                };
                Self { alarms, ..Self::nothing(purpose) }
            }
        }
    }
}

/// Whether a job is called as a deployment of Greengrass is, by a UUID. As long as AWS IoT does not say
/// whose a job is, that has to do.
pub fn is_named_as_deployment(job: &JobId) -> bool {
    let parts: Vec<&str> = job.as_str().split('-').collect();
    let is_hex = |part: &&str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12]) && parts.iter().all(is_hex)
}

#[cfg(test)]
mod tests;
