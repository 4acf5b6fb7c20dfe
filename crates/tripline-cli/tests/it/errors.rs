//! What a command says when it fails: to people on stderr, and with `--output json` to programs on stdout.

use std::fs;
use std::net::TcpListener;

use serde_json::{Value, json};

use crate::command;
use crate::runner::{Ran, run};

fn tripline(arguments: &[&str], settings: &[(&str, &str)]) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("dev.ini"), "[ALARM_CONFIG]\nalarmList = slow\nperiodd = 3\n")
        .unwrap();
    run(command(folder.path()).args(arguments).envs(settings.iter().copied()))
}

/// The one document on stdout.
fn error(ran: &Ran) -> Value {
    let document = ran.json();
    assert_eq!(document["schemaVersion"], 1, "{ran:?}");
    assert_eq!(document["error"]["exitCode"], ran.code, "{ran:?}");
    assert!(ran.stderr.starts_with("error: "), "{ran:?}");
    document["error"].clone()
}

#[test]
fn wrong_arguments_are_a_document_too() {
    for (arguments, hint) in [
        (&["stop", "--output", "json", "--regoin", "x"][..], "did you mean `--region`?"),
        (&["stop", "--output=json", "--mode", "x"], "`--help` shows what is expected"),
    ] {
        let error = error(&tripline(arguments, &[]));
        assert_eq!((&error["kind"], &error["exitCode"]), (&json!("usage"), &json!(2)));
        assert_eq!(error["diagnostics"][0]["hint"], hint, "{error}");
    }
    let help = tripline(&["stop", "--output", "json", "--help"], &[]);
    assert_eq!((help.code, help.stderr.as_str()), (0, ""));
    assert!(help.stdout.contains("Usage:"), "{help}");
}

#[test]
fn faults_of_a_file_have_their_lines() {
    for arguments in [
        ["config", "check", "--output", "json"],
        ["alarms", "check", "--output", "json"],
        ["alarms", "apply", "--output", "json"],
    ] {
        let error = error(&tripline(&arguments, &[]));
        assert_eq!(error["kind"], "input", "{error}");
        let faults = error["diagnostics"].as_array().unwrap();
        let fault = faults.iter().find(|fault| fault["line"] == 3).unwrap();
        assert_eq!(fault["file"], "dev.ini", "{error}");
        assert!(fault["what"].as_str().unwrap().contains("unknown key `periodd`"), "{error}");
    }
}

#[test]
fn a_failed_call_has_its_name_and_what_to_do() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let endpoint = format!("http://{nobody}");
    let settings = [
        ("AWS_ENDPOINT_URL", endpoint.as_str()),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ];
    let error = error(&tripline(&["alarms", "list", "--output", "json"], &settings));
    assert_eq!((&error["kind"], &error["exitCode"]), (&json!("unavailable"), &json!(3)));
    assert_eq!(error["operation"], "DescribeAlarms", "{error}");
    let hint = error["diagnostics"][0]["hint"].as_str().unwrap();
    assert!(hint.starts_with(&format!("nothing answered at `{endpoint}`")), "{error}");
}

#[test]
fn a_region_that_is_set_to_nothing_is_named() {
    let said = tripline(&["alarms", "list"], &[("AWS_REGION", "")]);
    assert_eq!(
        said.stderr,
        "error: AWS_REGION or AWS_DEFAULT_REGION is set to nothing\n  hint: give `--region`, or set AWS_REGION\n"
    );
}
