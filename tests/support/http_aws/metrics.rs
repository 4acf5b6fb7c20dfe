//! CloudWatch's metrics. What `PutMetricData` takes is known to `crates/aws-models`.

use serde_json::Value;

use super::account::Account;

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

    pub(super) fn put_metric_data(&mut self, asked: &Value) -> Value {
        let datums = asked["MetricData"].as_array().into_iter().flatten();
        self.metrics.extend(datums.map(|datum| read(text(asked, "Namespace"), datum)));
        serde_json::json!({})
    }
}

fn text(of: &Value, key: &str) -> String {
    of[key].as_str().unwrap_or_default().to_owned()
}

fn read(namespace: String, datum: &Value) -> Datum {
    let numbers = |key: &str| -> Vec<f64> {
        datum[key].as_array().into_iter().flatten().filter_map(Value::as_f64).collect()
    };
    let (mut values, mut counts) = (numbers("Values"), numbers("Counts"));
    values.extend(datum["Value"].as_f64());
    if counts.is_empty() {
        counts = vec![1.0; values.len()];
    }
    Datum {
        namespace,
        name: text(datum, "MetricName"),
        dimension: text(&datum["Dimensions"][0], "Value"),
        values: values.into_iter().zip(counts).collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_count_as_often_as_they_came() {
        let mut account = Account::default();
        let datum = |more: Value| {
            let mut datum = json!({
                "MetricName": "downloadTime", "Dimensions": [{"Name": "jobId", "Value": "fw"}],
            });
            for (key, value) in more.as_object().unwrap() {
                datum[key] = value.clone();
            }
            datum
        };
        account.put_metric_data(&json!({"Namespace": "n", "MetricData": [
            datum(json!({"Values": [2.0, 3.0], "Counts": [1.0, 2.0]})),
            datum(json!({"Values": [4.0]})),
            datum(json!({"Value": 5.0})),
        ]}));
        assert!((account.sum_of("downloadTime", "fw") - 17.0).abs() < 1e-9);
    }
}
