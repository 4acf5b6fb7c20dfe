//! What no function could handle is kept, and stops nothing beside it.

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::types::StateValue;
use aws_sdk_sqs::types::{QueueAttributeName, SendMessageBatchRequestEntry};
use serde_json::{Value, json};
use tripline_tests::workspace;

use super::messages::{alarm, delivery, message, set, until_stopped};
use super::rollout::{Rollout, metrics};
use super::stage::{Chain, Reader, Stage};

/// What is in the undelivered queue. It stays there.
async fn undelivered(chain: &Chain<'_>) -> Vec<String> {
    let queue = chain.output("UndeliveredQueueUrl");
    let receive = chain.sqs.receive_message().queue_url(queue).max_number_of_messages(10);
    let received = receive.visibility_timeout(0).send().await.unwrap();
    received.messages.unwrap_or_default().into_iter().filter_map(|message| message.body).collect()
}

async fn until_undelivered(chain: &Chain<'_>, count: usize) -> Vec<String> {
    let what = format!("{count} messages in the undelivered queue");
    chain.until(&what, async || undelivered(chain).await, |seen| seen.len() >= count).await
}

/// The same from a function's failure destination: what it failed at, and why.
async fn until_failed(chain: &Chain<'_>, count: usize) -> Vec<(Value, Value)> {
    let messages = until_undelivered(chain, count).await;
    let parse = |body: String| {
        let mut body: Value = serde_json::from_str(&body).unwrap();
        (body["requestPayload"].take(), body["responsePayload"].take())
    };
    messages.into_iter().map(parse).collect()
}

