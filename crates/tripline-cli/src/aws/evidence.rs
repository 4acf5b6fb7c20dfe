//! What the guard-keeper keeps of a job's evidence.

use aws_sdk_dynamodb::types::AttributeValue;
use tripline::evidence::{Record, State};
use tripline::job::JobId;
use tripline_aws::Failure;
use tripline_guard::kept;

use crate::aws::clients::Aws;

/// From so many seconds without a minute on nobody watches a job in progress.
pub const BLIND: i64 = State::BLIND_MINUTES as i64 * 60;

impl Aws {
    /// What is kept of a job's evidence; `None` if there is nothing, or nothing that can be read.
    pub async fn evidence(&self, table: &str, job: &JobId) -> Result<Option<Record>, Failure> {
        let found = self
            .dynamodb
            .get_item()
            .table_name(table)
            .key(kept::JOB, AttributeValue::S(Record::key(job)))
            .send()
            .await
            .map_err(|error| Failure::from_sdk("GetItem", &error))?;
        let text = found.item.and_then(|mut item| item.remove(Record::ATTRIBUTE));
        Ok(match text {
            Some(AttributeValue::S(text)) => Record::from_text(&text),
            _ => None,
        })
    }
}
