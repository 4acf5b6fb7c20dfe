//! Evidence of recordings that say when executions began, and of those that do not.

use serde_json::{Value, json};

use super::{START, event, read, rollout};
use crate::replay::*;
use crate::stop_topics::StopTopics;
use tripline::alarm::Topic;
use tripline::evidence::{LimitName, Limits, Parameters};
use tripline::stop::StopMode;
use tripline::time::Timestamp;

/// At most a tenth may be unfinished after ten minutes, and 3 % may fail.
fn limits() -> Limits {
    let unfinished = vec![(5, 0.5), (10, 0.1)];
    Limits::new(Parameters {
        unfinished,
        failed: 0.03,
        false_stops: 0.01,
        list: true,
        ..Parameters::default()
    })
    .unwrap()
}

fn began(number: u32, at: i64) -> Value {
    event(number, at, "in_progress", json!({}))
}

/// Twenty devices begin a minute, and each takes so many seconds; a `None` never ends.
fn devices(number: u32, seconds: impl Fn(u32) -> Option<i64>) -> Vec<Value> {
    let all = (0..number).flat_map(|number| {
        let at = START + i64::from(number) * 3;
        let ended = seconds(number)
            .map(|seconds| event(10_000 + number, at + seconds, "succeeded", json!({})));
        let ended = ended.map(|mut ended| {
            ended["thingArn"] = began(number, at)["thingArn"].clone();
            ended
        });
        [Some(began(number, at)), ended]
    });
    all.flatten().collect()
}

fn replayed(rollout: &RecordedRollout, topics: &[Topic]) -> Replay {
    let limits = limits();
    let evidence = Some(EvidenceOf { limits: &limits, topics });
    Replay::with_evidence(rollout, &[], &[], evidence, StopMode::Cancel, &StopTopics::default())
}

#[test]
fn slow_devices_are_stopped_by_the_limit_that_they_break_at_any_order_of_lines() {
    let mut events = devices(800, |_| Some(1_500));
    let replay = replayed(&rollout(&events), &[Topic::ForceStop]);
    let evidence = replay.evidence.as_ref().unwrap();
    assert!(evidence.begins.are_recorded() && evidence.begins.recorded == 800);
    let fired = evidence.fired.as_ref().unwrap();
    assert_eq!(fired.response, Response::Stops { force: false });
    let minute = fired.at.seconds_after(Timestamp::from_seconds(START)) / 60;
    assert!((5..10).contains(&minute), "{minute}");
    assert!(fired.reason.ends_with("At most 1 in 100 healthy rollouts ever looks like this."));
    let stop = replay.stop.as_ref().unwrap();
    assert_eq!((stop.by, replay.name(stop.by).as_str()), (GuardOf::Evidence, "evidence"));
    assert_eq!(stop.at.seconds_after(fired.at), 120);
    // All that had begun had begun by a line of their own.
    let begun = u32::try_from(stop.at.seconds_after(Timestamp::from_seconds(START)) / 3).unwrap();
    assert_eq!(stop.spared.ended_before, 0);
    assert!(stop.spared.at_work.abs_diff(begun) <= 1, "{} {begun}", stop.spared.at_work);
    events.reverse();
    assert_eq!(replayed(&rollout(&events), &[Topic::ForceStop]), replay);
}

#[test]
fn healthy_devices_are_not_stopped() {
    let replay = replayed(
        &rollout(&devices(800, |number| Some(60 + i64::from(number % 400)))),
        &[Topic::ForceStop],
    );
    let evidence = replay.evidence.unwrap();
    assert_eq!((evidence.fired, replay.stop), (None, None));
    assert!(evidence.verdict.evidence < 0.5);
    assert!(evidence.readings.len() > 40);
}

#[test]
fn devices_that_never_end_are_seen_only_if_their_beginning_is_recorded() {
    let silent = |number: u32| (!number.is_multiple_of(3)).then_some(200);
    let events = devices(800, silent);
    let recorded = rollout(&events);
    assert_eq!((recorded.devices_silent(), recorded.goes_on()), (267, true));
    let replay = replayed(&recorded, &[Topic::ForceStop]);
    let evidence = replay.evidence.unwrap();
    assert!(evidence.fired.is_some());
    assert!(matches!(evidence.verdict.spoke.unwrap().limit, LimitName::Rung(10)));
    // The same rollout as AWS IoT's events report it.
    let ends = events.into_iter().filter(|event| event["operation"] != "in_progress");
    let ends = ends.map(|mut event| {
        event["statusDetails"]["downloadTime"] = "190".into();
        event
    });
    let events: Vec<Value> = ends.collect();
    let recorded = read(None, &events).keeping_devices().rollout().unwrap();
    let evidence = replayed(&recorded, &[Topic::ForceStop]).evidence.unwrap();
    assert_eq!(evidence.begins, Begins { recorded: 0, reported: 533, assumed: 0 });
    assert_eq!(evidence.fired, None);
}

