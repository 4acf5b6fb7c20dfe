//! The function `force-stopper`.

use force_stopper::{Stopper, aws::Aws, settings::Settings};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::Value;
use tripline_aws::function::{self, caught};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    function::init_logs();
    let settings = Settings::from_environment(|name| std::env::var(name).ok())?;
    let stopper = Stopper::new(Aws::new(&function::config()), settings);
    run(service_fn(|event: LambdaEvent<Value>| caught(stopper.handle(event.payload)))).await
}
