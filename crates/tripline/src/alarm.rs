//! What an alarm is: one statistic of one metric of one job, held against a threshold.
//!
//! The limits are CloudWatch's (`PutMetricAlarm`), unless another reason is given.

use std::fmt;
use std::str::FromStr;

use crate::job::JobId;
use crate::text::excerpt;

/// An alarm as the operator's config defines it, not yet bound to a job.
#[derive(Debug, Clone, PartialEq)]
pub struct AlarmDefinition {
    /// Its name in the config.
    pub name: AlarmName,
    /// The namespace of its metric.
    pub namespace: String,
    /// Its metric.
    pub metric: String,
    /// What of the metric's values is looked at.
    pub statistic: Statistic,
    /// The length of a period.
    pub period: Period,
    /// What the statistic is held against.
    pub threshold: f64,
    /// Which side of the threshold breaches.
    pub limit: Limit,
    /// How many breaching periods make an alarm.
    pub evaluation: Evaluation,
    /// What a period without values counts as.
    pub missing_data: MissingData,
    /// A period with fewer values than this decides nothing.
    pub min_samples: Option<MinSamples>,
    /// Who is told, one to five, without repetition.
    pub topics: Vec<Topic>,
}

impl AlarmDefinition {
    /// The alarm's name in CloudWatch for one job, so that two rollouts never overwrite each
    /// other's guard.
    pub fn name_for(&self, job: &JobId) -> String {
        format!("{}{}", alarm_name_prefix(job), self.name)
    }
}

/// How the names of a job's alarms begin. Another job's may begin alike (`fw` and `fw-1`).
pub fn alarm_name_prefix(job: &JobId) -> String {
    format!("tripline-{job}-")
}

/// An alarm's name in the config: 1 to 100 characters, none of them a control character.
///
/// CloudWatch takes names of 255 characters; `tripline-`, the job id and `-` need 74 of them, and a
/// short name leaves an SMS room for the facts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AlarmName(String);

impl AlarmName {
    /// Most characters.
    pub const MAX: usize = 100;

    /// Checks a name.
    pub fn new(name: &str) -> Option<Self> {
        let characters = name.chars().count();
        ((1..=Self::MAX).contains(&characters) && !name.chars().any(char::is_control))
            .then(|| Self(name.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AlarmName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What of a period's values is held against the threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Statistic {
    /// How many there are.
    SampleCount,
    /// Their mean.
    Average,
    /// Their sum.
    Sum,
    /// The smallest.
    Minimum,
    /// The largest.
    Maximum,
    /// A percentile.
    Percentile(Percentile),
}

impl Statistic {
    /// The names that the config takes beside percentiles.
    pub const NAMES: [&'static str; 5] = ["SampleCount", "Average", "Sum", "Minimum", "Maximum"];

    /// Reads `SampleCount`, `Average`, `Sum`, `Minimum`, `Maximum` or `p0.0` to `p100`, without
    /// regard to case.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text.to_ascii_lowercase().as_str() {
            "samplecount" => Self::SampleCount,
            "average" => Self::Average,
            "sum" => Self::Sum,
            "minimum" => Self::Minimum,
            "maximum" => Self::Maximum,
            other => Self::Percentile(Percentile::parse(other.strip_prefix('p')?)?),
        })
    }
}

impl fmt::Display for Statistic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SampleCount => f.write_str("SampleCount"),
            Self::Average => f.write_str("Average"),
            Self::Sum => f.write_str("Sum"),
            Self::Minimum => f.write_str("Minimum"),
            Self::Maximum => f.write_str("Maximum"),
            Self::Percentile(percentile) => percentile.fmt(f),
        }
    }
}

/// A percentile, 0 to 100 with at most two decimals, which every CloudWatch call takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Percentile {
    hundredths: u16,
}

impl Percentile {
    /// Reads a number such as `99` or `99.9`.
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty()
            || whole.len() > 3
            || decimals.len() > 2
            || !digits(whole)
            || !digits(decimals)
        {
            return None;
        }
        let whole: u16 = whole.parse().ok()?;
        let decimals: u16 = format!("{decimals:0<2}").parse().ok()?;
        let hundredths = whole * 100 + decimals;
        (hundredths <= 10_000).then_some(Self { hundredths })
    }

    /// As a number from 0 to 100.
    pub fn get(self) -> f64 {
        f64::from(self.hundredths) / 100.0
    }
}

impl fmt::Display for Percentile {
    /// As CloudWatch writes it: `p99.9`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "p{}", self.get())
    }
}

/// The length of a period in seconds: 10, 20, 30 or a multiple of 60, at most seven days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period(u32);

impl Period {
    /// Longest period, in seconds: an alarm looks back seven days at most.
    pub const MAX: u32 = 604_800;

