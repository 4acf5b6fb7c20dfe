//! Who is alerted, and whether it reaches them.

use tripline_aws::{Failure, FailureKind};

use crate::aws::commands::quoted;
use crate::aws::drill_name::DrillName;
use crate::doctor::check::{About, Check};
use crate::doctor::facts::{Facts, Need, NoAnswer, Subscription, Topic};
use crate::doctor::result::{CheckResult, NotProven};

pub const CHECKS: &[Check] = &[
    Check {
        name: "email-confirmed",
        about: About::Stack,
        proves: "every e-mail address confirmed its subscription",
        why: "SNS sends nothing to an unconfirmed address",
        needs: &[Need::Topics],
        judge: judge_email_confirmed,
        fix: None,
    },
    Check {
        name: "email-has-recipient",
        about: About::Stack,
        proves: "the e-mail topic has a subscriber who gets every message: alarms, stops, and faults of the guard itself",
        why: "Tripline would stop a rollout, or the guard would fail, and nobody would know",
        needs: &[Need::Topics, Need::Filters],
        judge: judge_email_has_recipient,
        fix: None,
    },
    Check {
        name: "sms-out-of-sandbox",
        about: About::Stack,
        proves: "SNS sends text messages to any number",
        why: "in the SMS sandbox SNS sends to verified numbers only",
        needs: &[Need::Topics, Need::Sms],
        judge: judge_sms_out_of_sandbox,
        fix: None,
    },
    Check {
        name: "sms-spend-limit-raised",
        about: About::Stack,
        proves: "the account may spend more than 1 USD a month on text messages",
        why: "once the account reaches the limit, SNS stops sending text messages without any sign",
        needs: &[Need::Topics, Need::Sms],
        judge: judge_sms_spend_limit_raised,
        fix: None,
    },
];

const EMAIL: [&str; 2] = ["email", "email-json"];

/// One dollar is what every account begins with: some hundred messages in the cheapest country.
const DEFAULT_LIMIT: f64 = 1.0;

fn subscriptions<'a>(topic: &'a Option<Topic>, protocols: &[&str]) -> Vec<&'a Subscription> {
    let all = topic.iter().flat_map(|topic| &topic.subscriptions);
    all.filter(|subscription| protocols.contains(&subscription.protocol.as_str())).collect()
}

fn judge_email_confirmed(facts: &Facts) -> CheckResult {
    let email = facts.topics.email.as_ref()?;
    let all = subscriptions(email, &EMAIL);
    let pending: Vec<_> = all.iter().filter(|subscription| subscription.arn.is_none()).collect();
    if all.is_empty() {
        return Err(NotProven::skipped("no e-mail address is subscribed"));
    }
    if pending.is_empty() {
        return Ok(format!("{} of {}", all.len(), all.len()));
    }
    let endpoints: Vec<_> = pending
        .iter()
        .map(|subscription| format!("`{}`", tripline::text::excerpt(&subscription.endpoint)))
        .collect();
    let topic = email.as_ref().map_or("", |topic| topic.arn.as_str());
    let again = |subscription: &&&Subscription| {
        format!(
            "aws sns subscribe --topic-arn {} --protocol {} --notification-endpoint {}   # sends the link again",
            quoted(topic),
            subscription.protocol,
            quoted(&subscription.endpoint)
        )
    };
    let fixes: Vec<String> = pending.iter().map(again).collect();
    Err(NotProven::finding(format!("not confirmed: {}", endpoints.join(", ")), fixes.join("\n")))
}

