//! What Tripline's functions and its command share of AWS: how a client is set up, and what a
//! failure says.
//!
//! Every AWS call is bounded here, once: the SDK sets a connect timeout and nothing else, so that
//! a call could outlive the function that makes it.

mod failure;

use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_types::{retry::RetryConfig, timeout::TimeoutConfig};

pub use aws_config::SdkConfig;
pub use failure::{Failure, FailureKind};

/// Longest time to open a connection.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Longest time for one try of a call.
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest time for a call with all its tries. A function that makes `n` calls one after another
/// needs a timeout of more than `n` times this.
pub const OPERATION_TIMEOUT: Duration = Duration::from_secs(15);
/// Tries of a call, the first one included; waits between them double up from a random part of a
/// second.
pub const ATTEMPTS: u32 = 4;

/// Settings for every AWS client: region, credentials and endpoint (`AWS_ENDPOINT_URL`) from the
/// environment, with connect, attempt and operation timeouts set.
pub async fn config() -> SdkConfig {
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https();
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(OPERATION_TIMEOUT)
        .build();
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .load()
        .await
}
