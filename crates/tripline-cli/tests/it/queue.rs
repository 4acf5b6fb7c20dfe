//! `tripline queue` as people and scripts see it.

use std::fs;
use std::net::TcpListener;
use std::path::Path;

use tempfile::TempDir;

use crate::command;
use crate::runner::run;

/// Runs the command in a directory, without anything of the environment's and without a terminal,
/// and shows its exit code and both its outputs.
fn tripline(directory: &Path, arguments: &[&str], settings: &[(&str, &str)]) -> String {
    let mut command = command(directory);
    run(command.arg("queue").args(arguments).envs(settings.iter().copied())).to_string()
}

/// A release's files, in which the manual's placeholders are left.
fn files() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let config = "[DEFAULT]\njobId = <yourJobId>\nbinName = test.bin\nthingList = things.txt\nuseAbortConfig = perhaps\n[ALARM_CONFIG]\nalarmList = Slow\n";
    fs::write(directory.path().join("dev.ini"), config).unwrap();
    fs::write(directory.path().join("test.bin"), "firmware").unwrap();
    fs::write(directory.path().join("things.txt"), "arn\n").unwrap();
    directory
}

const ADD: [&str; 7] = ["add", "--bin", "test.bin", "--bucket", "releases", "--config", "dev.ini"];

#[test]
fn what_is_missing_or_no_value_is_said() {
    let here = files();
    let said: Vec<String> = [
        &["add", "--bin", "test.bin", "--bucket", "releases"][..],
        &["add", "--bin", "test.bin", "--bucket", "releases", "--config", "dev.ini"],
        &[&ADD[..], &["--set", "jobId"]].concat(),
        &[&ADD[..], &["--bake", "2 hours"]].concat(),
        &[&ADD[..], &["--from-last"]].concat(),
        &[&ADD[..], &["--queue", "a/b"]].concat(),
        &["next", "--lease", "1s"],
        &["done", "--entry", "fw-1", "--outcome", "skipped"],
        &["done", "--entry", "20260921T151555007Z-9f3a2b1c", "--outcome", "stopped"],
    ]
    .iter()
    .map(|arguments| tripline(here.path(), arguments, &[]))
    .collect();
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn every_fault_of_a_release_comes_at_once_and_before_aws() {
    let here = files();
    let arguments = [&ADD[..], &["--things", "things.txt"]].concat();
    insta::assert_snapshot!(tripline(here.path(), &arguments, &[]));
}

#[test]
fn no_more_faults_are_said_than_anybody_reads() {
    let here = files();
    // What each reader of the file trips over, and what one of them does.
    let lines: String = (0..20_000).map(|line| format!("line {line}\n")).collect();
    let keys: String = (0..20_000).map(|key| format!("key{key} = 1\n")).collect();
    let config = format!(
        "[DEFAULT]\njobId = fw\n[ABORT_CONFIG]\n{keys}[ALARM_CONFIG]\nalarmList =\n{keys}[OTHER]\n{lines}"
    );
    fs::write(here.path().join("dev.ini"), config).unwrap();
    let arguments = [&ADD[..], &["--things", "things.txt"]].concat();
    let said = tripline(here.path(), &arguments, &[]);
    assert_eq!(said.matches("\n  line ").count(), 100, "{said}");
    assert!(said.contains(" more\n"), "{said}");
}

#[test]
fn files_that_do_not_fit_are_named_before_aws() {
    let here = files();
    let things = "arn:aws:iot:us-east-1:111122223333:thing/tracker-1\n";
    fs::write(here.path().join("other.txt"), things).unwrap();
    let config = include_str!("../../../../examples/dev.ini");
    let config = config
        .replace("useCustomJobDocument = True", "useCustomJobDocument = False")
        .replace("= tracker-2.1.bin", "= fw.bin")
        .replace("= trackers.txt", "= things.txt");
    fs::write(here.path().join("good.ini"), config).unwrap();
    let arguments = [
        "add",
        "--bin",
        "test.bin",
        "--bucket",
        "b",
        "--config",
        "good.ini",
        "--things",
        "other.txt",
    ];
    insta::assert_snapshot!(tripline(here.path(), &arguments, &[]));
}

#[test]
fn whoever_is_not_there_is_named() {
    let here = tempfile::tempdir().unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let endpoint = format!("http://127.0.0.1:{port}");
    let settings = [
        ("AWS_ENDPOINT_URL", endpoint.as_str()),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ];
    let no_region = tripline(here.path(), &["list", "--table", "t"], &settings);
    assert!(no_region.starts_with("exit 2\n"), "{no_region}");
    assert!(no_region.contains("no AWS region is set"), "{no_region}");
    let nobody = tripline(here.path(), &["list", "--table", "t", "-r", "us-east-1"], &settings);
    assert!(nobody.starts_with("exit 3\n"), "{nobody}");
    assert!(nobody.contains(&format!("nothing answered at `{endpoint}`")), "{nobody}");
}

#[test]
fn files_outside_of_a_folder_are_not_queued() {
    let (here, outside) = (files(), tempfile::tempdir().unwrap());
    let things = outside.path().join("things.txt");
    fs::write(&things, "arn:aws:iot:us-east-1:111122223333:thing/a\n").unwrap();
    let things = things.to_str().unwrap();
    let arguments = [&ADD[..], &["--things", things, "--within", "."]].concat();
    let said = tripline(here.path(), &arguments, &[]);
    assert!(
        said.starts_with("exit 2\n") && said.contains("things.txt: lies outside of `"),
        "{said}"
    );
    let none = [&ADD[..], &["--things", things, "--within", "nowhere"]].concat();
    let said = tripline(here.path(), &none, &[]);
    assert!(said.starts_with("exit 2\n") && said.contains("--within"), "{said}");
}
