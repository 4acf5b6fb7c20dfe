//! AWS regions: their names, and which one a config's alarms are in.

use std::str::FromStr;

use tripline::alarm::{AlarmDefinition, Topic, TopicArn};
use tripline::text::excerpt;
use tripline_config::AlarmConfig;

use crate::exit::Error;

/// The name of an AWS region, such as `us-east-1`. It becomes part of a host's name, so that
/// nothing else may be in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region(String);

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no AWS region (expected a name such as `us-east-1`)")]
pub struct InvalidRegion(String);

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

impl From<Region> for String {
    fn from(region: Region) -> Self {
        region.0
    }
}

/// The region in which a config's alarms belong: what the command line says, or else the config;
/// `None` leaves it to the environment.
pub fn region_for(
    flag: Option<Region>,
    file: &str,
    config: &AlarmConfig,
) -> Result<Option<Region>, Error> {
    match (flag, &config.region) {
        (Some(region), _) => Ok(Some(region)),
        (None, Some(region)) => region
            .parse()
            .map(Some)
            .map_err(|fault| Error::in_file(file, format!("region: {fault}"))),
        (None, None) => Ok(None),
    }
}

/// CloudWatch refuses an alarm whose topic is in another region; better before the first of
/// several alarms than after it.
pub fn check_topics(file: &str, alarms: &[AlarmDefinition], region: &str) -> Result<(), Error> {
    let mut faults = String::new();
    for alarm in alarms {
        for topic in &alarm.topics {
            if let Topic::Arn(arn) = topic
                && region_of(arn) != Some(region)
            {
                let (name, arn) = (excerpt(alarm.name.as_str()), arn.as_str());
                faults += &format!("\n  alarm `{name}`: topic `{arn}`");
            }
        }
    }
    if faults.is_empty() {
        return Ok(());
    }
    Err(Error::in_file(
        file,
        format!("topics in another region than the alarms, which are in `{region}`{faults}"),
    )
    .hint("`@email`, `@sms` and `@force-stop` are the topics of the stack, wherever it is"))
}

fn region_of(arn: &TopicArn) -> Option<&str> {
    arn.as_str().split(':').nth(3)
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
