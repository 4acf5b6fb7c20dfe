//! Job-execution events become exactly the metrics that they are.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_iotjobsdataplane::types::JobExecutionStatus::{Failed, Rejected, Succeeded};
use serde_json::{Value, json};
use tripline_tests::wire::Answer;
use tripline_tests::workspace;

use super::rollout::{Rollout, Total, metrics};
use super::stage::{Chain, Stage};

fn expected(totals: &[(&str, Total)]) -> BTreeMap<String, Total> {
    totals.iter().map(|(name, total)| (name.to_string(), *total)).collect()
}

/// Devices that fare differently, of a rollout that its operator then cancels.
async fn assert_reports_are_counted(chain: &Chain<'_>, job_id: &str) {
    let rollout = Rollout::create(chain, job_id, 5).await;
    rollout.arm();
    for device in 0..4 {
        rollout.begins(device).await;
    }
    rollout.reports(0, Succeeded, &[("downloadTime", "412.5"), ("retryCount", "2")]).await;
    rollout.reports(1, Succeeded, &[("downloadTime", "12 s"), ("retryCount", "0")]).await;
    rollout.reports(2, Failed, &[("downloadTime", "100"), ("reason", "checksum")]).await;
    rollout.reports(3, Rejected, &[]).await;
    chain.iot.cancel_job().job_id(job_id).send().await.unwrap();

    let counted = expected(&[
        ("downloadTime", (2.0, 512.5)),
        ("retryCount", (2.0, 2.0)),
        ("invalidDetailCount", (1.0, 1.0)),
        ("succeededCount", (2.0, 2.0)),
        ("failedCount", (1.0, 1.0)),
        ("rejectedCount", (1.0, 1.0)),
        ("canceledCount", (1.0, 1.0)),
    ]);
    let what = format!("the metrics of `{job_id}` as {counted:?}");
    chain.until(&what, async || rollout.metrics().await, |seen| *seen == counted).await;
}

#[tokio::test]
async fn reports_of_devices_are_counted_in_direct_delivery_and_deletions_are_not() {
    let stage = Stage::new(&[("Ingest", "direct")]).await;
    let chain = stage.chain();
    assert_reports_are_counted(&chain, "direct").await;

    // AWS IoT sends an event for every device of a job that is deleted. The rule drops them: after
    // one more report, the function has been invoked for the reports, and for nothing else.
    chain.iot.delete_job().job_id("direct").force(true).send().await.unwrap();
    let next = Rollout::create(&chain, "direct-next", 1).await;
    next.succeeds(0, "300").await;
    next.until_counted("downloadTime", 1.0).await;
    let invocations = async || chain.logged("MetricsGeneratorLogGroup", &["counted"]).len();
    chain.until("5 + 1 invocations", invocations, |lines| *lines >= 6).await;
    assert_eq!(invocations().await, 6);
}

#[tokio::test]
async fn reports_of_devices_are_counted_in_batched_delivery() {
    let stage = Stage::new(&[("Ingest", "batched")]).await;
    assert_reports_are_counted(&stage.chain(), "batched").await;
}

/// Every event in `events/iot`, with a job of its own; no metric stands for poison.
fn metrics_of_events() -> Vec<(&'static str, Option<BTreeMap<String, Total>>)> {
    let one = (1.0, 1.0);
    let counted = |totals: &[(&str, Total)]| Some(expected(totals));
    vec![
        ("canceled", counted(&[("canceledCount", one)])),
        ("deleted", counted(&[])),
        ("failed", counted(&[("failedCount", one)])),
        ("poison-without-job", None),
        ("rejected", counted(&[("rejectedCount", one)])),
        ("removed", counted(&[("removedCount", one)])),
        (
            "slow",
            counted(&[
                ("downloadTime", (1.0, 7350.0)),
                ("retryCount", (1.0, 6.0)),
                ("succeededCount", one),
            ]),
        ),
        (
            "succeeded",
            counted(&[
                ("downloadTime", (1.0, 412.5)),
                ("retryCount", one),
                ("succeededCount", one),
            ]),
        ),
        ("succeeded-without-details", counted(&[("succeededCount", one)])),
        ("timed-out", counted(&[("timedOutCount", one)])),
        (
            "unusable-details",
            counted(&[("invalidDetailCount", (2.0, 2.0)), ("succeededCount", one)]),
        ),
    ]
}

fn event(name: &str) -> Value {
    let path = workspace::root().join("events/iot").join(format!("{name}.json"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[tokio::test]
async fn every_kind_of_event_gives_exactly_its_metrics() {
    let stage = Stage::new(&[]).await;
    let chain = stage.chain();
    let known: BTreeSet<_> =
        metrics_of_events().iter().map(|(name, _)| format!("{name}.json")).collect();
    let files = std::fs::read_dir(workspace::root().join("events/iot")).unwrap();
    let files: BTreeSet<_> =
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(files, known, "the files of events/iot, and those this test knows of");

    for (name, counted) in metrics_of_events() {
        let mut event = event(name);
        if let Some(counted) = counted {
            event["jobId"] = json!(name);
            let answer = chain.invoke("MetricsGeneratorFunction", &event);
            assert_eq!(answer, Answer::Returned(Value::Null), "{name}");
            assert_eq!(metrics(&chain, name).await, counted, "{name}");
        } else {
            let Answer::Failed(error) = chain.invoke("MetricsGeneratorFunction", &event) else {
                panic!("{name}: returned");
            };
            assert_eq!(error["errorType"], "Tripline.Poison", "{name}");
        }
    }
}

/// Delivery is at least once: a repetition is known by its event id, within a batch and to the
/// execution environment that has counted it. The stage has one.
#[tokio::test]
async fn a_repeated_event_is_counted_once() {
    let stage = Stage::new(&[]).await;
    let chain = stage.chain();
    let mut event = event("slow");
    event["jobId"] = json!("repeated");
    let mut other = event.clone();
    other["eventId"] = json!("another");
    let record = |id: &str, event: &Value| json!({"messageId": id, "body": event.to_string(), "eventSource": "aws:sqs"});
    let records = [record("1", &event), record("2", &other), record("3", &event)];

    let batch = json!({"Records": records});
    for delivery in [&event, &event, &batch, &other, &batch] {
        match chain.invoke("MetricsGeneratorFunction", delivery) {
            Answer::Returned(Value::Null) => {}
            Answer::Returned(answer) => assert_eq!(answer, json!({"batchItemFailures": []})),
            Answer::Failed(error) => panic!("{error}"),
        }
    }
    let counted = expected(&[
        ("downloadTime", (2.0, 14_700.0)),
        ("retryCount", (2.0, 12.0)),
        ("succeededCount", (2.0, 2.0)),
    ]);
    assert_eq!(metrics(&chain, "repeated").await, counted);
}
