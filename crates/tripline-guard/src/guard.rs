//! The alarms of a job that brings none: the stack's default guard, and what a job's tags change
//! in it.

use std::fmt;

use tripline::alarm::{
    AlarmDefinition, AlarmName, Evaluation, Limit, MinSamples, MissingData, Percentile, Period,
    Statistic, Topic, alarm_name_prefix,
};
use tripline::job::{CountRejected, JobId};
use tripline::metric::{DownloadTime, Metric, NAMESPACE};
use tripline::text::{excerpt, nearest};

/// How the names of the default guard's alarms begin, so that they are told from a job's own.
pub const DEFAULT_PREFIX: &str = "default-";
/// How the keys of Tripline's tags begin.
pub const TAG_PREFIX: &str = "tripline:";
/// The tag that takes a job out of the default guard.
const GUARD_TAG: &str = "tripline:guard";
/// The tag, without its prefix, that says whether rejected executions count as unsuccessful.
const COUNT_REJECTED: &str = "CountRejected";
/// The length of a period of downloads: they are compared by a percentile, which takes many.
const DOWNLOAD_PERIOD: u32 = 600;

/// An alarm that guards a job.
#[derive(Debug, Clone, PartialEq)]
pub enum GuardAlarm {
    /// One statistic of one metric, as a config defines it.
    Config(AlarmDefinition),
    /// The share of executions that end badly.
    FailureRate(FailureRate),
}

impl GuardAlarm {
    /// Its name in the guard.
    pub fn name(&self) -> &AlarmName {
        match self {
            Self::Config(alarm) => &alarm.name,
            Self::FailureRate(alarm) => &alarm.name,
        }
    }

    /// Its name in CloudWatch, for one job.
    pub fn name_for(&self, job: &JobId) -> String {
        format!("{}{}", alarm_name_prefix(job), self.name())
    }

    /// Whom it tells.
    pub fn topics(&self) -> &[Topic] {
        match self {
            Self::Config(alarm) => &alarm.topics,
            Self::FailureRate(alarm) => &alarm.topics,
        }
    }
}

/// The share of executions that failed, were rejected or timed out, of all devices that were told of the
/// job so far: it is never more than what it would come to if all others succeeded, while of those that
/// *ended* nearly all failed in the first minutes of any rollout, because a device refuses at once and
/// succeeds after a download. What was cancelled or removed says nothing of the firmware.
#[derive(Debug, Clone, PartialEq)]
pub struct FailureRate {
    /// Its name in the guard.
    pub name: AlarmName,
    /// In percent, 0 to below 100; more than this breaches.
    pub limit: f64,
    /// As long as fewer devices were told, nothing is decided.
    pub min_executions: MinSamples,
    /// Whom it tells.
    pub topics: Vec<Topic>,
}

impl fmt::Display for FailureRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { limit, min_executions, .. } = self;
        let least = min_executions.get();
        write!(
            f,
            "failed, rejected and timed out executions > {limit} % of notified devices, from {least}"
        )
    }
}

/// The stack's default guard: its parameters, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct DefaultGuard {
    values: Values,
    topics: Vec<Topic>,
}

#[derive(Debug, Clone, PartialEq)]
struct Values {
    download_limit: f64,
    percentile: Percentile,
    n: u32,
    m: u32,
    min_samples: MinSamples,
    failure_limit: f64,
    min_executions: MinSamples,
}

/// A value that one of the default guard's parameters, or a tag of its name, cannot have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` is `{value}` (expected {expected})")]
pub struct InvalidValue {
    /// The parameter or tag.
    pub key: String,
    /// What it is.
    pub value: String,
    /// What it could be.
    pub expected: String,
}

impl InvalidValue {
    fn new(key: &str, value: &str, expected: impl Into<String>) -> Self {
        Self { key: excerpt(key), value: excerpt(value), expected: expected.into() }
    }
}

