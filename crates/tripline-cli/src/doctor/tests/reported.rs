//! Jobs whose devices never report what an alarm watches.

use aws_sdk_cloudwatch::operation::get_metric_data::GetMetricDataOutput;
use aws_sdk_cloudwatch::types::MetricDataResult;
use aws_sdk_iot::operation::describe_job_execution::DescribeJobExecutionOutput;
use aws_sdk_iot::operation::list_job_executions_for_job::ListJobExecutionsForJobOutput;
use aws_sdk_iot::types::error::InvalidRequestException;
use aws_sdk_iot::types::{
    JobExecution, JobExecutionStatus, JobExecutionStatusDetails, JobExecutionSummaryForJob,
    JobStatus,
};
use aws_smithy_mocks::{RuleMode, mock, mock_client};
use tripline::detail::Detail;
use tripline::job::JobId;

use super::sound::*;
use crate::aws::connect::Connection;
use crate::doctor::ask::Clients;
use crate::doctor::ask::reported::is_silent;
use crate::doctor::checks::checks;
use crate::doctor::facts::{Counted, Facts, JobFacts, Misspelled};
use crate::doctor::result::{CheckResult, NotProven};

fn judged(facts: &Facts, name: &str) -> CheckResult {
    (checks().find(|check| check.name == name).unwrap().judge)(facts)
}

fn job_facts(facts: &mut Facts) -> &mut JobFacts {
    facts.job.as_mut().unwrap()
}

/// A job whose only stopping alarm watches `downloadTime`, of which so many values came.
fn slow(succeeded: u64, failed: u64, samples: u64, invalid: u64) -> Facts {
    let mut facts = sound();
    let job = job_facts(&mut facts);
    job.devices = None;
    job.alarms.as_mut().unwrap()[0].metric_name = Some("downloadTime".to_owned());
    let ended = succeeded + failed;
    let samples = [(Detail::DownloadTime, samples)].into();
    job.counted = Ok(Counted { ended, succeeded, invalid, samples });
    let details = job.job.as_mut().unwrap().as_mut().unwrap().job_process_details.as_mut().unwrap();
    details.number_of_succeeded_things = Some(i32::try_from(succeeded).unwrap());
    details.number_of_failed_things = Some(i32::try_from(failed).unwrap());
    facts
}

#[test]
fn an_alarm_on_what_nobody_reports_is_a_finding_by_name() {
    let mut facts = slow(64, 3, 0, 64);
    let Err(NotProven::Finding { what, fix }) = judged(&facts, "metrics-arriving") else {
        panic!("{:?}", judged(&facts, "metrics-arriving"))
    };
    assert_eq!(
        what,
        "`tripline-fw-Failures`: 64 devices succeeded and none reported `downloadTime`, so no alarm on it can fire; 64 details were unusable or have a misspelled key (expected `downloadTime`, a number of seconds from 0 to 604800; see docs/guide/details.md)"
    );
    assert!(fix.starts_with("aws iot list-job-executions-for-job --job-id fw "), "{fix}");
    for name in ["alarm-metric-published", "alarms-guard-job"] {
        let judged = judged(&facts, name);
        let Err(NotProven::Elsewhere { check, .. }) = judged else { panic!("{name}: {judged:?}") };
        assert_eq!(check, "metrics-arriving");
    }
    // One that succeeded shows what it sends instead.
    let misspelled = Misspelled { key: "Download-Time".to_owned(), thing: "pump 7".to_owned() };
    job_facts(&mut facts).misspelled = Ok([(Detail::DownloadTime, misspelled)].into());
    let Err(NotProven::Finding { what, fix }) = judged(&facts, "metrics-arriving") else {
        panic!("it is silent")
    };
    assert!(what.ends_with("; `pump 7` reports it as `Download-Time`"), "{what}");
    assert!(fix.contains("--thing-name 'pump 7' "), "{fix}");
}

