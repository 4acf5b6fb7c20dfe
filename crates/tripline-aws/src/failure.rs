//! Why an AWS call failed, in words a person can use.

use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::http::Response;
use aws_smithy_types::error::display::DisplayErrorContext;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

/// An AWS call that failed: which one, and the service's own code and message (the SDK's error
/// text says only "service error").
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{operation}: {detail}")]
pub struct Failure {
    /// The API's name of the call, such as `CancelJob`.
    pub operation: &'static str,
    /// What can be done about it.
    pub kind: FailureKind,
    detail: String,
}

/// What can be done about a failed call. This is the contract on which callers decide; the text
/// is for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// Too many calls: try again later.
    Throttled,
    /// What was named does not exist.
    NotFound,
    /// AWS may not do this for us: missing permission or bad credentials.
    Denied,
    /// AWS refuses the request itself: the same request will fail again.
    Refused,
    /// No answer, or a fault on the other side: try again later.
    Unavailable,
}

impl FailureKind {
    /// The stable error type for logs and metric filters.
    pub fn error_type(self) -> &'static str {
        match self {
            Self::Throttled => "Tripline.Throttled",
            Self::NotFound => "Tripline.NotFound",
            Self::Denied => "Tripline.Denied",
            Self::Refused => "Tripline.Refused",
            Self::Unavailable => "Tripline.Unavailable",
        }
    }
}

impl Failure {
    /// A failure that is known without an [`SdkError`].
    pub fn new(operation: &'static str, kind: FailureKind, detail: impl Into<String>) -> Self {
        Self { operation, kind, detail: detail.into() }
    }

    /// Takes an SDK error apart.
    pub fn from_sdk<E>(operation: &'static str, error: &SdkError<E, Response>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        match error {
            SdkError::ServiceError(context) => {
                let code = context.err().code().unwrap_or("unknown error");
                let message = context.err().message().unwrap_or("no message");
                let kind = kind_of(code, context.raw().status().as_u16());
                Self::new(operation, kind, format!("{code}: {message}"))
            }
            SdkError::TimeoutError(_) => {
                Self::new(operation, FailureKind::Unavailable, "no answer in time")
            }
            SdkError::DispatchFailure(dispatch) => {
                let cause = dispatch.as_connector_error().map_or_else(
                    || "the request could not be sent".to_owned(),
                    |cause| format!("the request could not be sent: {}", root_cause(cause)),
                );
                Self::new(operation, FailureKind::Unavailable, cause)
            }
            other => Self::new(
                operation,
                FailureKind::Unavailable,
                DisplayErrorContext(other).to_string(),
            ),
        }
    }
}

/// The last of a chain of errors says what happened; those before it say where in the HTTP client.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(next) = last.source() {
        last = next;
    }
    last.to_string()
}

/// IoT answers a throttled call with status 400, so the code decides before the status does.
fn kind_of(code: &str, status: u16) -> FailureKind {
    match code {
        _ if code.contains("Throttl")
            || code.contains("TooManyRequests")
            || code.contains("RequestLimitExceeded")
            || code == "LimitExceededException" =>
        {
            FailureKind::Throttled
        }
        _ if code.contains("NotFound") || code == "NoSuchKey" || code == "NoSuchBucket" => {
            FailureKind::NotFound
        }
        _ if code.contains("AccessDenied")
            || code.contains("Unauthorized")
            || code.contains("UnrecognizedClient")
            || code.contains("InvalidClientTokenId")
            || code.contains("ExpiredToken")
            || code.contains("SignatureDoesNotMatch") =>
        {
            FailureKind::Denied
        }
        _ if status == 429 => FailureKind::Throttled,
        _ if status >= 500 => FailureKind::Unavailable,
        _ => FailureKind::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_decides_before_the_status() {
        for (code, status, kind) in [
            ("ThrottlingException", 400, FailureKind::Throttled),
            ("Throttling", 400, FailureKind::Throttled),
            ("LimitExceededException", 410, FailureKind::Throttled),
            ("ResourceNotFoundException", 404, FailureKind::NotFound),
            ("ResourceNotFound", 404, FailureKind::NotFound),
            ("AccessDeniedException", 403, FailureKind::Denied),
            ("ExpiredToken", 403, FailureKind::Denied),
            ("InvalidRequestException", 400, FailureKind::Refused),
            ("ServiceUnavailableException", 503, FailureKind::Unavailable),
            ("InternalFailure", 500, FailureKind::Unavailable),
            ("anything", 429, FailureKind::Throttled),
        ] {
            assert_eq!(kind_of(code, status), kind, "{code}");
        }
    }

    #[test]
    fn says_which_call_and_what_the_service_said() {
        let failure = Failure::new("CancelJob", FailureKind::Refused, "InvalidRequest: job is done");
        assert_eq!(failure.to_string(), "CancelJob: InvalidRequest: job is done");
    }
}
