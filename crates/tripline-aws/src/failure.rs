//! Why an AWS call failed, in words a person can use.

use std::{env, fmt};

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::http::Response;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use tripline::diagnostic::Diagnostic;
use tripline::text::{bare_name, excerpt, shown};

/// An AWS call that failed: which one, and the service's own code and message (the SDK's error
/// text says only "service error").
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The API's name of the call, such as `CancelJob`.
    pub operation: &'static str,
    /// What can be done about it.
    pub kind: FailureKind,
    texts: Box<Texts>,
}

/// What a failure says. Boxed: it is part of nearly every result, and is moved and dropped in many places.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Texts {
    detail: String,
    /// AWS's code, if it gave one.
    code: Option<String>,
    hint: Option<String>,
    /// Commands that the hint names.
    commands: Vec<String>,
}

impl std::error::Error for Failure {}

/// With what to do about it, which logs are to have as well.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.operation, self.texts.detail)?;
        match &self.texts.hint {
            Some(hint) => write!(f, "\n  hint: {hint}"),
            None => Ok(()),
        }
    }
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

    /// The name for programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Throttled => "throttled",
            Self::NotFound => "notFound",
            Self::Denied => "denied",
            Self::Refused => "refused",
            Self::Unavailable => "unavailable",
        }
    }
}

impl Failure {
    /// A failure that is known without an [`SdkError`].
    pub fn new(operation: &'static str, kind: FailureKind, detail: impl Into<String>) -> Self {
        Self::with_texts(operation, kind, bounded(&detail.into()), None)
    }

    fn with_texts(
        operation: &'static str,
        kind: FailureKind,
        detail: String,
        code: Option<String>,
    ) -> Self {
        let texts = Texts { detail, code, hint: None, commands: Vec::new() };
        Self { operation, kind, texts: Box::new(texts) }
    }

    /// The same, with what to do next. What there is to do already comes first.
    #[must_use]
    pub fn with_hint(mut self, hint: impl AsRef<str>) -> Self {
        self.texts.hint = Some(match &self.texts.hint {
            Some(first) => format!("{first}; {}", hint.as_ref()),
            None => hint.as_ref().to_owned(),
        });
        self
    }

    /// The same, with a command that the hint names, as a shell takes it.
    #[must_use]
    pub fn with_command(mut self, command: impl Into<String>) -> Self {
        self.texts.commands.push(command.into());
        self
    }

    /// The same, with more of what happened.
    #[must_use]
    pub fn with_more(mut self, more: impl AsRef<str>) -> Self {
        self.texts.detail += more.as_ref();
        self
    }

    /// The same, of this resource, such as "bucket `firmware`".
    #[must_use]
    pub fn of(mut self, resource: impl fmt::Display) -> Self {
        self.texts.detail = format!("{resource}: {}", self.texts.detail);
        self
    }

    /// AWS's code, if it gave one.
    pub fn code(&self) -> Option<&str> {
        self.texts.code.as_deref()
    }

    /// What AWS said, without the call and without what to do.
    pub fn detail(&self) -> &str {
        &self.texts.detail
    }

    /// The call and what became of it, without what to do.
    pub fn what(&self) -> String {
        format!("{}: {}", self.operation, self.texts.detail)
    }

    /// What happened and what to do, as data.
    pub fn diagnostic(&self) -> Diagnostic {
        let diagnostic = Diagnostic::new(self.what());
        let diagnostic = match &self.texts.hint {
            Some(hint) => diagnostic.with_hint(hint),
            None => diagnostic,
        };
        self.texts.commands.iter().fold(diagnostic, Diagnostic::with_command)
    }

    /// What AWS answered: its code and its message.
    pub(crate) fn answered(
        operation: &'static str,
        kind: FailureKind,
        code: &str,
        message: &str,
    ) -> Self {
        let code = excerpt(code);
        let detail = bounded(&format!("{code}: {message}"));
        Self::with_texts(operation, kind, detail, Some(code))
    }

    /// The call and what became of it, without a word of AWS's or of whoever answered in its place but
    /// the code, as a [`bare_name`]: for messages to people who do not read logs.
    pub fn in_short(&self) -> String {
        let what = match self.kind {
            FailureKind::Throttled => "throttled",
            FailureKind::NotFound => "not found",
            FailureKind::Denied => "access denied",
            FailureKind::Refused => "refused",
            FailureKind::Unavailable => "no usable answer",
        };
        match &self.texts.code {
            Some(code) => format!("{}: {what}, {}", self.operation, bare_name(code)),
            None => format!("{}: {what}", self.operation),
        }
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
                let failure = match code {
                    Some(code) => Self::answered(operation, kind, code, message),
                    // What answers a HEAD says no more.
                    None if kind == FailureKind::Denied => {
                        Self::new(operation, kind, format!("access denied (HTTP {status})"))
                    }
                    None => Self::new(operation, kind, format!("no AWS answer (HTTP {status})")),
                };
                #[cfg(feature = "people")]
                let failure =
                    failure.with_remedy(status, context.raw().headers().get("x-amz-bucket-region"));
                failure
            }
            SdkError::TimeoutError(_) => {
                Self::new(operation, FailureKind::Unavailable, "no answer in time")
                    .sent_to_endpoint()
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
                // Not with the whole answer, which may be a page of any length.
                root_cause(other),
            ),
        }
    }
}

