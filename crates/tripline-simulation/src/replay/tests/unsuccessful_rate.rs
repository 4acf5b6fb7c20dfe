//! An alarm on the share of notified devices that were unsuccessful, of recordings.

use serde_json::{Value, json};

use super::{START, event, read, rollout};
use crate::replay::*;
use crate::stop_topics::StopTopics;
use tripline::alarm::{AlarmDefinition, AlarmName, MinSamples, Topic};
use tripline::stop::StopMode;
use tripline::time::Timestamp;

/// More than 20 % of 50 devices or more.
fn alarm() -> AlarmDefinition {
    let (name, least) = (AlarmName::new("bad").unwrap(), MinSamples::new(50).unwrap());
    AlarmDefinition::on_unsuccessful_rate(name, 20.0, least, vec![Topic::ForceStop])
}

fn replayed(rollout: &RecordedRollout) -> Replay {
    Replay::new(rollout, &[alarm()], &[], StopMode::Cancel, &StopTopics::default())
}

/// A device begins each second, and succeeds after five minutes; those of `bad` fail after ten seconds.
fn devices(number: u32, bad: fn(u32) -> bool) -> Vec<Value> {
    let all = (0..number).flat_map(|number| {
        let at = START + i64::from(number);
        let (how, seconds) = if bad(number) { ("failed", 10) } else { ("succeeded", 300) };
        let began = event(number, at, "in_progress", json!({}));
        let mut ended = event(10_000 + number, at + seconds, how, json!({}));
        ended["thingArn"] = began["thingArn"].clone();
        [began, ended]
    });
    all.collect()
}

#[test]
fn it_fires_a_minute_after_the_first_count_that_is_over_the_limit() {
    // Every third device fails after ten seconds.
    let replay = replayed(&rollout(&devices(900, |number| number.is_multiple_of(3))));
    let fired = replay.alarms[0].fired.as_ref().unwrap();
    let after = fired.at.seconds_after(Timestamp::from_seconds(START).minute());
    // The fiftieth device begins at second 49, so the count of second 90 is the first: 91 began and 81 / 3 failed.
    assert_eq!(after, 150);
    assert!(fired.reason.contains(&format!("[{:?} (", 100.0 * 27.0 / 91.0)), "{}", fired.reason);
    assert_eq!(fired.response, Response::Stops { force: false });
    assert_eq!(replay.stop.as_ref().map(|stop| stop.by), Some(GuardOf::Alarm(0)));
}

#[test]
fn what_is_below_the_limit_of_those_notified_never_fires() {
    // Of those that have ended, all have failed for five minutes.
    let replay = replayed(&rollout(&devices(900, |number| number.is_multiple_of(6))));
    assert_eq!(replay.alarms[0].fired, None);
}

#[test]
fn without_the_beginning_of_any_device_it_is_not_replayed() {
    let ends = devices(900, |number| number.is_multiple_of(3));
    let ends = ends.into_iter().filter(|event| event["operation"] != "in_progress");
    let events: Vec<Value> = ends.collect();
    let recorded = read(None, &events).keeping_devices().rollout().unwrap();
    let replay = replayed(&recorded);
    assert_eq!((replay.alarms.len(), replay.not_replayed.len()), (0, 1));
}

#[test]
fn a_device_that_succeeds_at_last_is_not_unsuccessful() {
    let mut events = devices(900, |number| number.is_multiple_of(3));
    let again: Vec<Value> = (0..900_u32)
        .step_by(3)
        .map(|number| {
            let at = START + i64::from(number) + 30;
            let mut ended = event(20_000 + number, at, "succeeded", json!({}));
            ended["thingArn"] = event(number, at, "succeeded", json!({}))["thingArn"].clone();
            ended
        })
        .collect();
    events.extend(again);
    assert_eq!(replayed(&rollout(&events)).alarms[0].fired, None);
}
