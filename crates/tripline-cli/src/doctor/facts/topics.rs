//! The topics, and who hears them.

use std::collections::BTreeMap;

use tripline_policy::Policy;

use super::answer::Answer;

/// The stack's topics.
#[derive(Debug)]
pub struct Topics {
    pub email: Answer<Option<Topic>>,
    pub sms: Answer<Option<Topic>>,
    pub stop: Answer<Option<Topic>>,
    /// The filter policies of the e-mail topic's subscriptions, by the subscription's ARN.
    pub filters: Answer<BTreeMap<String, String>>,
}

/// A topic.
#[derive(Debug, Clone, Default)]
pub struct Topic {
    pub arn: String,
    pub policy: Policy,
    pub key: Option<String>,
    pub subscriptions: Vec<Subscription>,
}

/// Who hears a topic.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subscription {
    pub protocol: String,
    pub endpoint: String,
    /// `None` until it is confirmed.
    pub arn: Option<String>,
}

/// What SNS says of text messages.
#[derive(Debug)]
pub struct Sms {
    pub in_sandbox: Answer<bool>,
    /// US dollars a month; `None`: AWS's default, 1.
    pub monthly_limit: Answer<Option<f64>>,
}
