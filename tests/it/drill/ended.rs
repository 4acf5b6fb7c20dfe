//! Drills that are ended in the middle, at every call that changes something.

use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use serde_json::Value;
use tripline_tests::proxy::{Call, Ran};

use super::stage::{Stage, assert_ended, json_of, must, name_in};

/// A call that changes something: what it does, without the drill's name, and the how many-th of
/// these it is. How many calls come before it is by chance.
#[derive(Debug, Clone, PartialEq)]
struct Change {
    what: String,
    nth: usize,
}

/// What a call does.
fn what(call: &Call) -> String {
    match name_in(&call.operation) {
        Some(name) => call.operation.replace(&name, "*"),
        None => call.operation.clone(),
    }
}

/// The changes that a drill makes, up to the first that removes something, and after that. Reading
/// a queue is not counted.
fn changes(ran: &Ran) -> (Vec<Change>, Vec<Change>) {
    let calls = ran.calls.iter().filter(|call| call.write && call.operation != "ReceiveMessage");
    let (mut making, mut tidying, mut seen) = (Vec::new(), Vec::new(), Vec::new());
    for call in calls {
        seen.push(what(call));
        let nth = seen.iter().filter(|other| **other == what(call)).count();
        let change = Change { what: what(call), nth };
        let is_tidying = call.method == "DELETE" || !tidying.is_empty();
        if is_tidying { &mut tidying } else { &mut making }.push(change);
    }
    assert!(making.len() >= 8 && tidying.len() >= 5, "{seen:#?}");
    (making, tidying)
}

#[tokio::test]
async fn interrupted_at_any_change_it_leaves_nothing() {
    signalled_at_any_change("INT").await;
}

#[tokio::test]
async fn terminated_at_any_change_it_leaves_nothing() {
    signalled_at_any_change("TERM").await;
}

async fn signalled_at_any_change(signal: &'static str) {
    let stage = Stage::new(&[]).await;
    let before = stage.inventory().await;
    let (making, tidying) = changes(&stage.drill(&[]).await);
    for change in &making {
        let ran = signalled_at(&stage, signal, change).await;
        assert_ended(&ran, 6);
        assert!(ran.stderr.contains("interrupted: removing"), "{}", ran.stderr);
        assert!(!ran.stderr.contains("not removed"), "{}", ran.stderr);
        assert_eq!(stage.inventory().await, before, "{signal} at {change:?}");
    }
    // By then every link has been seen, and what is begun is brought to its end.
    let ran = signalled_at(&stage, signal, &tidying[0]).await;
    assert_ended(&ran, 0);
    assert_eq!(stage.inventory().await, before, "{signal} while it cleans up");
}

