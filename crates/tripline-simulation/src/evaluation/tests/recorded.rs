//! Transitions that CloudWatch made in September 2026, as somebody recorded them: the same points,
//! four alarms with a period of 10 s and a threshold of 50, each with its own phase.

use super::*;

/// 2026-09-14T05:40:00Z
const START: i64 = 1_789_364_400;

/// Minutes and seconds after five o'clock and 40 minutes.
fn clock(minute: i64, second: i64) -> i64 {
    START + (minute - 40) * 60 + second
}

/// When published, and what: time and value of the points.
fn publications() -> Vec<(i64, Vec<(i64, f64)>)> {
    let point = |minute, second, value| (clock(minute, second), value);
    vec![
        (clock(42, 56), vec![point(42, 25, 100.0), point(42, 35, 0.0), point(42, 45, 100.0)]),
        (clock(47, 3), vec![point(46, 55, 100.0)]),
        (clock(49, 40), vec![point(49, 5, 0.0), point(49, 15, 0.0), point(49, 25, 0.0)]),
        (clock(51, 48), vec![point(50, 55, 0.0), point(51, 15, 100.0), point(51, 35, 100.0)]),
        (clock(54, 20), vec![point(54, 15, 0.0)]),
    ]
}

/// What an alarm does that is first evaluated at `first`: minute, second, the reason's beginning.
fn history(m: u32, missing: MissingData, first: i64) -> Vec<(i64, AlarmState, String)> {
    let mut series = Series::new(10);
    let mut evaluator =
        Evaluator::new(alarm(m, 3, 10, "Average", missing), Parameters::default(), at(first));
    let mut published = publications().into_iter().peekable();
    let mut transitions = Vec::new();
    for now in (first..clock(56, 5)).step_by(10) {
        while let Some((_, points)) = published.next_if(|(when, _)| *when <= now) {
            points.iter().for_each(|(when, value)| assert!(series.add(at(*when), *value)));
        }
        transitions.extend(evaluator.evaluate(at(now), &series));
    }
    transitions.into_iter().map(|t| (t.at.seconds(), t.to, t.reason)).collect()
}

fn assert_history(got: &[(i64, AlarmState, String)], expected: &[((i64, i64), AlarmState, &str)]) {
    let expected: Vec<_> = expected
        .iter()
        .map(|((minute, second), state, reason)| {
            (clock(*minute, *second), *state, (*reason).to_owned())
        })
        .collect();
    assert_eq!(got, expected);
}

const UNKNOWN: &str = "Insufficient Data: 3 datapoints were unknown.";
const NOTHING: &str = "Threshold Crossed: no datapoints were received for 3 periods and 3 missing datapoints were treated as [Breaching].";

#[test]
fn two_of_three_with_missing() {
    let got = history(2, MissingData::Missing, clock(41, 17));
    assert_history(
        &got,
        &[
            (
                (42, 57),
                AlarmState::Ok,
                "Threshold Crossed: 1 out of the last 3 datapoints [0.0 (14/09/26 05:42:30)] was not greater than the threshold (50.0) (minimum 2 datapoints for ALARM -> OK transition).",
            ),
            (
                (43, 7),
                AlarmState::Alarm,
                "Threshold Crossed: 2 out of the last 3 datapoints [100.0 (14/09/26 05:42:40), 100.0 (14/09/26 05:42:20)] were greater than the threshold (50.0) (minimum 2 datapoints for OK -> ALARM transition).",
            ),
            (
                (44, 17),
                AlarmState::Ok,
                "Threshold Crossed: 1 out of the last 3 datapoints [0.0 (14/09/26 05:42:30)] was not greater than the threshold (50.0) (minimum 2 datapoints for ALARM -> OK transition).",
            ),
            // Again, 100 s after the last point: nothing new was reported.
            (
                (44, 27),
                AlarmState::Alarm,
                "Threshold Crossed: 1 out of the last 3 datapoints [100.0 (14/09/26 05:42:40)] was greater than the threshold (50.0) (minimum 2 datapoints for OK -> ALARM transition).",
            ),
            ((44, 37), AlarmState::InsufficientData, UNKNOWN),
            (
                (47, 27),
                AlarmState::Alarm,
                "Threshold Crossed: 1 out of the last 3 datapoints [100.0 (14/09/26 05:46:50)] was greater than the threshold (50.0) (minimum 2 datapoints for OK -> ALARM transition).",
            ),
            ((48, 47), AlarmState::InsufficientData, UNKNOWN),
            (
                (49, 47),
                AlarmState::Ok,
                "Threshold Crossed: 2 out of the last 3 datapoints [0.0 (14/09/26 05:49:20), 0.0 (14/09/26 05:49:10)] were not greater than the threshold (50.0) (minimum 2 datapoints for ALARM -> OK transition).",
            ),
            ((51, 17), AlarmState::InsufficientData, UNKNOWN),
            (
                (51, 57),
                AlarmState::Alarm,
                "Threshold Crossed: 2 out of the last 3 datapoints [100.0 (14/09/26 05:51:30), 100.0 (14/09/26 05:51:10)] were greater than the threshold (50.0) (minimum 2 datapoints for OK -> ALARM transition).",
            ),
            ((53, 27), AlarmState::InsufficientData, UNKNOWN),
            (
                (54, 37),
                AlarmState::Ok,
                "Threshold Crossed: 1 out of the last 3 datapoints [0.0 (14/09/26 05:54:10)] was not greater than the threshold (50.0) (minimum 2 datapoints for ALARM -> OK transition).",
            ),
        ],
    );
}

