//! A config that was read whole.

use tripline_config::Review;

use crate::aws::deployment::spec::Spec;
use crate::input::deployment::Input;
use crate::input::planned::PlannedCoverage;

/// A config that can be deployed.
pub struct Checked {
    pub input: Input,
    pub spec: Spec,
    pub region: String,
    pub review: Review,
    /// What would be seen if the rollout went wrong, with a stack whose parameters are the template's.
    pub planned: PlannedCoverage,
}
