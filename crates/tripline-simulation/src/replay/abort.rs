use super::replayed::{Fired, Response};
use super::rollout::RecordedRollout;
use tripline::rollout::AbortCriterion;

/// The abort criteria of the job over the time of the rollout.
///
/// They are looked at after each second in which an execution ended: which of a second was the first
/// is not recorded. `minNumberOfExecutedThings` is a number of executions that have ended
/// ([`tripline::rollout::MinExecuted::Executed`]); how many devices were notified is not recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct ReplayedAbort {
    /// The criteria, each of which is enough.
    pub criteria: Vec<AbortCriterion>,
    /// When one was met for the first time.
    pub fired: Option<Fired>,
}

impl ReplayedAbort {
    pub(super) fn new(criteria: &[AbortCriterion], rollout: &RecordedRollout) -> Option<Self> {
        if criteria.is_empty() {
            return None;
        }
        let fired = rollout.executed().find_map(|(at, endings)| {
            let counted = endings.executed();
            let met = criteria.iter().find(|criterion| criterion.is_met(&endings, counted))?;
            let reason = met.reason(&endings);
            Some(Fired { at, reason, response: Response::AfterTheEnd })
        });
        Some(Self { criteria: criteria.to_vec(), fired })
    }
}
