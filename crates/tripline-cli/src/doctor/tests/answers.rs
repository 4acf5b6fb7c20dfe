//! Answers of AWS that the local AWS never gives, from the real clients to the verdict.

use aws_sdk_sns::operation::get_sms_attributes::GetSmsAttributesOutput;
use aws_sdk_sns::operation::get_sms_sandbox_account_status::GetSmsSandboxAccountStatusOutput;
use aws_sdk_sns::operation::get_topic_attributes::GetTopicAttributesOutput;
use aws_sdk_sns::operation::list_subscriptions_by_topic::ListSubscriptionsByTopicOutput;
use aws_sdk_sns::types::Subscription;
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};

use super::sound::{EMAIL, SMS, sound};
use crate::aws::connect::Connection;
use crate::doctor::ask::Clients;
use crate::doctor::checks::checks;
use crate::doctor::result::NotProven;

/// SNS whose e-mail address has not been confirmed, in the sandbox, with the limit of a new account.
fn sns() -> aws_sdk_sns::Client {
    let attributes: Rule = mock!(aws_sdk_sns::Client::get_topic_attributes)
        .then_output(|| GetTopicAttributesOutput::builder().attributes("TopicArn", EMAIL).build());
    let subscriptions = mock!(aws_sdk_sns::Client::list_subscriptions_by_topic)
        .then_compute_output(|input| {
            let (protocol, endpoint, arn) = match input.topic_arn() {
                Some(EMAIL) => ("email", "ops@example.com", "PendingConfirmation"),
                Some(SMS) => ("sms", "+12065550100", "arn:aws:sns:us-east-1:111122223333:sms:1"),
                _ => ("lambda", "arn:aws:lambda:us-east-1:111122223333:function:x", "Deleted"),
            };
            let one =
                Subscription::builder().protocol(protocol).endpoint(endpoint).subscription_arn(arn);
            ListSubscriptionsByTopicOutput::builder().subscriptions(one.build()).build()
        });
    let sandbox = mock!(aws_sdk_sns::Client::get_sms_sandbox_account_status)
        .then_output(|| GetSmsSandboxAccountStatusOutput::builder().is_in_sandbox(true).build());
    let limit = mock!(aws_sdk_sns::Client::get_sms_attributes).then_output(|| {
        GetSmsAttributesOutput::builder().attributes("MonthlySpendLimit", "1").build()
    });
    mock_client!(aws_sdk_sns, RuleMode::MatchAny, &[attributes, subscriptions, sandbox, limit])
}

#[tokio::test]
async fn people_who_would_not_be_alerted_are_found() {
    let config = tripline_aws::SdkConfig::builder()
        .behavior_version(aws_sdk_sns::config::BehaviorVersion::latest())
        .build();
    let mut clients = Clients::new(Connection { region: "us-east-1".to_owned(), config });
    clients.alarms.sns = sns();
    let mut facts = sound();
    let (topics, _) = clients.get_topics(&facts.stack, false, true).await;
    facts.topics = topics;
    facts.sms = clients.get_sms_settings().await;
    for (name, expected) in [
        ("email-confirmed", "not confirmed: `ops@example.com`"),
        ("sms-out-of-sandbox", "the account is in the SMS sandbox in `us-east-1`"),
        ("sms-spend-limit-raised", "text messages stop at 1 USD a month"),
        ("stopper-subscribed", "the force-stopper is not subscribed to the force-stop topic"),
    ] {
        let check = checks().find(|check| check.name == name).unwrap();
        let Err(NotProven::Finding { what, .. }) = (check.judge)(&facts) else { panic!("{name}") };
        assert_eq!(what, expected);
    }
    // A phone gets alarms that go to the SMS topic, and of nothing else.
    let found = checks().find(|check| check.name == "email-has-recipient").unwrap();
    let Err(NotProven::Elsewhere { check, .. }) = (found.judge)(&facts) else { panic!() };
    assert_eq!(check, "email-confirmed");
}
