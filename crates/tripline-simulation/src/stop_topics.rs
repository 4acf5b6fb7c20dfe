//! Which topics lead to the force-stopper.

use tripline::alarm::{AlarmDefinition, Topic, TopicArn};

/// Which topics lead to the force-stopper, for whoever cannot ask AWS.
///
/// `@force-stop` does, `@email` and `@sms` do not. Of an ARN nobody knows: it may be the stack's own
/// topic or somebody's pager. So it is named, or it is taken by the topic's name: one that has
/// `force-stop` in it stops, in any case and with or without hyphens, as in the names that
/// CloudFormation makes (`tripline-ForceStopTopic-1A2B3C`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StopTopics {
    named: Option<TopicArn>,
}

/// What an ARN was taken for, by its name alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assumption {
    /// The topic.
    pub topic: TopicArn,
    /// Whether it was taken to stop the rollout.
    pub stops: bool,
}

impl StopTopics {
    /// What a topic's name has if it is taken to stop the rollout.
    const WORD: &str = "forcestop";

    /// The topic that stops, if it is known; no other ARN does then.
    pub fn new(named: Option<TopicArn>) -> Self {
        Self { named }
    }

    /// The topic that was named.
    pub fn named(&self) -> Option<&TopicArn> {
        self.named.as_ref()
    }

    /// Whether an alarm that fires gets to the force-stopper.
    pub fn stop(&self, alarm: &AlarmDefinition) -> bool {
        self.are_among(&alarm.topics)
    }

    /// Whether one of these topics leads to the force-stopper.
    pub fn are_among(&self, topics: &[Topic]) -> bool {
        topics.iter().any(|topic| match topic {
            Topic::ForceStop => true,
            Topic::Email | Topic::Sms => false,
            Topic::Arn(arn) => self.stops(arn),
        })
    }

    /// Every ARN of these topics about which nothing is known, once, in their order; none if the one
    /// that stops is named.
    pub fn assumptions<'a>(&self, topics: impl IntoIterator<Item = &'a Topic>) -> Vec<Assumption> {
        let mut all: Vec<Assumption> = Vec::new();
        if self.named.is_some() {
            return all;
        }
        for topic in topics {
            if let Topic::Arn(topic) = topic
                && !all.iter().any(|assumption| assumption.topic == *topic)
            {
                all.push(Assumption { topic: topic.clone(), stops: self.stops(topic) });
            }
        }
        all
    }

    fn stops(&self, topic: &TopicArn) -> bool {
        if let Some(named) = &self.named {
            return topic == named;
        }
        let letters = topic.name().chars().filter(char::is_ascii_alphanumeric);
        let name: String = letters.map(|c| c.to_ascii_lowercase()).collect();
        name.contains(Self::WORD)
    }
}

#[cfg(test)]
mod tests {
    use tripline_config::AlarmConfig;

    use super::*;

    const PAGER: &str = "arn:aws:sns:us-east-1:111122223333:on-call";
    const STOPPER: &str = "arn:aws:sns:us-east-1:111122223333:ota-force-stopper";

    fn alarm(topics: &str) -> AlarmDefinition {
        let text = include_str!("../../../examples/guards/sample.ini");
        let text = text.replace("@email, @force-stop", topics);
        AlarmConfig::parse("dev.ini", &text).unwrap().alarms.remove(0)
    }

    fn topics(named: &str) -> StopTopics {
        StopTopics::new(TopicArn::new(named).ok())
    }

    #[test]
    fn a_topic_is_taken_by_its_name_unless_one_is_named() {
        let made = "arn:aws:sns:us-east-1:111122223333:tripline-ForceStopTopic-1A2B3C";
        for (topic, assumed, named) in [
            ("@force-stop", true, true),
            ("@email, @sms", false, false),
            (STOPPER, true, false),
            (made, true, false),
            (PAGER, false, true),
            (&format!("{PAGER}, {STOPPER}"), true, true),
        ] {
            assert_eq!(StopTopics::default().stop(&alarm(topic)), assumed, "{topic}");
            assert_eq!(topics(PAGER).stop(&alarm(topic)), named, "{topic}");
        }
    }

    #[test]
    fn only_the_name_counts_and_not_the_rest_of_the_arn() {
        let other = "arn:aws-force-stop:sns:us-east-1:111122223333:x";
        assert!(!StopTopics::default().stop(&alarm(other)));
    }

    #[test]
    fn every_assumption_is_announced_once() {
        let alarms = [alarm(&format!("@email, {PAGER}, {STOPPER}")), alarm(PAGER)];
        let topics_of_all = || alarms.iter().flat_map(|alarm| &alarm.topics);
        let assumed: Vec<_> = StopTopics::default()
            .assumptions(topics_of_all())
            .into_iter()
            .map(|assumption| (assumption.topic.as_str().to_owned(), assumption.stops))
            .collect();
        assert_eq!(assumed, [(PAGER.to_owned(), false), (STOPPER.to_owned(), true)]);
        assert_eq!(topics(STOPPER).assumptions(topics_of_all()), []);
    }
}
