//! Amazon SNS: who is subscribed to which topic.

use aws_models::Taken;
use aws_sdk_sns::Client;
use aws_sdk_sns::operation::list_subscriptions_by_topic::{
    ListSubscriptionsByTopicError, ListSubscriptionsByTopicInput, ListSubscriptionsByTopicOutput,
};
use aws_smithy_mocks::{RuleMode, mock_client};

use crate::door::on;
use crate::page::page;
use crate::{Account, FakeAws};

/// How many subscriptions are on a page.
const PAGE: usize = 1;

/// Topic, protocol, endpoint, and ARN or `PendingConfirmation`.
pub type Subscription = [&'static str; 4];

/// Topics.
#[derive(Debug, Default)]
pub struct Sns {
    /// In the order in which they are listed.
    pub subscriptions: Vec<Subscription>,
}

impl FakeAws {
    /// A client of SNS.
    pub fn sns(&self) -> Client {
        let rules = [on!(
            self,
            "sns",
            Client::list_subscriptions_by_topic,
            "ListSubscriptionsByTopic",
            |input| input.topic_arn().unwrap_or_default(),
            list_subscriptions
        )];
        mock_client!(aws_sdk_sns, RuleMode::MatchAny, &rules, |config| config.interceptor(Taken))
    }
}

fn list_subscriptions(
    account: &mut Account,
    input: &ListSubscriptionsByTopicInput,
) -> Result<ListSubscriptionsByTopicOutput, ListSubscriptionsByTopicError> {
    let topic = input.topic_arn().unwrap();
    let all = account.sns.subscriptions.iter().filter(|[of, ..]| *of == topic);
    let all = all.map(|[_, protocol, endpoint, arn]| {
        aws_sdk_sns::types::Subscription::builder()
            .protocol(*protocol)
            .endpoint(*endpoint)
            .subscription_arn(*arn)
            .build()
    });
    let (page, next) = page(all, input.next_token(), PAGE);
    let output = ListSubscriptionsByTopicOutput::builder().set_subscriptions(Some(page));
    Ok(output.set_next_token(next).build())
}
