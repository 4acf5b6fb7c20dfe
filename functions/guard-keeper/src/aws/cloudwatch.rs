use aws_sdk_cloudwatch::operation::describe_alarms::builders::DescribeAlarmsFluentBuilder;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::builders::MetricDatumBuilder;
use aws_sdk_cloudwatch::types::{
    AlarmType, Dimension, Metric, MetricAlarm, MetricDataQuery, MetricDatum, MetricStat,
    StandardUnit, StateValue, Statistic,
};
use tripline::job::JobId;
use tripline::metric::{self, DIMENSION, KeptMetric, NAMESPACE, STACK_DIMENSION, STACK_NAMESPACE};
use tripline::time::Timestamp;
use tripline_aws::cloudwatch::MuteRule;
use tripline_aws::{Failure, cloudwatch};
use tripline_guard::desired::GuardAlarm;
use tripline_guard::ownership;
use tripline_guard::reconcile::Put;
use tripline_guard::request;

use super::Aws;
use crate::ask::{
    Alarm, AlarmTags, CountEvents, DeleteAlarms, FireAgain, JobGauge, ListAlarms, MuteRules,
    NamedAlarms, Page, Publish, PutAlarm, Reported, StackGauge,
};

/// How the names of all of Tripline's alarms begin.
const PREFIX: &str = "tripline-";
/// Counted by the hour, which CloudWatch keeps for 455 days.
const HOUR: i64 = 3_600;

impl ListAlarms for Aws {
    async fn list_alarms(&self, next: Option<String>) -> Result<Page<Alarm>, Failure> {
        let asked = self.cloudwatch.describe_alarms().alarm_name_prefix(PREFIX);
        alarms(asked.set_next_token(next)).await
    }
}

impl NamedAlarms for Aws {
    async fn alarms_named(&self, names: &[String]) -> Result<Vec<Alarm>, Failure> {
        let asked = self.cloudwatch.describe_alarms().set_alarm_names(Some(names.to_vec()));
        Ok(alarms(asked).await?.items)
    }
}

async fn alarms(asked: DescribeAlarmsFluentBuilder) -> Result<Page<Alarm>, Failure> {
    let output = asked
        .alarm_types(AlarmType::MetricAlarm)
        .alarm_types(AlarmType::CompositeAlarm)
        .max_records(100)
        .send()
        .await
        .map_err(|error| Failure::from_sdk("DescribeAlarms", &error))?;
    let metric = output.metric_alarms.into_iter().flatten();
    let composite = output.composite_alarms.into_iter().flatten();
    let items = metric
        .map(|alarm| Alarm::Metric(Box::new(alarm)))
        .chain(composite.filter_map(|alarm| Some(Alarm::Composite(alarm.alarm_name?))));
    Ok(Page { items: items.collect(), next: output.next_token })
}

impl AlarmTags for Aws {
    async fn alarm_tags(&self, arn: &str) -> Result<Vec<(String, String)>, Failure> {
        cloudwatch::alarm_tags(&self.cloudwatch, arn).await
    }
}

impl PutAlarm for Aws {
    async fn put_alarm(&self, put: &Put, job: &JobId) -> Result<(), Failure> {
        let alarm = &put.alarm;
        let actions = self.settings.actions(alarm.topics());
        let request = request::request_for(alarm, job, &actions).alarm_name(&put.name);
        let tags = put.is_new.then(|| ownership::tags(alarm.name(), job, &self.settings.stack));
        let put = request.set_tags(tags).send_with(&self.cloudwatch).await;
        put.map(drop).map_err(|error| Failure::from_sdk("PutMetricAlarm", &error))
    }

    fn is_as_wanted(&self, there: &MetricAlarm, wanted: &GuardAlarm, job: &JobId) -> bool {
        let actions = self.settings.actions(wanted.topics());
        request::shows_no_difference(there, &request::request_for(wanted, job, &actions))
    }
}

impl DeleteAlarms for Aws {
    async fn delete_alarms(&self, names: &[String]) -> Result<(), Failure> {
        cloudwatch::delete_alarms(&self.cloudwatch, names).await
    }
}

