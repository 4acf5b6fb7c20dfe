//! What an alarm watches, in one line: `p99 of downloadTime > 3600 for 3 of 5 x 60 s`.

use std::fmt;

use aws_sdk_cloudwatch::types::{ComparisonOperator, MetricAlarm};
use tripline::alarm::{AlarmDefinition, Limit, MissingData};
use tripline::metric::NAMESPACE;
use tripline::text::excerpt;

use crate::put::{SAMPLES, VALUE};

/// What an alarm watches.
#[derive(Debug, Clone, PartialEq)]
pub struct Watch {
    statistic: String,
    namespace: String,
    metric: String,
    sign: &'static str,
    threshold: f64,
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

impl fmt::Display for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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
