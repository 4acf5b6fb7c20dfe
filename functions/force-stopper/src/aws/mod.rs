//! AWS as this function uses it: one file a service.

mod cloudwatch;
mod iot;
mod sns;

pub(crate) use cloudwatch::MAX_PAGES;
pub(crate) use iot::CANCEL_TIMEOUT;
use tripline_aws::SdkConfig;

/// The three clients.
#[derive(Debug)]
pub struct Aws {
    cloudwatch: aws_sdk_cloudwatch::Client,
    iot: aws_sdk_iot::Client,
    sns: aws_sdk_sns::Client,
}

impl Aws {
    /// Clients with these settings.
    pub fn new(config: &SdkConfig) -> Self {
        Self {
            cloudwatch: aws_sdk_cloudwatch::Client::new(config),
            iot: aws_sdk_iot::Client::new(config),
            sns: aws_sdk_sns::Client::new(config),
        }
    }
}

#[cfg(test)]
mod tests;
