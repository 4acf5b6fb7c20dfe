//! Who may do what: the functions' roles, the policies of functions, topics and the key.

use tripline::metric::NAMESPACE;
use tripline::text::excerpt;

use crate::doctor::check::{About, Check, Judged, Not, all_right, quoted};
use crate::doctor::facts::{Asked, Facts, Need, Role, seen};
use crate::doctor::policy::{Decision, Policy, Request};

pub const CHECKS: &[Check] = &[
    Check {
        name: "generator-role",
        about: About::Stack,
        proves: "the metrics-generator may publish metrics, and keep what it fails at",
        why: "metrics that may not be published do not exist, and no alarm fires without them",
        needs: &[Need::GeneratorRole],
        judge: generator,
        fix: None,
    },
    Check {
        name: "stopper-role",
        about: About::Stack,
        proves: "the force-stopper may verify an alarm, cancel a job and tell people",
        why: "an alarm would reach it, and the rollout would go on",
        needs: &[Need::StopperRole],
        judge: stopper,
        fix: None,
    },
    Check {
        name: "key-policy",
        about: About::Stack,
        proves: "the stack's key is enabled, and lets alarms and SNS use it",
        why: "an alarm's message to a topic whose key it may not use is lost",
        needs: &[Need::Key],
        judge: key,
        fix: None,
    },
];

/// A service that may invoke a function on behalf of one resource only.
pub struct Invoker<'a> {
    pub service: &'a str,
    pub function: &'a str,
    /// The resource on whose behalf.
    pub source: &'a str,
    /// Whether the service says for which account it asks: SNS does not.
    pub says_account: bool,
    /// What the statement is called that `mend` adds.
    pub statement: &'a str,
}

impl Invoker<'_> {
    /// What a function's policy says to this source.
    pub fn decision(&self, policy: &Policy) -> Decision {
        self.of(self.source, policy)
    }

    fn of(&self, source: &str, policy: &Policy) -> Decision {
        policy.decide(
            self.request(&[("aws:SourceArn", source), ("aws:SourceAccount", account_of(source))]),
        )
    }

    fn request<'a>(&'a self, context: &'a [(&'a str, &'a str)]) -> Request<'a> {
        Request {
            service: Some(self.service),
            action: "lambda:InvokeFunction",
            resource: self.function,
            context,
        }
    }

    /// The command that lets it in.
    pub fn mend(&self) -> String {
        let account = match self.says_account {
            true => format!(" --source-account {}", account_of(self.source)),
            false => String::new(),
        };
        format!(
            "aws lambda add-permission --function-name {} --statement-id {} --action lambda:InvokeFunction --principal {} --source-arn {}{account}",
            quoted(self.function),
            self.statement,
            self.service,
            quoted(self.source)
        )
    }
}

fn account_of(arn: &str) -> &str {
    arn.split(':').nth(4).unwrap_or_default()
}

/// Whether a function lets in exactly one resource, and neither a neighbor nor a stranger.
pub fn exactly(policy: &Asked<Option<Policy>>, invoker: &Invoker<'_>) -> Judged {
    let none = Policy::default();
    let policy = seen(policy)?.as_ref().unwrap_or(&none);
    let (function, source) = (invoker.function, invoker.source);
    match invoker.decision(policy) {
        Decision::Allowed => {}
        Decision::Unclear => return Err(unclear(function)),
        Decision::Denied => {
            return Err(Not::finding(
                format!("the policy of `{function}` denies `{source}`"),
                format!("aws lambda get-policy --function-name {}", quoted(function)),
            ));
        }
        Decision::NotAllowed => {
            let what = format!("`{source}` may not invoke `{function}`");
            return Err(Not::finding(what, invoker.mend()));
        }
    }
    let remove = |statement: &str| {
        format!(
            "aws lambda remove-permission --function-name {} --statement-id {}",
            quoted(function),
            quoted(statement)
        )
    };
    if let Some((who, statement)) =
        policy.strangers(invoker.request(&[]), account_of(source)).next()
    {
        let what = format!("not only `{source}`, but `{}` may invoke `{function}`", excerpt(&who));
        return Err(Not::finding(what, remove(&statement)));
    }
    let neighbor = format!("{source}-other");
    let stranger = source.replace(&format!(":{}:", account_of(source)), ":999999999999:");
    for other in [neighbor, stranger] {
        let context =
            [("aws:SourceArn", other.as_str()), ("aws:SourceAccount", account_of(&other))];
        if let Some(statement) = policy.allowed_by(invoker.request(&context)) {
            return Err(Not::finding(
                format!("not only `{source}`, but others like `{other}` may invoke `{function}`"),
                remove(&statement),
            ));
        }
    }
    Ok(format!("only {}", source.rsplit([':', '/']).next().unwrap_or(source)))
}

