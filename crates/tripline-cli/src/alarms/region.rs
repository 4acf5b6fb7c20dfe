//! Which region the alarms are in.

use tripline::alarm::{AlarmDefinition, Topic, TopicArn};
use tripline::text::excerpt;
use tripline_config::AlarmConfig;

use crate::connect::Region;
use crate::exit::Error;

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
            .map_err(|fault| Error::Input(format!("{file}: region: {fault}"))),
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
    Err(Error::Input(format!(
        "{file}: topics in another region than the alarms, which are in `{region}`{faults}\n\n  hint: `@email`, `@sms` and `@force-stop` are the topics of the stack, wherever it is"
    )))
}

fn region_of(arn: &TopicArn) -> Option<&str> {
    arn.as_str().split(':').nth(3)
}
