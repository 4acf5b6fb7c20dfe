//! The alarms of a job that brings none: the stack's default guard.

use tripline::alarm::{
    AlarmDefinition, AlarmName, Evaluation, Limit, MinSamples, MissingData, Percentile, Period,
    Statistic, Topic,
};
use tripline::evidence::Limits;
use tripline::metric::{DownloadTime, Metric, NAMESPACE};
use tripline::text::{excerpt, nearest};
use tripline_config::EvidenceConfig;

use super::alarm::{FailureRate, GuardAlarm};
use super::evidence;
use super::small::{Healthy, least_devices, small_rule};
use super::tags::{JobTags, Tagged};

/// How the names of the default guard's alarms begin, to distinguish them from a job's own.
pub const DEFAULT_PREFIX: &str = "default-";
/// The length of a period of downloads: they are compared by a percentile, which takes many.
const DOWNLOAD_PERIOD: u32 = 600;

/// The stack's default guard: its parameters, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct DefaultGuard {
    values: Values,
    topics: Vec<Topic>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Values {
    download_limit: f64,
    percentile: Percentile,
    n: u32,
    m: u32,
    min_samples: MinSamples,
    failure_limit: f64,
    min_executions: MinSamples,
    evidence: Declared,
}

/// What evidence is compared with where nobody declared anything.
#[derive(Debug, Clone, PartialEq)]
struct Declared {
    /// Whether evidence stops the rollout, or alerts people.
    stops: bool,
    /// By age in minutes, the share that may be unfinished.
    unfinished: Vec<(u32, f64)>,
    failed: f64,
    false_stops: f64,
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
    pub(super) fn new(key: &str, value: &str, expected: impl Into<String>) -> Self {
        Self { key: excerpt(key), value: excerpt(value), expected: expected.into() }
    }
}

