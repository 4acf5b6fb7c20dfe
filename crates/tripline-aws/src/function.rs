//! What every Lambda function of Tripline begins and ends with.

use std::any::Any;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::{BehaviorVersion, Region};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_async::time::SystemTimeSource;

use lambda_runtime::Diagnostic;
use tripline::text::excerpt;

use crate::SdkConfig;
use crate::bounded::{http_client, retries, timeouts};

/// Settings for the clients of a function: region, credentials and endpoint (`AWS_ENDPOINT_URL`)
/// from the environment, which is where Lambda puts them.
///
/// The SDK's default chain also looks into profiles, containers and instances, and brings another
/// service's client for that: a third of a megabyte in every zip, for nothing.
pub fn config() -> SdkConfig {
    let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let credentials = EnvironmentVariableCredentialsProvider::new();
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(variable("AWS_REGION").map(Region::new))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(http_client())
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .time_source(SystemTimeSource::new())
        .timeout_config(timeouts())
        .retry_config(retries());
    config.set_endpoint_url(variable("AWS_ENDPOINT_URL"));
    config.build()
}

/// Logs go to the standard output as one JSON object a line, from level INFO on.
pub fn init_logs() {
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_target(false)
        .init();
}

/// The error type of a panic, which is a bug of the function.
const PANIC: &str = "Tripline.Panic";

/// Handles an invocation so that it ends with a documented error type even if it panics. The runtime would catch
/// it too, and report the name of a Rust type.
///
/// # Errors
/// Those of the handling, and a panic.
pub async fn caught<T, E: Into<Diagnostic>>(
    handling: impl Future<Output = Result<T, E>>,
) -> Result<T, Diagnostic> {
    let mut handling = pin!(handling);
    // What a panic leaves half done lasts no longer than the invocation, or is behind a lock that is made for it.
    let ended = poll_fn(|context| {
        let polled = catch_unwind(AssertUnwindSafe(|| handling.as_mut().poll(context)));
        polled.map_or_else(|panic| Poll::Ready(Err(panic)), |poll| poll.map(Ok))
    });
    match ended.await {
        Ok(result) => result.map_err(Into::into),
        Err(panic) => Err(Diagnostic {
            error_type: PANIC.to_owned(),
            error_message: format!("the function panicked: {}", excerpt(said(panic.as_ref()))),
        }),
    }
}

/// What a panic said: a text, unless somebody went out of their way.
fn said(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_error_of_a_documented_type() {
        assert_eq!(caught(async { Ok::<_, String>(7) }).await, Ok(7));
        let panics: [fn() -> Result<(), String>; 2] =
            [|| panic!("a bug"), || panic!("a {}", "bug")];
        for panics in panics {
            let handling = async {
                tokio::task::yield_now().await;
                panics()
            };
            let failed = caught(handling).await.unwrap_err();
            assert_eq!(failed.error_type, "Tripline.Panic");
            assert_eq!(failed.error_message, "the function panicked: a bug");
        }
    }
}
