//! What was removed of a job, for programs.

use schemars::JsonSchema;
use serde::Serialize;

/// What was removed of a job, or would be.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RemovedData {
    pub job_id: String,
    pub region: String,
    pub dry_run: bool,
    /// By name.
    pub removed: Vec<String>,
}
