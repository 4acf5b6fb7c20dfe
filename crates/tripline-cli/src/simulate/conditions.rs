//! What befalls a rollout as a whole, and when its devices fail: options of the command, or the lines
//! of a rollout file, by the same names.

use tripline::text::excerpt;
use tripline_simulation::simulation::{
    Conditions, Drift, Elapsed, InvalidFleet, Lognormal, Offline, Outage, Share,
};

use super::file::Entry;
use super::values::{flag, put, seconds, share, sigma};
use crate::input::duration::whole_minutes;

/// What befalls a rollout; what is not given does not.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Fleet")]
pub struct ConditionOptions {
    /// Median time from beginning to a failure (lognormal) [default: as a download takes]
    #[arg(long, hide_short_help = true, value_name = "TIME", value_parser = seconds)]
    failed_after: Option<f64>,
    /// Sigma of that time [default: 0.5]
    #[arg(long, hide_short_help = true, value_name = "SIGMA", value_parser = sigma)]
    failed_after_sigma: Option<f64>,
    /// Median time after which a device rejects the job (lognormal) [default: at once]
    #[arg(long, hide_short_help = true, value_name = "TIME", value_parser = seconds)]
    rejected_after: Option<f64>,
    /// Sigma of that time [default: 0.5]
    #[arg(long, hide_short_help = true, value_name = "SIGMA", value_parser = sigma)]
    rejected_after_sigma: Option<f64>,
    /// Share of devices that lose their connection on the way
    #[arg(long, hide_short_help = true, value_name = "SHARE", value_parser = share)]
    offline: Option<Share>,
    /// Median time for which they do (lognormal) [default: 3h]
    #[arg(long, hide_short_help = true, value_name = "TIME", value_parser = seconds)]
    offline_median: Option<f64>,
    /// Sigma of that time [default: 0.5]
    #[arg(long, hide_short_help = true, value_name = "SIGMA", value_parser = sigma)]
    offline_sigma: Option<f64>,
    /// In these minutes no device can report anything; it is reported when they are over
    #[arg(long, hide_short_help = true, value_name = "FROM-TO", value_parser = minutes)]
    outage: Option<Outage>,
    /// How rollouts differ: each takes so many times as long, evenly from the range
    #[arg(long, hide_short_help = true, value_name = "FROM-TO", value_parser = factors)]
    drift: Option<(f64, f64)>,
    /// The same of the share that fails
    #[arg(long, hide_short_help = true, value_name = "FROM-TO", value_parser = shares)]
    drift_failed: Option<(Share, Share)>,
    /// The same of the share that never answers
    #[arg(long, hide_short_help = true, value_name = "FROM-TO", value_parser = shares)]
    drift_silent: Option<(Share, Share)>,
    /// Whether the slow devices come before all others [default: in any order]
    #[arg(long, hide_short_help = true, value_name = "BOOL", value_parser = flag)]
    slow_first: Option<bool>,
}

impl ConditionOptions {
    /// The keys of a rollout file.
    pub const KEYS: [&str; 12] = [
        "failed-after",
        "failed-after-sigma",
        "rejected-after",
        "rejected-after-sigma",
        "offline",
        "offline-median",
        "offline-sigma",
        "outage",
        "drift",
        "drift-failed",
        "drift-silent",
        "slow-first",
    ];

    /// Sets the option of this name; `None` if there is none.
    pub fn set(&mut self, Entry { key, value }: &Entry<'_>) -> Option<Result<(), String>> {
        Some(match *key {
            "failed-after" => put(&mut self.failed_after, seconds(value)),
            "failed-after-sigma" => put(&mut self.failed_after_sigma, sigma(value)),
            "rejected-after" => put(&mut self.rejected_after, seconds(value)),
            "rejected-after-sigma" => put(&mut self.rejected_after_sigma, sigma(value)),
            "offline" => put(&mut self.offline, share(value)),
            "offline-median" => put(&mut self.offline_median, seconds(value)),
            "offline-sigma" => put(&mut self.offline_sigma, sigma(value)),
            "outage" => put(&mut self.outage, minutes(value)),
            "drift" => put(&mut self.drift, factors(value)),
            "drift-failed" => put(&mut self.drift_failed, shares(value)),
            "drift-silent" => put(&mut self.drift_silent, shares(value)),
            "slow-first" => put(&mut self.slow_first, flag(value)),
            _ => return None,
        })
    }

