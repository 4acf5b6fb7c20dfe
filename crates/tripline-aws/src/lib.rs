//! What Tripline's functions and its command share of AWS: how a client is set up, and what a
//! failure says.
//!
//! Every AWS call is bounded here, once: the SDK sets a connect timeout and nothing else, so that
//! a call could outlive the function that makes it.
//!
//! A call that failed says which one it was and what can be done about it. Callers decide by its kind; the text is for
//! people, and never the SDK's own, which says "service error".
//!
//! ```
//! use tripline_aws::{Failure, FailureKind};
//!
//! let failure = Failure::new("CancelJob", FailureKind::Throttled, "too many requests");
//! assert_eq!(failure.kind.error_type(), "Tripline.Throttled");
//! assert!(failure.to_string().starts_with("CancelJob: too many requests"));
//! ```

pub mod answer;
#[cfg(any(feature = "people", feature = "function"))]
mod bounded;
#[cfg(feature = "cloudwatch")]
pub mod cloudwatch;
mod failure;
#[cfg(feature = "function")]
pub mod function;
#[cfg(feature = "iot")]
pub mod iot;
pub mod protocol;
#[cfg(feature = "people")]
mod remedy;
pub mod taken;
#[cfg(feature = "people")]
mod traced;

use std::time::Duration;

#[cfg(feature = "people")]
use aws_config::{BehaviorVersion, Region};

pub use aws_config::SdkConfig;
pub use aws_smithy_types::{retry::RetryConfig, timeout::TimeoutConfig};
pub use failure::{Failure, FailureKind};
#[cfg(feature = "people")]
pub use traced::traced;

/// Longest time to open a connection.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Longest time that a connection is kept for the next call. AWS says of none of its services when it closes
/// an idle one (its load balancers: after 60 s), and a request that meets the close is lost without a word
/// whether it was taken: so well below.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(20);
/// Longest time for one try of a call.
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest time for a call with all its tries. A function that makes `n` calls one after another
/// needs a timeout of more than `n` times this.
pub const OPERATION_TIMEOUT: Duration = Duration::from_secs(15);
/// Tries of a call, the first one included; waits between them double up from a random part of a
/// second.
pub const ATTEMPTS: u32 = 4;

/// Settings for the clients of a person's command: region, credentials and endpoint from wherever
/// the AWS CLI takes them. A `region` that is given goes before all others.
#[cfg(feature = "people")]
pub async fn config(region: Option<String>) -> SdkConfig {
    let mut loader = aws_config::defaults(BehaviorVersion::latest());
    if let Some(region) = region {
        loader = loader.region(Region::new(region));
    }
    loader
        .http_client(bounded::http_client())
        .timeout_config(bounded::timeouts())
        .retry_config(bounded::retries())
        .load()
        .await
}
