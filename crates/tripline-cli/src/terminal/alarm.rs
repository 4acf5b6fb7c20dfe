//! An alarm of a config, for people and programs.

use serde_json::{Value, json};
use tripline::alarm::AlarmDefinition;
use tripline_guard::definition::Watch;

/// The topics as the config names them.
pub fn topics(alarm: &AlarmDefinition) -> String {
    alarm.topics.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// An alarm, for programs.
pub fn json_of(alarm: &AlarmDefinition) -> Value {
    json!({
        "alarm": alarm.name.as_str(),
        "watches": Watch::from(alarm).to_string(),
        "topics": alarm.topics.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}
