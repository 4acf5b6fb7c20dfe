//! Whether functions do what their roles allow, and whether AWS would take what they and programs send. The local AWS lets everybody do everything; so what each function asked
//! for is noted, and put to the evaluator of policies with the role that the stack gave the function.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use aws_config::SdkConfig;
use tripline_policy::{Decision, Policy, Request};

use super::right::{ACCOUNT, Right};
use crate::local_aws::REGION;

/// What functions asked for.
#[derive(Debug, Default)]
pub(super) struct Witness {
    /// By function. As they were when the function made its first call: a test may change roles later.
    roles: Mutex<BTreeMap<String, Policy>>,
    asked: Mutex<BTreeSet<(String, Right)>>,
    /// What AWS would refuse, of functions and of programs.
    faults: Mutex<BTreeSet<String>>,
}

impl Witness {
    pub(super) async fn note(&self, local: &SdkConfig, function: &str, rights: Vec<Right>) {
        let is_known = super::lock(&self.roles).contains_key(function);
        if !is_known && let Some(role) = role_of(local, function).await {
            super::lock(&self.roles).entry(function.to_owned()).or_insert(role);
        }
        let rights = rights.into_iter().map(|right| (function.to_owned(), right));
        super::lock(&self.asked).extend(rights);
    }

    pub(super) fn note_faults(&self, of: &str, faults: Vec<String>) {
        let faults = faults.into_iter().map(|fault| format!("of {of}: {fault}"));
        super::lock(&self.faults).extend(faults);
    }

    pub(super) fn asked(&self) -> BTreeSet<(String, Right)> {
        super::lock(&self.asked).clone()
    }

    /// Forgets what functions asked for, and the roles: they are read again.
    pub(super) fn forget(&self) {
        super::lock(&self.asked).clear();
        super::lock(&self.roles).clear();
    }

    /// What was asked for and is in no role, and what AWS would refuse; it is forgotten.
    pub(super) fn take_violations(&self) -> Vec<String> {
        let faults = std::mem::take(&mut *super::lock(&self.faults));
        let asked = std::mem::take(&mut *super::lock(&self.asked));
        let roles = super::lock(&self.roles);
        let of = |function: &str| roles.get(function);
        asked
            .iter()
            .filter(|(function, right)| {
                of(function).is_none_or(|role| decide(role, right) != Decision::Allowed)
            })
            .map(|(function, right)| format!("the role of {function} does not allow {right}"))
            .chain(faults)
            .collect()
    }
}

/// What a policy says to a right that is asked for.
pub fn decide(policy: &Policy, right: &Right) -> Decision {
    let around = [
        ("aws:RequestedRegion", REGION),
        ("aws:PrincipalAccount", ACCOUNT),
        ("aws:ResourceAccount", ACCOUNT),
    ];
    let own = right.context.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    let context: Vec<(&str, &str)> = own.chain(around).collect();
    let (action, resource) = (right.action.as_str(), right.resource.as_str());
    policy.decide(Request { service: None, action, resource, context: &context })
}

/// The policies of a function's role; nothing if they cannot be read (yet).
async fn role_of(local: &SdkConfig, function: &str) -> Option<Policy> {
    let (lambda, iam) = (aws_sdk_lambda::Client::new(local), aws_sdk_iam::Client::new(local));
    let found = lambda.get_function_configuration().function_name(function).send().await.ok()?;
    let arn = found.role?;
    let role = arn.rsplit('/').next().unwrap_or(&arn).to_owned();
    let listed = iam.list_role_policies().role_name(&role).send().await.ok()?;
    let mut all = Policy::default();
    for policy in listed.policy_names {
        let got = iam.get_role_policy().role_name(&role).policy_name(policy).send().await.ok()?;
        let text = got.policy_document;
        // IAM answers in percent-encoding.
        let text = match text.starts_with('%') {
            true => super::call::parameter(&format!("is={text}"), "is").unwrap_or_default(),
            false => text,
        };
        all.add(Policy::parse(&text)?);
    }
    Some(all)
}
