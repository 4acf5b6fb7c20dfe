//! From an alarm to the stop: the topic, who hears it, and what that does.

use tripline::stop::StopMode;
use tripline_policy::{Decision, Request};

use crate::aws::arn::is_same_function;
use crate::aws::commands::quoted;
use crate::aws::policy::{Invoker, decision_for_alarm};
use crate::doctor::check::{About, Check, Fix};
use crate::doctor::facts::{Facts, Need, Topic};
use crate::doctor::result::{CheckResult, NotProven, all_right};

use super::functions::judge_environment;
use super::invoker::judge_only_invoker;
use super::waves::has_releases;

pub const CHECKS: &[Check] = &[
    Check {
        name: "topics-accept-alarms",
        about: About::Stack,
        proves: "alarms of this account may publish to the three topics",
        why: "CloudWatch does not check this right: it loses the message and only notes it in the alarm's history",
        needs: &[Need::Topics],
        judge: judge_topics_accept_alarms,
        fix: None,
    },
    Check {
        name: "topic-keys-usable",
        about: About::Stack,
        proves: "no topic has a KMS key that alarms may not use",
        why: "SNS loses an alarm's message to a topic under `alias/aws/sns`",
        needs: &[Need::Topics],
        judge: judge_topic_keys_usable,
        fix: None,
    },
    Check {
        name: "stopper-subscribed",
        about: About::Stack,
        proves: "the force-stopper receives every message to the force-stop topic",
        why: "an alarm would publish its message, and nothing would act on it",
        needs: &[Need::Topics, Need::StopSubscription],
        judge: judge_stopper_subscribed,
        fix: None,
    },
    Check {
        name: "topic-can-invoke-stopper",
        about: About::Stack,
        proves: "only the force-stop topic may invoke the force-stopper",
        why: "without this right no stop happens; a wider right lets others request stops",
        needs: &[Need::Stopper],
        judge: judge_topic_can_invoke_stopper,
        fix: Some(Fix::StopPermission),
    },
    Check {
        name: "stopper-subscription-has-dlq",
        about: About::Stack,
        proves: "SNS moves a stop that it cannot deliver to the undelivered queue",
        why: "SNS would drop the stop after its last retry, and nobody would know",
        needs: &[Need::Undelivered, Need::StopSubscription],
        judge: judge_stopper_subscription_has_dlq,
        fix: None,
    },
    Check {
        name: "stop-mode-enforced",
        about: About::Stack,
        proves: "an alarm stops its rollout, in the mode that the stack sets",
        why: "in `observe` mode an alarm alerts people, and the rollout goes on",
        needs: &[Need::Stopper],
        judge: judge_stop_mode_enforced,
        fix: None,
    },
];

/// The stack's topics, each with what it is called.
fn topics(facts: &Facts) -> Result<Vec<(&'static str, &Topic)>, NotProven> {
    let mut topics = Vec::new();
    for (name, output, topic) in [
        ("e-mail", "EmailTopicArn", &facts.topics.email),
        ("SMS", "SmsTopicArn", &facts.topics.sms),
        ("force-stop", "ForceStopTopicArn", &facts.topics.stop),
    ] {
        let arn = facts.stack.output(output)?;
        match topic.as_ref()? {
            Some(topic) => topics.push((name, topic)),
            None => {
                let fix = format!(
                    "aws cloudformation detect-stack-drift --stack-name {}",
                    quoted(&facts.stack.name)
                );
                return Err(NotProven::finding(
                    format!("the {name} topic `{arn}` does not exist"),
                    fix,
                ));
            }
        }
    }
    Ok(topics)
}

fn judge_topics_accept_alarms(facts: &Facts) -> CheckResult {
    let account = facts.stack.account();
    let (mut wrong, mut fixes) = (Vec::new(), Vec::new());
    for (name, topic) in topics(facts)? {
        match decision_for_alarm(&topic.policy, &topic.arn, "tripline-any") {
            Decision::Allowed => {}
            Decision::Unclear => {
                return Err(NotProven::unclear_policy(&topic.arn));
            }
            _ => {
                wrong.push(format!("alarms may not publish to the {name} topic"));
                fixes.push(let_alarms_in(&topic.arn, account));
            }
        }
    }
    all_right("alarms may publish to all three", wrong, fixes)
}

