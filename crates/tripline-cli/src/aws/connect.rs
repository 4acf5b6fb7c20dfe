//! The way to AWS, the same for every command that goes there.

use aws_sdk_iot::config::retry::RetryConfig;
use tripline_aws::SdkConfig;

use super::region::Region;
use crate::exit::Error;

/// Settings for the clients, and the region they are for.
#[derive(Debug, Clone)]
pub struct Connection {
    pub region: String,
    pub config: SdkConfig,
}

/// Finds out where AWS is: in a region that is given, or else in the environment's. Without one
/// no call gets further than its signature.
pub async fn connect(region: Option<Region>) -> Result<Connection, Error> {
    let config = tripline_aws::config(region.map(String::from)).await;
    match config.region().map(ToString::to_string) {
        Some(region) => Ok(Connection { region, config }),
        None => Err(Error::Input(
            "no AWS region is set\n\n  hint: give `--region`, or set AWS_REGION".to_owned(),
        )),
    }
}

impl Connection {
    /// The same, for clients that try each call once: whoever counts calls, and makes them again
    /// anyway.
    pub fn without_retries(self) -> Self {
        let config = self.config.into_builder().retry_config(RetryConfig::disabled()).build();
        Self { config, ..self }
    }
}
