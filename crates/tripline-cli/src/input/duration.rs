//! Lengths of time, as every option takes them.

use tripline::text::excerpt;

/// The units of a length of time, in seconds.
const UNITS: [(char, f64); 4] = [('s', 1.0), ('m', 60.0), ('h', 3_600.0), ('d', 86_400.0)];

/// What a number without a unit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bare {
    /// Only 0 needs no unit.
    Zero,
    Seconds,
    Minutes,
}

/// The seconds of `90s`, `1.5h` or `2d`; `None` for any other text.
pub fn seconds(text: &str, bare: Bare) -> Option<f64> {
    let unit =
        UNITS.into_iter().find_map(|(suffix, unit)| Some((text.strip_suffix(suffix)?, unit)));
    if let Some((number, unit)) = unit {
        let is_plain = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        return number.parse::<f64>().ok().filter(|_| is_plain).map(|number| number * unit);
    }
    let number: f64 = text.parse().ok().filter(|number: &f64| number.is_finite())?;
    match bare {
        Bare::Zero => (text == "0").then_some(0.0),
        Bare::Seconds => Some(number),
        Bare::Minutes => Some(number * 60.0),
    }
}

/// A value parser for whole seconds from `least` to `most`; a number without a unit is in seconds.
pub fn whole_seconds(
    least: u32,
    most: u32,
) -> impl Fn(&str) -> Result<u32, String> + Clone + Send + Sync + 'static {
    move |text| whole(text, Bare::Seconds, 1, least, most)
}

/// A value parser for whole minutes from `least` to `most`; a number without a unit is in minutes.
pub fn whole_minutes(
    least: u32,
    most: u32,
) -> impl Fn(&str) -> Result<u32, String> + Clone + Send + Sync + 'static {
    move |text| whole(text, Bare::Minutes, 60, least, most)
}

fn whole(text: &str, bare: Bare, unit: u32, least: u32, most: u32) -> Result<u32, String> {
    let found = seconds(text, bare).map(|seconds| seconds / f64::from(unit));
    // From text to text: what is whole and small is written without a fraction or an exponent.
    let found = found.and_then(|number| number.to_string().parse().ok());
    found.filter(|number| (least..=most).contains(number)).ok_or_else(|| {
        let in_seconds = |number: u32| u64::from(number) * u64::from(unit);
        let (least, most) = (short(in_seconds(least)), short(in_seconds(most)));
        let whole = if unit == 60 { ", in whole minutes" } else { "" };
        not_within(text, bare, &format!("{least} to {most}{whole}"))
    })
}

/// What is said of a text that is no length of time, or none within this range.
pub fn not_within(text: &str, bare: Bare, range: &str) -> String {
    let text_shown = excerpt(text);
    match seconds(text, bare) {
        Some(_) => format!("`{text_shown}` is out of range (expected {range})"),
        None => format!(
            "`{text_shown}` is no length of time (expected such as `90s`, `5m`, `2h` or `1d`)"
        ),
    }
}

/// `90s`, `5m`, `2h`, `7d`: in the largest unit without a rest.
pub fn short(seconds: u64) -> String {
    let units = [(86_400, "d"), (3_600, "h"), (60, "m")];
    match units.into_iter().find(|(unit, _)| seconds > 0 && seconds.is_multiple_of(*unit)) {
        Some((unit, suffix)) => format!("{}{suffix}", seconds / unit),
        None => format!("{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_has_a_unit() {
        for (text, expected) in [
            ("90s", 90.0),
            ("5m", 300.0),
            ("2h", 7_200.0),
            ("1d", 86_400.0),
            ("1.5h", 5_400.0),
            ("0", 0.0),
        ] {
            assert_eq!(seconds(text, Bare::Zero), Some(expected), "{text}");
        }
        for bad in ["", "s", "-5m", "+5m", "5 m", "5w", "٣m", "1e3s", "1.2.3h", "NaN", "infm", "5"]
        {
            assert_eq!(seconds(bad, Bare::Zero), None, "{bad}");
        }
    }

    #[test]
    fn the_largest_unit_that_fits_is_written() {
        for (seconds, text) in
            [(0, "0s"), (90, "90s"), (300, "5m"), (7_200, "2h"), (259_200, "3d"), (90_000, "25h")]
        {
            assert_eq!(short(seconds), text);
        }
    }

    #[test]
    fn what_a_bare_number_counts_is_the_option_s() {
        assert_eq!(seconds("5", Bare::Seconds), Some(5.0));
        assert_eq!(seconds("5", Bare::Minutes), Some(300.0));
        assert_eq!(seconds("inf", Bare::Seconds), None);
        assert_eq!(whole_minutes(1, 60)("5"), Ok(5));
        assert_eq!(whole_minutes(1, 60)("1h"), Ok(60));
        assert_eq!(whole_seconds(1, 3_600)("1h"), Ok(3_600));
    }

    #[test]
    fn what_is_out_of_range_is_said_with_the_range() {
        assert_eq!(
            whole_seconds(1, 3_600)("2h").unwrap_err(),
            "`2h` is out of range (expected 1s to 1h)"
        );
        assert_eq!(
            whole_seconds(1, 3_600)("2 h").unwrap_err(),
            "`2 h` is no length of time (expected such as `90s`, `5m`, `2h` or `1d`)"
        );
        for bad in ["0", "0.5s", "61m", "nonsense"] {
            assert!(whole_seconds(1, 3_600)(bad).is_err(), "{bad}");
        }
        assert!(whole_minutes(1, 60)("90s").unwrap_err().ends_with("1m to 1h, in whole minutes)"));
    }
}
