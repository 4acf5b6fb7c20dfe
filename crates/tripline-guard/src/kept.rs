//! What the stack's table keeps of a job: its own alarm config, so that the guard-keeper knows what it
//! was armed with, and what it was when the guard-keeper first saw it.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, ConsumedCapacity, ReturnConsumedCapacity};
use tripline::alarm::AlarmDefinition;
use tripline::baseline::Baseline;
use tripline::job::JobId;
use tripline_aws::{Failure, FailureKind};
use tripline_config::EvidenceConfig;

use crate::desired::JobTags;

/// The table's key: the job.
pub const JOB: &str = "jobId";
/// The config: `[ALARM_CONFIG]` and the sections of its alarms.
pub const CONFIG: &str = "config";
/// When the job was armed, in seconds since the epoch.
pub const ARMED_AT: &str = "armedAt";
/// That none of the alarms stops the rollout is meant.
pub const ALERT_ONLY: &str = "tellOnly";
/// The text of the baseline that the config's limits are of, if they are of one.
pub const BASELINE: &str = "baseline";
/// What a job was when it was first seen, in an item of its own: see [`FirstSeen`].
pub const FIRST_SEEN: &str = "firstSeen";
/// How the keys of these items begin. No job can be called so.
pub const FIRST_SEEN_PREFIX: &str = "first#";
/// Longest config in bytes, with its baseline. DynamoDB takes 400 kB, and the keeper reads them all every minute.
pub const MAX_BYTES: usize = 100_000;

/// A config that is too long to be kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("its alarms and its baseline take {0} bytes to store (expected at most {MAX_BYTES})")]
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

/// What guards a job, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptGuard {
    config: String,
    baseline: Option<String>,
    alert_only: bool,
}

impl KeptGuard {
    /// Alarms, whether the default guard watches for what they do not see, and limits with their baseline.
    /// `alert_only`: that they stop nothing is meant.
    pub fn new(
        (alarms, default_guard): (&[AlarmDefinition], bool),
        evidence: Option<(&EvidenceConfig, Option<&Baseline>)>,
        alert_only: bool,
    ) -> Result<Self, TooLong> {
        let mut config = tripline_config::text_of(alarms, default_guard);
        if let Some((limits, _)) = evidence {
            config.push('\n');
            config += &tripline_config::text_of_evidence(limits);
        }
        let baseline = evidence.and_then(|(_, baseline)| baseline).map(Baseline::to_json);
        let length = config.len() + baseline.as_ref().map_or(0, String::len);
        if length > MAX_BYTES {
            return Err(TooLong(length));
        }
        Ok(Self { config, baseline, alert_only })
    }
}

/// Keeps a job's config in place of an earlier one.
pub async fn keep(
    client: &Client,
    table: &str,
    job: &JobId,
    kept: &KeptGuard,
    now: i64,
) -> Result<(), Failure> {
    let baseline = kept.baseline.clone().map(AttributeValue::S);
    let attributes = [
        (JOB, Some(AttributeValue::S(job.as_str().to_owned()))),
        (CONFIG, Some(AttributeValue::S(kept.config.clone()))),
        (BASELINE, baseline),
        (ARMED_AT, Some(AttributeValue::N(now.to_string()))),
        (ALERT_ONLY, Some(AttributeValue::Bool(kept.alert_only))),
    ];
    let item = attributes
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect();
    let kept = client
        .put_item()
        .table_name(table)
        .set_item(Some(item))
        .return_consumed_capacity(ReturnConsumedCapacity::Total)
        .send()
        .await
        .map_err(|error| Failure::from_sdk("PutItem", &error))?;
    is_written("PutItem", kept.consumed_capacity.as_ref())
}

/// Whether a write that asked for its capacity was DynamoDB's to answer: `{}` of anybody would read as "written".
///
/// # Errors
/// [`FailureKind::Unavailable`]: somebody else has answered.
pub fn is_written(
    operation: &'static str,
    consumed: Option<&ConsumedCapacity>,
) -> Result<(), Failure> {
    let text = "an answer that is not DynamoDB's";
    consumed.map(drop).ok_or_else(|| Failure::new(operation, FailureKind::Unavailable, text))
}