/// The command that gives a topic the template's policy.
fn let_alarms_in(topic: &str, account: &str) -> String {
    let policy = serde_json::json!({"Version": "2012-10-17", "Statement": [
        {"Sid": "AlarmsOfThisAccountPublish", "Effect": "Allow",
         "Principal": {"Service": "cloudwatch.amazonaws.com"}, "Action": "sns:Publish", "Resource": topic,
         "Condition": {"StringEquals": {"aws:SourceAccount": account}}},
        {"Sid": "DenyInsecureTransport", "Effect": "Deny", "Principal": "*", "Action": "sns:Publish",
         "Resource": topic, "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
    ]});
    format!(
        "aws sns set-topic-attributes --topic-arn {} --attribute-name Policy --attribute-value {}",
        quoted(topic),
        quoted(&policy.to_string())
    )
}

fn judge_topic_keys_usable(facts: &Facts) -> CheckResult {
    let own = facts.stack.outputs.get("StackKeyArn").map_or("", String::as_str);
    let id = own.rsplit('/').next().unwrap_or_default();
    let (mut wrong, mut fixes) = (Vec::new(), Vec::new());
    for (name, topic) in topics(facts)? {
        let Some(key) = topic.key.as_deref().filter(|key| !key.is_empty()) else { continue };
        if key != own && (id.is_empty() || key != id) {
            wrong.push(format!("the {name} topic is under the key `{key}`"));
            fixes.push(format!(
                "aws sns set-topic-attributes --topic-arn {} --attribute-name KmsMasterKeyId --attribute-value {}",
                quoted(&topic.arn),
                quoted(own)
            ));
        }
    }
    all_right(if own.is_empty() { "none" } else { "the stack's" }, wrong, fixes)
}

fn judge_stopper_subscribed(facts: &Facts) -> CheckResult {
    let function = facts.stack.output("ForceStopperFunctionArn")?;
    let Some(topic) = facts.topics.stop.as_ref()? else {
        return Err(NotProven::elsewhere("the topic does not exist", "topics-accept-alarms"));
    };
    let hears = topic.subscriptions.iter().find(|subscription| {
        subscription.protocol == "lambda" && is_same_function(&subscription.endpoint, function)
    });
    let Some(arn) = hears.and_then(|subscription| subscription.arn.as_deref()) else {
        let queue = facts.stack.output("UndeliveredQueueArn")?;
        let redrive = serde_json::json!({ "deadLetterTargetArn": queue }).to_string();
        let attributes = serde_json::json!({ "RedrivePolicy": redrive }).to_string();
        return Err(NotProven::finding(
            "the force-stopper is not subscribed to the force-stop topic",
            format!(
                "aws sns subscribe --topic-arn {} --protocol lambda --notification-endpoint {} --attributes {}",
                quoted(&topic.arn),
                quoted(function),
                quoted(&attributes)
            ),
        ));
    };
    let attributes = facts.stop_subscription.as_ref()?;
    let filter = attributes.as_ref().and_then(|attributes| attributes.get("FilterPolicy"));
    match filter.map(String::as_str) {
        None | Some("" | "{}") => Ok("the force-stopper".to_owned()),
        Some(filter) => Err(NotProven::finding(
            format!(
                "a filter keeps messages from the force-stopper: `{}`",
                tripline::text::excerpt(filter)
            ),
            format!(
                "aws sns set-subscription-attributes --subscription-arn {} --attribute-name FilterPolicy --attribute-value '{{}}'",
                quoted(arn)
            ),
        )),
    }
}

fn judge_topic_can_invoke_stopper(facts: &Facts) -> CheckResult {
    judge_only_invoker(&facts.stopper.policy, &topic_invoker(facts)?)
}

/// The force-stop topic, as the force-stopper has to let it in.
pub fn topic_invoker(facts: &Facts) -> Result<Invoker<'_>, NotProven> {
    let function = facts.stack.output("ForceStopperFunctionArn")?;
    Ok(Invoker::topic(function, facts.stack.output("ForceStopTopicArn")?))
}

