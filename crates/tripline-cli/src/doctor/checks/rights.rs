//! Who may do what: the functions' roles, and the key.

use std::collections::BTreeMap;

use serde_json::json;
use tripline::evidence::Record;
use tripline::metric::{NAMESPACE, STACK_NAMESPACE};
use tripline::release::hold::HOLDS;
use tripline::text::excerpt;
use tripline_policy::{Decision, Request};

use crate::aws::arn::function_name;
use crate::aws::commands::{mark_of, quoted};
use crate::doctor::check::{About, Check};
use crate::doctor::facts::{Answer, Facts, Function, Need, Role};
use crate::doctor::result::{CheckResult, NotProven, all_right};

use super::waves::has_releases;

pub const CHECKS: &[Check] = &[
    Check {
        name: "generator-role-sufficient",
        about: About::Stack,
        proves: "the metrics-generator has its role, with the rights to publish metrics and to keep failed events",
        why: "without metrics no alarm fires",
        needs: &[Need::GeneratorRole],
        judge: judge_generator_role_sufficient,
        fix: None,
    },
    Check {
        name: "stopper-role-sufficient",
        about: About::Stack,
        proves: "the force-stopper has its role, with the rights to verify an alarm, cancel any job and alert people",
        why: "an alarm would reach it, and the rollout would go on",
        needs: &[Need::StopperRole],
        judge: judge_stopper_role_sufficient,
        fix: None,
    },
    Check {
        name: "key-usable",
        about: About::Stack,
        proves: "the stack's KMS key is enabled, and alarms and SNS may use it",
        why: "SNS loses an alarm's message to a topic whose key the alarm may not use",
        needs: &[Need::Key],
        judge: judge_key_usable,
        fix: None,
    },
];

/// Something that a role has to be allowed.
#[derive(Debug, Clone)]
pub struct RequiredRight {
    pub action: &'static str,
    /// On what; with `names` it may be a pattern that ends with `*`.
    pub resource: String,
    /// What stands for that `*`, here and in the context, when it is tried: nobody can try all.
    pub names: Vec<String>,
    /// What is known of the request beside that; with `names` a value may be a pattern, too.
    pub context: Vec<(&'static str, String)>,
}

/// An action on a resource.
pub fn right_to(action: &'static str, resource: impl Into<String>) -> RequiredRight {
    RequiredRight { action, resource: resource.into(), names: Vec::new(), context: Vec::new() }
}

/// An action on every job of this account.
pub fn right_on_jobs(action: &'static str, facts: &Facts) -> RequiredRight {
    let (partition, account) = (facts.stack.partition(), facts.stack.account());
    let job = facts.job.as_ref().map(|job| job.id.to_string());
    RequiredRight {
        names: unlike_names().chain(job).collect(),
        ..right_to(action, format!("arn:{partition}:iot:{}:{account}:job/*", facts.region))
    }
}

/// The stack's table of guards.
pub fn guards_table(facts: &Facts) -> Result<String, NotProven> {
    let (partition, account) = (facts.stack.partition(), facts.stack.account());
    let name = facts.stack.output("GuardsTableName")?;
    Ok(format!("arn:{partition}:dynamodb:{}:{account}:table/{name}", facts.region))
}

/// An action on every alarm that Tripline makes.
pub fn right_on_own_alarms(action: &'static str, facts: &Facts) -> RequiredRight {
    let (partition, account) = (facts.stack.partition(), facts.stack.account());
    let region = &facts.region;
    RequiredRight {
        names: unlike_names().collect(),
        ..right_to(
            action,
            format!("arn:{partition}:cloudwatch:{region}:{account}:alarm:tripline-*"),
        )
    }
}

/// A right to two names that have nothing in common is a right to all, as far as rights are written.
pub fn unlike_names() -> impl Iterator<Item = String> {
    ["any", "X9_q-71"].into_iter().map(str::to_owned)
}

impl RequiredRight {
    /// What of it a role may not do: all of it, or what a denial names.
    fn missing(&self, role: &Role, facts: &Facts) -> Result<Option<MissingRight<'_>>, NotProven> {
        let tried: Vec<Self> = match self.names.as_slice() {
            [] => vec![self.clone()],
            names => names.iter().map(|name| self.named(name)).collect(),
        };
        for right in &tried {
            match right.decide(role, facts, &right.resource) {
                Decision::Allowed => {}
                Decision::Unclear => return Err(NotProven::unclear_policy(&role.name)),
                decision => {
                    let is_denied = decision == Decision::Denied;
                    return Ok(Some(MissingRight {
                        wanted: self,
                        on: self.resource.clone(),
                        is_denied,
                    }));
                }
            }
        }
        if self.names.is_empty() {
            return Ok(None);
        }
        for resource in role.policy.denied_among(self.action, &self.resource) {
            match self.decide(role, facts, &resource) {
                Decision::Allowed => {}
                Decision::Unclear => return Err(NotProven::unclear_policy(&role.name)),
                _ => return Ok(Some(MissingRight { wanted: self, on: resource, is_denied: true })),
            }
        }
        Ok(None)
    }