fn unclear(whose: &str) -> Not {
    Not::Unknown(format!("the policy of `{whose}` has conditions that are not understood here"))
}

/// Something that a role has to be allowed.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub action: &'static str,
    pub resource: String,
    pub context: Vec<(&'static str, String)>,
}

/// An action on a resource.
pub fn wanted(action: &'static str, resource: impl Into<String>) -> Wanted {
    Wanted { action, resource: resource.into(), context: Vec::new() }
}

/// Putting messages into a queue.
pub fn send(queue: &str) -> Wanted {
    wanted("sqs:SendMessage", queue)
}

/// Publishing the metrics of jobs.
pub fn publish_metrics(namespace: &str) -> Wanted {
    Wanted {
        context: vec![("cloudwatch:namespace", namespace.to_owned())],
        ..wanted("cloudwatch:PutMetricData", "*")
    }
}

/// Using the stack's key, if it has one.
pub fn key_of(facts: &Facts) -> Vec<Wanted> {
    let key = facts.stack.outputs.get("StackKeyArn");
    key.into_iter()
        .flat_map(|key| ["kms:Decrypt", "kms:GenerateDataKey"].map(|action| wanted(action, key)))
        .collect()
}

/// Whether a role may do all of it.
pub fn role_may(role: &Role, all: &[Wanted]) -> Judged {
    let mut missing = Vec::new();
    let mut denied = false;
    for wanted in all {
        let context: Vec<(&str, &str)> =
            wanted.context.iter().map(|(key, value)| (*key, value.as_str())).collect();
        let request = Request {
            service: None,
            action: wanted.action,
            resource: &wanted.resource,
            context: &context,
        };
        match role.policy.decide(request) {
            Decision::Allowed => {}
            Decision::Unclear => return Err(unclear(&role.name)),
            decision => {
                denied |= decision == Decision::Denied;
                missing.push(wanted);
            }
        }
    }
    if !missing.is_empty() {
        let what: Vec<String> = missing
            .iter()
            .map(|wanted| format!("`{}` on `{}`", wanted.action, wanted.resource))
            .collect();
        let what = format!("the role `{}` may not {}", role.name, what.join(", "));
        let mend = if denied {
            format!(
                "aws iam list-role-policies --role-name {}   # one of them denies it",
                quoted(&role.name)
            )
        } else {
            allow(&role.name, &missing)
        };
        return Err(Not::finding(what, mend));
    }
    match &role.boundary {
        None => Ok(format!("{} of {}", all.len(), all.len())),
        Some(boundary) => Err(Not::Unknown(format!(
            "the role's own policies allow it, but its permissions boundary `{boundary}` is not read here"
        ))),
    }
}

/// The command that gives a role what it lacks.
fn allow(role: &str, missing: &[&Wanted]) -> String {
    let statements: Vec<_> = missing
        .iter()
        .map(|wanted| {
            serde_json::json!({"Effect": "Allow", "Action": wanted.action, "Resource": wanted.resource})
        })
        .collect();
    let document = serde_json::json!({"Version": "2012-10-17", "Statement": statements});
    format!(
        "aws iam put-role-policy --role-name {} --policy-name tripline-mended --policy-document {}",
        quoted(role),
        quoted(&document.to_string())
    )
}

/// Whether a service may take a role.
pub fn trusts(role: &Role, service: &str, context: &[(&str, &str)]) -> Result<(), Not> {
    let request =
        Request { service: Some(service), action: "sts:AssumeRole", resource: "*", context };
    match role.trust.decide(request) {
        Decision::Allowed => Ok(()),
        Decision::Unclear => Err(unclear(&role.name)),
        Decision::Denied | Decision::NotAllowed => Err(Not::finding(
            format!("`{service}` may not take the role `{}`", role.name),
            format!(
                "aws iam get-role --role-name {}   # see its AssumeRolePolicyDocument",
                quoted(&role.name)
            ),
        )),
    }
}