/// The default guard's parameters.
pub const KEYS: [&str; 7] = [
    "DownloadTimeUpperLimit",
    "DownloadTimePercentile",
    "DownloadTimeEvaluationPeriod",
    "DownloadTimeDatapointsToAlarm",
    "DownloadTimeMinSamples",
    "FailureRateUpperLimit",
    "FailureRateMinExecutions",
];

/// The environment variable that holds a parameter: `DOWNLOAD_TIME_UPPER_LIMIT` for
/// `DownloadTimeUpperLimit`.
pub fn variable_of(parameter: &str) -> String {
    let mut name = String::with_capacity(parameter.len() + 4);
    for character in parameter.chars() {
        if character.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(character.to_ascii_uppercase());
    }
    name
}

impl Values {
    /// The recommended alarm of `examples/dev.ini`, and one in five that fail. Both wait for enough
    /// reports, so that a handful of devices never stops a rollout.
    fn recommended() -> Option<Self> {
        Some(Self {
            download_limit: 3_600.0,
            percentile: Percentile::parse("97")?,
            n: 3,
            m: 3,
            min_samples: MinSamples::new(100)?,
            failure_limit: 20.0,
            min_executions: MinSamples::new(50)?,
        })
    }

    /// Takes one value over; what cannot be leaves everything as it was.
    fn set(&mut self, key: &str, text: &str) -> Result<(), InvalidValue> {
        let fault = |expected: &str| InvalidValue::new(key, text, expected);
        let number = |range: std::ops::Range<f64>| {
            text.parse::<f64>().ok().filter(|number| range.contains(number))
        };
        let count = || text.parse().ok().and_then(MinSamples::new);
        let periods = || text.parse::<u32>().ok().filter(|number| (1..=144).contains(number));
        match key {
            "DownloadTimeUpperLimit" => {
                self.download_limit = number(1.0..DownloadTime::MAX)
                    .ok_or_else(|| fault("seconds, from 1 to below 604800"))?;
            }
            "DownloadTimePercentile" => {
                let digits = text.strip_prefix(['p', 'P']).unwrap_or(text);
                self.percentile =
                    Percentile::parse(digits).ok_or_else(|| fault("a number from 0 to 100"))?;
            }
            "DownloadTimeEvaluationPeriod" => {
                self.n = periods().ok_or_else(|| fault("a whole number from 1 to 144"))?;
            }
            "DownloadTimeDatapointsToAlarm" => {
                self.m = periods().ok_or_else(|| fault("a whole number from 1 to 144"))?;
            }
            "DownloadTimeMinSamples" => {
                self.min_samples = count().ok_or_else(|| fault("a whole number from 1"))?;
            }
            "FailureRateUpperLimit" => {
                self.failure_limit =
                    number(0.0..100.0).ok_or_else(|| fault("percent, from 0 to below 100"))?;
            }
            "FailureRateMinExecutions" => {
                self.min_executions = count().ok_or_else(|| fault("a whole number from 1"))?;
            }
            _ => {
                let hint = nearest(key, &KEYS).unwrap_or("one of the default guard's parameters");
                return Err(fault(hint));
            }
        }
        Ok(())
    }

    /// M may not be more than N.
    fn fit(&self) -> Result<(), InvalidValue> {
        if self.m <= self.n {
            return Ok(());
        }
        let most = format!("at most DownloadTimeEvaluationPeriod, which is {}", self.n);
        Err(InvalidValue::new("DownloadTimeDatapointsToAlarm", &self.m.to_string(), most))
    }
}

