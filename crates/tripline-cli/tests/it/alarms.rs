//! `tripline alarms` as people and scripts see it.

use std::fs;
use std::net::TcpListener;
use std::path::Path;

use tempfile::TempDir;

use crate::command;
use crate::runner::run;

/// A config of the tests' own: what is recommended may change, what is said of it must not.
const EXAMPLE: &str = include_str!("fixtures/guard.ini");

/// Runs the command in a directory, without anything of the environment's, and shows its exit
/// code and both its outputs.
fn tripline(directory: &Path, arguments: &[&str]) -> String {
    tripline_in(directory, arguments, &[])
}

/// The same with some settings in the environment.
fn tripline_in(directory: &Path, arguments: &[&str], settings: &[(&str, &str)]) -> String {
    run(command(directory).args(arguments).envs(settings.iter().copied())).to_string()
}

fn with(config: &str) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("dev.ini"), config).unwrap();
    directory
}

fn in_example(arguments: &[&str]) -> String {
    tripline(with(EXAMPLE).path(), arguments)
}

fn faulty() -> String {
    EXAMPLE
        .replace("stat = p90", "stat = P90th")
        .replace("alarmType = upper", "alarmType = Upperr")
        .replace("datapointsToAlarm = 3", "datapointToAlarm = 3")
        .replacen("@email, @force-stop", "@email, arn:aws:sns:<region>:<account>:stopper", 1)
}

#[test]
fn check_of_a_good_config() {
    insta::assert_snapshot!("check", in_example(&["alarms", "check"]));
    insta::assert_snapshot!(
        "check_json",
        in_example(&["alarms", "check", "dev.ini", "--job-id", "fw", "--output", "json"])
    );
}

#[test]
fn check_says_limits_in_words() {
    const LIMITS: &str = "[EVIDENCE_CONFIG]\nuseEvidence = True\nunfinishedLimits = 60:3, 75:2\nsnsTopics = @force-stop\n";
    let words = "evidence > 2 (1 in 100): failed 3 %, 60 min 3 %, 75 min 2 %";
    for (config, count) in
        [(LIMITS.to_owned(), "1 alarm"), (EXAMPLE.to_owned() + LIMITS, "3 alarms")]
    {
        let checked = tripline(with(&config).path(), &["alarms", "check"]);
        assert!(checked.contains(words) && checked.starts_with("exit 0\n"), "{checked}");
        assert!(checked.contains(&format!("no faults; {count} for")), "{checked}");
    }
    let json = tripline(with(LIMITS).path(), &["alarms", "check", "--output", "json"]);
    assert!(json.contains(words), "{json}");
    let only = with(&LIMITS.replace("@force-stop", "@email"));
    let alerts = tripline(only.path(), &["alarms", "check"]);
    assert!(alerts.contains("finding: no alarm notifies `@force-stop`"), "{alerts}");
    // What cannot be read is said before anything else is done.
    let baseline = LIMITS.replace("unfinishedLimits = 60:3, 75:2", "baseline = fw.json");
    let directory = with(&baseline);
    for arguments in [["alarms", "check"], ["alarms", "apply"]] {
        let faulty = tripline(directory.path(), &arguments);
        assert!(faulty.contains("fw.json: cannot be read: "), "{faulty}");
    }
    let slip = with(&LIMITS.replace("EVIDENCE_CONFIG", "EVIDENCE_CONFG"));
    let slip = tripline(slip.path(), &["alarms", "check"]);
    assert!(slip.contains("did you mean `[EVIDENCE_CONFIG]`?"), "{slip}");
}

#[test]
fn check_names_every_fault() {
    let directory = with(&faulty());
    insta::assert_snapshot!("check_faults", tripline(directory.path(), &["alarms", "check"]));
    insta::assert_snapshot!(
        "check_faults_json",
        tripline(directory.path(), &["alarms", "check", "--output", "json"])
    );
    // Not one step further, and without asking for AWS.
    let apply = tripline(directory.path(), &["alarms", "apply"]);
    assert_eq!(apply, tripline(directory.path(), &["alarms", "check"]));
}

