//! What the stack sets for this function.

use tripline::alarm::{StackTopics, Topic};
use tripline::stop::{StopMode, UnknownStopMode};
use tripline::text::excerpt;

/// A minute of evidence, and of a hold's proof, in seconds, unless a test has shorter ones.
const MINUTE: i64 = 60;
/// The variable that makes them shorter. No template sets it.
const MINUTE_VARIABLE: &str = "EVIDENCE_MINUTE_SECONDS";

/// The function's settings, from its environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `STACK_NAME`: whose the alarms are.
    pub stack: String,
    /// `GUARDS_TABLE`: configs, evidence and holds of jobs.
    pub guards: String,
    /// `QUEUE_TABLE`: releases.
    pub releases: String,
    /// `EMAIL_TOPIC_ARN`.
    pub email_topic: String,
    /// `SMS_TOPIC_ARN`.
    pub sms_topic: String,
    /// `FORCE_STOP_TOPIC_ARN`.
    pub force_stop_topic: String,
    /// `STOP_MODE`: under `observe` nothing is stopped.
    pub mode: StopMode,
    /// `EVIDENCE_MINUTE_SECONDS`: how many seconds a minute of evidence, and of a hold's proof, has. 60, but for tests
    /// that have no hour.
    pub minute: i64,
}

/// A setting that is missing or cannot be: such a runner fails at every step, loudly.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSetting {
    /// Not there.
    #[error("{0} is not set")]
    Unset(&'static str),
    /// Not a mode.
    #[error("STOP_MODE: {0}")]
    Mode(#[from] UnknownStopMode),
    /// Not a number.
    #[error("{MINUTE_VARIABLE}: `{0}` is no number of seconds (expected 1 to 60)")]
    Minute(String),
}

impl Settings {
    /// Reads the settings; an empty value is as good as none.
    ///
    /// # Errors
    /// A setting that is missing or cannot be.
    pub fn from_environment(read: impl Fn(&str) -> Option<String>) -> Result<Self, InvalidSetting> {
        let value = |name| read(name).filter(|value| !value.is_empty());
        let needed = |name: &'static str| value(name).ok_or(InvalidSetting::Unset(name));
        let minute = match value(MINUTE_VARIABLE) {
            None => MINUTE,
            Some(text) => text
                .parse()
                .ok()
                .filter(|seconds| (1..=MINUTE).contains(seconds))
                .ok_or_else(|| InvalidSetting::Minute(excerpt(&text)))?,
        };
        Ok(Self {
            stack: needed("STACK_NAME")?,
            guards: needed("GUARDS_TABLE")?,
            releases: needed("QUEUE_TABLE")?,
            email_topic: needed("EMAIL_TOPIC_ARN")?,
            sms_topic: needed("SMS_TOPIC_ARN")?,
            force_stop_topic: needed("FORCE_STOP_TOPIC_ARN")?,
            mode: value("STOP_MODE").map_or(Ok(StopMode::default()), |mode| mode.parse())?,
            minute,
        })
    }

    /// The ARNs of an alarm's topics, each once.
    pub fn actions(&self, topics: &[Topic]) -> Vec<String> {
        let (email, sms) = (&self.email_topic, &self.sms_topic);
        StackTopics { email, sms, force_stop: &self.force_stop_topic }.actions(topics)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_or_cannot_be_is_an_error() {
        let with = |changed: &str, to: &str| {
            Settings::from_environment(|name| {
                let is_free = matches!(name, MINUTE_VARIABLE | "STOP_MODE");
                let value = if name == changed { to } else { "a" };
                Some(value.to_owned()).filter(|_| name == changed || !is_free)
            })
        };
        assert_eq!(with("", "").unwrap().minute, 60);
        assert_eq!(with(MINUTE_VARIABLE, "2").unwrap().minute, 2);
        for (name, value) in [
            ("QUEUE_TABLE", ""),
            ("STACK_NAME", ""),
            ("STOP_MODE", "stop"),
            (MINUTE_VARIABLE, "0"),
            (MINUTE_VARIABLE, "x"),
        ] {
            let error = with(name, value).unwrap_err().to_string();
            assert!(error.starts_with(name), "{error}");
        }
    }
}