#[test]
fn another_alarm_that_stops_still_guards_the_job() {
    let mut facts = slow(64, 3, 0, 0);
    job_facts(&mut facts).alarms.as_mut().unwrap().push(alarm());
    assert!(matches!(judged(&facts, "metrics-arriving"), Err(NotProven::Finding { .. })));
    assert_eq!(judged(&facts, "alarms-guard-job"), Ok("guarded".to_owned()));
}

#[test]
fn what_is_reported_or_not_known_yet_is_no_finding() {
    for (succeeded, failed, samples) in [(64, 3, 1), (9, 30, 0), (1, 0, 0), (0, 40, 0), (5, 2, 5)] {
        let facts = slow(succeeded, failed, samples, 0);
        for name in ["metrics-arriving", "alarm-metric-published", "alarms-guard-job"] {
            assert!(judged(&facts, name).is_ok(), "{succeeded}, {failed}, {samples}: {name}");
        }
    }
    // Values of devices that fail are worth a note.
    let note = judged(&slow(0, 40, 35, 0), "metrics-arriving").unwrap();
    assert!(note.starts_with("40 of 40; 40 devices ended and none succeeded: "), "{note}");
    // Nobody watches it.
    let mut facts = sound();
    job_facts(&mut facts).counted.as_mut().unwrap().samples.clear();
    assert_eq!(judged(&facts, "metrics-arriving"), Ok("99 of 100".to_owned()));
}

#[test]
fn a_small_job_is_judged_when_all_of_it_has_ended() {
    let is_found = |status: Option<JobStatus>, kind: &str, targets: u32| {
        let mut facts = slow(4, 2, 0, 0);
        let job = job_facts(&mut facts).job.as_mut().unwrap().as_mut().unwrap();
        job.status = status.or(job.status.take());
        let arn = |n| format!("arn:aws:iot:us-east-1:111122223333:{kind}/pump-{n}");
        job.targets = Some((0..targets).map(arn).collect());
        matches!(judged(&facts, "metrics-arriving"), Err(NotProven::Finding { .. }))
    };
    assert!(is_found(None, "thing", 6));
    assert!(!is_found(None, "thing", 7));
    // Nobody knows how many a group has.
    assert!(!is_found(None, "thinggroup", 2));
    assert!(is_found(Some(JobStatus::Completed), "thinggroup", 2));
}

#[test]
fn without_a_count_it_is_unknown() {
    let mut facts = slow(64, 3, 0, 0);
    job_facts(&mut facts).counted = Err(crate::doctor::facts::NoAnswer::NotAsked);
    for name in ["metrics-arriving", "alarms-guard-job"] {
        assert!(matches!(judged(&facts, name), Err(NotProven::Unknown(_))), "{name}");
    }
}

#[test]
fn devices_are_looked_at_only_where_a_detail_has_no_value() {
    let counted = |facts: &Facts| facts.job.as_ref().unwrap().counted.as_ref().unwrap().clone();
    assert!(!is_silent(&counted(&sound())));
    assert!(is_silent(&counted(&slow(64, 0, 0, 0))));
    assert!(!is_silent(&counted(&slow(0, 64, 0, 0))));
}

fn clients(iot: aws_sdk_iot::Client) -> Clients {
    let config = tripline_aws::SdkConfig::builder()
        .behavior_version(aws_sdk_iot::config::BehaviorVersion::latest())
        .build();
    let mut clients = Clients::new(Connection { region: "us-east-1".to_owned(), config });
    clients.alarms.iot = iot;
    clients
}