fn judge_stopper_subscription_has_dlq(facts: &Facts) -> CheckResult {
    let Some(attributes) = facts.stop_subscription.as_ref()? else {
        return Err(NotProven::elsewhere("the topic has no subscription", "stopper-subscribed"));
    };
    let Some(queue) = facts.undelivered.as_ref()? else {
        return Err(NotProven::elsewhere(
            "the undelivered queue does not exist",
            "undelivered-queue-empty",
        ));
    };
    let topic = facts.stack.output("ForceStopTopicArn")?;
    let subscription = attributes.get("SubscriptionArn").map_or("", String::as_str);
    let policy = attributes.get("RedrivePolicy").map_or("", String::as_str);
    let target: Option<serde_json::Value> = serde_json::from_str(policy).ok();
    let target = target.as_ref().and_then(|policy| policy.get("deadLetterTargetArn")?.as_str());
    if target != Some(queue.arn.as_str()) {
        return Err(NotProven::finding(
            "the force-stopper's subscription has no redrive policy to the undelivered queue",
            format!(
                r#"aws sns set-subscription-attributes --subscription-arn {} --attribute-name RedrivePolicy --attribute-value '{{"deadLetterTargetArn":"{}"}}'"#,
                quoted(subscription),
                queue.arn
            ),
        ));
    }
    let request = Request {
        service: Some("sns.amazonaws.com"),
        action: "sqs:SendMessage",
        resource: &queue.arn,
        context: &[
            ("aws:SourceArn", topic),
            ("aws:SourceAccount", facts.stack.account()),
            ("aws:RequestedRegion", facts.region.as_str()),
        ],
    };
    match queue.policy.decide(request) {
        Decision::Allowed => Ok("to the undelivered queue".to_owned()),
        Decision::Unclear => Err(NotProven::Unknown(
            "the queue's policy has conditions that are not understood here".to_owned(),
        )),
        _ => Err(NotProven::finding(
            "SNS may not send what it could not deliver to the undelivered queue",
            allow_redrive(&queue.url, &queue.arn, topic),
        )),
    }
}

fn allow_redrive(url: &str, queue: &str, topic: &str) -> String {
    let policy = serde_json::json!({"Version": "2012-10-17", "Statement": [
        {"Sid": "RedriveOfTheForceStopTopic", "Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"},
         "Action": "sqs:SendMessage", "Resource": queue, "Condition": {"ArnEquals": {"aws:SourceArn": topic}}},
        {"Sid": "DenyInsecureTransport", "Effect": "Deny", "Principal": "*", "Action": "sqs:*",
         "Resource": queue, "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
    ]});
    let attributes = serde_json::json!({"Policy": policy.to_string()});
    format!(
        "aws sqs set-queue-attributes --queue-url {} --attributes {}",
        quoted(url),
        quoted(&attributes.to_string())
    )
}

/// What is found of a stack that is sound and only observes.
const OBSERVES: &str = "the stop mode is `observe`: nothing will be stopped";

/// Whether a finding says no more than that the stack observes.
pub fn is_observing(what: &str) -> bool {
    what == OBSERVES
}

fn judge_stop_mode_enforced(facts: &Facts) -> CheckResult {
    let said = facts.stack.output("StopMode")?;
    let Some(runs) = facts.stopper.runs.as_ref()? else {
        return Err(NotProven::elsewhere("the force-stopper does not exist", "stopper-active"));
    };
    let wanted = [
        ("STOP_MODE", said),
        ("EMAIL_TOPIC_ARN", facts.stack.output("EmailTopicArn")?),
        ("SMS_TOPIC_ARN", facts.stack.output("SmsTopicArn")?),
    ];
    // Elsewhere a rollout that asks for a hold is stopped.
    let holds = has_releases(facts).then_some(("HOLDS", "on"));
    let wanted: Vec<_> = wanted.into_iter().chain(holds).collect();
    let function = facts.stack.output("ForceStopperFunctionArn")?;
    judge_environment("force-stopper", function, runs, &wanted)?;
    if said.parse() == Ok(StopMode::Observe) {
        let name = quoted(&facts.stack.name);
        return Err(NotProven::finding(
            OBSERVES,
            format!("sam deploy --stack-name {name} --parameter-overrides StopMode=cancel"),
        ));
    }
    Ok(said.to_owned())
}
