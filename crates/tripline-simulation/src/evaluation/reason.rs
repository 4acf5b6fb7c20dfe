//! Why an alarm changed its state, in CloudWatch's words, which were recorded. Tripline's own stop
//! passes such a text on, so a simulated stop reads like a real one.

use super::decide::{Point, Real};
use super::evaluator::Slot;
use tripline::alarm::{AlarmDefinition, Limit, MissingData};
use tripline::notification::AlarmState;
use tripline::time::Timestamp;

/// The reason for the new state `to` of an alarm that saw these periods, the newest first.
pub(super) fn text(
    alarm: &AlarmDefinition,
    to: AlarmState,
    slots: &[Slot],
    points: &[Point],
) -> String {
    let (m, n) = (alarm.evaluation.datapoints_to_alarm(), alarm.evaluation.evaluation_periods());
    let real = Real::of(points, n);
    let empty = n.saturating_sub(real.good + real.breaching);
    // As many points of the kind that decides are named as are needed for the decision.
    let (kind, least, transition) = match to {
        AlarmState::InsufficientData => {
            let unknown = if n == 1 { "datapoint was" } else { "datapoints were" };
            return format!("Insufficient Data: {n} {unknown} unknown.");
        }
        AlarmState::Alarm => (Point::Breaching, m, "OK -> ALARM"),
        AlarmState::Ok => (Point::Good, n - m + 1, "ALARM -> OK"),
    };
    let treated = treated(alarm.missing_data, empty);
    if real.good + real.breaching == 0 {
        let periods = if n == 1 { "period" } else { "periods" };
        let treated = treated.unwrap_or_default();
        return format!(
            "Threshold Crossed: no datapoints were received for {n} {periods} and {treated}."
        );
    }
    let named: Vec<String> = slots
        .iter()
        .zip(points)
        .filter(|(_, point)| **point != Point::Missing)
        .take(n as usize)
        .filter(|(_, point)| **point == kind)
        .take(least as usize)
        .filter_map(|(slot, _)| Some(format!("{} ({})", number(slot.value?), date(slot.start))))
        .collect();
    let mut parts = Vec::new();
    if !named.is_empty() {
        let verb = if named.len() == 1 { "was" } else { "were" };
        let not = if kind == Point::Good { "not " } else { "" };
        let side = match alarm.limit {
            Limit::Upper => "greater",
            Limit::Lower => "less",
        };
        parts.push(format!(
            "{} out of the last {n} datapoints [{}] {verb} {not}{side} than the threshold ({})",
            named.len(),
            named.join(", "),
            number(alarm.threshold),
        ));
    }
    parts.extend(treated);
    let points = if least == 1 { "datapoint" } else { "datapoints" };
    format!(
        "Threshold Crossed: {} (minimum {least} {points} for {transition} transition).",
        parts.join(" and ")
    )
}

fn treated(missing: MissingData, empty: u32) -> Option<String> {
    let name = match missing {
        MissingData::Breaching => "Breaching",
        MissingData::NotBreaching => "NonBreaching",
        MissingData::Missing | MissingData::Ignore => return None,
    };
    match empty {
        0 => None,
        1 => Some(format!("1 missing datapoint was treated as [{name}]")),
        _ => Some(format!("{empty} missing datapoints were treated as [{name}]")),
    }
}

/// A number as Java writes it: `100.0`, `1.5E8`.
fn number(value: f64) -> String {
    if value == 0.0 || (1e-3..1e7).contains(&value.abs()) {
        return format!("{value:?}");
    }
    let text = format!("{value:E}");
    match text.split_once('E') {
        Some((digits, exponent)) if !digits.contains('.') => format!("{digits}.0E{exponent}"),
        _ => text,
    }
}

/// `14/09/26 05:42:40`
fn date(at: Timestamp) -> String {
    let seconds = at.seconds();
    let (day, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Days to a civil date, in years that begin in March so that the leap day comes last.
    let shifted = day.saturating_add(719_468);
    let era_day = shifted.rem_euclid(146_097);
    let era_year = (era_day - era_day / 1_460 + era_day / 36_524 - era_day / 146_096) / 365;
    let year_day = era_day - (365 * era_year + era_year / 4 - era_year / 100);
    let march_month = (5 * year_day + 2) / 153;
    let day_of_month = year_day - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    // 400 years are a whole number of centuries, so the era does not show in two digits.
    let year = (era_year + i64::from(month <= 2)).rem_euclid(100);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{day_of_month:02}/{month:02}/{year:02} {hour:02}:{minute:02}:{second:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_java_does() {
        for (value, text) in [
            (0.0, "0.0"),
            (100.0, "100.0"),
            (21.5, "21.5"),
            (3600.0, "3600.0"),
            (-1.0, "-1.0"),
            (9_999_999.0, "9999999.0"),
            (1e7, "1.0E7"),
            (1.25e9, "1.25E9"),
            (0.001, "0.001"),
            (1e-4, "1.0E-4"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn dates_are_civil() {
        for (seconds, text) in [
            (0, "01/01/70 00:00:00"),
            (1_789_364_560, "14/09/26 05:42:40"),
            (1_580_958_540, "06/02/20 03:09:00"),
            (951_782_399, "28/02/00 23:59:59"),
            (951_782_400, "29/02/00 00:00:00"),
            (951_868_800, "01/03/00 00:00:00"),
            (4_102_444_800, "01/01/00 00:00:00"),
            (-1, "31/12/69 23:59:59"),
        ] {
            assert_eq!(date(Timestamp::from_seconds(seconds)), text);
        }
        date(Timestamp::from_seconds(i64::MIN));
        date(Timestamp::from_seconds(i64::MAX));
    }
}
