use aws_sdk_cloudwatch::operation::put_metric_data::{PutMetricDataError, PutMetricDataOutput};
use aws_sdk_cloudwatch::types::error::InvalidParameterValueException;
use aws_smithy_mocks::{mock, mock_client};
use tripline::event::ExecutionEvent;
use tripline::recent::RecentEvents;
use tripline::time::Timestamp;
use tripline_aws::FailureKind;

use super::*;

fn request() -> Request {
    let event = ExecutionEvent::from_json(
        br#"{"operation":"succeeded","jobId":"fw-1","timestamp":1790000045,
             "statusDetails":{"downloadTime":"412.5","retryCount":"2"}}"#,
    )
    .unwrap();
    let now = Timestamp::from_seconds(1_790_000_050);
    tripline::batch::Batch::new([(0, &event)], &RecentEvents::new(1), now).requests.remove(0)
}

#[tokio::test]
async fn a_request_becomes_datums_with_their_job() {
    let put = mock!(Client::put_metric_data)
        .match_requests(|input| {
            let datums = input.metric_data();
            let of = |name: &str| datums.iter().find(|d| d.metric_name() == Some(name)).unwrap();
            let time = of("downloadTime");
            assert_eq!(input.namespace(), Some("IoT:OTA:JobExecution"));
            assert_eq!(datums.len(), 3);
            assert_eq!((time.values(), time.counts()), (&[412.5][..], &[1.0][..]));
            assert_eq!(time.unit(), Some(&StandardUnit::Seconds));
            assert_eq!(time.timestamp(), Some(&DateTime::from_secs(1_790_000_040)));
            assert_eq!(time.dimensions()[0].name(), Some("jobId"));
            assert_eq!(time.dimensions()[0].value(), Some("fw-1"));
            assert_eq!(of("retryCount").unit(), Some(&StandardUnit::Count));
            assert_eq!(of("succeededCount").values(), [1.0]);
            true
        })
        .then_output(|| PutMetricDataOutput::builder().build());
    let client = mock_client!(aws_sdk_cloudwatch, [&put]);
    CloudWatch { client }.put_metrics(&request()).await.unwrap();
    assert_eq!(put.num_calls(), 1);
}

#[tokio::test]
async fn a_refusal_says_what_cloudwatch_said() {
    let put = mock!(Client::put_metric_data).then_error(|| {
        let error =
            InvalidParameterValueException::builder().message("the value NaN is not allowed");
        PutMetricDataError::InvalidParameterValueException(
            error
                .meta(
                    aws_sdk_cloudwatch::error::ErrorMetadata::builder()
                        .code("InvalidParameterValue")
                        .message("the value NaN is not allowed")
                        .build(),
                )
                .build(),
        )
    });
    let client = mock_client!(aws_sdk_cloudwatch, [&put]);
    let failure = CloudWatch { client }.put_metrics(&request()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Refused);
    assert_eq!(
        failure.to_string(),
        "PutMetricData: InvalidParameterValue: the value NaN is not allowed"
    );
}
