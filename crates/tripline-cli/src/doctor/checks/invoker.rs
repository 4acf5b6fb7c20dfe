//! Who may invoke a function: one resource, and nobody else.

use tripline_policy::{Decision, Grant, Policy};

use crate::aws::arn;
use crate::aws::commands::quoted;
use crate::aws::policy::Invoker;
use crate::doctor::facts::Answer;
use crate::doctor::result::{CheckResult, NotProven, all_right};

/// The command that lets it in.
fn add_permission_command(invoker: &Invoker<'_>) -> String {
    let account = match invoker.says_account {
        true => format!(" --source-account {}", arn::account(invoker.source)),
        false => String::new(),
    };
    format!(
        "aws lambda add-permission --function-name {} --statement-id {} --action lambda:InvokeFunction --principal {} --source-arn {}{account}",
        quoted(invoker.function),
        invoker.statement_id(),
        invoker.service,
        quoted(invoker.source)
    )
}

/// The command that takes away what a statement allows.
fn remove_permission_command(function: &str, grant: &Grant) -> String {
    let function = quoted(function);
    if grant.statement.is_empty() {
        return format!("aws lambda get-policy --function-name {function}");
    }
    let id = quoted(&grant.statement);
    format!("aws lambda remove-permission --function-name {function} --statement-id {id}")
}

/// Whether a function lets in exactly one resource, and no other of its service, nor a stranger.
pub fn judge_only_invoker(policy: &Answer<Option<Policy>>, invoker: &Invoker<'_>) -> CheckResult {
    let none = Policy::default();
    let policy = policy.as_ref()?.as_ref().unwrap_or(&none);
    let (function, source) = (invoker.function, invoker.source);
    let mut wrong = Vec::new();
    match invoker.decision(policy) {
        Decision::Allowed => {}
        Decision::NotAllowed => wrong.push(format!("`{source}` may not invoke `{function}`")),
        Decision::Unclear => return Err(NotProven::unclear_policy(function)),
        Decision::Denied => {
            return Err(NotProven::finding(
                format!("the policy of `{function}` denies `{source}`"),
                format!("aws lambda get-policy --function-name {}", quoted(function)),
            ));
        }
    }
    let context = invoker.context();
    let grants = policy.grants(invoker.request(&context), source, arn::account(source));
    let mut fixes = Vec::new();
    // Before anything is taken away, so that the source is let in all the while.
    if !grants.iter().any(|grant| grant.suffices && grant.beyond.is_none()) {
        fixes.push(add_permission_command(invoker));
    }
    for grant in grants {
        if let Some(others) = &grant.beyond {
            wrong.push(format!("not only `{source}`, but {others} may invoke `{function}`"));
            fixes.push(remove_permission_command(function, &grant));
        }
    }
    all_right(format!("only {}", source.rsplit([':', '/']).next().unwrap_or(source)), wrong, fixes)
}
