//! Rollouts that try their devices again: AWS IoT counts attempts, and devices are judged.

use aws_sdk_iot::types::{JobStatus, RetryableFailureType, TargetSelection};
use fake_aws::Fault;
use serde_json::{Value, json};

use super::fake::*;
use crate::exit::End;
use crate::watch::follow::Watch;

/// The things of a rollout.
fn things(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("pump-{n:03}")).collect()
}

/// A rollout of things by their names, each tried again `retries` times after a failure.
fn retried(count: usize, retries: i32) -> Fake {
    let fake = Fake::default();
    let targets: Vec<_> = things(count).iter().map(|thing| format!("thing/{thing}")).collect();
    let targets: Vec<_> = targets.iter().map(String::as_str).collect();
    begin(&fake, count, retries, &targets);
    fake
}

/// The same of a group.
fn retried_group(count: usize, retries: i32) -> Fake {
    let fake = Fake::default();
    begin(&fake, count, retries, &["thinggroup/pumps"]);
    fake
}

fn begin(fake: &Fake, count: usize, retries: i32, targets: &[&str]) {
    let iot = &mut fake.world().iot;
    iot.job("fw", JobStatus::InProgress, targets);
    if retries > 0 {
        iot.retry("fw", RetryableFailureType::Failed, retries);
    }
    for thing in things(count) {
        iot.notify("fw", &thing);
    }
}

/// A device fails so often, and then succeeds if it says so.
fn fails(fake: &Fake, n: usize, times: usize, then: Option<&str>) {
    let thing = format!("pump-{n:03}");
    let iot = &mut fake.world().iot;
    for _ in 0..times {
        iot.report("fw", &thing, "FAILED");
    }
    if let Some(status) = then {
        iot.report("fw", &thing, status);
    }
}

fn deny(fake: &Fake, operation: &'static str) {
    fake.world().faults.add(move |call| {
        let denied = Fault::Refused("AccessDeniedException", "not authorized");
        (call.operation == operation).then_some(denied)
    });
}

/// How it ended, in a sentence and for programs.
async fn watched(fake: &Fake) -> (End, String, Value) {
    let (end, log) = fake.follow(Watch { once: true, ..watch(&["fw"]) }).await;
    (end.unwrap(), log.end[0].clone(), log.data.last().unwrap().clone())
}

fn calls_of(fake: &Fake, operation: &str) -> usize {
    fake.calls().iter().filter(|call| call.starts_with(operation)).count()
}

