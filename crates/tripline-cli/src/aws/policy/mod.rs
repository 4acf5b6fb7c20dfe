//! Policies of IAM, as far as a guard depends on them: who may do what with which resource.
//!
//! - [`document`]: a policy, and what it says to a request;
//! - [`request`]: who asks for what, and what is known of that;
//! - [`invoker`]: the request of a service that invokes a function; [`publisher`]: that of an alarm.

mod document;
mod invoker;
mod publisher;
mod request;
#[cfg(test)]
mod tests;

pub use document::{Decision, Grant, Policy};
pub use invoker::Invoker;
pub use publisher::decision_for_alarm;
pub use request::Request;
