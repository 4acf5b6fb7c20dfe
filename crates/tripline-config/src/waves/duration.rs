//! Durations such as `90s`, `5m`, `2h`, `3d`.

use super::Waves;

/// Seconds, at most [`Waves::LONGEST`].
pub(super) fn seconds(text: &str) -> Option<u32> {
    let last = text.chars().next_back()?;
    let unit = match last {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    let digits = text.strip_suffix(last)?;
    let is_plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number: u32 = digits.parse().ok().filter(|_| is_plain)?;
    number.checked_mul(unit).filter(|seconds| *seconds <= Waves::LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_a_number_and_a_unit_up_to_a_year() {
        for (text, expected) in [
            ("0s", Some(0)),
            ("90s", Some(90)),
            ("5m", Some(300)),
            ("2h", Some(7_200)),
            ("3d", Some(259_200)),
            ("365d", Some(Waves::LONGEST)),
            ("366d", None),
            ("8761h", None),
            ("4294967295d", None),
            ("60", None),
            ("m", None),
            ("", None),
            ("+5m", None),
            ("-5m", None),
            ("1.5h", None),
            ("5 m", None),
            ("5ḿ", None),
            ("1w", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }
}
