//! Whether functions do what their roles allow. The local AWS lets everybody do everything; so what each function asked
//! for is noted, and put to the evaluator of policies with the role that the stack gave the function.

use std::collections::{BTreeMap, BTreeSet};

use aws_config::SdkConfig;
use tokio::sync::OnceCell;
use tripline_policy::{Decision, Policy, Request};

use super::right::{ACCOUNT, Right};
use crate::local_aws::REGION;

/// What functions asked for.
#[derive(Debug, Default)]
pub(super) struct Witness {
    /// By function. As they were when the first function made its first call: a test may change roles later.
    roles: OnceCell<BTreeMap<String, Policy>>,
    asked: std::sync::Mutex<BTreeSet<(String, Right)>>,
}

impl Witness {
    pub(super) async fn note(&self, local: &SdkConfig, function: &str, rights: Vec<Right>) {
        self.roles.get_or_init(|| roles(local)).await;
        let rights = rights.into_iter().map(|right| (function.to_owned(), right));
        super::lock(&self.asked).extend(rights);
    }

    pub(super) fn asked(&self) -> BTreeSet<(String, Right)> {
        super::lock(&self.asked).clone()
    }

    /// What was asked for and is in no role; it is forgotten.
    pub(super) fn take_violations(&self) -> Vec<String> {
        let asked = std::mem::take(&mut *super::lock(&self.asked));
        let roles = self.roles.get();
        let of = |function: &str| roles.and_then(|roles| roles.get(function));
        asked
            .iter()
            .filter(|(function, right)| {
                of(function).is_none_or(|role| decide(role, right) != Decision::Allowed)
            })
            .map(|(function, right)| format!("the role of {function} does not allow {right}"))
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

/// The policies of every function's role. What cannot be read allows nothing.
async fn roles(local: &SdkConfig) -> BTreeMap<String, Policy> {
    let (lambda, iam) = (aws_sdk_lambda::Client::new(local), aws_sdk_iam::Client::new(local));
    let mut roles = BTreeMap::new();
    let functions = lambda.list_functions().send().await.ok().and_then(|found| found.functions);
    for function in functions.unwrap_or_default() {
        let (Some(name), Some(arn)) = (function.function_name, function.role) else { continue };
        let role = arn.rsplit('/').next().unwrap_or(&arn).to_owned();
        let listed = iam.list_role_policies().role_name(&role).send().await;
        let mut all = Policy::default();
        for policy in listed.map(|listed| listed.policy_names).unwrap_or_default() {
            let got = iam.get_role_policy().role_name(&role).policy_name(policy).send().await;
            let Ok(got) = got else { continue };
            let text = got.policy_document;
            // IAM answers in percent-encoding.
            let text = match text.starts_with('%') {
                true => super::call::parameter(&format!("is={text}"), "is").unwrap_or_default(),
                false => text,
            };
            all.add(Policy::parse(&text).unwrap_or_default());
        }
        roles.insert(name, all);
    }
    roles
}