impl DefaultGuard {
    /// The guard with these parameters; one that is not given is as recommended.
    ///
    /// # Errors
    /// The first value that cannot be: a stack's parameters are its operator's to mend.
    pub fn new(
        topics: Vec<Topic>,
        read: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, InvalidValue> {
        let never = || InvalidValue::new("", "", "the recommended guard");
        let mut values = Values::recommended().ok_or_else(never)?;
        for key in KEYS {
            if let Some(text) = read(key) {
                values.set(key, &text)?;
            }
        }
        values.fit()?;
        Ok(Self { values, topics })
    }

    /// The guard with the parameters that the environment holds, each in its [`variable_of`].
    ///
    /// # Errors
    /// As [`DefaultGuard::new`].
    pub fn from_environment(
        topics: Vec<Topic>,
        read: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, InvalidValue> {
        Self::new(topics, |parameter| read(&variable_of(parameter)))
    }

    /// What a job's tags make of it. A value that cannot be never disarms: the stack's own stands in
    /// for it.
    pub fn with_tags<'a>(&self, tags: impl IntoIterator<Item = (&'a str, &'a str)>) -> Tagged {
        let mut tagged = Tagged {
            opted_out: false,
            count_rejected: None,
            guard: self.clone(),
            faults: Vec::new(),
        };
        for (key, value) in tags {
            if key == GUARD_TAG {
                match value.trim().to_ascii_lowercase().as_str() {
                    "off" => tagged.opted_out = true,
                    "" | "on" => {}
                    _ => tagged.faults.push(InvalidValue::new(key, value, "`off` or `on`")),
                }
            } else if let Some(parameter) = key.strip_prefix(TAG_PREFIX)
                && nearest(parameter, &[COUNT_REJECTED]).is_some()
            {
                let read = CountRejected::parse(value.trim());
                match read.filter(|_| parameter == COUNT_REJECTED) {
                    Some(read) => tagged.count_rejected = Some(read),
                    None if parameter == COUNT_REJECTED => {
                        tagged.faults.push(InvalidValue::new(key, value, CountRejected::EXPECTED));
                    }
                    None => tagged.faults.push(InvalidValue::new(key, value, COUNT_REJECTED)),
                }
            } else if let Some(parameter) = key.strip_prefix(TAG_PREFIX)
                // A job has other tags of Tripline's, such as where its config is.
                && nearest(parameter, &KEYS).is_some()
                && let Err(fault) = tagged.guard.values.set(parameter, value.trim())
            {
                tagged.faults.push(InvalidValue { key: excerpt(key), ..fault });
            }
        }
        let values = &mut tagged.guard.values;
        if let Err(fault) = values.fit() {
            (values.m, values.n) = (self.values.m, self.values.n);
            tagged.faults.push(fault);
        }
        tagged
    }

    /// How long a download may take, in seconds.
    pub fn download_limit(&self) -> f64 {
        self.values.download_limit
    }

    /// The alarms of it, for a job that comes to `rate` devices a minute at first, 1 to 1,000. A job
    /// that is too slow for the usual periods gets longer ones: an alarm that never has its samples
    /// is none.
    pub fn alarms(&self, rate: u32) -> Vec<GuardAlarm> {
        let Values { n, m, min_samples, min_executions, .. } = self.values;
        let name = |name: &str| AlarmName::new(&format!("{DEFAULT_PREFIX}{name}"));
        let download = || {
            let (period, min_samples) = fitted(DOWNLOAD_PERIOD, min_samples, n, rate)?;
            Some(GuardAlarm::Config(AlarmDefinition {
                name: name("DownloadTime")?,
                namespace: NAMESPACE.to_owned(),
                metric: Metric::DownloadTime.name().to_owned(),
                statistic: Statistic::Percentile(self.values.percentile),
                period,
                threshold: self.values.download_limit,
                limit: Limit::Upper,
                evaluation: Evaluation::new(m, n, period).ok()?,
                missing_data: MissingData::default(),
                // One sample is what any value has.
                min_samples: Some(min_samples).filter(|samples| samples.get() > 1),
                topics: self.topics.clone(),
            }))
        };
        let failures = || {
            Some(GuardAlarm::FailureRate(FailureRate {
                name: name("FailureRate")?,
                limit: self.values.failure_limit,
                min_executions,
                topics: self.topics.clone(),
            }))
        };
        download().into_iter().chain(failures()).collect()
    }
}

/// The shortest period, in steps of the usual one, in which `least` reports come at this rate; four
/// fifths of the devices are counted on. Where CloudWatch allows none so long for N of them, it is
/// the longest, and fewer reports have to do.
fn fitted(usual: u32, least: MinSamples, n: u32, rate: u32) -> Option<(Period, MinSamples)> {
    const HOUR: u64 = 3_600;
    let (rate, step) = (u64::from(rate.max(1)), u64::from(usual));
    let needed = (u64::from(least.get()) * 75).div_ceil(rate);
    let mut seconds = needed.div_ceil(step).max(1) * step;
    if seconds < HOUR && seconds * u64::from(n) > 86_400 {
        seconds = HOUR;
    }
    if seconds >= HOUR {
        seconds = seconds.min(604_800 / u64::from(n.max(1)) / step * step);
    }
    let reports = u32::try_from(rate * seconds / 75).unwrap_or(u32::MAX).max(1);
    Some((Period::new(u32::try_from(seconds).ok()?)?, MinSamples::new(least.get().min(reports))?))
}

/// A default guard as a job's tags have it.
#[derive(Debug, Clone, PartialEq)]
pub struct Tagged {
    /// `tripline:guard` is `off`: the job wants no guard from the stack.
    pub opted_out: bool,
    /// `tripline:CountRejected`: whether rejected executions count as unsuccessful, if it says so.
    pub count_rejected: Option<CountRejected>,
    /// The guard, if it wants one.
    pub guard: DefaultGuard,
    /// Tags that could not be used.
    pub faults: Vec<InvalidValue>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use tripline::rollout::Rate;