    /// The same of one name alone.
    fn named(&self, name: &str) -> Self {
        let whole = |pattern: &String| match pattern.strip_suffix('*') {
            Some(stem) => format!("{stem}{name}"),
            None => pattern.clone(),
        };
        let context = self.context.iter().map(|(key, value)| (*key, whole(value))).collect();
        Self { resource: whole(&self.resource), context, ..self.clone() }
    }

    fn decide(&self, role: &Role, facts: &Facts, resource: &str) -> Decision {
        let account = facts.stack.account();
        let around = [
            ("aws:RequestedRegion", facts.region.as_str()),
            ("aws:PrincipalAccount", account),
            ("aws:ResourceAccount", account),
        ];
        let own = self.context.iter().map(|(key, value)| (*key, value.as_str()));
        let context: Vec<(&str, &str)> = own.chain(around).collect();
        let action = self.action;
        role.policy.decide(Request { service: None, action, resource, context: &context })
    }
}

/// Something that a role lacks.
struct MissingRight<'a> {
    wanted: &'a RequiredRight,
    on: String,
    is_denied: bool,
}

/// Putting messages into a queue.
pub fn right_to_send(queue: &str) -> RequiredRight {
    right_to("sqs:SendMessage", queue)
}

/// Publishing the metrics of jobs.
pub fn right_to_publish(namespace: &str) -> RequiredRight {
    RequiredRight {
        context: vec![("cloudwatch:namespace", namespace.to_owned())],
        ..right_to("cloudwatch:PutMetricData", "*")
    }
}

/// Using the stack's key, if it has one.
pub fn rights_to_key(facts: &Facts) -> Vec<RequiredRight> {
    let key = facts.stack.outputs.get("StackKeyArn");
    key.into_iter()
        .flat_map(|key| ["kms:Decrypt", "kms:GenerateDataKey"].map(|action| right_to(action, key)))
        .collect()
}

/// Whether a role may do all of it.
pub fn judge_rights(facts: &Facts, role: &Role, all: &[RequiredRight]) -> CheckResult {
    let mut missing = Vec::new();
    for wanted in all {
        missing.extend(wanted.missing(role, facts)?);
    }
    if !missing.is_empty() {
        let what: Vec<String> = missing
            .iter()
            .map(|missing| format!("`{}` on `{}`", missing.wanted.action, missing.on))
            .collect();
        let what = format!("the role `{}` may not {}", role.name, what.join(", "));
        let fix = if missing.iter().any(|missing| missing.is_denied) {
            format!(
                "aws iam list-role-policies --role-name {}   # one of them denies it",
                quoted(&role.name)
            )
        } else {
            grant_command(&role.name, &missing)
        };
        return Err(NotProven::finding(what, fix));
    }
    match &role.boundary {
        None => Ok(format!("{} of {}", all.len(), all.len())),
        Some(boundary) => Err(NotProven::Unknown(format!(
            "the role's own policies allow it, but its permissions boundary `{boundary}` is not read here"
        ))),
    }
}

