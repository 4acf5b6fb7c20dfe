//! `PutMetricAlarm`.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use fancy_regex::Regex;

use super::Rules;
use crate::check::shown;
use crate::given::Given;

/// Longest time that an alarm looks back, in seconds: by periods shorter than an hour, and by longer ones.
const DAY: f64 = 86_400.0;
const WEEK: f64 = 604_800.0;
/// Most metrics, and most expressions.
const MAX_METRICS: usize = 10;
/// What a metric of math takes the place of.
const OF_ONE_METRIC: [&str; 6] =
    ["Namespace", "Dimensions", "Period", "Unit", "Statistic", "ExtendedStatistic"];

static EXTENDED: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"^(?:(?:p|tm|tc|ts|wm)(?:100|\d{1,2}(?:\.\d{1,10})?)|IQM|PR\([\d.]*:[\d.]*\)|(?:TM|TC|TS|WM)\([\d.]*%?:[\d.]*%?\))$";
    Regex::new(pattern).expect("a pattern")
});

impl Rules<'_> {
    pub(super) fn put_metric_alarm(&mut self) {
        let name = self.text("AlarmName").unwrap_or_default();
        self.check(!name.chars().any(|c| c.is_ascii_control()), || {
            format!("AlarmName: {}: a control character", shown(name))
        });
        self.one_of(&["MetricName", "Metrics", "EvaluationCriteria"]);
        if self.has("EvaluationCriteria") {
            // Which Tripline does not use.
            return;
        }
        for needed in ["ComparisonOperator", "EvaluationPeriods"] {
            self.check(self.has(needed), || format!("{needed}: missing"));
        }
        self.one_of(&["Threshold", "ThresholdMetricId"]);
        let is_finite = self.number("Threshold").is_none_or(f64::is_finite);
        self.check(is_finite, || "Threshold: not finite".to_owned());
        if let Some(missing) = self.text("TreatMissingData") {
            let is_known = ["breaching", "notBreaching", "ignore", "missing"].contains(&missing);
            self.check(is_known, || format!("TreatMissingData: {}", shown(missing)));
        }
        if self.has("Metrics") {
            self.metrics();
        } else if self.has("MetricName") {
            self.metric();
        }
        self.dimensions(self.input, "");
        self.low_samples();
        self.window();
    }

    fn metric(&mut self) {
        self.one_of(&["Statistic", "ExtendedStatistic"]);
        for needed in ["Namespace", "Period"] {
            self.check(self.has(needed), || format!("{needed}: missing"));
        }
        if let Some(statistic) = self.text("ExtendedStatistic") {
            let is_one = EXTENDED.is_match(statistic).unwrap_or_default();
            self.check(is_one, || format!("ExtendedStatistic: {}", shown(statistic)));
        }
    }

    fn metrics(&mut self) {
        for other in OF_ONE_METRIC {
            self.check(!self.has(other), || format!("{other}: beside Metrics"));
        }
        let all = self.items("Metrics");
        let (metrics, expressions): (Vec<_>, Vec<_>) =
            all.iter().partition(|of| of.get("MetricStat").is_some());
        let fits = metrics.len() <= MAX_METRICS && expressions.len() <= MAX_METRICS;
        self.check(fits, || {
            format!(
                "Metrics: {} metrics and {} expressions (expected at most {MAX_METRICS} of each)",
                metrics.len(),
                expressions.len()
            )
        });
        let is_returned = |of: &&Given| of.get("ReturnData") != Some(&Given::Bool(false));
        let returned = all.iter().filter(is_returned).count();
        self.check(returned == 1, || format!("Metrics: {returned} return data (expected one)"));
        self.queries("Metrics");
    }

    /// Rules of each query of metrics.
    pub(super) fn queries(&mut self, name: &str) {
        let mut ids = BTreeSet::new();
        for query in self.items(name) {
            let id = query.get("Id").and_then(Given::text).unwrap_or_default();
            let is_id = id.starts_with(|c: char| c.is_ascii_lowercase())
                && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            self.check(is_id, || {
                format!(
                    "{name}: Id {} (expected a lower-case letter, then letters, digits and _)",
                    shown(id)
                )
            });
            self.check(ids.insert(id), || format!("{name}: Id {} twice", shown(id)));
            let kinds = ["MetricStat", "Expression"]
                .iter()
                .filter(|kind| query.get(kind).is_some())
                .count();
            self.check(kinds == 1, || {
                format!("{name}: {id}: {kinds} of MetricStat, Expression (expected one)")
            });
            if let Some(metric) = query.get("MetricStat").and_then(|stat| stat.get("Metric")) {
                self.dimensions(metric, id);
            }
        }
    }

    pub(super) fn dimensions(&mut self, of: &Given, at: &str) {
        let dimensions = of.get("Dimensions").map_or(&[][..], Given::items);
        let mut names = BTreeSet::new();
        for dimension in dimensions {
            let text = |name| dimension.get(name).and_then(Given::text).unwrap_or_default();
            let (name, value) = (text("Name"), text("Value"));
            let is_shown = |text: &str| {
                text.is_ascii()
                    && !text.trim().is_empty()
                    && !text.contains(|c: char| c.is_control())
            };
            let is_good = is_shown(name) && is_shown(value) && !name.starts_with(':');
            self.check(is_good, || {
                format!(
                    "{at}Dimensions: {} = {} (expected visible ASCII)",
                    shown(name),
                    shown(value)
                )
            });
            self.check(names.insert(name), || format!("{at}Dimensions: {} twice", shown(name)));
        }
    }

    fn low_samples(&mut self) {
        let Some(what) = self.text("EvaluateLowSampleCountPercentile") else { return };
        let is_known = ["evaluate", "ignore"].contains(&what);
        self.check(is_known, || format!("EvaluateLowSampleCountPercentile: {}", shown(what)));
        let is_percentile = self.text("ExtendedStatistic").is_some_and(|of| of.starts_with('p'));
        self.check(is_percentile, || {
            "EvaluateLowSampleCountPercentile: of no percentile".to_owned()
        });
    }

    /// How far it looks back, and of how much of it that it takes.
    fn window(&mut self) {
        let of_query = |query: &Given| {
            let period = query.get("Period").or_else(|| query.get("MetricStat")?.get("Period"));
            period.and_then(Given::number)
        };
        let periods: Vec<f64> = self
            .number("Period")
            .into_iter()
            .chain(self.items("Metrics").iter().filter_map(of_query))
            .collect();
        for period in &periods {
            let is_one =
                [10.0, 20.0, 30.0].contains(period) || (*period > 0.0 && period % 60.0 == 0.0);
            self.check(is_one, || {
                format!("Period: {period} (expected 10, 20, 30 or a multiple of 60)")
            });
        }
        let of = self.number("EvaluationPeriods").unwrap_or(1.0);
        let longest = periods.into_iter().fold(0.0, f64::max);
        let most = if longest < 3_600.0 { DAY } else { WEEK };
        self.check(longest * of <= most, || {
            format!("Period x EvaluationPeriods: {} (expected at most {most})", longest * of)
        });
        let datapoints = self.number("DatapointsToAlarm").unwrap_or(1.0);
        self.check(datapoints <= of, || format!("DatapointsToAlarm: {datapoints} of {of}"));
    }
}
