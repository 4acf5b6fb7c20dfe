//! The function `force-stopper`.

#![recursion_limit = "256"] // of types: a call within a call within a retry

use force_stopper::{Invocation, Stopper, aws::Aws, settings::Settings};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::Value;
use tripline_aws::function::{self, caught};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    function::init_logs();
    let settings = Settings::from_environment(|name| std::env::var(name).ok())?;
    let stopper = Stopper::new(Aws::new(&function::config(), &settings), settings);
    run(service_fn(|event: LambdaEvent<Value>| {
        let LambdaEvent { payload, context } = event;
        let function = context.invoked_function_arn;
        let invocation = Invocation { request: context.request_id, function };
        let stopper = &stopper;
        async move { caught(stopper.handle(payload, &invocation)).await }
    }))
    .await
}
