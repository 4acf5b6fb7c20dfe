//! What becomes of an alarm behind CloudWatch: whether it gets to the force-stopper, and what that
//! does then.

use aws_sdk_sns::types::Subscription;
use tripline::stop::StopMode;
use tripline::text::excerpt;
use tripline_aws::{Failure, FailureKind};

use crate::aws::clients::Aws;
use crate::aws::stack::Stack;
use crate::aws::topics;
use crate::exit::Error;

/// What SNS shows instead of an ARN until somebody has followed the link in the e-mail.
const UNCONFIRMED: &str = "PendingConfirmation";

/// How a stack stops.
#[derive(Debug)]
pub struct Stopping {
    pub mode: StopMode,
    /// The ARN of the topic that stops rollouts.
    pub topic: String,
    /// A function is subscribed to it. Without one every alarm is lost there.
    pub is_heard: bool,
    /// E-mail addresses that were not confirmed and get nothing.
    pub unconfirmed: Vec<String>,
}

impl Stopping {
    pub async fn find(aws: &Aws, stack: &Stack) -> Result<Self, Error> {
        let mode = stack.output("StopMode")?.parse().map_err(|fault| {
            let text = format!("output `StopMode`: {fault}");
            Failure::new("DescribeStacks", FailureKind::Refused, text)
        })?;
        let topic = topics::of_stack(stack, topics::FORCE_STOP)?.to_owned();
        let email = topics::of_stack(stack, topics::EMAIL)?;
        let is_heard = aws.subscriptions(&topic).await?.iter().any(|subscription| {
            subscription.protocol() == Some("lambda") && !is_pending(subscription)
        });
        let unconfirmed = aws
            .subscriptions(email)
            .await?
            .iter()
            .filter(|subscription| is_pending(subscription))
            .map(|subscription| excerpt(subscription.endpoint().unwrap_or("?")))
            .collect();
        Ok(Self { mode, topic, is_heard, unconfirmed })
    }

    /// Whether an alarm with these actions gets to the topic that stops rollouts.
    pub fn is_reached_by(&self, actions: &[String]) -> bool {
        actions.contains(&self.topic)
    }

    /// What an alarm with these actions does to its rollout.
    pub fn does(&self, actions: &[String]) -> String {
        match self.is_reached_by(actions) {
            true if self.is_heard => self.mode.to_string(),
            true => "nothing".to_owned(),
            false => "alert".to_owned(),
        }
    }
}

fn is_pending(subscription: &Subscription) -> bool {
    subscription.subscription_arn() == Some(UNCONFIRMED)
}

impl Aws {
    /// All subscriptions of a topic.
    pub async fn subscriptions(&self, topic: &str) -> Result<Vec<Subscription>, Failure> {
        let listed = self.sns.list_subscriptions_by_topic().topic_arn(topic);
        let mut pages = listed.into_paginator().send();
        let mut subscriptions = Vec::new();
        while let Some(page) = pages.next().await {
            let page =
                page.map_err(|error| Failure::from_sdk("ListSubscriptionsByTopic", &error))?;
            subscriptions.extend(page.subscriptions.unwrap_or_default());
        }
        Ok(subscriptions)
    }
}
