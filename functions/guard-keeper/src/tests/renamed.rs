//! What a version with other names of metrics has left, as it wrote it.

use aws_sdk_cloudwatch::operation::put_metric_alarm::PutMetricAlarmInput;
use aws_sdk_cloudwatch::types::{
    ComparisonOperator, Dimension, Metric, MetricDataQuery, MetricStat, Statistic, Tag,
};
use serde::Deserialize;
use tripline::metric::{DIMENSION, NAMESPACE};
use tripline_guard::ownership::{JOB_TAG, STACK_TAG};

use super::*;
use crate::settings::tests::FORCE_STOP;

#[derive(Deserialize)]
struct Left {
    config: String,
    memory: String,
    alarms: Vec<LeftAlarm>,
}

#[derive(Deserialize)]
struct LeftAlarm {
    job: String,
    name: String,
    description: String,
    threshold: f64,
    expression: Option<String>,
    metrics: Vec<(String, String)>,
}

impl LeftAlarm {
    fn put(&self, stack: &str) -> PutMetricAlarmInput {
        let dimension = Dimension::builder().name(DIMENSION).value(&self.job).build();
        let tag = |key, value: &str| Tag::builder().key(key).value(value).build();
        let put = PutMetricAlarmInput::builder()
            .alarm_name(&self.name)
            .alarm_description(&self.description)
            .actions_enabled(true)
            .alarm_actions(FORCE_STOP)
            .evaluation_periods(1)
            .datapoints_to_alarm(1)
            .threshold(self.threshold)
            .comparison_operator(ComparisonOperator::GreaterThanThreshold)
            .treat_missing_data("notBreaching")
            .tags(tag(JOB_TAG, &self.job))
            .tags(tag(STACK_TAG, stack));
        let Some(expression) = &self.expression else {
            let put = put.namespace(NAMESPACE).metric_name(&self.metrics[0].1);
            let put = put.dimensions(dimension).statistic(Statistic::Maximum).period(60);
            return put.build().unwrap();
        };
        let decided = MetricDataQuery::builder().id("decided").expression(expression);
        let put = self.metrics.iter().fold(
            put.metrics(decided.return_data(true).build()),
            |put, (id, name)| {
                let metric = Metric::builder().namespace(NAMESPACE).metric_name(name);
                let metric = metric.dimensions(dimension.clone()).build();
                let stat = MetricStat::builder().metric(metric).period(60).stat("Maximum").build();
                let query = MetricDataQuery::builder().id(id).metric_stat(stat);
                put.metrics(query.return_data(false).build())
            },
        );
        put.build().unwrap()
    }
}

/// An alarm on a metric that is published no more would never fire, and look sound.
#[tokio::test]
async fn what_the_version_before_has_armed_is_armed_again_within_two_minutes() {
    for hides_metrics in [false, true] {
        let account = Account::new();
        account.job("own", 5_000);
        account.job("plain", 4_000);
        let left: Left = serde_json::from_str(include_str!("before_renaming.json")).unwrap();
        {
            let mut world = account.world();
            world.hides_metrics = hides_metrics;
            let armed = world.seconds() - 5_000;
            world.configs.insert("own".to_owned(), (left.config, armed));
            world.memory = Some(left.memory);
            for alarm in &left.alarms {
                world.cloudwatch.put(&alarm.put(&account.settings().stack));
            }
        }
        let summary = warm(&account.keeper(), &account, 2).await;
        assert_eq!((&summary["guardedJobs"], &summary["unguardedJobs"]), (&2.into(), &0.into()));
        let changes = account.changes();
        for name in default("own").into_iter().chain(default("plain")) {
            assert!(changes.contains(&format!("put {name}")), "{name}: {changes:?}");
        }
        let world = account.world();
        let watched = |name: &str| format!("{:?}", world.cloudwatch.alarms[name].metrics());
        let again = watched("tripline-plain-default-FailureRate");
        assert!(again.contains("notifiedCount") && !again.contains("toldCount"), "{again}");
    }
}
