//! What becomes of a rollout, worked out without AWS. The only crate that is built for speed.
//!
//! - [`evaluation`]: what a CloudWatch alarm does with a metric;
//! - [`simulation`]: what would become of a rollout under its guards;
//! - [`replay`]: what would have become of a recorded one;
//! - [`stop_topics`]: which topics lead to the force-stopper, for whoever cannot ask AWS.

pub mod evaluation;
pub mod replay;
pub mod simulation;
pub mod stop_topics;
