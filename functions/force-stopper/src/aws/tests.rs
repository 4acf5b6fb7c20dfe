use aws_sdk_cloudwatch::operation::describe_alarm_history::DescribeAlarmHistoryOutput;
use aws_sdk_cloudwatch::operation::describe_alarms::DescribeAlarmsOutput;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{
    AlarmHistoryItem, ComparisonOperator, CompositeAlarm, Dimension, Metric, MetricAlarm,
    MetricDataQuery, MetricStat, StateValue,
};
use aws_sdk_iot::operation::cancel_job::CancelJobOutput;
use aws_sdk_iot::operation::describe_job::{DescribeJobError, DescribeJobOutput};
use aws_sdk_iot::types::error::ResourceNotFoundException;
use aws_sdk_iot::types::{Job as IotJob, JobProcessDetails, JobStatus};
use aws_sdk_sns::operation::publish::PublishOutput;
use aws_smithy_mocks::{Rule, mock, mock_client};
use tripline::job::{EndedCounts, ExecutionCounts, JobId, JobState};
use tripline::notification::AlarmState;
use tripline::stop::KnownSubject;
use tripline_aws::FailureKind;

use super::*;
use crate::ask::{CancelJob, DescribeAlarms, DescribeJob, HasFired, Publish};

fn aws(cloudwatch: &[&Rule], iot: &[&Rule], sns: &[&Rule]) -> Aws {
    Aws {
        cloudwatch: mock_client!(
            aws_sdk_cloudwatch,
            aws_smithy_mocks::RuleMode::MatchAny,
            cloudwatch
        ),
        iot: mock_client!(aws_sdk_iot, aws_smithy_mocks::RuleMode::MatchAny, iot),
        sns: mock_client!(aws_sdk_sns, aws_smithy_mocks::RuleMode::MatchAny, sns),
    }
}

fn job_dimension(job: &str) -> Dimension {
    Dimension::builder().name("jobId").value(job).build()
}

#[tokio::test]
async fn alarms_of_every_kind_are_described() {
    let rule = mock!(aws_sdk_cloudwatch::Client::describe_alarms)
        .match_requests(|input| {
            input.alarm_types().len() == 2 && input.alarm_names() == ["a", "b", "c"]
        })
        .then_output(|| {
            let plain = MetricAlarm::builder()
                .alarm_name("a")
                .state_value(StateValue::Alarm)
                .namespace("IoT:OTA:JobExecution")
                .dimensions(job_dimension("fw-1"))
                .metric_name("downloadTime")
                .extended_statistic("p90")
                .threshold(3600.0)
                .comparison_operator(ComparisonOperator::GreaterThanThreshold)
                .build();
            let metric = Metric::builder()
                .namespace("IoT:OTA:JobExecution")
                .dimensions(job_dimension("fw-2"))
                .build();
            let stat = MetricStat::builder().metric(metric).period(60).stat("p99").build();
            let math = MetricAlarm::builder()
                .alarm_name("b")
                .state_value(StateValue::Ok)
                .metrics(MetricDataQuery::builder().id("e").expression("m").build())
                .metrics(MetricDataQuery::builder().id("m").metric_stat(stat).build())
                .build();
            let composite =
                CompositeAlarm::builder().alarm_name("c").alarm_rule("ALARM(a)").build();
            DescribeAlarmsOutput::builder()
                .metric_alarms(plain)
                .metric_alarms(math)
                .composite_alarms(composite)
                .build()
        });
    let names = ["a", "b", "c"].map(str::to_owned);
    let known = aws(&[&rule], &[], &[]).describe_alarms(&names).await.unwrap();
    let [plain, math, composite] = &known[..] else { panic!("{known:?}") };
    let watched = |subject: &KnownSubject| match subject {
        KnownSubject::Metrics(watched) => watched.job().unwrap().to_string(),
        KnownSubject::Composite { .. } => panic!("not on metrics"),
    };
    assert_eq!((plain.state, watched(&plain.subject)), (AlarmState::Alarm, "fw-1".to_owned()));
    assert_eq!(plain.rule.as_deref(), Some("p90 of downloadTime > 3600"));
    assert_eq!((math.state, watched(&math.subject)), (AlarmState::Ok, "fw-2".to_owned()));
    assert_eq!(composite.state, AlarmState::InsufficientData);
    assert_eq!(composite.subject, KnownSubject::Composite { rule: "ALARM(a)".to_owned() });
}

fn history(at: i64, data: Option<&str>, summary: &str) -> AlarmHistoryItem {
    AlarmHistoryItem::builder()
        .timestamp(DateTime::from_secs(at))
        .set_history_data(data.map(str::to_owned))
        .history_summary(summary)
        .build()
}

