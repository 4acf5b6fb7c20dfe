//! Roles and the key: the documents that say who may do what.

use tripline::text::excerpt;
use tripline_aws::{Failure, FailureKind};
use tripline_policy::Policy;

use super::answer::{none_if_not_found, parse_policy};
use super::clients::Clients;
use crate::doctor::facts::{Answer, Key, Role, StackFacts};

impl Clients {
    /// A role with all of its policies, by its ARN.
    pub async fn get_role(&self, arn: &str) -> Answer<Option<Role>> {
        let name = arn.rsplit('/').next().unwrap_or(arn);
        let found = self.iam.get_role().role_name(name).send().await;
        let found = none_if_not_found(found.map_err(|error| Failure::from_sdk("GetRole", &error)))?;
        let Some(role) = found.and_then(|found| found.role) else { return Ok(None) };
        let trust = role.assume_role_policy_document().unwrap_or_default();
        let boundary = role.permissions_boundary().and_then(|set| set.permissions_boundary_arn());
        Ok(Some(Role {
            name: name.to_owned(),
            trust: parse_policy("GetRole", &decoded(trust))?,
            policy: self.get_role_policies(name).await?,
            boundary: boundary.map(excerpt),
        }))
    }

    /// What a role may do: by its own policies, and by those that are attached to it.
    async fn get_role_policies(&self, role: &str) -> Answer<Policy> {
        let mut all = Policy::default();
        let own = self.iam.list_role_policies().role_name(role).send().await;
        let own = own.map_err(|error| Failure::from_sdk("ListRolePolicies", &error))?;
        for name in own.policy_names() {
            let policy = self.iam.get_role_policy().role_name(role).policy_name(name).send().await;
            let policy = policy.map_err(|error| Failure::from_sdk("GetRolePolicy", &error))?;
            all.add(parse_policy("GetRolePolicy", &decoded(policy.policy_document()))?);
        }
        let attached = self.iam.list_attached_role_policies().role_name(role).send().await;
        let attached =
            attached.map_err(|error| Failure::from_sdk("ListAttachedRolePolicies", &error))?;
        for arn in attached.attached_policies().iter().filter_map(|policy| policy.policy_arn()) {
            let policy = self.iam.get_policy().policy_arn(arn).send().await;
            let policy = policy.map_err(|error| Failure::from_sdk("GetPolicy", &error))?;
            let version =
                policy.policy().and_then(|policy| policy.default_version_id()).unwrap_or("v1");
            let text =
                self.iam.get_policy_version().policy_arn(arn).version_id(version).send().await;
            let text = text.map_err(|error| Failure::from_sdk("GetPolicyVersion", &error))?;
            let text =
                text.policy_version().and_then(|version| version.document()).unwrap_or_default();
            all.add(parse_policy("GetPolicyVersion", &decoded(text))?);
        }
        Ok(all)
    }

    /// The stack's key.
    pub async fn get_key(&self, stack: &StackFacts) -> Answer<Key> {
        let arn = stack.output("StackKeyArn")?;
        let described = self.kms.describe_key().key_id(arn).send().await;
        let described = described.map_err(|error| Failure::from_sdk("DescribeKey", &error))?;
        let state = described.key_metadata().and_then(|key| key.key_state());
        let policy = self.kms.get_key_policy().key_id(arn).send().await;
        let policy = policy.map_err(|error| Failure::from_sdk("GetKeyPolicy", &error))?;
        let text = policy.policy().ok_or_else(|| {
            Failure::new("GetKeyPolicy", FailureKind::Refused, "the answer has no policy")
        })?;
        Ok(Key {
            arn: arn.to_owned(),
            state: state.map_or("unknown", |state| state.as_str()).to_owned(),
            policy: parse_policy("GetKeyPolicy", text)?,
        })
    }
}

/// IAM gives documents URL-encoded.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let escaped = (*byte == b'%')
            .then(|| bytes.get(at + 1..at + 3))
            .flatten()
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        decoded.push(escaped.unwrap_or(*byte));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_decoded() {
        assert_eq!(decoded("%7B%22a%22%3A1%7d"), r#"{"a":1}"#);
        assert_eq!(decoded(r#"{"a": "+%zz%4"}"#), r#"{"a": "+%zz%4"}"#);
        assert_eq!(decoded("%C3%A9"), "é");
    }
}