#[tokio::test(start_paused = true)]
async fn a_device_that_succeeded_when_it_was_tried_again_has_the_firmware() {
    let fake = retried(40, 1);
    for n in 0..40 {
        fails(&fake, n, usize::from(n < 10), Some("SUCCEEDED"));
    }
    let (end, said, data) = watched(&fake).await;
    assert_eq!(said, "rollout fw is complete: 40 devices have it");
    assert_eq!(end, End::Done);
    assert_eq!(data["counts"]["succeeded"], 40);
    assert_eq!(data["counts"]["failed"], 0);
    assert_eq!(data["attempts"]["failed"], 10);
    assert_eq!(data["uncounted"], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn a_device_that_failed_all_of_its_attempts_is_one_device() {
    let fake = retried(40, 3);
    for n in 0..40 {
        let is_bad = n % 10 == 3;
        fails(&fake, n, if is_bad { 4 } else { 0 }, (!is_bad).then_some("SUCCEEDED"));
    }
    let (end, said, data) = watched(&fake).await;
    assert_eq!(said, "rollout fw is complete: 36 devices have it, 4 not (4 failed)");
    assert_eq!(end, End::Finding);
    assert_eq!((&data["counts"]["failed"], &data["attempts"]["failed"]), (&json!(4), &json!(16)));
}

#[tokio::test(start_paused = true)]
async fn a_device_that_will_be_tried_again_has_not_failed() {
    let fake = retried(3, 2);
    fails(&fake, 0, 2, None);
    fails(&fake, 1, 3, None);
    let (fake_end, log) = fake.follow(Watch { once: true, ..watch(&["fw"]) }).await;
    assert_eq!(fake_end.unwrap(), End::Undecided);
    assert!(log.lines[0].contains("1 of 3 devices ended (33 %)"), "{}", log.lines[0]);
    assert!(log.lines[0].contains("1 failed, 2 queued; attempts: 5 failed"), "{}", log.lines[0]);
}

/// `retries = 0` is the rollout that has none.
#[tokio::test(start_paused = true)]
async fn the_verdict_is_of_devices_however_they_came_to_it() {
    for (retries, failures, expected) in [
        (0, [0, 0, 0], "4 devices have it"),
        (0, [1, 0, 0], "3 devices have it, 1 not (1 failed)"),
        (1, [1, 1, 1], "4 devices have it"),
        (1, [2, 1, 0], "3 devices have it, 1 not (1 failed)"),
        (3, [3, 2, 1], "4 devices have it"),
        (3, [4, 4, 3], "2 devices have it, 2 not (2 failed)"),
        (10, [11, 10, 11], "2 devices have it, 2 not (2 failed)"),
    ] {
        for fake in [retried(4, retries), retried_group(4, retries)] {
            fails(&fake, 3, 0, Some("SUCCEEDED"));
            for (n, times) in failures.into_iter().enumerate() {
                let spent = times > usize::try_from(retries).unwrap();
                fails(&fake, n, times, (!spent).then_some("SUCCEEDED"));
            }
            let (_, said, _) = watched(&fake).await;
            assert_eq!(
                said,
                format!("rollout fw is complete: {expected}"),
                "{retries} {failures:?}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn attempts_that_cannot_be_listed_never_make_a_rollout_a_failure() {
    for operation in ["AccessDeniedException", "UnrecognizedClientException"] {
        let fake = retried(5, 1);
        for n in 0..5 {
            fails(&fake, n, usize::from(n == 0), Some("SUCCEEDED"));
        }
        fake.hide_executions(operation);
        let (end, said, data) = watched(&fake).await;
        assert_eq!(end, End::Undecided, "{said}");
        assert!(said.contains("5 devices have it"), "{said}");
        assert!(said.contains("attempts, not devices: 1 failed"), "{said}");
        assert!(said.contains("allow `iot:ListJobExecutionsForJob`"), "{said}");
        assert_eq!(data["verdict"], "completedUncounted");
        assert_eq!(data["counts"]["succeeded"], 5);
        assert_eq!(data["counts"]["failed"], Value::Null);
        assert_eq!(data["attempts"]["failed"], 1);
        assert!(data["uncounted"].as_str().unwrap().contains("iot:ListJobExecutionsForJob"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_rollout_without_a_failed_attempt_needs_no_lists() {
    let fake = retried(5, 3);
    for n in 0..5 {
        fails(&fake, n, 0, Some("SUCCEEDED"));
    }
    fake.hide_executions("AccessDeniedException");
    assert_eq!(watched(&fake).await.0, End::Done);
}

#[tokio::test(start_paused = true)]
async fn an_outage_at_the_end_is_waited_out() {
    let fake = retried_group(5, 1);
    for n in 0..5 {
        fails(&fake, n, 1, Some("SUCCEEDED"));
    }
    let mut left = 8;
    fake.world().faults.add(move |call| {
        let is_meant = call.operation == "ListJobExecutionsForJob" && left > 0;
        left -= i32::from(is_meant);
        is_meant.then_some(Fault::Status(503))
    });
    let (end, log) = fake.follow(watch(&["fw"])).await;
    assert_eq!(log.end, ["rollout fw is complete: 5 devices have it"]);
    assert_eq!(end.unwrap(), End::Done);
}

#[tokio::test(start_paused = true)]
async fn more_attempts_than_are_read_are_said_to_be_attempts() {
    let fake = retried_group(1, 1);
    fails(&fake, 0, 1, Some("SUCCEEDED"));
    {
        let iot = &mut fake.world().iot;
        let details = &mut iot.jobs.get_mut("fw").unwrap().0.job_process_details;
        let details = details.as_mut().unwrap();
        details.number_of_failed_things = Some(10_100);
        details.number_of_succeeded_things = Some(10_100);
    }
    let (end, said, _) = watched(&fake).await;
    assert_eq!(end, End::Undecided);
    assert!(said.contains("attempts, not devices: 10100 failed"), "{said}");
    let calls = fake.calls();
    let read = calls.iter().filter(|call| *call == "ListJobExecutionsForJob FAILED").count();
    assert!(read <= 1, "{read}: only the newest failures are shown");
}

#[tokio::test(start_paused = true)]
async fn lists_are_not_read_again_while_the_counts_are_the_same() {
    let fake = retried_group(6, 1);
    fails(&fake, 0, 2, None);
    fails(&fake, 1, 1, None);
    let few = Watch { timeout: Some(std::time::Duration::from_secs(65)), ..watch(&["fw"]) };
    let (end, log) = fake.follow(few).await;
    assert_eq!(end.unwrap(), End::Undecided);
    assert!(log.lines.len() >= 5, "{}", log.lines.len());
    assert!(log.lines[0].contains("1 failed"), "{}", log.lines[0]);
    // One for the devices, and one for those that are named.
    assert_eq!(calls_of(&fake, "ListJobExecutionsForJob FAILED"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_device_that_joined_a_group_again_and_succeeded_has_the_firmware() {
    let fake = retried_group(3, 0);
    let set = |fake: &Fake| {
        let mut world = fake.world();
        let job = &mut world.iot.jobs.get_mut("fw").unwrap().0;
        job.target_selection = Some(TargetSelection::Continuous);
    };
    set(&fake);
    fails(&fake, 0, 1, None);
    fails(&fake, 1, 1, None);
    fails(&fake, 2, 0, Some("SUCCEEDED"));
    fake.world().iot.notify("fw", "pump-000");
    fails(&fake, 0, 0, Some("SUCCEEDED"));
    let (end, said, data) = watched(&fake).await;
    assert!(said.contains("2 devices have it, 1 not (1 failed)"), "{said}");
    assert_eq!(end, End::Finding);
    assert_eq!(data["attempts"]["failed"], 2);

    // Of whom AWS IoT may not be asked the failure stays.
    deny(&fake, "DescribeJobExecution");
    let (_, said, _) = watched(&fake).await;
    assert!(said.contains("2 devices have it, 2 not (2 failed)"), "{said}");
}

/// Two attempts of the one device of four that failed, none of which AWS IoT lists.
fn unlisted() -> (Fake, Vec<fake_aws::Execution>) {
    let fake = retried_group(4, 1);
    for n in 0..3 {
        fails(&fake, n, 0, Some("SUCCEEDED"));
    }
    fails(&fake, 3, 2, None);
    let of = ("fw".to_owned(), "FAILED".to_owned());
    let late = fake.world().iot.executions.remove(&of).unwrap();
    (fake, late)
}

#[tokio::test(start_paused = true)]
async fn lists_that_come_late_are_waited_for() {
    let (fake, late) = unlisted();
    let arrival = async {
        tokio::time::sleep(std::time::Duration::from_secs(2)).await;
        let of = ("fw".to_owned(), "FAILED".to_owned());
        fake.world().iot.executions.insert(of, late);
    };
    let ((end, said, _), ()) = tokio::join!(watched(&fake), arrival);
    assert_eq!(said, "rollout fw is complete: 3 devices have it, 1 not (1 failed)");
    assert_eq!(end, End::Finding);
}

#[tokio::test(start_paused = true)]
async fn what_aws_iot_counts_and_never_lists_leaves_a_rollout_undecided() {
    let (fake, _) = unlisted();
    let (end, said, _) = watched(&fake).await;
    assert_eq!(end, End::Undecided, "{said}");
    assert!(said.contains("attempts, not devices: 2 failed (AWS IoT lists 2 fewer"), "{said}");
}

/// Of a group it is not known how many there are, and a job's retries may end before they are spent.
#[tokio::test(start_paused = true)]
async fn a_device_with_retries_left_in_a_rollout_that_is_through_is_asked_for() {
    let fake = retried_group(3, 3);
    fails(&fake, 0, 2, Some("SUCCEEDED"));
    fails(&fake, 1, 0, Some("SUCCEEDED"));
    fails(&fake, 2, 2, None);
    {
        let iot = &mut fake.world().iot;
        iot.executions.remove(&("fw".to_owned(), "QUEUED".to_owned()));
        iot.set("fw", JobStatus::Completed);
        let job = &mut iot.jobs.get_mut("fw").unwrap().0;
        job.job_process_details.as_mut().unwrap().number_of_queued_things = Some(0);
    }
    let (_, said, _) = watched(&fake).await;
    assert_eq!(said, "rollout fw is complete: 2 devices have it, 1 not (1 failed)");
    assert_eq!(calls_of(&fake, "DescribeJobExecution"), 2);
}

#[tokio::test(start_paused = true)]
async fn of_more_devices_than_are_asked_for_a_later_attempt_decided() {
    let fake = retried_group(27, 1);
    for n in 0..27 {
        fails(&fake, n, usize::from(n < 26), Some("SUCCEEDED"));
    }
    let (_, said, _) = watched(&fake).await;
    assert_eq!(said, "rollout fw is complete: 27 devices have it");
    assert_eq!(calls_of(&fake, "DescribeJobExecution"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_rollout_is_watched_through_its_retries() {
    let fake = retried_group(30, 2);
    let devices = async {
        // Every third device fails once, one of them each time.
        for n in 0..30 {
            tokio::time::sleep(std::time::Duration::from_secs(20)).await;
            let times = if n == 7 { 3 } else { usize::from(n % 3 == 0) };
            fails(&fake, n, times, (n != 7).then_some("SUCCEEDED"));
        }
    };
    let began = tokio::time::Instant::now();
    let ((end, log), ()) = tokio::join!(fake.follow(watch(&["fw"])), devices);
    assert_eq!(end.unwrap(), End::Finding);
    assert_eq!(log.end, ["rollout fw is complete: 29 devices have it, 1 not (1 failed)"]);
    for data in &log.data {
        assert!(data["counts"]["failed"].as_u64().unwrap() <= 1, "{data}");
        assert!(data["uncounted"].is_null(), "{data}");
    }
    assert_eq!(log.data.last().unwrap()["attempts"]["failed"], 13);
    // At most one call a second, and what may be made at once.
    let (calls, took) = (fake.calls().len() as u64, began.elapsed().as_secs());
    assert!(calls <= took + 10, "{calls} calls in {took} s");
}
