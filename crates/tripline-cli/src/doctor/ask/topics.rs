//! The topics, who hears them, and the account's settings for text messages.

use std::collections::{BTreeMap, HashMap};

use tripline_aws::Failure;

use super::answer::{none_if_not_found, parse_policy};
use super::clients::Clients;
use crate::aws::arn::is_same_function;
use crate::doctor::facts::{Answer, NoAnswer, Sms, StackFacts, Subscription, Topic, Topics};

/// A topic with more subscriptions than that has somebody who hears it.
const MOST_FILTERS: usize = 50;

impl Clients {
    /// The three topics, the attributes of the force-stopper's subscription, and the e-mail topic's
    /// filters.
    pub async fn get_topics(
        &self,
        stack: &StackFacts,
        with_subscription: bool,
        with_filters: bool,
    ) -> (Topics, Answer<Option<BTreeMap<String, String>>>) {
        let (email, sms, stop) = tokio::join!(
            self.get_topic(stack, "EmailTopicArn"),
            self.get_topic(stack, "SmsTopicArn"),
            self.get_topic(stack, "ForceStopTopicArn"),
        );
        let subscription = match (&stop, with_subscription) {
            (_, false) => Err(NoAnswer::NotAsked),
            (Err(gap), true) => Err(gap.clone()),
            (Ok(topic), true) => self.get_stopper_subscription(stack, topic.as_ref()).await,
        };
        let filters = match (&email, with_filters) {
            (_, false) => Err(NoAnswer::NotAsked),
            (Err(gap), true) => Err(gap.clone()),
            (Ok(topic), true) => self.get_filter_policies(topic.as_ref()).await,
        };
        (Topics { email, sms, stop, filters }, subscription)
    }

    /// The filter policies of a topic's subscriptions.
    async fn get_filter_policies(&self, topic: Option<&Topic>) -> Answer<BTreeMap<String, String>> {
        let all = topic.into_iter().flat_map(|topic| &topic.subscriptions);
        let mut filters = BTreeMap::new();
        for arn in all.filter_map(|subscription| subscription.arn.as_deref()).take(MOST_FILTERS) {
            let attributes = self.get_subscription_attributes(arn).await?.unwrap_or_default();
            let filter = attributes.get("FilterPolicy").map(String::as_str).unwrap_or_default();
            if !matches!(filter, "" | "{}") {
                filters.insert(arn.to_owned(), filter.to_owned());
            }
        }
        Ok(filters)
    }

    /// A subscription's attributes, if it is there.
    async fn get_subscription_attributes(
        &self,
        arn: &str,
    ) -> Answer<Option<HashMap<String, String>>> {
        let found =
            self.alarms.sns.get_subscription_attributes().subscription_arn(arn).send().await;
        let found = none_if_not_found(
            found.map_err(|error| Failure::from_sdk("GetSubscriptionAttributes", &error)),
        )?;
        Ok(found.and_then(|found| found.attributes))
    }

    async fn get_topic(&self, stack: &StackFacts, output: &'static str) -> Answer<Option<Topic>> {
        let arn = stack.output(output)?;
        let found = self.alarms.sns.get_topic_attributes().topic_arn(arn).send().await;
        let found = none_if_not_found(
            found.map_err(|error| Failure::from_sdk("GetTopicAttributes", &error)),
        )?;
        let Some(found) = found else { return Ok(None) };
        let attribute = |name: &str| found.attributes().and_then(|all| all.get(name)).cloned();
        let heard = self.alarms.subscriptions(arn).await?;
        let subscriptions = heard.iter().map(|subscription| Subscription {
            protocol: subscription.protocol().unwrap_or_default().to_owned(),
            endpoint: subscription.endpoint().unwrap_or_default().to_owned(),
            // SNS says `PendingConfirmation` instead, or `Deleted`.
            arn: subscription
                .subscription_arn()
                .filter(|arn| arn.starts_with("arn:"))
                .map(str::to_owned),
        });
        Ok(Some(Topic {
            arn: arn.to_owned(),
            policy: match attribute("Policy").filter(|text| !text.is_empty()) {
                Some(text) => parse_policy("GetTopicAttributes", &text)?,
                None => Default::default(),
            },
            key: attribute("KmsMasterKeyId"),
            subscriptions: subscriptions.collect(),
        }))
    }

    async fn get_stopper_subscription(
        &self,
        stack: &StackFacts,
        topic: Option<&Topic>,
    ) -> Answer<Option<BTreeMap<String, String>>> {
        let function = stack.output("ForceStopperFunctionArn")?;
        let arn =
            topic.into_iter().flat_map(|topic| &topic.subscriptions).find_map(|subscription| {
                let is_it = subscription.protocol == "lambda"
                    && is_same_function(&subscription.endpoint, function);
                is_it.then(|| subscription.arn.clone()).flatten()
            });
        let Some(arn) = arn else { return Ok(None) };
        let attributes = self.get_subscription_attributes(&arn).await?.unwrap_or_default();
        Ok(Some(attributes.into_iter().collect()))
    }

    /// What SNS says of text messages. It does not say everywhere.
    pub async fn get_sms_settings(&self) -> Sms {
        let sandbox = self.alarms.sns.get_sms_sandbox_account_status().send().await;
        let limit =
            self.alarms.sns.get_sms_attributes().attributes("MonthlySpendLimit").send().await;
        let limit =
            limit.map_err(|error| NoAnswer::from(Failure::from_sdk("GetSMSAttributes", &error)));
        Sms {
            in_sandbox: sandbox
                .map(|status| status.is_in_sandbox())
                .map_err(|error| Failure::from_sdk("GetSMSSandboxAccountStatus", &error).into()),
            monthly_limit: limit.map(|limit| {
                limit.attributes().and_then(|all| all.get("MonthlySpendLimit")?.parse().ok())
            }),
        }
    }
}
