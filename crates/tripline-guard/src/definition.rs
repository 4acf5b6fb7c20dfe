//! What an alarm watches that CloudWatch knows: as a definition again, and in one line,
//! `p99 of downloadTime > 3600 for 3 of 5 x 60 s`.

use std::fmt;

use aws_sdk_cloudwatch::types::{ComparisonOperator, MetricAlarm};
use tripline::alarm::{
    AlarmDefinition, AlarmName, Evaluation, Limit, MinSamples, MissingData, Period, Statistic,
    Topic, TopicArn, alarm_name_prefix,
};
use tripline::evidence::Above;
use tripline::job::JobId;
use tripline::metric::{KeptMetric, NAMESPACE};
use tripline::text::excerpt;

use crate::desired::{FailureRate, GuardAlarm};
use crate::observed::{Watched, watched};
use crate::request::{SAMPLES, SHARE, VALUE};

/// The alarm that CloudWatch has, as a config or the default guard would define it; its topics are ARNs.
/// `None` when it is of another kind than Tripline's, or not called as one of this job's.
pub fn definition_of(alarm: &MetricAlarm, job: &JobId) -> Option<GuardAlarm> {
    let name = AlarmName::new(alarm.alarm_name()?.strip_prefix(&alarm_name_prefix(job))?).ok()?;
    let topics = alarm.alarm_actions().iter();
    let topics: Vec<Topic> =
        topics.filter_map(|arn| TopicArn::new(arn).ok().map(Topic::Arn)).collect();
    // It shows no metrics: its tags say whose it is, and no more can be had of it than its description. An answer
    // without metric math is none of CloudWatch's own.
    let described = match watched(alarm) {
        Watched::Unseen => Some(description_of(alarm, job)?),
        Watched::Job(_) | Watched::Other => None,
    };
    let failure_rate = match described {
        Some(rule) => described_failure_rate(alarm, rule, name.clone()),
        None => failure_rate_of(alarm, job),
    };
    if let Some(failure_rate) = failure_rate {
        return Some(GuardAlarm::FailureRate(FailureRate { topics, ..failure_rate }));
    }
    let watch = match described {
        Some(rule) => Watch::from_description(alarm, rule)?,
        None => Watch::from_alarm(alarm)?,
    };
    let period = Period::new(watch.period).ok()?;
    Some(GuardAlarm::Config(AlarmDefinition {
        name,
        statistic: Statistic::parse(&watch.statistic)?,
        period,
        threshold: watch.threshold,
        limit: match watch.sign {
            ">" => Limit::Upper,
            "<" => Limit::Lower,
            _ => return None,
        },
        evaluation: Evaluation::new(watch.m, watch.n, period).ok()?,
        missing_data: match &watch.missing_data {
            None => MissingData::Missing,
            Some(text) => MissingData::parse(text)?,
        },
        min_samples: match watch.min_samples {
            None => None,
            Some(text) => Some(MinSamples::new(text.parse().ok()?).ok()?),
        },
        namespace: watch.namespace,
        metric: watch.metric,
        topics,
    }))
}

/// What the description of an alarm of this job says that it watches.
fn description_of<'a>(alarm: &'a MetricAlarm, job: &JobId) -> Option<&'a str> {
    alarm.alarm_description()?.strip_prefix(&format!("Tripline guards rollout {job}: "))
}

/// The failure rate that a description says; without its topics.
fn described_failure_rate(alarm: &MetricAlarm, rule: &str, name: AlarmName) -> Option<FailureRate> {
    let rest = rule.strip_prefix("failed, rejected and timed out executions > ")?;
    let least = rest.rsplit_once(" % of notified devices, from ")?.1;
    let min_executions = MinSamples::new(least.parse().ok()?).ok()?;
    Some(FailureRate { name, limit: alarm.threshold()?, min_executions, topics: Vec::new() })
}

