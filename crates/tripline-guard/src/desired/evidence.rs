//! The two alarms on evidence: that a rollout is outside of its limits, and that nobody computes it.

use aws_sdk_cloudwatch::types::MetricAlarm;
use tripline::alarm::{
    AlarmDefinition, AlarmName, Evaluation, Limit, MissingData, Period, Statistic, Topic,
};
use tripline::metric::{KeptMetric, NAMESPACE};
use tripline_config::EvidenceConfig;

use super::alarm::GuardAlarm;

/// The keeper publishes by the minute.
const PERIOD: u32 = 60;

/// The alarms of a config. `prefix` is that of the default guard's names, or nothing. The second one
/// goes off where there is no evidence: it stands only once there `has_been` some, or it would go off
/// at once.
pub(super) fn alarms(evidence: &EvidenceConfig, prefix: &str, has_been: bool) -> Vec<GuardAlarm> {
    let both = [breach(evidence, prefix), missing(evidence, prefix).filter(|_| has_been)];
    both.into_iter().flatten().map(GuardAlarm::Config).collect()
}

/// The alarm of a config on evidence, which a job is armed with. That on its absence is the guard-keeper's
/// to put.
pub fn evidence_alarm(evidence: &EvidenceConfig) -> Option<AlarmDefinition> {
    breach(evidence, "")
}

/// Evidence above what the permitted false stops allow. Once the rollout is to be stopped, the keeper
/// publishes more than the threshold.
fn breach(evidence: &EvidenceConfig, prefix: &str) -> Option<AlarmDefinition> {
    let limit = (Limit::Upper, -evidence.false_stops.log10());
    let topics = evidence.topics.clone();
    on_evidence(prefix, EvidenceConfig::ALARMS[0], limit, (1, MissingData::NotBreaching, topics))
}

/// No evidence for some minutes. It is never below 0.
fn missing(evidence: &EvidenceConfig, prefix: &str) -> Option<AlarmDefinition> {
    let topics = evidence.blind_topics.clone();
    let how = (evidence.blind_minutes, MissingData::Breaching, topics);
    on_evidence(prefix, EvidenceConfig::ALARMS[1], (Limit::Lower, 0.0), how)
}

fn on_evidence(
    prefix: &str,
    name: &str,
    (limit, threshold): (Limit, f64),
    (periods, missing_data, topics): (u32, MissingData, Vec<Topic>),
) -> Option<AlarmDefinition> {
    let period = Period::new(PERIOD).ok()?;
    Some(AlarmDefinition {
        name: AlarmName::new(&format!("{prefix}{name}")).ok()?,
        namespace: NAMESPACE.to_owned(),
        metric: KeptMetric::Evidence.name().to_owned(),
        statistic: Statistic::Maximum,
        period,
        threshold,
        limit,
        evaluation: Evaluation::new(periods, periods, period).ok()?,
        missing_data,
        min_samples: None,
        topics,
    })
}

/// Whether an alarm is on evidence: whom it alerts is up to the limits that were declared, whatever
/// else a guard stops on.
pub fn watches_evidence(alarm: &MetricAlarm) -> bool {
    alarm.namespace() == Some(NAMESPACE) && alarm.metric_name() == Some(KeptMetric::Evidence.name())
}

/// Whether an alarm goes off where there is no evidence: it has to go once its job has ended.
pub fn watches_evidence_s_absence(alarm: &MetricAlarm) -> bool {
    watches_evidence(alarm) && alarm.treat_missing_data() == Some(MissingData::Breaching.name())
}
