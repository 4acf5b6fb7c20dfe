//! AWS as this function uses it: one file a service.

mod cloudwatch;
mod dynamodb;
mod iot;
mod sfn;
mod sns;
#[cfg(test)]
mod tests;

use std::time::SystemTime;

use tripline::time::Timestamp;
use tripline_aws::SdkConfig;
use tripline_aws::protocol::InProtocol;

use crate::ask::Clock;
use crate::settings::Settings;

/// The clients.
#[derive(Debug)]
pub struct Aws {
    cloudwatch: aws_sdk_cloudwatch::Client,
    dynamodb: aws_sdk_dynamodb::Client,
    iot: aws_sdk_iot::Client,
    sfn: aws_sdk_sfn::Client,
    sns: aws_sdk_sns::Client,
    settings: Settings,
}

impl Aws {
    /// Clients with these settings.
    pub fn new(config: &SdkConfig, settings: &Settings) -> Self {
        // `{}` of anybody would read as "no alarms", and none would have fired.
        let cloudwatch = aws_sdk_cloudwatch::config::Builder::from(config).interceptor(InProtocol);
        Self {
            cloudwatch: aws_sdk_cloudwatch::Client::from_conf(cloudwatch.build()),
            dynamodb: aws_sdk_dynamodb::Client::new(config),
            iot: aws_sdk_iot::Client::new(config),
            sfn: aws_sdk_sfn::Client::new(config),
            sns: aws_sdk_sns::Client::new(config),
            settings: settings.clone(),
        }
    }
}

impl Clock for Aws {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_seconds(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
    }
}
