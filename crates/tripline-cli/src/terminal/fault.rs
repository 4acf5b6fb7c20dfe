//! Faults of a config, for programs.

use schemars::JsonSchema;
use serde::Serialize;
use tripline::faults::Fault;
use tripline_config::Remark;

/// A fault.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FaultData {
    /// The line, from 1.
    line: Option<usize>,
    text: String,
    /// What to do about it.
    hint: Option<String>,
}

impl From<&Fault> for FaultData {
    fn from(fault: &Fault) -> Self {
        Self { line: fault.line, text: fault.text.clone(), hint: fault.hint.clone() }
    }
}

/// A finding or a note.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RemarkData {
    /// The line of the config, from 1.
    line: Option<usize>,
    text: String,
    /// What to do about it.
    hint: Option<String>,
}

impl From<&Remark> for RemarkData {
    fn from(remark: &Remark) -> Self {
        Self { line: remark.line, text: remark.text.clone(), hint: remark.hint.clone() }
    }
}
