//! S3, with and without an endpoint of its own.

use aws_sdk_s3::Client;
use tripline_aws::SdkConfig;

/// A client for objects. Another endpoint than AWS's has no host of its own for each bucket.
pub fn client(config: &SdkConfig) -> Client {
    let path_style = config.endpoint_url().is_some();
    let config = aws_sdk_s3::config::Builder::from(config).force_path_style(path_style).build();
    Client::from_conf(config)
}
