//! How long something takes, in words.

/// `45 s`, `12 min`, `3 h 5 min`, `2 d 4 h`.
pub fn words(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min"),
        (0, _, _) => format!("{hours} h {} min", minutes % 60),
        _ => format!("{days} d {} h", hours % 24),
    }
}

/// From one time to a later one; clocks of others may be ahead.
pub fn since(from: i64, now: i64) -> u64 {
    u64::try_from(now.saturating_sub(from)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_words_are_enough() {
        for (seconds, text) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (3_599, "59 min"),
            (11_100, "3 h 5 min"),
            (187_300, "2 d 4 h"),
        ] {
            assert_eq!(words(seconds), text);
        }
        assert_eq!((since(5, 9), since(9, 5)), (4, 0));
    }
}
