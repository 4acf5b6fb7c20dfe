use super::begun::Begun;
use super::ended::Ended;
use crate::evaluation::Series;
use tripline::time::Timestamp;

/// Seconds of two years, the longest that a job can last: no two events of one are farther apart,
/// and a series takes them all.
#[allow(clippy::cast_possible_wrap)]
const LONGEST: i64 = (Series::MAX_BUCKETS as i64 - 1) * 60;
/// The beginning of 2009: AWS IoT Jobs came later, but the samples in its documentation are of
/// 1234567890.
const EARLIEST: i64 = 1_230_768_000;
/// The beginning of 2100.
const LATEST: i64 = 4_102_444_800;

/// Events that are more than two years from most others of their job.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FarAway {
    /// How many.
    pub events: u64,
    /// The line of each and its time; the first [`FarAway::NAMED`] lines.
    pub first: Vec<(u64, Timestamp)>,
}

impl FarAway {
    /// Most lines that are named.
    pub const NAMED: usize = 20;
}

/// Whether an event can have been at this time at all.
#[inline]
pub(super) fn is_plausible(at: Timestamp) -> bool {
    (EARLIEST..LATEST).contains(&at.seconds())
}

/// Leaves the endings within the two years that have the most of them, the later ones of two that
/// have as many; all of them, nearly always. The first and the last time that are left; `None` of
/// nothing.
pub(super) fn leave_most(endings: &mut Vec<Ended>) -> Option<(Timestamp, Timestamp, FarAway)> {
    let times = || endings.iter().map(|ended| ended.at);
    let (first, last) = (times().min()?, times().max()?);
    let mut far_away = FarAway::default();
    if last.seconds_after(first) <= LONGEST {
        return Some((first, last, far_away));
    }
    let (first, last) = fullest(times().collect());
    let mut lines = Vec::new();
    endings.retain(|ended| {
        let is_near = (first..=last).contains(&ended.at);
        if !is_near {
            lines.push((u64::from(ended.line), ended.at));
        }
        is_near
    });
    far_away.events = lines.len() as u64;
    lines.sort_unstable();
    lines.truncate(FarAway::NAMED);
    far_away.first = lines;
    Some((first, last, far_away))
}

/// Leaves the executions that began within two years of the first ending that was left.
pub(super) fn leave_near(begun: &mut Vec<Begun>, first: Timestamp) {
    begun.retain(|begun| begun.at.seconds_after(first).abs() <= LONGEST);
}

/// The first and the last of the times that fit into two years, where these are the most.
fn fullest(mut times: Vec<Timestamp>) -> (Timestamp, Timestamp) {
    times.sort_unstable();
    let mut fullest = (0, Timestamp::from_seconds(0), Timestamp::from_seconds(0));
    let mut from = 0;
    for (place, last) in times.iter().enumerate() {
        let too_far = |first: &&Timestamp| last.seconds_after(**first) > LONGEST;
        from += times.iter().skip(from).take_while(too_far).count();
        if let Some(first) = times.get(from) {
            fullest = fullest.max((place + 1 - from, *first, *last));
        }
    }
    (fullest.1, fullest.2)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const YEAR: i64 = 366 * 86_400;

    fn times(seconds: &[i64]) -> Vec<Timestamp> {
        seconds.iter().map(|seconds| Timestamp::from_seconds(*seconds)).collect()
    }

    #[test]
    fn the_two_years_with_the_most_events_are_the_recording_s() {
        let of = |seconds: &[i64]| {
            let (first, last) = fullest(times(seconds));
            (first.seconds(), last.seconds())
        };
        assert_eq!(of(&[0, 9 * YEAR, 9 * YEAR + 5]), (9 * YEAR, 9 * YEAR + 5));
        assert_eq!(of(&[20 * YEAR, 5, 0, 9 * YEAR, 6]), (0, 6));
        assert_eq!(of(&[0, LONGEST, LONGEST + 1]), (LONGEST, LONGEST + 1));
        assert_eq!(of(&[0, 3 * YEAR]), (3 * YEAR, 3 * YEAR), "the later one of as many");
    }

    #[test]
    fn times_before_and_long_after_aws_iot_jobs_are_not_plausible() {
        for (seconds, plausible) in [
            (EARLIEST - 1, false),
            (EARLIEST, true),
            (1_790_000_000, true),
            (LATEST - 1, true),
            (LATEST, false),
            (0, false),
            (i64::MIN, false),
        ] {
            assert_eq!(is_plausible(Timestamp::from_seconds(seconds)), plausible, "{seconds}");
        }
    }

    proptest! {
        #[test]
        fn no_other_two_years_have_more(seconds in prop::collection::vec(0..10 * YEAR, 1..40)) {
            let within = |from: i64| seconds.iter().filter(|at| (from..=from + LONGEST).contains(*at)).count();
            let (first, last) = fullest(times(&seconds));
            prop_assert!(last.seconds_after(first) <= LONGEST);
            let most = seconds.iter().map(|from| within(*from)).max();
            prop_assert_eq!(Some(within(first.seconds())), most);
        }
    }
}
