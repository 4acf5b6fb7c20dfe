//! Whom an alarm reaches.

use tripline::alarm::{MAX_TOPICS, Topic, TopicArn};
use tripline::text::excerpt;

use crate::near::near;
use crate::reader::{Place, Reader};
use crate::slips::slip_in_list;

impl Reader<'_> {
    /// Whom an alarm reaches: `snsTopics`, which has to be there.
    pub fn topics(&mut self, place: Place<'_>) -> Option<Vec<Topic>> {
        self.topics_of(place, "snsTopics")
    }

    /// The same by another key.
    pub fn topics_of(&mut self, place: Place<'_>, key: &str) -> Option<Vec<Topic>> {
        const EXPECTED: &str = "`@email`, `@sms`, `@force-stop` or the ARN of a standard SNS topic";
        self.require(place, key, EXPECTED);
        let entry = self.entry(place.section, key)?;
        let mut topics = Vec::new();
        let before = self.faults.len();
        for text in entry.value.split([',', '\n']).map(str::trim).filter(|text| !text.is_empty()) {
            match Topic::parse(text) {
                Some(topic) if topics.contains(&topic) => {}
                Some(topic) => topics.push(topic),
                None => {
                    let hint = slip_in_list(text, |part| Topic::parse(part).is_some())
                        .or_else(|| topic_meant(text));
                    let text =
                        format!("unknown topic `{}` in {key} (expected {EXPECTED})", excerpt(text));
                    self.fault(place, entry.line, &text, hint);
                }
            }
        }
        if topics.is_empty() && self.faults.len() == before {
            let text = format!("{key} is empty, so that nobody is alerted (expected {EXPECTED})");
            self.fault(place, entry.line, &text, None);
        }
        if topics.len() > MAX_TOPICS {
            let text = format!("{} topics in {key} (expected at most {MAX_TOPICS})", topics.len());
            self.fault(place, entry.line, &text, None);
        }
        Some(topics)
    }
}

/// What to do about a text that is no topic.
fn topic_meant(text: &str) -> Option<String> {
    if let Some(near) = near(text, &Topic::ALIASES) {
        return Some(format!("did you mean `{near}`?"));
    }
    let hint = if text.contains(['{', '}', '[', ']', '"']) {
        "this looks like JSON; write the topic's ARN alone".to_owned()
    } else if let Some(topic) = topic_of_subscription(text) {
        format!("this is the ARN of a subscription; its topic is `{}`", excerpt(topic))
    } else if text.contains("ImportValue") || text.contains("${") || text.contains("Fn::") {
        format!("nothing of CloudFormation is evaluated here; {STACK_S}")
    } else if text.contains('@') && text.contains('.') {
        "an e-mail address is subscribed to a topic; `@email` is the stack's topic for e-mail"
            .to_owned()
    } else if text.starts_with('+') {
        "a phone number is subscribed to a topic; `@sms` is the stack's topic for SMS".to_owned()
    } else if text.starts_with("arn:") && text.ends_with(".fifo") {
        "a FIFO topic delivers to neither functions nor people; name a standard topic".to_owned()
    } else if !text.starts_with("arn:") {
        format!("a name alone is not enough; {STACK_S}")
    } else {
        return None;
    };
    Some(hint)
}

const STACK_S: &str =
    "the stack's topics are `@email`, `@sms` and `@force-stop`, and any other is named by its ARN";

/// `arn:<partition>:sns:<region>:<account>:<topic>` of one with a subscription's id behind it.
fn topic_of_subscription(text: &str) -> Option<&str> {
    let (topic, _) = text.rsplit_once(':')?;
    TopicArn::new(topic).ok().map(|_| topic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_topic_is_announced_from_one() {
        let arn = "arn:aws:sns:us-east-1:111122223333:ops";
        for (text, hint) in [
            ("@force-stopp".to_owned(), "did you mean `@force-stop`?"),
            (format!("{arn}:6b0e71bd-7e97-4d97"), arn),
            (format!("{{\"TopicArn\": \"{arn}\"}}"), "JSON"),
            ("!ImportValue tripline-ForceStopTopicArn".to_owned(), "`@force-stop`"),
            ("ForceStopTopicArn".to_owned(), "`@force-stop`"),
            ("ops@example.com".to_owned(), "`@email`"),
            ("+15550100".to_owned(), "`@sms`"),
            (format!("{arn}.fifo"), "standard topic"),
        ] {
            let said = topic_meant(&text).unwrap_or_default();
            assert!(said.contains(hint), "{text}: {said}");
        }
        assert_eq!(topic_meant("arn:aws:sqs:us-east-1:111122223333:ops"), None);
    }
}
