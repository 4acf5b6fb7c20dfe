use std::fmt;
use std::str::FromStr;

use crate::invalid::Invalid;
use crate::text::excerpt;

/// Most topics of an alarm.
pub const MAX_TOPICS: usize = 5;

/// Whom an alarm notifies.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// `@email`: the stack's topic for e-mail.
    Email,
    /// `@sms`: the stack's topic for SMS.
    Sms,
    /// `@force-stop`: the stack's topic that stops the rollout.
    ForceStop,
    /// Any other topic.
    Arn(TopicArn),
}

/// The ARNs of the stack's own topics.
#[derive(Debug, Clone, Copy)]
pub struct StackTopics<'a> {
    /// `@email`
    pub email: &'a str,
    /// `@sms`
    pub sms: &'a str,
    /// `@force-stop`
    pub force_stop: &'a str,
}

impl StackTopics<'_> {
    /// The ARNs of an alarm's topics, each once.
    pub fn actions(self, topics: &[Topic]) -> Vec<String> {
        let mut actions: Vec<String> = Vec::new();
        for topic in topics {
            let arn = match topic {
                Topic::Email => self.email,
                Topic::Sms => self.sms,
                Topic::ForceStop => self.force_stop,
                Topic::Arn(arn) => arn.as_str(),
            };
            if !actions.iter().any(|action| action == arn) {
                actions.push(arn.to_owned());
            }
        }
        actions
    }
}

impl Topic {
    /// The words for the stack's own topics.
    pub const ALIASES: [&'static str; 3] = ["@email", "@sms", "@force-stop"];

    /// Reads `@email`, `@sms`, `@force-stop` or a topic's ARN.
    pub fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "@email" => Some(Self::Email),
            "@sms" => Some(Self::Sms),
            "@force-stop" => Some(Self::ForceStop),
            _ => TopicArn::new(text).ok().map(Self::Arn),
        }
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Email => f.write_str("@email"),
            Self::Sms => f.write_str("@sms"),
            Self::ForceStop => f.write_str("@force-stop"),
            Self::Arn(arn) => f.write_str(&arn.0),
        }
    }
}

/// The ARN of a standard topic. A FIFO topic delivers to neither functions nor people.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TopicArn(String);

impl TopicArn {
    /// What it can be, in words.
    pub const EXPECTED: &str = "the ARN of a topic";

    /// Checks `arn:<partition>:sns:<region>:<12 digits>:<name>`.
    ///
    /// # Errors
    /// What it can be.
    pub fn new(arn: &str) -> Result<Self, Invalid> {
        let parts: Vec<&str> = arn.split(':').collect();
        let ["arn", partition, "sns", region, account, name] = parts[..] else {
            return Err(Invalid(Self::EXPECTED));
        };
        let word = |text: &str| {
            !text.is_empty()
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        };
        let account_id = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        (partition.starts_with("aws")
            && word(partition)
            && word(region)
            && account_id
            && word(name)
            && name.len() <= 256)
            .then(|| Self(arn.to_owned()))
            .ok_or(Invalid(Self::EXPECTED))
    }

    /// The ARN.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The topic's name, which is the ARN's end.
    pub fn name(&self) -> &str {
        self.0.rsplit(':').next().unwrap_or_default()
    }
}

/// A text that is no topic's ARN.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no topic (expected the ARN of a standard SNS topic)")]
pub struct NotATopicArn(String);

impl FromStr for TopicArn {
    type Err = NotATopicArn;

    fn from_str(arn: &str) -> Result<Self, Self::Err> {
        Self::new(arn).map_err(|_| NotATopicArn(excerpt(arn)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_aliases_or_standard_arns() {
        for good in [
            "@email",
            "@SMS",
            "@force-stop",
            "arn:aws:sns:eu-west-1:111122223333:on-call",
            "arn:aws-cn:sns:cn-north-1:111122223333:x",
        ] {
            assert!(Topic::parse(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "@mail",
            "on-call",
            "arn:aws:sns:<region>:<aws-account-id>:email-notification",
            "arn:aws:sqs:eu-west-1:111122223333:q",
            "arn:aws:sns:eu-west-1:111122223333:x.fifo",
            "arn:aws:sns:eu-west-1:1111:x",
            "arn:aws:sns:eu-west-1:111122223333:x:sub",
        ] {
            assert_eq!(Topic::parse(bad), None, "{bad}");
        }
    }
}
