//! The function as the template declares it, and what comes to it.

use std::sync::OnceLock;

use serde_json::{Value, json};
use tripline_tests::http_aws::now;
use tripline_tests::lambda_runtime::Function;
use tripline_tests::workspace::function_zip;

use crate::template::deployed;

/// The function, as `Ingest` has it.
pub fn function(ingest: &str) -> Function {
    static DIRECT: OnceLock<Function> = OnceLock::new();
    static BATCHED: OnceLock<Function> = OnceLock::new();
    let function = if ingest == "direct" { &DIRECT } else { &BATCHED };
    let unpacked = || {
        let zip = function_zip("metrics-generator").unwrap_or_else(|error| panic!("{error}"));
        let deployment = deployed(&[("Ingest", ingest)]);
        let properties = deployment.properties("MetricsGeneratorFunction");
        let named = |text: &str| text.trim_matches(['<', '>']).to_owned();
        Function::new(&zip, properties, named).unwrap_or_else(|error| panic!("{error}"))
    };
    function.get_or_init(unpacked).clone()
}

/// How often the queue delivers a message, by its redrive policy.
pub fn deliveries() -> u32 {
    let deployment = deployed(&[("Ingest", "batched")]);
    let most = deployment.properties("IngestQueue")["RedrivePolicy"]["maxReceiveCount"].as_u64();
    u32::try_from(most.unwrap()).unwrap()
}

/// The end of a device's execution, traceable by its download time.
pub fn ended(job: &str, seconds: u32) -> Value {
    json!({
        "operation": "succeeded",
        "jobId": job,
        "eventId": format!("{job}-{seconds}"),
        "thingArn": format!("arn:aws:iot:us-east-1:111122223333:thing/t-{seconds}"),
        "timestamp": now() as i64,
        "statusDetails": {"downloadTime": seconds.to_string()},
    })
}

/// A batch of the queue.
pub fn batch(messages: &[(String, String)]) -> Value {
    let record = |(id, body): &(String, String)| {
        json!({
            "messageId": id, "body": body, "eventSource": "aws:sqs", "receiptHandle": id,
            "awsRegion": "us-east-1", "attributes": {}, "messageAttributes": {},
        })
    };
    json!({"Records": messages.iter().map(record).collect::<Vec<_>>()})
}
