use aws_sdk_cloudwatch::operation::describe_alarm_history::DescribeAlarmHistoryOutput;
use aws_sdk_cloudwatch::operation::describe_alarms::DescribeAlarmsOutput;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{
    AlarmHistoryItem, ComparisonOperator, CompositeAlarm, Dimension, Metric, MetricAlarm,
    MetricDataQuery, MetricStat, StateValue,
};
use aws_sdk_dynamodb::operation::update_item::{
    UpdateItemError, UpdateItemInput, UpdateItemOutput,
};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_dynamodb::types::error::ConditionalCheckFailedException;
use aws_sdk_iot::operation::cancel_job::CancelJobOutput;
use aws_sdk_iot::operation::describe_job::{DescribeJobError, DescribeJobOutput};
use aws_sdk_iot::operation::list_tags_for_resource::ListTagsForResourceOutput;
use aws_sdk_iot::types::error::ResourceNotFoundException;
use aws_sdk_iot::types::{Job as IotJob, JobProcessDetails, JobStatus};
use aws_sdk_sns::operation::publish::PublishOutput;
use aws_smithy_mocks::{Rule, mock, mock_client};
use tripline::job::{EndedCounts, ExecutionCounts, JobId, JobState};
use tripline::notification::AlarmState;
use tripline::stop::{EvidenceRule, FailureRateRule, Firing, KnownSubject};
use tripline_aws::FailureKind;

use super::*;
use crate::ask::{
    CancelJob, DescribeAlarms, DescribeJob, HasOptedOut, LastFiring, Publish, ReadFallback,
    TakeTurn, Turn,
};

pub(super) fn settings() -> Settings {
    let read = |name: &str| match name {
        "FORCE_STOP_TOPIC_ARN" => Some("arn:aws:sns:eu-west-1:111122223333:stop".to_owned()),
        "GUARDS_TABLE" | "STACK_NAME" => Some("a-stack".to_owned()),
        _ => None,
    };
    Settings::from_environment(read).unwrap()
}

