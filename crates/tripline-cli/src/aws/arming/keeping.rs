//! The stack's table in which a job's own config is kept: the guard-keeper keeps the job armed by it.

use std::time::{SystemTime, UNIX_EPOCH};

use tripline::job::JobId;
use tripline_aws::Failure;
use tripline_guard::kept::KeptGuard;
use tripline_guard::{events, kept};

use crate::aws::clients::Aws;
use crate::aws::stack::Stack;
use crate::exit::Error;

/// The output with the table's name.
pub const TABLE: &str = "GuardsTableName";

/// The stack's table. Without it the keeper would give the job the stack's default guard.
pub fn table_of(stack: &Stack) -> Result<&str, Error> {
    stack.find_output(TABLE).ok_or_else(|| {
        Error::input(format!(
            "stack `{}` has no output `{TABLE}`: Tripline cannot store the job's alarms",
            stack.name()
        ))
        .hint("update the stack to this version of Tripline's template: `make deploy`")
    })
}

impl Aws {
    /// Keeps what guards a job.
    pub async fn keep(&self, table: &str, job: &JobId, guard: &KeptGuard) -> Result<(), Failure> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        kept::keep(&self.dynamodb, table, job, guard, now).await
    }

    /// Keeps it no longer.
    pub async fn forget(&self, table: &str, job: &JobId) -> Result<(), Failure> {
        kept::forget(&self.dynamodb, table, job).await
    }

    /// Whether AWS IoT sends job events.
    pub async fn sends_job_events(&self) -> Result<bool, Failure> {
        events::are_on(&self.iot).await
    }

    /// Has AWS IoT send job events. The other events stay as they are.
    pub async fn enable_job_events(&self) -> Result<(), Failure> {
        events::enable(&self.iot).await
    }
}
