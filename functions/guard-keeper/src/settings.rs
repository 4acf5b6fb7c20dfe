//! What the stack sets for this function.

use std::time::Duration;

use tripline::alarm::{StackTopics, Topic, TopicArn};
use tripline::job::CountRejected;
use tripline::stop::StopMode;
use tripline::text::excerpt;
use tripline_guard::desired::{
    DefaultGuard, GreengrassDeployments, GuardedJobs, InvalidValue, Policy, Rules,
};
use tripline_guard::verdict::Stack;

/// A minute of evidence, unless a test has shorter ones.
pub const MINUTE: Duration = Duration::from_secs(60);
/// The variable that makes minutes of evidence shorter. No template sets it.
const MINUTE_VARIABLE: &str = "EVIDENCE_MINUTE_SECONDS";

/// The function's settings, from its environment.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// `STACK_NAME`: the dimension of its metrics, and the tag of its alarms.
    pub stack: String,
    /// `GUARDS_TABLE`: where the jobs' own configs are kept.
    pub table: String,
    /// `EMAIL_TOPIC_ARN`, which `@email` is.
    pub email_topic: String,
    /// `SMS_TOPIC_ARN`, which `@sms` is.
    pub sms_topic: String,
    /// `FORCE_STOP_TOPIC_ARN`, which `@force-stop` is.
    pub force_stop_topic: String,
    /// `KEEP_JOB_EVENTS`: whether job events are enabled where they are off.
    pub keep_job_events: bool,
    /// `REMOVE_ALARMS_AFTER_MINUTES`, in seconds: how long an ended job keeps its alarms.
    pub grace: i64,
    /// `COUNTED_WITHIN_MINUTES`, in seconds: how long events of ended executions may be under way.
    pub counted_within: i64,
    /// `COUNT_REJECTED`: whether rejected executions count as unsuccessful, where a job's tags do not say.
    pub count_rejected: CountRejected,
    /// `STOP_MODE`: what an alarm does to its rollout.
    pub mode: StopMode,
    /// `EVIDENCE_MINUTE_SECONDS`: how long a minute of evidence is. 60, but for tests that have no hour.
    pub minute: Duration,
    /// What a job gets that brings no alarms.
    pub default_guard: DefaultGuard,
    /// `GUARDED_JOBS` and `GREENGRASS_DEPLOYMENTS`: which jobs get it.
    pub policy: Policy,
}

/// A setting that is missing or cannot be. Such a keeper fails loudly every minute, and the alarm on
/// unguarded jobs alerts people, instead of keeping a guard that nobody asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSetting {
    /// It has to be there.
    #[error("`{0}` is not set")]
    Missing(&'static str),
    /// It is there, and impossible.
    #[error("`{name}` is `{value}` (expected {expected})")]
    Impossible {
        /// Its name.
        name: &'static str,
        /// Its value.
        value: String,
        /// What it could be.
        expected: &'static str,
    },
    /// A parameter of the default guard cannot be.
    #[error(transparent)]
    Guard(#[from] InvalidValue),
}

impl Settings {
    /// Reads the settings; an empty value is as good as none.
    ///
    /// # Errors
    /// The first setting that is missing or cannot be.
    pub fn from_environment(read: impl Fn(&str) -> Option<String>) -> Result<Self, InvalidSetting> {
        let value = |name: &str| read(name).filter(|value| !value.is_empty());
        let needed = |name| value(name).ok_or(InvalidSetting::Missing(name));
        let topic = |name| {
            let arn = needed(name)?;
            match TopicArn::new(&arn).ok() {
                Some(_) => Ok(arn),
                None => Err(impossible(name, &arn, "the ARN of a topic")),
            }
        };
        let minutes = |name, otherwise: i64| match value(name) {
            None => Ok(otherwise * 60),
            Some(text) => match text.parse::<u32>() {
                Ok(minutes) => Ok(i64::from(minutes) * 60),
                Err(_) => Err(impossible(name, &text, "a whole number of minutes")),
            },
        };
        let keep_job_events = match value("KEEP_JOB_EVENTS").as_deref() {
            None | Some("on") => true,
            Some("off") => false,
            Some(other) => return Err(impossible("KEEP_JOB_EVENTS", other, "`on` or `off`")),
        };
        let count_rejected = match value("COUNT_REJECTED") {
            None => CountRejected::default(),
            Some(text) => CountRejected::parse(&text)
                .ok_or_else(|| impossible("COUNT_REJECTED", &text, CountRejected::EXPECTED))?,
        };
        let mode = match value("STOP_MODE") {
            None => StopMode::Cancel,
            Some(text) => text
                .parse()
                .map_err(|_| impossible("STOP_MODE", &text, "`cancel`, `abort` or `observe`"))?,
        };
        let minute = match value(MINUTE_VARIABLE) {
            None => MINUTE,
            Some(text) => match text.parse().ok().filter(|seconds| (1..=60).contains(seconds)) {
                Some(seconds) => Duration::from_secs(seconds),
                None => return Err(impossible(MINUTE_VARIABLE, &text, "1 to 60 seconds")),
            },
        };
        let names = value("DEFAULT_GUARD_TOPICS").unwrap_or("@email, @force-stop".to_owned());
        let topics: Option<Vec<Topic>> =
            names.split(',').map(|topic| Topic::parse(topic.trim())).collect();
        let topics = topics.ok_or_else(|| {
            impossible("DEFAULT_GUARD_TOPICS", &names, "`@email`, `@sms`, `@force-stop`")
        })?;
        Ok(Self {
            stack: needed("STACK_NAME")?,
            table: needed("GUARDS_TABLE")?,
            email_topic: topic("EMAIL_TOPIC_ARN")?,
            sms_topic: topic("SMS_TOPIC_ARN")?,
            force_stop_topic: topic("FORCE_STOP_TOPIC_ARN")?,
            keep_job_events,
            grace: minutes("REMOVE_ALARMS_AFTER_MINUTES", 60)?,
            counted_within: minutes("COUNTED_WITHIN_MINUTES", 10)?,
            count_rejected,
            mode,
            minute,
            policy: Policy {
                jobs: choice("GUARDED_JOBS", value("GUARDED_JOBS"), GuardedJobs::EXPECTED)?,
                greengrass: choice(
                    "GREENGRASS_DEPLOYMENTS",
                    value("GREENGRASS_DEPLOYMENTS"),
                    GreengrassDeployments::EXPECTED,
                )?,
            },
            default_guard: DefaultGuard::from_environment(topics, |name| value(name))?,
        })
    }

    /// The stack, as its alarms are judged by.
    pub fn as_stack(&self) -> Stack<'_> {
        Stack { name: &self.stack, force_stop_topic: &self.force_stop_topic }
    }

    /// What the stack gives jobs.
    pub fn rules(&self) -> Rules<'_> {
        Rules {
            default_guard: &self.default_guard,
            policy: self.policy,
            force_stop_topic: &self.force_stop_topic,
        }
    }

    /// The ARNs of an alarm's topics, each once.
    pub fn actions(&self, topics: &[Topic]) -> Vec<String> {
        let (email, sms) = (&self.email_topic, &self.sms_topic);
        StackTopics { email, sms, force_stop: &self.force_stop_topic }.actions(topics)
    }
}

