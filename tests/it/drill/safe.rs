//! A drill cannot stop, change or remove anything but its own sentinel.

use std::collections::BTreeSet;

use serde_json::json;
use tripline_tests::proxy::{Call, Ran};

use super::stage::{PREFIX, Stage, assert_ended, json_of, must, name_in};

/// The calls of a drill that may change something.
fn writes(ran: &Ran) -> impl Iterator<Item = &Call> {
    ran.calls.iter().filter(|call| call.write)
}

/// All names of drills in a call.
fn names(call: &Call) -> BTreeSet<String> {
    let text = format!("{} {}", call.path, call.body);
    text.match_indices(PREFIX).filter_map(|(at, _)| name_in(text.get(at..)?)).collect()
}

/// Every call that may change something names this drill and no other job, thing, alarm or queue.
pub fn touches_only_its_own(ran: &Ran, others: &[&str]) {
    let name = json_of(ran)["drill"].as_str().unwrap().to_owned();
    let mut kinds = BTreeSet::new();
    for call in writes(ran) {
        kinds.insert(call.operation.split('/').next().unwrap_or_default().to_owned());
        // A subscription's ARN is its topic's and an id: whose it is was read before.
        if call.operation == "Unsubscribe" {
            assert!(!call.body.contains(PREFIX));
            continue;
        }
        assert_eq!(names(call), BTreeSet::from([name.clone()]), "{call:?}");
        for other in others {
            assert!(!call.path.contains(other) && !call.body.contains(other), "{call:?}");
        }
        let path_names_it = call.path.contains(&name);
        let is_rest = call.service == "iot" || call.service == "iot-jobs-data";
        assert!(!is_rest || path_names_it, "{call:?}");
    }
    // Nothing that could stop a job, or change a rule, a function, a policy or a setting.
    let known = [
        "CreateQueue",
        "DELETE ",
        "DeleteAlarms",
        "DeleteItem",
        "DeleteQueue",
        "POST ",
        "PUT ",
        "PutItem",
        "PutMetricAlarm",
        "ReceiveMessage",
        "SetAlarmState",
        "Subscribe",
        "Unsubscribe",
    ];
    assert!(kinds.iter().all(|kind| known.contains(&kind.as_str())), "{kinds:?}");
    let sets = writes(ran).filter(|call| call.operation == "SetAlarmState").count();
    assert!(sets <= 1);
}

/// A rollout in progress that is armed, as an operator's would be.
async fn rollout(stage: &Stage, job: &str) {
    // Of fewer devices nothing could be decided.
    let mut targets = Vec::new();
    for device in 0..8 {
        let thing = stage.iot.create_thing().thing_name(format!("{job}-device-{device}"));
        targets.extend(thing.send().await.unwrap().thing_arn);
    }
    let create = stage.iot.create_job().job_id(job).set_targets(Some(targets));
    create.document("{}").send().await.unwrap();
    let arm = ["alarms", "apply", "examples/demo.ini", "--job-id", job];
    let armed = must(stage.proxy.tripline()).args(arm).output().unwrap();
    assert!(armed.status.success(), "{armed:?}");
    // The guard-keeper fills its guard, at last with the alarm on the absence of evidence.
    for _ in 0..3 {
        stage.tick().await;
    }
}

#[tokio::test]
async fn every_change_is_to_something_of_this_drill() {
    let stage = Stage::new(&[]).await;
    let others = ["fw-2-1", "tripline-drill-X"];
    for job in others {
        rollout(&stage, job).await;
    }
    let before = stage.inventory().await;
    for _ in 0..5 {
        let ran = stage.drill(&["--output", "json"]).await;
        assert_ended(&ran, 0);
        touches_only_its_own(&ran, &others);
    }
    assert_eq!(stage.inventory().await, before);
    for job in others {
        let job = stage.iot.describe_job().job_id(job).send().await.unwrap().job.unwrap();
        assert_eq!(job.status.unwrap().as_str(), "IN_PROGRESS");
    }
}