/// A function's role that may do all of it.
pub fn function_role(role: &Asked<Option<Role>>, output: &str, all: &[Wanted]) -> Judged {
    let Some(role) = seen(role)? else {
        let role = output.rsplit('/').next().unwrap_or(output);
        let mend = format!("aws iam get-role --role-name {}", quoted(role));
        return Err(Not::finding(format!("there is no role `{role}`"), mend));
    };
    trusts(role, "lambda.amazonaws.com", &[])?;
    role_may(role, all)
}

/// Some job of this account.
pub fn any_job(facts: &Facts) -> String {
    let stack = &facts.stack;
    let id = facts.job.as_ref().map_or("any", |job| job.id.as_str());
    format!("arn:{}:iot:{}:{}:job/{id}", stack.partition(), facts.region, stack.account())
}

fn generator(facts: &Facts) -> Judged {
    let output = facts.stack.output_seen("MetricsGeneratorRoleArn")?;
    let mut all =
        vec![publish_metrics(NAMESPACE), send(facts.stack.output_seen("UndeliveredQueueArn")?)];
    if facts.stack.is_batched() {
        let queue = facts.stack.output_seen("IngestQueueArn")?;
        all.extend(
            ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
                .map(|action| wanted(action, queue)),
        );
    }
    all.extend(key_of(facts));
    function_role(&facts.generator_role, output, &all)
}

fn stopper(facts: &Facts) -> Judged {
    let stack = &facts.stack;
    let job = any_job(facts);
    let mut all = vec![
        wanted("iot:CancelJob", job.as_str()),
        wanted("iot:DescribeJob", job),
        // Under any narrower resource CloudWatch leaves composite alarms out.
        wanted("cloudwatch:DescribeAlarms", "*"),
        wanted("cloudwatch:DescribeAlarmHistory", "*"),
        wanted("sns:Publish", stack.output_seen("EmailTopicArn")?),
        wanted("sns:Publish", stack.output_seen("SmsTopicArn")?),
        send(stack.output_seen("UndeliveredQueueArn")?),
    ];
    all.extend(key_of(facts));
    function_role(&facts.stopper_role, stack.output_seen("ForceStopperRoleArn")?, &all)
}

fn key(facts: &Facts) -> Judged {
    if !facts.stack.outputs.contains_key("StackKeyArn") {
        return Err(Not::skipped("the stack has no key of its own (`Encryption=service`)"));
    }
    let key = seen(&facts.key)?;
    let arn = quoted(&key.arn);
    match key.state.as_str() {
        "Enabled" => {}
        "PendingDeletion" => {
            let mend = format!(
                "aws kms cancel-key-deletion --key-id {arn} && aws kms enable-key --key-id {arn}"
            );
            return Err(Not::finding("the key is about to be deleted", mend));
        }
        state => {
            let what = format!("the key is `{state}` (expected `Enabled`)");
            return Err(Not::finding(what, format!("aws kms enable-key --key-id {arn}")));
        }
    }
    let context = [("aws:SourceAccount", facts.stack.account())];
    let mut wrong = Vec::new();
    for service in ["cloudwatch.amazonaws.com", "sns.amazonaws.com"] {
        for action in ["kms:Decrypt", "kms:GenerateDataKey"] {
            let request =
                Request { service: Some(service), action, resource: &key.arn, context: &context };
            match key.policy.decide(request) {
                Decision::Allowed => {}
                Decision::Unclear => return Err(unclear(&key.arn)),
                _ => wrong.push(format!("`{service}` may not use it for `{action}`")),
            }
        }
    }
    let mend = format!(
        "aws kms get-key-policy --key-id {arn} --output text > policy.json   # allow kms:Decrypt and kms:GenerateDataKey* to cloudwatch.amazonaws.com and sns.amazonaws.com\naws kms put-key-policy --key-id {arn} --policy file://policy.json"
    );
    all_right("enabled, for alarms and SNS", wrong, vec![mend])
}
