//! What counts as an answer of AWS.
//!
//! A proxy, a load balancer or a captive page can answer 200 too. The SDK reads an answer without
//! a body as one without members, so that "nothing was said" would pass for "there is none".

use std::fmt;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::{
    AfterDeserializationInterceptorContextRef, FinalizerInterceptorContextRef, InterceptorContext,
};
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::client::retries::classifiers::{
    ClassifyRetry, RetryAction, RetryClassifierPriority,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::Response;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;

use crate::failure::kind_of;
use crate::{Failure, FailureKind};

/// Fails a call whose answer lacks what it was asked for, so that it is tried again.
pub struct Complete<O>(fn(&O) -> bool);

impl<O> Complete<O> {
    /// `is_complete` says whether an answer can be used.
    pub const fn new(is_complete: fn(&O) -> bool) -> Self {
        Self(is_complete)
    }
}

impl<O> fmt::Debug for Complete<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Complete")
    }
}

#[dyn_dispatch_hint]
impl<O: fmt::Debug + Send + Sync + 'static> Intercept for Complete<O> {
    fn name(&self) -> &'static str {
        "Complete"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        match context.output_or_error().ok().and_then(|output| output.downcast_ref::<O>()) {
            Some(output) if !(self.0)(output) => Err("an answer without what was asked for".into()),
            _ => Ok(()),
        }
    }
}

/// Whether an answer that lacks what it was asked for is AWS's all the same: that has a request id. `{}` of a proxy would
/// read as "there is none".
///
/// # Errors
/// [`FailureKind::Unavailable`]: somebody else has answered.
pub fn whole(
    operation: &'static str,
    is_whole: bool,
    answer: &impl RequestId,
) -> Result<(), Failure> {
    if is_whole || answer.request_id().is_some() {
        return Ok(());
    }
    Err(Failure::new(operation, FailureKind::Unavailable, "an answer that is not AWS's"))
}

/// Remembers AWS's last answer to one call: what is tried until it is out of time fails with what AWS
/// said, such as that a right is missing, and not with the clock. `E` is the operation's error.
pub struct LastAnswer<E>(Arc<Mutex<Option<Said>>>, PhantomData<fn(E)>);

/// What an answer said: its kind, code and message.
type Said = (FailureKind, Option<String>, String);

impl<E> LastAnswer<E> {
    /// For one call, which has not been answered yet.
    pub fn new() -> Self {
        Self(Arc::default(), PhantomData)
    }
}

impl<E> Default for LastAnswer<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E> Clone for LastAnswer<E> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0), PhantomData)
    }
}

impl<E> fmt::Debug for LastAnswer<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LastAnswer")
    }
}

impl<E> LastAnswer<E>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    /// Why the call failed.
    pub fn failure(&self, operation: &'static str, error: &SdkError<E, Response>) -> Failure {
        let said = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match (error, said) {
            (SdkError::TimeoutError(_), Some((kind, code, message))) => {
                let message = format!("{message} (tried until out of time)");
                match code {
                    Some(code) => Failure::answered(operation, kind, &code, &message),
                    None => Failure::new(operation, kind, message),
                }
            }
            _ => Failure::from_sdk(operation, error),
        }
    }
}

#[dyn_dispatch_hint]
impl<E> Intercept for LastAnswer<E>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    fn name(&self) -> &'static str {
        "LastAnswer"
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let error = context.output_or_error().and_then(Result::err);
        let error = error.and_then(|error| error.as_operation_error()?.downcast_ref::<E>());
        // An attempt that was not answered says nothing new.
        if let (Some(error), Some(response)) = (error, context.response()) {
            let kind = kind_of(error.code(), response.status().as_u16());
            let message = error.message().unwrap_or("no message").to_owned();
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) =
                Some((kind, error.code().map(str::to_owned), message));
        }
        Ok(())
    }
}

/// Tries again whatever was not answered: the SDK by itself repeats neither a denied call nor one
/// with a code that it does not know, although a role or a proxy may be well again a moment later.
/// `E` is the operation's error.
pub struct UntilAnswered<E>(PhantomData<fn(E)>);

impl<E> UntilAnswered<E> {
    /// For the calls of one operation.
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<E> Default for UntilAnswered<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E> fmt::Debug for UntilAnswered<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UntilAnswered")
    }
}

impl<E> ClassifyRetry for UntilAnswered<E>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let Some(Err(error)) = context.output_or_error() else {
            return RetryAction::NoActionIndicated;
        };
        let Some(error) = error.as_operation_error() else {
            // It was not sent, cut off, out of time, or refused by one of the interceptors above.
            return RetryAction::transient_error();
        };
        // Those of other operations have a classifier of their own.
        let Some(error) = error.downcast_ref::<E>() else { return RetryAction::NoActionIndicated };
        let status = context.response().map_or(0, |response| response.status().as_u16());
        match kind_of(error.code(), status) {
            FailureKind::NotFound | FailureKind::Refused => RetryAction::NoActionIndicated,
            FailureKind::Throttled => RetryAction::throttling_error(),
            FailureKind::Denied | FailureKind::Unavailable => RetryAction::transient_error(),
        }
    }

    fn name(&self) -> &'static str {
        "UntilAnswered"
    }

    // After those of the SDK, none of which forbids anything.
    fn priority(&self) -> RetryClassifierPriority {
        RetryClassifierPriority::run_after(
            RetryClassifierPriority::modeled_as_retryable_classifier(),
        )
    }
}
