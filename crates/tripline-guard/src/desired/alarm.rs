//! An alarm that a job is to have.

use std::fmt;

use tripline::alarm::{
    AlarmDefinition, AlarmName, MinSamples, MissingData, Topic, alarm_name_prefix,
};
use tripline::job::JobId;
use tripline::metric::{KeptMetric, Metric, NAMESPACE};

/// An alarm that guards a job.
#[derive(Debug, Clone, PartialEq)]
pub enum GuardAlarm {
    /// One statistic of one metric, as a config defines it. [`GuardAlarm::of`] makes it.
    Config(AlarmDefinition),
    /// The share of executions that were unsuccessful.
    FailureRate(FailureRate),
}

impl GuardAlarm {
    /// What a config's alarm is armed as: the one place where that is decided.
    pub fn of(alarm: AlarmDefinition) -> Self {
        if !alarm.is_on_unsuccessful_rate() {
            return Self::Config(alarm);
        }
        Self::FailureRate(FailureRate {
            name: alarm.name,
            limit: alarm.threshold,
            min_executions: alarm.min_samples.unwrap_or(MinSamples::ONE),
            topics: alarm.topics,
        })
    }

    /// The same as a config would define it: [`GuardAlarm::of`] that is this alarm.
    pub fn into_definition(self) -> AlarmDefinition {
        match self {
            Self::Config(alarm) => alarm,
            Self::FailureRate(FailureRate { name, limit, min_executions, topics }) => {
                AlarmDefinition::on_unsuccessful_rate(name, limit, min_executions, topics)
            }
        }
    }

    /// Its name in the guard.
    pub fn name(&self) -> &AlarmName {
        match self {
            Self::Config(alarm) => &alarm.name,
            Self::FailureRate(alarm) => &alarm.name,
        }
    }

    /// Its name in CloudWatch for one job, unless a foreign alarm has that name.
    pub fn name_for(&self, job: &JobId) -> String {
        format!("{}{}", alarm_name_prefix(job), self.name())
    }

    /// Whom it alerts.
    pub fn topics(&self) -> &[Topic] {
        match self {
            Self::Config(alarm) => &alarm.topics,
            Self::FailureRate(alarm) => &alarm.topics,
        }
    }

    /// The same alarm, which sends an e-mail and stops nothing.
    #[must_use]
    pub fn alert_only(mut self) -> Self {
        match &mut self {
            Self::Config(alarm) => alarm.topics = vec![Topic::Email],
            Self::FailureRate(alarm) => alarm.topics = vec![Topic::Email],
        }
        self
    }

    /// Whether it is on evidence, or on its absence.
    pub fn is_on_evidence(&self) -> bool {
        match self {
            Self::Config(alarm) => {
                alarm.namespace == NAMESPACE && alarm.metric == KeptMetric::Evidence.name()
            }
            Self::FailureRate(_) => false,
        }
    }

    /// Whether it goes off where there is no evidence: that stops a rollout whose keeper is dead, and guards
    /// it against nothing else.
    pub fn is_on_absence(&self) -> bool {
        let is_breaching = |alarm: &AlarmDefinition| alarm.missing_data == MissingData::Breaching;
        self.is_on_evidence() && matches!(self, Self::Config(alarm) if is_breaching(alarm))
    }

    /// Whether it goes to the stack's force-stop topic, by its place or by its ARN where that is known.
    pub fn goes_to_force_stop(&self, arn: Option<&str>) -> bool {
        self.topics().iter().any(|topic| match topic {
            Topic::ForceStop => true,
            Topic::Arn(topic) => Some(topic.as_str()) == arn,
            Topic::Email | Topic::Sms => false,
        })
    }

    /// Whether it stops the rollout once it fires: it goes to the stack's force-stop topic, and what
    /// it watches is published.
    pub fn can_stop(&self, force_stop_topic: &str) -> bool {
        self.goes_to_force_stop(Some(force_stop_topic))
            && !self.is_on_absence()
            && match self {
                Self::Config(alarm) => alarm.namespace != NAMESPACE || is_published(&alarm.metric),
                Self::FailureRate(_) => true,
            }
    }
}

/// Whether Tripline publishes a metric of this name in its namespace.
pub fn is_published(name: &str) -> bool {
    Metric::ALL.iter().any(|metric| metric.name() == name)
        || KeptMetric::ALL.iter().any(|metric| metric.name() == name)
}

/// The share of executions that failed, were rejected or timed out, of all devices that were notified of the
/// job so far: it is never more than what it would come to if all others succeeded, while of those that
/// *ended* nearly all failed in the first minutes of any rollout, because a device refuses at once and
/// succeeds after a download. What was canceled or removed says nothing of the firmware.
#[derive(Debug, Clone, PartialEq)]
pub struct FailureRate {
    /// Its name in the guard.
    pub name: AlarmName,
    /// In percent, 0 to below 100; more than this breaches.
    pub limit: f64,
    /// As long as fewer devices were notified, nothing is decided.
    pub min_executions: MinSamples,
    /// Whom it alerts.
    pub topics: Vec<Topic>,
}

impl fmt::Display for FailureRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { limit, min_executions, .. } = self;
        let least = min_executions.get();
        write!(
            f,
            "failed, rejected and timed out executions > {limit} % of notified devices, from {least}"
        )
    }
}