    /// These options, and where they say nothing, the others.
    pub fn or(&self, other: &Self) -> Self {
        Self {
            failed_after: self.failed_after.or(other.failed_after),
            failed_after_sigma: self.failed_after_sigma.or(other.failed_after_sigma),
            rejected_after: self.rejected_after.or(other.rejected_after),
            rejected_after_sigma: self.rejected_after_sigma.or(other.rejected_after_sigma),
            offline: self.offline.or(other.offline),
            offline_median: self.offline_median.or(other.offline_median),
            offline_sigma: self.offline_sigma.or(other.offline_sigma),
            outage: self.outage.or(other.outage),
            drift: self.drift.or(other.drift),
            drift_failed: self.drift_failed.or(other.drift_failed),
            drift_silent: self.drift_silent.or(other.drift_silent),
            slow_first: self.slow_first.or(other.slow_first),
        }
    }

    /// What is not the firmware's doing, so that it befalls a healthy rollout as well.
    pub fn faultless(&self) -> Self {
        Self { outage: self.outage, ..Self::default() }
    }

    /// What befalls the rollout.
    pub fn conditions(&self) -> Result<Conditions, InvalidFleet> {
        let time = |median: f64, sigma: Option<f64>| Lognormal::new(median, sigma.unwrap_or(0.5));
        let after = |median: Option<f64>, sigma| median.map(|m| time(m, sigma)).transpose();
        let offline = self.offline.filter(|share| *share > Share::NONE);
        let offline = offline.map(|share| {
            let seconds = time(self.offline_median.unwrap_or(10_800.0), self.offline_sigma)?;
            Ok(Offline { share, seconds })
        });
        Ok(Conditions {
            drift: Drift {
                time: self.drift,
                failing: self.drift_failed,
                silent: self.drift_silent,
            },
            outage: self.outage,
            offline: offline.transpose()?,
            failing_after: after(self.failed_after, self.failed_after_sigma)?,
            rejecting_after: after(self.rejected_after, self.rejected_after_sigma)?,
            slow_first: self.slow_first.unwrap_or(false),
        })
    }
}

/// `FROM-TO`, of which neither is less than 0, nor the second less than the first.
fn range(text: &str) -> Option<(f64, f64)> {
    let (from, to) = text.split_once('-')?;
    let (from, to): (f64, f64) = (from.trim().parse().ok()?, to.trim().parse().ok()?);
    (from >= 0.0 && to >= from && to.is_finite()).then_some((from, to))
}

fn factors(text: &str) -> Result<(f64, f64), String> {
    let found = range(text).filter(|(from, to)| *from >= 0.01 && *to <= 100.0);
    let expected = "0.01 to 100, such as `0.8-1.2`";
    found.ok_or_else(|| format!("`{}` is no range (expected {expected})", excerpt(text)))
}

fn shares(text: &str) -> Result<(Share, Share), String> {
    let found =
        range(text).and_then(|(from, to)| Some((Share::new(from).ok()?, Share::new(to).ok()?)));
    let expected = "0 to 1, such as `0.01-0.03`";
    found.ok_or_else(|| format!("`{}` is no range of shares (expected {expected})", excerpt(text)))
}

fn minutes(text: &str) -> Result<Outage, String> {
    let of = || {
        let (from, to) = text.split_once('-')?;
        let whole = whole_minutes(0, 10_080);
        let (from, to) = (whole(from.trim()).ok()?, whole(to.trim()).ok()?);
        let minutes = |minutes: u32| Elapsed::from_minutes(minutes.into());
        (from < to).then(|| Outage { from: minutes(from), to: minutes(to) })
    };
    let expected = "within the first 7d, such as `30m-45m`; numbers are minutes";
    of().ok_or_else(|| format!("`{}` is no range (expected {expected})", excerpt(text)))
}

#[cfg(test)]
impl ConditionOptions {
    /// An outage and nothing else.
    pub fn outage_of(text: &str) -> Self {
        Self { outage: minutes(text).ok(), ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_go_from_less_to_more_and_stay_within_theirs() {
        assert_eq!(factors("0.8-1.2"), Ok((0.8, 1.2)));
        assert_eq!(factors(" 1 - 1 "), Ok((1.0, 1.0)));
        assert!(shares("0-0.005").is_ok() && minutes("30-45").is_ok());
        for bad in ["", "1", "1.2-0.8", "-1-2", "0-2", "1-inf", "1-NaN", "1-101", "1-2-3"] {
            assert!(factors(bad).is_err(), "{bad}");
        }
        for bad in ["0.1-1.1", "x-1", "0.2-0.1"] {
            assert!(shares(bad).is_err(), "{bad}");
        }
        for bad in ["45-30", "30-30", "0.5-1", "0-10081", "30"] {
            assert!(minutes(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_key_is_an_option_and_what_is_not_given_does_not_befall() {
        let mut options = ConditionOptions::default();
        for key in ConditionOptions::KEYS {
            assert!(options.set(&Entry { key, value: "nonsense" }).unwrap().is_err(), "{key}");
        }
        assert_eq!(options.conditions().unwrap(), Conditions::default());
        assert!(options.set(&Entry { key: "outages", value: "1-2" }).is_none());
    }
}
