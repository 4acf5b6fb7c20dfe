//! `tripline watch`, `stop`, `resume` and `revert` as people and scripts see them.

use std::net::TcpListener;

use crate::command;
use crate::runner::run;

/// Runs the command without anything of the environment's, and shows its exit code and outputs.
fn tripline(arguments: &[&str], settings: &[(&str, &str)]) -> String {
    let directory = tempfile::tempdir().unwrap();
    let mut command = command(directory.path());
    run(command.args(arguments).envs(settings.iter().copied())).to_string()
}

#[test]
fn help() {
    for command in ["watch", "stop", "resume", "revert"] {
        insta::assert_snapshot!(format!("help_{command}"), tripline(&[command, "--help"], &[]));
    }
}

#[test]
fn arguments() {
    let all = [
        vec!["watch"],
        vec!["watch", "a job"],
        vec!["watch", "fw", "--every", "0"],
        vec!["watch", "fw", "--every", "2h"],
        vec!["stop", "fw", "--job-id", "fw"],
        vec!["stop", "--job-id", "fw", "--mode", "pause"],
        vec!["resume"],
        vec!["revert"],
        vec!["revert", "--job-id", "fw", "--bin", "fw.bin"],
        vec!["revert", "--job-id", "fw", "--to", "a", "--bin", "fw.bin", "--config", "dev.ini"],
        vec!["resume", "--job-id", "fw", "--default-guard", "--config", "dev.ini"],
    ];
    let all = all.map(|arguments| {
        format!("$ tripline {}\n{}", arguments.join(" "), tripline(&arguments, &[]))
    });
    insta::assert_snapshot!("rollouts_arguments", all.join("\n"));
}

#[test]
fn what_is_missing_is_said_before_aws_is_asked() {
    let none = tripline(&["resume", "--job-id", "fw", "--config", "none.ini"], &[]);
    assert!(none.starts_with("exit 2\n"), "{none}");
    assert!(none.contains("error: none.ini: cannot be read: "), "{none}");
    for arguments in [
        &["watch", "fw"][..],
        &["watch", "--job-id", "fw", "--every", "1m"],
        &["stop", "--job-id", "fw"],
        &["stop", "fw"],
        &["resume", "fw"],
    ] {
        let nowhere = tripline(arguments, &[]);
        assert!(nowhere.starts_with("exit 2\n"), "{nowhere}");
        assert!(nowhere.contains("error: no AWS region is set"), "{nowhere}");
        let anonymous = tripline(arguments, &[("AWS_REGION", "us-east-1")]);
        assert!(anonymous.starts_with("exit 3\n"), "{anonymous}");
        assert!(anonymous.contains("no AWS credentials were found"), "{anonymous}");
    }
}

#[test]
fn nobody_there_ends_with_3() {
    // A port that was free a moment ago, and that nobody listens on.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let endpoint = format!("http://127.0.0.1:{port}");
    let settings = [
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_ENDPOINT_URL", endpoint.as_str()),
    ];
    for arguments in [&["stop", "--job-id", "fw"][..], &["resume", "--job-id", "fw"]] {
        let ended = tripline(arguments, &settings);
        assert!(
            ended.starts_with("exit 3\n--- stdout\n--- stderr\naccount not known, Region us-east-1\nerror: DescribeJob: "),
            "{ended}"
        );
    }
}