    /// Checks a number of seconds.
    pub fn new(seconds: u32) -> Option<Self> {
        let allowed =
            matches!(seconds, 10 | 20 | 30) || (seconds > 0 && seconds.is_multiple_of(60));
        (allowed && seconds <= Self::MAX).then_some(Self(seconds))
    }

    /// The seconds.
    pub fn seconds(self) -> u32 {
        self.0
    }
}

/// M of N: an alarm fires when at least `m` of the last `n` periods breach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evaluation {
    m: u32,
    n: u32,
}

/// M and N, or N and the period, that do not go together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEvaluation {
    /// M > N.
    #[error("datapointsToAlarm {m} is more than evaluationPeriods {n}")]
    MoreThanThereAre {
        /// M
        m: u32,
        /// N
        n: u32,
    },
    /// N x period is more than CloudWatch looks back.
    #[error(
        "evaluationPeriods {n} x period {period} is {seconds} seconds (expected at most {most})"
    )]
    LooksTooFarBack {
        /// N
        n: u32,
        /// Seconds of a period.
        period: u32,
        /// N x period.
        seconds: u64,
        /// One day, or seven days for periods of an hour and more.
        most: u64,
    },
}

impl Evaluation {
    /// Checks M (`datapointsToAlarm`) and N (`evaluationPeriods`), both at least 1, for a period.
    /// N x period is at most one day, or seven days for periods of an hour and more.
    pub fn new(m: u32, n: u32, period: Period) -> Result<Self, InvalidEvaluation> {
        if m > n {
            return Err(InvalidEvaluation::MoreThanThereAre { m, n });
        }
        let seconds = u64::from(n) * u64::from(period.seconds());
        let most = if period.seconds() < 3_600 { 86_400 } else { 604_800 };
        if seconds > most {
            let period = period.seconds();
            return Err(InvalidEvaluation::LooksTooFarBack { n, period, seconds, most });
        }
        Ok(Self { m: m.max(1), n: n.max(1) })
    }

    /// M, `datapointsToAlarm`.
    pub fn datapoints_to_alarm(self) -> u32 {
        self.m
    }

    /// N, `evaluationPeriods`.
    pub fn evaluation_periods(self) -> u32 {
        self.n
    }
}

/// Which side of the threshold breaches. A value on the threshold does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Above breaches.
    Upper,
    /// Below breaches.
    Lower,
}

/// What a period without values counts as.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MissingData {
    /// It is left out of account.
    Missing,
    /// The alarm keeps its state.
    Ignore,
    /// It breaches.
    Breaching,
    /// It does not breach. The default, for a rollout reports sparsely and CloudWatch's own default
    /// (`missing`) can alarm on a single point between gaps.
    #[default]
    NotBreaching,
}

impl MissingData {
    /// The names that the config takes, which are CloudWatch's.
    pub const NAMES: [&'static str; 4] = ["missing", "ignore", "breaching", "notBreaching"];

    /// Reads a name without regard to case.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Missing, Self::Ignore, Self::Breaching, Self::NotBreaching]
            .into_iter()
            .find(|treatment| treatment.name().eq_ignore_ascii_case(text))
    }

    /// CloudWatch's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Ignore => "ignore",
            Self::Breaching => "breaching",
            Self::NotBreaching => "notBreaching",
        }
    }
}

/// The fewest values with which a period decides anything: at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct MinSamples(u32);

impl MinSamples {
    /// Checks a number of samples.
    pub fn new(samples: u32) -> Option<Self> {
        (samples >= 1).then_some(Self(samples))
    }

    /// The number.
    pub fn get(self) -> u32 {
        self.0
    }
}

/// Most topics of an alarm.
pub const MAX_TOPICS: usize = 5;

/// Whom an alarm tells.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// `@email`: the stack's topic for e-mail.
    Email,
    /// `@sms`: the stack's topic for SMS.
    Sms,
    /// `@force-stop`: the stack's topic that stops the rollout.
    ForceStop,
    /// Any other topic.
    Arn(TopicArn),
}

impl Topic {
    /// The words for the stack's own topics.
    pub const ALIASES: [&'static str; 3] = ["@email", "@sms", "@force-stop"];

    /// Reads `@email`, `@sms`, `@force-stop` or a topic's ARN.
    pub fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "@email" => Some(Self::Email),
            "@sms" => Some(Self::Sms),
            "@force-stop" => Some(Self::ForceStop),
            _ => TopicArn::new(text).map(Self::Arn),
        }
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Email => f.write_str("@email"),
            Self::Sms => f.write_str("@sms"),
            Self::ForceStop => f.write_str("@force-stop"),
            Self::Arn(arn) => f.write_str(&arn.0),
        }
    }
}

