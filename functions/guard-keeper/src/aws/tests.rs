use std::collections::HashMap;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_cloudwatch::operation::delete_alarms::DeleteAlarmsOutput;
use aws_sdk_cloudwatch::operation::describe_alarms::DescribeAlarmsOutput;
use aws_sdk_cloudwatch::operation::get_metric_data::GetMetricDataOutput;
use aws_sdk_cloudwatch::operation::list_tags_for_resource::ListTagsForResourceOutput;
use aws_sdk_cloudwatch::operation::put_metric_alarm::PutMetricAlarmOutput;
use aws_sdk_cloudwatch::operation::put_metric_data::PutMetricDataOutput;
use aws_sdk_cloudwatch::types::{MetricAlarm, MetricDataResult, Tag};
use aws_sdk_dynamodb::error::ErrorMetadata;
use aws_sdk_dynamodb::operation::batch_write_item::BatchWriteItemOutput;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::scan::ScanOutput;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::error::ConditionalCheckFailedException;
use aws_sdk_dynamodb::types::{AttributeValue, ConsumedCapacity};
use aws_sdk_iot::operation::describe_job::{DescribeJobError, DescribeJobOutput};
use aws_sdk_iot::operation::list_job_executions_for_job::ListJobExecutionsForJobOutput;
use aws_sdk_iot::operation::list_jobs::ListJobsOutput;
use aws_sdk_iot::operation::list_tags_for_resource::ListTagsForResourceOutput as JobTagsOutput;
use aws_sdk_iot::primitives::DateTime;
use aws_sdk_iot::types::error::ResourceNotFoundException;
use aws_sdk_iot::types::{
    ExponentialRolloutRate, Job, JobExecutionStatus, JobExecutionSummary,
    JobExecutionSummaryForJob, JobExecutionsRolloutConfig, JobProcessDetails, JobStatus,
    JobSummary,
};
use aws_sdk_sns::operation::publish::PublishOutput;
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::body::SdkBody;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tripline::evidence::Record;
use tripline::job::JobId;
use tripline::job::{EndedCounts, ExecutionCounts};
use tripline::metric::{KeptMetric, Outcome};
use tripline::rollout::Rate;
use tripline::time::Timestamp;
use tripline_aws::FailureKind;
use tripline_guard::reconcile::Put;

use super::*;
use crate::ask::*;
use crate::settings::tests::settings;

fn aws(cloudwatch: &[&Rule], dynamodb: &[&Rule], iot: &[&Rule]) -> Aws {
    Aws {
        cloudwatch: mock_client!(aws_sdk_cloudwatch, RuleMode::MatchAny, cloudwatch),
        dynamodb: mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, dynamodb),
        iot: mock_client!(aws_sdk_iot, RuleMode::MatchAny, iot),
        sns: mock_client!(aws_sdk_sns, RuleMode::MatchAny, []).into(),
        config: SdkConfig::builder().build(),
        settings: settings(),
    }
}

