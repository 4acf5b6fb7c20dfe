//! Why an AWS call failed, in words a person can use.

use std::env;

use aws_credential_types::provider::error::CredentialsError;
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
    pub(crate) detail: String,
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
    /// AWS refuses the request itself, with a code that says so: the same request will fail again.
    Refused,
    /// No answer that can be used: none at all, a fault on the other side, or one that is not
    /// listed as anything else. Nothing follows from it; try again later.
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
                let code = context.err().code();
                let message = context.err().message().unwrap_or("no message");
                let status = context.raw().status().as_u16();
                let kind = kind_of(code, status);
                match code {
                    Some(code) => Self::new(operation, kind, format!("{code}: {message}")),
                    None => Self::new(operation, kind, format!("no AWS answer (HTTP {status})")),
                }
            }
            SdkError::TimeoutError(_) => {
                let text = format!("no answer in time{}", endpoint_hint(variable(ENDPOINT)));
                Self::new(operation, FailureKind::Unavailable, text)
            }
            SdkError::DispatchFailure(dispatch) => match dispatch.as_connector_error() {
                Some(cause) => match credentials_error(cause) {
                    Some(fault) => Self::without_credentials(operation, fault),
                    None => Self::unsent(operation, &format!(": {}", root_cause(cause))),
                },
                None => Self::unsent(operation, ""),
            },
            other => Self::new(
                operation,
                FailureKind::Unavailable,
                DisplayErrorContext(other).to_string(),
            ),
        }
    }
}

/// The variable that sends every call elsewhere than to AWS.
const ENDPOINT: &str = "AWS_ENDPOINT_URL";

impl Failure {
    fn unsent(operation: &'static str, cause: &str) -> Self {
        let hint = endpoint_hint(variable(ENDPOINT));
        let text = format!("the request could not be sent{cause}{hint}");
        Self::new(operation, FailureKind::Unavailable, text)
    }

    /// The SDK's own text lists everything that it tried, and nothing that could be done.
    fn without_credentials(operation: &'static str, fault: &CredentialsError) -> Self {
        if let CredentialsError::CredentialsNotLoaded(_) = fault {
            let profile = variable("AWS_PROFILE");
            let profile = profile.map_or_else(String::new, |name| format!(" for profile `{name}`"));
            let text = format!(
                "no AWS credentials were found{profile}\n\n  hint: set credentials, for example with `aws configure`"
            );
            return Self::new(operation, FailureKind::Denied, text);
        }
        let text = format!(
            "the AWS credentials cannot be used: {}\n\n  hint: set credentials, for example with `aws configure`, or renew them with `aws sso login`",
            root_cause(fault)
        );
        Self::new(operation, FailureKind::Unavailable, text)
    }
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// Who answers is the first question when nobody does, and a variable is easily forgotten.
fn endpoint_hint(endpoint: Option<String>) -> String {
    endpoint.map_or_else(String::new, |endpoint| {
        format!("\n\n  hint: is there anybody at endpoint `{endpoint}`, from {ENDPOINT}?")
    })
}

/// The error of a credentials provider, however deep in the chain.
pub(crate) fn credentials_error<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> Option<&'a CredentialsError> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// The last of a chain of errors says what happened; those before it say where in the HTTP client.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(next) = last.source() {
        last = next;
    }
    last.to_string()
}

/// What a failed call's code and status say.
///
/// The code decides: AWS IoT answers a throttled call with status 400, and a status without a code
/// may be that of a proxy. Whatever is not listed is no answer, and never means that something
/// does not exist or is not valid.
pub(crate) fn kind_of(code: Option<&str>, status: u16) -> FailureKind {
    let has =
        |parts: &[&str]| code.is_some_and(|code| parts.iter().any(|part| code.contains(part)));
    if has(&THROTTLED) {
        FailureKind::Throttled
    } else if has(&NOT_FOUND) {
        FailureKind::NotFound
    } else if has(&DENIED) {
        FailureKind::Denied
    } else if (400..500).contains(&status) && has(&REFUSED) {
        FailureKind::Refused
    } else {
        match status {
            // What answers a HEAD has no body, and so no code.
            403 if code.is_none() => FailureKind::Denied,
            429 => FailureKind::Throttled,
            _ => FailureKind::Unavailable,
        }
    }
}

