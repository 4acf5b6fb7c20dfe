//! A second reading of AWS's page, slow and without cleverness, that the evaluator is compared with.

use proptest::prelude::*;

use super::*;

/// The state, by trying all that the missing points could have been.
fn enumerated(newest_first: &[Point], m: usize, n: usize, missing: MissingData) -> Decision {
    let real: Vec<Point> =
        newest_first.iter().copied().filter(|point| *point != Point::Missing).take(n).collect();
    let empty = n - real.len();
    let alarms_with = |filled: &[Point]| {
        real.iter().chain(filled).filter(|point| **point == Point::Breaching).count() >= m
    };
    let state = |alarm| if alarm { Decision::Alarm } else { Decision::Ok };
    match missing {
        MissingData::Breaching => return state(alarms_with(&vec![Point::Breaching; empty])),
        MissingData::NotBreaching => return state(alarms_with(&vec![Point::Good; empty])),
        MissingData::Missing | MissingData::Ignore => {}
    }
    let possible: Vec<bool> = (0..1_u32 << empty)
        .map(|bits| {
            let filled: Vec<Point> = (0..empty)
                .map(|place| if bits >> place & 1 == 1 { Point::Breaching } else { Point::Good })
                .collect();
            alarms_with(&filled)
        })
        .collect();
    if possible.iter().all(|alarm| *alarm == possible[0]) {
        return state(possible[0]);
    }
    if real.contains(&Point::Good) {
        return Decision::Ok;
    }
    if missing == MissingData::Ignore {
        return Decision::Keep;
    }
    // "- - X - -" alarms before it is forgotten, "- - - - X" and "- - - X -" not yet (M = 3).
    let behind = newest_first.get(m - 1..).unwrap_or_default();
    if behind.contains(&Point::Breaching) { Decision::Alarm } else { Decision::InsufficientData }
}

/// Values of a metric: second and value.
type Values = Vec<(i64, f64)>;

/// The states after evaluations by the minute, from the bare list of values.
fn naive(definition: &AlarmDefinition, values: &Values, evaluations: &[i64]) -> Vec<AlarmState> {
    let period = i64::from(definition.period.seconds());
    let n = definition.evaluation.evaluation_periods() as usize;
    let m = definition.evaluation.datapoints_to_alarm() as usize;
    let mut state = AlarmState::InsufficientData;
    let mut states = Vec::new();
    for now in evaluations {
        let end = (now - 9).div_euclid(60) * 60;
        let points: Vec<Point> = (0..n as i64 + 2)
            .map(|age| {
                let (from, to) = (end - (age + 1) * period, end - age * period);
                let within: Vec<f64> = values
                    .iter()
                    .filter(|(at, _)| (from..to).contains(at))
                    .map(|(_, value)| *value)
                    .collect();
                match within.iter().copied().reduce(f64::max) {
                    None => Point::Missing,
                    Some(largest) if largest > definition.threshold => Point::Breaching,
                    Some(_) => Point::Good,
                }
            })
            .collect();
        state = match enumerated(&points, m, n, definition.missing_data) {
            Decision::Alarm => AlarmState::Alarm,
            Decision::Ok => AlarmState::Ok,
            Decision::InsufficientData => AlarmState::InsufficientData,
            Decision::Keep => state,
        };
        states.push(state);
    }
    states
}

fn evaluated(
    definition: &AlarmDefinition,
    values: &Values,
    evaluations: &[i64],
) -> Vec<AlarmState> {
    let mut series = Series::new(60);
    values.iter().for_each(|(when, value)| assert!(series.add(at(*when), *value)));
    let mut evaluator = Evaluator::new(definition.clone(), Parameters::default(), at(0));
    evaluations
        .iter()
        .map(|now| {
            evaluator.evaluate(at(*now), &series);
            evaluator.state()
        })
        .collect()
}

fn point() -> impl Strategy<Value = Point> {
    prop_oneof![Just(Point::Missing), Just(Point::Good), Just(Point::Breaching)]
}

fn m_of_n() -> impl Strategy<Value = (u32, u32)> {
    (1_u32..=6).prop_flat_map(|n| (1..=n, Just(n)))
}

fn definition() -> impl Strategy<Value = AlarmDefinition> {
    (m_of_n(), prop::sample::select(vec![60, 120, 300]), prop::sample::select(TREATMENTS.to_vec()))
        .prop_map(|((m, n), period, missing)| alarm(m, n, period, "Maximum", missing))
}

fn values() -> impl Strategy<Value = Values> {
    prop::collection::vec((0_i64..3_600, prop_oneof![Just(10.0), Just(50.0), Just(90.0)]), 0..30)
}

const EVALUATIONS: std::ops::Range<i64> = 0..90;

fn by_the_minute(phase: i64) -> Vec<i64> {
    EVALUATIONS.map(|minute| minute * 60 + phase).collect()
}

#[test]
fn decisions_are_the_enumerated_ones_for_every_short_range() {
    let all = [Point::Missing, Point::Good, Point::Breaching];
    let mut compared = 0_u32;
    for (m, n) in (1..=4_u32).flat_map(|n| (1..=n).map(move |m| (m, n))) {
        let evaluation = Evaluation::new(m, n, Period::new(60).unwrap()).unwrap();
        let range = n as usize + 2;
        for code in 0..3_usize.pow(range as u32) {
            let points: Vec<Point> =
                (0..range).map(|place| all[code / 3_usize.pow(place as u32) % 3]).collect();
            for missing in TREATMENTS {
                let expected = enumerated(&points, m as usize, n as usize, missing);
                assert_eq!(
                    decide(&points, evaluation, missing),
                    expected,
                    "{m} of {n}, {points:?}, {missing:?}"
                );
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 4 * (27 + 2 * 81 + 3 * 243 + 4 * 729));
}

proptest! {
    #[test]
    fn alarms_are_those_of_the_naive_reading(
        definition in definition(), values in values(), phase in 0_i64..60,
    ) {
        let evaluations = by_the_minute(phase);
        prop_assert_eq!(evaluated(&definition, &values, &evaluations), naive(&definition, &values, &evaluations));
    }

    #[test]
    fn more_breaching_points_never_leave_alarm(
        (m, n) in m_of_n(), points in prop::collection::vec(point(), 8), place in 0_usize..8,
        missing in prop::sample::select(TREATMENTS.to_vec()),
    ) {
        let evaluation = Evaluation::new(m, n, Period::new(60).unwrap()).unwrap();
        let points = &points[..n as usize + 2];
        let mut worse = points.to_vec();
        worse[place % points.len()] = Point::Breaching;
        if decide(points, evaluation, missing) == Decision::Alarm {
            prop_assert_eq!(decide(&worse, evaluation, missing), Decision::Alarm);
        }
    }

    #[test]
    fn shifting_time_by_whole_periods_changes_nothing(
        definition in definition(), values in values(), phase in 0_i64..60, periods in -1_000_i64..1_000,
    ) {
        let shift = periods * i64::from(definition.period.seconds());
        let shifted: Values = values.iter().map(|(when, value)| (when + shift, *value)).collect();
        let later: Vec<i64> = by_the_minute(phase).iter().map(|now| now + shift).collect();
        prop_assert_eq!(
            evaluated(&definition, &values, &by_the_minute(phase)),
            evaluated(&definition, &shifted, &later)
        );
    }
}
