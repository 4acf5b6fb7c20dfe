//! What is refused, before anything is made.

use super::stage::{SHORT, Stage, assert_ended, must};

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
        ("unguarded", "alarmList = Slow", "alarmList =", "nothing would guard the rollout"),
        ("twice", "rounds = 1", "rounds = 2\nuseAbortConfig = yes", "there is no `[ABORT_CONFIG]`"),
    ] {
        stage.config(&SHORT.replace(from, to), job);
        let deployed = stage.deploy(job, &[]).await;
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
    stage.things(&["a"]).await;
    stage.config(&SHORT.replace("@email, @force-stop", "@email"), "told");
    let deployed = stage.deploy("told", &[]).await;
    assert_ended(&deployed, 1);
    assert!(deployed.stderr.contains("the rollout was not begun"), "{}", deployed.stderr);
    stage.assert_nothing_is_left("told").await;
    assert_ended(&stage.deploy("told", &["--tell-only", "--detach"]).await, 0);
    assert!(stage.job("told").await.is_some());
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
        must(stage.front.run(&mut stage.command("cleanup", "theirs", &["--force"]), None).await);
    assert_ended(&cleaned, 2);
    assert!(stage.job("theirs").await.is_some());

    // What was deployed before is carried on with, and from the same files only.
    stage.config(SHORT, "ours");
    assert_ended(&stage.deploy("ours", &["--detach"]).await, 0);
    let again = stage.deploy("ours", &["--detach"]).await;
    assert_ended(&again, 2);
    assert!(again.stderr.contains("go on with `--resume`"), "{}", again.stderr);
    assert_ended(&stage.deploy("ours", &["--detach", "--resume"]).await, 0);
    stage.write("pump-4.2.bin", b"another image");
    let other = stage.deploy("ours", &["--detach", "--resume"]).await;
    assert_ended(&other, 2);
    assert!(other.stderr.contains("was deployed from other files"), "{}", other.stderr);
    let cleaned = must(stage.front.run(&mut stage.command("cleanup", "ours", &[]), None).await);
    assert_ended(&cleaned, 2);
    assert!(cleaned.stderr.contains("is in progress"), "{}", cleaned.stderr);
    let cleaned =
        must(stage.front.run(&mut stage.command("cleanup", "ours", &["--force"]), None).await);
    assert_ended(&cleaned, 0);
    stage.assert_nothing_is_left("ours").await;
}

#[tokio::test]
async fn a_failure_names_what_is_left_behind() {
    let stage = Stage::new().await;
    stage.things(&["a"]).await;
    stage.config(SHORT, "fails");
    stage.front.fail_next(
        |call| call.operation == "PUT /jobs/fails",
        400,
        "InvalidRequestException",
        1,
    );
    let deployed = stage.deploy("fails", &[]).await;
    assert_ended(&deployed, 3);
    for left in ["left behind:", "1 alarm", "stream `fails-stream`", "go on with `--resume`"] {
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