fn choice<T: Default + std::str::FromStr>(
    name: &'static str,
    value: Option<String>,
    expected: &'static str,
) -> Result<T, InvalidSetting> {
    match value {
        None => Ok(T::default()),
        Some(text) => text.parse().map_err(|_| impossible(name, &text, expected)),
    }
}

fn impossible(name: &'static str, value: &str, expected: &'static str) -> InvalidSetting {
    InvalidSetting::Impossible { name, value: excerpt(value), expected }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub const FORCE_STOP: &str = "arn:aws:sns:us-east-1:111122223333:force-stop";

    fn usual(name: &str) -> Option<String> {
        let value = match name {
            "STACK_NAME" => "tripline",
            "GUARDS_TABLE" => "guards",
            "EMAIL_TOPIC_ARN" => "arn:aws:sns:us-east-1:111122223333:email",
            "SMS_TOPIC_ARN" => "arn:aws:sns:us-east-1:111122223333:sms",
            "FORCE_STOP_TOPIC_ARN" => FORCE_STOP,
            _ => "",
        };
        Some(value.to_owned())
    }

    pub fn settings() -> Settings {
        Settings::from_environment(usual).unwrap()
    }

    #[test]
    fn a_topic_stands_for_its_arn_once() {
        let topics = ["@email", "@force-stop", FORCE_STOP].map(|text| Topic::parse(text).unwrap());
        let settings = settings();
        assert_eq!(settings.actions(&topics), [settings.email_topic.as_str(), FORCE_STOP]);
        assert_eq!((settings.grace, settings.counted_within), (3_600, 600));
    }

    #[test]
    fn what_is_missing_or_impossible_is_named() {
        for (name, value, expected) in [
            ("GUARDS_TABLE", "", "`GUARDS_TABLE` is not set"),
            ("EMAIL_TOPIC_ARN", "me", "`EMAIL_TOPIC_ARN` is `me` (expected the ARN of a topic)"),
            ("KEEP_JOB_EVENTS", "no", "`KEEP_JOB_EVENTS` is `no` (expected `on` or `off`)"),
            ("COUNT_REJECTED", "off", "`COUNT_REJECTED` is `off` (expected `yes` or `no`)"),
            (
                "REMOVE_ALARMS_AFTER_MINUTES",
                "-1",
                "`REMOVE_ALARMS_AFTER_MINUTES` is `-1` (expected a whole number of minutes)",
            ),
            ("GUARDED_JOBS", "none", "`GUARDED_JOBS` is `none` (expected `all` or `tagged`)"),
            (
                "GREENGRASS_DEPLOYMENTS",
                "cancel",
                "`GREENGRASS_DEPLOYMENTS` is `cancel` (expected `alert`, `stop` or `ignore`)",
            ),
            (
                "FAILURE_RATE_UPPER_LIMIT",
                "200",
                "`FailureRateUpperLimit` is `200` (expected percent, from 0 to below 100)",
            ),
        ] {
            let read = |asked: &str| match asked == name {
                true => Some(value.to_owned()),
                false => usual(asked),
            };
            let error = Settings::from_environment(read).unwrap_err();
            assert_eq!(error.to_string(), expected);
        }
    }
}
