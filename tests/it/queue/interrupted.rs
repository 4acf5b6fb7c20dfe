//! Workers that are killed, or interrupted, in the middle of a deployment.

use std::process::Command;
use std::time::{Duration, Instant};

use tripline_tests::proxy::{Cut, Proxy};

use super::stage::{BUCKET, Stage, deployed, result};

const WITHIN: Duration = Duration::from_secs(60);
/// How many calls a deployment has at least: none of what is asserted may come to nothing.
const LEAST: usize = 20;
/// One of so many calls is cut at.
const EVERY: usize = 4;

/// Asserts that a deployment has made everything once.
async fn assert_made_once(stage: &Stage, job: &str) {
    assert_eq!(stage.jobs().await.iter().filter(|name| *name == job).count(), 1, "{job}");
    let cloudwatch = aws_sdk_cloudwatch::Client::new(&stage.aws.config());
    let alarms = cloudwatch.describe_alarms().alarm_name_prefix(format!("tripline-{job}-"));
    let alarms = alarms.send().await.unwrap().metric_alarms.unwrap_or_default();
    let alarms = alarms.iter().filter_map(|alarm| alarm.alarm_name());
    // What the guard-keeper fills comes when its minute does.
    let own: Vec<_> = alarms.filter(|name| !name.contains("-default-")).collect();
    assert_eq!(own, [format!("tripline-{job}-Slow")]);
    let listed = stage.s3.list_objects_v2().bucket(BUCKET).prefix(format!("{job}/"));
    let listed = listed.send().await.unwrap();
    let mut names: Vec<_> =
        listed.contents().iter().filter_map(|object| object.key()?.rsplit('/').next()).collect();
    names.sort_unstable();
    // The record of its rounds has nothing in it yet; one that is carried on with may have none.
    names.retain(|name| *name != "rounds.json");
    let mut made =
        ["deployment", "dev.ini", &format!("{job}.bin"), "job-document.json", "things.txt"];
    made.sort_unstable();
    assert_eq!(names, made);
}

#[tokio::test]
async fn a_worker_is_killed_at_any_moment_and_another_one_carries_on() {
    let stage = Stage::start().await;
    let proxy = Proxy::start(&stage.aws).unwrap();
    let next = |job: &str| format!("next --detach --lease 2s --output json --queue {job}");
    // The first deployment of all also enables job events.
    stage.add("first", "--queue first");
    assert_eq!(result(&stage.run(&next("first"))), deployed());
    stage.add("whole", "--queue whole");
    let whole = proxy.run(&mut stage.command(&next("whole")), None).await.unwrap();
    assert_eq!(whole.status.code(), Some(0), "{}", whole.stderr);
    assert_made_once(&stage, "whole").await;
    let calls = whole.calls.len();
    assert!(calls > LEAST, "only {calls} calls");

    let mut left = Vec::new();
    for call in (2..=calls).step_by(EVERY) {
        let job = format!("cut-{call}");
        let id = stage.add(&job, &format!("--queue {job}"));
        let command = &mut stage.command(&next(&job));
        let killed = proxy.run(command, Some(Cut::after(call))).await.unwrap();
        if !killed.cut {
            // The first one took longer and so renewed its lease more often: these have no such call.
            assert_eq!(killed.status.code(), Some(0), "{job}: {}", killed.stderr);
            continue;
        }
        left.push((job, id));
    }
    assert!(left.len() >= LEAST / EVERY, "only {left:?} were cut");
    let mut carried_on = 0;
    for (job, id) in &left {
        let start = Instant::now();
        let entry = loop {
            let entry = stage.entry(job, id);
            if entry["state"] == "deployed" {
                break entry;
            }
            assert!(start.elapsed() < WITHIN, "{entry}");
            stage.run(&next(job));
        };
        let claims = entry["claims"].as_u64().unwrap();
        assert!((1..=2).contains(&claims), "{entry}");
        // A lease that ran out counts as a failure of whoever had it.
        assert_eq!(entry["failures"], claims - 1, "{entry}");
        carried_on += claims - 1;
        assert_made_once(&stage, job).await;
    }
    assert!(carried_on > 4, "only {carried_on} of {left:?} were carried on with");
}

#[tokio::test]
async fn ctrl_c_in_the_middle_gives_the_release_back() {
    let stage = Stage::start().await;
    let proxy = Proxy::start(&stage.aws).unwrap();
    // While it is armed, and while its job is waited for.
    for (job, operation) in [("fw-1", "PutMetricAlarm"), ("fw-2", "PUT /jobs/fw-2")] {
        let id = stage.add(job, &format!("--queue {job}"));
        let next = format!("next --output json --queue {job}");
        let worker = proxy.spawn(&mut stage.command(&next), None).unwrap();
        let start = Instant::now();
        while !worker
            .calls()
            .iter()
            .any(|call| call.operation == operation && call.status == Some(200))
        {
            assert!(start.elapsed() < WITHIN, "{:?}", worker.calls());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let interrupt = Command::new("kill").args(["-INT", &worker.id().to_string()]).status();
        assert!(interrupt.unwrap().success());
        let ended = worker.end().await.unwrap();
        assert_eq!(ended.status.code(), Some(6), "{}", ended.stderr);
        let said: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
        assert_eq!(said["state"], "interrupted", "{}", ended.stderr);
        let entry = stage.entry(job, &id);
        assert_eq!(entry["state"], "pending", "{entry}");
        assert_eq!((&entry["claims"], &entry["failures"]), (&1.into(), &0.into()), "{entry}");

        // Nobody has to wait for anything.
        let carried_on = stage.run(&format!("{next} --detach"));
        assert_eq!(result(&carried_on), deployed(), "{}", carried_on.stderr);
        assert_eq!(stage.entry(job, &id)["claims"], 2);
        assert_made_once(&stage, job).await;
    }
}
