//! Policies of IAM, as far as a guard depends on them: who may do what with which resource.
//!
//! - `document`: a policy, and what it says to a request;
//! - `request`: who asks for what, and what is known of that.
//!
//! The one evaluator: `tripline doctor` asks it about a stack's roles, and the tests about every call that a
//! function made and every policy that a page shows.

mod document;
mod request;
#[cfg(test)]
mod tests;

pub use document::{Decision, Grant, Policy};
pub use request::{Known, Request};
