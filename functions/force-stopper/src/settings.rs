//! What the stack sets for this function.

use std::str::FromStr;

use tripline::job::JobId;
use tripline::stop::{StopMode, UnknownStopMode};
use tripline::text::excerpt;

/// The function's settings, from its environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `STOP_MODE`: what a stop does; `cancel` unless set.
    pub mode: StopMode,
    /// `FORCE_STOP_TOPIC_ARN`: the topic that an alarm has to name among its actions.
    pub force_stop_topic: TopicArn,
    /// `GUARDS_TABLE`: where the environments of the function count together.
    pub table: String,
    /// `STACK_NAME`: the dimension of the stack's metrics.
    pub stack: String,
    /// `HOLDS`: `on` where the stack proves holds; elsewhere a rollout that asks for one is stopped.
    pub holds: bool,
    /// `EMAIL_TOPIC_ARN`: where the whole message goes.
    pub email_topic: Option<String>,
    /// `SMS_TOPIC_ARN`: where the short message goes.
    pub sms_topic: Option<String>,
}

/// The ARN of a topic of the stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicArn(String);

impl TopicArn {
    /// The whole of it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The account.
    pub fn account(&self) -> &str {
        self.0.split(':').nth(4).unwrap_or_default()
    }

    /// The ARN of a job in the same partition, Region and account.
    pub fn job_arn(&self, job: &JobId) -> String {
        let mut parts = self.0.split(':');
        let mut part = |n| parts.nth(n).unwrap_or_default();
        let (partition, region, account) = (part(1), part(1), part(0));
        format!("arn:{partition}:iot:{region}:{account}:job/{job}")
    }
}

impl FromStr for TopicArn {
    type Err = InvalidSetting;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts: Vec<&str> = text.split(':').collect();
        match parts.as_slice() {
            ["arn", partition, "sns", region, account, name]
                if ![partition, region, account, name].iter().any(|part| part.is_empty()) =>
            {
                Ok(Self(text.to_owned()))
            }
            _ => Err(InvalidSetting::TopicArn(excerpt(text))),
        }
    }
}

/// A setting that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSetting {
    /// Not a mode.
    #[error("STOP_MODE: {0}")]
    Mode(#[from] UnknownStopMode),
    /// Not a topic's ARN.
    #[error("FORCE_STOP_TOPIC_ARN: `{0}` is no topic's ARN (expected `arn:..:sns:..`)")]
    TopicArn(String),
    /// Not there.
    #[error("{0} is not set")]
    Unset(&'static str),
}

impl Settings {
    /// Reads the settings; an empty value is as good as none.
    ///
    /// # Errors
    /// A setting that is missing or cannot be. A guard that does not know what to do fails loudly,
    /// on every alarm and into the undelivered queue, instead of doing something that nobody asked
    /// for.
    pub fn from_environment(read: impl Fn(&str) -> Option<String>) -> Result<Self, InvalidSetting> {
        let value = |name| read(name).filter(|value| !value.is_empty());
        let needed = |name: &'static str| value(name).ok_or(InvalidSetting::Unset(name));
        Ok(Self {
            mode: value("STOP_MODE").map_or(Ok(StopMode::default()), |mode| mode.parse())?,
            force_stop_topic: needed("FORCE_STOP_TOPIC_ARN")?.parse()?,
            table: needed("GUARDS_TABLE")?,
            stack: needed("STACK_NAME")?,
            holds: value("HOLDS").as_deref() == Some("on"),
            email_topic: value("EMAIL_TOPIC_ARN"),
            sms_topic: value("SMS_TOPIC_ARN"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOPIC: &str = "arn:aws-cn:sns:cn-north-1:111122223333:stop";

    fn settings(changed: &str, to: &str) -> Result<Settings, InvalidSetting> {
        Settings::from_environment(|name| {
            let value = match name {
                _ if name == changed => to,
                "FORCE_STOP_TOPIC_ARN" => TOPIC,
                "GUARDS_TABLE" | "STACK_NAME" => "a",
                _ => "",
            };
            Some(value.to_owned())
        })
    }

    #[test]
    fn empty_is_as_good_as_unset() {
        let settings = settings("", "").unwrap();
        assert_eq!((settings.mode, settings.email_topic), (StopMode::Cancel, None));
    }

    #[test]
    fn what_cannot_be_is_an_error() {
        for (name, value) in [
            ("STOP_MODE", "stop"),
            ("FORCE_STOP_TOPIC_ARN", ""),
            ("FORCE_STOP_TOPIC_ARN", "arn:aws:sqs:eu-west-1:111122223333:stop"),
            ("GUARDS_TABLE", ""),
            ("STACK_NAME", ""),
        ] {
            let error = settings(name, value).unwrap_err().to_string();
            assert!(error.starts_with(name), "{error}");
        }
    }

    #[test]
    fn a_job_has_the_partition_region_and_account_of_the_stack() {
        let topic: TopicArn = TOPIC.parse().unwrap();
        let job = JobId::new("fw-1").unwrap();
        assert_eq!(topic.job_arn(&job), "arn:aws-cn:iot:cn-north-1:111122223333:job/fw-1");
        assert_eq!(topic.account(), "111122223333");
    }
}
