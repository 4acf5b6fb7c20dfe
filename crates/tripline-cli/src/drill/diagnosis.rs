//! Which link is cut, as far as AWS shows it: looked for where a step takes long. First what takes a
//! call or two, and then what `tripline doctor` finds in this part of the chain; what is not found may
//! still be slow.

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::types::HistoryItemType;
use tripline::text::clean;
use tripline_aws::{Failure, FailureKind};
use tripline_policy::{Decision, Policy};

use super::clients::DrillClients;
use crate::aws::connect::Connection;
use crate::aws::policy::{Invoker, decision_for_alarm};
use crate::aws::stack::Stack;
use crate::aws::topics;
use crate::doctor::chain::ChainPart;

/// Longest text of CloudWatch's that is shown.
const MAX_SUMMARY: usize = 400;

/// A link that does not hold, and what fixes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenLink {
    pub what: String,
    pub hint: String,
}

impl BrokenLink {
    pub fn new(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { what: what.into(), hint: hint.into() }
    }
}

/// Where to look.
#[derive(Debug)]
pub struct Diagnosis<'a> {
    pub cloud: &'a DrillClients,
    pub stack: &'a Stack,
    pub stack_name: &'a str,
    /// The drill's alarm.
    pub alarm: &'a str,
    /// The stack is meant to stop nothing.
    pub observes: bool,
}

