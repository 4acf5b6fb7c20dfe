//! The messages that people get during a drill: a queue, subscribed to the e-mail topic as an address would
//! be, and gone with the drill.
//!
//! It proves that CloudWatch and the force-stopper may publish to the topic, and what. That an
//! e-mail arrives is for a person to see.

use std::collections::HashMap;

use aws_sdk_sns::types::Subscription;
use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::{Value, json};
use tripline_aws::{Failure, FailureKind};

use super::clients::{DrillClients, TAG};
use crate::aws::drill_name::DrillName;

/// What is left in the queue of a drill that was killed is gone after this many seconds.
const RETENTION: u32 = 3_600;
/// Seconds for which a message that was read is not seen again: longer than a drill.
const UNSEEN: u32 = 3_600;

/// The queue.
#[derive(Debug)]
pub struct Mailbox {
    url: String,
}

/// What has come.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct ReceivedMessages {
    /// CloudWatch said that the drill's alarm is in ALARM.
    pub alarm: bool,
    /// The force-stopper said that it stopped the sentinel.
    pub stopped: bool,
    /// The force-stopper said that it would have.
    pub observed: bool,
    /// The force-stopper refused the drill's alarm; its words.
    pub refused: Option<String>,
}

impl Mailbox {
    /// Makes the queue and subscribes it.
    pub async fn open(
        cloud: &DrillClients,
        name: &DrillName,
        topic: &str,
    ) -> Result<Self, Failure> {
        const CREATE: &str = "CreateQueue";
        let arn = queue_arn(topic, name).ok_or_else(|| {
            Failure::new(CREATE, FailureKind::Refused, format!("`{topic}` is no topic's ARN"))
        })?;
        // The queue's own encryption: SNS has decrypted what comes here, whatever the topic's key.
        let attributes = HashMap::from([
            (QueueAttributeName::Policy, queue_policy(&arn, topic).to_string()),
            (QueueAttributeName::MessageRetentionPeriod, RETENTION.to_string()),
            (QueueAttributeName::VisibilityTimeout, UNSEEN.to_string()),
            (QueueAttributeName::SqsManagedSseEnabled, "true".to_owned()),
        ]);
        let created = cloud
            .sqs
            .create_queue()
            .queue_name(name.as_str())
            .set_attributes(Some(attributes))
            .tags(TAG, name.as_str())
            .send()
            .await
            .map_err(|error| Failure::from_sdk(CREATE, &error))?;
        let url = created.queue_url.ok_or_else(|| {
            Failure::new(CREATE, FailureKind::Unavailable, "the answer has no address of the queue")
        })?;
        let subscribe = cloud.aws.sns.subscribe().topic_arn(topic).protocol("sqs").endpoint(arn);
        let subscribed = subscribe.send().await;
        subscribed.map_err(|error| Failure::from_sdk("Subscribe", &error))?;
        Ok(Self { url })
    }

    /// Reads what has come, for at most a second. Other rollouts' messages are passed over.
    pub async fn read(
        &self,
        cloud: &DrillClients,
        name: &DrillName,
        alarm: &str,
        post: &mut ReceivedMessages,
    ) -> Result<(), Failure> {
        let received = cloud
            .sqs
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(10)
            .wait_time_seconds(1)
            .send()
            .await
            .map_err(|error| Failure::from_sdk("ReceiveMessage", &error))?;
        for message in received.messages() {
            post.note(name, alarm, message.body().unwrap_or_default());
        }
        Ok(())
    }
}

impl ReceivedMessages {
    /// Takes a message of the topic, as SNS wraps it up.
    fn note(&mut self, name: &DrillName, alarm: &str, body: &str) {
        let Ok(envelope) = serde_json::from_str::<Value>(body) else { return };
        let field = |key: &str| envelope.get(key).and_then(Value::as_str).unwrap_or_default();
        let (subject, text) = (field("Subject"), field("Message"));
        if let Ok(notice) = serde_json::from_str::<Value>(text) {
            let says =
                |key: &str, value: &str| notice.get(key).and_then(Value::as_str) == Some(value);
            self.alarm |= says("AlarmName", alarm) && says("NewStateValue", "ALARM");
        } else if subject == format!("Tripline stopped rollout {name}") {
            self.stopped = true;
        } else if subject == format!("Tripline would have stopped rollout {name}") {
            self.observed = true;
        } else if subject.starts_with("Tripline refused") && text.contains(alarm) {
            let why = text.lines().find_map(|line| line.strip_prefix("why "));
            self.refused = Some(tripline::text::clean(why.unwrap_or(text).trim(), 400));
        }
    }
}

/// The ARN of the drill's queue, which is where the topic is.
pub fn queue_arn(topic: &str, name: &DrillName) -> Option<String> {
    let mut parts: Vec<&str> = topic.split(':').collect();
    let [_, _, service, _, _, last] = parts.as_mut_slice() else { return None };
    (*service, *last) = ("sqs", name.as_str());
    Some(parts.join(":"))
}

