use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sdk_cloudwatch::operation::put_metric_data::{PutMetricDataError, PutMetricDataOutput};
use aws_sdk_cloudwatch::types::error::InvalidParameterValueException;
use aws_smithy_mocks::{mock, mock_client};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tripline::event::ExecutionEvent;
use tripline::recent::RecentEvents;
use tripline::time::Timestamp;
use tripline_aws::FailureKind;

use super::front::{Fate, Front, timed};
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
    CloudWatch { client, stack: None }.put_metrics(&request()).await.unwrap();
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
    let failure = CloudWatch { client, stack: None }.put_metrics(&request()).await.unwrap_err();
    assert_eq!((failure.failure.kind, failure.taken), (FailureKind::Refused, Taken::No));
    assert_eq!(
        failure.failure.to_string(),
        "PutMetricData: InvalidParameterValue: the value NaN is not allowed"
    );
}

/// What the function has, but for its HTTP client; tokio's paused clock stands for the time.
fn cloudwatch(front: &Front) -> CloudWatch {
    CloudWatch::new(&front.config(), Some("tripline".to_owned()))
}

#[tokio::test(start_paused = true)]
async fn a_slow_answer_is_waited_for_and_nothing_is_sent_again() {
    for late in [2_900, 5_500, 19_000] {
        let front = Front::new(&[Fate::Taken(late)]);
        let put = cloudwatch(&front).put_metrics(&request()).await;
        assert_eq!((put, front.asked()), (Ok(()), 1), "{late} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn what_may_have_been_taken_is_never_sent_again_by_itself() {
    for fate in [
        Fate::Taken(60_000),
        Fate::TakenAndLost,
        Fate::TakenAndHidden,
        Fate::Refused(500, "InternalFailure"),
        Fate::Refused(503, "ServiceUnavailable"),
    ] {
        let front = Front::new(&[fate]);
        let (put, took) = timed(cloudwatch(&front).put_metrics(&request())).await;
        let not_put = put.unwrap_err();
        assert_eq!((not_put.taken, front.asked()), (Taken::Unknown, 1), "{fate:?}");
        assert_eq!(not_put.failure.kind, FailureKind::Unavailable, "{fate:?}");
        assert!(took <= ATTEMPT_TIMEOUT, "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_not_taken_is_sent_again_for_as_long_as_that_may_help() {
    for (status, code, asked) in [
        (400, "Throttling", 3),
        (400, "ThrottlingException", 3),
        (503, "ThrottlingException", 3),
        (400, "InvalidParameterValue", 1),
        (403, "AccessDenied", 1),
    ] {
        let front = Front::new(&[Fate::Refused(status, code)]);
        let (put, took) = timed(cloudwatch(&front).put_metrics(&request())).await;
        assert_eq!((put.unwrap_err().taken, front.asked()), (Taken::No, asked), "{code}");
        assert!(took <= REQUEST_TIMEOUT - ATTEMPT_TIMEOUT, "{took:?}");
    }
    let front = Front::new(&[Fate::Refused(400, "Throttling"), Fate::Taken(19_000)]);
    assert_eq!(cloudwatch(&front).put_metrics(&request()).await, Ok(()));
    assert_eq!((front.asked(), front.taken()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn doubts_are_published_of_the_stack_and_soon_given_up() {
    let front = Front::new(&[Fate::Taken(20)]);
    assert_eq!(cloudwatch(&front).put_doubts(7).await, Ok(()));
    for words in ["Tripline", "StackName", "tripline", "maybeCountedTwice"] {
        assert!(front.took(words), "{words}");
    }
    let front = Front::new(&[Fate::Taken(60_000)]);
    let (put, took) = timed(cloudwatch(&front).put_doubts(7)).await;
    assert!(put.is_err());
    assert_eq!((front.asked(), took), (1, DOUBTS_TIMEOUT));
    // Nothing is there to be reported.
    let front = Front::new(&[Fate::Taken(20)]);
    assert_eq!(CloudWatch::new(&front.config(), None).put_doubts(7).await, Ok(()));
    assert_eq!(front.asked(), 0);
}

/// Counts the tries of a call.
#[derive(Debug, Clone, Default)]
struct Tries(Arc<AtomicUsize>);

#[dyn_dispatch_hint]
impl Intercept for Tries {
    fn name(&self) -> &'static str {
        "Tries"
    }

    fn read_before_attempt(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

/// Asks whoever is at this address, by the function's own HTTP client. Says what became of it, and after how
/// many tries.
async fn ask(address: SocketAddr) -> (Taken, usize) {
    let config = Front::new(&[]).config().to_builder();
    let http_client = tripline_aws::function::config().http_client().unwrap();
    let config = config.http_client(http_client).endpoint_url(format!("http://{address}")).build();
    let tries = Tries::default();
    let mut cloudwatch = CloudWatch::new(&config, None);
    let quick = RetryConfig::standard()
        .with_max_attempts(ATTEMPTS)
        .with_initial_backoff(Duration::from_millis(1));
    let config = cloudwatch.client.config().to_builder();
    let config = config.retry_config(quick).interceptor(tries.clone()).build();
    cloudwatch.client = Client::from_conf(config);
    let not_put = cloudwatch.put_metrics(&request()).await.unwrap_err();
    assert_eq!(not_put.failure.kind, FailureKind::Unavailable);
    (not_put.taken, tries.0.load(Ordering::Relaxed))
}

#[tokio::test]
async fn where_nobody_listens_nothing_was_taken() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    assert_eq!(ask(address).await, (Taken::No, 3));
}

#[tokio::test]
async fn a_connection_that_breaks_after_the_request_may_have_carried_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = async {
        let mut connections = 0;
        loop {
            let (mut connection, _) = listener.accept().await.unwrap();
            connections += 1;
            assert_ne!(connection.read(&mut [0; 1_024]).await.unwrap(), 0);
            assert_eq!(connections, 1);
        }
    };
    tokio::select! {
        asked = ask(address) => assert_eq!(asked, (Taken::Unknown, 1)),
        () = server => {}
    }
}
