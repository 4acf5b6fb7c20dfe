//! One resource on whose behalf a service invokes a function.

use tripline_policy::{Decision, Policy, Request};

use crate::aws::arn;
use crate::aws::commands::mark_of;

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

impl<'a> Invoker<'a> {
    /// An IoT rule.
    pub fn rule(function: &'a str, source: &'a str) -> Self {
        let (service, statement) = ("iot.amazonaws.com", "tripline-rule");
        Self { service, function, source, says_account: true, statement }
    }

    /// An SNS topic.
    pub fn topic(function: &'a str, source: &'a str) -> Self {
        let (service, statement) = ("sns.amazonaws.com", "tripline-force-stop");
        Self { service, function, source, says_account: false, statement }
    }

    /// A schedule of EventBridge.
    pub fn schedule(function: &'a str, source: &'a str) -> Self {
        let (service, statement) = ("events.amazonaws.com", "tripline-guard-keeper");
        Self { service, function, source, says_account: false, statement }
    }
}

impl Invoker<'_> {
    /// What a function's policy says to this source.
    pub fn decision(&self, policy: &Policy) -> Decision {
        policy.decide(self.request(&self.context()))
    }

    /// What is known of the service's request.
    pub fn context(&self) -> Vec<(&str, &str)> {
        let region = arn::region(self.function);
        let mut context = vec![("aws:SourceArn", self.source), ("aws:RequestedRegion", region)];
        if self.says_account {
            context.push(("aws:SourceAccount", arn::account(self.source)));
        }
        context
    }

    /// The service's request, with what is known of it.
    pub fn request<'a>(&'a self, context: &'a [(&'a str, &'a str)]) -> Request<'a> {
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
}