#[test]
fn three_of_three_with_missing() {
    let got = history(3, MissingData::Missing, clock(40, 48));
    let good = |time| {
        format!(
            "Threshold Crossed: 1 out of the last 3 datapoints [0.0 (14/09/26 05:{time})] was not greater than the threshold (50.0) (minimum 1 datapoint for ALARM -> OK transition)."
        )
    };
    let breach = |time| {
        format!(
            "Threshold Crossed: 1 out of the last 3 datapoints [100.0 (14/09/26 05:{time})] was greater than the threshold (50.0) (minimum 3 datapoints for OK -> ALARM transition)."
        )
    };
    assert_history(
        &got,
        &[
            ((42, 58), AlarmState::Ok, &good("42:30")),
            ((44, 28), AlarmState::Alarm, &breach("42:40")),
            ((44, 38), AlarmState::InsufficientData, UNKNOWN),
            ((47, 38), AlarmState::Alarm, &breach("46:50")),
            ((48, 48), AlarmState::InsufficientData, UNKNOWN),
            ((49, 48), AlarmState::Ok, &good("49:20")),
            ((51, 18), AlarmState::InsufficientData, UNKNOWN),
            ((51, 48), AlarmState::Ok, &good("50:50")),
            (
                (52, 48),
                AlarmState::Alarm,
                "Threshold Crossed: 2 out of the last 3 datapoints [100.0 (14/09/26 05:51:30), 100.0 (14/09/26 05:51:10)] were greater than the threshold (50.0) (minimum 3 datapoints for OK -> ALARM transition).",
            ),
            ((53, 28), AlarmState::InsufficientData, UNKNOWN),
            ((54, 38), AlarmState::Ok, &good("54:10")),
        ],
    );
}

#[test]
fn three_of_three_with_breaching() {
    let got = history(3, MissingData::Breaching, clock(40, 54));
    assert_history(
        &got,
        &[
            // Before any device can have reported.
            ((40, 54), AlarmState::Alarm, NOTHING),
            (
                (43, 4),
                AlarmState::Ok,
                "Threshold Crossed: 1 out of the last 3 datapoints [0.0 (14/09/26 05:42:30)] was not greater than the threshold (50.0) (minimum 1 datapoint for ALARM -> OK transition).",
            ),
            (
                (44, 24),
                AlarmState::Alarm,
                "Threshold Crossed: 1 out of the last 3 datapoints [100.0 (14/09/26 05:42:40)] was greater than the threshold (50.0) and 2 missing datapoints were treated as [Breaching] (minimum 3 datapoints for OK -> ALARM transition).",
            ),
            (
                (49, 44),
                AlarmState::Ok,
                "Threshold Crossed: 1 out of the last 3 datapoints [0.0 (14/09/26 05:49:20)] was not greater than the threshold (50.0) (minimum 1 datapoint for ALARM -> OK transition).",
            ),
            ((51, 14), AlarmState::Alarm, NOTHING),
            (
                (51, 54),
                AlarmState::Ok,
                "Threshold Crossed: 1 out of the last 3 datapoints [0.0 (14/09/26 05:50:50)] was not greater than the threshold (50.0) (minimum 1 datapoint for ALARM -> OK transition).",
            ),
            (
                (52, 44),
                AlarmState::Alarm,
                "Threshold Crossed: 2 out of the last 3 datapoints [100.0 (14/09/26 05:51:30), 100.0 (14/09/26 05:51:10)] were greater than the threshold (50.0) and 1 missing datapoint was treated as [Breaching] (minimum 3 datapoints for OK -> ALARM transition).",
            ),
            (
                (54, 34),
                AlarmState::Ok,
                "Threshold Crossed: 1 out of the last 3 datapoints [0.0 (14/09/26 05:54:10)] was not greater than the threshold (50.0) and 2 missing datapoints were treated as [Breaching] (minimum 1 datapoint for ALARM -> OK transition).",
            ),
            ((56, 4), AlarmState::Alarm, NOTHING),
        ],
    );
}

#[test]
fn three_of_three_with_ignore() {
    let got = history(3, MissingData::Ignore, clock(40, 50));
    assert_history(
        &got,
        &[(
            (43, 0),
            AlarmState::Ok,
            "Threshold Crossed: 1 out of the last 3 datapoints [0.0 (14/09/26 05:42:30)] was not greater than the threshold (50.0) (minimum 1 datapoint for ALARM -> OK transition).",
        )],
    );
}

#[test]
fn low_samples_are_ignored_below_a_hundred_for_p90() {
    // 99 samples of 10, 100 of 0 and 101 of 10, half a minute apart; the threshold is 5.
    let fill = |low_samples| {
        let mut series = Series::new(10);
        for (when, value, samples) in [(0, 10.0, 99), (30, 0.0, 100), (60, 10.0, 101)] {
            (0..samples).for_each(|_| assert!(series.add(at(START + when), value)));
        }
        let definition =
            AlarmDefinition { threshold: 5.0, ..alarm(1, 1, 10, "p90", MissingData::Missing) };
        // Nothing but the newest period is looked at, so that each decides on its own.
        let parameters = Parameters { low_samples, extra_seconds: 0, ..Parameters::default() };
        states(&run(
            &mut Evaluator::new(definition, parameters, at(START + 5)),
            &series,
            START + 85,
        ))
        .into_iter()
        .map(|(_, state)| state)
        .collect::<Vec<_>>()
    };
    let none = AlarmState::InsufficientData;
    assert_eq!(
        fill(LowSamples::Evaluate),
        [AlarmState::Alarm, none, AlarmState::Ok, none, AlarmState::Alarm]
    );
    assert_eq!(fill(LowSamples::Ignore), [AlarmState::Ok, none, AlarmState::Alarm]);
}