#[tokio::test]
async fn history_tells_whether_an_alarm_fired_since() {
    let to_alarm = r#"{"newState":{"stateValue":"ALARM"}}"#;
    let to_ok = r#"{"oldState":{"stateValue":"ALARM"},"newState":{"stateValue":"OK"}}"#;
    for (item, fired) in [
        (history(100, Some(to_alarm), ""), true),
        (history(99, Some(to_alarm), ""), false),
        (history(100, Some(to_ok), ""), false),
        (history(100, None, "Alarm updated from OK to ALARM"), true),
        (history(100, None, "Alarm updated from ALARM to OK"), false),
    ] {
        let rule = mock!(aws_sdk_cloudwatch::Client::describe_alarm_history)
            .match_requests(|input| {
                input.alarm_name() == Some("a")
                    && input.start_date() == Some(&DateTime::from_secs(100))
            })
            .then_output(move || {
                DescribeAlarmHistoryOutput::builder().alarm_history_items(item.clone()).build()
            });
        assert_eq!(aws(&[&rule], &[], &[]).has_fired("a", Some(100)).await, Ok(fired));
    }
}

#[tokio::test]
async fn a_job_is_described_with_its_counts() {
    let rule = mock!(aws_sdk_iot::Client::describe_job).then_output(|| {
        let details = JobProcessDetails::builder()
            .number_of_succeeded_things(12)
            .number_of_failed_things(1)
            .number_of_rejected_things(1)
            .number_of_timed_out_things(1)
            .number_of_in_progress_things(4)
            .number_of_queued_things(100)
            .number_of_canceled_things(80)
            .number_of_removed_things(1)
            .build();
        let job = IotJob::builder()
            .status(JobStatus::Canceled)
            .comment("why")
            .reason_code("TRIPLINE_ALARM")
            .created_at(aws_sdk_iot::primitives::DateTime::from_secs(7))
            .job_process_details(details)
            .build();
        DescribeJobOutput::builder().job(job).build()
    });
    let job = aws(&[], &[&rule], &[]).describe_job(&JobId::new("fw-1").unwrap()).await.unwrap();
    let counts = ExecutionCounts {
        queued: 100,
        in_progress: 4,
        ended: EndedCounts { succeeded: 12, failed: 1, rejected: 1, timed_out: 1 },
        canceled: 80,
        removed: 1,
    };
    assert_eq!((job.counts, job.counts.will_not_receive()), (counts, 181));
    assert_eq!((job.state, job.created_at), (JobState::Canceled, Some(7)));
    assert_eq!(job.comment.as_deref(), Some("why"));
}

#[tokio::test]
async fn a_missing_job_is_not_found() {
    let rule = mock!(aws_sdk_iot::Client::describe_job).then_error(|| {
        let meta = aws_sdk_iot::error::ErrorMetadata::builder()
            .code("ResourceNotFoundException")
            .message("no such job")
            .build();
        DescribeJobError::ResourceNotFoundException(
            ResourceNotFoundException::builder().meta(meta).build(),
        )
    });
    let failure =
        aws(&[], &[&rule], &[]).describe_job(&JobId::new("fw-1").unwrap()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::NotFound);
    assert_eq!(failure.to_string(), "DescribeJob: ResourceNotFoundException: no such job");
}

#[tokio::test]
async fn a_stop_carries_its_reason_and_a_throttled_one_is_tried_again() {
    let rule = mock!(aws_sdk_iot::Client::cancel_job)
        .match_requests(|input| {
            input.job_id() == Some("fw-1")
                && input.force() == Some(true)
                && input.reason_code() == Some("TRIPLINE_ALARM")
                && input.comment() == Some("why")
        })
        .sequence()
        .http_status(503, None)
        .output(|| CancelJobOutput::builder().build())
        .build();
    let job = JobId::new("fw-1").unwrap();
    aws(&[], &[&rule], &[]).cancel_job(&job, true, "why").await.unwrap();
    assert_eq!(rule.num_calls(), 2);
}

#[tokio::test]
async fn a_message_goes_to_its_topic_with_its_subject() {
    let rule = mock!(aws_sdk_sns::Client::publish)
        .match_requests(|input| {
            input.topic_arn() == Some("arn")
                && input.subject() == Some("s")
                && input.message() == Some("m")
        })
        .then_output(|| PublishOutput::builder().build());
    aws(&[], &[], &[&rule]).publish("arn", Some("s"), "m").await.unwrap();
    assert_eq!(rule.num_calls(), 1);
}