impl Diagnosis<'_> {
    /// Between a report and its metric.
    pub async fn find_counting_fault(&self) -> Option<BrokenLink> {
        let rule = self.stack.output("JobExecutionRuleArn").ok()?;
        if let Some(cut) = self.check_rule(rule).await {
            return Some(cut);
        }
        let function = self.stack.output("MetricsGeneratorFunctionArn").ok()?;
        if let Some(cut) = self.check_function("metrics-generator", function).await {
            return Some(cut);
        }
        if self.stack.output("Ingest").ok()? == "direct" {
            let invoker = Invoker::rule(function, rule);
            if let Some(cut) = self.check_permission("metrics-generator", &invoker).await {
                return Some(cut);
            }
        }
        self.ask_doctor(ChainPart::Counting).await
    }

    /// Between the alarm and the stop.
    pub async fn find_stopping_fault(&self) -> Option<BrokenLink> {
        let topic = topics::of_stack(self.stack, topics::FORCE_STOP).ok()?;
        if let Some(cut) = self.check_action(topic).await {
            return Some(cut);
        }
        if let Some(cut) = self.check_topic("force-stop", topic).await {
            return Some(cut);
        }
        let function = self.stack.output("ForceStopperFunctionArn").ok()?;
        if let Some(cut) = self.check_function("force-stopper", function).await {
            return Some(cut);
        }
        match self.check_permission("force-stopper", &Invoker::topic(function, topic)).await {
            None => self.ask_doctor(ChainPart::Stopping).await,
            cut => cut,
        }
    }

    /// Between the alarm and people.
    pub async fn find_alerting_fault(&self) -> Option<BrokenLink> {
        let topic = topics::of_stack(self.stack, topics::EMAIL).ok()?;
        if let Some(cut) = self.check_action(topic).await {
            return Some(cut);
        }
        match self.check_topic("e-mail", topic).await {
            None => self.ask_doctor(ChainPart::Alerting).await,
            cut => cut,
        }
    }

    /// What `tripline doctor` finds there.
    async fn ask_doctor(&self, part: ChainPart) -> Option<BrokenLink> {
        let aws = &self.cloud.aws;
        let connection =
            Connection { region: aws.region.clone(), config: self.cloud.config.clone() };
        // On the heap: it asks for many things at once, deep in a drill's own futures.
        let found = Box::pin(part.find_fault(connection, self.stack_name, self.observes)).await?;
        let what = format!("`{}`: {}", found.check, clean(&found.what, MAX_SUMMARY));
        Some(BrokenLink::new(what, doctor_hint(self.stack_name, found.check)))
    }

    fn doctor_hint(&self, check: &str) -> String {
        doctor_hint(self.stack_name, check)
    }

    async fn check_rule(&self, arn: &str) -> Option<BrokenLink> {
        let name = arn.rsplit('/').next()?;
        let found = self.cloud.aws.iot.get_topic_rule().rule_name(name).send().await;
        match found.map_err(|error| Failure::from_sdk("GetTopicRule", &error)) {
            Ok(found) if found.rule().and_then(|rule| rule.rule_disabled()) == Some(true) => {
                Some(BrokenLink::new(
                    format!("IoT rule `{name}` is disabled, so that no event gets further"),
                    format!("`aws iot enable-topic-rule --rule-name {name}`"),
                ))
            }
            Err(failure) if failure.kind == FailureKind::NotFound => Some(BrokenLink::new(
                format!("there is no IoT rule `{name}`, so that no event gets further"),
                self.doctor_hint("rule-enabled"),
            )),
            _ => None,
        }
    }

    async fn check_function(&self, what: &str, arn: &str) -> Option<BrokenLink> {
        let hint = || {
            self.doctor_hint(if what == "force-stopper" {
                "stopper-active"
            } else {
                "generator-active"
            })
        };
        let found = self.cloud.lambda.get_function_configuration().function_name(arn).send().await;
        match found.map_err(|error| Failure::from_sdk("GetFunctionConfiguration", &error)) {
            Ok(found) => {
                let state = found.state().map(|state| state.as_str());
                let why = clean(found.state_reason().unwrap_or("no reason given"), MAX_SUMMARY);
                (state == Some("Failed"))
                    .then(|| BrokenLink::new(format!("the {what} cannot run: {why}"), hint()))
            }
            Err(failure) if failure.kind == FailureKind::NotFound => {
                Some(BrokenLink::new(format!("there is no {what}: `{arn}`"), hint()))
            }
            Err(_) => None,
        }
    }

    async fn check_permission(&self, what: &str, invoker: &Invoker<'_>) -> Option<BrokenLink> {
        let found = self.cloud.lambda.get_policy().function_name(invoker.function).send().await;
        let policy = match found.map_err(|error| Failure::from_sdk("GetPolicy", &error)) {
            Ok(found) => Policy::parse(found.policy()?)?,
            Err(failure) if failure.kind == FailureKind::NotFound => Policy::default(),
            Err(_) => return None,
        };
        let check = if what == "force-stopper" {
            "topic-can-invoke-stopper"
        } else {
            "rule-can-invoke-generator"
        };
        let source = invoker.source;
        is_refused(invoker.decision(&policy)).then(|| {
            BrokenLink::new(
                format!("`{source}` may not invoke the {what}"),
                self.doctor_hint(check),
            )
        })
    }

    async fn check_action(&self, topic: &str) -> Option<BrokenLink> {
        failed_action(&self.cloud.aws.cloudwatch, self.alarm, topic).await
    }

    async fn check_topic(&self, what: &str, arn: &str) -> Option<BrokenLink> {
        let found = self.cloud.aws.sns.get_topic_attributes().topic_arn(arn).send().await;
        let attributes =
            match found.map_err(|error| Failure::from_sdk("GetTopicAttributes", &error)) {
                Ok(found) => found.attributes.unwrap_or_default(),
                Err(failure) if failure.kind == FailureKind::NotFound => {
                    return Some(BrokenLink::new(
                        format!("there is no {what} topic `{arn}`"),
                        self.doctor_hint("topics-accept-alarms"),
                    ));
                }
                Err(_) => return None,
            };
        let policy = Policy::parse(attributes.get("Policy")?)?;
        is_refused(decision_for_alarm(&policy, arn, self.alarm)).then(|| {
            BrokenLink::new(
                format!("the policy of the {what} topic does not let CloudWatch publish"),
                self.doctor_hint("topics-accept-alarms"),
            )
        })
    }
}

/// Where the command is that fixes what a check finds. To deploy again changes nothing of what was
/// changed by hand.
pub fn doctor_hint(stack: &str, check: &str) -> String {
    format!("`tripline doctor --stack {stack} --only {check}` prints the command that fixes it")
}

/// What CloudWatch says about an action that failed: it does so in the alarm's history and nowhere
/// else.
async fn failed_action(client: &Client, alarm: &str, topic: &str) -> Option<BrokenLink> {
    let history = client
        .describe_alarm_history()
        .alarm_name(alarm)
        .history_item_type(HistoryItemType::Action)
        .send()
        .await
        .ok()?;
    let mut summaries =
        history.alarm_history_items().iter().filter_map(|item| item.history_summary());
    let failed = summaries
        .find(|summary| summary.starts_with("Failed to execute") && summary.contains(topic))?;
    let hint = "check the policy of the topic, and of its KMS key";
    Some(BrokenLink::new(format!("CloudWatch says: {}", clean(failed, MAX_SUMMARY)), hint))
}