#[test]
fn check_finds_configs_that_guard_little() {
    let none = with(&EXAMPLE.replace("alarmList = SlowDownloads, Failures", "alarmList ="));
    insta::assert_snapshot!("check_no_alarms", tripline(none.path(), &["alarms", "check"]));
    insta::assert_snapshot!("apply_no_alarms", tripline(none.path(), &["alarms", "apply"]));
    let alerting = with(
        &EXAMPLE
            .replace("@email, @force-stop", "@email")
            .replace("SlowDownloads, Failures", "Failures"),
    );
    insta::assert_snapshot!("check_only_alerts", tripline(alerting.path(), &["alarms", "check"]));
    let meant = tripline(alerting.path(), &["alarms", "check", "--alert-only"]);
    insta::assert_snapshot!("check_alert_only", meant);
    // Any topic of which only the ARN is known may be the one that stops.
    let arn = "@email, arn:aws:sns:us-east-1:111122223333:perhaps";
    let unknown = with(&EXAMPLE.replace("@email, @force-stop", arn));
    assert!(tripline(unknown.path(), &["alarms", "check"]).starts_with("exit 0\n"));
}

#[test]
fn apply_needs_a_job_and_a_region() {
    let placeholder = with(&EXAMPLE.replace("jobId = fw-2-1", "jobId = <your job>"));
    insta::assert_snapshot!("apply_no_job", tripline(placeholder.path(), &["alarms", "apply"]));
    let nowhere = with(&EXAMPLE.replace("region = us-east-1", ""));
    insta::assert_snapshot!("apply_no_region", tripline(nowhere.path(), &["alarms", "apply"]));
    let wrong = with(&EXAMPLE.replace("region = us-east-1", "region = example.com/x"));
    insta::assert_snapshot!("apply_wrong_region", tripline(wrong.path(), &["alarms", "apply"]));
}

#[test]
fn files_that_are_no_config() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    fs::create_dir(path.join("folder")).unwrap();
    fs::write(path.join("latin1.ini"), b"[DEFAULT]\nbinName = f\xfcr.bin\n").unwrap();
    fs::write(path.join("long.ini"), "x".repeat(1_000_001)).unwrap();
    let all: Vec<_> = ["missing.ini", "folder", "latin1.ini", "long.ini", "/dev/zero"]
        .map(|file| tripline(path, &["alarms", "check", file]))
        .into();
    insta::assert_snapshot!("files", all.join("\n"));
}

#[test]
fn arguments_are_checked() {
    let all: Vec<_> = [
        &["alarms", "check", "--job-id", "a b"][..],
        &["alarms", "list", "--region", "example.com/"],
        &["alarms", "remove"],
    ]
    .map(in_example)
    .into();
    insta::assert_snapshot!("arguments", all.join("\n"));
}

#[test]
fn the_examples_have_no_fault_and_stop() {
    for config in [
        include_str!("../../../../examples/dev.ini"),
        include_str!("../../../../examples/demo.ini"),
    ] {
        let said = tripline(with(config).path(), &["alarms", "check"]);
        assert!(said.starts_with("exit 0\n") && said.contains("@force-stop"), "{said}");
    }
}

#[test]
fn both_ways_to_aws_need_a_region() {
    let all: Vec<_> = [
        &["alarms", "list"][..],
        &["fleet", "register", "--devices", "1", "--prefix", "t-"],
        &["fleet", "run", "--devices", "1", "--prefix", "t-", "--job-id", "fw"],
        &["fleet", "remove", "--prefix", "t-", "--region", "example.com/"],
    ]
    .map(in_example)
    .into();
    insta::assert_snapshot!("no_region", all.join("\n"));
}

#[test]
fn missing_credentials_are_said_with_what_to_do() {
    let all: Vec<_> = [
        &["alarms", "list", "--region", "us-east-1"][..],
        &["fleet", "remove", "--prefix", "t-", "--region", "us-east-1"],
    ]
    .map(in_example)
    .into();
    insta::assert_snapshot!("no_credentials", all.join("\n"));
}

#[test]
fn an_endpoint_at_which_nobody_is_is_named() {
    // Free a moment ago, and nobody has a reason to take it.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let directory = with(EXAMPLE);
    let endpoint = format!("http://127.0.0.1:{port}");
    let settings = [
        ("AWS_ENDPOINT_URL", endpoint.as_str()),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ];
    let said = tripline_in(directory.path(), &["alarms", "list"], &settings);
    insta::assert_snapshot!("nobody_there", said.replace(&endpoint, "http://127.0.0.1:<port>"));
}

#[test]
fn a_fleet_s_job_is_checked_before_aws_is_asked() {
    let run = ["fleet", "run", "--devices", "1", "--prefix", "t-", "--job-id", "a b/c"];
    insta::assert_snapshot!("fleet_job_id", in_example(&run));
}
