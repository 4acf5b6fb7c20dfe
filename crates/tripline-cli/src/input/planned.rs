//! What would be seen of a rollout that is not there yet, by its config: `config check`, `simulate` and `deploy` ask
//! here.

use tripline::alarm::{AlarmDefinition, Topic};
use tripline::attempts::Retries;
use tripline::baseline::Baseline;
use tripline::job::CountRejected;
use tripline::metric::Outcome;
use tripline::rollout::{Rate, RolloutConfig};
use tripline_config::{EvidenceConfig, TargetKind, TargetSelection};
use tripline_guard::coverage::{self, Coverage, Devices, Facts, Shape, Status, Watcher, Way};
use tripline_guard::desired::{
    DEFAULT_PREFIX, DefaultGuard, Desired, InvalidValue, KeptConfig, Known, Policy, Rules,
};
use tripline_simulation::stop_topics::StopTopics;

use super::deployment::Input;
use crate::exit::Error;

/// The stack's part in it.
#[derive(Debug, Clone)]
pub struct StackRules {
    /// What the stack arms where a config's own alarms do not see.
    pub default_guard: DefaultGuard,
    /// Which jobs get it.
    pub policy: Policy,
    /// Whether rejections count as failures.
    pub count_rejected: CountRejected,
    /// The ARN of the topic that stops its rollouts, where it is known.
    pub force_stop_topic: Option<String>,
}

impl StackRules {
    /// By a stack's parameters; one that is not given is as the template has it.
    pub fn read(parameter: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let fault = |fault: InvalidValue| Error::input(format!("the stack's parameters: {fault}"));
        let topics = vec![Topic::Email, Topic::ForceStop];
        let default_guard = DefaultGuard::new(topics, &parameter).map_err(fault)?;
        let policy = Policy::read(&parameter);
        let count_rejected = parameter("CountRejected").and_then(|is| CountRejected::parse(&is));
        Ok(Self {
            default_guard,
            policy,
            count_rejected: count_rejected.unwrap_or_default(),
            force_stop_topic: None,
        })
    }
}

/// A rollout that is planned.
#[derive(Debug, Clone)]
pub struct PlannedRollout<'a> {
    /// What it is going to be created with.
    pub shape: Shape,
    /// How many devices a minute it comes to at first.
    pub first_rate: u32,
    /// Its own alarms; none leaves it to the default guard.
    pub alarms: &'a [AlarmDefinition],
    /// The limits that it declares, with the baseline that they are of.
    pub evidence: Option<(&'a EvidenceConfig, Option<&'a Baseline>)>,
    /// The default guard watches for what they do not see.
    pub fills: bool,
    /// It is meant that nothing of its own stops it.
    pub alert_only: bool,
}

/// What becomes of it.
#[derive(Debug)]
pub struct PlannedCoverage {
    pub coverage: Coverage,
    /// Names of the default guard's alarms beside its own.
    pub filled: Vec<String>,
}

impl<'a> PlannedRollout<'a> {
    /// That of a config, which comes to so many devices.
    pub fn new(input: &'a Input, devices: Devices, alert_only: bool) -> Self {
        let config = &input.config;
        let is_group = input.things.targets().iter().any(|is| is.kind() == TargetKind::Group);
        let is_continuous = config.selection == TargetSelection::Continuous;
        let evidence = input.evidence.as_ref();
        Self {
            shape: shape_of(&config.rollout, devices, is_continuous && is_group),
            first_rate: config.rollout.rate.first().min(Rate::QUOTA),
            alarms: &config.alarms.alarms,
            evidence: evidence.map(|limits| (&limits.config, limits.baseline.as_ref())),
            fills: config.alarms.default_guard,
            alert_only,
        }
    }

    /// What would be seen of it.
    pub fn coverage(&self, stack: &StackRules) -> PlannedCoverage {
        // Where the stack is not known, a topic is taken for its own by its name.
        let topics = self.alarms.iter().flat_map(|alarm| &alarm.topics);
        let by_name = stop_topic_of(topics, &StopTopics::default());
        let force_stop_topic = stack.force_stop_topic.as_deref().or(by_name);
        let desired = self.desired(stack, force_stop_topic.unwrap_or_default());
        let facts = self.facts(stack, &desired);
        let watchers: Vec<Watcher> =
            desired.alarms.iter().map(|alarm| Watcher::wanted(alarm, force_stop_topic)).collect();
        let names = desired.alarms.iter().map(|alarm| alarm.name().to_string());
        PlannedCoverage {
            coverage: Coverage::new(&facts, &watchers, desired.purpose),
            filled: names.filter(|name| name.starts_with(DEFAULT_PREFIX)).collect(),
        }
    }