/// The ARN of a standard topic. A FIFO topic delivers to neither functions nor people.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TopicArn(String);

impl TopicArn {
    /// Checks `arn:<partition>:sns:<region>:<12 digits>:<name>`.
    pub fn new(arn: &str) -> Option<Self> {
        let parts: Vec<&str> = arn.split(':').collect();
        let ["arn", partition, "sns", region, account, name] = parts[..] else { return None };
        let word = |text: &str| {
            !text.is_empty()
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        };
        let account_id = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        (partition.starts_with("aws")
            && word(partition)
            && word(region)
            && account_id
            && word(name)
            && name.len() <= 256)
            .then(|| Self(arn.to_owned()))
    }

    /// The ARN.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The topic's name, which is the ARN's end.
    pub fn name(&self) -> &str {
        self.0.rsplit(':').next().unwrap_or_default()
    }
}

/// A text that is no topic's ARN.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no topic (expected the ARN of a standard SNS topic)")]
pub struct NotATopicArn(String);

impl FromStr for TopicArn {
    type Err = NotATopicArn;

    fn from_str(arn: &str) -> Result<Self, Self::Err> {
        Self::new(arn).ok_or_else(|| NotATopicArn(excerpt(arn)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_have_at_most_two_decimals() {
        for (text, shown) in [
            ("p0.0", "p0"),
            ("p50", "p50"),
            ("P99", "p99"),
            ("p99.9", "p99.9"),
            ("p99.95", "p99.95"),
            ("p100", "p100"),
            ("p100.0", "p100"),
        ] {
            assert_eq!(
                Statistic::parse(text).map(|s| s.to_string()),
                Some(shown.to_owned()),
                "{text}"
            );
        }
        for text in
            ["p", "p-1", "p100.1", "p101", "p99.999", "p1e1", "99", "p 9", "pp9", "p.5", "median"]
        {
            assert_eq!(Statistic::parse(text), None, "{text}");
        }
    }

    #[test]
    fn statistics_are_read_without_regard_to_case() {
        for name in Statistic::NAMES {
            let read =
                Statistic::parse(&name.to_uppercase()).map(|statistic| statistic.to_string());
            assert_eq!(read, Some(name.to_owned()));
        }
    }

    #[test]
    fn periods_are_cloudwatch_s() {
        for good in [10, 20, 30, 60, 120, 86_400, 604_800] {
            assert_eq!(Period::new(good).map(Period::seconds), Some(good));
        }
        for bad in [0, 1, 15, 40, 59, 61, 90, 604_860, u32::MAX] {
            assert_eq!(Period::new(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_alarm_looks_back_a_day_or_seven() {
        let evaluation = |m, n, period| Evaluation::new(m, n, Period::new(period).unwrap());
        for good in [(3, 5, 60), (1, 1_440, 60), (1, 24, 3_600), (7, 7, 86_400), (168, 168, 3_600)]
        {
            assert!(evaluation(good.0, good.1, good.2).is_ok(), "{good:?}");
        }
        assert_eq!(
            evaluation(6, 5, 60).unwrap_err().to_string(),
            "datapointsToAlarm 6 is more than evaluationPeriods 5"
        );
        assert_eq!(
            evaluation(1, 1_441, 60).unwrap_err().to_string(),
            "evaluationPeriods 1441 x period 60 is 86460 seconds (expected at most 86400)"
        );
        assert!(evaluation(1, 169, 3_600).is_err());
        assert!(evaluation(1, u32::MAX, 604_800).is_err());
    }

    #[test]
    fn topics_are_aliases_or_standard_arns() {
        for good in [
            "@email",
            "@SMS",
            "@force-stop",
            "arn:aws:sns:eu-west-1:111122223333:on-call",
            "arn:aws-cn:sns:cn-north-1:111122223333:x",
        ] {
            assert!(Topic::parse(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "@mail",
            "on-call",
            "arn:aws:sns:<region>:<aws-account-id>:email-notification",
            "arn:aws:sqs:eu-west-1:111122223333:q",
            "arn:aws:sns:eu-west-1:111122223333:x.fifo",
            "arn:aws:sns:eu-west-1:1111:x",
            "arn:aws:sns:eu-west-1:111122223333:x:sub",
        ] {
            assert_eq!(Topic::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn names_are_bound_to_the_job() {
        let job = JobId::new("fw-1").unwrap();
        assert_eq!(alarm_name_prefix(&job), "tripline-fw-1-");
        assert!(AlarmName::new("").is_none());
        assert!(AlarmName::new("a\nb").is_none());
        assert!(AlarmName::new(&"x".repeat(101)).is_none());
        let longest =
            alarm_name_prefix(&JobId::new(&"j".repeat(64)).unwrap()).len() + AlarmName::MAX;
        assert!(longest <= 255);
    }
}