/// Parts of the codes of throttled calls.
const THROTTLED: [&str; 6] = [
    "Throttl",
    "TooManyRequests",
    "RequestLimitExceeded",
    "LimitExceededException",
    "SlowDown",
    "ThroughputExceeded",
];
/// Of those that name what does not exist. S3's client makes `NotFound` of a HEAD's 404 itself.
const NOT_FOUND: [&str; 5] =
    ["NotFound", "NoSuchKey", "NoSuchBucket", "NoSuchEntity", "NonExistentQueue"];
/// Of those of missing permissions, bad credentials, and signatures that do not hold.
const DENIED: [&str; 15] = [
    "AccessDenied",
    "Unauthorized",
    "NotAuthorized",
    "AuthorizationError",
    "UnrecognizedClient",
    "InvalidClientTokenId",
    "InvalidAccessKeyId",
    "ExpiredToken",
    "InvalidToken",
    "SignatureDoesNotMatch",
    "InvalidSignature",
    "IncompleteSignature",
    "MissingAuthenticationToken",
    "RequestExpired",
    "RequestTimeTooSkewed",
];
/// Of those of requests that are wrong, or that what is there forbids.
const REFUSED: [&str; 13] = [
    "Validation",
    "InvalidParameter",
    "InvalidRequest",
    "InvalidInput",
    "InvalidFormat",
    "InvalidStateTransition",
    "InvalidNextToken",
    "AlreadyExists",
    "Conflict",
    "ConditionalCheckFailed",
    "Unsupported",
    "InUse",
    "PreconditionFailed",
];

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
            ("InvalidSignatureException", 403, FailureKind::Denied),
            ("RequestExpired", 400, FailureKind::Denied),
            ("IncompleteSignature", 400, FailureKind::Denied),
        ] {
            assert_eq!(kind_of(Some(code), status), kind, "{code}");
        }
    }

    #[test]
    fn what_is_not_listed_is_no_answer() {
        for (code, status) in [
            (None, 200),
            (None, 400),
            (None, 404),
            (None, 408),
            (None, 500),
            (Some("RequestTimeout"), 408),
            (Some("SomethingNew"), 400),
            (Some("ValidationError"), 200),
            (Some("InvalidAction"), 400),
        ] {
            assert_eq!(kind_of(code, status), FailureKind::Unavailable, "{code:?} {status}");
        }
        assert_eq!(kind_of(None, 403), FailureKind::Denied);
    }

    #[test]
    fn missing_credentials_are_said_with_what_to_do() {
        use aws_smithy_runtime_api::client::result::ConnectorError;

        let deep = |fault: CredentialsError| {
            let wrapped = ConnectorError::other(fault.into(), None);
            let error: SdkError<aws_smithy_types::error::ErrorMetadata, Response> =
                SdkError::dispatch_failure(ConnectorError::other(wrapped.into(), None));
            Failure::from_sdk("DescribeJob", &error)
        };
        let none = deep(CredentialsError::not_loaded("Attempted:\n  Environment\n  Profile"));
        assert_eq!(none.kind, FailureKind::Denied);
        let none = none.to_string();
        assert!(none.starts_with("DescribeJob: no AWS credentials were found"), "{none}");
        let hint = "hint: set credentials, for example with `aws configure`";
        assert!(none.ends_with(hint), "{none}");
        let expired = deep(CredentialsError::provider_error("the session has expired"));
        assert_eq!(expired.kind, FailureKind::Unavailable);
        assert!(expired.to_string().contains("cannot be used: the session has expired\n"));
    }

    #[test]
    fn an_endpoint_of_one_s_own_is_named() {
        assert_eq!(endpoint_hint(None), "");
        assert_eq!(
            endpoint_hint(Some("http://127.0.0.1:4566".to_owned())),
            "\n\n  hint: is there anybody at endpoint `http://127.0.0.1:4566`, from AWS_ENDPOINT_URL?"
        );
    }

    #[test]
    fn says_which_call_and_what_the_service_said() {
        let failure =
            Failure::new("CancelJob", FailureKind::Refused, "InvalidRequest: job is done");
        assert_eq!(failure.to_string(), "CancelJob: InvalidRequest: job is done");
    }
}
