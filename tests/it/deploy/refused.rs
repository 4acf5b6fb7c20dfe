//! What is refused, before anything is made.

use super::stage::{SHORT, Stage, assert_ended, assert_operator_may, must};

#[tokio::test]
async fn nothing_is_made_of_a_config_with_faults() {
    let stage = Stage::new().await;
    stage.things(&["a"]).await;
    let thing =
        std::fs::read_to_string(stage.write("none", b"").with_file_name("things.txt")).unwrap();
    let elsewhere = thing.replace("us-east-1", "eu-west-1");
    stage.write("elsewhere.txt", elsewhere.as_bytes());
    stage.write("gone.txt", thing.replace("thing/a", "thing/b").as_bytes());
    for (job, from, to, said) in [
        ("no-image", "pump-4.2.bin", "pump-4.3.bin", "pump-4.3.bin: cannot be read"),
        ("no-list", "= things.txt", "= none", "none: no target"),
        ("region", "= things.txt", "= elsewhere.txt", "the targets are in `eu-west-1`"),
        ("no-thing", "= things.txt", "= gone.txt", "targets that are not there"),
        ("no-bucket", "= pump-firmware", "= pump-nowhere", "there is no bucket `pump-nowhere`"),
        ("typo", "rounds = 1", "round = 1", "did you mean `rounds`?"),
        ("no-alarms", "alarmList = Slow", "alarmList =", "only the stack's default guard would"),
        ("twice", "rounds = 1", "rounds = 2\nuseAbortConfig = yes", "there is no `[ABORT_CONFIG]`"),
    ] {
        stage.config(&SHORT.replace(from, to), job);
        let deployed = must(stage.proxy.run(&mut stage.command("deploy", job, &[]), None).await);
        // A bucket that is not the operator's is denied on AWS, there or not.
        if job != "no-bucket" {
            assert_operator_may(&deployed);
        }
        assert_ended(&deployed, 2);
        assert!(deployed.stderr.contains(said), "{job}: {}", deployed.stderr);
        let writes: Vec<_> =
            deployed.calls.iter().filter(|call| call.write && call.service != "s3").collect();
        assert!(writes.is_empty(), "{job}: {writes:#?}");
        stage.assert_nothing_is_left(job).await;
    }
}

#[tokio::test]
async fn what_would_not_be_stopped_is_not_begun() {
    let stage = Stage::new().await;
    // Enough that people are alerted to devices that fail.
    stage.things(&["a", "b", "c", "d"]).await;
    stage.config(&SHORT.replace("@email, @force-stop", "@email"), "alert-only");
    let deployed = stage.deploy("alert-only", &[]).await;
    assert_ended(&deployed, 1);
    assert!(deployed.stderr.contains("Tripline did not begin the rollout"), "{}", deployed.stderr);
    stage.assert_nothing_is_left("alert-only").await;
    assert_ended(&stage.deploy("alert-only", &["--alert-only", "--detach"]).await, 0);
    assert!(stage.job("alert-only").await.is_some());
}

#[tokio::test]
async fn a_config_without_alarms_is_left_to_the_stack_s_default_guard() {
    let stage = Stage::new().await;
    stage.things(&["a"]).await;
    stage.config(&SHORT.replace("alarmList = Slow", "alarmList ="), "plain");
    let deployed = stage.deploy("plain", &["--default-guard", "--detach"]).await;
    assert_ended(&deployed, 0);
    assert!(deployed.stderr.contains("arms the stack's default guard"), "{}", deployed.stderr);
    must(stage.stack.keep(&stage.aws).await);
    let alarms = stage.alarms("plain").await.into_iter();
    let names: Vec<_> = alarms.filter_map(|alarm| alarm.alarm_name).collect();
    let default = ["DownloadTime", "Evidence", "FailureRate"]
        .map(|name| format!("tripline-plain-default-{name}"));
    assert_eq!(names, default);
}

