//! Why an invocation failed.

use std::fmt::Write;

use lambda_runtime::Diagnostic;
use tripline::stop::Refusal;
use tripline::text::excerpt;
use tripline_aws::Failure;

/// Why one record was not handled.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Cause {
    /// It is refused, and trying again changes nothing.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// AWS did not do what was needed; trying again may help.
    #[error(transparent)]
    Aws(#[from] Failure),
}

impl Cause {
    fn error_type(&self) -> &'static str {
        match self {
            Self::Refused(_) => "Tripline.Refused",
            Self::Aws(failure) => failure.kind.error_type(),
        }
    }
}

/// The records of a delivery that were not handled. The error type, which is stable, is that of
/// the first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Failed {
    causes: Vec<(String, Cause)>,
}

/// Most records that an error names.
const NAMED: usize = 5;

impl Failed {
    pub(crate) fn add(&mut self, id: &str, cause: Cause) {
        self.causes.push((excerpt(id), cause));
    }

    pub(crate) fn into_result(self) -> Result<(), Self> {
        if self.causes.is_empty() { Ok(()) } else { Err(self) }
    }
}

impl From<Failed> for Diagnostic {
    fn from(failed: Failed) -> Self {
        let error_type = failed.causes.first().map_or("Tripline.Unknown", |(_, c)| c.error_type());
        let mut error_message = String::new();
        for (id, cause) in failed.causes.iter().take(NAMED) {
            let separator = if error_message.is_empty() { "" } else { "; " };
            let _ = write!(error_message, "{separator}SNS message {id}: {cause}");
        }
        if failed.causes.len() > NAMED {
            let _ = write!(error_message, "; and {} more", failed.causes.len() - NAMED);
        }
        Self { error_type: error_type.to_owned(), error_message }
    }
}