/// Two drills at once do not see each other.
#[tokio::test]
async fn drills_at_the_same_time_do_not_meet() {
    let stage = Stage::new(&[]).await;
    let before = stage.inventory().await;
    let arguments = ["--output", "json"];
    let (one, two, three) =
        tokio::join!(stage.drill(&arguments), stage.drill(&arguments), stage.drill(&arguments));
    for ran in [&one, &two, &three] {
        assert_ended(ran, 0);
        touches_only_its_own(ran, &[]);
    }
    assert_eq!(stage.inventory().await, before);
}

#[tokio::test]
async fn a_job_that_has_the_name_already_is_left_as_it_is() {
    let stage = Stage::new(&[]).await;
    // The first thing that a drill makes is its queue, whose name is its job's.
    stage.when(
        |call| call.operation == "CreateQueue",
        |aws, call| {
            let name = name_in(&call.body).unwrap();
            must(aws.rest("iot", "POST /things/mine", &json!({})));
            let thing = "arn:aws:iot:us-east-1:000000000000:thing/mine";
            let job = json!({"targets": [thing], "document": "{}"});
            must(aws.rest("iot", &format!("PUT /jobs/{name}"), &job));
        },
    );
    let before = stage.inventory().await;
    let ran = stage.drill(&["--output", "json"]).await;
    assert_ended(&ran, 3);
    assert!(ran.stderr.contains("exists and is not of this drill"), "{}", ran.stderr);
    let name = json_of(&ran)["drill"].as_str().unwrap().to_owned();
    // Neither armed, nor stopped, nor deleted.
    let operations: Vec<_> = writes(&ran).map(|call| call.operation.as_str()).collect();
    for never in
        ["PutMetricAlarm", "SetAlarmState", "DeleteAlarms", &format!("DELETE /jobs/{name}")]
    {
        assert!(!operations.contains(&never), "{operations:?}");
    }
    let job = stage.iot.describe_job().job_id(&name).send().await.unwrap().job.unwrap();
    assert_eq!(job.status.unwrap().as_str(), "IN_PROGRESS");
    stage.iot.delete_job().job_id(&name).force(true).send().await.unwrap();
    stage.iot.delete_thing().thing_name("mine").send().await.unwrap();
    assert_eq!(stage.inventory().await, before);
}

#[tokio::test]
async fn a_thing_that_has_the_name_already_is_left_as_it_is() {
    let stage = Stage::new(&[]).await;
    stage.when(
        |call| call.operation == "CreateQueue",
        |aws, call| {
            let line = format!("POST /things/{}-waits", name_in(&call.body).unwrap());
            let attributes = json!({"attributePayload": {"attributes": {"site": "pump-7"}}});
            must(aws.rest("iot", &line, &attributes));
        },
    );
    let ran = stage.drill(&["--output", "json"]).await;
    assert_ended(&ran, 3);
    let name = json_of(&ran)["drill"].as_str().unwrap().to_owned();
    let thing =
        stage.iot.describe_thing().thing_name(format!("{name}-waits")).send().await.unwrap();
    assert_eq!(thing.attributes().unwrap()["site"], "pump-7");
    let other = stage.iot.describe_thing().thing_name(format!("{name}-reports")).send().await;
    assert!(other.is_err(), "the drill's own is removed");
}