#[tokio::test]
async fn what_is_another_s_is_left_alone() {
    let stage = Stage::new().await;
    stage.things(&["a"]).await;
    let thing = stage.iot.describe_thing().thing_name("a").send().await.unwrap();
    let job = stage.iot.create_job().job_id("theirs").targets(thing.thing_arn().unwrap());
    job.document("{}").send().await.unwrap();
    stage.config(SHORT, "theirs");
    for more in [&[][..], &["--resume"]] {
        let deployed = stage.deploy("theirs", more).await;
        assert_ended(&deployed, 2);
        assert!(
            deployed.stderr.contains("was not deployed by `tripline deploy`"),
            "{}",
            deployed.stderr
        );
    }
    let cleaned =
        must(stage.proxy.run(&mut stage.command("cleanup", "theirs", &["--force"]), None).await);
    assert_ended(&cleaned, 2);
    assert!(stage.job("theirs").await.is_some());

    // What was deployed before is carried on with, and from the same files only.
    stage.config(SHORT, "ours");
    assert_ended(&stage.deploy("ours", &["--detach"]).await, 0);
    let again = stage.deploy("ours", &["--detach"]).await;
    assert_ended(&again, 2);
    assert!(again.stderr.contains("continue it with `--resume`"), "{}", again.stderr);
    assert_ended(&stage.deploy("ours", &["--detach", "--resume"]).await, 0);
    stage.write("pump-4.2.bin", b"another image");
    let other = stage.deploy("ours", &["--detach", "--resume"]).await;
    assert_ended(&other, 2);
    assert!(other.stderr.contains("was deployed from other files"), "{}", other.stderr);
    let cleaned = must(stage.proxy.run(&mut stage.command("cleanup", "ours", &[]), None).await);
    assert_ended(&cleaned, 2);
    assert!(cleaned.stderr.contains("is in progress"), "{}", cleaned.stderr);
    let cleaned =
        must(stage.proxy.run(&mut stage.command("cleanup", "ours", &["--force"]), None).await);
    assert_ended(&cleaned, 0);
    stage.assert_nothing_is_left("ours").await;
}

#[tokio::test]
async fn a_failure_names_what_is_left_behind() {
    let stage = Stage::new().await;
    stage.things(&["a"]).await;
    stage.config(SHORT, "fails");
    stage.proxy.fail_next(
        |call| call.operation == "PUT /jobs/fails",
        400,
        "InvalidRequestException",
        1,
    );
    let deployed = stage.deploy("fails", &[]).await;
    assert_ended(&deployed, 3);
    for left in ["left behind:", "1 alarm", "stream `fails-stream`", "continue it with `--resume`"]
    {
        assert!(deployed.stderr.contains(left), "{}", deployed.stderr);
    }
    let resumed = stage.deploy("fails", &["--resume", "--detach"]).await;
    assert_ended(&resumed, 0);
    assert!(stage.job("fails").await.is_some());
}

#[tokio::test]
async fn a_dry_run_changes_nothing() {
    let stage = Stage::new().await;
    stage.things(&["a", "b"]).await;
    stage.config(SHORT, "dry");
    for output in ["text", "json"] {
        let planned = stage.deploy("dry", &["--dry-run", "--output", output]).await;
        assert_ended(&planned, 0);
        for part in ["dry", "pump-4.2.bin", "dry-stream", "tripline-dry-Slow", "fileSize"] {
            assert!(planned.stdout.contains(part), "{part}: {}", planned.stdout);
        }
        let writes: Vec<_> =
            planned.calls.iter().filter(|call| call.write && call.service != "s3").collect();
        assert!(writes.is_empty(), "{writes:#?}");
        assert_eq!(stage.keys("dry/").await, [] as [String; 0]);
    }
    stage.assert_nothing_is_left("dry").await;
}

