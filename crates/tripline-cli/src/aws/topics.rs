//! The stack's topics.

use tripline::alarm::{AlarmDefinition, Topic, TopicArn};
use tripline::text::excerpt;
use tripline_aws::{Failure, FailureKind};

use crate::aws::stack::Stack;
use crate::exit::Error;

/// The output with the topic that stops rollouts.
pub const FORCE_STOP: &str = "ForceStopTopicArn";
/// The output with the topic whose subscribers get e-mail.
pub const EMAIL: &str = "EmailTopicArn";

/// The ARNs of an alarm's topics, each once.
pub fn actions(alarm: &AlarmDefinition, stack: &Stack) -> Result<Vec<String>, Error> {
    let mut actions = Vec::new();
    for topic in &alarm.topics {
        let arn = match topic {
            Topic::Email => of_stack(stack, EMAIL)?,
            Topic::Sms => of_stack(stack, "SmsTopicArn")?,
            Topic::ForceStop => of_stack(stack, FORCE_STOP)?,
            Topic::Arn(arn) => arn.as_str(),
        };
        if !actions.iter().any(|action| action == arn) {
            actions.push(arn.to_owned());
        }
    }
    Ok(actions)
}

/// CloudWatch takes any text for a topic and does not look whether it is there.
pub fn of_stack<'a>(stack: &'a Stack, output: &str) -> Result<&'a str, Error> {
    let arn = stack.output(output)?;
    if TopicArn::new(arn).is_err() {
        let text = format!("output `{output}` is `{}` (expected the ARN of a topic)", excerpt(arn));
        return Err(Failure::new("DescribeStacks", FailureKind::Refused, text).into());
    }
    Ok(arn)
}
