//! AWS as this function uses it: one file a service.

mod cloudwatch;
mod dynamodb;
mod iot;
mod sns;

use std::sync::OnceLock;
use std::time::Duration;

use tripline_aws::protocol::InProtocol;
use tripline_aws::{RetryConfig, SdkConfig, TimeoutConfig};

use crate::settings::Settings;

/// Longest time for one try of a call.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(3);
/// Longest time for a call. What fails is tried again the next minute.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(4);
/// Two, so that one lost answer does not cost a minute, and quotas stay what they are.
const ATTEMPTS: u32 = 2;

/// The four clients.
#[derive(Debug)]
pub struct Aws {
    cloudwatch: aws_sdk_cloudwatch::Client,
    dynamodb: aws_sdk_dynamodb::Client,
    iot: aws_sdk_iot::Client,
    /// Made once people are to be alerted: most environments never do, and would begin later for it.
    sns: OnceLock<aws_sdk_sns::Client>,
    config: SdkConfig,
    settings: Settings,
}

impl Aws {
    /// Clients with these settings, but for a minute's limits.
    pub fn new(config: &SdkConfig, settings: &Settings) -> Self {
        let connect = config.timeout_config().and_then(TimeoutConfig::connect_timeout);
        let mut timeouts = TimeoutConfig::builder()
            .operation_attempt_timeout(ATTEMPT_TIMEOUT)
            .operation_timeout(CALL_TIMEOUT);
        timeouts.set_connect_timeout(connect);
        let timeouts = timeouts.build();
        let config = config
            .to_builder()
            .timeout_config(timeouts)
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
            .build();
        // `{}` of anybody would read as "no alarms", and all of them would be put again.
        let cloudwatch =
            aws_sdk_cloudwatch::config::Builder::from(&config).interceptor(InProtocol).build();
        Self {
            cloudwatch: aws_sdk_cloudwatch::Client::from_conf(cloudwatch),
            dynamodb: aws_sdk_dynamodb::Client::new(&config),
            iot: aws_sdk_iot::Client::new(&config),
            sns: OnceLock::new(),
            config,
            settings: settings.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
