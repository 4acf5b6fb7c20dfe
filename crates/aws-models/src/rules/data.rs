//! `PutMetricData` and `GetMetricData`.

use super::Rules;
use crate::given::Given;

/// Most datums of a request, and values of a datum.
const MAX_DATUMS: usize = 1_000;
const MAX_VALUES: usize = 150;
/// A value lies within 2^360 on both sides of 0.
const MAX_SIZE: f64 = 2.348_542_582_773_833e108;
/// How far back and ahead a time may be, in seconds.
const MAX_AGE: f64 = 14.0 * 86_400.0;
const MAX_AHEAD: f64 = 2.0 * 3_600.0;
/// Most queries of a request, and datapoints of its answer.
const MAX_QUERIES: usize = 500;
const MAX_DATAPOINTS: f64 = 100_800.0;

impl Rules<'_> {
    pub(super) fn put_metric_data(&mut self) {
        let namespace = self.text("Namespace").unwrap_or_default();
        self.check(!namespace.starts_with("AWS/"), || "Namespace: `AWS/` is AWS's own".to_owned());
        let datums = self.items("MetricData");
        self.check((1..=MAX_DATUMS).contains(&datums.len()), || {
            format!("MetricData: {} datums (expected 1 to {MAX_DATUMS})", datums.len())
        });
        for (at, datum) in datums.iter().enumerate() {
            self.datum(datum, &format!("MetricData[{at}]"));
            self.dimensions(datum, &format!("MetricData[{at}]."));
        }
    }

    fn datum(&mut self, datum: &Given, at: &str) {
        if let (Some(time), Some(now)) = (datum.get("Timestamp").and_then(Given::number), self.now)
        {
            let is_near = (now - MAX_AGE..=now + MAX_AHEAD).contains(&time);
            self.check(is_near, || {
                format!("{at}: Timestamp {time} (expected two weeks ago to in two hours)")
            });
        }
        let kinds = ["Value", "Values", "StatisticValues"]
            .iter()
            .filter(|kind| datum.get(kind).is_some())
            .count();
        self.check(kinds == 1, || {
            format!("{at}: {kinds} of Value, Values, StatisticValues (expected one)")
        });
        let numbers = |name: &str| -> Vec<f64> {
            datum.get(name).map_or(&[][..], Given::items).iter().filter_map(Given::number).collect()
        };
        let (values, counts) = (numbers("Values"), numbers("Counts"));
        if datum.get("Values").is_some() {
            self.check((1..=MAX_VALUES).contains(&values.len()), || {
                format!("{at}: {} values (expected 1 to {MAX_VALUES})", values.len())
            });
        }
        let fits = datum.get("Counts").is_none() || counts.len() == values.len();
        self.check(fits, || format!("{at}: {} counts of {} values", counts.len(), values.len()));
        self.check(counts.iter().all(|count| *count >= 0.0), || format!("{at}: a count below 0"));
        let value = datum.get("Value").and_then(Given::number);
        let is_size = |number: &f64| number.is_finite() && number.abs() <= MAX_SIZE;
        self.check(values.iter().chain(&counts).chain(&value).all(is_size), || {
            format!("{at}: not finite, or too large")
        });
        let resolution = datum.get("StorageResolution").and_then(Given::number).unwrap_or(60.0);
        self.check([1.0, 60.0].contains(&resolution), || {
            format!("{at}: StorageResolution {resolution} (expected 1 or 60)")
        });
    }

    pub(super) fn get_metric_data(&mut self) {
        let queries = self.items("MetricDataQueries").len();
        self.check((1..=MAX_QUERIES).contains(&queries), || {
            format!("MetricDataQueries: {queries} (expected 1 to {MAX_QUERIES})")
        });
        self.queries("MetricDataQueries");
        let most = self.number("MaxDatapoints").unwrap_or(MAX_DATAPOINTS);
        self.check(most <= MAX_DATAPOINTS, || {
            format!("MaxDatapoints: {most} (expected at most {MAX_DATAPOINTS})")
        });
        if let (Some(from), Some(to)) = (self.number("StartTime"), self.number("EndTime")) {
            self.check(from < to, || "StartTime: not before EndTime".to_owned());
        }
    }
}
