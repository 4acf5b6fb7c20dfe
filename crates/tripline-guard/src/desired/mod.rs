//! What a job is to have: by the config that it was armed with, by its tags, or by the stack's default
//! guard.

mod alarm;
mod default_guard;
mod evidence;
mod parameter;
mod policy;
mod shape;
mod small;
mod tags;

use tripline::alarm::AlarmDefinition;
use tripline::job::JobId;
use tripline_config::EvidenceConfig;

pub use alarm::{FailureRate, GuardAlarm, is_published};
pub use default_guard::{DEFAULT_PREFIX, DefaultGuard, InvalidValue, KEYS, Reach, variable_of};
pub use evidence::{evidence_alarm, watches_evidence, watches_evidence_s_absence};
pub use parameter::parameter_of;
pub use policy::{GreengrassDeployments, GuardedJobs, Policy};
pub use shape::{Devices, Shape};
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
        /// At least one, unless there is evidence.
        alarms: &'a [AlarmDefinition],
        /// The limits of a healthy rollout.
        evidence: Option<&'a EvidenceConfig>,
        /// It is meant that none of them stops the rollout.
        alert_only: bool,
        /// The default guard fills what they do not see.
        fills: bool,
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
    /// How many devices a minute it reaches at first.
    pub rate: u32,
    /// Evidence of it was published, so that its absence says something.
    pub has_evidence: bool,
    /// What it was created with; `None` if that is not known.
    pub shape: Option<&'a Shape>,
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
    /// The limits by which evidence of it is computed.
    pub evidence: Option<EvidenceConfig>,
    /// The default guard, of which it is to have what its own alarms do not see.
    pub fill: Option<Box<Self>>,
}

impl Desired {
    fn nothing(purpose: Purpose) -> Self {
        Self { purpose, alarms: Vec::new(), config_fault: None, evidence: None, fill: None }
    }

    /// What a job is to have, before it is filled: see [`coverage::desired`](crate::coverage::desired).
    pub(crate) fn new(known: Known<'_>, rules: Rules<'_>) -> Self {
        if known.tagged.is_some_and(|tagged| tagged.opted_out) {
            return Self::nothing(Purpose::OptedOut);
        }
        let default = known.tagged.map_or(rules.default_guard, |is| &is.guard);
        let devices = known.shape.and_then(|shape| shape.devices.exactly());
        let reach = Reach { rate: known.rate, devices };
        let by_default = |purpose| Self {
            alarms: default.all_alarms(reach, known.has_evidence),
            evidence: Some(default.evidence()),
            ..Self::nothing(purpose)
        };
        match known.kept {
            KeptConfig::Alarms { alarms, evidence, alert_only, fills } => {
                let mut own: Vec<_> = alarms.iter().cloned().map(GuardAlarm::of).collect();
                let on_evidence = evidence.map(|it| evidence::alarms(it, "", known.has_evidence));
                own.extend(on_evidence.into_iter().flatten());
                // Without limits nobody computes evidence.
                let is_computed =
                    |alarm: &&GuardAlarm| evidence.is_some() || !alarm.is_on_evidence();
                let mut computed = own.iter().filter(is_computed);
                let stops = computed.any(|alarm| alarm.can_stop(rules.force_stop_topic));
                let evidence = evidence.cloned();
                if stops || alert_only {
                    let purpose = if stops { Purpose::Stop } else { Purpose::Alert };
                    let fill = fills.then(|| Box::new(by_default(purpose).of(purpose)));
                    return Self { alarms: own, evidence, fill, ..Self::nothing(purpose) };
                }
                let by_default = by_default(Purpose::Stop);
                // One job has one evidence: by the limits that were declared for it.
                let beside = by_default
                    .alarms
                    .into_iter()
                    .filter(|alarm| evidence.is_none() || !alarm.is_on_evidence());
                own.extend(beside);
                Self {
                    alarms: own,
                    config_fault: Some(ConfigFault::CannotStop),
                    evidence: evidence.or(by_default.evidence),
                    ..Self::nothing(Purpose::Stop)
                }
            }
            KeptConfig::Unusable => {
                Self { config_fault: Some(ConfigFault::Unreadable), ..by_default(Purpose::Stop) }
            }
            KeptConfig::None => match rules.policy.purpose(known.tagged, known.is_greengrass) {
                purpose @ Purpose::Stop => by_default(purpose),
                purpose @ (Purpose::Alert | Purpose::AlertUntilTagsAreRead) => {
                    by_default(purpose).alert_only()
                }
                purpose @ (Purpose::OptedOut | Purpose::Outside) => Self::nothing(purpose),
            },
        }
    }

    /// The same, which stops the rollout only if that is what it is for.
    fn of(self, purpose: Purpose) -> Self {
        if purpose == Purpose::Stop { self } else { self.alert_only() }
    }

    /// The same, which sends e-mail and stops nothing.
    fn alert_only(self) -> Self {
        let alarms = self.alarms.into_iter().map(GuardAlarm::alert_only).collect();
        Self { alarms, ..self }
    }

    /// Whether its alarm on evidence stops the rollout.
    pub fn evidence_stops(&self, force_stop_topic: &str) -> bool {
        let mut alarms = self.alarms.iter().filter(|alarm| alarm.is_on_evidence());
        alarms.any(|alarm| alarm.can_stop(force_stop_topic))
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
