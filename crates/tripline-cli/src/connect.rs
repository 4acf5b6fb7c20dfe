//! The way to AWS, the same for every command that goes there.

use std::str::FromStr;

use aws_sdk_iot::config::retry::RetryConfig;
use tripline::text::excerpt;
use tripline_aws::SdkConfig;

use crate::exit::Error;

/// The name of an AWS region, such as `us-east-1`. It becomes part of a host's name, so that
/// nothing else may be in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region(String);

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no AWS region (expected a name such as `us-east-1`)")]
pub struct InvalidRegion(String);

/// Settings for the clients, and the region they are for.
#[derive(Debug)]
pub struct Connection {
    pub region: String,
    pub config: SdkConfig,
}

/// Finds out where AWS is: in a region that is given, or else in the environment's. Without one
/// no call gets further than its signature.
pub async fn connect(region: Option<Region>) -> Result<Connection, Error> {
    let config = tripline_aws::config(region.map(|region| region.0)).await;
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

impl Region {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Region {
    type Err = InvalidRegion;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let fits = (1..=32).contains(&name.len())
            && name.bytes().all(allowed)
            && !name.starts_with('-')
            && !name.ends_with('-');
        fits.then(|| Self(name.to_owned())).ok_or_else(|| InvalidRegion(excerpt(name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_part_of_a_host_name() {
        for good in ["us-east-1", "us-gov-west-1", "ap-southeast-7"] {
            assert_eq!(Region::from_str(good).map(|region| region.0), Ok(good.to_owned()));
        }
        for bad in ["", "-", "us east 1", "example.com/", "US-EAST-1", "<region>", &"x".repeat(33)]
        {
            assert!(Region::from_str(bad).is_err(), "{bad}");
        }
    }
}