/// The failure rate that an alarm watches, if that is what its metric math says; without its topics.
pub fn failure_rate_of(alarm: &MetricAlarm, job: &JobId) -> Option<FailureRate> {
    let queries = alarm.metrics();
    let decided = queries.iter().find(|query| query.return_data() == Some(true))?.expression()?;
    let (samples, value) = decided.strip_prefix("IF(notified >= ")?.split_once(", ")?;
    let name = alarm.alarm_name()?.strip_prefix(&alarm_name_prefix(job))?;
    (value == SHARE).then_some(())?;
    Some(FailureRate {
        name: AlarmName::new(name).ok()?,
        limit: alarm.threshold()?,
        min_executions: MinSamples::new(samples.parse().ok()?).ok()?,
        topics: Vec::new(),
    })
}

/// What an alarm of a config watches, in words.
pub fn in_words(alarm: &AlarmDefinition) -> String {
    GuardAlarm::of(alarm.clone()).to_string()
}

impl fmt::Display for GuardAlarm {
    /// What it watches.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(alarm) => Watch::from(alarm).fmt(f),
            Self::FailureRate(alarm) => alarm.fmt(f),
        }
    }
}

/// What an alarm watches.
#[derive(Debug, Clone, PartialEq)]
pub struct Watch {
    pub(crate) statistic: String,
    pub(crate) namespace: String,
    pub(crate) metric: String,
    pub(crate) sign: &'static str,
    pub(crate) threshold: f64,
    m: u32,
    n: u32,
    period: u32,
    min_samples: Option<String>,
    missing_data: Option<String>,
}

impl From<&AlarmDefinition> for Watch {
    fn from(alarm: &AlarmDefinition) -> Self {
        Self {
            statistic: alarm.statistic.to_string(),
            namespace: alarm.namespace.clone(),
            metric: alarm.metric.clone(),
            sign: match alarm.limit {
                Limit::Upper => ">",
                Limit::Lower => "<",
            },
            threshold: alarm.threshold,
            m: alarm.evaluation.datapoints_to_alarm(),
            n: alarm.evaluation.evaluation_periods(),
            period: alarm.period.seconds(),
            min_samples: alarm.min_samples.map(|samples| samples.get().to_string()),
            missing_data: Some(alarm.missing_data.name().to_owned()),
        }
    }
}

impl Watch {
    /// What an alarm watches that CloudWatch knows; `None` when it is of another kind than
    /// Tripline's.
    pub fn from_alarm(alarm: &MetricAlarm) -> Option<Self> {
        let stat = alarm
            .metrics()
            .iter()
            .find(|query| query.id() == Some(VALUE))
            .and_then(|query| query.metric_stat());
        let metric = stat.and_then(|stat| stat.metric());
        let statistic = stat.and_then(|stat| stat.stat()).or(alarm.extended_statistic());
        let number = |number: Option<i32>| number.and_then(|number| u32::try_from(number).ok());
        let n = number(alarm.evaluation_periods())?;
        Some(Self {
            statistic: statistic
                .or_else(|| alarm.statistic().map(|statistic| statistic.as_str()))?
                .to_owned(),
            namespace: metric
                .and_then(|metric| metric.namespace())
                .or(alarm.namespace())?
                .to_owned(),
            metric: metric
                .and_then(|metric| metric.metric_name())
                .or(alarm.metric_name())?
                .to_owned(),
            sign: match alarm.comparison_operator()? {
                ComparisonOperator::GreaterThanThreshold => ">",
                ComparisonOperator::GreaterThanOrEqualToThreshold => ">=",
                ComparisonOperator::LessThanThreshold => "<",
                ComparisonOperator::LessThanOrEqualToThreshold => "<=",
                _ => return None,
            },
            threshold: alarm.threshold()?,
            m: number(alarm.datapoints_to_alarm()).unwrap_or(n),
            n,
            period: number(stat.and_then(|stat| stat.period()).or(alarm.period()))?,
            min_samples: alarm.metrics().iter().find_map(|query| {
                let (_, rest) = query.expression()?.split_once(&format!("{SAMPLES} >= "))?;
                Some(rest.split_once(',')?.0.trim().to_owned())
            }),
            missing_data: alarm.treat_missing_data().map(str::to_owned),
        })
    }
}

