//! Which link is cut, as far as AWS shows it: looked for where a step takes long. First what takes a
//! call or two, and then what `tripline doctor` finds in this part of the chain; what is not found may
//! still be slow.

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::types::HistoryItemType;
use serde_json::Value;
use tripline::text::clean;
use tripline_aws::{Failure, FailureKind};

use super::cloud::Cloud;
use crate::aws::connect::Connection;
use crate::aws::stack::Stack;
use crate::aws::topics;
use crate::doctor::links::Part;

/// Longest text of CloudWatch's that is shown.
const MAX_SUMMARY: usize = 400;

/// A link that does not hold, and what mends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    pub what: String,
    pub hint: String,
}

impl Cut {
    pub fn new(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { what: what.into(), hint: hint.into() }
    }
}

/// Where to look.
#[derive(Debug)]
pub struct Look<'a> {
    pub cloud: &'a Cloud,
    pub stack: &'a Stack,
    pub stack_name: &'a str,
    /// The drill's alarm.
    pub alarm: &'a str,
    /// The stack is meant to stop nothing.
    pub observes: bool,
}

impl Look<'_> {
    /// Between a report and its metric.
    pub async fn counting(&self) -> Option<Cut> {
        let rule = self.stack.output("JobExecutionRuleArn").ok()?;
        if let Some(cut) = self.rule(rule).await {
            return Some(cut);
        }
        let function = self.stack.output("MetricsGeneratorFunctionArn").ok()?;
        if let Some(cut) = self.function("metrics-generator", function).await {
            return Some(cut);
        }
        if self.stack.output("Ingest").ok()? == "direct" {
            let cut = self.permission("metrics-generator", function, "iot.amazonaws.com", rule);
            if let Some(cut) = cut.await {
                return Some(cut);
            }
        }
        self.found(Part::Counting).await
    }

    /// Between the alarm and the stop.
    pub async fn stopping(&self) -> Option<Cut> {
        let topic = topics::of_stack(self.stack, topics::FORCE_STOP).ok()?;
        if let Some(cut) = self.action(topic).await {
            return Some(cut);
        }
        if let Some(cut) = self.topic("force-stop", topic).await {
            return Some(cut);
        }
        let function = self.stack.output("ForceStopperFunctionArn").ok()?;
        if let Some(cut) = self.function("force-stopper", function).await {
            return Some(cut);
        }
        match self.permission("force-stopper", function, "sns.amazonaws.com", topic).await {
            None => self.found(Part::Stopping).await,
            cut => cut,
        }
    }

    /// Between the alarm and people.
    pub async fn telling(&self) -> Option<Cut> {
        let topic = topics::of_stack(self.stack, topics::EMAIL).ok()?;
        if let Some(cut) = self.action(topic).await {
            return Some(cut);
        }
        match self.topic("e-mail", topic).await {
            None => self.found(Part::Telling).await,
            cut => cut,
        }
    }

    /// What `tripline doctor` finds there.
    async fn found(&self, part: Part) -> Option<Cut> {
        let aws = &self.cloud.aws;
        let connection =
            Connection { region: aws.region.clone(), config: self.cloud.config.clone() };
        // On the heap: it asks for many things at once, deep in a drill's own futures.
        let found = Box::pin(part.cut(connection, self.stack_name, self.observes)).await?;
        let what = format!("`{}`: {}", found.check, clean(&found.what, MAX_SUMMARY));
        Some(Cut::new(what, doctor(self.stack_name, found.check)))
    }

    fn doctor(&self, check: &str) -> String {
        doctor(self.stack_name, check)
    }

    async fn rule(&self, arn: &str) -> Option<Cut> {
        let name = arn.rsplit('/').next()?;
        let found = self.cloud.aws.iot.get_topic_rule().rule_name(name).send().await;
        match found.map_err(|error| Failure::from_sdk("GetTopicRule", &error)) {
            Ok(found) if found.rule().and_then(|rule| rule.rule_disabled()) == Some(true) => {
                Some(Cut::new(
                    format!("IoT rule `{name}` is disabled, so that no event gets further"),
                    format!("`aws iot enable-topic-rule --rule-name {name}`"),
                ))
            }
            Err(failure) if failure.kind == FailureKind::NotFound => Some(Cut::new(
                format!("there is no IoT rule `{name}`, so that no event gets further"),
                self.doctor("rule-enabled"),
            )),
            _ => None,
        }
    }

    async fn function(&self, what: &str, arn: &str) -> Option<Cut> {
        let hint = || {
            self.doctor(if what == "force-stopper" { "stopper-active" } else { "generator-active" })
        };
        let found = self.cloud.lambda.get_function_configuration().function_name(arn).send().await;
        match found.map_err(|error| Failure::from_sdk("GetFunctionConfiguration", &error)) {
            Ok(found) => {
                let state = found.state().map(|state| state.as_str());
                let why = clean(found.state_reason().unwrap_or("no reason given"), MAX_SUMMARY);
                (state == Some("Failed"))
                    .then(|| Cut::new(format!("the {what} cannot run: {why}"), hint()))
            }
            Err(failure) if failure.kind == FailureKind::NotFound => {
                Some(Cut::new(format!("there is no {what}: `{arn}`"), hint()))
            }
            Err(_) => None,
        }
    }

    async fn permission(&self, what: &str, function: &str, who: &str, source: &str) -> Option<Cut> {
        let found = self.cloud.lambda.get_policy().function_name(function).send().await;
        let policy = match found.map_err(|error| Failure::from_sdk("GetPolicy", &error)) {
            Ok(found) => serde_json::from_str(found.policy()?).ok()?,
            Err(failure) if failure.kind == FailureKind::NotFound => Value::Null,
            Err(_) => return None,
        };
        let check =
            if what == "force-stopper" { "stopper-may-be-invoked" } else { "rule-may-invoke" };
        (!allows(&policy, who, source))
            .then(|| Cut::new(format!("`{source}` may not invoke the {what}"), self.doctor(check)))
    }

    async fn action(&self, topic: &str) -> Option<Cut> {
        failed_action(&self.cloud.aws.cloudwatch, self.alarm, topic).await
    }

    async fn topic(&self, what: &str, arn: &str) -> Option<Cut> {
        let found = self.cloud.aws.sns.get_topic_attributes().topic_arn(arn).send().await;
        let attributes =
            match found.map_err(|error| Failure::from_sdk("GetTopicAttributes", &error)) {
                Ok(found) => found.attributes.unwrap_or_default(),
                Err(failure) if failure.kind == FailureKind::NotFound => {
                    return Some(Cut::new(
                        format!("there is no {what} topic `{arn}`"),
                        self.doctor("topic-policy"),
                    ));
                }
                Err(_) => return None,
            };
        let policy: Value = serde_json::from_str(attributes.get("Policy")?).ok()?;
        (!allows(&policy, "cloudwatch.amazonaws.com", arn)).then(|| {
            Cut::new(
                format!("the policy of the {what} topic does not let CloudWatch publish"),
                self.doctor("topic-policy"),
            )
        })
    }
}

