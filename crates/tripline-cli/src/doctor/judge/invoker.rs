//! Who may invoke a function: one resource, and nobody else.

use crate::doctor::check::{Judged, Not, all_right, mark_of, quoted};
use crate::doctor::facts::{Asked, seen};
use crate::doctor::policy::{Decision, Grant, Policy, Request};

use super::rights::unclear;

/// A service that may invoke a function on behalf of one resource only.
pub struct Invoker<'a> {
    pub service: &'a str,
    pub function: &'a str,
    /// The resource on whose behalf.
    pub source: &'a str,
    /// Whether the service says for which account it asks: SNS does not.
    pub says_account: bool,
    /// How the id of the statement begins that lets it in.
    pub statement: &'a str,
}

impl Invoker<'_> {
    /// What a function's policy says to this source.
    pub fn decision(&self, policy: &Policy) -> Decision {
        policy.decide(self.request(&self.context()))
    }

    fn context(&self) -> Vec<(&str, &str)> {
        let region = self.function.split(':').nth(3).unwrap_or_default();
        let mut context = vec![("aws:SourceArn", self.source), ("aws:RequestedRegion", region)];
        if self.says_account {
            context.push(("aws:SourceAccount", account_of(self.source)));
        }
        context
    }

    fn request<'a>(&'a self, context: &'a [(&'a str, &'a str)]) -> Request<'a> {
        Request {
            service: Some(self.service),
            action: "lambda:InvokeFunction",
            resource: self.function,
            context,
        }
    }

    /// The id of the statement that lets it in: another one for each source, because a stale statement's id
    /// cannot be used again.
    pub fn statement_id(&self) -> String {
        format!("{}-{}", self.statement, mark_of(self.source))
    }

    /// The command that lets it in.
    fn let_in(&self) -> String {
        let account = match self.says_account {
            true => format!(" --source-account {}", account_of(self.source)),
            false => String::new(),
        };
        format!(
            "aws lambda add-permission --function-name {} --statement-id {} --action lambda:InvokeFunction --principal {} --source-arn {}{account}",
            quoted(self.function),
            self.statement_id(),
            self.service,
            quoted(self.source)
        )
    }

    /// The command that takes away what a statement allows.
    fn keep_out(&self, grant: &Grant) -> String {
        let function = quoted(self.function);
        if grant.statement.is_empty() {
            return format!("aws lambda get-policy --function-name {function}");
        }
        let id = quoted(&grant.statement);
        format!("aws lambda remove-permission --function-name {function} --statement-id {id}")
    }
}

fn account_of(arn: &str) -> &str {
    arn.split(':').nth(4).unwrap_or_default()
}

/// Whether a function lets in exactly one resource, and no other of its service, nor a stranger.
pub fn exactly(policy: &Asked<Option<Policy>>, invoker: &Invoker<'_>) -> Judged {
    let none = Policy::default();
    let policy = seen(policy)?.as_ref().unwrap_or(&none);
    let (function, source) = (invoker.function, invoker.source);
    let mut wrong = Vec::new();
    match invoker.decision(policy) {
        Decision::Allowed => {}
        Decision::NotAllowed => wrong.push(format!("`{source}` may not invoke `{function}`")),
        Decision::Unclear => return Err(unclear(function)),
        Decision::Denied => {
            return Err(Not::finding(
                format!("the policy of `{function}` denies `{source}`"),
                format!("aws lambda get-policy --function-name {}", quoted(function)),
            ));
        }
    }
    let context = invoker.context();
    let grants = policy.grants(invoker.request(&context), source, account_of(source));
    let mut mends = Vec::new();
    // Before anything is taken away, so that the source is let in all the while.
    if !grants.iter().any(|grant| grant.suffices && grant.beyond.is_none()) {
        mends.push(invoker.let_in());
    }
    for grant in grants {
        if let Some(others) = &grant.beyond {
            wrong.push(format!("not only `{source}`, but {others} may invoke `{function}`"));
            mends.push(invoker.keep_out(&grant));
        }
    }
    all_right(format!("only {}", source.rsplit([':', '/']).next().unwrap_or(source)), wrong, mends)
}