pub(super) fn aws(cloudwatch: &[&Rule], iot: &[&Rule], sns: &[&Rule]) -> Aws {
    Aws {
        cloudwatch: mock_client!(
            aws_sdk_cloudwatch,
            aws_smithy_mocks::RuleMode::MatchAny,
            cloudwatch
        ),
        iot: mock_client!(aws_sdk_iot, aws_smithy_mocks::RuleMode::MatchAny, iot),
        dynamodb: mock_client!(aws_sdk_dynamodb, aws_smithy_mocks::RuleMode::MatchAny, &[]),
        sns: mock_client!(aws_sdk_sns, aws_smithy_mocks::RuleMode::MatchAny, sns),
        settings: settings(),
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
async fn history_says_whether_an_alarm_fired_since() {
    let to_alarm = r#"{"newState":{"stateValue":"ALARM","stateReason":"over the limit"}}"#;
    let to_ok = r#"{"oldState":{"stateValue":"ALARM"},"newState":{"stateValue":"OK"}}"#;
    let firing = |reason: &str| Some(Firing { reason: reason.to_owned(), at: Some(100) });
    for (item, fired) in [
        (history(100, Some(to_alarm), ""), firing("over the limit")),
        (history(99, Some(to_alarm), ""), None),
        (history(100, Some(to_ok), ""), None),
        (history(100, None, "Alarm updated from OK to ALARM"), firing("")),
        (history(100, None, "Alarm updated from ALARM to OK"), None),
    ] {
        let rule = mock!(aws_sdk_cloudwatch::Client::describe_alarm_history)
            .match_requests(|input| {
                input.alarm_name() == Some("a")
                    && input.start_date() == Some(&DateTime::from_secs(100))
            })
            .then_output(move || {
                DescribeAlarmHistoryOutput::builder().alarm_history_items(item.clone()).build()
            });
        assert_eq!(aws(&[&rule], &[], &[]).last_firing("a", Some(100), None).await, Ok(fired));
    }
}

#[tokio::test]
async fn a_history_that_is_not_read_to_its_end_says_nothing() {
    let rule = mock!(aws_sdk_cloudwatch::Client::describe_alarm_history).then_output(|| {
        DescribeAlarmHistoryOutput::builder()
            .alarm_history_items(history(100, None, "Alarm updated from ALARM to OK"))
            .next_token("more")
            .build()
    });
    let failure = aws(&[&rule], &[], &[]).last_firing("a", Some(100), None).await.unwrap_err();
    assert_eq!((failure.kind, rule.num_calls()), (FailureKind::Unavailable, 3));
}

#[tokio::test]
async fn an_alarm_asks_through_its_enabled_actions_and_names_accounts() {
    for (enabled, asks) in [(Some(true), true), (Some(false), false), (None, false)] {
        let rule = mock!(aws_sdk_cloudwatch::Client::describe_alarms).then_output(move || {
            let alarm = MetricAlarm::builder()
                .alarm_name("a")
                .set_actions_enabled(enabled)
                .alarm_actions("stop")
                .state_reason("over the limit")
                .state_transitioned_timestamp(DateTime::from_secs(7))
                .metrics(MetricDataQuery::builder().id("m").account_id("444455556666").build());
            DescribeAlarmsOutput::builder().metric_alarms(alarm.build()).build()
        });
        let known = aws(&[&rule], &[], &[]).describe_alarms(&["a".to_owned()]).await.unwrap();
        assert_eq!(known[0].actions.contains("stop"), asks);
        let firing = (known[0].reason.as_str(), known[0].since);
        assert_eq!(firing, ("over the limit", Some(7)));
        let KnownSubject::Metrics(watched) = &known[0].subject else { panic!("on metrics") };
        assert!(watched.accounts.contains("444455556666"));
    }
}

#[tokio::test]
async fn the_guard_keeper_s_failure_rate_is_known() {
    use ComparisonOperator::{GreaterThanOrEqualToThreshold, GreaterThanThreshold};
    for (operator, is_known) in
        [(GreaterThanThreshold, true), (GreaterThanOrEqualToThreshold, false)]
    {
        let rule = mock!(aws_sdk_cloudwatch::Client::describe_alarms).then_output(move || {
            let count = |id: &str, kept: tripline::metric::KeptMetric| {
                let metric = Metric::builder()
                    .namespace(tripline::metric::NAMESPACE)
                    .metric_name(kept.name())
                    .dimensions(job_dimension("fw-2"))
                    .build();
                let stat = MetricStat::builder().metric(metric).period(60).stat("Maximum").build();
                MetricDataQuery::builder().id(id).metric_stat(stat).return_data(false).build()
            };
            use tripline::metric::KeptMetric::{NotifiedCount, UnsuccessfulCount};
            let decided = MetricDataQuery::builder().id("decided").return_data(true);
            let alarm = MetricAlarm::builder()
                .alarm_name("a")
                .threshold(20.0)
                .comparison_operator(operator.clone())
                .metrics(decided.expression("IF(n >= 50, 100 * u / n)").build())
                .metrics(count("n", NotifiedCount))
                .metrics(count("u", UnsuccessfulCount));
            DescribeAlarmsOutput::builder().metric_alarms(alarm.build()).build()
        });
        let known = aws(&[&rule], &[], &[]).describe_alarms(&["a".to_owned()]).await.unwrap();
        let rule = FailureRateRule::read("IF(n >= 50, 100 * u / n)", "n", "u", 20.0);
        assert!(rule.is_some());
        assert_eq!(known[0].failure_rate, rule.filter(|_| is_known));
    }
}

#[tokio::test]
async fn an_alarm_on_evidence_is_known_by_its_rule_or_its_metric_math() {
    use ComparisonOperator::{GreaterThanThreshold, LessThanThreshold};
    let plain = |metric: &str, operator, threshold| {
        MetricAlarm::builder()
            .namespace("IoT:OTA:JobExecution")
            .metric_name(metric)
            .threshold(threshold)
            .comparison_operator(operator)
            .treat_missing_data("breaching")
    };
    let math = |namespace: &str| {
        let metric = Metric::builder().namespace(namespace).metric_name("evidence").build();
        let stat = MetricStat::builder().metric(metric).period(60).stat("Maximum").build();
        let query = MetricDataQuery::builder().id("e").metric_stat(stat).build();
        MetricAlarm::builder().metrics(query)
    };
    let reached = EvidenceRule::Reached { threshold: Some(1.5), or_silent: true };
    for (alarm, evidence) in [
        (plain("evidence", GreaterThanThreshold, 1.5), Some(reached)),
        (plain("evidence", LessThanThreshold, 0.0), Some(EvidenceRule::Silent)),
        (plain("downloadTime", GreaterThanThreshold, 1.5), None),
        (math("IoT:OTA:JobExecution"), Some(EvidenceRule::MATH)),
        (math("Other"), None),
    ] {
        let rule = mock!(aws_sdk_cloudwatch::Client::describe_alarms).then_output(move || {
            let alarm = alarm.clone().alarm_name("a").build();
            DescribeAlarmsOutput::builder().metric_alarms(alarm).build()
        });
        let known = aws(&[&rule], &[], &[]).describe_alarms(&["a".to_owned()]).await.unwrap();
        assert_eq!(known[0].evidence, evidence, "{:?}", known[0]);
    }
}

#[tokio::test]
async fn a_tag_opts_a_job_out() {
    for (value, opted_out) in [("off", true), ("on", false)] {
        let rule = mock!(aws_sdk_iot::Client::list_tags_for_resource)
            .match_requests(|input| {
                input.resource_arn() == Some("arn:aws:iot:eu-west-1:111122223333:job/fw-1")
            })
            .then_output(move || {
                let tag = aws_sdk_iot::types::Tag::builder().key("tripline:guard").value(value);
                let tag = tag.build().unwrap();
                ListTagsForResourceOutput::builder().tags(tag).build()
            });
        let job = JobId::new("fw-1").unwrap();
        assert_eq!(aws(&[], &[&rule], &[]).has_opted_out(&job).await, Ok(opted_out));
    }
}

#[tokio::test]
async fn a_tag_names_the_job_to_go_back_to() {
    for (value, fallback) in [("fw-0", Some("fw-0")), ("fw-1", None), ("no job", None), ("", None)]
    {
        let rule = mock!(aws_sdk_iot::Client::list_tags_for_resource).then_output(move || {
            let tag = |key: &str, value: &str| {
                aws_sdk_iot::types::Tag::builder().key(key).value(value).build().unwrap()
            };
            let tags = ListTagsForResourceOutput::builder().tags(tag("team", "pumps"));
            tags.tags(tag("tripline:fallback", value)).build()
        });
        let job = JobId::new("fw-1").unwrap();
        let read = aws(&[], &[&rule], &[]).read_fallback(&job).await.unwrap();
        assert_eq!(read.as_ref().map(JobId::as_str), fallback);
    }
}

/// What an update gives and does not use is refused.
fn uses_what_it_gives(input: &UpdateItemInput) -> bool {
    let values = input.expression_attribute_values().unwrap();
    let names = input.expression_attribute_names().unwrap();
    let text = [input.condition_expression(), input.update_expression()].map(Option::unwrap);
    let text = text.join(" ");
    values.keys().chain(names.keys()).all(|name| text.contains(name))
}

fn updated() -> UpdateItemOutput {
    UpdateItemOutput::builder().attributes("jobId", AttributeValue::S("a".to_owned())).build()
}

fn condition_is_false() -> UpdateItemError {
    let meta = aws_sdk_dynamodb::error::ErrorMetadata::builder()
        .code("ConditionalCheckFailedException")
        .build();
    UpdateItemError::ConditionalCheckFailedException(
        ConditionalCheckFailedException::builder().meta(meta).build(),
    )
}

#[tokio::test]
async fn a_turn_is_taken_on_a_condition() {
    let taken = |condition: &'static str, is_there: bool| {
        let rule = mock!(aws_sdk_dynamodb::Client::update_item).match_requests(move |input| {
            let most = input.expression_attribute_values().and_then(|all| all.get(":most"));
            let key = input.key().and_then(|key| key.get("jobId")).and_then(|key| key.as_s().ok());
            input.condition_expression().is_some_and(|text| text.starts_with(condition))
                && most.is_some() == condition.contains(":most")
                && key.is_some_and(|key| key == "$force-stopper")
        });
        if is_there {
            return rule.then_output(updated);
        }
        rule.then_error(condition_is_false)
    };
    const MORE: &str = "#count < :most";
    const FIRST: &str = "attribute_not_exists(#last)";
    for (more, first, calls) in [(true, false, 1), (false, true, 2), (false, false, 3)] {
        let rules = [taken(MORE, more), taken(FIRST, first)];
        let aws = Aws {
            dynamodb: mock_client!(
                aws_sdk_dynamodb,
                aws_smithy_mocks::RuleMode::MatchAny,
                &[&rules[0], &rules[1]]
            ),
            ..aws(&[], &[], &[])
        };
        let now = Timestamp::from_seconds(1_000);
        assert_eq!(aws.take_turn(Turn::UnverifiedStop, "id", now).await, Ok(more || first));
        assert_eq!(rules[0].num_calls() + rules[1].num_calls(), calls);
    }
}

#[tokio::test]
async fn the_only_turn_is_its_taker_s_again() {
    let rule = mock!(aws_sdk_dynamodb::Client::update_item)
        .match_requests(|input| {
            let values = input.expression_attribute_values().unwrap();
            input.condition_expression().is_some_and(|text| text.ends_with(" OR #by = :id"))
                && values.get(":id").and_then(|id| id.as_s().ok()).is_some_and(|id| id == "id")
                && uses_what_it_gives(input)
        })
        .then_output(updated);
    let aws = Aws {
        dynamodb: mock_client!(aws_sdk_dynamodb, aws_smithy_mocks::RuleMode::MatchAny, &[&rule]),
        ..aws(&[], &[], &[])
    };
    let now = Timestamp::from_seconds(1_000);
    assert_eq!(aws.take_turn(Turn::RefusalMail, "id", now).await, Ok(true));
    assert_eq!(rule.num_calls(), 1);
}

#[tokio::test]
async fn what_is_said_is_remembered_in_its_place() {
    let rule = mock!(aws_sdk_dynamodb::Client::update_item)
        .match_requests(|input| {
            let values = input.expression_attribute_values().unwrap();
            let names = input.expression_attribute_names().unwrap();
            uses_what_it_gives(input)
                && names["#key"] == "said1Key"
                && values[":key"] == AttributeValue::S("11".to_owned())
        })
        .then_output(updated);
    let dynamodb = mock_client!(aws_sdk_dynamodb, aws_smithy_mocks::RuleMode::MatchAny, &[&rule]);
    let aws = Aws { dynamodb, ..aws(&[], &[], &[]) };
    assert_eq!(aws.may_say(17, "id", Timestamp::from_seconds(1_000)).await, Ok(true));
    assert_eq!(rule.num_calls(), 1);
}

#[tokio::test]
async fn a_turn_that_is_over_is_nobody_s() {
    let rule = mock!(aws_sdk_dynamodb::Client::update_item)
        .match_requests(|input| {
            let names = input.expression_attribute_names().unwrap();
            // What is given and not used is refused.
            input.update_expression() == Some("REMOVE #by")
                && input.condition_expression() == Some("#by = :id")
                && names.len() == 1
                && names["#by"] == "refusalMailBy"
                && input.expression_attribute_values().unwrap().len() == 1
        })
        .then_error(condition_is_false);
    let dynamodb = mock_client!(aws_sdk_dynamodb, aws_smithy_mocks::RuleMode::MatchAny, &[&rule]);
    let aws = Aws { dynamodb, ..aws(&[], &[], &[]) };
    assert_eq!(aws.end_turn(Turn::RefusalMail, "id").await, Ok(()));
    assert_eq!(rule.num_calls(), 1);
}

#[test]
fn a_refusal_is_counted_for_the_stack_alone() {
    let line = embedded_metric("a-stack", Timestamp::from_seconds(7));
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&line["StackName"], &line["refusedAlarms"]), (&"a-stack".into(), &1.into()));
    assert_eq!(line["_aws"]["Timestamp"], 7_000);
    assert_eq!(line["_aws"]["CloudWatchMetrics"][0]["Namespace"], "Tripline");
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
        .output(|| CancelJobOutput::builder().job_id("fw-1").build())
        .build();
    let job = JobId::new("fw-1").unwrap();
    aws(&[], &[&rule], &[]).cancel_job(&job, true, "why", Duration::from_secs(60)).await.unwrap();
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
