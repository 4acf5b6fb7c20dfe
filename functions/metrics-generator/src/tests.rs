use serde_json::json;
use tripline::metric::Metric;
use tripline_aws::FailureKind;

use super::*;

const NOW: Timestamp = Timestamp::from_seconds(1_790_000_050);

/// Keeps what it is given.
#[derive(Default)]
struct RecordingMetrics(Mutex<Vec<Request>>);

impl PutMetrics for RecordingMetrics {
    async fn put_metrics(&self, request: &Request) -> Result<(), NotPut> {
        self.0.lock().unwrap().push(request.clone());
        Ok(())
    }
}

impl PutDoubts for RecordingMetrics {
    async fn put_doubts(&self, _: u64) -> Result<(), NotPut> {
        panic!("there is none");
    }
}

impl RecordingMetrics {
    fn count(&self, metric: Metric) -> u32 {
        let requests = self.0.lock().unwrap();
        let datums = requests.iter().flat_map(|request| &request.datums);
        datums.filter(|d| d.metric == metric).flat_map(|d| &d.values).map(|(_, n)| n).sum()
    }
}

/// Refuses the first `n` requests.
struct ThrottlingMetrics(Mutex<u32>, RecordingMetrics);

impl PutMetrics for ThrottlingMetrics {
    async fn put_metrics(&self, request: &Request) -> Result<(), NotPut> {
        let throttled = {
            let mut left = self.0.lock().unwrap();
            let throttled = *left > 0;
            *left = left.saturating_sub(1);
            throttled
        };
        if throttled {
            let detail = "Throttling: slow down";
            let failure = Failure::new("PutMetricData", FailureKind::Throttled, detail);
            return Err(NotPut { failure, taken: Taken::No });
        }
        self.1.put_metrics(request).await
    }
}

impl PutDoubts for ThrottlingMetrics {
    async fn put_doubts(&self, endings: u64) -> Result<(), NotPut> {
        self.1.put_doubts(endings).await
    }
}

const SUCCEEDED: Metric = Metric::Count(tripline::metric::Outcome::Succeeded);

fn event(id: &str) -> Value {
    json!({"eventType": "JOB_EXECUTION", "eventId": id, "timestamp": NOW.seconds(), "operation": "succeeded", "jobId": "fw-1"})
}

fn queue(bodies: &[(&str, String)]) -> Value {
    let records: Vec<_> = bodies
        .iter()
        .map(|(id, body)| {
            json!({
                "messageId": id, "body": body, "eventSource": "aws:sqs", "receiptHandle": "r",
                "attributes": {}, "messageAttributes": {}, "awsRegion": "eu-west-1",
                "eventSourceARN": "arn:aws:sqs:eu-west-1:111122223333:ingest", "md5OfBody": ""
            })
        })
        .collect();
    json!({ "Records": records })
}

#[tokio::test]
async fn a_single_event_is_counted() {
    let generator = Generator::new(RecordingMetrics::default());
    assert_eq!(generator.handle(event("a"), NOW).await, Ok(Value::Null));
    assert_eq!(generator.client.count(SUCCEEDED), 1);
}

#[tokio::test]
async fn a_detail_under_a_misspelled_key_is_unusable_and_costs_no_outcome() {
    let generator = Generator::new(RecordingMetrics::default());
    let mut event = event("a");
    event["statusDetails"] = json!({"download_time": "12", "retryCount": "2"});
    generator.handle(event, NOW).await.unwrap();
    let counts = [SUCCEEDED, Metric::InvalidDetailCount, Metric::RetryCount, Metric::DownloadTime];
    assert_eq!(counts.map(|metric| generator.client.count(metric)), [1, 1, 1, 0]);
}

#[tokio::test]
async fn a_repetition_that_comes_later_is_not_counted_again() {
    let generator = Generator::new(RecordingMetrics::default());
    for _ in 0..3 {
        generator.handle(event("a"), NOW).await.unwrap();
    }
    assert_eq!(generator.client.count(SUCCEEDED), 1);
}

#[tokio::test]
async fn an_event_that_was_not_published_is_counted_when_it_comes_again() {
    let generator = Generator::new(ThrottlingMetrics(Mutex::new(1), RecordingMetrics::default()));
    let failed = generator.handle(event("a"), NOW).await.unwrap_err();
    let diagnostic = lambda_runtime::Diagnostic::from(failed);
    assert_eq!(diagnostic.error_type, "Tripline.Throttled");
    assert_eq!(diagnostic.error_message, "PutMetricData: Throttling: slow down");
    generator.handle(event("a"), NOW).await.unwrap();
    assert_eq!(generator.client.1.count(SUCCEEDED), 1);
}

#[tokio::test]
async fn a_single_poison_event_is_an_error_so_that_it_ends_undelivered() {
    let generator = Generator::new(RecordingMetrics::default());
    for poison in [json!({}), json!("text"), json!(null), json!([1, 2]), json!({"Records": []})] {
        let failed = generator.handle(poison, NOW).await.unwrap_err();
        assert_eq!(lambda_runtime::Diagnostic::from(failed).error_type, "Tripline.Poison");
    }
    assert!(generator.client.0.lock().unwrap().is_empty());
}

