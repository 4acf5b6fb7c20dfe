//! A job's own alarm config, kept in the stack's table, so that the guard-keeper knows what a job was
//! armed with.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use tripline::alarm::AlarmDefinition;
use tripline::job::JobId;
use tripline_aws::Failure;

/// The table's key: the job.
pub const JOB: &str = "jobId";
/// The config: `[ALARM_CONFIG]` and the sections of its alarms.
pub const CONFIG: &str = "config";
/// When the job was armed, in seconds since the epoch.
pub const ARMED_AT: &str = "armedAt";
/// Longest config in bytes. DynamoDB takes 400 kB, and the keeper reads them all every minute.
pub const MAX_BYTES: usize = 100_000;

/// A config that is too long to be kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("its alarms take {0} bytes to be kept (expected at most {MAX_BYTES})")]
pub struct TooLong(usize);

/// The text of a job's alarms, as it is kept.
pub fn text_of(alarms: &[AlarmDefinition]) -> Result<String, TooLong> {
    let text = tripline_config::text_of(alarms);
    if text.len() > MAX_BYTES { Err(TooLong(text.len())) } else { Ok(text) }
}

/// Keeps a job's config in place of an earlier one.
pub async fn keep(
    client: &Client,
    table: &str,
    job: &JobId,
    text: &str,
    now: i64,
) -> Result<(), Failure> {
    let kept = client
        .put_item()
        .table_name(table)
        .item(JOB, AttributeValue::S(job.as_str().to_owned()))
        .item(CONFIG, AttributeValue::S(text.to_owned()))
        .item(ARMED_AT, AttributeValue::N(now.to_string()))
        .send()
        .await;
    kept.map(drop).map_err(|error| Failure::from_sdk("PutItem", &error))
}

/// Keeps a job's config no longer. That there is none is as good.
pub async fn forget(client: &Client, table: &str, job: &JobId) -> Result<(), Failure> {
    let key = AttributeValue::S(job.as_str().to_owned());
    let gone = client.delete_item().table_name(table).key(JOB, key).send().await;
    gone.map(drop).map_err(|error| Failure::from_sdk("DeleteItem", &error))
}