impl Watch {
    /// What a description says of an alarm with a least number of samples; the rest is the alarm's own.
    fn from_description(alarm: &MetricAlarm, rule: &str) -> Option<Self> {
        let (statistic, rest) = rule.split_once(" of ")?;
        let (rule, samples) = rest.split_once(" samples")?.0.rsplit_once(" s, from ")?;
        let (rule, period) = rule.rsplit_once(" x ")?;
        let (metric, sign) = [">", "<"]
            .iter()
            .find_map(|sign| Some((rule.split_once(&format!(" {sign} "))?.0, *sign)))?;
        let (namespace, metric) = metric.rsplit_once(' ').unwrap_or((NAMESPACE, metric));
        let n = u32::try_from(alarm.evaluation_periods()?).ok()?;
        Some(Self {
            statistic: statistic.to_owned(),
            namespace: namespace.to_owned(),
            metric: metric.to_owned(),
            sign,
            threshold: alarm.threshold()?,
            m: alarm.datapoints_to_alarm().map_or(Some(n), |m| u32::try_from(m).ok())?,
            n,
            period: period.parse().ok()?,
            min_samples: Some(samples.to_owned()),
            missing_data: Some(alarm.treat_missing_data()?.to_owned()),
        })
    }

    /// An alarm on evidence, or on its absence, as a config makes them: their rule says no more than this.
    fn on_evidence(&self) -> Option<String> {
        let Self { namespace, metric, sign, threshold, m, n, period, .. } = self;
        let is_by_the_minute = Statistic::parse(&self.statistic) == Some(Statistic::Maximum)
            && *period == 60
            && m == n
            && self.min_samples.is_none();
        if namespace != NAMESPACE || metric != KeptMetric::Evidence.name() || !is_by_the_minute {
            return None;
        }
        match (*sign, self.missing_data.as_deref().and_then(MissingData::parse)?) {
            (">", MissingData::NotBreaching) if *n == 1 => Some(Above(*threshold).to_string()),
            ("<", MissingData::Breaching) if *threshold == 0.0 => {
                Some(format!("no evidence for {n} min"))
            }
            _ => None,
        }
    }
}

impl fmt::Display for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(words) = self.on_evidence() {
            return f.write_str(&words);
        }
        let Self { statistic, sign, m, n, period, .. } = self;
        let metric = excerpt(&self.metric);
        write!(f, "{statistic} of ")?;
        if self.namespace != NAMESPACE {
            write!(f, "{} ", excerpt(&self.namespace))?;
        }
        write!(f, "{metric} {sign} {} for {m} of {n} x {period} s", number(self.threshold))?;
        if let Some(samples) = &self.min_samples {
            write!(f, ", from {} samples", excerpt(samples))?;
        }
        match self.missing_data.as_deref() {
            None => Ok(()),
            Some(usual) if usual == MissingData::default().name() => Ok(()),
            Some(other) => write!(f, ", missing data: {}", excerpt(other)),
        }
    }
}

