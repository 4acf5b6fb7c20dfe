//! What is worth saying of a config that has no fault.

use tripline::alarm::{AlarmDefinition, Topic};
use tripline::diagnostic::Diagnostic;
use tripline::text::excerpt;
use tripline_config::AlarmConfig;

/// Most names in one note.
const SHOWN: usize = 10;

/// A config without alarms: valid, and it guards nothing.
pub fn no_alarms(file: &str) -> Diagnostic {
    Diagnostic::new("no alarms, so nothing would guard the job").in_file(file, None).with_hint(
        "name alarms in `alarmList` of `[ALARM_CONFIG]`, or declare limits in `[EVIDENCE_CONFIG]`; `tripline alarms remove` disarms a job",
    )
}

/// Alarms that are described and come to nothing, as a note.
pub fn unlisted(file: &str, config: &AlarmConfig) -> Option<String> {
    not_armed(config).map(|text| format!("note: {file}: {text}"))
}

/// Alarms that are described and come to nothing.
pub fn not_armed(config: &AlarmConfig) -> Option<String> {
    if config.unlisted.is_empty() {
        return None;
    }
    let names: Vec<_> =
        config.unlisted.iter().take(SHOWN).map(|name| format!("`{}`", excerpt(name))).collect();
    let more = config.unlisted.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    Some(format!("not in `alarmList`, so not armed: {}{more}", names.join(", ")))
}

/// No topic of the alarms stops anything.
pub const ONLY_ALERTS: &str =
    "no alarm notifies `@force-stop`: an alarm alerts people, and the rollout goes on";

/// [`ONLY_ALERTS`], where nobody has said that it is meant.
pub fn only_alerts() -> Diagnostic {
    Diagnostic::new(ONLY_ALERTS)
        .with_hint("add `@force-stop` to `snsTopics`, or accept it with `--alert-only`")
}

/// Whether an alarm may stop its rollout: any topic's ARN may be that of the force-stop topic.
pub fn may_stop(alarm: &AlarmDefinition) -> bool {
    alarm.topics.iter().any(|topic| matches!(topic, Topic::ForceStop | Topic::Arn(_)))
}

/// `1 alarm`, `2 alarms`.
pub fn alarms(count: usize) -> String {
    format!("{count} alarm{}", if count == 1 { "" } else { "s" })
}
