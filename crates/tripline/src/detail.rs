//! The keys of `statusDetails` that become metrics, and the spellings that nearly are one.

use std::fmt;

use crate::metric::Metric;

/// A key of `statusDetails` that Tripline reads: the closed set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Detail {
    /// `downloadTime`
    DownloadTime,
    /// `retryCount`
    RetryCount,
}

impl Detail {
    /// Every one there is.
    pub const ALL: [Self; 2] = [Self::DownloadTime, Self::RetryCount];

    /// Longest key, in bytes, that is compared with the known ones. AWS IoT takes keys of 128 characters.
    pub const MAX_KEY: usize = 64;

    /// The key, as devices have to spell it.
    pub const fn name(self) -> &'static str {
        self.metric().name()
    }

    /// The values that are taken.
    pub const fn expected(self) -> &'static str {
        match self {
            Self::DownloadTime => "a number of seconds from 0 to 604800",
            Self::RetryCount => "a whole number from 0 to 10000",
        }
    }

    /// The metric that it becomes.
    pub const fn metric(self) -> Metric {
        match self {
            Self::DownloadTime => Metric::DownloadTime,
            Self::RetryCount => Metric::RetryCount,
        }
    }

    /// The detail that a metric comes from; `None` of a metric that is counted whatever devices say.
    pub fn of(metric: Metric) -> Option<Self> {
        Self::ALL.into_iter().find(|detail| detail.metric() == metric)
    }

    /// The detail that `key` was meant to be: it is spelled otherwise, by nothing but case, `_`, `-` and
    /// blanks. `downloadTimeMs` is none, since its value has another unit.
    pub fn misspelled(key: &str) -> Option<Self> {
        if key.len() > Self::MAX_KEY {
            return None;
        }
        Self::ALL.into_iter().find(|detail| key != detail.name() && is_alike(key, detail.name()))
    }
}

/// Whether two keys have the same letters in the same order.
fn is_alike(key: &str, name: &str) -> bool {
    let letters = |c: &u8| !matches!(c, b'_' | b'-') && !c.is_ascii_whitespace();
    let folded = key.bytes().filter(letters).map(|c| c.to_ascii_lowercase());
    folded.eq(name.bytes().map(|c| c.to_ascii_lowercase()))
}

impl fmt::Display for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spelling_that_differs_by_case_and_separators_is_a_near_miss() {
        for key in [
            "download_time",
            "DownloadTime",
            "downloadtime",
            "DOWNLOAD_TIME",
            "download-time",
            "Download Time",
            " downloadTime",
            "downloadTime\t",
            "__download--time__",
        ] {
            assert_eq!(Detail::misspelled(key), Some(Detail::DownloadTime), "{key:?}");
        }
        for key in ["retry_count", "RetryCount", "retry count", "RETRYCOUNT"] {
            assert_eq!(Detail::misspelled(key), Some(Detail::RetryCount), "{key:?}");
        }
    }

    #[test]
    fn the_right_key_another_unit_and_another_word_are_no_near_miss() {
        for key in [
            "downloadTime",
            "retryCount",
            "downloadTimeMs",
            "download_time_s",
            "downloadTimes",
            "downloadTim",
            "download",
            "download.time",
            "dοwnloadTime", // a Greek omicron
            "retries",
            "retry",
            "",
            "_",
        ] {
            assert_eq!(Detail::misspelled(key), None, "{key:?}");
        }
        let long = format!("download{}Time", "_".repeat(Detail::MAX_KEY));
        assert_eq!(Detail::misspelled(&long), None);
    }

    #[test]
    fn a_detail_is_its_metric_and_no_outcome_is_a_detail() {
        let of = Metric::ALL.into_iter().filter_map(Detail::of).collect::<Vec<_>>();
        assert_eq!(of, Detail::ALL);
        assert_eq!(Detail::DownloadTime.to_string(), "downloadTime");
    }
}
