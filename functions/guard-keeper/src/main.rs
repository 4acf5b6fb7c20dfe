//! The function `guard-keeper`.

use guard_keeper::{Keeper, aws::Aws, clock::SystemClock, settings::Settings};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::Value;
use tripline_aws::function::{self, caught};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    function::init_logs();
    let settings = Settings::from_environment(|name| std::env::var(name).ok())?;
    let aws = Aws::new(&function::config(), &settings);
    let keeper = Keeper::new(aws, SystemClock, settings);
    run(service_fn(|_: LambdaEvent<Value>| caught(keeper.tick()))).await
}
