//! Whether AWS may have done what it was asked for, although it did not say so. For calls that do harm if they
//! are made twice.

use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::client::retries::classifiers::{
    ClassifyRetry, RetryAction, RetryClassifierPriority, RetryReason,
};
use aws_smithy_runtime_api::http::Response;
use aws_smithy_types::retry::ErrorKind;
use hyper_util::client::legacy::Error as HttpError;

use crate::FailureKind;
use crate::failure::credentials_error;

/// What became of a call that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// AWS did nothing: it was never asked, or it refused.
    No,
    /// Nobody knows: no answer came, one that cannot be read, or one that reports a fault on the other side.
    ///
    /// A 5xx belongs here, a 503 too. AWS's API references say of both only that the request *failed*
    /// (`InternalFailure`: "some unknown error, exception or failure"; `ServiceUnavailable`: "a temporary failure
    /// of the server"), and of neither that nothing was done before.
    Unknown,
}

impl Taken {
    /// What an error says of it. `kind` is that of the error's [`Failure`](crate::Failure).
    pub fn of<E>(error: &SdkError<E, Response>, kind: FailureKind) -> Self {
        match error {
            // To throttle is to turn away, whatever the status.
            _ if kind == FailureKind::Throttled => Self::No,
            SdkError::ConstructionFailure(_) => Self::No,
            SdkError::DispatchFailure(dispatch) => {
                let error = dispatch.as_connector_error();
                error.map_or(Self::Unknown, |error| Self::of_connection(error))
            }
            other => {
                let status = other.raw_response().map(|response| response.status().as_u16());
                status.map_or(Self::Unknown, Self::of_status)
            }
        }
    }

    /// A 4xx says that the request is at fault, which is found before anything is done.
    fn of_status(status: u16) -> Self {
        if (400..500).contains(&status) { Self::No } else { Self::Unknown }
    }

    /// Only of a connection that never was, and without credentials, it is sure that nothing was sent.
    fn of_connection(error: &(dyn std::error::Error + 'static)) -> Self {
        if credentials_error(error).is_some() {
            return Self::No;
        }
        let mut next = Some(error);
        while let Some(error) = next {
            if error.downcast_ref::<HttpError>().is_some_and(HttpError::is_connect) {
                return Self::No;
            }
            next = error.source();
        }
        Self::Unknown
    }
}

/// Lets the SDK try a call again only if AWS has certainly done nothing. Which of those are worth it, and how
/// often, stays the SDK's to say.
#[derive(Debug, Clone, Copy)]
pub struct OnlyIfNotTaken;

impl ClassifyRetry for OnlyIfNotTaken {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let Some(Err(error)) = context.output_or_error() else {
            return RetryAction::NoActionIndicated;
        };
        let taken = match (context.response(), error.as_connector_error()) {
            (Some(response), _) => Taken::of_status(response.status().as_u16()),
            (None, Some(connection)) => Taken::of_connection(connection),
            (None, None) => Taken::Unknown,
        };
        match taken {
            Taken::No => RetryAction::NoActionIndicated,
            Taken::Unknown => RetryAction::RetryForbidden,
        }
    }

    fn classify_retry_v2(
        &self,
        context: &InterceptorContext,
        previous: &RetryAction,
    ) -> RetryAction {
        match previous {
            RetryAction::RetryIndicated(RetryReason::RetryableError {
                kind: ErrorKind::ThrottlingError,
                ..
            }) => previous.clone(),
            _ => self.classify_retry(context),
        }
    }

    fn name(&self) -> &'static str {
        "OnlyIfNotTaken"
    }

    /// After the SDK's own, which it narrows down.
    fn priority(&self) -> RetryClassifierPriority {
        RetryClassifierPriority::run_after(RetryClassifierPriority::transient_error_classifier())
    }
}