/// A drill that gets a signal when a call comes. The call is carried out, as on AWS.
async fn signalled_at(stage: &Stage, signal: &'static str, change: &Change) -> Ran {
    let (came, id) = (AtomicUsize::new(0), Arc::new(OnceLock::new()));
    let (of, change) = (id.clone(), change.clone());
    stage.proxy.clear();
    stage.when(
        move |call| {
            what(call) == change.what && came.fetch_add(1, Ordering::Relaxed) + 1 == change.nth
        },
        move |_, _| {
            let id: &u32 = of.wait();
            let sent = Command::new("kill").args([&format!("-{signal}"), &id.to_string()]).status();
            assert!(sent.unwrap().success());
        },
    );
    let running = must(stage.proxy.spawn(&mut stage.command(&["--output", "json"]), None));
    id.set(running.id()).unwrap();
    let ran = must(running.end().await);
    let begun = Instant::now();
    while stage.proxy.calls().iter().any(|call| call.status.is_none()) {
        assert!(begun.elapsed() < Duration::from_secs(30), "{:#?}", stage.proxy.calls().last());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    ran
}

/// A job, a thing and a queue that are called like a drill's, and are an operator's; and an alarm
/// on that job.
async fn namesakes(stage: &Stage) {
    let name = "tripline-drill-abcdefghijkl";
    for thing in ["tripline-drill-pump", &format!("{name}-waits")] {
        stage.iot.create_thing().thing_name(thing).send().await.unwrap();
    }
    let arn = "arn:aws:iot:us-east-1:000000000000:thing/tripline-drill-pump";
    for job in ["tripline-drill-2", name] {
        stage.iot.create_job().job_id(job).targets(arn).document("{}").send().await.unwrap();
        let armed = must(stage.proxy.tripline())
            .args(["alarms", "apply", "examples/demo.ini", "--job-id", job])
            .output()
            .unwrap();
        assert!(armed.status.success(), "{armed:?}");
    }
    for queue in ["tripline-drill-queue", name] {
        stage.sqs.create_queue().queue_name(queue).send().await.unwrap();
    }
    // The guard-keeper fills their guards, at last with the alarms on the absence of evidence.
    for _ in 0..3 {
        stage.tick().await;
    }
}

#[tokio::test]
async fn what_a_killed_drill_leaves_is_removed_and_nothing_else() {
    let stage = Stage::new(&[]).await;
    namesakes(&stage).await;
    let before = stage.inventory().await;
    let (making, tidying) = changes(&stage.drill(&[]).await);
    assert_eq!(stage.inventory().await, before);
    let mut most = 0;
    for change in making.iter().chain(&tidying) {
        let ran = signalled_at(&stage, "KILL", change).await;
        assert_eq!(ran.status.signal(), Some(9), "{change:?}");
        let left = named(stage.inventory().await.difference(&before));
        most = most.max(left);

        let look = stage.drill(&["--clean-up", "--dry-run", "--output", "json"]).await;
        assert_ended(&look, 0);
        assert_eq!(named(stage.inventory().await.difference(&before)), left, "a dry run");
        let cleaned = stage.drill(&["--clean-up", "--output", "json"]).await;
        assert_ended(&cleaned, 0);
        assert_eq!(removed(&look), removed(&cleaned));
        assert_eq!(removed(&cleaned), left, "killed at {change:?}: {}", cleaned.stdout);
        assert_eq!(stage.inventory().await, before, "killed at {change:?}");
    }
    // Queue, subscription, two things, job, alarm.
    assert_eq!(most, 6);
    let again = stage.drill(&["--clean-up"]).await;
    assert_ended(&again, 0);
    assert!(again.stderr.contains("no drill left anything"), "{}", again.stderr);
    assert!(again.calls.iter().all(|call| !call.write));
}

/// How many things are left. What a job was armed with goes with its alarms, and is not named.
fn named<'a>(left: impl Iterator<Item = &'a String>) -> usize {
    left.filter(|what| !what.starts_with("config ")).count()
}

fn removed(ran: &Ran) -> usize {
    let json: Value = serde_json::from_str(&ran.stdout).unwrap();
    json["removed"].as_array().unwrap().len()
}

/// What AWS refuses to remove is named, with the command that does it; the rest is removed.
#[tokio::test]
async fn what_cannot_be_removed_is_named_with_its_command() {
    let stage = Stage::new(&[]).await;
    let before = stage.inventory().await;
    let refused: [(&str, &str); 5] = [
        ("DELETE /jobs/", "aws iot delete-job --region us-east-1 --force --job-id tripline-drill-"),
        ("DELETE /things/", "aws iot delete-thing --region us-east-1 --thing-name tripline-drill-"),
        (
            "DeleteAlarms",
            "tripline alarms remove --region us-east-1 --force --job-id tripline-drill-",
        ),
        ("Unsubscribe", "aws sns unsubscribe --region us-east-1 --subscription-arn arn:"),
        ("DeleteQueue", "aws sqs delete-queue --region us-east-1 --queue-url"),
    ];
    for (operation, command) in refused {
        let is_meant = move |call: &Call| call.operation.starts_with(operation);
        stage.proxy.fail_next(is_meant, 403, "AccessDenied", 1);
        let ran = stage.drill(&["--output", "json"]).await;
        assert_ended(&ran, 3);
        let json = json_of(&ran);
        assert_eq!((&json["holds"], &json["error"]["exitCode"]), (&true.into(), &3.into()));
        assert!(ran.stderr.contains("warning: not removed:"), "{operation}: {}", ran.stderr);
        assert!(ran.stderr.contains(command), "{operation}: {}", ran.stderr);
        let left = stage.inventory().await.difference(&before).count();
        assert_eq!(left, 1, "{operation}");
        assert_ended(&stage.drill(&["--clean-up"]).await, 0);
        assert_eq!(stage.inventory().await, before, "{operation}");
    }
}