fn event(path: &str) -> Value {
    let path = workspace::root().join("events").join(path);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[tokio::test]
async fn a_poison_event_ends_undelivered_with_its_reason() {
    let stage = Stage::new(&[("Ingest", "direct")]).await;
    let chain = stage.chain();
    let mut impossible = event("iot/slow.json");
    impossible["jobId"] = json!("../etc");
    let poison = [
        (event("iot/poison-without-job.json"), "jobId"),
        (impossible, "`../etc` is no job id"),
        (json!("Please count me."), ""),
    ];
    for (event, _) in &poison {
        chain.invoke_asynchronously("MetricsGeneratorFunction", event);
    }
    let failed = until_failed(&chain, poison.len()).await;
    assert_eq!(failed.len(), poison.len(), "{failed:#?}");
    for (event, why) in &poison {
        let (_, reason) = failed.iter().find(|(seen, _)| seen == event).unwrap();
        assert_eq!(reason["errorType"], "Tripline.Poison");
        let text = reason["errorMessage"].as_str().unwrap();
        assert!(text.contains(why), "`{why}` is not in `{text}`");
    }
}

/// The messages beside it are handled, and announced once, although the delivery is tried three times.
#[tokio::test]
async fn what_is_no_alarm_ends_undelivered_and_costs_no_other_message() {
    let stage = Stage::new(&[]).await;
    let chain = stage.chain();
    let rollout = Rollout::create(&chain, "beside", 1).await;
    alarm(&rollout, &chain).send().await.unwrap();
    set(&chain, &rollout.alarm(), StateValue::Alarm).await;
    let mut email = Reader::new(chain.mailbox("EmailTopicArn", "email").await, "");
    let mut payload = event("sns/no-alarm.json");
    let true_alarm = delivery("true", &message(&rollout.alarm(), &rollout.id));
    for mut other in [event("sns/without-job.json"), event("sns/ok.json"), true_alarm] {
        payload["Records"].as_array_mut().unwrap().push(other["Records"][0].take());
    }
    chain.invoke_asynchronously("ForceStopperFunction", &payload);

    let failed = until_failed(&chain, 1).await;
    assert_eq!(failed.len(), 1, "{failed:#?}");
    let (request, reason) = &failed[0];
    assert_eq!(request, &payload);
    assert_eq!(reason["errorType"], "Tripline.Refused");
    let text = reason["errorMessage"].as_str().unwrap();
    for part in ["not a CloudWatch alarm message", "alarm `cpu`", "jobId"] {
        assert!(text.contains(part), "`{part}` is not in `{text}`");
    }
    let tries = chain.logged("ForceStopperLogGroup", &["message_ignored", "tripline-fw-2-1-slow"]);
    assert_eq!(tries.len(), 3, "{tries:#?}");

    until_stopped(&chain, &rollout).await;
    // An alarm without a rollout is for people too, and at once.
    let announced = email.announced().await;
    let of = |text: &str| announced.iter().filter(|email| email.text.contains(text)).count();
    let (refusals, stops) = (of("alarm `cpu`"), of("stopped rollout beside"));
    assert_eq!((refusals, stops, announced.len()), (1, 1, 2), "{announced:#?}");
}

/// Sets how long a message that was received is not received again.
async fn set_visibility_timeout(chain: &Chain<'_>, queue: &str, seconds: &str) {
    let set = chain.sqs.set_queue_attributes().queue_url(queue);
    set.attributes(QueueAttributeName::VisibilityTimeout, seconds).send().await.unwrap();
}

/// How many messages a queue has: to be received, and received but not deleted.
async fn depth(chain: &Chain<'_>, queue: &str) -> (String, String) {
    let (waiting, received) = (
        QueueAttributeName::ApproximateNumberOfMessages,
        QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
    );
    let get = chain.sqs.get_queue_attributes().queue_url(queue);
    let get = get.attribute_names(waiting.clone()).attribute_names(received.clone());
    let mut all = get.send().await.unwrap().attributes.unwrap_or_default();
    let mut take = |name| all.remove(&name).unwrap_or_default();
    (take(waiting), take(received))
}

#[tokio::test]
async fn poison_in_a_batch_ends_undelivered_while_its_neighbors_are_counted() {
    let stage = Stage::new(&[("Ingest", "batched")]).await;
    let chain = stage.chain();
    let name = chain.output("IngestQueueArn").rsplit(':').next().unwrap();
    let queue = chain.sqs.get_queue_url().queue_name(name).send().await.unwrap();
    let queue = queue.queue_url.unwrap();
    // The queue's own 370 s, five times, is the time that a function has; here it has less. A
    // report on the usual way comes first, because the first start of a function takes longest.
    set_visibility_timeout(&chain, &queue, "8").await;
    let rollout = Rollout::create(&chain, "first", 1).await;
    rollout.arm();
    rollout.succeeds(0, "240").await;
    rollout.until_counted("downloadTime", 1.0).await;

    let poison = ["{not json".to_owned(), event("iot/poison-without-job.json").to_string()];
    let mut bodies: Vec<String> = (0..8)
        .map(|device| {
            let mut event = event("iot/succeeded.json");
            event["jobId"] = json!("neighbors");
            event["eventId"] = json!(format!("neighbor-{device}"));
            event["statusDetails"]["downloadTime"] = json!(format!("{}", 100 + device));
            event.to_string()
        })
        .collect();
    bodies.insert(0, poison[0].clone());
    bodies.insert(5, poison[1].clone());
    let entry = |(id, body): (usize, &String)| {
        SendMessageBatchRequestEntry::builder().id(id.to_string()).message_body(body).build()
    };
    let entries = bodies.iter().enumerate().map(entry).collect::<Result<_, _>>().unwrap();
    let send = chain.sqs.send_message_batch().queue_url(&queue).set_entries(Some(entries));
    send.send().await.unwrap();

    let counted = BTreeMap::from([
        ("downloadTime".to_owned(), (8.0, 828.0)),
        ("retryCount".to_owned(), (8.0, 8.0)),
        ("succeededCount".to_owned(), (8.0, 8.0)),
    ]);
    let all = async || (metrics(&chain, "neighbors").await, depth(&chain, &queue).await);
    // Only the poison is left, and waits to be received again.
    let waiting = ("0".to_owned(), "2".to_owned());
    let what = format!("neighbors as {counted:?} with the queue at {waiting:?}");
    chain.until(&what, all, |seen| seen.0 == counted && seen.1 == waiting).await;
    set_visibility_timeout(&chain, &queue, "1").await;

    let mut kept = until_undelivered(&chain, 2).await;
    kept.sort();
    let mut poison = poison.to_vec();
    poison.sort();
    assert_eq!(kept, poison);
    assert_eq!(depth(&chain, &queue).await, ("0".to_owned(), "0".to_owned()));
    assert_eq!(metrics(&chain, "neighbors").await, counted, "after the poison's last delivery");
    let reasons = chain.logged("MetricsGeneratorLogGroup", &["event_unusable"]);
    assert_eq!(reasons.len(), 2 * 5, "{reasons:#?}");
}
