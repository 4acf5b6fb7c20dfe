//! Minutes of a keeper in an account in memory.

mod announcing;
mod arming;
mod coverage;
mod evidence;
mod first;
mod holding;
mod killed;
mod late;
mod measured;
mod numbers;
mod renamed;
mod tidying;
mod watching;
mod world;

use std::time::Duration;

use serde_json::Value;
use world::Account;

use crate::Keeper;

/// So many minutes, each in an environment that knows nothing of the others. Returns the last summary.
async fn cold(account: &Account, minutes: u32) -> Value {
    let mut last = Value::Null;
    for _ in 0..minutes {
        let start = account.world().now;
        last = account.keeper().tick().await.unwrap();
        next_minute(account, start);
    }
    last
}

/// So many minutes in one environment. Returns the last summary.
async fn warm(keeper: &Keeper<Account, Account>, account: &Account, minutes: u32) -> Value {
    let mut last = Value::Null;
    for _ in 0..minutes {
        let start = account.world().now;
        last = keeper.tick().await.unwrap();
        next_minute(account, start);
    }
    last
}

fn next_minute(account: &Account, start: Duration) {
    let mut world = account.world();
    let minute = Duration::from_secs(60);
    assert!(world.now < start + minute, "a minute took too long");
    world.now = start + minute;
}

/// The names of a default guard's alarms.
fn default(job: &str) -> Vec<String> {
    ["DownloadTime", "FailureRate"].map(|alarm| format!("tripline-{job}-default-{alarm}")).to_vec()
}

fn puts(names: &[String]) -> Vec<String> {
    names.iter().map(|name| format!("put {name}")).collect()
}