/// The command that gives a role what it lacks, under a name of its own: a policy of the same name would be
/// replaced, with what was fixed before.
fn grant_command(role: &str, missing: &[MissingRight<'_>]) -> String {
    let statements: Vec<_> = missing
        .iter()
        .map(|MissingRight { wanted, .. }| {
            let RequiredRight { action, resource, context, .. } = wanted;
            let mut statement = json!({"Effect": "Allow", "Action": action, "Resource": resource});
            let is_pattern = context.iter().any(|(_, value)| value.ends_with('*'));
            let operator = if is_pattern { "StringLike" } else { "StringEquals" };
            let context: BTreeMap<_, _> = context.iter().map(|(key, value)| (key, value)).collect();
            if let (Some(statement), false) = (statement.as_object_mut(), context.is_empty()) {
                statement.insert("Condition".to_owned(), json!({ operator: context }));
            }
            statement
        })
        .collect();
    let document = json!({"Version": "2012-10-17", "Statement": statements});
    let document = document.to_string();
    format!(
        "aws iam put-role-policy --role-name {} --policy-name tripline-fixed-{} --policy-document {}",
        quoted(role),
        mark_of(&document),
        quoted(&document)
    )
}

/// Whether a service may take a role.
pub fn judge_trust(role: &Role, service: &str, context: &[(&str, &str)]) -> Result<(), NotProven> {
    let request =
        Request { service: Some(service), action: "sts:AssumeRole", resource: "*", context };
    match role.trust.decide(request) {
        Decision::Allowed => Ok(()),
        Decision::Unclear => Err(NotProven::unclear_policy(&role.name)),
        Decision::Denied | Decision::NotAllowed => Err(NotProven::finding(
            format!("`{service}` may not take the role `{}`", role.name),
            format!(
                "aws iam get-role --role-name {}   # see its AssumeRolePolicyDocument",
                quoted(&role.name)
            ),
        )),
    }
}

/// A function, and the role that the stack gives it.
pub struct FunctionWithRole<'a> {
    pub function: &'a Function,
    pub arn: &'a str,
    pub role: &'a Answer<Option<Role>>,
    pub role_arn: &'a str,
}

/// A function's role that may do all of it, and is the one that the function runs under.
pub fn judge_function_role(
    facts: &Facts,
    of: &FunctionWithRole<'_>,
    all: &[RequiredRight],
) -> CheckResult {
    let output = of.role_arn;
    let name = |arn: &str| arn.rsplit('/').next().unwrap_or(arn).to_owned();
    // A function that is gone has another check.
    if let Some(runs) = of.function.runs.as_ref()?
        && runs.role != output
    {
        let what = format!(
            "it runs under the role `{}`, and not under the stack's `{}`",
            excerpt(&name(&runs.role)),
            name(output)
        );
        let fix = format!(
            "aws lambda update-function-configuration --function-name {} --role {}",
            quoted(function_name(of.arn)),
            quoted(output)
        );
        return Err(NotProven::finding(what, fix));
    }
    let Some(role) = of.role.as_ref()? else {
        let role = name(output);
        let fix = format!("aws iam get-role --role-name {}", quoted(&role));
        return Err(NotProven::finding(format!("there is no role `{role}`"), fix));
    };
    judge_trust(role, "lambda.amazonaws.com", &[])?;
    judge_rights(facts, role, all)
}

fn judge_generator_role_sufficient(facts: &Facts) -> CheckResult {
    let stack = &facts.stack;
    let runner = FunctionWithRole {
        function: &facts.generator,
        arn: stack.output("MetricsGeneratorFunctionArn")?,
        role: &facts.generator_role,
        role_arn: stack.output("MetricsGeneratorRoleArn")?,
    };
    let mut all = vec![
        right_to_publish(NAMESPACE),
        right_to_publish(STACK_NAMESPACE),
        right_to_send(stack.output("UndeliveredQueueArn")?),
    ];
    if stack.is_batched() {
        let queue = stack.output("IngestQueueArn")?;
        all.extend(
            ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
                .map(|action| right_to(action, queue)),
        );
    }
    all.extend(rights_to_key(facts));
    judge_function_role(facts, &runner, &all)
}

