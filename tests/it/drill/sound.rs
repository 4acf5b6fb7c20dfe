//! Drills of sound stacks.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::stage::{Stage, assert_ended, json_of, results};

/// What a drill may take here, and far more than it does.
const WITHIN: Duration = Duration::from_secs(90);

/// A drill at which every link holds; what it says in JSON.
async fn holds(stage: &Stage) -> (Value, String) {
    let before = stage.inventory().await;
    let begun = Instant::now();
    let ran = stage.drill(&["--output", "json"]).await;
    let took = begun.elapsed();
    assert_ended(&ran, 0);
    assert!(took < WITHIN, "{took:?}");
    assert_eq!(results(&ran), ["ok"; 7]);
    let json = json_of(&ran);
    let mut sum = 0.0;
    for step in json["steps"].as_array().unwrap() {
        sum += step["seconds"].as_f64().unwrap_or_else(|| panic!("{step}: no time"));
    }
    assert!(sum > 0.0 && sum <= took.as_secs_f64(), "{sum} of {took:?}");
    assert_eq!((&json["holds"], &json["left"]), (&Value::Bool(true), &Value::Array(Vec::new())));
    assert_eq!(stage.inventory().await, before, "something is left");
    (json, ran.stderr)
}

#[tokio::test]
async fn a_sound_stack_holds_at_every_link_and_nothing_is_left() {
    let stage = Stage::new(&[("AlarmEmailEndpoint", "ops@example.com")]).await;
    let (json, said) = holds(&stage).await;
    assert!(said.contains("stack `tripline` stops a bad rollout and alerts people"), "{said}");
    assert!(json["steps"][5]["seen"].as_str().unwrap().contains("TRIPLINE_ALARM"), "{json}");
    assert_eq!(json["subscribers"], 1);
    // A table for people, with a time for each step.
    let ran = stage.drill(&[]).await;
    assert_ended(&ran, 0);
    let lines: Vec<_> = ran.stdout.lines().collect();
    assert_eq!(lines.len(), 8, "{}", ran.stdout);
    for line in &lines[1..] {
        assert!(line.contains(" ok ") && line.contains(" s  "), "{line}");
    }
}

/// Topics and queues are under the stack's key here, and events come through the queue.
#[tokio::test]
async fn a_stack_with_its_own_key_and_a_queue_holds_too() {
    let stage =
        Stage::new(&[("Encryption", "stack-key"), ("Ingest", "batched"), ("StopMode", "abort")])
            .await;
    let (json, said) = holds(&stage).await;
    assert_eq!((&json["stopMode"], &json["subscribers"]), (&"abort".into(), &0.into()));
    assert!(said.contains("note: the e-mail topic has no subscription"), "{said}");
}

#[tokio::test]
async fn a_stack_that_observes_alerts_people_and_stops_nothing() {
    let stage = Stage::new(&[("StopMode", "observe")]).await;
    let (json, said) = holds(&stage).await;
    assert!(
        json["steps"][5]["seen"].as_str().unwrap().starts_with("nothing was stopped"),
        "{json}"
    );
    assert!(said.contains("alerts people and stops nothing: StopMode is `observe`"), "{said}");
}

#[tokio::test]
async fn a_stack_that_is_not_there_is_the_user_s_mistake() {
    let stage = Stage::new(&[]).await;
    let ran = stage.drill(&["--stack", "other"]).await;
    assert_ended(&ran, 2);
    assert!(ran.stderr.contains("there is no stack `other`"), "{}", ran.stderr);
    assert!(ran.calls.iter().all(|call| !call.write));
}

#[tokio::test]
async fn a_busy_aws_is_waited_for() {
    let stage = Stage::new(&[]).await;
    // More than the client's own tries of one call.
    stage.proxy.fail_next(|call| call.operation == "GetMetricData", 400, "Throttling", 5);
    holds(&stage).await;
}
