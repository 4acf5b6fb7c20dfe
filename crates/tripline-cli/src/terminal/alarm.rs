//! An alarm of a config, for people and programs.

use schemars::JsonSchema;
use serde::Serialize;
use tripline::alarm::AlarmDefinition;

use crate::input::declared::{DeclaredLimits, watches};

/// The topics as the config names them.
pub fn topics(alarm: &AlarmDefinition) -> String {
    alarm.topics.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// An alarm of a config, for programs.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AlarmData {
    /// Its name in the config.
    alarm: String,
    /// What it watches, in words.
    watches: String,
    /// The topics as the config names them.
    topics: Vec<String>,
}

impl AlarmData {
    pub fn new(alarm: &AlarmDefinition, evidence: Option<&DeclaredLimits>) -> Self {
        Self {
            alarm: alarm.name.to_string(),
            watches: watches(alarm, evidence),
            topics: alarm.topics.iter().map(ToString::to_string).collect(),
        }
    }
}
