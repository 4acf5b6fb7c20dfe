//! An operator's files: what a `dev.ini` says, the list of a rollout's targets, the document that
//! devices get. Pure: the text of a file goes in, a checked value or every fault of it comes out.
//!
//! A file is read whole and every fault in it is reported at once, each with its line, because a
//! guard that is half understood is no guard.
//!
//! ```
//! use tripline_config::AlarmConfig;
//!
//! let text = "\
//! [ALARM_CONFIG]
//! alarmList = Failures
//!
//! [ALARM_CONFIG_Failures]
//! namespace = IoT:OTA:JobExecution
//! metricName = failedCount
//! stat = Sum
//! period = 300
//! threshold = 20
//! alarmType = upper
//! evaluationPeriods = 1
//! datapointsToAlarm = 1
//! snsTopics = @email, @force-stop
//! ";
//! let config = AlarmConfig::parse("dev.ini", text)?;
//! assert_eq!(config.alarms[0].threshold, 20.0);
//!
//! // A typo must not disarm a guard: it is a fault, with its line and the nearest known word.
//! let faults = AlarmConfig::parse("dev.ini", &text.replace("threshold", "treshold")).unwrap_err();
//! let said = faults.to_string();
//! assert!(said.contains("line 9") && said.contains("did you mean `threshold`?"), "{said}");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod alarm;
mod alarms;
mod deploy;
mod document;
mod edit;
mod everything;
mod evidence;
mod file_name;
mod fits;
mod guard;
mod ini;
mod keys;
mod lines;
mod near;
mod placeholders;
mod reader;
mod regions;
mod release;
mod review;
mod rollout;
mod slips;
mod things;
mod topics;
mod values;
mod waves;
mod write;

pub use alarms::{AlarmConfig, MAX_ALARMS};
pub use deploy::{DeployConfig, DocumentSource, FileNames, MAX_ROUNDS, Stream};
pub use document::{DocumentFault, Image, JobDocument, MAX_DOCUMENT};
pub use edit::{InvalidSetting, Setting, default_value, with_settings};
pub use everything::{Everything, parse_everything};
pub use evidence::{EvidenceConfig, NoLimits, Unfinished, parse_evidence};
pub use file_name::{FileName, InvalidFileName};
pub use fits::Misfits;
pub use guard::GuardConfig;
pub use ini::MAX_FILE_BYTES;
pub use keys::keys_by_section;
pub use lines::Lines;
pub use release::Release;
pub use review::{Remark, Review};
pub use rollout::parse_rollout;
pub use slips::slip;
pub use things::{MAX_LISTED, MAX_TARGETS, Target, TargetKind, TargetName, ThingList};
pub use values::{Bucket, FileId, Presigned, RoleArn, S3Url, StreamId, TargetSelection};
pub use waves::{
    DrawnTargets, DrawnWave, Exposed, Wave, WaveSize, WaveTargets, Waves, parse_waves,
};
pub use write::{text_of, text_of_evidence};

#[cfg(test)]
mod tests;