    /// What is known of it before it begins.
    fn facts(&self, stack: &StackRules, desired: &Desired) -> Facts {
        let baseline = self.evidence.and_then(|(_, baseline)| baseline);
        let limits = desired
            .evidence
            .clone()
            .and_then(|limits| limits.with_timeout(self.shape.timeout).limits(baseline, true).ok());
        let needs = limits.map(|limits| limits.needs());
        let least_devices = stack.default_guard.least_devices();
        Facts {
            count_rejected: stack.count_rejected,
            ..Facts::of_new(self.shape.clone(), needs, least_devices)
        }
    }

    fn desired(&self, stack: &StackRules, force_stop_topic: &str) -> Desired {
        let evidence = self.evidence.map(|(config, _)| config);
        let kept = match self.alarms.is_empty() && evidence.is_none() {
            true => KeptConfig::None,
            false => KeptConfig::Alarms {
                alarms: self.alarms,
                evidence,
                alert_only: self.alert_only,
                fills: self.fills,
            },
        };
        let tagged = stack.default_guard.with_tags([]);
        let known = Known {
            kept,
            tagged: Some(&tagged),
            is_greengrass: false,
            rate: self.first_rate,
            has_evidence: false,
            shape: Some(&self.shape),
        };
        let rules =
            Rules { default_guard: &stack.default_guard, policy: stack.policy, force_stop_topic };
        coverage::desired(known, rules)
    }
}

/// The ARN among these topics that is taken to stop the rollout.
pub fn stop_topic_of<'a>(
    topics: impl IntoIterator<Item = &'a Topic>,
    known: &StopTopics,
) -> Option<&'a str> {
    let mut stopping =
        topics.into_iter().filter(|topic| known.are_among(std::slice::from_ref(topic)));
    stopping.find_map(|topic| match topic {
        Topic::Arn(arn) => Some(arn.as_str()),
        Topic::Email | Topic::Sms | Topic::ForceStop => None,
    })
}

/// What is said of a rollout that has too few devices, if it has: of which ways to go wrong nothing can decide.
pub fn too_few(coverage: &Coverage) -> Option<String> {
    let is_lacking =
        |way: &Way| coverage.status == Status::TooFewDevices || coverage.lacks_only_devices(*way);
    let ways: Vec<&str> = coverage.uncovered().filter(is_lacking).map(Way::devices).collect();
    (!ways.is_empty()).then(|| {
        format!("the rollout has too few devices for anything to decide on {}", ways.join(", "))
    })
}

/// What a rollout is going to be created with. `joins`: devices may join, leave and join again.
pub fn shape_of(rollout: &RolloutConfig, devices: Devices, joins: bool) -> Shape {
    let after = |outcome: Outcome| u32::from(rollout.retries.after(outcome));
    let retries = Retries { failed: after(Outcome::Failed), timed_out: after(Outcome::TimedOut) };
    Shape {
        devices,
        most_rate: rollout.rate.maximum().min(Rate::QUOTA),
        timeout: rollout.timeout.map(|timeout| timeout.minutes()),
        abort: rollout.abort.clone(),
        counts_attempts: retries.any() || joins,
    }
}

/// How many devices a config's targets are, as far as it says so: groups count what `deviceCount` declares.
pub fn declared_devices(input: &Input) -> Devices {
    let targets = input.things.targets();
    let things = targets.iter().filter(|target| target.kind() == TargetKind::Thing).count();
    let number = u32::try_from(things).unwrap_or(u32::MAX);
    match (things == targets.len(), input.config.device_count) {
        (true, _) => Devices::Exactly(number),
        (false, Some(count)) => Devices::Exactly(count.max(number)),
        (false, None) => Devices::AtLeast(number),
    }
}

#[cfg(test)]
mod page;
#[cfg(test)]
mod tests;
