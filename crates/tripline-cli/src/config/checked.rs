//! A config that was read whole.

use tripline_config::Review;

use crate::aws::deployment::spec::Spec;
use crate::input::deployment::Input;

/// A config that can be deployed.
pub struct Checked {
    pub input: Input,
    pub spec: Spec,
    pub region: String,
    pub review: Review,
}
