//! Which of an alarm's topics stops the rollout, where AWS is not asked.

use tripline::alarm::{Topic, TopicArn};
use tripline_simulation::stop_topics::StopTopics;

/// What is known of the topics that a config names by their ARNs.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct StopTopic {
    /// The topic that stops the rollout, if the config names it by its ARN [default: one with
    /// `force-stop` in its name]
    #[arg(long, value_name = "ARN")]
    stop_topic: Option<TopicArn>,
}

impl StopTopic {
    /// The same for the core.
    pub fn topics(&self) -> StopTopics {
        StopTopics::new(self.stop_topic.clone())
    }

    /// What is to be said of the topics of each alarm: every one that was taken for something by its
    /// name, or that no alarm goes to the one that was named.
    pub fn notes_of(&self, file: &str, alarms: Vec<&[Topic]>) -> Vec<String> {
        let topics = self.topics();
        if let Some(named) = topics.named()
            && !alarms.iter().any(|alarm| topics.are_among(alarm))
        {
            let named = named.as_str();
            return vec![format!(
                "{file}: no alarm notifies `@force-stop` or `{named}`, so none stops the rollout"
            )];
        }
        let note = |assumption: tripline_simulation::stop_topics::Assumption| {
            let (topic, stops) = (assumption.topic, if assumption.stops { "" } else { "not " });
            format!(
                "{file}: `{}` is taken {stops}to stop the rollout, by its name (`--stop-topic` says which topic does)",
                topic.as_str()
            )
        };
        topics.assumptions(alarms.into_iter().flatten()).into_iter().map(note).collect()
    }
}
