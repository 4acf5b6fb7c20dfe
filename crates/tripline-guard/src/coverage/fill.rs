//! What a job is to have, with the default guard where its own alarms see nothing.

use super::Way;
use super::sees::unseen_by;
use crate::desired::{Desired, GuardAlarm, Known, Rules, Shape};

/// What a job is to have. For each way to go wrong that its own config does not see, it has those alarms of the
/// stack's default guard that do, unless the config says that it goes without.
pub fn desired(known: Known<'_>, rules: Rules<'_>) -> Desired {
    let mut desired = Desired::new(known, rules);
    let Some(default) = desired.fill.take() else { return desired };
    let shape = known.shape.cloned().unwrap_or_else(Shape::unknown);
    let unseen = unseen_by(&desired.alarms, shape, rules.force_stop_topic);
    let is_needed = |alarm: &GuardAlarm| match alarm {
        // One job has one evidence: by the limits that were declared for it.
        _ if alarm.is_on_evidence() => {
            desired.evidence.is_none()
                && (unseen.contains(&Way::Slow) || unseen.contains(&Way::NeverAnswers))
        }
        GuardAlarm::FailureRate(_) => {
            [Way::Fails, Way::Refuses, Way::TimesOut].iter().any(|way| unseen.contains(way))
        }
        GuardAlarm::Config(_) => unseen.contains(&Way::Slow),
    };
    let fill: Vec<GuardAlarm> = default.alarms.into_iter().filter(is_needed).collect();
    if fill.iter().any(GuardAlarm::is_on_evidence) {
        desired.evidence = default.evidence;
    }
    desired.alarms.extend(fill);
    desired
}