#[test]
fn evidence_that_goes_to_people_stops_nothing() {
    let slow = rollout(&devices(800, |_| Some(1_500)));
    let replay = replayed(&slow, &[Topic::Email]);
    assert_eq!(replay.stop, None);
    assert_eq!(replay.evidence.unwrap().fired.unwrap().response, Response::AlertsPeople);
}

#[test]
fn a_beginning_that_nobody_knows_is_assumed_or_there_is_no_evidence() {
    let end = |number: u32, operation: &str, details: Value| {
        event(number, START + 900 + i64::from(number), operation, details)
    };
    let of = |events: &[Value]| {
        let recorded = read(None, events).keeping_devices().rollout().unwrap();
        replayed(&recorded, &[Topic::ForceStop]).evidence
    };
    let nothing = [end(1, "succeeded", json!({})), end(2, "failed", json!({}))];
    assert!(of(&nothing).is_none());
    let one = [&nothing[..], &[end(3, "succeeded", json!({"downloadTime": "300"}))]].concat();
    let evidence = of(&one).unwrap();
    assert_eq!(evidence.begins, Begins { recorded: 0, reported: 1, assumed: 2 });
    // Refused at once: it began and ended in the same minute.
    let refused: Vec<Value> = (0..40).map(|number| end(number, "rejected", json!({}))).collect();
    let evidence = of(&refused).unwrap();
    assert_eq!(evidence.begins, Begins::default());
    assert_eq!(evidence.verdict.spoke.map(|spoke| spoke.limit), Some(LimitName::Failed));
    assert!(evidence.fired.is_some());
}

#[test]
fn a_device_that_tries_again_is_counted_once() {
    let mut events = devices(300, |_| Some(120));
    let again: Vec<Value> = events
        .iter()
        .filter(|event| event["operation"] == "succeeded")
        .map(|ended| {
            let mut failed = ended.clone();
            failed["operation"] = "failed".into();
            failed["eventId"] = json!(format!("{}-1", ended["eventId"].as_str().unwrap()));
            failed["timestamp"] = json!(ended["timestamp"].as_i64().unwrap() - 60);
            failed
        })
        .collect();
    events.extend(again);
    let recorded = rollout(&events);
    assert_eq!(recorded.device_times.len(), 300);
    assert!(recorded.device_times.iter().all(|device| device.attempts == 2));
    // All failed at first, and none in the end.
    assert_eq!(replayed(&recorded, &[Topic::ForceStop]).evidence.unwrap().fired, None);
    // What is known of a later attempt only is followed by nobody.
    let mut later = began(1, START);
    later["retryAttempt"] = 2.into();
    let recorded = rollout(&[later, event(2, START + 9, "succeeded", json!({}))]);
    let of_later = |device: &&DeviceTimes| device.is_retry && device.ended.is_none();
    assert_eq!(recorded.device_times.iter().filter(of_later).count(), 1);
    assert_eq!((recorded.counts.begun, recorded.counts.events), (1, 2));
}

#[test]
fn a_beginning_without_a_time_or_of_another_job_counts_nothing() {
    let mut timeless = began(1, START);
    timeless["timestamp"] = Value::Null;
    let mut recording = Recording::new(None);
    assert!(recording.read(1, timeless.to_string().as_bytes()).is_err());
    let early = recording.read(2, began(1, 5).to_string().as_bytes());
    assert_eq!(early, Err(Unusable::Implausible(5)));
    let mut nameless = began(1, START);
    nameless.as_object_mut().unwrap().remove("thingArn");
    let events = [
        nameless,
        super::of("fw-2", began(2, START)),
        event(3, START + 60, "succeeded", json!({})),
    ];
    let recorded = read(Some("fw-1"), &events).rollout().unwrap();
    assert!(recorded.device_times.is_empty());
    assert_eq!((recorded.counts.begun, recorded.counts.of_other_jobs), (1, 1));
}