/// Most characters of a failure's text: whoever answers in AWS's place may answer anything.
const MAX_DETAIL: usize = 1_000;

fn bounded(text: &str) -> String {
    let text = shown(text);
    if text.len() <= MAX_DETAIL {
        text
    } else {
        text.chars().take(MAX_DETAIL).collect::<String>() + ".."
    }
}

/// The variable that sends every call elsewhere than to AWS.
const ENDPOINT: &str = "AWS_ENDPOINT_URL";

impl Failure {
    fn unsent(operation: &'static str, cause: &str) -> Self {
        let text = format!("the request could not be sent{cause}");
        Self::new(operation, FailureKind::Unavailable, text).sent_to_endpoint()
    }

    /// The SDK's own text lists everything that it tried, and nothing that could be done.
    fn without_credentials(operation: &'static str, fault: &CredentialsError) -> Self {
        if let CredentialsError::CredentialsNotLoaded(_) = fault {
            let profile = variable("AWS_PROFILE");
            let profile = profile.map_or_else(String::new, |name| format!(" for profile `{name}`"));
            let text = format!("no AWS credentials were found{profile}");
            return Self::new(operation, FailureKind::Denied, text)
                .with_hint("set credentials, for example with `aws configure`")
                .with_command("aws configure");
        }
        let text = format!("the AWS credentials cannot be used: {}", root_cause(fault));
        Self::new(operation, FailureKind::Unavailable, text)
            .with_hint("set credentials, for example with `aws configure`, or renew them with `aws sso login`")
            .with_command("aws configure")
            .with_command("aws sso login")
    }

    /// Who answers is the first question when nobody does, and a variable is easily forgotten.
    fn sent_to_endpoint(self) -> Self {
        match variable(ENDPOINT) {
            Some(endpoint) => self.with_hint(endpoint_hint(&endpoint)),
            None => self,
        }
    }
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

fn endpoint_hint(endpoint: &str) -> String {
    format!("nothing answered at `{endpoint}` (from {ENDPOINT}); unset it to call AWS")
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
    } else if (400..500).contains(&status) && code.is_some_and(names_what_is_missing) {
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
/// Whether a code says that what was named does not exist. They are known whole: an unknown operation
/// or endpoint is "not found" too. S3's client makes `NotFound` of a HEAD's 404 itself.
fn names_what_is_missing(code: &str) -> bool {
    matches!(
        code,
        "ResourceNotFoundException"
            | "ResourceNotFound"
            | "NotFound"
            | "NotFoundException"
            | "NoSuchKey"
            | "NoSuchBucket"
            | "NoSuchEntity"
            | "QueueDoesNotExist"
    ) || code.ends_with("NonExistentQueue")
}
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
            ("ResourceNotFoundException", 500, FailureKind::Unavailable),
            ("ResourceNotFoundException", 200, FailureKind::Unavailable),
            ("EndpointNotFoundException", 404, FailureKind::Unavailable),
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
        assert_eq!(
            endpoint_hint("http://127.0.0.1:4566"),
            "nothing answered at `http://127.0.0.1:4566` (from AWS_ENDPOINT_URL); unset it to call AWS"
        );
    }

    #[test]
    fn what_to_do_comes_after_what_happened() {
        let failure = Failure::new("DeleteAlarms", FailureKind::Unavailable, "lost")
            .with_hint("look")
            .with_more("\n  not removed: `a`")
            .with_hint("run the command again")
            .of("stack `tripline`");
        assert_eq!(failure.what(), "DeleteAlarms: stack `tripline`: lost\n  not removed: `a`");
        assert_eq!(
            failure.to_string(),
            "DeleteAlarms: stack `tripline`: lost\n  not removed: `a`\n  hint: look; run the command again"
        );
    }

    #[test]
    fn people_read_no_word_of_the_answer_but_its_code() {
        let text = "call +1-900-555 or see https://a.example";
        let answered =
            Failure::answered("CancelJob", FailureKind::Refused, "Invalid Request!", text);
        assert_eq!(answered.in_short(), "CancelJob: refused, Invalid_Request_");
        assert!(answered.to_string().contains(text));
        let long = Failure::new("CancelJob", FailureKind::Unavailable, "<".repeat(1_000_000));
        assert_eq!(long.to_string().len(), "CancelJob: ".len() + MAX_DETAIL + 2);
        let own = Failure::new("CancelJob", FailureKind::Unavailable, text);
        assert_eq!(own.in_short(), "CancelJob: no usable answer");
    }

    #[test]
    fn says_which_call_and_what_the_service_said() {
        let failure =
            Failure::new("CancelJob", FailureKind::Refused, "InvalidRequest: job is done");
        assert_eq!(failure.to_string(), "CancelJob: InvalidRequest: job is done");
    }
}
