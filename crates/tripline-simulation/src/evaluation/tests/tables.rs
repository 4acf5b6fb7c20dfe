//! "How alarm state is evaluated when data is missing": every cell of both tables. The range is 5
//! and the newest point is on the right.

use super::*;

const KEEP: Decision = Decision::Keep;
const ALARM: Decision = Decision::Alarm;
const OK: Decision = Decision::Ok;
const NONE: Decision = Decision::InsufficientData;

/// M, N, points, and what `missing`, `ignore`, `breaching` and `notBreaching` make of them.
type Row = (u32, u32, &'static str, [Decision; 4]);

const DOCUMENTED: [Row; 10] = [
    (3, 3, "0 - X - X", [OK, OK, OK, OK]),
    (3, 3, "0 - - - -", [OK, OK, OK, OK]),
    (3, 3, "- - - - -", [NONE, KEEP, ALARM, OK]),
    (3, 3, "0 X X - X", [ALARM, ALARM, ALARM, ALARM]),
    (3, 3, "- - X - -", [ALARM, KEEP, ALARM, OK]),
    (2, 3, "0 - X - X", [ALARM, ALARM, ALARM, ALARM]),
    (2, 3, "0 0 X 0 X", [ALARM, ALARM, ALARM, ALARM]),
    (2, 3, "0 - X - -", [OK, OK, ALARM, OK]),
    (2, 3, "- - - - 0", [OK, OK, ALARM, OK]),
    (2, 3, "- - - X -", [ALARM, KEEP, ALARM, OK]),
];

/// In the guide until 2019. Its prose still says that this does not go to ALARM at once.
const HISTORICAL: [Row; 2] =
    [(3, 3, "- - - - X", [NONE, KEEP, ALARM, OK]), (2, 3, "- - - - X", [NONE, KEEP, ALARM, OK])];

fn newest_first(points: &str) -> Vec<Point> {
    let point = |symbol| match symbol {
        "0" => Point::Good,
        "X" => Point::Breaching,
        _ => Point::Missing,
    };
    points.split(' ').rev().map(point).collect()
}

#[test]
fn every_documented_cell_is_decided_as_documented() {
    for (m, n, points, expected) in DOCUMENTED.into_iter().chain(HISTORICAL) {
        let evaluation = Evaluation::new(m, n, Period::new(300).unwrap()).unwrap();
        for (treatment, expected) in TREATMENTS.into_iter().zip(expected) {
            let got = decide(&newest_first(points), evaluation, treatment);
            assert_eq!(got, expected, "{m} of {n}, {points}, {}", treatment.name());
        }
    }
}

#[test]
fn an_alarm_with_these_points_takes_the_documented_state() {
    let periods = Parameters::default();
    for (m, n, points, expected) in DOCUMENTED.into_iter().chain(HISTORICAL) {
        for (treatment, expected) in TREATMENTS.into_iter().zip(expected) {
            let mut series = Series::new(60);
            for (point, slot) in newest_first(points).iter().zip(1..) {
                let value = if *point == Point::Breaching { 100.0 } else { 0.0 };
                assert!(*point == Point::Missing || series.add(at(3_000 - 300 * slot), value));
            }
            let definition = alarm(m, n, 300, "Average", treatment);
            assert_eq!(periods.range(&definition), 5);
            let mut evaluator = Evaluator::new(definition, periods, at(3_010));
            evaluator.evaluate(at(3_010), &series);
            let expected = match expected {
                Decision::Alarm => AlarmState::Alarm,
                Decision::Ok => AlarmState::Ok,
                // The initial state is the one that is kept.
                Decision::InsufficientData | Decision::Keep => AlarmState::InsufficientData,
            };
            assert_eq!(evaluator.state(), expected, "{m} of {n}, {points}, {}", treatment.name());
        }
    }
}