impl CountEvents for Aws {
    async fn count_events(
        &self,
        job: &JobId,
        (created, now): (Timestamp, Timestamp),
        next: Option<String>,
    ) -> Result<Page<(Reported, u32)>, Failure> {
        // Those of which nothing ended too: what was counted of them is made up.
        let queries = Reported::ALL.map(|of| query(of, job)).into();
        let start = created.seconds() - created.seconds().rem_euclid(HOUR);
        // Events may be dated two hours ahead.
        let output = self
            .cloudwatch
            .get_metric_data()
            .set_metric_data_queries(Some(queries))
            .start_time(DateTime::from_secs(start))
            .end_time(DateTime::from_secs(now.seconds() + 3 * HOUR))
            .set_next_token(next)
            .send()
            .await
            .map_err(|error| Failure::from_sdk("GetMetricData", &error))?;
        let results = output.metric_data_results.into_iter().flatten();
        let counted = results.flat_map(|result| {
            let of = Reported::ALL.into_iter().find(|of| result.id() == Some(&id(*of)));
            let values = result.values.unwrap_or_default();
            // Sums of ones: whole, not negative, and far below the limit.
            values.into_iter().filter_map(move |value| Some((of?, value as u32)))
        });
        Ok(Page { items: counted.collect(), next: output.next_token })
    }
}

fn id(of: Reported) -> String {
    match of {
        Reported::Ended(outcome) => metric::Metric::Count(outcome).name().to_owned(),
        Reported::DownloadTimes => "downloadTimes".to_owned(),
        Reported::InvalidDetails => "invalidDetails".to_owned(),
    }
}

fn query(of: Reported, job: &JobId) -> MetricDataQuery {
    let (metric, statistic) = match of {
        Reported::Ended(outcome) => (metric::Metric::Count(outcome), Statistic::Sum),
        Reported::DownloadTimes => (metric::Metric::DownloadTime, Statistic::SampleCount),
        Reported::InvalidDetails => (metric::Metric::InvalidDetailCount, Statistic::Sum),
    };
    let metric = Metric::builder()
        .namespace(NAMESPACE)
        .metric_name(metric.name())
        .dimensions(dimension(DIMENSION, job.as_str()))
        .build();
    let stat =
        MetricStat::builder().metric(metric).period(HOUR as i32).stat(statistic.as_str()).build();
    MetricDataQuery::builder().id(id(of)).metric_stat(stat).build()
}

fn dimension(name: &str, value: &str) -> Dimension {
    Dimension::builder().name(name).value(value).build()
}

impl MuteRules for Aws {
    async fn list_mute_rules(&self, next: Option<String>) -> Result<Page<MuteRule>, Failure> {
        let (items, next) = cloudwatch::active_mute_rules(&self.cloudwatch, next).await?;
        Ok(Page { items, next })
    }

    async fn muted_alarms(&self, rule: &str) -> Result<Vec<String>, Failure> {
        cloudwatch::muted_alarms(&self.cloudwatch, rule).await
    }
}

impl FireAgain for Aws {
    async fn fire_again(&self, alarm: &str) -> Result<(), Failure> {
        let set = self.cloudwatch.set_alarm_state().alarm_name(alarm).state_value(StateValue::Ok);
        let reason =
            "Tripline: its rollout was to be stopped and still runs, so it is to fire again";
        let set = set.state_reason(reason).send().await;
        set.map(drop).map_err(|error| Failure::from_sdk("SetAlarmState", &error))
    }
}

impl Publish for Aws {
    async fn publish_evidence(
        &self,
        evidence: &[(JobId, f64)],
        now: Timestamp,
    ) -> Result<(), Failure> {
        // The last second of the minute before.
        let minute = DateTime::from_secs(now.minute().seconds() - 1);
        let datums = evidence.iter().map(|(job, evidence)| {
            let dimension = dimension(DIMENSION, job.as_str());
            let datum = datum(KeptMetric::Evidence.name(), dimension, *evidence);
            datum.unit(StandardUnit::None).timestamp(minute).build()
        });
        self.put_data(NAMESPACE, datums.collect()).await
    }

    async fn publish_stack(&self, gauges: &[StackGauge]) -> Result<(), Failure> {
        let datums = gauges.iter().map(|(name, value)| {
            datum(name, dimension(STACK_DIMENSION, &self.settings.stack), *value).build()
        });
        self.put_data(STACK_NAMESPACE, datums.collect()).await
    }

    async fn publish_jobs(&self, gauges: &[JobGauge]) -> Result<(), Failure> {
        let datums = gauges.iter().map(|(job, metric, value)| {
            datum(metric.name(), dimension(DIMENSION, job.as_str()), *value).build()
        });
        self.put_data(NAMESPACE, datums.collect()).await
    }
}

fn datum(name: &str, dimension: Dimension, value: f64) -> MetricDatumBuilder {
    MetricDatum::builder()
        .metric_name(name)
        .dimensions(dimension)
        .unit(StandardUnit::Count)
        .value(value)
}

impl Aws {
    async fn put_data(&self, namespace: &str, datums: Vec<MetricDatum>) -> Result<(), Failure> {
        let data = self.cloudwatch.put_metric_data().namespace(namespace);
        let put = data.set_metric_data(Some(datums)).send().await;
        put.map(drop).map_err(|error| Failure::from_sdk("PutMetricData", &error))
    }
}
