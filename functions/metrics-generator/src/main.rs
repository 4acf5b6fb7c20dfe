//! The function `metrics-generator`.

use std::time::{SystemTime, UNIX_EPOCH};

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use metrics_generator::{Generator, cloudwatch::CloudWatch};
use serde_json::Value;
use tripline::time::Timestamp;
use tripline_aws::function::{self, caught};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    function::init_logs();
    let stack = std::env::var("STACK_NAME").ok().filter(|name| !name.is_empty());
    let generator = Generator::new(CloudWatch::new(&function::config(), stack));
    run(service_fn(|event: LambdaEvent<Value>| caught(generator.handle(event.payload, now()))))
        .await
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_seconds(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
