//! Why an event was not counted.

use lambda_runtime::Diagnostic;
use tripline::event::PoisonEvent;
use tripline_aws::Failure;

/// Why an event was not counted. The error type is stable, for metric filters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failed {
    /// It can never be handled.
    Poison(PoisonEvent),
    /// CloudWatch did not take it.
    Aws(Failure),
}

impl From<Failed> for Diagnostic {
    fn from(failed: Failed) -> Self {
        let (error_type, error_message) = match failed {
            Failed::Poison(poison) => ("Tripline.Poison", poison.to_string()),
            Failed::Aws(failure) => (failure.kind.error_type(), failure.to_string()),
        };
        Self { error_type: error_type.to_owned(), error_message }
    }
}
