//! Why a step failed.

use lambda_runtime::Diagnostic;
use tripline_aws::Failure;

use crate::stop::STOPPED;

/// Why a step or a look failed. The error type is stable, for the state machine's retries and metric filters.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Failed {
    /// AWS did not do what was needed; trying again may help.
    #[error(transparent)]
    Aws(#[from] Failure),
    /// It can never be done.
    #[error("{0}")]
    Refused(String),
    /// The release was stopped, or has ended, meanwhile: no step of it is done any more.
    #[error("{0}")]
    Ended(String),
}

impl From<Failed> for Diagnostic {
    fn from(failed: Failed) -> Self {
        let error_type = match &failed {
            Failed::Aws(failure) => failure.kind.error_type(),
            Failed::Refused(_) => "Tripline.Refused",
            Failed::Ended(_) => STOPPED,
        };
        Self { error_type: error_type.to_owned(), error_message: failed.to_string() }
    }
}
