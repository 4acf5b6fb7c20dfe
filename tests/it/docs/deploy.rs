//! docs/guide/deploy.md: what an operator has to be allowed.

use std::collections::BTreeSet;

use serde_json::Value;
use tripline_tests::workspace::root;

use super::{blocks, read};

const DOCUMENT: &str = "docs/guide/deploy.md";

/// What the command asks AWS for, from its sources: a failure is called by its operation.
fn operations() -> BTreeSet<String> {
    const FOLDERS: [&str; 9] = [
        "crates/tripline-cli/src",
        "crates/tripline-cli/src/aws",
        "crates/tripline-cli/src/aws/arming",
        "crates/tripline-cli/src/aws/deployment",
        "crates/tripline-cli/src/deploy",
        "crates/tripline-cli/src/input",
        "crates/tripline-cli/src/alarms",
        "crates/tripline-aws/src",
        "crates/tripline-guard/src",
    ];
    const VERBS: [&str; 9] =
        ["Create", "Delete", "Describe", "Get", "Head", "List", "Put", "Tag", "Update"];
    let mut operations = BTreeSet::new();
    let files = FOLDERS.iter().map(|folder| std::fs::read_dir(root().join(folder)).unwrap());
    for path in files.flatten().flatten().map(|file| file.path()) {
        if path.extension().is_none_or(|extension| extension != "rs") || path.ends_with("fake.rs")
            // A device's calls, which `fleet` and `drill` make.
            || path.ends_with("job_side.rs")
        {
            continue;
        }
        let text = read(&path);
        let named = text
            .split("from_sdk(\"")
            .skip(1)
            .chain(text.split("failure(\"").skip(1))
            .chain(text.split(": &str = \"").skip(1));
        operations.extend(
            named
                .filter_map(|rest| rest.split('"').next())
                .filter(|name| VERBS.iter().any(|verb| name.starts_with(verb)))
                .filter(|name| name.chars().all(|c| c.is_ascii_alphanumeric()))
                // AWS answers it without a right.
                .filter(|name| *name != "GetCallerIdentity")
                .map(str::to_owned),
        );
    }
    operations
}

fn strings(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    }
}

#[test]
fn the_operator_s_policy_allows_what_is_asked_for_and_nothing_else() {
    /// What AWS lets nobody narrow down, or answers only in part if it is.
    const ANYWHERE: [&str; 4] = [
        "iot:DescribeEventConfigurations",
        "iot:UpdateEventConfigurations",
        "cloudwatch:DescribeAlarms",
        "cloudwatch:ListAlarmMuteRules",
    ];
    let shown: Vec<Value> = blocks(DOCUMENT, "json")
        .iter()
        .map(|text| serde_json::from_str(text).unwrap_or_else(|fault| panic!("{fault}\n{text}")))
        .collect();
    let policy = shown.iter().find(|json| json["Version"] == "2012-10-17");
    let statements = policy.and_then(|policy| policy["Statement"].as_array());
    let mut allowed = BTreeSet::new();
    for statement in statements.into_iter().flatten() {
        let (actions, resources) = (strings(&statement["Action"]), strings(&statement["Resource"]));
        assert_eq!(statement["Effect"], "Allow", "{statement}");
        assert!(!actions.is_empty() && !resources.is_empty(), "{statement}");
        if resources.contains(&"*") {
            assert!(actions.iter().all(|action| ANYWHERE.contains(action)), "{statement}");
        }
        allowed.extend(actions.into_iter().filter_map(|action| action.split_once(':')));
    }
    let asked = operations();
    // S3 has no permissions of these names.
    let permission = |operation: &str| match operation {
        "HeadBucket" => "ListBucket".to_owned(),
        "HeadObject" => "GetObject".to_owned(),
        "GetPublicAccessBlock" => "GetBucketPublicAccessBlock".to_owned(),
        other => other.to_owned(),
    };
    let mut asked: BTreeSet<String> = asked.iter().map(|operation| permission(operation)).collect();
    // Whoever hands a role to AWS IoT.
    asked.insert("PassRole".to_owned());
    let allowed: BTreeSet<String> =
        allowed.into_iter().map(|(_, operation)| operation.to_owned()).collect();
    assert_eq!(allowed, asked);
}
