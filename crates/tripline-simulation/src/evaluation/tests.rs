//! What AWS documents, what was recorded on AWS, and what follows from an independent reading.

mod oracle;
mod recorded;
mod tables;

use super::*;
use tripline::alarm::{
    AlarmDefinition, AlarmName, Evaluation, Limit, MinSamples, MissingData, Period, Statistic,
    Topic,
};
use tripline::notification::AlarmState;
use tripline::time::Timestamp;

const TREATMENTS: [MissingData; 4] =
    [MissingData::Missing, MissingData::Ignore, MissingData::Breaching, MissingData::NotBreaching];

/// An alarm above 50, M of N periods.
fn alarm(
    m: u32,
    n: u32,
    period: u32,
    statistic: &str,
    missing_data: MissingData,
) -> AlarmDefinition {
    let period = Period::new(period).unwrap();
    AlarmDefinition {
        name: AlarmName::new("slow").unwrap(),
        namespace: "IoT:OTA:JobExecution".to_owned(),
        metric: "downloadTime".to_owned(),
        statistic: Statistic::parse(statistic).unwrap(),
        period,
        threshold: 50.0,
        limit: Limit::Upper,
        evaluation: Evaluation::new(m, n, period).unwrap(),
        missing_data,
        min_samples: None,
        topics: vec![Topic::ForceStop],
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

/// Evaluates every cadence from `first` to `last`.
fn run(evaluator: &mut Evaluator, series: &Series, last: i64) -> Vec<Transition> {
    let first = evaluator.first_evaluation().seconds();
    (first..=last)
        .step_by(evaluator.cadence() as usize)
        .filter_map(|now| evaluator.evaluate(at(now), series))
        .collect()
}

fn states(transitions: &[Transition]) -> Vec<(i64, AlarmState)> {
    transitions.iter().map(|transition| (transition.at.seconds(), transition.to)).collect()
}

#[test]
fn actions_run_on_transitions_only() {
    let mut series = Series::new(60);
    (0..10).for_each(|minute| assert!(series.add(at(minute * 60), 100.0)));
    let mut evaluator = Evaluator::new(
        alarm(1, 1, 60, "Maximum", MissingData::NotBreaching),
        Parameters::default(),
        at(30),
    );
    let transitions = run(&mut evaluator, &series, 1_200);
    // The first minute has settled by 69 s; the range reaches back two minutes beyond the last.
    assert_eq!(
        states(&transitions),
        [(30, AlarmState::Ok), (90, AlarmState::Alarm), (810, AlarmState::Ok)]
    );
}

#[test]
fn a_lower_limit_breaches_below_and_says_so() {
    let mut series = Series::new(60);
    series.add(at(0), 50.0);
    series.add(at(60), 49.0);
    let lower =
        AlarmDefinition { limit: Limit::Lower, ..alarm(1, 1, 60, "Minimum", MissingData::Missing) };
    let transitions = run(&mut Evaluator::new(lower, Parameters::default(), at(70)), &series, 130);
    let reasons: Vec<_> = transitions.iter().map(|transition| transition.reason.as_str()).collect();
    assert_eq!(
        reasons,
        [
            "Threshold Crossed: 1 out of the last 1 datapoints [50.0 (01/01/70 00:00:00)] was not less than the threshold (50.0) (minimum 1 datapoint for ALARM -> OK transition).",
            "Threshold Crossed: 1 out of the last 1 datapoints [49.0 (01/01/70 00:01:00)] was less than the threshold (50.0) (minimum 1 datapoint for OK -> ALARM transition).",
        ]
    );
}

#[test]
fn a_period_with_too_few_samples_is_as_good_as_missing() {
    let mut series = Series::new(60);
    (0..9).for_each(|_| assert!(series.add(at(0), 100.0)));
    let few = AlarmDefinition {
        min_samples: MinSamples::new(10).ok(),
        ..alarm(1, 1, 60, "p99", MissingData::NotBreaching)
    };
    assert_eq!(
        states(&run(&mut Evaluator::new(few.clone(), Parameters::default(), at(60)), &series, 300)),
        [(60, AlarmState::Ok)]
    );
    series.add(at(0), 100.0);
    // Metric math has no settle delay.
    let transitions = run(&mut Evaluator::new(few, Parameters::default(), at(60)), &series, 70);
    assert_eq!(states(&transitions), [(60, AlarmState::Alarm)]);
}

#[test]
fn windows_slide_by_the_minute() {
    // "At the end of minute 5 the alarm evaluates based on data from minutes 1 to 5, then at the
    // end of minute 6 on minutes 2 to 6" ("Alarm evaluation").
    let mut series = Series::new(60);
    [20.0, 20.0, 20.0, 20.0, 0.0, 40.0]
        .iter()
        .zip(0..)
        .for_each(|(value, minute)| assert!(series.add(at(minute * 60), *value)));
    let sum = AlarmDefinition { threshold: 90.0, ..alarm(1, 1, 300, "Sum", MissingData::Missing) };
    let mut sliding = Evaluator::new(sum.clone(), Parameters::default(), at(310));
    assert_eq!(
        states(&run(&mut sliding, &series, 370)),
        [(310, AlarmState::Ok), (370, AlarmState::Alarm)]
    );
    let aligned = Parameters { window: Window::Aligned, ..Parameters::default() };
    assert_eq!(
        states(&run(&mut Evaluator::new(sum, aligned, at(310)), &series, 370)),
        [(310, AlarmState::Ok)]
    );
}

#[test]
fn a_multi_day_alarm_looks_at_whole_hours_by_the_hour() {
    // The documented example: a failure at 10:02 is seen at 11:03, not at 10:03.
    let hour = 3_600;
    let mut series = Series::new(60);
    series.add(at(10 * hour + 120), 100.0);
    let daily = alarm(1, 3, 86_400, "Maximum", MissingData::NotBreaching);
    let mut evaluator = Evaluator::new(daily, Parameters::default(), at(9 * hour + 180));
    assert_eq!(evaluator.cadence(), 3_600);
    let transitions = run(&mut evaluator, &series, 12 * hour);
    assert_eq!(
        states(&transitions),
        [(9 * hour + 180, AlarmState::Ok), (11 * hour + 180, AlarmState::Alarm)]
    );
}

#[test]
fn a_period_that_grows_late_is_looked_at_again() {
    let mut series = Series::new(60);
    let mut evaluator = Evaluator::new(
        alarm(1, 2, 60, "Sum", MissingData::NotBreaching),
        Parameters::default(),
        at(70),
    );
    series.add(at(0), 40.0);
    assert_eq!(evaluator.evaluate(at(70), &series).unwrap().to, AlarmState::Ok);
    series.add(at(0), 40.0);
    assert_eq!(evaluator.evaluate(at(130), &series).unwrap().to, AlarmState::Alarm);
}

#[test]
fn any_numbers_are_survived() {
    let mut series = Series::new(60);
    series.add(at(i64::MIN), 1.0);
    for period in [10, 60, 604_800] {
        let mut evaluator = Evaluator::new(
            alarm(1, 1, period, "p50", MissingData::Missing),
            Parameters::default(),
            at(0),
        );
        for now in [i64::MIN, -1, 0, i64::MAX] {
            evaluator.evaluate(at(now), &series);
        }
    }
}
