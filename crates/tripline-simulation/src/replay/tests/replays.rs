//! Alarms over recorded rollouts, and what the stopper makes of them.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::{GuardOf, Replay, Response, Spared};
use super::{START, event, rollout};
use crate::stop_topics::StopTopics;
use tripline::alarm::{AlarmDefinition, MissingData};
use tripline::notification::AlarmState;
use tripline::rollout::{AbortCriterion, FailureType, Threshold};
use tripline::stop::StopMode;
use tripline_config::AlarmConfig;

/// An alarm on more than `threshold` failures a minute, with these topics and more lines.
pub(super) fn alarm(name: &str, threshold: u32, topics: &str, more: &str) -> AlarmDefinition {
    let text = format!(
        "[ALARM_CONFIG]\nalarmList = {name}\n[ALARM_CONFIG_{name}]\nnamespace = IoT:OTA:JobExecution\nmetricName = failedCount\nstat = Sum\nperiod = 60\nthreshold = {threshold}\nalarmType = upper\nevaluationPeriods = 1\ndatapointsToAlarm = 1\nsnsTopics = {topics}\n{more}"
    );
    AlarmConfig::parse("dev.ini", &text)
        .unwrap_or_else(|faults| panic!("{faults}"))
        .alarms
        .remove(0)
}

pub(super) fn criterion(failure: FailureType, threshold: f64, min_executed: u32) -> AbortCriterion {
    AbortCriterion { failure, threshold: Threshold::new(threshold).unwrap(), min_executed }
}

/// So many failures in each minute.
pub(super) fn failures(minutes: &[u32]) -> Vec<Value> {
    let mut events = Vec::new();
    for (minute, number) in (0_i64..).zip(minutes) {
        for _ in 0..*number {
            let id = u32::try_from(events.len()).unwrap();
            events.push(event(id, START + minute * 60 + i64::from(id % 60), "failed", json!({})));
        }
    }
    events
}

fn replay(minutes: &[u32], alarms: &[AlarmDefinition], mode: StopMode) -> Replay {
    Replay::new(&rollout(&failures(minutes)), alarms, &[], mode, &StopTopics::default())
}

#[test]
fn the_first_alarm_that_stops_stops() {
    let alarms = [
        alarm("alerts", 1, "@email", ""),
        alarm("late", 5, "@force-stop", ""),
        alarm("early", 2, "@email, @force-stop", ""),
        alarm("never", 100, "@force-stop", ""),
    ];
    let replay = replay(&[1, 2, 3, 1, 9, 1], &alarms, StopMode::Cancel);
    let of = |index: usize| {
        replay.alarms[index]
            .fired
            .as_ref()
            .map(|fired| (fired.at.seconds() - START, fired.response))
    };
    // A minute's failures are looked at in the middle of the next one.
    assert_eq!(of(0), Some((150, Response::AlertsPeople)));
    assert_eq!(of(2), Some((210, Response::Stops { force: false })));
    assert_eq!(of(1), Some((330, Response::AlreadyStopped)));
    assert_eq!(of(3), None);
    let (stopped_by, stop) =
        replay.stop.as_ref().map(|stop| (replay.alarm(stop.by).unwrap(), stop)).unwrap();
    assert_eq!(
        (stopped_by.alarm.name.as_str(), stop.at.seconds() - START, stop.force),
        ("early", 215, false)
    );
    // Event 6 was in the fourth minute; the nine of the fifth and the last came later.
    assert_eq!(stop.spared, Spared { ended_before: 7, ended_after: 10, at_work: 0 });
    assert_eq!(
        stopped_by.fired.as_ref().unwrap().reason,
        "Threshold Crossed: 1 out of the last 1 datapoints [3.0 (21/09/26 14:16:00)] was greater than the threshold (2.0) (minimum 1 datapoint for OK -> ALARM transition)."
    );
    let states: Vec<_> =
        stopped_by.trace.transitions.iter().map(|transition| transition.to).collect();
    assert_eq!(
        states,
        [AlarmState::Ok, AlarmState::Alarm, AlarmState::Ok, AlarmState::Alarm, AlarmState::Ok]
    );
}

#[test]
fn the_mode_says_how() {
    let alarms = [alarm("one", 2, "@force-stop", "")];
    let abort = replay(&[3, 1, 1], &alarms, StopMode::Abort);
    assert!(abort.stop.unwrap().force);
    let observe = replay(&[3, 1, 1], &alarms, StopMode::Observe);
    assert_eq!(observe.stop, None);
    assert_eq!(observe.alarms[0].fired.as_ref().unwrap().response, Response::Observes);
}

