//! What an answer of AWS is worth.

use tripline_aws::{Failure, FailureKind};
use tripline_policy::Policy;

use crate::doctor::facts::{Answer, NoAnswer};

/// An answer about a thing that may be gone.
pub fn none_if_not_found<T>(asked: Result<T, Failure>) -> Answer<Option<T>> {
    match asked {
        Ok(found) => Ok(Some(found)),
        Err(failure) if failure.kind == FailureKind::NotFound => Ok(None),
        Err(failure) => Err(failure.into()),
    }
}

/// A policy that a service gave.
pub fn parse_policy(operation: &'static str, text: &str) -> Answer<Policy> {
    Policy::parse(text).ok_or_else(|| {
        let fault = "the answer is no policy";
        NoAnswer::Failed(Failure::new(operation, FailureKind::Refused, fault))
    })
}
