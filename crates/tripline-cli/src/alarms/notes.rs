//! What is worth saying of a config that has no fault.

use tripline::alarm::{AlarmDefinition, Topic};
use tripline::config::AlarmConfig;
use tripline::text::excerpt;

/// Most names in one note.
const SHOWN: usize = 10;

/// A config without alarms: valid, and it guards nothing.
pub fn no_alarms(file: &str) -> String {
    format!(
        "{file}: no alarms, so nothing would guard the job\n\n  hint: name alarms in `alarmList` of `[ALARM_CONFIG]`; `tripline alarms remove` disarms a job"
    )
}

/// Alarms that are described and come to nothing.
pub fn unlisted(file: &str, config: &AlarmConfig) -> Option<String> {
    if config.unlisted.is_empty() {
        return None;
    }
    let names: Vec<_> = config
        .unlisted
        .iter()
        .take(SHOWN)
        .map(|name| format!("`{}`", excerpt(name)))
        .collect();
    let more = config.unlisted.len().saturating_sub(SHOWN);
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    Some(format!(
        "note: {file}: not in `alarmList`, so not armed: {}{more}",
        names.join(", ")
    ))
}

/// Alarms that tell, and none that stops. `force_stop` is the ARN of the stack's topic, if known.
pub fn only_tells(alarms: &[AlarmDefinition], force_stop: Option<&str>) -> Option<String> {
    let stops = |topic: &Topic| match topic {
        Topic::ForceStop => true,
        Topic::Arn(arn) => Some(arn.as_str()) == force_stop,
        Topic::Email | Topic::Sms => false,
    };
    let any = alarms.iter().flat_map(|alarm| &alarm.topics).any(stops);
    (!any).then(|| {
        "note: no alarm goes to `@force-stop`: people are told, and the rollout goes on".to_owned()
    })
}

/// `1 alarm`, `2 alarms`.
pub fn alarms(count: usize) -> String {
    format!("{count} alarm{}", if count == 1 { "" } else { "s" })
}
