//! An alarm on the failure rate, as CloudWatch evaluates it: the local AWS evaluates no metric math, so that a test
//! does it in its place, and sends the message that CloudWatch would.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use aws_sdk_cloudwatch::primitives::DateTimeFormat;
use aws_sdk_cloudwatch::types::{
    ComparisonOperator, Metric, MetricAlarm, MetricDataQuery, StateValue, Statistic,
};
use serde_json::{Value, json};
use tripline_tests::proxy::Proxy;

use super::stage::Chain;

/// The name of the default guard's alarm on the failure rate.
pub fn named(job: &str) -> String {
    format!("tripline-{job}-default-FailureRate")
}

/// An alarm, as whoever speaks to AWS through the proxy sees it.
pub async fn seen(proxy: &Proxy, name: &str) -> MetricAlarm {
    let cloudwatch = aws_sdk_cloudwatch::Client::new(&proxy.config());
    let described = cloudwatch.describe_alarms().alarm_names(name).send().await.unwrap();
    described.metric_alarms.unwrap().pop().unwrap_or_else(|| panic!("there is no `{name}`"))
}

/// The least number of notified devices of its rule, and its limit in percent.
pub fn rule(alarm: &MetricAlarm) -> (u32, f64) {
    let expression = alarm.metrics().iter().find_map(MetricDataQuery::expression).unwrap();
    let least = expression.strip_prefix("IF(notified >= ").and_then(|rest| {
        rest.strip_suffix(", 100 * unsuccessful / notified)").and_then(|least| least.parse().ok())
    });
    (least.unwrap_or_else(|| panic!("{expression}")), alarm.threshold().unwrap())
}

/// Evaluates it by the last minute that has both counts. Where it breaches, its state changes, and its actions run.
/// Returns the share in percent, if enough devices were notified.
pub async fn evaluate(chain: &Chain<'_>, proxy: &Proxy, name: &str) -> Option<f64> {
    let alarm = seen(proxy, name).await;
    let (least, limit) = rule(&alarm);
    assert_eq!(alarm.comparison_operator(), Some(&ComparisonOperator::GreaterThanThreshold));
    assert_eq!((alarm.evaluation_periods(), alarm.datapoints_to_alarm()), (Some(1), Some(1)));
    let [notified, unsuccessful] =
        [points(chain, &alarm, "notified").await, points(chain, &alarm, "unsuccessful").await];
    let mut both =
        notified.iter().filter_map(|(at, all)| Some((*at, *all, *unsuccessful.get(at)?)));
    let (at, all, bad) = both.next_back()?;
    if all < f64::from(least) {
        return None;
    }
    let share = 100.0 * bad / all;
    if share > limit && alarm.state_value() != Some(&StateValue::Alarm) {
        let time = aws_sdk_cloudwatch::primitives::DateTime::from_secs(at);
        let time = time.fmt(DateTimeFormat::DateTime).unwrap();
        fire(
            chain,
            proxy,
            &alarm,
            &format!("[{share} ({time})] was greater than the threshold ({limit})"),
        )
        .await;
    }
    Some(share)
}

/// Maxima by minute, of a query of the alarm.
async fn points(chain: &Chain<'_>, alarm: &MetricAlarm, id: &str) -> BTreeMap<i64, f64> {
    let query = alarm.metrics().iter().find(|query| query.id() == Some(id)).unwrap();
    let stat = query.metric_stat().unwrap();
    assert_eq!((stat.stat(), stat.period()), (Some("Maximum"), Some(60)));
    let metric = stat.metric().unwrap();
    let now = SystemTime::now();
    let asked = chain
        .cloudwatch
        .get_metric_statistics()
        .set_namespace(metric.namespace.clone())
        .set_metric_name(metric.metric_name.clone())
        .set_dimensions(metric.dimensions.clone())
        .start_time((now - Duration::from_secs(600)).into())
        .end_time((now + Duration::from_secs(60)).into())
        .period(60)
        .statistics(Statistic::Maximum);
    let points = asked.send().await.unwrap().datapoints.unwrap_or_default();
    points.iter().filter_map(|point| Some((point.timestamp()?.secs(), point.maximum()?))).collect()
}

/// With its actions off for the moment: the local AWS would send a message of its own, which names no job.
async fn fire(chain: &Chain<'_>, proxy: &Proxy, alarm: &MetricAlarm, reason: &str) {
    let name = alarm.alarm_name().unwrap();
    let reason = format!(
        "Threshold Crossed: 1 out of the last 1 datapoints {reason} (minimum 1 datapoint for OK -> ALARM transition)."
    );
    let is_on = alarm.actions_enabled() == Some(true);
    chain.cloudwatch.disable_alarm_actions().alarm_names(name).send().await.unwrap();
    let set = chain.cloudwatch.set_alarm_state().alarm_name(name);
    set.state_value(StateValue::Alarm).state_reason(&reason).send().await.unwrap();
    if !is_on {
        return;
    }
    chain.cloudwatch.enable_alarm_actions().alarm_names(name).send().await.unwrap();
    let message = message(&seen(proxy, name).await, &reason).to_string();
    for action in alarm.alarm_actions() {
        chain.sns.publish().topic_arn(action).message(&message).send().await.unwrap();
    }
}

/// As in events/sns/failure-rate.json.
fn message(alarm: &MetricAlarm, reason: &str) -> Value {
    let at = alarm.state_updated_timestamp().unwrap().fmt(DateTimeFormat::DateTime).unwrap();
    json!({
        "AlarmName": alarm.alarm_name(),
        "AlarmDescription": alarm.alarm_description(),
        "AWSAccountId": "000000000000",
        "NewStateValue": "ALARM",
        "NewStateReason": reason,
        "StateChangeTime": at.replace('Z', ".000+0000"),
        "Region": "US East (N. Virginia)",
        "AlarmArn": alarm.alarm_arn(),
        "OldStateValue": "OK",
        "OKActions": [],
        "AlarmActions": alarm.alarm_actions(),
        "InsufficientDataActions": [],
        "Trigger": {
            "Period": 60,
            "EvaluationPeriods": 1,
            "DatapointsToAlarm": 1,
            "ComparisonOperator": "GreaterThanThreshold",
            "Threshold": alarm.threshold(),
            "TreatMissingData": alarm.treat_missing_data(),
            "EvaluateLowSampleCountPercentile": "",
            "Metrics": alarm.metrics().iter().map(query).collect::<Vec<_>>(),
        },
    })
}

fn query(query: &MetricDataQuery) -> Value {
    let mut shown = json!({"Id": query.id(), "ReturnData": query.return_data()});
    if let Some(expression) = query.expression() {
        shown["Expression"] = expression.into();
        shown["Label"] = query.label().into();
    }
    if let Some(stat) = query.metric_stat() {
        let metric = stat.metric().map(metric);
        shown["MetricStat"] =
            json!({"Metric": metric, "Period": stat.period(), "Stat": stat.stat()});
    }
    shown
}

fn metric(metric: &Metric) -> Value {
    let dimensions = metric.dimensions().iter();
    let dimensions: Vec<Value> =
        dimensions.map(|is| json!({"value": is.value(), "name": is.name()})).collect();
    json!({
        "Dimensions": dimensions, "MetricName": metric.metric_name(), "Namespace": metric.namespace(),
    })
}
