//! What counts as an answer, on the wire: the clients as they are, before a service that a test
//! scripts. Time is the test's, so that waiting between tries takes none.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use aws_sdk_cloudwatch::config::{
    Credentials, Region, SharedAsyncSleep, SharedCredentialsProvider,
};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use tripline::job::JobId;
use tripline_aws::{FailureKind, OPERATION_TIMEOUT, TimeoutConfig};

use super::tests::settings;
use super::*;
use crate::ask::{CancelJob, DescribeAlarms, DescribeJob, LastFiring, ReadEvidence};
use crate::stopping::SECOND_PATIENCE;

/// Status, header and body of an answer.
type Answer = (u16, Option<(&'static str, &'static str)>, &'static [u8]);

/// Gives its answers in their order, and the last one for ever.
#[derive(Debug, Clone)]
struct Service(Arc<Mutex<(VecDeque<Answer>, u32)>>);

impl Service {
    fn new(answers: &[Answer]) -> Self {
        Self(Arc::new(Mutex::new((answers.iter().copied().collect(), 0))))
    }

    fn calls(&self) -> u32 {
        self.0.lock().unwrap().1
    }
}

impl HttpClient for Service {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Service {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        let mut script = self.0.lock().unwrap();
        script.1 += 1;
        let (answers, _) = &mut *script;
        let (status, header, body) =
            if answers.len() > 1 { answers.pop_front().unwrap() } else { answers[0] };
        let status = status.try_into().unwrap();
        let mut response = HttpResponse::new(status, SdkBody::from(body));
        if let Some((name, value)) = header {
            response.headers_mut().insert(name, value);
        }
        HttpConnectorFuture::ready(Ok(response))
    }
}

fn aws(service: &Service) -> Aws {
    let credentials = Credentials::for_tests();
    let config = SdkConfig::builder()
        .behavior_version(aws_sdk_cloudwatch::config::BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(SharedHttpClient::new(service.clone()))
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .timeout_config(TimeoutConfig::builder().operation_timeout(OPERATION_TIMEOUT).build())
        .build();
    Aws::new(&config, &settings())
}

const PROTOCOL: Option<(&str, &str)> = Some(("smithy-protocol", "rpc-v2-cbor"));
/// `{"MetricAlarms": [], "CompositeAlarms": []}`
const NO_ALARMS: Answer = (200, PROTOCOL, b"\xa2\x6cMetricAlarms\x80\x6fCompositeAlarms\x80");
/// `{"AlarmHistoryItems": []}`
const NO_HISTORY: Answer = (200, PROTOCOL, b"\xa1\x71AlarmHistoryItems\x80");
const HTML: &[u8] = b"<html>Sign in to the network</html>";
const JOB: Answer = (200, None, br#"{"job":{"jobId":"fw-1","status":"IN_PROGRESS"}}"#);
const CANCELED: Answer = (200, None, br#"{"jobId":"fw-1"}"#);

fn error(status: u16, code: &'static str) -> Answer {
    (status, Some(("x-amzn-errortype", code)), b"{}")
}

/// What is no answer, of any service.
fn unanswered() -> Vec<Answer> {
    vec![
        (200, None, b""),
        (200, None, HTML),
        (400, None, HTML),
        (403, None, HTML),
        (404, None, HTML),
        (408, None, b""),
        (500, None, HTML),
        (503, None, b""),
    ]
}

fn job() -> JobId {
    JobId::new("fw-1").unwrap()
}

#[tokio::test(start_paused = true)]
async fn no_alarm_follows_only_from_an_answer_without_it() {
    let names = ["a".to_owned()];
    let mut all = unanswered();
    // An empty map, and the whole answer without the protocol's header.
    all.extend([(200, PROTOCOL, &b"\xa0"[..]), (200, PROTOCOL, b""), (200, None, NO_ALARMS.2)]);
    // Codes of CBOR errors: `{"__type": "RequestExpired"}`, and one that is not known.
    all.push((400, PROTOCOL, b"\xa1\x66__type\x6eRequestExpired"));
    all.push((400, PROTOCOL, b"\xa1\x66__type\x6dInvalidAction"));
    for answer in all {
        let service = Service::new(&[answer]);
        let failure = aws(&service).describe_alarms(&names).await.unwrap_err();
        let open = [FailureKind::Unavailable, FailureKind::Denied];
        assert!(open.contains(&failure.kind), "{answer:?}: {failure}");
        assert!(service.calls() > 3, "{answer:?}: asked {} times", service.calls());
        let failure = aws(&Service::new(&[answer])).last_firing("a", None, None).await.unwrap_err();
        assert!(open.contains(&failure.kind), "{answer:?}: {failure}");
        // Once is nothing.
        let service = Service::new(&[answer, NO_ALARMS]);
        assert_eq!(aws(&service).describe_alarms(&names).await, Ok(vec![]), "{answer:?}");
    }
    assert_eq!(aws(&Service::new(&[NO_HISTORY])).last_firing("a", None, None).await, Ok(None));
    let invalid = (400, PROTOCOL, &b"\xa1\x66__type\x6fValidationError"[..]);
    for name in ["a\n", "", "a\u{fffe}", &"a".repeat(256)] {
        let service = Service::new(&[invalid]);
        assert_eq!(aws(&service).describe_alarms(&[name.to_owned()]).await, Ok(vec![]));
        assert_eq!(service.calls(), 1, "an answer");
    }
    // That an alarm which can exist has an impossible name is no answer.
    let failure = aws(&Service::new(&[invalid])).describe_alarms(&names).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unavailable);
}

#[tokio::test(start_paused = true)]
async fn a_job_is_gone_only_by_aws_iot_s_own_word() {
    for answer in unanswered().into_iter().chain([error(400, "SomethingNew")]) {
        let failure = aws(&Service::new(&[answer])).describe_job(&job()).await.unwrap_err();
        assert_ne!(failure.kind, FailureKind::NotFound, "{answer:?}: {failure}");
        let known = aws(&Service::new(&[answer, JOB])).describe_job(&job()).await;
        assert!(known.is_ok(), "{answer:?}: {known:?}");
    }
    let service = Service::new(&[error(404, "ResourceNotFoundException")]);
    let failure = aws(&service).describe_job(&job()).await.unwrap_err();
    assert_eq!((failure.kind, service.calls()), (FailureKind::NotFound, 1));
}

#[tokio::test(start_paused = true)]
async fn no_evidence_follows_only_from_dynamodb_s_own_answer() {
    const NONE: Answer = (200, None, br#"{"ConsumedCapacity":{"CapacityUnits":0.5}}"#);
    let denied = [error(400, "SomethingNew"), error(400, "AccessDeniedException")];
    for answer in unanswered().into_iter().chain(denied).chain([(200, None, &b"{}"[..])]) {
        let failure = aws(&Service::new(&[answer])).read_evidence(&job()).await.unwrap_err();
        let open = [FailureKind::Unavailable, FailureKind::Denied];
        assert!(open.contains(&failure.kind), "{answer:?}: {failure}");
        // Once is nothing.
        let service = Service::new(&[answer, NONE]);
        assert_eq!(aws(&service).read_evidence(&job()).await, Ok(None), "{answer:?}");
        assert_eq!(service.calls(), 2, "{answer:?}");
    }
}

/// The SDK's own budget for retries lasts for a few dozen of them, for all calls of an environment.
#[tokio::test(start_paused = true)]
async fn twenty_stops_in_one_environment_are_each_tried_to_the_end() {
    for answer in [(503, None, &b""[..]), error(400, "ThrottlingException")] {
        let service = Service::new(&[answer]);
        let aws = aws(&service);
        for stop in 1..=20 {
            let before = service.calls();
            let started = tokio::time::Instant::now();
            let failed = aws.cancel_job(&job(), false, "why", SECOND_PATIENCE).await;
            assert!(failed.is_err());
            assert!(started.elapsed() >= SECOND_PATIENCE, "stop {stop}: {:?}", started.elapsed());
            assert!(service.calls() - before > 15, "stop {stop}: {}", service.calls() - before);
        }
        // After all that, a single failure is nothing.
        for _ in 0..20 {
            service.0.lock().unwrap().0 = [answer, CANCELED].into();
            assert_eq!(aws.cancel_job(&job(), false, "why", SECOND_PATIENCE).await, Ok(()));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_is_tried_until_aws_iot_answers() {
    for answer in unanswered().into_iter().chain([
        error(403, "AccessDeniedException"),
        error(403, "ExpiredTokenException"),
        error(400, "SomethingNew"),
    ]) {
        let service = Service::new(&[answer, CANCELED]);
        let canceled = aws(&service).cancel_job(&job(), false, "why", SECOND_PATIENCE).await;
        assert_eq!((canceled, service.calls()), (Ok(()), 2), "{answer:?}");
    }
    let service = Service::new(&[error(400, "InvalidRequestException")]);
    let canceled = aws(&service).cancel_job(&job(), false, "why", SECOND_PATIENCE).await;
    assert_eq!(canceled.map_err(|failure| failure.kind), Err(FailureKind::Refused));
    assert_eq!(service.calls(), 1, "an answer");
}