/// Whether a policy refuses a request for sure. In doubt it does not: only what is missing for sure is a
/// finding.
fn is_refused(decision: Decision) -> bool {
    matches!(decision, Decision::Denied | Decision::NotAllowed)
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudwatch::operation::describe_alarm_history::DescribeAlarmHistoryOutput;
    use aws_sdk_cloudwatch::types::AlarmHistoryItem;
    use aws_smithy_mocks::{RuleMode, mock, mock_client};
    use serde_json::{Value, json};

    use super::*;

    #[tokio::test]
    async fn an_action_that_failed_is_in_the_alarm_s_history() {
        let email = "arn:aws:sns:us-east-1:111122223333:email";
        let history = mock!(Client::describe_alarm_history).then_output(move || {
            let item = |summary: String| AlarmHistoryItem::builder().history_summary(summary).build();
            DescribeAlarmHistoryOutput::builder()
                .alarm_history_items(item(
                    "Successfully executed action arn:aws:sns:us-east-1:111122223333:stop".to_owned(),
                ))
                .alarm_history_items(item(format!(
                    "Failed to execute action {email}. Received error: \"CloudWatch Alarms is not authorized\""
                )))
                .build()
        });
        let client = mock_client!(aws_sdk_cloudwatch, RuleMode::MatchAny, &[history]);
        let cut = failed_action(&client, "a", email).await.unwrap();
        assert!(cut.what.starts_with("CloudWatch says: Failed to execute action"), "{}", cut.what);
        let stop = "arn:aws:sns:us-east-1:111122223333:stop";
        assert_eq!(failed_action(&client, "a", stop).await, None);
    }

    #[test]
    fn a_policy_lets_in_whom_it_names() {
        let rule = "arn:aws:iot:us-east-1:111122223333:rule/events";
        let statement = |effect: &str, service: Value, condition: Value| {
            let principal = json!({"Service": service});
            json!({"Effect": effect, "Principal": principal, "Condition": condition})
        };
        let from = |arn: &str| json!({"ArnLike": {"AWS:SourceArn": arn}});
        let iot = || json!("iot.amazonaws.com");
        for (is_let_in, policy) in [
            (true, json!({"Statement": [statement("Allow", iot(), from(rule))]})),
            (true, json!({"Statement": statement("Allow", iot(), json!(null))})),
            (
                true,
                json!({"Statement": [statement("Allow", json!(["a", "iot.amazonaws.com"]), from("arn:*"))]}),
            ),
            (true, json!({"Statement": [{"Effect": "Allow", "Principal": "*"}]})),
            (
                false,
                json!({"Statement": [statement("Allow", iot(), from("arn:aws:iot:a:b:rule/other"))]}),
            ),
            (false, json!({"Statement": [statement("Deny", iot(), from(rule))]})),
            (
                false,
                json!({"Statement": [statement("Allow", json!("sns.amazonaws.com"), from(rule))]}),
            ),
            (false, json!({"Statement": []})),
            (false, json!(null)),
        ] {
            assert_eq!(!is_refused(decision_of(&policy, rule)), is_let_in, "{policy}");
        }
    }

    #[test]
    fn a_denial_goes_before_what_is_allowed() {
        let rule = "arn:aws:iot:us-east-1:111122223333:rule/events";
        let statement = |effect: &str| {
            json!({"Effect": effect, "Principal": {"Service": "iot.amazonaws.com"},
                "Action": "lambda:InvokeFunction", "Resource": "*"})
        };
        let allowed = json!({"Statement": [statement("Allow")]});
        assert_eq!(decision_of(&allowed, rule), Decision::Allowed);
        let denied = json!({"Statement": [statement("Allow"), statement("Deny")]});
        assert!(is_refused(decision_of(&denied, rule)));
    }

    /// What a function's policy says to an IoT rule.
    fn decision_of(policy: &Value, rule: &str) -> Decision {
        let function = "arn:aws:lambda:us-east-1:111122223333:function:f";
        let policy = Policy::parse(&policy.to_string()).unwrap_or_default();
        Invoker::rule(function, rule).decision(&policy)
    }
}
