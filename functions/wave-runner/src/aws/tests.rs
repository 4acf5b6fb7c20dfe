use aws_sdk_iot::operation::create_job::CreateJobInput;
use aws_sdk_sfn::operation::send_task_success::SendTaskSuccessOutput;
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::body::SdkBody;
use tripline::release::{ReleaseId, State};
use tripline_aws::FailureKind;

use super::Aws;
use crate::ask::*;
use crate::tests::{plan, settings};

fn aws(sfn: &[Rule], dynamodb: &[Rule], iot: &[Rule]) -> Aws {
    Aws {
        cloudwatch: mock_client!(aws_sdk_cloudwatch, RuleMode::MatchAny, &[]),
        dynamodb: mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, dynamodb),
        iot: mock_client!(aws_sdk_iot, RuleMode::MatchAny, iot),
        sfn: mock_client!(aws_sdk_sfn, RuleMode::MatchAny, sfn),
        sns: mock_client!(aws_sdk_sns, RuleMode::MatchAny, &[]),
        settings: settings(),
    }
}

fn refused(code: &str) -> HttpResponse {
    let body = format!("{{\"__type\":\"{code}\",\"message\":\"as it says\"}}");
    HttpResponse::new(400.try_into().unwrap(), SdkBody::from(body))
}

#[tokio::test]
async fn a_token_that_nobody_waits_with_is_no_failure() {
    use aws_sdk_sfn::Client;
    for code in ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"] {
        let rules = [
            mock!(Client::send_task_success).then_http_response(move || refused(code)),
            mock!(Client::send_task_failure).then_http_response(move || refused(code)),
            mock!(Client::send_task_heartbeat).then_http_response(move || refused(code)),
        ];
        let aws = aws(&rules, &[], &[]);
        assert_eq!(aws.succeed("t").await, Ok(false), "{code}");
        assert_eq!(aws.fail("t", "E", "why").await, Ok(false), "{code}");
        assert_eq!(aws.heartbeat("t").await, Ok(false), "{code}");
    }
    let rule = mock!(Client::send_task_success)
        .match_requests(|input| input.task_token() == Some("t") && input.output() == Some("{}"))
        .then_output(|| SendTaskSuccessOutput::builder().build());
    assert_eq!(aws(&[rule], &[], &[]).succeed("t").await, Ok(true));
    let rule =
        mock!(Client::send_task_success).then_http_response(|| refused("AccessDeniedException"));
    let failure = aws(&[rule], &[], &[]).succeed("t").await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Denied);
}

#[tokio::test]
async fn a_write_that_somebody_was_faster_with_is_no_failure() {
    use aws_sdk_dynamodb::Client;
    let read = Versioned { state: State::new(&plan(&["canary"])), version: 7 };
    for (code, expected) in
        [("ConditionalCheckFailedException", Some(false)), ("AccessDeniedException", None)]
    {
        let rule = mock!(Client::put_item)
            .match_requests(|input| {
                let values = input.expression_attribute_values();
                let read = values.and_then(|values| values.get(":read"));
                input.condition_expression() == Some("#version = :read")
                    && read.and_then(|it| it.as_n().ok()).map(String::as_str) == Some("7")
                    && input.item().is_some_and(|item| item["version"].as_n().unwrap() == "8")
            })
            .then_http_response(move || refused(code));
        assert_eq!(aws(&[], &[rule], &[]).write_state(&read).await.ok(), expected, "{code}");
    }
}

#[tokio::test]
async fn an_empty_answer_is_no_answer() {
    use aws_sdk_dynamodb::Client;
    let release = ReleaseId::new("pump-9").unwrap();
    for (body, is_answer) in [
        ("{}", false),
        ("{\"ConsumedCapacity\":{\"TableName\":\"t\",\"CapacityUnits\":1.0}}", true),
    ] {
        let rule = mock!(Client::get_item).then_http_response(move || {
            HttpResponse::new(200.try_into().unwrap(), SdkBody::from(body))
        });
        let aws = aws(&[], &[rule], &[]);
        assert_eq!(aws.state(&release).await.is_ok(), is_answer, "{body}");
        assert_eq!(aws.holds().await.is_ok(), is_answer, "{body}");
    }
}

#[tokio::test]
async fn a_job_that_is_there_already_is_no_failure() {
    use aws_sdk_iot::Client;
    for (code, expected) in
        [("ResourceAlreadyExistsException", Some(false)), ("InvalidRequestException", None)]
    {
        let rule = mock!(Client::create_job).then_http_response(move || {
            let mut response = refused(code);
            response.headers_mut().insert("x-amzn-errortype", code);
            response
        });
        let request = CreateJobInput::builder().job_id("wave-pump-9-canary").targets("arn");
        assert_eq!(aws(&[], &[], &[rule]).create_job(request).await.ok(), expected, "{code}");
    }
}