/// A threshold, which may be anything finite, in few characters.
fn number(number: f64) -> String {
    let size = number.abs();
    if size != 0.0 && !(1e-6..1e15).contains(&size) {
        format!("{number:e}")
    } else {
        number.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tripline::alarm::Percentile;

    use super::*;
    use crate::desired::DefaultGuard;
    use crate::request::request_for;
    use crate::testing;

    fn job() -> JobId {
        JobId::new("fw-2-1").unwrap()
    }

    fn shown(alarm: &GuardAlarm) -> MetricAlarm {
        let actions: Vec<_> = alarm.topics().iter().map(ToString::to_string).collect();
        testing::shown(&request_for(alarm, &job(), &actions))
    }

    fn topics() -> Vec<Topic> {
        vec![Topic::Arn(TopicArn::new("arn:aws:sns:us-east-1:111122223333:stop").unwrap())]
    }

    fn definitions() -> impl Strategy<Value = AlarmDefinition> {
        let statistic = prop_oneof![
            Just(Statistic::SampleCount),
            Just(Statistic::Average),
            Just(Statistic::Sum),
            Just(Statistic::Minimum),
            Just(Statistic::Maximum),
            (0_u32..=10_000).prop_map(|of| {
                let text = format!("{}.{:02}", of / 100, of % 100);
                Statistic::Percentile(Percentile::parse(&text).unwrap())
            }),
        ];
        let metric = prop_oneof![Just("downloadTime"), Just("failedCount"), Just("theirs")];
        let namespace = prop_oneof![Just(NAMESPACE), Just("Their:Namespace")];
        let limit = prop_oneof![Just(Limit::Upper), Just(Limit::Lower)];
        let period = prop_oneof![Just(10_u32), Just(60), Just(600), Just(3_600)];
        let missing = prop_oneof![
            Just(MissingData::NotBreaching),
            Just(MissingData::Missing),
            Just(MissingData::Ignore),
            Just(MissingData::Breaching),
        ];
        let samples = proptest::option::of(1_u32..1_000_000);
        let rule = (statistic, metric, namespace, limit, period, missing, samples);
        let numbers = (proptest::num::f64::NORMAL, 1_u32..=24, 1_u32..=24);
        ("[a-zA-Z][a-zA-Z0-9 _-]{0,30}", rule, numbers).prop_map(
            |(
                name,
                (statistic, metric, namespace, limit, period, missing_data, samples),
                (threshold, m, n),
            )| {
                let period = Period::new(period).unwrap();
                AlarmDefinition {
                    name: AlarmName::new(&name).unwrap(),
                    namespace: namespace.to_owned(),
                    metric: metric.to_owned(),
                    statistic,
                    period,
                    threshold,
                    limit,
                    evaluation: Evaluation::new(m.min(n), n, period).unwrap(),
                    missing_data,
                    min_samples: samples.and_then(|it| MinSamples::new(it).ok()),
                    topics: topics(),
                }
            },
        )
    }

    proptest! {
        #[test]
        fn what_cloudwatch_is_asked_for_is_read_again(alarm in definitions()) {
            let alarm = GuardAlarm::Config(alarm);
            prop_assert_eq!(definition_of(&shown(&alarm), &job()), Some(alarm));
        }

        #[test]
        fn what_shows_no_metrics_is_read_by_its_description(alarm in definitions()) {
            let mut unseen = shown(&GuardAlarm::Config(alarm.clone()));
            if alarm.min_samples.is_some() && alarm.namespace == NAMESPACE {
                unseen.metrics = None;
                prop_assert_eq!(definition_of(&unseen, &job()), Some(GuardAlarm::Config(alarm)));
            }
        }

        /// An alarm of a config on the failure rate is the default guard's metric math, in CloudWatch and back.
        #[test]
        fn a_config_s_failure_rate_is_armed_as_metric_math_and_read_again(
            name in "[a-zA-Z -]{1,20}",
            percent in 0.0..100.0_f64,
            least in 1_u32..100_000,
        ) {
            let (name, least) = (AlarmName::new(&name).unwrap(), MinSamples::new(least).unwrap());
            let alarm = AlarmDefinition::on_unsuccessful_rate(name, percent, least, topics());
            let armed = GuardAlarm::of(alarm.clone());
            prop_assert!(matches!(armed, GuardAlarm::FailureRate(_)));
            let there = shown(&armed);
            prop_assert_eq!((there.metric_name(), there.metrics().len()), (None, 3));
            prop_assert_eq!(definition_of(&there, &job()), Some(armed.clone()));
            prop_assert_eq!(armed.into_definition(), alarm);
        }
    }

    fn default_guard() -> [GuardAlarm; 2] {
        DefaultGuard::new(topics(), |_| None).unwrap().alarms(1_000).try_into().unwrap()
    }

    #[test]
    fn the_default_guard_is_read_again_unless_it_is_another_share() {
        for alarm in default_guard() {
            assert_eq!(definition_of(&shown(&alarm), &job()), Some(alarm));
        }
        let [_, failures] = default_guard();
        let mut other = shown(&failures);
        let decided = &mut other.metrics.as_mut().unwrap()[0];
        decided.expression = Some("IF(notified >= 50, 10 * unsuccessful / notified)".to_owned());
        assert_eq!(failure_rate_of(&other, &job()), None);
        other.metrics = None;
        assert_eq!(failure_rate_of(&other, &job()), None);
        let mut unseen = shown(&failures);
        unseen.metrics = None;
        assert_eq!(definition_of(&unseen, &job()), Some(failures));
    }
}