#[tokio::test]
async fn with_debug_every_call_is_shown() {
    let stage = Stage::new().await;
    stage.things(&["a"]).await;
    stage.config(&SHORT.replace("rounds = 1", "debug = True"), "alert-only");
    let planned = stage.deploy("alert-only", &["--dry-run"]).await;
    assert_ended(&planned, 0);
    let shown = planned.stderr.lines().filter(|line| line.starts_with("debug: ")).count();
    assert_eq!(shown, planned.calls.len(), "{}", planned.stderr);
    assert!(
        planned.stderr.contains("debug: GET /jobs/alert-only at 127.0.0.1:"),
        "{}",
        planned.stderr
    );
}

#[tokio::test]
async fn of_two_at_once_one_is_deployed_with_its_own_guard() {
    let stage = Stage::new().await;
    stage.things(&["a"]).await;
    for race in 0..5 {
        let job = format!("race-{race}");
        stage.config(SHORT, &job);
        let other = SHORT.replace("threshold = 3600", "threshold = 600000").replace("<job>", &job);
        stage.write(&format!("other-{race}.ini"), other.as_bytes());
        let mut first = stage.command("deploy", &job, &["--detach"]);
        let mut second = must(stage.proxy.tripline());
        second.arg("deploy").arg(stage.folder().join(format!("other-{race}.ini"))).arg("--detach");
        let (first, second) =
            tokio::join!(stage.proxy.run(&mut first, None), stage.proxy.run(&mut second, None));
        let (first, second) = (must(first), must(second));
        let mut codes = [first.status.code(), second.status.code()];
        let threshold = if codes[0] == Some(0) { 3600.0 } else { 600_000.0 };
        codes.sort();
        assert_eq!(codes, [Some(0), Some(2)], "{}\n{}", first.stderr, second.stderr);
        let alarms = stage.alarms(&job).await;
        assert_eq!(alarms.len(), 1, "{job}");
        assert_eq!(alarms[0].threshold(), Some(threshold), "{job}: the guard is the job's own");
    }
}

#[tokio::test]
async fn a_name_is_taken_until_what_is_left_is_removed() {
    let stage = Stage::new().await;
    stage.things(&["a"]).await;
    stage.config(&SHORT.replace("streamId = <job>-stream\n", ""), "taken");
    stage.proxy.fail_next(
        |call| call.operation == "PUT /jobs/taken",
        400,
        "InvalidRequestException",
        1,
    );
    assert_ended(&stage.deploy("taken", &[]).await, 3);
    stage.write("pump-4.2.bin", b"fixed");
    let other = stage.deploy("taken", &["--detach"]).await;
    assert_ended(&other, 2);
    assert!(other.stderr.contains("is being deployed from other files"), "{}", other.stderr);
    let cleaned = must(stage.proxy.run(&mut stage.command("cleanup", "taken", &[]), None).await);
    assert_ended(&cleaned, 0);
    assert_ended(&stage.deploy("taken", &["--detach"]).await, 0);
}

#[tokio::test]
async fn what_cannot_be_written_or_has_no_subscriber_is_said_before() {
    let stage = Stage::new().await;
    stage.things(&["a"]).await;
    stage.config(SHORT, "unwritten");
    let deployed = stage.deploy("unwritten", &["--result", "/nowhere/result.json"]).await;
    assert_ended(&deployed, 2);
    assert!(
        deployed.stderr.contains("/nowhere/result.json: cannot be written"),
        "{}",
        deployed.stderr
    );
    stage.assert_nothing_is_left("unwritten").await;

    let group = stage.iot.create_thing_group().thing_group_name("empty").send().await.unwrap();
    stage.write("things.txt", group.thing_group_arn().unwrap().as_bytes());
    stage.config(SHORT, "empty");
    let deployed = stage.deploy("empty", &[]).await;
    assert_ended(&deployed, 2);
    assert!(deployed.stderr.contains("no device is in any of the targets"), "{}", deployed.stderr);
    stage.assert_nothing_is_left("empty").await;
}

