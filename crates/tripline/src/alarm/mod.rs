//! What an alarm is: one statistic of one metric of one job, compared with a threshold.
//!
//! The limits are CloudWatch's (`PutMetricAlarm`), unless another reason is given.

mod evaluation;
mod missing_data;
mod name;
mod period;
mod statistic;
mod topic;

use crate::invalid::Invalid;
use crate::job::JobId;
use crate::metric::{NAMESPACE, UNSUCCESSFUL_RATE};

pub use evaluation::{Evaluation, InvalidEvaluation};
pub use missing_data::MissingData;
pub use name::AlarmName;
pub use period::Period;
pub use statistic::{Percentile, Statistic};
pub use topic::{MAX_TOPICS, NotATopicArn, StackTopics, Topic, TopicArn};

/// An alarm as the operator's config defines it, not yet bound to a job.
#[derive(Debug, Clone, PartialEq)]
pub struct AlarmDefinition {
    /// Its name in the config.
    pub name: AlarmName,
    /// The namespace of its metric.
    pub namespace: String,
    /// Its metric.
    pub metric: String,
    /// What of the metric's values is looked at.
    pub statistic: Statistic,
    /// The length of a period.
    pub period: Period,
    /// What the statistic is compared with.
    pub threshold: f64,
    /// Which side of the threshold breaches.
    pub limit: Limit,
    /// How many breaching periods make an alarm.
    pub evaluation: Evaluation,
    /// What a period without values counts as.
    pub missing_data: MissingData,
    /// A period with fewer values than this decides nothing.
    pub min_samples: Option<MinSamples>,
    /// Who is alerted, one to five, without repetition.
    pub topics: Vec<Topic>,
}

impl AlarmDefinition {
    /// An alarm on the share of notified devices that were unsuccessful: `limit` in percent, 0 to below 100;
    /// more than this breaches, once `min_samples` devices were notified.
    pub fn on_unsuccessful_rate(
        name: AlarmName,
        limit: f64,
        min_samples: MinSamples,
        topics: Vec<Topic>,
    ) -> Self {
        Self {
            name,
            namespace: NAMESPACE.to_owned(),
            metric: UNSUCCESSFUL_RATE.to_owned(),
            statistic: Statistic::Maximum,
            period: Period::MINUTE,
            threshold: limit,
            limit: Limit::Upper,
            evaluation: Evaluation::ONE_OF_ONE,
            missing_data: MissingData::NotBreaching,
            min_samples: Some(min_samples),
            topics,
        }
    }

    /// Whether it is one on the share of notified devices that were unsuccessful, which is armed as metric math.
    pub fn is_on_unsuccessful_rate(&self) -> bool {
        self.namespace == NAMESPACE && self.metric == UNSUCCESSFUL_RATE
    }

    /// The alarm's name in CloudWatch for one job, so that two rollouts never overwrite each
    /// other's guard.
    pub fn name_for(&self, job: &JobId) -> String {
        format!("{}{}", alarm_name_prefix(job), self.name)
    }
}

/// How the names of a job's alarms begin. Another job's may begin alike (`fw` and `fw-1`).
pub fn alarm_name_prefix(job: &JobId) -> String {
    format!("tripline-{job}-")
}

/// Which side of the threshold breaches. A value on the threshold does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Above breaches.
    Upper,
    /// Below breaches.
    Lower,
}

/// The fewest values with which a period decides anything: at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct MinSamples(u32);

impl MinSamples {
    /// What it can be, in words.
    pub const EXPECTED: &str = "a whole number from 1";

    /// The least there is: the first one decides.
    pub const ONE: Self = Self(1);
    /// Of an alarm on the share of notified devices that were unsuccessful, if a config gives none.
    pub const OF_UNSUCCESSFUL_RATE: Self = Self(50);

    /// Checks a number of samples.
    ///
    /// # Errors
    /// What it can be.
    pub fn new(samples: u32) -> Result<Self, Invalid> {
        (samples >= 1).then_some(Self(samples)).ok_or(Invalid(Self::EXPECTED))
    }

    /// The number.
    pub fn get(self) -> u32 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_bound_to_the_job() {
        let job = JobId::new("fw-1").unwrap();
        assert_eq!(alarm_name_prefix(&job), "tripline-fw-1-");
        let longest =
            alarm_name_prefix(&JobId::new(&"j".repeat(64)).unwrap()).len() + AlarmName::MAX;
        assert!(longest <= 255, "CloudWatch takes no longer name");
    }

    #[test]
    fn a_least_number_of_samples_is_at_least_one() {
        assert_eq!(MinSamples::new(0).ok(), None);
        assert_eq!(MinSamples::new(1).ok().map(MinSamples::get), Some(1));
    }
}
