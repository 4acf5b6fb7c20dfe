//! Guards that fire when the last execution has ended, and the abort criteria.

use serde_json::{Value, json};

use super::super::{GuardOf, RecordedRollout, Replay, Response, Spared};
use super::replays::{alarm, criterion, failures};
use super::{START, event, rollout};
use crate::stop_topics::StopTopics;
use tripline::job::EndedCounts;
use tripline::rollout::FailureType;
use tripline::stop::StopMode;

fn seconds(replay: &Replay) -> Option<i64> {
    replay.stop.as_ref().map(|stop| stop.at.seconds() - START)
}

/// A minute with three failures, and a device that ends `after` the beginning of it.
fn ends(after: i64, operation: &str) -> RecordedRollout {
    let mut events = failures(&[3]);
    events.push(event(100, START + after, operation, json!({})));
    rollout(&events)
}

/// An alarm that fires 90 seconds after the beginning of a minute with three failures.
fn guard(rollout: &RecordedRollout, topics: &str, mode: StopMode) -> Replay {
    Replay::new(rollout, &[alarm("one", 2, topics, "")], &[], mode, &StopTopics::default())
}

#[test]
fn an_alarm_stops_nothing_when_the_last_execution_has_ended() {
    for (last, stopped) in [(30, false), (90, false), (94, false), (95, false), (96, true)] {
        let replay = guard(&ends(last, "succeeded"), "@force-stop", StopMode::Cancel);
        assert_eq!(seconds(&replay), stopped.then_some(95), "the last one ends after {last} s");
        let late = replay.too_late.map(|late| (late.by, late.fired_at.seconds() - START));
        assert_eq!(late, (!stopped).then_some((GuardOf::Alarm(0), 90)), "{last}");
        let fired = replay.alarms[0].fired.as_ref().unwrap();
        let expected =
            if stopped { Response::Stops { force: false } } else { Response::AfterTheEnd };
        assert_eq!(fired.response, expected, "{last}");
    }
}

#[test]
fn a_rollout_that_was_stopped_would_have_gone_on() {
    // The last ending of the record is not the end of what would have been.
    let replay = guard(&ends(30, "canceled"), "@force-stop", StopMode::Cancel);
    assert_eq!((seconds(&replay), replay.too_late), (Some(95), None));
}

#[test]
fn a_rollout_of_which_devices_have_not_ended_goes_on() {
    let mut rollout = ends(30, "succeeded");
    for (devices, open, stopped) in [(3, 0, false), (4, 0, false), (5, 1, true)] {
        rollout.devices = Some(devices);
        assert_eq!((rollout.devices_ended(), rollout.devices_open()), (4, open));
        let replay = guard(&rollout, "@force-stop", StopMode::Cancel);
        assert_eq!(replay.stop.is_some(), stopped, "{devices} devices");
        assert_eq!(replay.too_late.is_some(), !stopped, "{devices} devices");
    }
}

#[test]
fn who_would_have_stopped_nothing_is_not_too_late() {
    for (topics, mode, response) in [
        ("@email", StopMode::Cancel, Response::AlertsPeople),
        ("@force-stop", StopMode::Observe, Response::AfterTheEnd),
    ] {
        let replay = guard(&ends(30, "succeeded"), topics, mode);
        assert_eq!((&replay.stop, &replay.too_late), (&None, &None), "{topics}");
        assert_eq!(replay.alarms[0].fired.as_ref().unwrap().response, response);
    }
}

#[test]
fn an_abort_criterion_is_met_by_what_has_ended() {
    // Every fourth fails, one in each ten seconds.
    let events: Vec<Value> = (0..40_u32)
        .map(|n| {
            let operation = if n % 4 == 3 { "failed" } else { "succeeded" };
            event(n, START + i64::from(n) * 10, operation, json!({"downloadTime": "15"}))
        })
        .collect();
    let rollout = rollout(&events);
    let replay = |criteria: &[_]| {
        Replay::new(&rollout, &[], criteria, StopMode::Observe, &StopTopics::default())
    };
    let at_20 = replay(&[
        criterion(FailureType::Rejected, 1.0, 1),
        criterion(FailureType::Failed, 25.0, 17),
    ]);
    let stop = at_20.stop.as_ref().unwrap();
    assert_eq!((stop.by, stop.at, stop.fired_at), (GuardOf::Abort, stop.fired_at, stop.at));
    assert_eq!(seconds(&at_20), Some(190), "25 % are reached again with the twentieth");
    assert_eq!(
        stop.reason,
        "5 of 20 executed things are FAILED (thresholdPercentage 25, minNumberOfExecutedThings 17)"
    );
    // In any mode, and without touching those at work.
    assert!(!stop.force);
    assert_eq!(stop.spared, Spared { ended_before: 20, ended_after: 20, at_work: 1 });
    assert_eq!(at_20.name(stop.by), "abortConfig");
    let never = replay(&[criterion(FailureType::Failed, 25.01, 17)]);
    assert_eq!((never.stop, never.abort.unwrap().fired), (None, None));
    assert_eq!(replay(&[]).abort, None);
    // With the last ending the job is over.
    let late = replay(&[criterion(FailureType::All, 25.0, 37)]);
    assert_eq!((late.stop, late.too_late.unwrap().by), (None, GuardOf::Abort));
}

#[test]
fn the_guard_whose_stop_comes_first_stops() {
    let mut events = failures(&[3, 1, 1]);
    events.push(event(100, START + 92, "failed", json!({})));
    let rollout = rollout(&events);
    let alarms = [alarm("one", 2, "@force-stop", "")];
    let replay = |least| {
        let criteria = [criterion(FailureType::Failed, 50.0, least)];
        Replay::new(&rollout, &alarms, &criteria, StopMode::Cancel, &StopTopics::default())
    };
    // The alarm fires at 90 s and stops at 95 s; the fifth execution ends at 92 s.
    let by_abort = replay(5);
    assert_eq!(
        (by_abort.stop.as_ref().unwrap().by, seconds(&by_abort)),
        (GuardOf::Abort, Some(92))
    );
    assert_eq!(by_abort.alarms[0].fired.as_ref().unwrap().response, Response::AlreadyStopped);
    let by_alarm = replay(6);
    assert_eq!(seconds(&by_alarm), Some(95));
    assert_eq!(by_alarm.abort.unwrap().fired.unwrap().response, Response::AlreadyStopped);
}

#[test]
fn an_attempt_that_is_followed_by_another_is_no_end_of_an_execution() {
    let thing = |number: u32, at: i64, operation: &str, name: &str| {
        let mut event = event(number, START + at, operation, json!({}));
        event["thingArn"] = format!("arn:aws:iot:eu-west-1:111122223333:thing/{name}").into();
        event
    };
    let rollout = rollout(&[
        thing(4, 40, "canceled", "two"),
        thing(1, 10, "failed", "one"),
        thing(3, 30, "succeeded", "one"),
        thing(2, 20, "failed", "two"),
        thing(5, 50, "rejected", "three"),
        thing(6, 50, "timed_out", "four"),
    ]);
    let executed: Vec<_> =
        rollout.executed().map(|(at, endings)| (at.seconds() - START, endings)).collect();
    let succeeded = EndedCounts { succeeded: 1, ..EndedCounts::default() };
    let all = EndedCounts { rejected: 1, timed_out: 1, ..succeeded };
    assert_eq!(executed, [(30, succeeded), (40, succeeded), (50, all)]);
    assert_eq!(rollout.outcomes, [1, 2, 1, 1, 1, 0], "each attempt counts in the metrics");
}