/// What a job was armed with, as it is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeptItem {
    /// Its alarms and limits, as the text of a config; empty if there is none.
    pub config: String,
    /// The text of its baseline.
    pub baseline: Option<String>,
    /// It is meant that nothing of it stops the rollout.
    pub alert_only: bool,
}

impl From<&str> for KeptItem {
    fn from(config: &str) -> Self {
        Self { config: config.to_owned(), ..Self::default() }
    }
}

/// Finds what a job was armed with; `None` if nothing is kept of it.
pub async fn find(client: &Client, table: &str, job: &JobId) -> Result<Option<KeptItem>, Failure> {
    let key = AttributeValue::S(job.as_str().to_owned());
    let found =
        client.get_item().table_name(table).key(JOB, key).consistent_read(true).send().await;
    let found = found.map_err(|error| Failure::from_sdk("GetItem", &error))?;
    Ok(found.item.map(|mut item| {
        let mut text = |attribute| match item.remove(attribute) {
            Some(AttributeValue::S(text)) => Some(text),
            _ => None,
        };
        KeptItem {
            // An item without a text is a config that says nothing.
            config: text(CONFIG).unwrap_or_default(),
            baseline: text(BASELINE),
            alert_only: matches!(item.get(ALERT_ONLY), Some(AttributeValue::Bool(true))),
        }
    }))
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
    use tripline::baseline::{Execution, PastRollout, calibrate};
    use tripline_config::parse_evidence;

    #[test]
    fn limits_are_kept_behind_the_alarms_and_their_baseline_beside_them() {
        let execution = |n: u32| Execution { lasted: Some(n * 30), failed: false, is_retry: false };
        let past = PastRollout { was_stopped: false, executions: (0..40).map(execution).collect() };
        let baseline = calibrate("fw", [past]).unwrap().baseline;
        let text =
            "[EVIDENCE_CONFIG]\nuseEvidence = True\nbaseline = fw.json\nsnsTopics = @email\n";
        let limits = parse_evidence("dev.ini", text).unwrap().unwrap();
        let kept = KeptGuard::new((&[], true), Some((&limits, Some(&baseline))), false).unwrap();
        assert_eq!(Baseline::parse(&kept.baseline.unwrap()), Ok(baseline));
        let read = parse_evidence("kept", &kept.config).unwrap().unwrap();
        assert_eq!(read.unfinished, limits.unfinished);
        assert_eq!(tripline_config::AlarmConfig::parse("kept", &kept.config).unwrap().alarms, []);
        assert_eq!(KeptGuard::new((&[], true), None, true).unwrap().baseline, None);
        // A guard of evidence alone may keep the default guard away.
        let alone = KeptGuard::new((&[], false), Some((&limits, None)), false).unwrap();
        let read = tripline_config::GuardConfig::parse("kept", &alone.config).unwrap();
        assert!(!read.alarms.default_guard && read.evidence.is_some());
    }

    #[test]
    fn what_is_too_long_is_not_kept() {
        // Ages of a week, each with its own number of devices.
        let counts: Vec<u32> = (0..10_000).rev().map(|n| 10_000_000 + n).collect();
        let file = serde_json::json!({
            "version": 1, "name": "fw", "rollouts": 2, "failures": [],
            "pooled": {"devices": 20_000_000, "unfinished": counts},
            "slowest": {"devices": 20_000_000, "unfinished": counts},
        });
        let baseline = Baseline::parse(&file.to_string()).unwrap();
        let text =
            "[EVIDENCE_CONFIG]\nuseEvidence = True\nbaseline = fw.json\nsnsTopics = @email\n";
        let limits = parse_evidence("dev.ini", text).unwrap().unwrap();
        let error =
            KeptGuard::new((&[], true), Some((&limits, Some(&baseline))), false).unwrap_err();
        assert!(error.to_string().ends_with(" bytes to store (expected at most 100000)"));
        assert!(KeptGuard::new((&[], true), Some((&limits, None)), false).is_ok());
    }

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