fn job() -> JobId {
    JobId::new("fw").unwrap()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

fn time(seconds: i64) -> DateTime {
    DateTime::from_secs(seconds)
}

#[tokio::test]
async fn jobs_in_progress_are_listed_page_by_page() {
    let rule = mock!(aws_sdk_iot::Client::list_jobs)
        .match_requests(|input| {
            input.status() == Some(&JobStatus::InProgress)
                && input.max_results() == Some(250)
                && input.next_token() == Some("here")
        })
        .then_output(|| {
            let job =
                |id: &str| JobSummary::builder().job_id(id).job_arn("arn").created_at(time(7));
            ListJobsOutput::builder()
                .jobs(job("fw").build())
                .jobs(job("no job id").build())
                .next_token("there")
                .build()
        });
    let page = aws(&[], &[], &[&rule]).list_jobs(Some("here".to_owned())).await.unwrap();
    let listed = Listed { job: job(), arn: "arn".to_owned(), created: at(7) };
    assert_eq!((page.items, page.next.as_deref()), (vec![listed], Some("there")));
}

#[tokio::test]
async fn a_job_is_described_with_what_ended() {
    let details = JobProcessDetails::builder()
        .number_of_succeeded_things(4)
        .number_of_failed_things(3)
        .number_of_rejected_things(2)
        .number_of_timed_out_things(1)
        .number_of_canceled_things(90)
        .number_of_in_progress_things(5)
        .number_of_queued_things(6)
        .build();
    for (status, completed, ended) in [
        (JobStatus::InProgress, None, None),
        (JobStatus::Scheduled, None, None),
        (JobStatus::Completed, Some(30), Some(30)),
        // A canceled job that says nothing of its end.
        (JobStatus::Canceled, None, Some(20)),
    ] {
        let job_now = Job::builder()
            .status(status)
            .created_at(time(10))
            .last_updated_at(time(20))
            .set_completed_at(completed.map(time))
            .job_process_details(details.clone())
            .build();
        let rule = mock!(aws_sdk_iot::Client::describe_job)
            .match_requests(|input| input.job_id() == Some("fw"))
            .then_output(move || DescribeJobOutput::builder().job(job_now.clone()).build());
        let endings = EndedCounts { succeeded: 4, failed: 3, rejected: 2, timed_out: 1 };
        let described = aws(&[], &[], &[&rule]).describe_job(&job()).await.unwrap();
        assert_eq!((described.created(), described.ended()), (at(10), ended.map(at)));
        let counts =
            ExecutionCounts { queued: 6, in_progress: 5, ended: endings, canceled: 90, removed: 0 };
        assert_eq!((described.counts, described.rate), (counts, 1_000));
    }
    let gone = mock!(aws_sdk_iot::Client::describe_job).then_error(|| {
        let meta =
            aws_sdk_iot::error::ErrorMetadata::builder().code("ResourceNotFoundException").build();
        let error = ResourceNotFoundException::builder().meta(meta).build();
        DescribeJobError::ResourceNotFoundException(error)
    });
    let failure = aws(&[], &[], &[&gone]).describe_job(&job()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::NotFound);
}

#[tokio::test]
async fn a_job_is_as_fast_as_it_begins() {
    let config = JobExecutionsRolloutConfig::builder().maximum_per_minute(50);
    let exponential = ExponentialRolloutRate::builder().base_rate_per_minute(5);
    let exponential = exponential.increment_factor(2.0).build().unwrap();
    for (config, rate) in [
        (None, 1_000),
        (Some(JobExecutionsRolloutConfig::builder().build()), 1_000),
        (Some(config.clone().build()), 50),
        (Some(config.exponential_rate(exponential).build()), 5),
    ] {
        let job_now = Job::builder().set_job_executions_rollout_config(config).build();
        let rule = mock!(aws_sdk_iot::Client::describe_job)
            .then_output(move || DescribeJobOutput::builder().job(job_now.clone()).build());
        assert_eq!(aws(&[], &[], &[&rule]).describe_job(&job()).await.unwrap().rate, rate);
    }
}

#[tokio::test]
async fn executions_and_tags_are_read() {
    let executions = mock!(aws_sdk_iot::Client::list_job_executions_for_job)
        .match_requests(|input| {
            input.job_id() == Some("fw") && input.status() == Some(&JobExecutionStatus::Succeeded)
        })
        .then_output(|| {
            let summary = JobExecutionSummary::builder();
            let begun = summary.clone().started_at(time(5)).last_updated_at(time(9)).build();
            let execution = |summary| {
                JobExecutionSummaryForJob::builder().job_execution_summary(summary).build()
            };
            ListJobExecutionsForJobOutput::builder()
                .execution_summaries(execution(begun))
                .execution_summaries(execution(summary.build()))
                .build()
        });
    let tags = mock!(aws_sdk_iot::Client::list_tags_for_resource)
        .match_requests(|input| input.resource_arn() == Some("arn"))
        .then_output(|| {
            let tag = aws_sdk_iot::types::Tag::builder().key("tripline:guard").value("off").build();
            JobTagsOutput::builder().tags(tag.unwrap()).next_token("more").build()
        });
    let aws = aws(&[], &[], &[&executions, &tags]);
    let page = aws.list_executions(&job(), Phase::Succeeded, None).await.unwrap();
    let spans: Vec<_> = page.items.iter().map(|span| (span.began, span.updated)).collect();
    assert_eq!((spans, page.next), (vec![(at(5), at(9))], None));
    let page = aws.job_tags("arn", None).await.unwrap();
    assert_eq!(page.items, [("tripline:guard".to_owned(), "off".to_owned())]);
    // Each page is a call of its own, for which the minute has to have time.
    assert_eq!((page.next.as_deref(), tags.num_calls()), (Some("more"), 1));
}

#[tokio::test]
async fn alarms_are_put_with_tags_only_when_they_are_new() {
    let settings = settings();
    let [download, _] = settings.default_guard.alarms(Rate::QUOTA).try_into().unwrap();
    for new in [true, false] {
        let rule = mock!(aws_sdk_cloudwatch::Client::put_metric_alarm)
            .match_requests(move |input| {
                let tags: Vec<_> = input.tags().iter().filter_map(Tag::key).collect();
                let expected: &[&str] = match new {
                    true => &["tripline:job", "tripline:alarm", "tripline:stack"],
                    false => &[],
                };
                input.alarm_name() == Some("tripline-fw-default-DownloadTime")
                    && input.alarm_actions().len() == 2
                    && tags == expected
            })
            .then_output(|| PutMetricAlarmOutput::builder().build());
        let name = download.name_for(&job());
        let put = Put { name, alarm: download.clone(), is_new: new, stops: true };
        let put = aws(&[&rule], &[], &[]).put_alarm(&put, &job()).await;
        assert_eq!(put, Ok(()));
    }
}

#[tokio::test]
async fn alarms_are_listed_looked_at_and_deleted() {
    let lists = mock!(aws_sdk_cloudwatch::Client::describe_alarms)
        .match_requests(|input| {
            input.alarm_name_prefix() == Some("tripline-") && input.max_records() == Some(100)
        })
        .then_output(|| {
            let alarm = MetricAlarm::builder().alarm_name("tripline-fw-a").build();
            DescribeAlarmsOutput::builder().metric_alarms(alarm).next_token("more").build()
        });
    let tags = mock!(aws_sdk_cloudwatch::Client::list_tags_for_resource).then_output(|| {
        let tag = Tag::builder().key("tripline:job").value("fw").build();
        ListTagsForResourceOutput::builder().tags(tag).build()
    });
    let deletes = mock!(aws_sdk_cloudwatch::Client::delete_alarms)
        .match_requests(|input| input.alarm_names() == ["a", "b"])
        .then_output(|| DeleteAlarmsOutput::builder().build());
    let aws = aws(&[&lists, &tags, &deletes], &[], &[]);
    let page = aws.list_alarms(None).await.unwrap();
    assert_eq!((page.items.len(), page.next.as_deref()), (1, Some("more")));
    let tags = aws.alarm_tags("arn").await.unwrap();
    assert_eq!(tags, [("tripline:job".to_owned(), "fw".to_owned())]);
    assert_eq!(aws.delete_alarms(&["a".to_owned(), "b".to_owned()]).await, Ok(()));
}

/// Those of outcomes that nothing ended with too: somebody may have made them up.
#[tokio::test]
async fn what_devices_report_is_counted_from_the_job_s_first_hour_on() {
    let rule = mock!(aws_sdk_cloudwatch::Client::get_metric_data)
        .match_requests(|input| {
            let names: Vec<_> = input
                .metric_data_queries()
                .iter()
                .filter_map(|query| {
                    let stat = query.metric_stat()?;
                    let metric = stat.metric()?;
                    let of_values = metric.metric_name() == Some("downloadTime");
                    let expected = if of_values { "SampleCount" } else { "Sum" };
                    assert_eq!((stat.stat(), stat.period()), (Some(expected), Some(3_600)));
                    assert_eq!(metric.dimensions()[0].value(), Some("fw"));
                    metric.metric_name()
                })
                .collect();
            let outcomes = ["succeededCount", "failedCount", "rejectedCount", "timedOutCount"];
            names == [&outcomes[..], &["downloadTime", "invalidDetailCount"]].concat()
                && input.start_time().map(|at| at.secs()) == Some(7_200)
                && input.end_time().map(|at| at.secs()) == Some(20_000 + 10_800)
        })
        .then_compute_output(|input| {
            let result = |id: &str| MetricDataResult::builder().id(id);
            let more = input.next_token().is_none().then(|| "more".to_owned());
            GetMetricDataOutput::builder()
                .metric_data_results(result("failedCount").values(30.0).values(4.0).build())
                .metric_data_results(result("downloadTimes").values(7.0).build())
                .metric_data_results(result("another").values(9.0).build())
                .set_next_token(more)
                .build()
        });
    let aws = aws(&[&rule], &[], &[]);
    let life = (at(9_999), at(20_000));
    let failed = Reported::Ended(Outcome::Failed);
    let expected = vec![(failed, 30), (failed, 4), (Reported::DownloadTimes, 7)];
    let page = aws.count_events(&job(), life, None).await.unwrap();
    assert_eq!(
        (page.items, page.next.as_deref(), rule.num_calls()),
        (expected.clone(), Some("more"), 1)
    );
    let page = aws.count_events(&job(), life, page.next).await.unwrap();
    assert_eq!((page.items, page.next), (expected, None));
}

#[tokio::test]
async fn what_is_of_the_stack_and_what_is_of_jobs_goes_into_two_namespaces() {
    let of = |namespace: &'static str, name: &'static str, dimension: [&'static str; 2]| {
        mock!(aws_sdk_cloudwatch::Client::put_metric_data)
            .match_requests(move |input| {
                let [datum] = input.metric_data() else { return false };
                let [is] = datum.dimensions() else { return false };
                input.namespace() == Some(namespace)
                    && datum.metric_name() == Some(name)
                    && [is.name().unwrap(), is.value().unwrap()] == dimension
                    && datum.value() == Some(3.0)
            })
            .then_output(|| PutMetricDataOutput::builder().build())
    };
    let stack = of("Tripline", "guardedJobs", ["StackName", "tripline"]);
    let job_rule = of("IoT:OTA:JobExecution", "overdueCount", ["jobId", "fw"]);
    let aws = aws(&[&stack, &job_rule], &[], &[]);
    assert_eq!(aws.publish_stack(&[("guardedJobs", 3.0)]).await, Ok(()));
    let gauges = [(job(), KeptMetric::OverdueCount, 3.0)];
    assert_eq!(aws.publish_jobs(&gauges).await, Ok(()));
    assert_eq!((stack.num_calls(), job_rule.num_calls()), (1, 1));
}

#[tokio::test]
async fn people_are_alerted_by_e_mail_alone() {
    let rule = mock!(aws_sdk_sns::Client::publish)
        .match_requests(|input| {
            input.topic_arn() == Some("arn:aws:sns:us-east-1:111122223333:email")
                && (input.subject(), input.message()) == (Some("subject"), Some("body"))
        })
        .then_output(|| PublishOutput::builder().build());
    let aws = Aws {
        sns: mock_client!(aws_sdk_sns, RuleMode::MatchAny, [&rule]).into(),
        ..aws(&[], &[], &[])
    };
    assert_eq!((aws.alert("subject", "body").await, rule.num_calls()), (Ok(()), 1));
}

#[tokio::test]
async fn the_table_holds_configs_and_what_is_remembered() {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let item = |pairs: &[(&str, AttributeValue)]| -> HashMap<String, AttributeValue> {
        pairs.iter().map(|(key, is)| (key.to_string(), is.clone())).collect()
    };
    let armed = AttributeValue::N("1790000000".to_owned());
    let items = vec![
        item(&[("jobId", text("fw")), ("config", text("[ALARM_CONFIG]")), ("armedAt", armed)]),
        item(&[("jobId", text("$guard-keeper")), ("memory", text("{}"))]),
        // Whatever else anybody has put there.
        item(&[("jobId", text("no job")), ("config", text(""))]),
        item(&[("jobId", text("fw-2"))]),
    ];
    let last = item(&[("jobId", text("fw-2"))]);
    let scan = mock!(aws_sdk_dynamodb::Client::scan)
        .match_requests(|input| {
            input.table_name() == Some("guards")
                && input.exclusive_start_key().is_some_and(|key| key.contains_key("jobId"))
        })
        .then_output(move || {
            ScanOutput::builder()
                .set_items(Some(items.clone()))
                .set_last_evaluated_key(Some(last.clone()))
                .build()
        });
    let write = mock!(aws_sdk_dynamodb::Client::batch_write_item)
        .match_requests(|input| {
            let [put, delete] = &input.request_items().unwrap()["guards"][..] else { return false };
            let item = put.put_request().unwrap().item();
            item["jobId"].as_s().unwrap() == "$guard-keeper"
                && item["memory"].as_s().unwrap() == "since 1"
                && delete.delete_request().unwrap().key()["jobId"].as_s().unwrap() == "fw"
        })
        .then_output(|| {
            let consumed = ConsumedCapacity::builder().build();
            BatchWriteItemOutput::builder().consumed_capacity(consumed).build()
        });
    let aws = aws(&[], &[&scan, &write], &[]);
    let page = aws.read_table(Some("fw-0".to_owned())).await.unwrap();
    let config = Item::Config {
        job: job(),
        text: "[ALARM_CONFIG]".to_owned(),
        armed: at(1_790_000_000),
        alert_only: false,
        baseline: None,
    };
    // An item without a text is a config that says nothing.
    let empty = Item::Config {
        job: JobId::new("fw-2").unwrap(),
        text: String::new(),
        armed: at(0),
        alert_only: false,
        baseline: None,
    };
    assert_eq!(page.items, [config, Item::Memory("{}".to_owned()), empty]);
    assert_eq!(page.next.as_deref(), Some("fw-2"));
    assert_eq!(aws.write_table(Some("since 1"), &[job()]).await, Ok(()));
    assert_eq!(aws.write_table(None, &[]).await, Ok(()), "nothing to write, nothing to ask");
    assert_eq!(write.num_calls(), 1);
}

/// `{}` in CBOR, which the SDK reads as "no alarms" whoever says it.
#[tokio::test]
async fn a_page_of_somebody_else_is_no_answer() {
    const PAGE: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n\xa0";
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let credentials = Credentials::new("key", "secret", None, None, "test");
    let config = tripline_aws::function::config()
        .to_builder()
        .region(aws_sdk_cloudwatch::config::Region::new("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .endpoint_url(format!("http://{}", listener.local_addr().unwrap()))
        .build();
    let aws = Aws::new(&config, &settings());
    let server = async {
        loop {
            let (mut connection, _) = listener.accept().await.unwrap();
            let _ = connection.read(&mut [0; 4_096]).await.unwrap();
            connection.write_all(PAGE).await.unwrap();
        }
    };
    tokio::select! {
        listed = aws.list_alarms(None) => {
            assert_eq!(listed.unwrap_err().kind, FailureKind::Unavailable);
        }
        () = server => {}
    }
}

/// An answer without jobs says that there are none only if it is AWS IoT's: that has a request id.
#[tokio::test]
async fn no_rollouts_is_what_aws_iot_says_and_nobody_else() {
    for (request, body, is_answer) in [
        (Some("r-1"), "{}", true),
        (Some("r-1"), "{\"jobs\":[]}", true),
        (None, "{\"jobs\":[]}", true),
        (None, "{}", false),
        (None, "", false),
    ] {
        let rule = mock!(aws_sdk_iot::Client::list_jobs).then_http_response(move || {
            let mut response = HttpResponse::new(200.try_into().unwrap(), SdkBody::from(body));
            if let Some(id) = request {
                response.headers_mut().insert("x-amzn-requestid", id);
            }
            response
        });
        let listed = aws(&[], &[], &[&rule]).list_jobs(None).await;
        assert_eq!(listed.is_ok(), is_answer, "{request:?} {body}: {listed:?}");
    }
}

/// An answer was lost, and the call was made again: what is there instead of what was read is its own.
#[tokio::test]
async fn its_own_evidence_is_written_whoever_says_so() {
    let item =
        EvidenceItem { text: "{}".to_owned(), state: vec![7, 1], tick: 4, instead_of: Some(3) };
    for (state, is_written) in [(Some(vec![7, 1]), true), (Some(vec![7, 2]), false), (None, false)]
    {
        let rule = mock!(aws_sdk_dynamodb::Client::put_item).then_error(move || {
            let there = state.clone().map(|state| {
                HashMap::from([
                    (Record::STATE.to_owned(), AttributeValue::B(Blob::new(state))),
                    (Record::ATTRIBUTE.to_owned(), AttributeValue::S("{}".to_owned())),
                ])
            });
            let code = "ConditionalCheckFailedException";
            let error = ConditionalCheckFailedException::builder().set_item(there);
            let error = error.meta(ErrorMetadata::builder().code(code).build()).build();
            PutItemError::ConditionalCheckFailedException(error)
        });
        let written = aws(&[], &[&rule], &[]).write_evidence(&job(), &item).await;
        assert_eq!(written, Ok(is_written));
    }
}