#[test]
fn silence_after_the_last_minute_says_nothing() {
    // Whether the silence afterwards is one of a rollout that goes on, nobody can say.
    let mut silence = alarm("silence", 100, "@force-stop", "");
    silence.missing_data = MissingData::Breaching;
    let silent = replay(&[1, 1, 1], &[silence], StopMode::Cancel);
    assert_eq!(
        silent.stop.map(|stop| stop.at.seconds() - START),
        Some(35),
        "it is there before the first device ends"
    );
    let wide = alarm("wide", 100, "@force-stop", "treatMissingData = missing");
    assert_eq!(replay(&[1, 0, 0, 0, 1], &[wide], StopMode::Cancel).stop, None);
}

#[test]
fn a_minute_with_few_samples_decides_nothing() {
    let few = alarm("few", 2, "@force-stop", "minSamples = 5");
    assert_eq!(replay(&[4, 4, 4], std::slice::from_ref(&few), StopMode::Cancel).stop, None);
    assert!(replay(&[4, 5, 4, 1], &[few], StopMode::Cancel).stop.is_some());
}

#[test]
fn an_alarm_on_something_else_is_not_replayed() {
    let mut other = alarm("other", 2, "@force-stop", "");
    other.namespace = "Mine".to_owned();
    let replay = replay(&[9, 1, 1], &[other, alarm("one", 2, "@force-stop", "")], StopMode::Cancel);
    assert_eq!((replay.alarms.len(), replay.not_replayed.len()), (1, 1));
    assert_eq!(replay.stop.unwrap().by, GuardOf::Alarm(0));
}

#[test]
fn a_rollout_of_two_years_is_replayed_in_bounded_memory() {
    let mut events = failures(&[1]);
    events.push(event(1_000, START + 2 * 365 * 86_400, "failed", json!({})));
    let replay = Replay::new(
        &rollout(&events),
        &[alarm("one", 2, "@force-stop", "")],
        &[],
        StopMode::Cancel,
        &StopTopics::default(),
    );
    let [alarm] = &replay.alarms[..] else { panic!() };
    assert!(alarm.trace.readings.len() <= super::super::ReplayedAlarm::MAX_READINGS + 1);
    assert_eq!(replay.stop, None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn order_and_repetitions_change_nothing(
        (events, log) in prop::collection::vec(0..6_u32, 1..12).prop_flat_map(|minutes| {
            let events = failures(&minutes);
            let log = [events.clone(), events.clone()].concat();
            (Just(events), Just(log).prop_shuffle())
        })
    ) {
        prop_assume!(!events.is_empty());
        let alarms = [alarm("one", 3, "@force-stop", ""), alarm("two", 2, "@email", "minSamples = 2")];
        let abort = [criterion(FailureType::Failed, 50.0, 4)];
        let [one, other] = [events, log].map(|events| Replay::new(&rollout(&events), &alarms, &abort, StopMode::Cancel, &StopTopics::default()));
        prop_assert_eq!(one, other);
    }

    #[test]
    fn whole_minutes_of_shift_change_only_the_times(minutes in prop::collection::vec(0..6_u32, 1..12), shift in -1_000..1_000_i64) {
        let events = failures(&minutes);
        prop_assume!(!events.is_empty());
        let shifted: Vec<_> = events.iter().map(|event| {
            let mut shifted = event.clone();
            shifted["timestamp"] = (event["timestamp"].as_i64().unwrap() + shift * 60).into();
            shifted
        }).collect();
        let alarms = [alarm("one", 3, "@force-stop", "")];
        let [one, other] = [&events, &shifted].map(|events| Replay::new(&rollout(events), &alarms, &[], StopMode::Abort, &StopTopics::default()));
        let at = |replay: &Replay, shift: i64| replay.stop.as_ref().map(|stop| (stop.at.seconds() + shift * 60, stop.spared));
        prop_assert_eq!(at(&one, shift), at(&other, 0));
    }

    #[test]
    fn a_stop_splits_the_devices(minutes in prop::collection::vec(0..6_u32, 1..12), at in -100..1_000_i64) {
        let events = failures(&minutes);
        prop_assume!(!events.is_empty());
        let rollout = rollout(&events);
        let spared = rollout.spared_by(tripline::time::Timestamp::from_seconds(START + at));
        prop_assert_eq!(spared.ended_before + spared.ended_after, rollout.end().exposed);
    }
}
