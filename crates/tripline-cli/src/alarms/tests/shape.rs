//! What CloudWatch is asked for, and what people read of it.

use aws_sdk_cloudwatch::types::{ComparisonOperator, MetricAlarm, Statistic};

use super::*;
use tripline_guard::definition::Watch;
use tripline_guard::desired::GuardAlarm;
use tripline_guard::request;

#[test]
fn with_a_least_number_of_samples_metric_math_decides() {
    let alarm = &alarms(&["few"], "minSamples = 20")[0];
    let request = request::request_for(&GuardAlarm::of(alarm.clone()), &job("fw"), &[]);
    let metrics = request.get_metrics().as_ref().unwrap();
    let returned: Vec<_> =
        metrics.iter().filter(|query| query.return_data() == Some(true)).collect();
    assert_eq!(returned.len(), 1);
    assert_eq!(returned[0].expression(), Some("IF(samples >= 20, value)"));
    let stats: Vec<_> = metrics
        .iter()
        .filter_map(|query| Some((query.id()?, query.metric_stat()?)))
        .map(|(id, stat)| {
            (
                id,
                stat.stat().unwrap(),
                stat.period().unwrap(),
                stat.metric().unwrap().dimensions()[0].value().unwrap(),
            )
        })
        .collect();
    assert_eq!(stats, [("value", "p99", 60, "fw"), ("samples", "SampleCount", 60, "fw")]);
    // CloudWatch refuses an alarm that has both.
    assert_eq!((request.get_metric_name(), request.get_period()), (&None, &None));
    assert_eq!((request.get_statistic(), request.get_extended_statistic()), (&None, &None));
    assert_eq!(
        request.get_alarm_description().as_deref(),
        Some(
            "Tripline guards rollout fw: p99 of downloadTime > 3600 for 3 of 5 x 60 s, from 20 samples"
        )
    );
}

#[test]
fn statistics_below_a_limit_are_asked_for_by_name() {
    let mut alarm = alarms(&["few"], "treatMissingData = missing").remove(0);
    alarm.statistic = tripline::alarm::Statistic::Sum;
    alarm.limit = tripline::alarm::Limit::Lower;
    let request = request::request_for(&GuardAlarm::of(alarm.clone()), &job("fw"), &[]);
    assert_eq!(*request.get_statistic(), Some(Statistic::Sum));
    assert_eq!(*request.get_comparison_operator(), Some(ComparisonOperator::LessThanThreshold));
    assert_eq!(
        (request.get_unit(), request.get_evaluate_low_sample_count_percentile()),
        (&None, &None)
    );
    assert_eq!(
        Watch::from(&alarm).to_string(),
        "Sum of downloadTime < 3600 for 3 of 5 x 60 s, missing data: missing"
    );
}

#[tokio::test]
async fn an_alarm_reads_the_same_in_the_config_and_in_cloudwatch() {
    for extra in ["", "minSamples = 20", "treatMissingData = missing"] {
        let aws = FakeAws::new();
        let guard = Guard { alarms: alarms(&["slow"], extra), ..guard("fw", &[]) };
        apply(&aws, &guard).await.unwrap();
        let there = Watch::from_alarm(&aws.world().cloudwatch.alarms["tripline-fw-slow"]).unwrap();
        assert_eq!(there, Watch::from(&guard.alarms[0]));
    }
}

#[test]
fn an_alarm_without_actions_is_never_proven() {
    let alarm = |actions: &[&str]| {
        let actions = actions.iter().map(|action| (*action).to_owned()).collect();
        MetricAlarm::builder().actions_enabled(true).set_alarm_actions(Some(actions)).build()
    };
    assert!(request::has_actions(&alarm(&["b", "a"]), &["a".to_owned(), "b".to_owned()]));
    assert!(!request::has_actions(&alarm(&["a"]), &["b".to_owned()]));
    assert!(!request::has_actions(&alarm(&[]), &[]));
}