/// The guard-keeper does its minute in every part of a drill. It takes the sentinel for what it is,
/// arms nothing, takes nothing away, and misses no guard.
async fn is_left_alone_by_the_guard_keeper(mode: &str) {
    let stage = Stage::new(&[("StopMode", mode)]).await;
    rollout(&stage, "fw-2-1").await;
    let before = stage.inventory().await;
    let parts = ["PutMetricAlarm", "GetMetricData", "SetAlarmState", "ReceiveMessage"];
    let said = parts.map(|operation| (operation, stage.tick_at(operation)));
    // The job is gone by then, and its alarm is not.
    let at_the_end = stage.tick_at("DeleteAlarms");
    let ran = stage.drill(&["--output", "json"]).await;
    assert_ended(&ran, 0);
    let numbers = |said: &serde_json::Value, keys: &[&str]| -> Vec<u64> {
        keys.iter().map(|key| said[key].as_u64().unwrap()).collect()
    };
    let misses_nothing = |said: &serde_json::Value| {
        let keys = ["guardedJobs", "unguardedJobs", "uncountedCount", "overdueJobs"];
        assert_eq!(numbers(said, &keys), [1, 0, 0, 0], "{said}");
        assert_eq!(numbers(said, &["armed", "repaired"]), [0, 0], "{said}");
    };
    for (part, said) in &said {
        let said = said.get().unwrap_or_else(|| panic!("no call of {part}"));
        misses_nothing(said);
        assert_eq!(numbers(said, &["removed", "forgotten"]), [0, 0], "{part}: {said}");
        // Once it is stopped it is no job in progress any more.
        assert!(said["optedOutJobs"] == 1 || *part == "ReceiveMessage", "{part}: {said}");
    }
    // Whoever comes first removes the alarm of a job that is gone.
    misses_nothing(at_the_end.get().unwrap());
    assert_eq!(stage.inventory().await, before);
    let after = stage.tick().await;
    misses_nothing(&after);
    assert_eq!(numbers(&after, &["optedOutJobs", "removed", "forgotten"]), [0, 0, 0], "{after}");
}

#[tokio::test]
async fn the_guard_keeper_leaves_a_drill_alone() {
    is_left_alone_by_the_guard_keeper("cancel").await;
}

/// The sentinel goes on beside an alarm that is in ALARM, which would be no guard for a rollout.
#[tokio::test]
async fn the_guard_keeper_leaves_a_drill_alone_that_stops_nothing() {
    is_left_alone_by_the_guard_keeper("observe").await;
}

/// The guard-keeper may give the sentinel an alarm of its own, and remove alarms once it has ended.
#[tokio::test]
async fn a_keeper_of_alarms_does_not_disturb() {
    let stage = Stage::new(&[]).await;
    let before = stage.inventory().await;
    let email = stage.output("EmailTopicArn").to_owned();
    stage.when(
        |call| call.operation == "GetMetricData",
        move |aws, call| {
            let name = name_in(&call.body).unwrap();
            let alarm = json!({
                "AlarmName": format!("tripline-{name}-default-SlowDownloads"),
                "Namespace": "IoT:OTA:JobExecution", "MetricName": "downloadTime",
                "Dimensions": [{"Name": "jobId", "Value": name}], "Statistic": "Maximum",
                "Period": 60, "EvaluationPeriods": 5, "Threshold": 3600.0,
                "ComparisonOperator": "GreaterThanThreshold", "AlarmActions": [email],
                "Tags": [{"Key": "tripline:job", "Value": name}],
            });
            must(aws.post("monitoring", "GraniteServiceVersion20100801.PutMetricAlarm", &alarm));
        },
    );
    // The first email is read once the alarm has gone to ALARM.
    stage.when(
        |call| call.operation == "ReceiveMessage",
        |aws, call| {
            let name = name_in(&call.body).unwrap();
            for _ in 0..600 {
                let job = must(aws.get("iot", &format!("/jobs/{name}")));
                if job["job"]["status"] == "CANCELED" {
                    break;
                }
                std::thread::sleep(std::time::Duration::from_millis(50));
            }
            let names = ["Drill", "default-SlowDownloads"].map(|a| format!("tripline-{name}-{a}"));
            let delete = "GraniteServiceVersion20100801.DeleteAlarms";
            must(aws.post("monitoring", delete, &json!({"AlarmNames": names})));
        },
    );
    let ran = stage.drill(&["--output", "json"]).await;
    assert_ended(&ran, 0);
    assert_eq!(stage.inventory().await, before);
}