#[tokio::test]
async fn a_misspelled_key_of_a_device_that_succeeded_is_found() {
    let listed = mock!(aws_sdk_iot::Client::list_job_executions_for_job)
        .match_requests(|input| {
            input.status() == Some(&JobExecutionStatus::Succeeded) && input.max_results() == Some(2)
        })
        .then_output(|| {
            let of = |thing: &str| {
                let arn = format!("arn:aws:iot:us-east-1:111122223333:thing/{thing}");
                JobExecutionSummaryForJob::builder().thing_arn(arn).build()
            };
            ListJobExecutionsForJobOutput::builder()
                .execution_summaries(of("pump-1"))
                .execution_summaries(of("pump-2"))
                .build()
        });
    let described =
        mock!(aws_sdk_iot::Client::describe_job_execution).then_compute_output(|input| {
            let details = JobExecutionStatusDetails::builder();
            let details = match input.thing_name() {
                Some("pump-1") => {
                    details.details_map("retry_count", "0").details_map("retryCount", "0")
                }
                _ => details.details_map("download_time", "31").details_map("reason", "ok"),
            };
            let execution = JobExecution::builder().status_details(details.build()).build();
            DescribeJobExecutionOutput::builder().execution(execution).build()
        });
    let iot = mock_client!(aws_sdk_iot, RuleMode::MatchAny, &[listed, described]);
    let found = clients(iot).look_for_misspelled(&JobId::new("fw").unwrap()).await.unwrap();
    let expected = Misspelled { key: "download_time".to_owned(), thing: "pump-2".to_owned() };
    assert_eq!(found.into_iter().collect::<Vec<_>>(), [(Detail::DownloadTime, expected)]);
}

#[tokio::test]
async fn each_number_is_of_its_own_metric() {
    let values = mock!(aws_sdk_cloudwatch::Client::get_metric_data).then_compute_output(|input| {
        let results = input.metric_data_queries().iter().map(|query| {
            let stat = query.metric_stat().unwrap();
            let value = match (stat.metric().unwrap().metric_name().unwrap(), stat.stat().unwrap())
            {
                ("succeededCount", "Sum") => 40.0,
                ("failedCount", "Sum") => 5.0,
                ("rejectedCount", "Sum") => 3.0,
                ("timedOutCount", "Sum") => 2.0,
                ("downloadTime", "SampleCount") => 31.0,
                ("retryCount", "SampleCount") => 17.0,
                ("invalidDetailCount", "Sum") => 9.0,
                other => panic!("{other:?}"),
            };
            // In two minutes.
            let at =
                [CREATED, CREATED + 60].map(aws_sdk_cloudwatch::primitives::DateTime::from_secs);
            MetricDataResult::builder()
                .id(query.id().unwrap())
                .set_timestamps(Some(at.to_vec()))
                .set_values(Some(vec![value - 1.0, 1.0]))
                .build()
        });
        GetMetricDataOutput::builder().set_metric_data_results(Some(results.collect())).build()
    });
    let cloudwatch = mock_client!(aws_sdk_cloudwatch, RuleMode::MatchAny, &[values]);
    let mut clients = clients(mock_client!(aws_sdk_iot, RuleMode::MatchAny, &[]));
    clients.alarms.cloudwatch = cloudwatch;
    let counted = clients.count_executions(&JobId::new("fw").unwrap(), &job(), ASKED).await;
    let samples = [(Detail::DownloadTime, 31), (Detail::RetryCount, 17)].into();
    let expected = Counted { ended: 50, succeeded: 40, invalid: 9, samples };
    assert_eq!(counted.unwrap(), expected);
}

#[tokio::test]
async fn what_may_not_be_looked_at_is_not_said() {
    let denied = mock!(aws_sdk_iot::Client::list_job_executions_for_job).then_error(|| {
        let denied = InvalidRequestException::builder().message("no").build();
        aws_sdk_iot::operation::list_job_executions_for_job::ListJobExecutionsForJobError::InvalidRequestException(denied)
    });
    let iot = mock_client!(aws_sdk_iot, RuleMode::MatchAny, &[denied]);
    let found = clients(iot).look_for_misspelled(&JobId::new("fw").unwrap()).await;
    assert!(found.is_err());
    let mut facts = slow(64, 3, 0, 0);
    job_facts(&mut facts).misspelled = found;
    let Err(NotProven::Finding { what, .. }) = judged(&facts, "metrics-arriving") else {
        panic!("it is silent")
    };
    assert!(what.ends_with("see docs/guide/details.md)"), "{what}");
}
