//! The function `wave-runner`.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::Value;
use tripline_aws::function::{self, caught};
use wave_runner::{Runner, aws::Aws, settings::Settings};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    function::init_logs();
    let settings = Settings::from_environment(|name| std::env::var(name).ok())?;
    let runner = Runner::new(Aws::new(&function::config(), &settings), settings);
    run(service_fn(|event: LambdaEvent<Value>| caught(runner.handle(event.payload)))).await
}
