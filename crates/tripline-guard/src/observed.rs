//! An alarm as CloudWatch has it.
//!
//! The name does not say which job an alarm is of: `tripline-fw-1-slow` is alarm `slow` of job `fw-1`,
//! or `1-slow` of `fw`.

use aws_sdk_cloudwatch::types::{Dimension, MetricAlarm, StateValue};
use tripline::job::JobId;
use tripline::metric::{DIMENSION, NAMESPACE};

use crate::desired::is_published;
use crate::ownership::{AlarmTags, Owner, owner_of};

/// An alarm that is there, with what CloudWatch reports of it by other calls.
#[derive(Debug, Clone, PartialEq)]
pub struct ObservedAlarm<'a> {
    /// What it watches, its actions, and its state.
    pub alarm: &'a MetricAlarm,
    /// Its tags; `None` if they are not known.
    pub tags: Option<AlarmTags>,
    /// The mute rule that keeps its actions from running now.
    pub muted_by: Option<String>,
}

impl<'a> ObservedAlarm<'a> {
    /// An alarm with its tags, which no mute rule names.
    pub fn new(alarm: &'a MetricAlarm, tags: Option<AlarmTags>) -> Self {
        Self { alarm, tags, muted_by: None }
    }

    /// Its name.
    pub fn name(&self) -> &'a str {
        self.alarm.alarm_name().unwrap_or_default()
    }

    /// Whose it is.
    pub fn owner(&self, job: &JobId, stack: &str) -> Owner {
        owner_of(self.tags.as_ref(), job, stack)
    }

    /// Whether it sends to this topic once it fires, if its actions run.
    pub fn goes_to(&self, topic: &str) -> bool {
        self.alarm.alarm_actions().iter().any(|action| action == topic)
    }

    /// Whether its actions are on.
    pub fn is_enabled(&self) -> bool {
        self.alarm.actions_enabled() == Some(true)
    }

    /// Whether it is in ALARM already: its actions run when it gets there, and so not again.
    pub fn has_fired(&self) -> bool {
        self.alarm.state_value() == Some(&StateValue::Alarm)
    }
}

/// What an alarm's metrics say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watched<'a> {
    /// They are of this job.
    Job(&'a str),
    /// They are of several jobs, or of something else.
    Other,
    /// It shows no metrics, so that only its tags can say.
    Unseen,
}

/// Which job an alarm's metrics are of: its dimension, or those of its metric math.
pub fn watched(alarm: &MetricAlarm) -> Watched<'_> {
    let math = alarm.metrics().iter().filter_map(|query| query.metric_stat()?.metric());
    let mut dimensions: Vec<&[Dimension]> = math.map(|metric| metric.dimensions()).collect();
    if alarm.metric_name().is_some() || !alarm.dimensions().is_empty() {
        dimensions.push(alarm.dimensions());
    }
    let mut jobs = dimensions.iter().map(|dimensions| job_of(dimensions));
    match jobs.next() {
        None => Watched::Unseen,
        Some(first) => match first.filter(|job| jobs.all(|other| other == Some(job))) {
            Some(job) => Watched::Job(job),
            None => Watched::Other,
        },
    }
}

fn job_of(dimensions: &[Dimension]) -> Option<&str> {
    dimensions.iter().find(|dimension| dimension.name() == Some(DIMENSION))?.value()
}

/// Whether all of Tripline's metrics that an alarm shows are ones that are published. An alarm on any
/// other, such as one that had another name before, never fires.
pub fn watches_what_is_published(alarm: &MetricAlarm) -> bool {
    let metrics = alarm.metrics().iter().filter_map(|query| query.metric_stat()?.metric());
    let metrics = metrics.map(|metric| (metric.namespace(), metric.metric_name()));
    metrics
        .chain([(alarm.namespace(), alarm.metric_name())])
        .filter(|(namespace, _)| *namespace == Some(NAMESPACE))
        .all(|(_, name)| name.is_some_and(is_published))
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudwatch::types::{Metric, MetricDataQuery, MetricStat};

    use super::*;

    fn dimension(job: &str) -> Dimension {
        Dimension::builder().name(DIMENSION).value(job).build()
    }

    fn query(job: &str) -> MetricDataQuery {
        let metric = Metric::builder().metric_name("m").dimensions(dimension(job)).build();
        MetricDataQuery::builder().metric_stat(MetricStat::builder().metric(metric).build()).build()
    }

    #[test]
    fn dimensions_name_the_job() {
        let plain =
            |dimension| MetricAlarm::builder().metric_name("m").dimensions(dimension).build();
        assert_eq!(watched(&plain(dimension("fw"))), Watched::Job("fw"));
        let queue = Dimension::builder().name("QueueName").value("fw").build();
        assert_eq!(watched(&plain(queue)), Watched::Other);
        assert_eq!(watched(&MetricAlarm::builder().metric_name("m").build()), Watched::Other);
    }

    #[test]
    fn metric_math_is_of_a_job_if_all_of_it_is() {
        let math = |jobs: &[&str]| {
            let queries = jobs.iter().map(|job| query(job)).collect();
            MetricAlarm::builder().set_metrics(Some(queries)).build()
        };
        assert_eq!(watched(&math(&["fw", "fw"])), Watched::Job("fw"));
        assert_eq!(watched(&math(&["fw", "fw-1"])), Watched::Other);
        assert_eq!(watched(&math(&[])), Watched::Unseen);
    }
}