    fn guard() -> DefaultGuard {
        DefaultGuard::new(vec![Topic::Email, Topic::ForceStop], |_| None).unwrap()
    }

    fn download(guard: &DefaultGuard) -> AlarmDefinition {
        download_at(guard, Rate::QUOTA)
    }

    #[test]
    fn the_default_is_the_recommended_guard() {
        let text = include_str!("../../../examples/dev.ini");
        let mut recommended = tripline_config::AlarmConfig::parse("dev.ini", text).unwrap().alarms;
        recommended.retain(|alarm| alarm.name.as_str() == "SlowDownloads");
        let mut ours = download(&guard());
        assert_eq!(ours.name.as_str(), "default-DownloadTime");
        ours.name = recommended[0].name.clone();
        assert_eq!(ours, recommended[0]);
        let GuardAlarm::FailureRate(failures) = &guard().alarms(Rate::QUOTA)[1] else { panic!() };
        assert_eq!(
            failures.to_string(),
            "failed, rejected and timed out executions > 20 % of notified devices, from 50"
        );
        assert!(
            guard()
                .alarms(Rate::QUOTA)
                .iter()
                .all(|alarm| alarm.topics().contains(&Topic::ForceStop))
        );
    }

    #[test]
    fn every_parameter_counts_and_an_impossible_one_is_refused() {
        for (key, good, bad) in [
            ("DownloadTimeUpperLimit", "7200", "604800"),
            ("DownloadTimePercentile", "p99.9", "101"),
            ("DownloadTimeEvaluationPeriod", "5", "0"),
            ("DownloadTimeDatapointsToAlarm", "2", "4"),
            ("DownloadTimeMinSamples", "1", "-1"),
            ("FailureRateUpperLimit", "0.5", "100"),
            ("FailureRateMinExecutions", "7", "many"),
        ] {
            let with = |value: &str| {
                let read = |asked: &str| (asked == key).then(|| value.to_owned());
                DefaultGuard::new(guard().topics, read)
            };
            let alarms = |guard: DefaultGuard| guard.alarms(Rate::QUOTA);
            assert_ne!(alarms(with(good).unwrap()), alarms(guard()), "{key}");
            let fault = with(bad).unwrap_err().to_string();
            assert!(fault.starts_with(&format!("`{key}` is `{bad}` (expected ")), "{fault}");
        }
    }

