//! Drills that are ended in the middle, at every call that changes something.

use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use serde_json::Value;
use tripline_tests::front::{Cut, Ran};

use crate::stage::{Stage, assert_ended, must};

/// Where a drill changes something, by the numbers of its calls (from 1), up to the first call that
/// removes something, and after that. Reading a queue is not counted: how often is by chance.
struct Writes {
    making: Vec<usize>,
    tidying: Vec<usize>,
}

impl Writes {
    fn of(ran: &Ran) -> Self {
        let calls = ran.calls.iter().zip(1..);
        let writes: Vec<_> =
            calls.filter(|(call, _)| call.write && call.operation != "ReceiveMessage").collect();
        let tidies = writes.iter().position(|(call, _)| call.method == "DELETE").unwrap();
        let numbers = |part: &[(_, usize)]| part.iter().map(|(_, number)| *number).collect();
        let (making, tidying) = writes.split_at(tidies);
        assert!(making.len() >= 8 && tidying.len() >= 5, "{writes:#?}");
        Self { making: numbers(making), tidying: numbers(tidying) }
    }
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
    let writes = Writes::of(&stage.drill(&[]).await);
    for number in &writes.making {
        let ran = signalled_at(&stage, signal, *number).await;
        assert_ended(&ran, 6);
        assert!(ran.stderr.contains("interrupted: removing"), "{}", ran.stderr);
        assert!(!ran.stderr.contains("not removed"), "{}", ran.stderr);
        assert_eq!(stage.inventory().await, before, "{signal} at call {number}");
    }
    // By then every link has been seen, and what is begun is brought to its end.
    let ran = signalled_at(&stage, signal, writes.tidying[0]).await;
    assert_ended(&ran, 0);
    assert_eq!(stage.inventory().await, before, "{signal} while it cleans up");
}

/// A drill that gets a signal when its n-th call comes, before that is carried out.
async fn signalled_at(stage: &Stage, signal: &'static str, number: usize) -> Ran {
    let (came, id) = (AtomicUsize::new(0), Arc::new(OnceLock::new()));
    let of = id.clone();
    stage.when(
        move |_| came.fetch_add(1, Ordering::Relaxed) + 1 == number,
        move |_, _| {
            let id: &u32 = of.wait();
            let sent = Command::new("kill").args([&format!("-{signal}"), &id.to_string()]).status();
            assert!(sent.unwrap().success());
        },
    );
    let running = must(stage.front.spawn(&mut stage.command(&["--output", "json"]), None));
    id.set(running.id()).unwrap();
    must(running.end().await)
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
        let armed = must(stage.front.tripline())
            .args(["alarms", "apply", "examples/demo.ini", "--job-id", job])
            .output()
            .unwrap();
        assert!(armed.status.success(), "{armed:?}");
    }
    for queue in ["tripline-drill-queue", name] {
        stage.sqs.create_queue().queue_name(queue).send().await.unwrap();
    }
}

#[tokio::test]
async fn what_a_killed_drill_leaves_is_removed_and_nothing_else() {
    let stage = Stage::new(&[]).await;
    namesakes(&stage).await;
    let before = stage.inventory().await;
    let writes = Writes::of(&stage.drill(&[]).await);
    assert_eq!(stage.inventory().await, before);
    let mut most = 0;
    for number in writes.making.iter().chain(&writes.tidying) {
        let ran = stage.drill_until(&[], Some(Cut::after(*number))).await;
        assert!(ran.cut);
        let left = stage.inventory().await.difference(&before).count();
        most = most.max(left);

        let look = stage.drill(&["--clean-up", "--dry-run", "--output", "json"]).await;
        assert_ended(&look, 0);
        assert_eq!(stage.inventory().await.difference(&before).count(), left, "a dry run");
        let cleaned = stage.drill(&["--clean-up", "--output", "json"]).await;
        assert_ended(&cleaned, 0);
        assert_eq!(removed(&look), removed(&cleaned));
        assert_eq!(removed(&cleaned), left, "killed after call {number}: {}", cleaned.stdout);
        assert_eq!(stage.inventory().await, before, "killed after call {number}");
    }
    // Queue, subscription, two things, job, alarm.
    assert_eq!(most, 6);
    let again = stage.drill(&["--clean-up"]).await;
    assert_ended(&again, 0);
    assert!(again.stderr.contains("no drill has left anything"), "{}", again.stderr);
    assert!(again.calls.iter().all(|call| !call.write));
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
        ("DELETE /jobs/", "aws iot delete-job --force --job-id tripline-drill-"),
        ("DELETE /things/", "aws iot delete-thing --thing-name tripline-drill-"),
        ("DeleteAlarms", "tripline alarms remove --force --job-id tripline-drill-"),
        ("Unsubscribe", "aws sns unsubscribe --subscription-arn arn:"),
        ("DeleteQueue", "aws sqs delete-queue --queue-url"),
    ];
    for (operation, command) in refused {
        let is_meant =
            move |call: &tripline_tests::front::Call| call.operation.starts_with(operation);
        stage.front.fail_next(is_meant, 403, "AccessDenied", 1);
        let ran = stage.drill(&[]).await;
        assert_ended(&ran, 3);
        assert!(ran.stderr.contains("warning: not removed:"), "{operation}: {}", ran.stderr);
        assert!(ran.stderr.contains(command), "{operation}: {}", ran.stderr);
        let left = stage.inventory().await.difference(&before).count();
        assert_eq!(left, 1, "{operation}");
        assert_ended(&stage.drill(&["--clean-up"]).await, 0);
        assert_eq!(stage.inventory().await, before, "{operation}");
    }
}