/// The alarms on the guard itself go to the e-mail topic alone, so that it is not enough if somebody
/// has text messages.
fn judge_email_has_recipient(facts: &Facts) -> CheckResult {
    let topic = facts.stack.output("EmailTopicArn")?;
    let Some(email) = facts.topics.email.as_ref()? else {
        return Err(NotProven::elsewhere("the topic does not exist", "topics-accept-alarms"));
    };
    let people: Vec<&Subscription> =
        email.subscriptions.iter().filter(|subscription| !is_drill(subscription)).collect();
    let confirmed: Vec<&str> = people.iter().filter_map(|heard| heard.arn.as_deref()).collect();
    let is_pending = |heard: &&Subscription| is_email(heard) && heard.arn.is_none();
    if confirmed.is_empty() && people.iter().any(is_pending) {
        return Err(NotProven::elsewhere(
            "no address has confirmed its subscription",
            "email-confirmed",
        ));
    }
    if confirmed.is_empty() {
        return Err(NotProven::finding(
            "the e-mail topic has no subscription that gets every message",
            format!(
                "aws sns subscribe --topic-arn {} --protocol email --notification-endpoint you@example.com",
                quoted(topic)
            ),
        ));
    }
    let filters = facts.topics.filters.as_ref()?;
    let hear_all = confirmed.iter().filter(|arn| !filters.contains_key(**arn)).count();
    if hear_all > 0 {
        return Ok(format!("{hear_all} confirmed"));
    }
    let filter = filters.values().next().map_or("", String::as_str);
    let again = |arn: &&str| {
        format!(
            "aws sns set-subscription-attributes --subscription-arn {} --attribute-name FilterPolicy --attribute-value '{{}}'",
            quoted(arn)
        )
    };
    Err(NotProven::finding(
        format!(
            "a filter keeps messages from all who are subscribed to the e-mail topic: `{}`",
            tripline::text::excerpt(filter)
        ),
        confirmed.iter().map(again).collect::<Vec<_>>().join("\n"),
    ))
}

fn is_email(subscription: &Subscription) -> bool {
    EMAIL.contains(&subscription.protocol.as_str())
}

/// The queue of a drill, which is gone with it or hears what nobody reads.
fn is_drill(subscription: &Subscription) -> bool {
    subscription.protocol == "sqs" && DrillName::of_queue_arn(&subscription.endpoint).is_some()
}

fn has_sms(facts: &Facts) -> Result<(), NotProven> {
    let topics = [facts.topics.email.as_ref()?, facts.topics.sms.as_ref()?];
    match topics.into_iter().any(|topic| !subscriptions(topic, &["sms"]).is_empty()) {
        true => Ok(()),
        false => Err(NotProven::skipped("no phone number is subscribed")),
    }
}

/// What SNS says of an operation that there is not in a Region or partition.
const UNSUPPORTED: [&str; 3] =
    ["InvalidAction", "UnsupportedOperation", "not supported in this region"];

/// Not every Region and partition says, and that is nobody's fault. A missing right is somebody's.
fn answer_where_supported<T>(asked: &Result<T, NoAnswer>) -> Result<&T, NotProven> {
    let is_unsupported = |failure: &Failure| {
        let text = failure.detail();
        matches!(failure.kind, FailureKind::Refused | FailureKind::Unavailable)
            && UNSUPPORTED.iter().any(|said| text.contains(said))
    };
    asked.as_ref().map_err(|gap| match (gap, NotProven::from(gap)) {
        (NoAnswer::Failed(failure), NotProven::Unknown(why)) if is_unsupported(failure) => {
            NotProven::Untold(why)
        }
        (_, not) => not,
    })
}

fn judge_sms_out_of_sandbox(facts: &Facts) -> CheckResult {
    has_sms(facts)?;
    match answer_where_supported(&facts.sms.in_sandbox)? {
        false => Ok("not in the sandbox".to_owned()),
        true => Err(NotProven::finding(
            format!("the account is in the SMS sandbox in `{}`", facts.region),
            "aws sns create-sms-sandbox-phone-number --phone-number +12065550100   # or ask for production access in the SNS console",
        )),
    }
}

fn judge_sms_spend_limit_raised(facts: &Facts) -> CheckResult {
    has_sms(facts)?;
    let limit = answer_where_supported(&facts.sms.monthly_limit)?.unwrap_or(DEFAULT_LIMIT);
    if limit > DEFAULT_LIMIT {
        return Ok(format!("{limit} USD a month"));
    }
    Err(NotProven::finding(
        format!("text messages stop at {limit} USD a month"),
        "aws sns set-sms-attributes --attributes MonthlySpendLimit=10   # AWS has to raise the account's quota first",
    ))
}
