//! The request of an alarm that publishes to a topic.

use tripline_policy::{Decision, Policy, Request};

use crate::aws::arn;

/// What a topic's policy says to an alarm of the topic's own account and Region.
pub fn decision_for_alarm(policy: &Policy, topic: &str, alarm: &str) -> Decision {
    let (partition, region, account) =
        (arn::partition(topic), arn::region(topic), arn::account(topic));
    let alarm = format!("arn:{partition}:cloudwatch:{region}:{account}:alarm:{alarm}");
    policy.decide(Request {
        service: Some("cloudwatch.amazonaws.com"),
        action: "sns:Publish",
        resource: topic,
        context: &[
            ("aws:SourceAccount", account),
            ("aws:SourceOwner", account),
            ("aws:SourceArn", &alarm),
            ("aws:RequestedRegion", region),
        ],
    })
}
