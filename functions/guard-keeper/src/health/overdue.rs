//! Devices that may have died at work.
//!
//! A device that dies during an update never reports: metrics of what ended show only survivors.
//! But it stays in progress, and if it does so far longer than the others took, it is *overdue*.

use tripline::metric::DownloadTime;
use tripline_guard::coverage::OVERDUE_FROM;

/// How many executions have to have finished before their times say anything.
pub const MIN_FINISHED: usize = 20;
/// Overdue from so many times the 95th percentile of the others' finish times.
pub const TIMES: i64 = 3;
/// Nothing is overdue before this, in seconds, however short a download may be: a device reboots.
pub const MIN_SECONDS: i64 = 600;
/// People are alerted from so many overdue devices on ...
pub const MIN_OVERDUE: u32 = OVERDUE_FROM;
/// ... and from this share of the devices that began, in percent.
pub const MIN_PERCENT: u64 = 5;

/// From how many seconds in progress on an execution is overdue: three times what 95 of a hundred
/// that finished needed, and not before `download_limit` (seconds that a download may take), because
/// those that have finished are at first the quickest. Until twenty have, twice `download_limit`, or
/// a firmware that kills every device would never be seen.
pub fn limit(finish_times: &[i64], download_limit: f64) -> i64 {
    let tolerated = (download_limit.min(DownloadTime::MAX) as i64).max(MIN_SECONDS);
    if finish_times.len() < MIN_FINISHED {
        return tolerated * 2;
    }
    let mut sorted = finish_times.to_vec();
    sorted.sort_unstable();
    let place = (sorted.len() * 95).div_ceil(100).saturating_sub(1);
    let slow = sorted.get(place).copied().unwrap_or_default();
    slow.saturating_mul(TIMES).max(tolerated)
}

/// How many are overdue, of executions that have been in progress for so many seconds.
pub fn count(in_progress: impl IntoIterator<Item = i64>, limit: i64) -> u32 {
    let overdue = in_progress.into_iter().filter(|seconds| *seconds > limit).count();
    u32::try_from(overdue).unwrap_or(u32::MAX)
}

/// How many there are of `total`, if so many are among the `seen` that were looked at.
pub fn scaled(overdue: u32, seen: u32, total: u32) -> u32 {
    let all = u64::from(overdue) * u64::from(total.max(seen)) / u64::from(seen.max(1));
    u32::try_from(all).unwrap_or(u32::MAX)
}

/// Whether people should look: of every fleet some devices are switched off at work.
pub fn worry(overdue: u32, ended: u32) -> bool {
    let began = u64::from(overdue) + u64::from(ended);
    overdue >= MIN_OVERDUE && u64::from(overdue) * 100 >= began * MIN_PERCENT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_follows_what_the_others_needed() {
        for (finish_times, expected) in [
            // Nobody has finished, or too few.
            (vec![], 7_200),
            (vec![60; 19], 7_200),
            // Quick devices, or those of a slow fleet that were the first.
            (vec![60; 20], 3_600),
            (vec![1_400; 20], 4_200),
            // 5 of 100 are slow: the 95th is not.
            ([vec![1_300; 95], vec![9_000; 5]].concat(), 3_900),
            ([vec![1_300; 94], vec![9_000; 6]].concat(), 27_000),
        ] {
            assert_eq!(limit(&finish_times, 3_600.0), expected, "{finish_times:?}");
        }
        assert_eq!((limit(&[], 1.0), limit(&[1; 20], 1.0)), (1_200, 600));
        assert_eq!(limit(&[i64::MAX; 20], 1.0), i64::MAX);
        assert_eq!(limit(&[], f64::MAX), 1_209_600);
    }

    #[test]
    fn who_is_longer_at_it_is_overdue() {
        assert_eq!(count([0, 899, 900, 901, 86_400], 900), 2);
        assert_eq!(count([], 900), 0);
    }

    #[test]
    fn a_sample_stands_for_all() {
        assert_eq!(scaled(600, 1_000, 50_000), 30_000);
        assert_eq!(scaled(3, 10, 10), 3);
        // More were seen than there were a moment before.
        assert_eq!((scaled(3, 10, 5), scaled(0, 0, 7)), (3, 0));
        assert_eq!(scaled(u32::MAX, 1, u32::MAX), u32::MAX);
    }

    #[test]
    fn a_few_in_a_large_fleet_worry_nobody() {
        for (overdue, ended, expected) in [
            (0, 0, false),
            (4, 0, false),
            (5, 0, true),
            (5, 95, true),
            (5, 96, false),
            (50, 10_000, false),
            (600, 10_000, true),
            (u32::MAX, u32::MAX, true),
        ] {
            assert_eq!(worry(overdue, ended), expected, "{overdue} of {ended}");
        }
    }
}
