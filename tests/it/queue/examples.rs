//! The pipelines of `examples/ci` are well-formed, and call what there is.

use std::collections::BTreeSet;

use saphyr::{LoadableYamlNode, Yaml};
use serde_json::Value;
use tripline_tests::runner::run;
use tripline_tests::workspace::{root, tripline};

fn read(name: &str) -> String {
    let path = root().join("examples/ci").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The calls of `tripline` in a file, with continued lines joined.
fn calls(text: &str) -> Vec<String> {
    let joined = text.replace("\\\n", " ");
    let calls = joined.split("tripline queue ").skip(1);
    calls.map(|rest| rest.split(['\n', '\'', '|', '>']).next().unwrap().to_owned()).collect()
}

#[test]
fn pipelines_call_what_there_is() {
    for name in ["Jenkinsfile", "github-actions.yml", "buildspec.yml"] {
        let calls = calls(&read(name));
        let verbs: BTreeSet<&str> =
            calls.iter().filter_map(|call| call.split(' ').next()).collect();
        assert!(verbs.contains("add") && verbs.contains("next"), "{name}: {verbs:?}");
        for call in calls {
            let verb = call.split([' ', ')']).next().unwrap();
            let ran = run(tripline(root()).unwrap().args(["queue", verb, "--help"]));
            assert_eq!(ran.code, 0, "{name}: {call}");
            let help = ran.stdout;
            for option in call.split_whitespace().filter(|word| word.starts_with("--")) {
                assert!(
                    help.contains(&format!("{option} ")) || help.contains(&format!("{option}\n")),
                    "{name}: {option}"
                );
            }
        }
    }
}

#[test]
fn pipelines_are_well_formed_and_distinguish_every_exit_code() {
    for name in ["github-actions.yml", "buildspec.yml"] {
        let text = read(name);
        assert_eq!(Yaml::load_from_str(&text).unwrap().len(), 1, "{name}");
    }
    let jenkins = read("Jenkinsfile");
    for [open, close] in [['{', '}'], ['(', ')']] {
        assert_eq!(jenkins.matches(open).count(), jenkins.matches(close).count(), "{open}");
    }
    let github = read("github-actions.yml");
    for code in ["0", "1", "5", "6"] {
        assert!(jenkins.contains(&format!("case {code}:")), "{code}");
        assert!(github.contains(&format!("{code}) ")), "{code}");
    }
    // No keys, and no token that may do more than this.
    assert!(github.contains("permissions: {}") && github.contains("id-token: write"));
    assert!(!github.contains("aws-access-key-id"));
}

fn statements(policy: &str) -> Vec<Value> {
    let policy: Value = serde_json::from_str(policy).unwrap();
    policy["Statement"].as_array().unwrap().clone()
}

/// What `tripline deploy` needs is held to its calls by the test of docs/guide/deploy.md.
#[test]
fn whoever_deploys_from_a_queue_may_do_what_whoever_deploys_may() {
    let document = std::fs::read_to_string(root().join("docs/guide/deploy.md")).unwrap();
    let policy = document.split("```json\n").skip(1).filter_map(|rest| rest.split("```").next());
    let policy = policy.into_iter().find(|text| text.contains("\"2012-10-17\"")).unwrap();
    let deploy = statements(policy);
    let (own, shared): (Vec<Value>, Vec<Value>) =
        statements(&read("policies/next.json")).into_iter().partition(|statement| {
            ["ClaimFromTheQueue", "FetchTheFiles"].contains(&statement["Sid"].as_str().unwrap())
        });
    assert_eq!(own.len(), 2);
    assert_eq!(shared, deploy);
}

#[test]
fn policies_allow_what_is_called_and_name_it() {
    for (name, needed) in [
        (
            "add",
            [
                "dynamodb:Query",
                "dynamodb:PutItem",
                "dynamodb:UpdateItem",
                "s3:PutObject",
                "iot:DescribeJob",
            ],
        ),
        (
            "next",
            [
                "dynamodb:Query",
                "dynamodb:PutItem",
                "dynamodb:GetItem",
                "dynamodb:UpdateItem",
                "s3:GetObject",
            ],
        ),
    ] {
        let policy: Value = serde_json::from_str(&read(&format!("policies/{name}.json"))).unwrap();
        assert_eq!(policy["Version"], "2012-10-17");
        let mut allowed = BTreeSet::new();
        let mut names = BTreeSet::new();
        for statement in policy["Statement"].as_array().unwrap() {
            assert_eq!(statement["Effect"], "Allow");
            assert!(names.insert(statement["Sid"].as_str().unwrap()), "{name}: a Sid twice");
            let list = |key: &str| match &statement[key] {
                Value::Array(items) => items.iter().map(|item| item.as_str().unwrap()).collect(),
                item => vec![item.as_str().unwrap()],
            };
            for action in list("Action") {
                assert!(action.contains(':') && !action.contains('*'), "{name}: {action}");
                let unnamed = [
                    "cloudwatch:DescribeAlarms",
                    "cloudwatch:ListAlarmMuteRules",
                    "iot:DescribeEventConfigurations",
                    "iot:UpdateEventConfigurations",
                ];
                assert_eq!(
                    list("Resource") == ["*"],
                    unnamed.contains(&action),
                    "{name}: {action}"
                );
                // Entries are never deleted; what jobs were armed with is.
                let takes = ["dynamodb:DeleteItem", "dynamodb:Scan"].contains(&action);
                assert!(!takes || list("Resource").iter().all(|of| of.contains("-GuardsTable-")));
                allowed.insert(action);
            }
            assert!(list("Resource").iter().all(|of| *of == "*" || of.starts_with("arn:aws:")));
        }
        for action in needed {
            assert!(allowed.contains(action), "{name}: {action}");
        }
    }
}
