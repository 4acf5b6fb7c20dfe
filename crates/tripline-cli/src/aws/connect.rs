//! The way to AWS, the same for every command that goes there.

use aws_sdk_iot::config::retry::RetryConfig;
use tripline_aws::SdkConfig;

use super::region::Region;
use super::scope;
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
    let region = region_of(config.region().map(AsRef::as_ref))?;
    scope::remember(&config);
    Ok(Connection { region, config })
}

/// The same for a command that changes something: it says where.
pub async fn connect_to_change(region: Option<Region>) -> Result<Connection, Error> {
    let connection = connect(region).await?;
    scope::say_place(&connection.config).await;
    Ok(connection)
}

/// The Region of the command line, the environment or the profile. What cannot be one makes the SDK fail with the
/// insides of its endpoint rules.
fn region_of(found: Option<&str>) -> Result<String, Error> {
    const HINT: &str = "give `--region`, or set AWS_REGION";
    match found {
        None => Err(Error::input("no AWS region is set").hint(HINT)),
        Some("") => {
            Err(Error::input("AWS_REGION or AWS_DEFAULT_REGION is set to nothing").hint(HINT))
        }
        Some(name) => match name.parse::<Region>() {
            Ok(region) => Ok(region.into()),
            Err(fault) => {
                Err(Error::input(format!("AWS_REGION or the profile: {fault}")).hint(HINT))
            }
        },
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_has_to_be_one_wherever_it_is_from() {
        assert_eq!(region_of(Some("us-east-1")).unwrap(), "us-east-1");
        for (found, what) in [
            (None, "no AWS region is set\n  hint: give"),
            (Some(""), "AWS_REGION or AWS_DEFAULT_REGION is set to nothing\n  hint: give"),
            (Some("US East"), "AWS_REGION or the profile: `US East` is no AWS region"),
        ] {
            let error = region_of(found).unwrap_err().to_string();
            assert!(error.starts_with(what), "{error}");
        }
    }
}