#[tokio::test]
async fn poison_in_a_batch_comes_back_alone() {
    let generator = Generator::new(RecordingMetrics::default());
    let batch = queue(&[
        ("1", event("a").to_string()),
        ("2", "{not json".to_owned()),
        ("3", event("b").to_string()),
        ("4", json!({"operation": "succeeded", "jobId": "a b"}).to_string()),
    ]);
    let answer = generator.handle(batch, NOW).await.unwrap();
    assert_eq!(
        answer,
        json!({"batchItemFailures": [{"itemIdentifier": "2"}, {"itemIdentifier": "4"}]})
    );
    assert_eq!(generator.client.count(SUCCEEDED), 2);
}

#[tokio::test]
async fn a_batch_that_cannot_be_published_comes_back_whole_repetitions_included() {
    let generator = Generator::new(ThrottlingMetrics(Mutex::new(1), RecordingMetrics::default()));
    let batch = queue(&[("1", event("a").to_string()), ("2", event("a").to_string())]);
    let answer = generator.handle(batch.clone(), NOW).await.unwrap();
    assert_eq!(answer["batchItemFailures"].as_array().unwrap().len(), 2);
    let answer = generator.handle(batch, NOW).await.unwrap();
    assert_eq!(answer, json!({"batchItemFailures": []}));
    assert_eq!(generator.client.1.count(SUCCEEDED), 1);
}

#[tokio::test]
async fn an_empty_answer_means_that_all_is_counted() {
    let generator = Generator::new(RecordingMetrics::default());
    let bodies: Vec<_> =
        (0..2_000).map(|n| (n.to_string(), event(&n.to_string()).to_string())).collect();
    let borrowed: Vec<_> = bodies.iter().map(|(id, body)| (id.as_str(), body.clone())).collect();
    let answer = generator.handle(queue(&borrowed), NOW).await.unwrap();
    assert_eq!(answer, json!({"batchItemFailures": []}));
    assert_eq!(generator.client.count(SUCCEEDED), 2_000);
}

/// Takes every request, and says so only of those after the first `silent` ones.
#[derive(Default)]
struct SilentMetrics {
    silent: Mutex<u32>,
    taken: RecordingMetrics,
    /// Whether doubts are taken.
    is_deaf: Mutex<bool>,
    doubts: Mutex<Vec<u64>>,
}

fn no_answer() -> NotPut {
    let failure = Failure::new("PutMetricData", FailureKind::Unavailable, "no answer in time");
    NotPut { failure, taken: Taken::Unknown }
}

impl PutMetrics for SilentMetrics {
    async fn put_metrics(&self, request: &Request) -> Result<(), NotPut> {
        self.taken.put_metrics(request).await?;
        let mut silent = self.silent.lock().unwrap();
        let is_silent = *silent > 0;
        *silent = silent.saturating_sub(1);
        if is_silent { Err(no_answer()) } else { Ok(()) }
    }
}

impl PutDoubts for SilentMetrics {
    async fn put_doubts(&self, endings: u64) -> Result<(), NotPut> {
        if *self.is_deaf.lock().unwrap() {
            return Err(no_answer());
        }
        self.doubts.lock().unwrap().push(endings);
        Ok(())
    }
}

/// At least once: what may have been taken comes again, and how much that is can be seen.
#[tokio::test]
async fn what_may_have_been_counted_twice_is_published_with_the_next_success() {
    let generator = Generator::new(SilentMetrics { silent: 2.into(), ..Default::default() });
    let repeated = [("1", event("a")), ("2", event("b")), ("3", event("a"))];
    let batch = queue(&repeated.map(|(id, event)| (id, event.to_string())));
    for _ in 0..2 {
        let answer = generator.handle(batch.clone(), NOW).await.unwrap();
        assert_eq!(answer["batchItemFailures"].as_array().unwrap().len(), 3, "all come again");
    }
    assert_eq!(*generator.client.doubts.lock().unwrap(), [0; 0]);
    // CloudWatch answers again, but has no ear for doubts yet.
    *generator.client.is_deaf.lock().unwrap() = true;
    generator.handle(batch, NOW).await.unwrap();
    *generator.client.is_deaf.lock().unwrap() = false;
    for id in ["c", "d"] {
        generator.handle(event(id), NOW).await.unwrap();
    }
    // Two executions in each of two requests; a repetition is no ending.
    assert_eq!(*generator.client.doubts.lock().unwrap(), [4]);
    assert_eq!(generator.client.taken.count(SUCCEEDED), 3 * 2 + 2);
}

/// The function's timeout in the template is made for so many.
#[tokio::test]
async fn a_batch_needs_no_more_requests_than_its_time_allows() {
    const BATCH: usize = 500;
    let generator = Generator::new(RecordingMetrics::default());
    let bodies = (0..BATCH).map(|n| {
        let details = json!({"downloadTime": n.to_string(), "retryCount": "nan"});
        json!({"operation": "failed", "jobId": format!("fw-{n}"), "statusDetails": details})
    });
    let bodies: Vec<_> = bodies.map(|body| ("1", body.to_string())).collect();
    generator.handle(queue(&bodies), NOW).await.unwrap();
    let requests = generator.client.0.lock().unwrap();
    assert_eq!(requests.iter().map(|request| request.datums.len()).sum::<usize>(), 3 * BATCH);
    assert_eq!(u32::try_from(requests.len()), Ok(cloudwatch::MAX_REQUESTS));
}