/// Where the command is that mends what a check finds. To deploy again changes nothing of what was
/// changed by hand.
pub fn doctor(stack: &str, check: &str) -> String {
    format!("`tripline doctor --stack {stack} --only {check}` has the command that mends it")
}

/// What CloudWatch says about an action that failed: it does so in the alarm's history and nowhere
/// else.
async fn failed_action(client: &Client, alarm: &str, topic: &str) -> Option<Cut> {
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
    let hint = "look at the topic's policy, and at the policy of its key";
    Some(Cut::new(format!("CloudWatch says: {}", clean(failed, MAX_SUMMARY)), hint))
}

/// Whether a policy has a statement that lets a service in, from this source if it names one. In
/// doubt it has: only what is missing for sure is a finding.
fn allows(policy: &Value, service: &str, source: &str) -> bool {
    let statements = match policy.get("Statement") {
        Some(Value::Array(statements)) => statements.as_slice(),
        Some(statement) => std::slice::from_ref(statement),
        None => &[],
    };
    statements.iter().any(|statement| {
        let principal = statement.get("Principal");
        let is_meant = texts(principal).iter().any(|text| *text == service || *text == "*");
        let sources = source_arns(statement.get("Condition"));
        let from_here = sources.is_empty()
            || sources.iter().any(|arn| *arn == source || arn.contains(['*', '?']));
        statement.get("Effect").and_then(Value::as_str) == Some("Allow") && is_meant && from_here
    })
}

/// Every text in a value.
fn texts(value: Option<&Value>) -> Vec<&str> {
    match value {
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(items)) => items.iter().flat_map(|item| texts(Some(item))).collect(),
        Some(Value::Object(fields)) => fields.values().flat_map(|item| texts(Some(item))).collect(),
        _ => Vec::new(),
    }
}

fn source_arns(condition: Option<&Value>) -> Vec<&str> {
    let operators = condition.and_then(Value::as_object).into_iter().flat_map(|all| all.values());
    let keys = operators.filter_map(Value::as_object).flatten();
    keys.filter(|(key, _)| key.eq_ignore_ascii_case("aws:SourceArn"))
        .flat_map(|(_, value)| texts(Some(value)))
        .collect()
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudwatch::operation::describe_alarm_history::DescribeAlarmHistoryOutput;
    use aws_sdk_cloudwatch::types::AlarmHistoryItem;
    use aws_smithy_mocks::{RuleMode, mock, mock_client};
    use serde_json::json;

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
            assert_eq!(allows(&policy, "iot.amazonaws.com", rule), is_let_in, "{policy}");
        }
    }
}