/// Exactly this topic may write into it.
fn queue_policy(queue: &str, topic: &str) -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": queue,
            "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
        }],
    })
}

/// The subscriptions of drills' queues to a topic, or to any; with whose they are.
pub async fn drill_subscriptions(
    cloud: &DrillClients,
    topic: Option<&str>,
) -> Result<Vec<(DrillName, String)>, Failure> {
    let all = list_subscriptions(cloud, topic).await?.into_iter();
    Ok(all
        .filter_map(|subscription| Some((drill_of(&subscription)?, subscription.subscription_arn?)))
        .collect())
}

/// How many get what is published to a topic, other than drills.
pub async fn count_subscribers(cloud: &DrillClients, topic: &str) -> Result<usize, Failure> {
    let is_alerted = |subscription: &&Subscription| {
        let arn = subscription.subscription_arn().unwrap_or_default();
        arn.starts_with("arn:") && drill_of(subscription).is_none()
    };
    Ok(list_subscriptions(cloud, Some(topic)).await?.iter().filter(is_alerted).count())
}

/// The drill that a subscription is of.
fn drill_of(subscription: &Subscription) -> Option<DrillName> {
    let endpoint = subscription.endpoint().filter(|_| subscription.protocol() == Some("sqs"));
    endpoint.and_then(DrillName::of_queue_arn)
}

async fn list_subscriptions(
    cloud: &DrillClients,
    topic: Option<&str>,
) -> Result<Vec<Subscription>, Failure> {
    let mut all = Vec::new();
    if let Some(topic) = topic {
        let listed = cloud.aws.sns.list_subscriptions_by_topic().topic_arn(topic);
        let mut pages = listed.into_paginator().send();
        while let Some(page) = pages.next().await {
            let page =
                page.map_err(|error| Failure::from_sdk("ListSubscriptionsByTopic", &error))?;
            all.extend(page.subscriptions.unwrap_or_default());
        }
    } else {
        let mut pages = cloud.aws.sns.list_subscriptions().into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| Failure::from_sdk("ListSubscriptions", &error))?;
            all.extend(page.subscriptions.unwrap_or_default());
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOPIC: &str = "arn:aws-us-gov:sns:us-gov-west-1:111122223333:tripline-EmailTopic-1";

    #[test]
    fn only_the_topic_may_write_into_the_queue() {
        let name = DrillName::new("tripline-drill-abcdefghijkl").unwrap();
        let arn = queue_arn(TOPIC, &name).unwrap();
        assert_eq!(arn, format!("arn:aws-us-gov:sqs:us-gov-west-1:111122223333:{name}"));
        assert_eq!(queue_arn("tripline-EmailTopic", &name), None);
        let policy = queue_policy(&arn, TOPIC);
        let [statement] = policy["Statement"].as_array().unwrap().as_slice() else { panic!() };
        assert_eq!(statement["Resource"], arn.as_str());
        assert_eq!(statement["Condition"], json!({"ArnEquals": {"aws:SourceArn": TOPIC}}));
    }

    #[test]
    fn only_what_is_about_this_drill_counts() {
        let name = DrillName::new("tripline-drill-abcdefghijkl").unwrap();
        let alarm = format!("tripline-{name}-Drill");
        let message = |subject: &str, text: &str| {
            json!({"Type": "Notification", "Subject": subject, "Message": text}).to_string()
        };
        let notice = |alarm: &str, state: &str| {
            message("ALARM", &json!({"AlarmName": alarm, "NewStateValue": state}).to_string())
        };
        let mut post = ReceivedMessages::default();
        for body in [
            "",
            "[]",
            "{}",
            &message("Tripline stopped rollout fw-2-1", "fw-2-1"),
            &message("Tripline stopped rollout tripline-drill-abcdefghijkm", ""),
            &message("Tripline refused an alarm message", "why      alarm `other`"),
            &notice("tripline-fw-2-1-Slow", "ALARM"),
            &notice(&alarm, "OK"),
        ] {
            post.note(&name, &alarm, body);
            assert_eq!(post, ReceivedMessages::default(), "{body}");
        }
        post.note(&name, &alarm, &notice(&alarm, "ALARM"));
        post.note(&name, &alarm, &message(&format!("Tripline stopped rollout {name}"), "words"));
        post.note(
            &name,
            &alarm,
            &message(&format!("Tripline would have stopped rollout {name}"), ""),
        );
        let refused = format!("Tripline refused.\n\nwhy      alarm `{alarm}` is not known\n");
        post.note(&name, &alarm, &message("Tripline refused an alarm message", &refused));
        assert!(post.alarm && post.stopped && post.observed);
        assert_eq!(post.refused, Some(format!("alarm `{alarm}` is not known")));
    }
}
