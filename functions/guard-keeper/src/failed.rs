//! Why a minute was not all it should have been.

use lambda_runtime::Diagnostic;
use tripline_aws::Failure;

/// The first call that failed, and how many did. What could be done was done; the next minute goes on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{first}{}", and_more(*more))]
pub struct Failed {
    /// The first.
    pub first: Failure,
    /// How many more there were.
    pub more: usize,
}

fn and_more(more: usize) -> String {
    if more == 0 { String::new() } else { format!(" (and {more} more)") }
}

impl From<Failed> for Diagnostic {
    fn from(failed: Failed) -> Self {
        let error_type = failed.first.kind.error_type().to_owned();
        Self { error_type, error_message: failed.to_string() }
    }
}

/// Calls that failed so far. Each is logged, up to a limit: a minute has hundreds of them.
#[derive(Debug, Default)]
pub(crate) struct Failures(Vec<Failure>);

/// Most failures that are logged one by one.
const LOGGED: usize = 10;

impl Failures {
    /// Takes note of a failure.
    pub fn add(&mut self, about: &str, failure: Failure) {
        if self.0.len() < LOGGED {
            tracing::error!(about, %failure, "aws_call_failed");
        }
        self.0.push(failure);
    }

    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    pub fn into_result(self) -> Result<(), Failed> {
        let more = self.0.len().saturating_sub(1);
        match self.0.into_iter().next() {
            None => Ok(()),
            Some(first) => Err(Failed { first, more }),
        }
    }
}