fn judge_stopper_role_sufficient(facts: &Facts) -> CheckResult {
    let stack = &facts.stack;
    let runner = FunctionWithRole {
        function: &facts.stopper,
        arn: stack.output("ForceStopperFunctionArn")?,
        role: &facts.stopper_role,
        role_arn: stack.output("ForceStopperRoleArn")?,
    };
    let table = guards_table(facts)?;
    let mut all = vec![
        right_on_jobs("iot:CancelJob", facts),
        right_on_jobs("iot:DescribeJob", facts),
        right_on_jobs("iot:ListTagsForResource", facts),
        RequiredRight {
            context: vec![("dynamodb:LeadingKeys", "$force-stopper".to_owned())],
            ..right_to("dynamodb:UpdateItem", table.as_str())
        },
        RequiredRight {
            names: unlike_names().collect(),
            context: vec![("dynamodb:LeadingKeys", format!("{}*", Record::KEY_PREFIX))],
            ..right_to("dynamodb:GetItem", table.as_str())
        },
        // Under any narrower resource CloudWatch leaves composite alarms out.
        right_to("cloudwatch:DescribeAlarms", "*"),
        right_to("cloudwatch:DescribeAlarmHistory", "*"),
        right_to("sns:Publish", stack.output("EmailTopicArn")?),
        right_to("sns:Publish", stack.output("SmsTopicArn")?),
        right_to_send(stack.output("UndeliveredQueueArn")?),
    ];
    if has_releases(facts) {
        let holds = |action| RequiredRight {
            context: vec![("dynamodb:LeadingKeys", HOLDS.to_owned())],
            ..right_to(action, table.as_str())
        };
        all.push(right_on_jobs("iot:UpdateJob", facts));
        all.extend([holds("dynamodb:UpdateItem"), holds("dynamodb:GetItem")]);
    }
    all.extend(rights_to_key(facts));
    judge_function_role(facts, &runner, &all)
}

fn judge_key_usable(facts: &Facts) -> CheckResult {
    if !facts.stack.outputs.contains_key("StackKeyArn") {
        return Err(NotProven::skipped("the stack has no key of its own (`Encryption=service`)"));
    }
    let key = facts.key.as_ref()?;
    let arn = quoted(&key.arn);
    match key.state.as_str() {
        "Enabled" => {}
        "PendingDeletion" => {
            let fix = format!(
                "aws kms cancel-key-deletion --key-id {arn} && aws kms enable-key --key-id {arn}"
            );
            return Err(NotProven::finding("the key is about to be deleted", fix));
        }
        state => {
            let what = format!("the key is `{state}` (expected `Enabled`)");
            return Err(NotProven::finding(what, format!("aws kms enable-key --key-id {arn}")));
        }
    }
    let context = [
        ("aws:SourceAccount", facts.stack.account()),
        ("aws:RequestedRegion", facts.region.as_str()),
    ];
    let mut wrong = Vec::new();
    for service in ["cloudwatch.amazonaws.com", "sns.amazonaws.com"] {
        for action in ["kms:Decrypt", "kms:GenerateDataKey"] {
            let request =
                Request { service: Some(service), action, resource: &key.arn, context: &context };
            match key.policy.decide(request) {
                Decision::Allowed => {}
                Decision::Unclear => return Err(NotProven::unclear_policy(&key.arn)),
                _ => wrong.push(format!("`{service}` may not use it for `{action}`")),
            }
        }
    }
    let fix = format!(
        "aws kms get-key-policy --key-id {arn} --output text > policy.json   # allow kms:Decrypt and kms:GenerateDataKey* to cloudwatch.amazonaws.com and sns.amazonaws.com\naws kms put-key-policy --key-id {arn} --policy file://policy.json"
    );
    all_right("enabled, for alarms and SNS", wrong, vec![fix])
}
