//! CloudWatch's metrics: what `PutMetricData` takes, by its page in the API reference, and what is read of it.

use serde_json::{Value, json};

use super::account::{Account, Answer};
use super::now;

/// Most datums of a request.
const MAX_DATUMS: usize = 1_000;
/// Most different values of a datum.
const MAX_VALUES: usize = 150;
/// A value lies within 2^360 on both sides of 0.
const MAX_SIZE: f64 = 2.348_542_582_773_833e108;
/// How far back and ahead a time may be, in seconds.
const MAX_AGE: f64 = 14.0 * 86_400.0;
const MAX_AHEAD: f64 = 2.0 * 3_600.0;

/// A datum that was taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Datum {
    /// Where.
    pub namespace: String,
    /// The metric's name.
    pub name: String,
    /// The value of its one dimension.
    pub dimension: String,
    /// Each value, and how often it came.
    pub values: Vec<(f64, f64)>,
}

impl Datum {
    /// What its values add up to.
    pub fn sum(&self) -> f64 {
        self.values.iter().map(|(value, count)| value * count).sum()
    }
}

impl Account {
    /// The sum of a metric of one dimension.
    pub fn sum_of(&self, name: &str, dimension: &str) -> f64 {
        let datums = self.metrics.iter();
        let datums = datums.filter(|datum| datum.name == name && datum.dimension == dimension);
        datums.map(Datum::sum).sum()
    }

    pub(super) fn put_metric_data(&mut self, asked: &Value) -> Answer {
        let invalid = |what: String| Err((400, "InvalidParameterValue", what));
        let namespace = asked["Namespace"].as_str().unwrap_or_default();
        if !(1..=255).contains(&namespace.len()) || namespace.starts_with("AWS/") {
            return invalid(format!("Namespace: {namespace}"));
        }
        let datums = asked["MetricData"].as_array().cloned().unwrap_or_default();
        if !(1..=MAX_DATUMS).contains(&datums.len()) {
            return invalid(format!("MetricData: {} datums", datums.len()));
        }
        let mut taken = Vec::with_capacity(datums.len());
        for datum in &datums {
            match read(namespace, datum) {
                Ok(datum) => taken.push(datum),
                Err(what) => return invalid(what),
            }
        }
        self.metrics.extend(taken);
        Ok(json!({}))
    }
}

impl Account {
    /// Sums and counts of all that was taken of each query's metric, in one value.
    pub(super) fn get_metric_data(&self, asked: &Value) -> Value {
        let queries = asked["MetricDataQueries"].as_array().into_iter().flatten();
        let results = queries.map(|query| {
            let stat = &query["MetricStat"];
            let metric = &stat["Metric"];
            let job = metric["Dimensions"][0]["Value"].as_str();
            let datums = self.metrics.iter().filter(|datum| {
                metric["MetricName"] == *datum.name
                    && metric["Namespace"] == *datum.namespace
                    && job == Some(&datum.dimension)
            });
            let of = |datum: &Datum| match stat["Stat"].as_str() {
                Some("SampleCount") => datum.values.iter().map(|(_, count)| count).sum(),
                _ => datum.sum(),
            };
            let values: Vec<f64> = datums.map(of).collect();
            let sum: Vec<f64> = values.iter().copied().reduce(|a, b| a + b).into_iter().collect();
            json!({"Id": query["Id"], "StatusCode": "Complete", "Values": sum})
        });
        json!({"MetricDataResults": results.collect::<Vec<_>>()})
    }
}

fn read(namespace: &str, datum: &Value) -> Result<Datum, String> {
    let name = datum["MetricName"].as_str().unwrap_or_default();
    if !(1..=255).contains(&name.len()) {
        return Err(format!("MetricName: {name}"));
    }
    if let Some(at) = datum["Timestamp"].as_f64()
        && !(now() - MAX_AGE..=now() + MAX_AHEAD).contains(&at)
    {
        return Err(format!("Timestamp: {at}"));
    }
    let numbers = |key: &str| -> Vec<f64> {
        datum[key].as_array().into_iter().flatten().filter_map(Value::as_f64).collect()
    };
    let (mut values, mut counts) = (numbers("Values"), numbers("Counts"));
    if let Some(value) = datum["Value"].as_f64() {
        if !values.is_empty() {
            return Err("Value and Values".to_owned());
        }
        values.push(value);
    }
    if counts.is_empty() {
        counts = vec![1.0; values.len()];
    }
    if !(1..=MAX_VALUES).contains(&values.len()) || counts.len() != values.len() {
        return Err(format!("{} values, {} counts", values.len(), counts.len()));
    }
    let fits = |number: &f64| number.is_finite() && number.abs() <= MAX_SIZE;
    if !values.iter().all(fits) || !counts.iter().all(|count| fits(count) && *count >= 0.0) {
        return Err(format!("{name}: not finite, or too large"));
    }
    let dimensions = datum["Dimensions"].as_array().map_or(&[][..], Vec::as_slice);
    if dimensions.len() > 30 {
        return Err(format!("{} dimensions", dimensions.len()));
    }
    let text = |of: &Value, key: &str| of[key].as_str().unwrap_or_default().to_owned();
    for dimension in dimensions {
        let (name, value) = (text(dimension, "Name"), text(dimension, "Value"));
        // Visible ASCII, a name of 1 to 255 characters without a colon before it, a value of 1 to 1,024.
        let is_shown = |text: &str| !text.trim().is_empty() && text.is_ascii();
        if !is_shown(&name) || name.len() > 255 || name.starts_with(':') {
            return Err(format!("dimension {name}"));
        }
        if !is_shown(&value) || value.len() > 1_024 {
            return Err(format!("dimension {name}: {value}"));
        }
    }
    Ok(Datum {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        dimension: dimensions.first().map(|dimension| text(dimension, "Value")).unwrap_or_default(),
        values: values.into_iter().zip(counts).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cloudwatch_takes_is_counted_and_nothing_of_what_it_refuses() {
        let mut account = Account::default();
        let good = json!({
            "MetricName": "downloadTime", "Dimensions": [{"Name": "jobId", "Value": "fw"}],
            "Timestamp": now(), "Values": [2.0, 3.0], "Counts": [1.0, 2.0],
        });
        let put = |account: &mut Account, datums: Value| {
            account.put_metric_data(&json!({"Namespace": "n", "MetricData": datums})).is_ok()
        };
        assert!(put(&mut account, json!([good, good])));
        assert!((account.sum_of("downloadTime", "fw") - 16.0).abs() < 1e-9);
        let with = |key: &str, value: Value| {
            let mut datum = good.clone();
            datum[key] = value;
            datum
        };
        for bad in [
            with("MetricName", json!("")),
            with("Timestamp", json!(now() - 15.0 * 86_400.0)),
            with("Timestamp", json!(now() + 3.0 * 3_600.0)),
            with("Values", json!([])),
            with("Values", json!([1.0])),
            with("Values", json!(vec![1.0; 151])),
            with("Values", json!([1e300, 1.0])),
            with("Value", json!(1.0)),
            with("Counts", json!([1.0, -1.0])),
            with("Dimensions", json!([{"Name": "jobId", "Value": ""}])),
            with("Dimensions", json!([{"Name": "jobId", "Value": "\u{fc}"}])),
        ] {
            assert!(!put(&mut account, json!([good, bad])), "{bad}");
        }
        assert!(!put(&mut account, json!([])));
        assert!(!put(&mut account, json!(vec![good.clone(); 1_001])));
        assert_eq!(account.metrics.len(), 2);
    }
}
