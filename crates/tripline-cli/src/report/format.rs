//! Numbers as people read them, and texts from outside made fit for a page.

use tripline::text::clean;
use tripline_simulation::simulation::{Elapsed, Proportion, Quantile};

/// Longest text from outside on a page, in characters: an alarm's reason has at most 1,023.
const LONGEST: usize = 1_100;

/// A text from outside for the content or an attribute of a page: bounded, without control characters. Escaping is
/// the template's work.
pub fn bounded(text: &str) -> String {
    clean(text, LONGEST)
}

/// A whole number with commas: `24,000`.
pub fn count<N: Into<f64>>(number: N) -> String {
    let digits = format!("{:.0}", number.into());
    let (sign, digits) =
        digits.strip_prefix('-').map_or(("", digits.as_str()), |digits| ("-", digits));
    let mut out = sign.to_owned();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number with as many decimals as say something: `3,600`, `12.5`, `0.08`.
pub fn number(number: f64) -> String {
    let decimals = match number.abs() {
        large if large >= 100.0 || large == large.trunc() => return count(number),
        large if large >= 1.0 => 1,
        _ => 3,
    };
    let text = format!("{number:.decimals$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// Minutes since the rollout began: `74.3`.
pub fn minutes(elapsed: Elapsed) -> String {
    number_of_minutes(elapsed.minutes())
}

/// Minutes: `74.3`, from 1,000 on whole ones.
pub fn number_of_minutes(minutes: f64) -> String {
    if minutes >= 1_000.0 { count(minutes) } else { number((minutes * 10.0).round() / 10.0) }
}

/// A number of things: `1 minute`, `74.3 minutes`.
pub fn counted(number: &str, noun: &str) -> String {
    format!("{number} {noun}{}", if number == "1" { "" } else { "s" })
}

/// A share: `12.8 %`.
pub fn percent(share: f64) -> String {
    format!("{} %", plain_percent(share))
}

fn plain_percent(share: f64) -> String {
    let text = format!("{:.1}", share * 100.0);
    text.strip_suffix(".0").unwrap_or(&text).to_owned()
}

/// A share with its interval: `12.8 % (10.8 to 15.1)`.
pub fn proportion(share: Proportion) -> String {
    let (low, high) = share.interval();
    format!("{} ({} to {})", percent(share.estimate()), plain_percent(low), plain_percent(high))
}

/// A quantile with its interval: `1,234 (1,201 to 1,280)`.
pub fn quantile(quantile: Quantile, format: fn(f64) -> String) -> String {
    format!("{} ({} to {})", format(quantile.value), format(quantile.low), format(quantile.high))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_digits_that_say_something() {
        assert_eq!(
            [count(0), count(999), count(24_000), count(-1_234_567)],
            ["0", "999", "24,000", "-1,234,567"]
        );
        assert_eq!(
            [3600.0, 12.54, 7.0, 0.0804, 1234.5, 0.0].map(number),
            ["3,600", "12.5", "7", "0.08", "1,234", "0"]
        );
        assert_eq!(minutes(Elapsed::from_seconds(4_455)), "74.3");
        assert_eq!([counted("1", "run"), counted("1.1", "run")], ["1 run", "1.1 runs"]);
        assert_eq!(proportion(Proportion { count: 720, of: 1_000 }), "72 % (69.1 to 74.7)");
    }

    #[test]
    fn hostile_text_is_bounded_and_draws_nothing() {
        assert_eq!(bounded("<b>&\u{202e}\u{0}"), "<b>&??");
        assert_eq!(bounded(&"x".repeat(9_000)).chars().count(), LONGEST);
    }
}
