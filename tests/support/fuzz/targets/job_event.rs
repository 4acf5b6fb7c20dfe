//! A job-execution event as the metrics-generator reads it, direct and from its queue.

use lambda_runtime::Diagnostic;
use metrics_generator::Generator;
use serde_json::{Value, json};
use tripline::batch::{MAX_AGE, MAX_AHEAD, MAX_DATUMS_PER_REQUEST, MAX_VALUES_PER_DATUM, Request};
use tripline::event::ExecutionEvent;
use tripline::metric::{DownloadTime, Metric, RetryCount};
use tripline::time::Timestamp;

use super::super::no_aws::{NOW, NoAws, done};
use super::super::said::{ONE, is_fit_line};
use super::super::{Shape, Target};

pub(super) const TARGET: Target = Target {
    name: "job-event",
    shape: Shape::Json,
    seeds: &["events/iot", "events/sqs"],
    words: &["download_time", "RetryCount", "timed_out", "deleted", "aws:sqs", "JOB_EXECUTION"],
    check,
};

fn check(input: &[u8]) {
    let event = ExecutionEvent::from_json(input);
    assert_eq!(event, ExecutionEvent::from_json(input), "read twice");
    match &event {
        Ok(event) => is_in_range(event),
        Err(poison) => is_fit_line(&poison.to_string(), ONE),
    }
    let Ok(payload) = serde_json::from_slice::<Value>(input) else { return };
    let (said, requests) = handled(&payload);
    assert_eq!((&said, &requests), (&handled(&payload).0, &handled(&payload).1), "handled twice");
    let counted: f64 = requests.iter().map(outcomes).sum();
    let is_of_queue = payload.pointer("/Records/0/eventSource").is_some_and(|it| it == "aws:sqs");
    if !is_of_queue {
        let ends = event.as_ref().is_ok_and(|event| event.ending.is_some());
        assert_eq!((said.is_ok(), counted), (event.is_ok(), f64::from(u8::from(ends))));
        // The same event counts the same from the queue, where it comes back alone if it is refused.
        let body = String::from_utf8_lossy(input);
        let record = json!({ "messageId": "m", "body": body, "eventSource": "aws:sqs" });
        let (said, queued) = handled(&json!({ "Records": [record] }));
        let failed = said.unwrap().pointer("/batchItemFailures/0").is_some();
        assert_eq!((failed, &queued), (event.is_err(), &requests), "from the queue");
    }
}

/// What the function answers, and what it publishes.
fn handled(payload: &Value) -> (Result<Value, String>, Vec<Request>) {
    let aws = NoAws::new(true);
    let generator = Generator::new(&aws);
    let answer = done(generator.handle(payload.clone(), Timestamp::from_seconds(NOW)));
    let said = answer.map_err(|failed| {
        let Diagnostic { error_message, .. } = failed.into();
        is_fit_line(&error_message, ONE);
        error_message
    });
    let requests = aws.requests.lock().unwrap().clone();
    requests.iter().for_each(can_be_published);
    (said, requests)
}

/// What is accepted is within the ranges of the documents.
fn is_in_range(event: &ExecutionEvent) {
    let job = event.job.as_str();
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    assert!((1..=64).contains(&job.len()) && job.chars().all(is_allowed), "{job}");
    assert!(event.id.as_ref().is_none_or(|id| id.as_str().len() <= 64));
    let Some(ending) = &event.ending else { return };
    let seconds = ending.download_time.map_or(0.0, DownloadTime::seconds);
    assert!(seconds.is_finite() && (0.0..=604_800.0).contains(&seconds), "{seconds}");
    assert!(ending.retry_count.map_or(0, RetryCount::get) <= 10_000);
    assert!(ending.invalid.len() <= 2, "{:?}", ending.invalid);
    for invalid in &ending.invalid {
        is_fit_line(&invalid.to_string(), ONE);
    }
}

/// CloudWatch takes the request.
fn can_be_published(request: &Request) {
    assert!(!request.datums.is_empty() && request.datums.len() <= MAX_DATUMS_PER_REQUEST);
    for datum in &request.datums {
        assert!((1..=MAX_VALUES_PER_DATUM).contains(&datum.values.len()));
        let at = datum.at.seconds();
        assert!((NOW - MAX_AGE - 60..=NOW + MAX_AHEAD).contains(&at) && at % 60 == 0, "{at}");
        for (value, count) in &datum.values {
            assert!(value.is_finite() && *value >= 0.0 && *count > 0, "{datum:?}");
            let most = match datum.metric {
                Metric::DownloadTime => 604_800.0,
                Metric::RetryCount => 10_000.0,
                _ => f64::MAX,
            };
            assert!(*value <= most, "{datum:?}");
        }
    }
}

/// How many endings a request counts.
fn outcomes(request: &Request) -> f64 {
    let datums = request.datums.iter().filter(|it| matches!(it.metric, Metric::Count(_)));
    datums.flat_map(|it| &it.values).map(|(value, count)| value * f64::from(*count)).sum()
}
