//! Requests that a guard depends on, for the evaluator of policies to decide.
//!
//! - [`invoker`]: the request of a service that invokes a function; [`publisher`]: that of an alarm.

mod invoker;
mod publisher;

pub use invoker::Invoker;
pub use publisher::decision_for_alarm;
