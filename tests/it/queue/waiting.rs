//! What holds a queue up, and what lets it go on.

use std::io::{BufRead, BufReader};
use std::process::Command;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_iotjobsdataplane::types::JobExecutionStatus;
use aws_sdk_s3::primitives::ByteStream;
use tripline_tests::runner::Ran;

use super::stage::{BUCKET, Stage, deployed, result};

const WITHIN: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_worker_that_is_killed_loses_nothing() {
    let stage = Stage::start().await;
    let id = stage.add("fw-1", "");
    // It cannot get any further than to this file, which nobody reads.
    let folder = stage.folder.path().join("kept").join(&id);
    std::fs::create_dir_all(&folder).unwrap();
    assert!(Command::new("mkfifo").arg(folder.join("dev.ini")).status().unwrap().success());
    let mut first = stage.spawn("next --detach --lease 2s --keep kept");
    let state = |claims: u64| {
        let start = Instant::now();
        loop {
            let entry = stage.entry("default", &id);
            if entry["state"] == "claimed" && entry["claims"] == claims {
                return entry;
            }
            assert!(start.elapsed() < WITHIN, "{entry}");
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    let before = state(1);
    assert_eq!(result(&stage.run("next --output json")), (6, "waiting".to_owned()));
    // It renews its lease although it is stuck.
    let start = Instant::now();
    while state(1)["leaseUntil"] == before["leaseUntil"] {
        assert!(start.elapsed() < WITHIN);
        std::thread::sleep(Duration::from_millis(50));
    }
    first.kill().unwrap(); // SIGKILL
    first.wait().unwrap();
    let second = stage.run("next --detach --wait --output json");
    assert_eq!(result(&second), deployed(), "{}", second.stderr);
    let entry = stage.entry("default", &id);
    assert_eq!(entry["claims"], 2, "{entry}");
    assert_eq!(stage.jobs_of(&entry).await, 1);
}

#[tokio::test]
async fn the_next_one_waits_until_the_one_before_has_baked() {
    let stage = Stage::start().await;
    let first = stage.add("fw-1", "--bake 1h");
    let second = stage.add("fw-2", "");
    let done = |id: &str, outcome: &str| {
        let done = stage.run(&format!("done --entry {id} --outcome {outcome}"));
        assert_eq!(done.code, 0, "{}", done.stderr);
    };
    let next = || stage.run("next --detach --output json");

    done(&first, "succeeded");
    let baking = next();
    assert_eq!(result(&baking), (6, "waiting".to_owned()), "{}", baking.stderr);
    assert!(baking.json()["why"].as_str().unwrap().contains("bakes until"));
    // Whoever waits can be interrupted.
    let mut waiting = stage.spawn("next --wait --output json");
    let mut said = String::new();
    let mut stderr = BufReader::new(waiting.stderr.take().unwrap());
    // The first line says the account and the Region.
    for _ in 0..2 {
        stderr.read_line(&mut said).unwrap();
    }
    assert!(said.contains("bakes until"), "{said}");
    let pid = waiting.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    let interrupted = Ran::of(&waiting.wait_with_output().unwrap());
    assert_eq!(result(&interrupted), (6, "waiting".to_owned()));

    done(&first, "failed");
    let blocked = next();
    assert_eq!(result(&blocked), (1, "blocked".to_owned()), "{}", blocked.stderr);
    assert!(
        blocked
            .stderr
            .contains(&format!("hint: `tripline queue done --entry {first} --outcome skipped`"))
    );
    assert_eq!(stage.entry("default", &second)["claims"], 0);

    done(&first, "skipped");
    assert_eq!(result(&next()), deployed());
    stage.assert_deployed_once("default", &second).await;
    let begun = stage.run(&format!("remove --entry {second}"));
    assert_eq!(begun.code, 2);
    assert!(begun.stderr.contains(&format!("entry `{second}`")), "{}", begun.stderr);
    let third = stage.add("fw-3", "");
    assert_eq!(stage.run(&format!("remove --entry {third}")).code, 0);
    assert!(!stage.run("list").stdout.contains("fw-3"));
}

#[tokio::test]
async fn a_bake_time_that_is_over_lets_the_next_one_go() {
    let stage = Stage::start().await;
    let first = stage.add("fw-1", "--bake 2s");
    let second = stage.add("fw-2", "");
    stage.run(&format!("done --entry {first} --outcome succeeded"));
    let next = stage.run("next --wait --detach --output json");
    assert_eq!(result(&next), deployed(), "{}", next.stderr);
    assert_eq!(next.json()["entry"], second);
}

#[tokio::test]
async fn a_damaged_file_is_refused_and_an_operator_decides_in_the_end() {
    let stage = Stage::start().await;
    let id = stage.add("fw-1", "");
    let key = format!("queue/{id}/fw-1.bin");
    let body = ByteStream::from_static(b"firmware of fw-0");
    stage.s3.put_object().bucket(BUCKET).key(&key).body(body).send().await.unwrap();
    let refused = stage.run("next --detach --output json");
    assert_eq!(result(&refused), (3, "error".to_owned()), "{}", refused.stderr);
    assert!(refused.stderr.contains("is not the file that was stored"), "{}", refused.stderr);
    let error = &refused.json()["error"];
    assert_eq!(error["exitCode"], 3, "{error}");
    let what = error["diagnostics"][0]["what"].as_str().unwrap();
    assert!(what.contains("is not the file that was stored"), "{error}");
    let entry = stage.entry("default", &id);
    assert_eq!((&entry["state"], &entry["failures"]), (&"pending".into(), &1.into()), "{entry}");
    assert!(entry["note"].as_str().unwrap().contains(&key), "{entry}");
    assert!(stage.jobs().await.is_empty());

    stage.set(&id, "failures", AttributeValue::N("5".to_owned())).await;
    let gave_up = stage.run("next --output json");
    assert_eq!(result(&gave_up), (1, "blocked".to_owned()));
    assert!(gave_up.stderr.contains(&format!("`tripline queue retry --entry {id}`")));
    let body = ByteStream::from_static(b"firmware of fw-1");
    stage.s3.put_object().bucket(BUCKET).key(&key).body(body).send().await.unwrap();
    assert_eq!(stage.run(&format!("retry --entry {id}")).code, 0);
    assert_eq!(result(&stage.run("next --detach --output json")), deployed());
}

#[tokio::test]
async fn a_rollout_that_was_left_to_itself_is_looked_at() {
    let stage = Stage::start().await;
    let ids: Vec<String> = (1..=3).map(|n| stage.add(&format!("fw-{n}"), "")).collect();
    let devices = aws_sdk_iotjobsdataplane::Client::new(&stage.aws.config());
    let left = async |n: usize| {
        stage.create_job(&format!("fw-{}", n + 1)).await;
        stage.set(&ids[n], "state", AttributeValue::S("deployed".to_owned())).await;
    };
    let next = || stage.run("next --detach --output json");
    let shown = |n: usize| stage.entry("default", &ids[n]);

    left(0).await;
    assert_eq!(result(&next()), (6, "waiting".to_owned()));
    assert_eq!(shown(0)["rolloutEnded"], serde_json::Value::Null);
    let update = devices.update_job_execution().job_id("fw-1").thing_name("tracker-1");
    update.status(JobExecutionStatus::Succeeded).send().await.unwrap();
    // The list only looks.
    assert_eq!(shown(0)["rolloutEnded"], "succeeded");
    assert_eq!(shown(0)["state"], "deployed");
    // Another entry is under way, so that this one is written down and nothing is claimed.
    left(1).await;
    assert_eq!(result(&next()), (6, "waiting".to_owned()));
    assert_eq!(shown(0)["outcome"], "succeeded");

    let cancel = stage.iot.cancel_job().job_id("fw-2").reason_code("TRIPLINE_ALARM");
    cancel.send().await.unwrap();
    let stopped = next();
    assert_eq!(result(&stopped), (5, "stopped".to_owned()), "{}", stopped.stderr);
    assert_eq!(shown(1)["note"], "its job was canceled: TRIPLINE_ALARM");
    assert_eq!(result(&next()), (1, "blocked".to_owned()));
    assert_eq!(stage.run(&format!("done --entry {} --outcome skipped", ids[1])).code, 0);
    assert_eq!(result(&next()), deployed());
    assert_eq!(result(&next()), (6, "waiting".to_owned()));
}
