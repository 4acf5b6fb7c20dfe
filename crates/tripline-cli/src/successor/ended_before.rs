//! Earlier jobs that have ended and left devices, for programs.

use schemars::JsonSchema;
use serde::Serialize;
use tripline::job::JobId;

/// An earlier job that has ended, and how many of its devices it has left.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EndedBefore {
    job_id: String,
    left: usize,
}

impl EndedBefore {
    /// Of each job.
    pub fn of(ended: &[(JobId, usize)]) -> Vec<Self> {
        let one = |(job, left): &(JobId, usize)| Self { job_id: job.to_string(), left: *left };
        ended.iter().map(one).collect()
    }
}
