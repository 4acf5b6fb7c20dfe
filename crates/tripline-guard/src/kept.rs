//! What the stack's table keeps of a job: its own alarm config, so that the guard-keeper knows what it
//! was armed with, and what it was when the guard-keeper first saw it.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use tripline::alarm::AlarmDefinition;
use tripline::job::JobId;
use tripline_aws::Failure;

use crate::desired::JobTags;

/// The table's key: the job.
pub const JOB: &str = "jobId";
/// The config: `[ALARM_CONFIG]` and the sections of its alarms.
pub const CONFIG: &str = "config";
/// When the job was armed, in seconds since the epoch.
pub const ARMED_AT: &str = "armedAt";
/// That none of the alarms stops the rollout is meant.
pub const TELL_ONLY: &str = "tellOnly";
/// The text of the baseline that the config's limits are of, if they are of one.
pub const BASELINE: &str = "baseline";
/// What a job was when it was first seen, in an item of its own: see [`FirstSeen`].
pub const FIRST_SEEN: &str = "firstSeen";
/// How the keys of these items begin. No job can be called so.
pub const FIRST_SEEN_PREFIX: &str = "first#";
/// Longest config in bytes. DynamoDB takes 400 kB, and the keeper reads them all every minute.
pub const MAX_BYTES: usize = 100_000;

/// A config that is too long to be kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("its alarms take {0} bytes to be kept (expected at most {MAX_BYTES})")]
pub struct TooLong(usize);

/// What a job was when the guard-keeper first saw it. Its tags count as they were then: whoever may tag a
/// job cannot disarm it while it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstSeen {
    /// When the job was created, in seconds since the epoch. Another job may have its name later.
    pub created: i64,
    /// It is a deployment of Greengrass; `None` if that is not known.
    pub is_greengrass: Option<bool>,
    /// Its tags.
    pub tags: JobTags,
}

impl FirstSeen {
    /// As it is kept: `1790000000 greengrass off`.
    pub fn to_text(&self) -> String {
        let owner = match self.is_greengrass {
            None => "unknown",
            Some(true) => "greengrass",
            Some(false) => "plain",
        };
        format!("{} {owner} {}", self.created, self.tags.to_text())
    }

    /// Reads what was kept.
    pub fn from_text(text: &str) -> Option<Self> {
        let (created, rest) = text.split_once(' ')?;
        let (owner, tags) = rest.split_once(' ')?;
        Some(Self {
            created: created.parse().ok()?,
            is_greengrass: match owner {
                "greengrass" => Some(true),
                "plain" => Some(false),
                _ => None,
            },
            tags: JobTags::from_text(tags),
        })
    }
}

/// The text of a job's alarms, as it is kept.
pub fn text_of(alarms: &[AlarmDefinition]) -> Result<String, TooLong> {
    let text = tripline_config::text_of(alarms);
    if text.len() > MAX_BYTES { Err(TooLong(text.len())) } else { Ok(text) }
}

/// Keeps a job's config in place of an earlier one. `tell_only`: that it stops nothing is meant.
pub async fn keep(
    client: &Client,
    table: &str,
    job: &JobId,
    (text, tell_only): (&str, bool),
    now: i64,
) -> Result<(), Failure> {
    let kept = client
        .put_item()
        .table_name(table)
        .item(JOB, AttributeValue::S(job.as_str().to_owned()))
        .item(CONFIG, AttributeValue::S(text.to_owned()))
        .item(ARMED_AT, AttributeValue::N(now.to_string()))
        .item(TELL_ONLY, AttributeValue::Bool(tell_only))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_job_was_is_read_as_it_was_written() {
        for (is_greengrass, tags, text) in [
            (None, "", "1790000000 unknown "),
            (Some(true), "off", "1790000000 greengrass off"),
            (
                Some(false),
                "on DownloadTimeUpperLimit=7200",
                "1790000000 plain on DownloadTimeUpperLimit=7200",
            ),
        ] {
            let tags = JobTags::from_text(tags);
            let first = FirstSeen { created: 1_790_000_000, is_greengrass, tags };
            assert_eq!(first.to_text(), text);
            assert_eq!(FirstSeen::from_text(text), Some(first));
        }
        for unreadable in ["", "now plain ", "1790000000"] {
            assert_eq!(FirstSeen::from_text(unreadable), None, "{unreadable}");
        }
    }
}