/// The default guard's parameters.
pub const KEYS: [&str; 11] = [
    "DownloadTimeUpperLimit",
    "DownloadTimePercentile",
    "DownloadTimeEvaluationPeriod",
    "DownloadTimeDatapointsToAlarm",
    "DownloadTimeMinSamples",
    "FailureRateUpperLimit",
    "FailureRateMinExecutions",
    "EvidenceAction",
    "EvidenceUnfinishedLimits",
    "EvidenceFailedLimit",
    "EvidenceFalseStops",
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
    pub(super) fn recommended() -> Option<Self> {
        Some(Self {
            download_limit: 3_600.0,
            percentile: Percentile::parse("97")?,
            n: 3,
            m: 3,
            min_samples: MinSamples::new(100).ok()?,
            failure_limit: 20.0,
            min_executions: MinSamples::new(50).ok()?,
            evidence: Declared {
                stops: false,
                unfinished: vec![(60, 0.03), (75, 0.02)],
                failed: EvidenceConfig::FAILED,
                false_stops: EvidenceConfig::FALSE_STOPS,
            },
        })
    }

    /// Takes one value over; what cannot be leaves everything as it was.
    pub(super) fn set(&mut self, key: &str, text: &str) -> Result<(), InvalidValue> {
        let fault = |expected: &str| InvalidValue::new(key, text, expected);
        let number = |range: std::ops::Range<f64>| {
            text.parse::<f64>().ok().filter(|number| range.contains(number))
        };
        let count = || text.parse().ok().and_then(|it| MinSamples::new(it).ok());
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
            "EvidenceAction" => {
                self.evidence.stops = match text {
                    "stop" => true,
                    "alert" => false,
                    _ => return Err(fault("`alert` or `stop`")),
                };
            }
            "EvidenceUnfinishedLimits" => {
                self.evidence.unfinished = unfinished_limits(text)
                    .ok_or_else(|| fault("`minutes:percent` pairs, such as `60:3 75:2`"))?;
            }
            "EvidenceFailedLimit" => {
                let percent = number(0.01..99.991);
                self.evidence.failed =
                    percent.ok_or_else(|| fault("percent, 0.01 to 99.99"))? / 100.0;
            }
            "EvidenceFalseStops" => {
                let percent = number(0.0001..50.0001);
                self.evidence.false_stops =
                    percent.ok_or_else(|| fault("percent, 0.0001 to 50"))? / 100.0;
            }
            _ => {
                let hint = nearest(key, &KEYS).unwrap_or("one of the default guard's parameters");
                return Err(fault(hint));
            }
        }
        Ok(())
    }

    /// The tighter of both, value by value. N stays: a longer look back can lengthen the periods.
    fn tightened_by(&self, other: &Self) -> Self {
        let percentile = match self.percentile.get() >= other.percentile.get() {
            true => self.percentile,
            false => other.percentile,
        };
        Self {
            download_limit: self.download_limit.min(other.download_limit),
            percentile,
            n: self.n,
            m: self.m.min(other.m),
            min_samples: self.min_samples.min(other.min_samples),
            failure_limit: self.failure_limit.min(other.failure_limit),
            min_executions: self.min_executions.min(other.min_executions),
            evidence: self.evidence.tightened_by(&other.evidence),
        }
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

impl Declared {
    /// The tighter of both: whether it stops. Limits stay, because other ones would begin evidence again.
    fn tightened_by(&self, other: &Self) -> Self {
        Self { stops: self.stops || other.stops, ..self.clone() }
    }
}

/// Pairs as `60:3 75:2`, separated by blanks, commas or, in a tag that can have neither, slashes.
fn unfinished_limits(text: &str) -> Option<Vec<(u32, f64)>> {
    let pairs = text.split([' ', ',', '/']).filter(|pair| !pair.is_empty());
    let pairs: Option<Vec<(u32, f64)>> = pairs
        .map(|pair| {
            let (age, share) = pair.split_once(':')?;
            let age = age.parse().ok().filter(|age| (1..=Limits::MAX_AGE).contains(age))?;
            let share = share.parse::<f64>().ok().filter(|share| (0.0..99.99).contains(share))?;
            Some((age, share / 100.0))
        })
        .collect();
    let rise = |pair: &[(u32, f64)]| match pair {
        [(age, share), (next, then)] => age < next && share >= then,
        _ => false,
    };
    pairs.filter(|pairs| {
        (1..=Limits::MAX_RUNGS).contains(&pairs.len()) && pairs.windows(2).all(rise)
    })
}

impl DefaultGuard {
    /// The guard with these parameters; one that is not given is as recommended.
    ///
    /// # Errors
    /// The first value that cannot be: a stack's parameters are its operator's to fix.
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

    /// The guard with these parameters and values, the last of each counting; one that is not given is as
    /// recommended.
    ///
    /// # Errors
    /// As [`DefaultGuard::new`], and for a parameter that there is none of, with the nearest there is.
    pub fn from_settings(
        topics: Vec<Topic>,
        settings: &[(String, String)],
    ) -> Result<Self, InvalidValue> {
        let mut guard = Self::new(topics, |_| None)?;
        for (parameter, text) in settings {
            guard.values.set(parameter, text)?;
        }
        guard.values.fit()?;
        Ok(guard)
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
        let tags = JobTags::read(tags);
        self.honoring(&tags, &tags)
    }

    /// What a job's tags make of it: those that it had when it was first seen, and of those that it has
    /// now only what makes the guard tighter. So whoever may tag a job cannot disarm it while it runs.
    pub fn honoring(&self, first: &JobTags, now: &JobTags) -> Tagged {
        let (at_first, _) = self.tagged(first);
        let (today, fault) = self.tagged(now);
        let mut faults = now.faults.clone();
        faults.extend(fault);
        Tagged {
            opted_out: first.is_off() && now.is_off(),
            opted_out_late: !first.is_off() && now.is_off(),
            opted_in: first.is_on() || now.is_on(),
            count_rejected: first.count_rejected(now),
            guard: Self { values: at_first.values.tightened_by(&today.values), ..at_first },
            faults,
        }
    }

    fn tagged(&self, tags: &JobTags) -> (Self, Option<InvalidValue>) {
        let mut guard = self.clone();
        for (parameter, value) in tags.values() {
            // They were read by the same rules.
            let _ = guard.values.set(parameter, value);
        }
        let fault = guard.values.fit().err();
        if fault.is_some() {
            (guard.values.m, guard.values.n) = (self.values.m, self.values.n);
        }
        (guard, fault)
    }

    /// How long a download may take, in seconds.
    pub fn download_limit(&self) -> f64 {
        self.values.download_limit
    }

    /// The limits by which evidence of a job is computed that declares none, and whom it alerts: until an
    /// operator has declared what a healthy rollout is, it stops nothing.
    pub fn evidence(&self) -> EvidenceConfig {
        let Declared { stops, unfinished, failed, false_stops } = self.values.evidence.clone();
        let mut topics = self.topics.clone();
        if !stops {
            topics.retain(|topic| *topic != Topic::ForceStop);
        }
        if topics.is_empty() {
            topics.push(Topic::Email);
        }
        EvidenceConfig::declared(unfinished, (failed, false_stops), topics)
    }

    /// The least number of devices of which its failure rate can decide anything.
    pub fn least_devices(&self) -> u32 {
        let usual = self.values.min_executions.get();
        least_devices(self.healthy()).min(usual)
    }

    fn healthy(&self) -> Healthy {
        let Declared { failed, false_stops, .. } = self.values.evidence;
        Healthy { failed, false_stops }
    }

    /// All alarms of it: those of [`DefaultGuard::alarms`], and those on evidence.
    pub fn all_alarms(&self, reach: impl Into<Reach>, has_evidence: bool) -> Vec<GuardAlarm> {
        let mut alarms = self.alarms(reach);
        alarms.extend(evidence::alarms(&self.evidence(), DEFAULT_PREFIX, has_evidence));
        alarms
    }

    /// The failure rate for so many devices. Where they are fewer than its least number, a rule that they can
    /// decide.
    fn failure_rate(&self, devices: Option<u32>) -> (f64, MinSamples) {
        let Values { failure_limit, min_executions, .. } = self.values;
        let few = devices.filter(|devices| *devices < min_executions.get());
        few.and_then(|devices| small_rule(devices, failure_limit, self.healthy()))
            .and_then(|rule| Some((rule.limit, MinSamples::new(rule.least).ok()?)))
            .unwrap_or((failure_limit, min_executions))
    }

    /// The alarms on what devices report and on the failure rate. A job that is too slow for the usual periods
    /// gets longer ones: an alarm that never has its samples is none.
    pub fn alarms(&self, reach: impl Into<Reach>) -> Vec<GuardAlarm> {
        let Values { n, m, min_samples, .. } = self.values;
        let Reach { rate, devices } = reach.into();
        let (limit, min_executions) = self.failure_rate(devices);
        let name = |name: &str| AlarmName::new(&format!("{DEFAULT_PREFIX}{name}")).ok();
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
                limit,
                min_executions,
                topics: self.topics.clone(),
            }))
        };
        download().into_iter().chain(failures()).collect()
    }
}

/// How a job reaches its devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// So many devices a minute at first, 1 to 1,000.
    pub rate: u32,
    /// To so many in all; `None` if that is not known, or may grow.
    pub devices: Option<u32>,
}

impl From<u32> for Reach {
    /// Of a job of which only its rate is known.
    fn from(rate: u32) -> Self {
        Self { rate, devices: None }
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
    Some((
        Period::new(u32::try_from(seconds).ok()?).ok()?,
        MinSamples::new(least.get().min(reports)).ok()?,
    ))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use tripline::job::CountRejected;

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
        let text = include_str!("../../../../examples/dev.ini");
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
            assert_eq!(slow.min_samples, MinSamples::new(100).ok());
        }
        // So many periods of two hours are more than CloudWatch looks back.
        let read = |key: &str| (key == "DownloadTimeEvaluationPeriod").then(|| "144".to_owned());
        let slow = download_at(&DefaultGuard::new(vec![], read).unwrap(), 1);
        assert_eq!((slow.period.seconds(), slow.min_samples), (4_200, MinSamples::new(56).ok()));
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
