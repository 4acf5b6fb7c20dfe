//! The IoT rule, and the role by which it reaches its queues.

use aws_sdk_iot::types::Action as IotAction;
use tripline_aws::Failure;

use super::answer::none_if_not_found;
use super::clients::Clients;
use crate::doctor::facts::{Action, Answer, NoAnswer, Role, Rule, StackFacts};

impl Clients {
    /// The rule, and the role of its actions.
    pub async fn get_rule_and_role(
        &self,
        stack: &StackFacts,
        with_role: bool,
    ) -> (Answer<Option<Rule>>, Answer<Option<Role>>) {
        let rule = self.get_rule(stack).await;
        let role = match (&rule, with_role) {
            (_, false) => Err(NoAnswer::NotAsked),
            (Err(gap), true) => Err(gap.clone()),
            (Ok(rule), true) => match rule.as_ref().and_then(role_of) {
                Some(role) => self.get_role(&role).await,
                None => Ok(None),
            },
        };
        (rule, role)
    }

    async fn get_rule(&self, stack: &StackFacts) -> Answer<Option<Rule>> {
        let arn = stack.output("JobExecutionRuleArn")?;
        let name = arn.rsplit('/').next().unwrap_or(arn);
        let asked = self.alarms.iot.get_topic_rule().rule_name(name).send().await;
        let rule = match asked {
            Ok(answer) => answer.rule,
            Err(error) => {
                let failure = Failure::from_sdk("GetTopicRule", &error);
                // AWS IoT says that a rule that is gone may not be seen.
                return match failure.code() == Some("UnauthorizedException") {
                    true => self.none_if_not_listed(name, failure).await,
                    false => none_if_not_found(Err(failure)),
                };
            }
        };
        Ok(rule.map(|rule| Rule {
            sql: rule.sql().unwrap_or_default().to_owned(),
            sql_version: rule.aws_iot_sql_version().unwrap_or_default().to_owned(),
            disabled: rule.rule_disabled().unwrap_or(false),
            actions: rule.actions().iter().map(action).collect(),
            error_action: rule.error_action().map(action),
        }))
    }

    /// Whether a rule is missing from the list of all: only then it is gone.
    async fn none_if_not_listed(&self, name: &str, failure: Failure) -> Answer<Option<Rule>> {
        let mut pages = self.alarms.iot.list_topic_rules().into_paginator().send();
        while let Some(page) = pages.next().await {
            let Ok(page) = page else { return Err(failure.into()) };
            if page.rules().iter().any(|rule| rule.rule_name() == Some(name)) {
                return Err(failure.into());
            }
        }
        Ok(None)
    }
}

fn action(action: &IotAction) -> Action {
    match (action.lambda(), action.sqs()) {
        (Some(lambda), _) => Action::Lambda(lambda.function_arn().to_owned()),
        (None, Some(sqs)) => {
            Action::Sqs { url: sqs.queue_url().to_owned(), role: sqs.role_arn().to_owned() }
        }
        (None, None) => Action::Other,
    }
}

fn role_of(rule: &Rule) -> Option<String> {
    rule.actions.iter().chain(&rule.error_action).find_map(|action| match action {
        Action::Sqs { role, .. } => Some(role.clone()),
        _ => None,
    })
}
