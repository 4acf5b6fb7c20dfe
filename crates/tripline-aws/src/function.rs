//! What every Lambda function of Tripline begins with.

use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::{BehaviorVersion, Region};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_async::time::SystemTimeSource;

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
