//! An alarm of a config, for people and programs.

use serde_json::{Value, json};
use tripline::alarm::AlarmDefinition;

use crate::input::declared::{DeclaredLimits, watches};

/// The topics as the config names them.
pub fn topics(alarm: &AlarmDefinition) -> String {
    alarm.topics.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// An alarm, for programs.
pub fn json_of(alarm: &AlarmDefinition, evidence: Option<&DeclaredLimits>) -> Value {
    json!({
        "alarm": alarm.name.as_str(),
        "watches": watches(alarm, evidence),
        "topics": alarm.topics.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}
