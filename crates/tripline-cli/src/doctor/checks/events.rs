//! From a device's report to the function that counts it: job events and the rule that takes them.

use serde_json::json;

use crate::aws::arn::{is_same_function, is_same_queue};
use crate::aws::commands::quoted;
use crate::aws::policy::Invoker;
use crate::doctor::check::{About, Check, Fix};
use crate::doctor::facts::{Action, Facts, Ingest, Need, Rule};
use crate::doctor::result::{CheckResult, NotProven};

use super::invoker::judge_only_invoker;
use super::rights::{judge_rights, judge_trust, right_to_send, rights_to_key};

pub const CHECKS: &[Check] = &[
    Check {
        name: "job-events-enabled",
        about: About::Stack,
        proves: "AWS IoT publishes job events and job execution events",
        why: "without these events Tripline counts nothing, and an alarm without values never fires",
        needs: &[Need::Events],
        judge: judge_job_events_enabled,
        fix: Some(Fix::JobEvents),
    },
    Check {
        name: "rule-enabled",
        about: About::Stack,
        proves: "the IoT rule that receives the events exists and is enabled",
        why: "a disabled rule drops every event without any sign",
        needs: &[Need::Rule],
        judge: judge_rule_enabled,
        fix: Some(Fix::Rule),
    },
    Check {
        name: "rule-sql-matches",
        about: About::Stack,
        proves: "the rule selects the events of all executions, but not deletions",
        why: "Tripline never counts what the rule leaves out; deletions would count every device twice",
        needs: &[Need::Rule, Need::Ingest, Need::Resources],
        judge: judge_rule_sql_matches,
        fix: None,
    },
    Check {
        name: "rule-targets-generator",
        about: About::Stack,
        proves: "the rule sends events to the metrics-generator, or to its queue",
        why: "Tripline does not count events that go elsewhere",
        needs: &[Need::Rule, Need::Ingest, Need::Resources],
        judge: judge_rule_targets_generator,
        fix: None,
    },
    Check {
        name: "rule-has-error-action",
        about: About::Stack,
        proves: "the rule sends what it cannot deliver to the undelivered queue",
        why: "without an error action the rule drops these events without any sign",
        needs: &[Need::Rule, Need::Ingest, Need::Resources],
        judge: judge_rule_has_error_action,
        fix: None,
    },
    Check {
        name: "rule-can-invoke-generator",
        about: About::Stack,
        proves: "only this rule may invoke the metrics-generator",
        why: "without this right Lambda refuses every event; a wider right lets others forge devices' reports",
        needs: &[Need::Generator],
        judge: judge_rule_can_invoke_generator,
        fix: Some(Fix::RulePermission),
    },
    Check {
        name: "rule-can-send-to-queues",
        about: About::Stack,
        proves: "the rule may send events to its queues",
        why: "without this right the rule loses these events, and the record of those that failed",
        needs: &[Need::Rule, Need::RuleRole],
        judge: judge_rule_can_send_to_queues,
        fix: None,
    },
];

/// The template's, by its words: white space does not matter to AWS IoT.
pub const SQL: &str = "SELECT * FROM '$aws/events/jobExecution/+/+' WHERE topic(5) <> 'deleted'";
const SQL_VERSION: &str = "2016-03-23";

fn judge_job_events_enabled(facts: &Facts) -> CheckResult {
    if *facts.events.as_ref()? {
        return Ok("JOB and JOB_EXECUTION are on".to_owned());
    }
    Err(NotProven::finding(
        format!("job events are off in `{}`", facts.region),
        r#"aws iot update-event-configurations --event-configurations '{"JOB":{"Enabled":true},"JOB_EXECUTION":{"Enabled":true}}'"#,
    ))
}

/// The name of the stack's rule.
pub fn rule_name(facts: &Facts) -> Result<&str, NotProven> {
    let arn = facts.stack.output("JobExecutionRuleArn")?;
    Ok(arn.rsplit('/').next().unwrap_or(arn))
}

fn rule(facts: &Facts) -> Result<&Rule, NotProven> {
    facts
        .rule
        .as_ref()?
        .as_ref()
        .ok_or_else(|| NotProven::elsewhere("the rule does not exist", "rule-enabled"))
}

fn show(facts: &Facts) -> String {
    let name = rule_name(facts).unwrap_or_default();
    format!("aws iot get-topic-rule --rule-name {}", quoted(name))
}

/// The ARN of the role by which the rule reaches its queues: that of an action, or else the stack's.
fn role_of(facts: &Facts, rule: &Rule) -> Option<String> {
    let of_action = rule.actions.iter().chain(&rule.error_action).find_map(|action| match action {
        Action::Sqs { role, .. } => Some(role.clone()),
        _ => None,
    });
    of_action.or_else(|| {
        let resources = facts.resources.as_ref().ok()?;
        let role = resources.iter().find(|resource| resource.logical == ROLE)?;
        let (partition, account) = (facts.stack.partition(), facts.stack.account());
        Some(format!("arn:{partition}:iam::{account}:role/{}", role.physical))
    })
}

const ROLE: &str = "JobExecutionRuleRole";