#[tokio::test]
async fn a_stack_that_only_observes_stops_nothing_and_that_has_to_be_meant() {
    let stage = Stage::with(&[("StopMode", "observe")]).await;
    stage.things(&["a"]).await;
    stage.config(SHORT, "observed");
    let deployed = stage.deploy("observed", &["--detach"]).await;
    assert_ended(&deployed, 1);
    assert!(deployed.stderr.contains("nothing would stop the rollout"), "{}", deployed.stderr);
    stage.assert_nothing_is_left("observed").await;
    assert_ended(&stage.deploy("observed", &["--detach", "--alert-only"]).await, 0);
}

#[tokio::test]
async fn whoever_interrupts_reads_that_the_rollout_goes_on() {
    let stage = Stage::new().await;
    stage.things(&["a"]).await;
    stage.config(SHORT, "goes-on");
    let mut command = stage.command("deploy", "goes-on", &[]);
    let running = must(stage.proxy.spawn(&mut command, None));
    for _ in 0..1_000 {
        // The second look at the job shows that it is waited for.
        if running.calls().iter().filter(|call| call.operation == "GET /jobs/goes-on").count() > 4 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let kill =
        std::process::Command::new("kill").args(["-TERM", &running.id().to_string()]).status();
    assert!(kill.unwrap().success());
    let ran = must(running.end().await);
    assert_ended(&ran, 6);
    assert!(ran.stderr.contains("job `goes-on` goes on without this command"), "{}", ran.stderr);
    assert!(ran.stderr.contains("`tripline stop --job-id goes-on` stops it"), "{}", ran.stderr);
}

#[tokio::test]
async fn alarms_that_vanish_while_the_job_is_made_are_armed_again() {
    let stage = Stage::new().await;
    stage.things(&["a"]).await;
    stage.config(SHORT, "disarmed");
    let mut command = stage.command("deploy", "disarmed", &["--detach"]);
    // Held up between the guard and the job: the job is refused while there are alarms.
    stage.proxy.fail_next(
        |call| call.operation == "PUT /jobs/disarmed",
        500,
        "InternalFailureException",
        2,
    );
    let running = must(stage.proxy.spawn(&mut command, None));
    // By then its alarms are proven.
    let is_held_up = || running.calls().iter().any(|call| call.operation == "PUT /jobs/disarmed");
    for _ in 0..2_000 {
        if is_held_up() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert_eq!(stage.alarms("disarmed").await.len(), 1);
    stage.disarm("disarmed").await;
    let ran = must(running.end().await);
    assert_ended(&ran, 0);
    assert_eq!(stage.alarms("disarmed").await.len(), 1, "{}", ran.stderr);
}

#[tokio::test]
async fn what_deserves_a_look_is_in_the_document_with_its_line() {
    let stage = Stage::new().await;
    stage.things(&["a", "b", "c", "d"]).await;
    stage.config(SHORT, "looked-at");
    for arguments in [&["--dry-run"][..], &["--detach"]] {
        let ran = stage.deploy("looked-at", &[arguments, &["--output", "json"]].concat()).await;
        assert_ended(&ran, 0);
        let said: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        let findings = said["findings"].as_array().unwrap();
        let line = 1 + SHORT.lines().position(|line| line.starts_with("bucket =")).unwrap();
        let is_meant = |finding: &&serde_json::Value| {
            finding["text"]
                .as_str()
                .unwrap()
                .starts_with("bucket `pump-firmware` keeps no versions")
        };
        let found = findings.iter().find(is_meant).unwrap_or_else(|| panic!("{said:#}"));
        assert_eq!(found["line"], line, "{said:#}");
        let command = "aws s3api put-bucket-versioning --bucket pump-firmware";
        assert!(found["hint"].as_str().unwrap().contains(command), "{said:#}");
        let place = format!(".ini:{line}: bucket `pump-firmware` keeps no versions");
        assert!(ran.stderr.contains(&place), "{}", ran.stderr);
    }
}
