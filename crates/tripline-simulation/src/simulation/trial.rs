//! Whether a hint helps: the rollout is simulated as it is and as the hint would have it.

use std::cell::OnceCell;

use super::evidence::EvidencePlan;
use super::guards::{AbortPlan, AlarmPlan};
use super::{GuardPlan, Runs, Scenario, Study};
use tripline::alarm::AlarmDefinition;

/// A share of the devices that may have the firmware in addition: guards that decide by chance stop
/// some rollouts too soon, and one that does not is none the worse.
const TOLERATED: f64 = 0.02;

/// Tries other alarms on the fleet in question and on a healthy one.
pub struct Trial<'a> {
    scenario: &'a Scenario,
    healthy: Option<&'a Scenario>,
    alarms: &'a [AlarmPlan],
    abort: &'a AbortPlan,
    evidence: Option<&'a EvidencePlan>,
    runs: Runs,
    now: OnceCell<TrialResult>,
}

/// What guards come to.
#[derive(Debug, Clone, Copy)]
struct TrialResult {
    false_stops: u32,
    /// Stops and the median of the devices with the firmware, of a fleet that is not healthy.
    faulty: Option<(u32, f64)>,
}

impl<'a> Trial<'a> {
    /// `healthy` is the rollout to a healthy fleet, unless `scenario` itself is that.
    pub fn new(
        scenario: &'a Scenario,
        healthy: Option<&'a Scenario>,
        alarms: &'a [AlarmPlan],
        abort: &'a AbortPlan,
        runs: Runs,
    ) -> Self {
        Self { scenario, healthy, alarms, abort, evidence: None, runs, now: OnceCell::new() }
    }

    /// With evidence beside the alarms and the abort criteria.
    #[must_use]
    pub fn with_evidence(self, evidence: Option<&'a EvidencePlan>) -> Self {
        Self { evidence, ..self }
    }

    /// The evidence that is beside them.
    pub(super) fn evidence(&self) -> Option<&EvidencePlan> {
        self.evidence
    }

    /// Whether the guards are better with another alarm in the place of this one: no worse for any
    /// of the fleets, and better for one.
    pub(super) fn is_better(&self, index: usize, alarm: AlarmDefinition) -> bool {
        let mut changed = self.alarms.to_vec();
        let Some(plan) = changed.get_mut(index) else { return false };
        plan.alarm = alarm;
        let now = *self.now.get_or_init(|| self.found(self.alarms));
        let then = self.found(&changed);
        let (no_worse, better) = match (now.faulty, then.faulty) {
            (Some((stops, exposed)), Some((new_stops, new_exposed))) => (
                new_stops >= stops
                    && new_exposed <= exposed + TOLERATED * f64::from(self.scenario.devices()),
                new_stops > stops || new_exposed < exposed,
            ),
            _ => (true, false),
        };
        no_worse
            && then.false_stops <= now.false_stops
            && (better || then.false_stops < now.false_stops)
    }

    fn found(&self, alarms: &[AlarmPlan]) -> TrialResult {
        let plans = alarms.iter().map(|plan| plan as &dyn GuardPlan);
        let abort = (!self.abort.criteria.is_empty()).then_some(self.abort as &dyn GuardPlan);
        let evidence = self.evidence.map(|plan| plan as &dyn GuardPlan);
        let plans: Vec<_> = plans.chain(evidence).chain(abort).collect();
        let study = |scenario| Study::new(scenario, &plans, self.runs, &|_| {});
        let given = study(self.scenario);
        match self.healthy {
            None => TrialResult { false_stops: given.stopped.count, faulty: None },
            Some(healthy) => TrialResult {
                false_stops: study(healthy).stopped.count,
                faulty: Some((
                    given.stopped.count,
                    given.exposed.map_or(0.0, |exposed| exposed.p50.value),
                )),
            },
        }
    }
}