    #[test]
    fn tags_override_what_they_name() {
        let tagged = guard().with_tags([
            ("tripline:DownloadTimeUpperLimit", "7200"),
            ("tripline:DownloadTimeMinSamples", " 1 "),
            ("team", "trackers"),
            ("tripline:config", "s3://bucket/fw/dev.ini"),
        ]);
        assert_eq!((tagged.opted_out, tagged.faults.as_slice()), (false, [].as_slice()));
        let alarm = download(&tagged.guard);
        assert_eq!((alarm.threshold, alarm.min_samples), (7200.0, None));
        let count = |value| guard().with_tags([("tripline:CountRejected", value)]).count_rejected;
        assert_eq!(
            (count(" No "), count("yes")),
            (Some(CountRejected::No), Some(CountRejected::Yes))
        );
        assert!(guard().with_tags([("tripline:guard", "Off")]).opted_out);
        assert!(!guard().with_tags([("tripline:guard", "on")]).opted_out);
    }

    #[test]
    fn a_bad_tag_never_disarms_and_is_said() {
        for (key, value, said) in [
            (
                "tripline:DownloadTimeUpperLimit",
                "1 h",
                "`tripline:DownloadTimeUpperLimit` is `1 h` (expected seconds, from 1 to below 604800)",
            ),
            (
                "tripline:DownloadTimeUperLimit",
                "60",
                "`tripline:DownloadTimeUperLimit` is `60` (expected DownloadTimeUpperLimit)",
            ),
            (
                "tripline:DownloadTimeDatapointsToAlarm",
                "9",
                "`DownloadTimeDatapointsToAlarm` is `9` (expected at most DownloadTimeEvaluationPeriod, which is 3)",
            ),
            (
                "tripline:CountRejected",
                "nope",
                "`tripline:CountRejected` is `nope` (expected `yes` or `no`)",
            ),
            (
                "tripline:CountRejectd",
                "no",
                "`tripline:CountRejectd` is `no` (expected CountRejected)",
            ),
            ("tripline:guard", "of", "`tripline:guard` is `of` (expected `off` or `on`)"),
        ] {
            let tagged = guard().with_tags([(key, value)]);
            assert!(!tagged.opted_out);
            assert_eq!(tagged.guard, guard(), "{key}");
            let faults: Vec<_> = tagged.faults.iter().map(ToString::to_string).collect();
            assert_eq!(faults, [said]);
        }
    }

    fn download_at(guard: &DefaultGuard, rate: u32) -> AlarmDefinition {
        match guard.alarms(rate).remove(0) {
            GuardAlarm::Config(alarm) => alarm,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_slow_rollout_gets_longer_periods() {
        for (rate, seconds) in [
            (Rate::QUOTA, 600),
            (13, 600),
            // Nine tenths of what is needed would come in ten minutes.
            (12, 1_200),
            (5, 1_800),
            (1, 7_800),
            (0, 7_800),
        ] {
            let slow = download_at(&guard(), rate);
            assert_eq!(slow.period.seconds(), seconds, "{rate}");
            assert_eq!(slow.min_samples, MinSamples::new(100));
        }
        // So many periods of two hours are more than CloudWatch looks back.
        let read = |key: &str| (key == "DownloadTimeEvaluationPeriod").then(|| "144".to_owned());
        let slow = download_at(&DefaultGuard::new(vec![], read).unwrap(), 1);
        assert_eq!((slow.period.seconds(), slow.min_samples), (4_200, MinSamples::new(56)));
    }

    proptest! {
        /// Whatever the parameters and the rate, the alarm on downloads gets its samples.
        #[test]
        fn no_default_guard_waits_for_more_than_there_is(
            rate in 1_u32..=1_000,
            n in 1_u32..=144,
            samples in 1_u32..10_000_000,
        ) {
            let read = |key: &str| match key {
                "DownloadTimeEvaluationPeriod" => Some(n.to_string()),
                "DownloadTimeDatapointsToAlarm" => Some("1".to_owned()),
                "DownloadTimeMinSamples" => Some(samples.to_string()),
                _ => None,
            };
            let guard = DefaultGuard::new(vec![], read).unwrap();
            prop_assert_eq!(guard.alarms(rate).len(), 2);
            let alarm = download_at(&guard, rate);
            let least = alarm.min_samples.map_or(1, MinSamples::get);
            prop_assert!(u64::from(rate) * u64::from(alarm.period.seconds()) / 60 >= u64::from(least));
        }
    }
}
