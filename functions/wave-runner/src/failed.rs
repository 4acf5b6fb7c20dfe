//! Why a step failed.

use lambda_runtime::Diagnostic;
use tripline_aws::Failure;

/// Why a step or a look failed. The error type is stable, for the state machine's retries and metric filters.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Failed {
    /// AWS did not do what was needed; trying again may help.
    #[error(transparent)]
    Aws(#[from] Failure),
    /// It can never be done.
    #[error("{0}")]
    Refused(String),
}

impl From<Failed> for Diagnostic {
    fn from(failed: Failed) -> Self {
        let error_type = match &failed {
            Failed::Aws(failure) => failure.kind.error_type(),
            Failed::Refused(_) => "Tripline.Refused",
        };
        Self { error_type: error_type.to_owned(), error_message: failed.to_string() }
    }
}
