//! When something was, for people and programs.

use aws_sdk_cloudwatch::primitives::{DateTime, DateTimeFormat};
use tripline::time::Timestamp;
use tripline_simulation::simulation::Elapsed;

/// `2026-09-21T15:02:35Z`; the seconds since 1970 where there is no such date.
pub fn iso(at: Timestamp) -> String {
    let date = DateTime::from_secs(at.seconds()).fmt(DateTimeFormat::DateTime);
    date.unwrap_or_else(|_| at.seconds().to_string())
}

/// `2026-09-21 15:02:35 UTC`
pub fn utc(at: Timestamp) -> String {
    iso(at).replace('T', " ").replace('Z', " UTC")
}

/// From one time to a later one.
pub fn elapsed(from: Timestamp, to: Timestamp) -> Elapsed {
    Elapsed::from_seconds(u64::try_from(to.seconds_after(from)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_utc() {
        let at = Timestamp::from_seconds(1_790_003_755);
        assert_eq!(iso(at), "2026-09-21T15:15:55Z");
        assert_eq!(utc(at), "2026-09-21 15:15:55 UTC");
        assert_eq!(iso(Timestamp::from_seconds(i64::MAX)), i64::MAX.to_string());
        assert_eq!(elapsed(at, Timestamp::from_seconds(1_790_003_815)).minutes(), 1.0);
        assert_eq!(elapsed(at, Timestamp::from_seconds(0)), Elapsed::default());
    }
}
