//! The policies that pages recommend for people and pipelines, asked about what the command really calls.

use std::collections::BTreeSet;

use tripline_policy::{Decision, Policy};
use tripline_tests::proxy::{Call, decide};
use tripline_tests::workspace::root;

/// The policy of a page (the first of its JSON blocks that is one) or of a file, with names of the tests in place of
/// those that it shows.
pub fn policy_of(path: &str, names: &[(&str, &str)]) -> Policy {
    let text = std::fs::read_to_string(root().join(path)).unwrap();
    let blocks = text.split("```json\n").skip(1).filter_map(|rest| rest.split("```").next());
    let shown = blocks.chain([text.as_str()]).find(|text| text.contains("\"2012-10-17\""));
    let account = [("111122223333", "000000000000")];
    let replaced = account.iter().chain(names);
    let policy = replaced.fold(shown.unwrap().to_owned(), |text, (shown, is)| {
        assert!(text.contains(shown), "{path}: no `{shown}`");
        text.replace(shown, is)
    });
    Policy::parse(&policy).unwrap()
}

/// Every call is allowed by the policy.
pub fn assert_allows(policy: &Policy, calls: &[Call]) {
    let rights: BTreeSet<_> = calls.iter().flat_map(|call| &call.rights).collect();
    let missing: Vec<String> = rights
        .iter()
        .filter(|right| decide(policy, right) != Decision::Allowed)
        .map(ToString::to_string)
        .collect();
    assert!(missing.is_empty(), "the documented policy does not allow {missing:#?}");
}

/// What a folder of the command asks AWS for, from its sources: a failure is called by its operation.
fn operations(folder: &str) -> BTreeSet<String> {
    const VERBS: [&str; 20] = [
        "Add", "Cancel", "Create", "Delete", "Describe", "Enable", "Get", "Head", "List", "Put",
        "Query", "Receive", "Remove", "Search", "Set", "Start", "Stop", "Tag", "Un", "Update",
    ];
    let mut found = BTreeSet::new();
    let mut folders = vec![root().join("crates/tripline-cli/src").join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if path.is_dir() && name != "tests" {
                folders.push(path);
            } else if name.ends_with(".rs")
                && !["tests.rs", "fake.rs", "front.rs"].contains(&&*name)
            {
                let text = std::fs::read_to_string(path).unwrap();
                let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
                for begin in ["from_sdk(\"", "failure(\"", "Failure::new(\""] {
                    let rest = code.split(begin).skip(1);
                    found.extend(rest.filter_map(|rest| rest.split('"').next()).map(str::to_owned));
                }
            }
        }
    }
    found.retain(|name| VERBS.iter().any(|verb| name.starts_with(verb)));
    found
}

/// S3 has no rights of these names.
fn right_of(operation: &str) -> &str {
    match operation {
        "HeadBucket" => "ListBucket",
        "HeadObject" => "GetObject",
        "GetPublicAccessBlock" => "GetBucketPublicAccessBlock",
        other => other,
    }
}

/// What the table of docs/operations.md says that a command needs, with what the commands and pages need that it
/// refers to.
fn needs(table: &str, command: &str, seen: &mut BTreeSet<String>) -> String {
    let mut text = String::new();
    if !seen.insert(command.to_owned()) {
        return text;
    }
    for row in table.lines().filter(|line| line.starts_with("| `tripline")) {
        let cells: Vec<&str> = row.split(" | ").collect();
        let of = format!("`tripline {command}");
        if !cells[0].contains(&format!("{of}`")) && !cells[0].contains(&format!("{of} ")) {
            continue;
        }
        text += cells[1];
        for page in cells[1].split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
            text += &std::fs::read_to_string(root().join("docs").join(page)).unwrap();
        }
        for other in cells[1].split("`tripline ").skip(1).filter_map(|rest| rest.split('`').next())
        {
            text += &needs(table, other, seen);
        }
    }
    text
}

/// Beside the policies that are shown, each command has its rights in a table.
#[test]
fn every_call_of_a_command_is_among_the_rights_that_its_row_names() {
    let page = std::fs::read_to_string(root().join("docs/operations.md")).unwrap();
    let (_, table) = page.split_once("## What the command may do").unwrap();
    let table = table.split("\n## ").next().unwrap();
    let mut lacking = Vec::new();
    let mut asked = 0;
    for command in [
        "alarms",
        "calibrate",
        "doctor",
        "drill",
        "fleet",
        "release",
        "resume",
        "revert",
        "stop",
        "watch",
    ] {
        let text = needs(table, command, &mut BTreeSet::new());
        assert!(!text.is_empty(), "{command}");
        let named: BTreeSet<&str> = text.split(|c: char| !c.is_ascii_alphanumeric()).collect();
        for operation in operations(command) {
            asked += 1;
            if !named.contains(right_of(&operation)) {
                lacking.push(format!("tripline {command}: {operation}"));
            }
        }
    }
    assert!(asked > 60, "only {asked} calls found");
    assert!(lacking.is_empty(), "docs/operations.md lacks {lacking:#?}");
}