/// The command that makes the rule the template's: it can be changed as a whole only.
fn replace(facts: &Facts, rule: &Rule) -> String {
    let Some(role) = role_of(facts, rule) else {
        let stack = quoted(&facts.stack.name);
        return format!(
            "aws cloudformation describe-stack-resource --stack-name {stack} --logical-resource-id {ROLE}   # its ARN, for the rule's action\n{}",
            show(facts)
        );
    };
    let output = |key: &str| facts.stack.outputs.get(key).map_or("", String::as_str);
    let sqs = |url: &str| json!({"sqs": {"queueUrl": url, "roleArn": role, "useBase64": false}});
    let action = match &facts.ingest {
        Ok(Ingest::Batched { queue: Some(queue), .. }) => sqs(&queue.url),
        Ok(Ingest::Direct) => {
            json!({"lambda": {"functionArn": output("MetricsGeneratorFunctionArn")}})
        }
        _ => return show(facts),
    };
    let payload = json!({
        "description": "Job executions that ended, to Tripline's metrics",
        "sql": SQL, "awsIotSqlVersion": SQL_VERSION, "ruleDisabled": false,
        "actions": [action], "errorAction": sqs(output("UndeliveredQueueUrl")),
    });
    format!(
        "aws iot replace-topic-rule --rule-name {} --topic-rule-payload {}",
        quoted(rule_name(facts).unwrap_or_default()),
        quoted(&payload.to_string())
    )
}

fn judge_rule_enabled(facts: &Facts) -> CheckResult {
    let name = rule_name(facts)?;
    match facts.rule.as_ref()? {
        None => Err(NotProven::finding(
            format!("there is no rule `{name}`"),
            format!(
                "aws cloudformation detect-stack-drift --stack-name {}",
                quoted(&facts.stack.name)
            ),
        )),
        Some(rule) if rule.disabled => Err(NotProven::finding(
            format!("the rule `{name}` is disabled"),
            format!("aws iot enable-topic-rule --rule-name {}", quoted(name)),
        )),
        Some(_) => Ok(name.to_owned()),
    }
}

fn judge_rule_sql_matches(facts: &Facts) -> CheckResult {
    let rule = rule(facts)?;
    let words = |sql: &str| sql.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut wrong = Vec::new();
    if words(&rule.sql) != SQL {
        wrong.push(format!("its statement is `{}`", words(&rule.sql)));
    }
    if rule.sql_version != SQL_VERSION {
        wrong.push(format!("its SQL version is `{}` (expected `{SQL_VERSION}`)", rule.sql_version));
    }
    if wrong.is_empty() {
        return Ok("all executions that end".to_owned());
    }
    Err(NotProven::finding(wrong.join("; "), replace(facts, rule)))
}

fn judge_rule_targets_generator(facts: &Facts) -> CheckResult {
    let rule = rule(facts)?;
    let (found, to) = match facts.ingest.as_ref()? {
        Ingest::Batched { queue: None, .. } => {
            return Err(NotProven::elsewhere("the queue does not exist", "ingest-mapping-enabled"));
        }
        Ingest::Batched { queue: Some(queue), .. } => {
            let sends = |action: &Action| matches!(action, Action::Sqs { url, .. } if is_same_queue(url, &queue.arn));
            (rule.actions.iter().any(sends), "the ingest queue")
        }
        Ingest::Direct => {
            let function = facts.stack.output("MetricsGeneratorFunctionArn")?;
            let invokes = |action: &Action| matches!(action, Action::Lambda(arn) if is_same_function(arn, function));
            (rule.actions.iter().any(invokes), "the metrics-generator")
        }
    };
    if found {
        return Ok(to.to_owned());
    }
    Err(NotProven::finding(format!("no action of the rule goes to {to}"), replace(facts, rule)))
}

fn judge_rule_has_error_action(facts: &Facts) -> CheckResult {
    let rule = rule(facts)?;
    let queue = facts.stack.output("UndeliveredQueueArn")?;
    let what = match &rule.error_action {
        Some(Action::Sqs { url, .. }) if is_same_queue(url, queue) => {
            return Ok("the undelivered queue".to_owned());
        }
        None => "the rule has no error action",
        Some(_) => "the rule's error action goes elsewhere than to the undelivered queue",
    };
    Err(NotProven::finding(what, replace(facts, rule)))
}

fn judge_rule_can_invoke_generator(facts: &Facts) -> CheckResult {
    judge_only_invoker(&facts.generator.policy, &rule_invoker(facts)?)
}

/// The rule, as the metrics-generator has to let it in.
pub fn rule_invoker(facts: &Facts) -> Result<Invoker<'_>, NotProven> {
    let function = facts.stack.output("MetricsGeneratorFunctionArn")?;
    Ok(Invoker::rule(function, facts.stack.output("JobExecutionRuleArn")?))
}

fn judge_rule_can_send_to_queues(facts: &Facts) -> CheckResult {
    rule(facts)?;
    let name = facts.stack.output("JobExecutionRuleArn")?;
    let Some(role) = facts.rule_role.as_ref()? else {
        return Err(NotProven::finding(
            "the rule's role does not exist, or no action has one",
            show(facts),
        ));
    };
    let context = [("aws:SourceArn", name), ("aws:SourceAccount", facts.stack.account())];
    judge_trust(role, "iot.amazonaws.com", &context)?;
    let mut wanted = vec![right_to_send(facts.stack.output("UndeliveredQueueArn")?)];
    if facts.stack.is_batched() {
        wanted.push(right_to_send(facts.stack.output("IngestQueueArn")?));
    }
    wanted.extend(rights_to_key(facts));
    judge_rights(facts, role, &wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statement_is_the_template_s() {
        let template = include_str!("../../../../../templates/tripline.yaml");
        assert!(template.contains(&format!("Sql: {SQL}\n")));
        assert!(template.contains(&format!("AwsIotSqlVersion: \"{SQL_VERSION}\"")));
    }
}
