//! A fleet of ten thousand things.

use std::time::Instant;

use aws_sdk_iot::types::JobExecutionsRolloutConfig;
use aws_sdk_iotjobsdataplane::types::JobExecutionStatus;
use tripline_tests::local_aws::LocalAws;
use tripline_tests::proxy::Proxy;

use super::{ended, objects, spawn, tripline};
use crate::chain::stage::must;

const THINGS: u32 = 10_000;
/// As fast as AWS rolls out. The local AWS would take minutes to notify all of them at once.
const A_MINUTE: i32 = 1_000;

/// Every call that the command makes is counted, from outside of it.
#[tokio::test]
async fn ten_thousand_things_are_watched_with_at_most_one_call_a_second() {
    let aws = LocalAws::start().await.unwrap();
    let proxy = must(Proxy::start(&aws));
    let iot = aws_sdk_iot::Client::new(&aws.config());
    let devices = aws_sdk_iotjobsdataplane::Client::new(&aws.config());
    let begin = Instant::now();
    let register =
        format!("fleet register --devices {THINGS} --prefix l- --rate 10000 --concurrency 32");
    let registered = tripline(&aws, &register);
    assert_eq!(registered.status.code(), Some(0), "{}", ended(&registered).1);
    let group = String::from_utf8(registered.stdout).unwrap();
    eprintln!("{THINGS} things registered in {:?}", begin.elapsed());
    let rate = JobExecutionsRolloutConfig::builder().maximum_per_minute(A_MINUTE).build();
    let job = iot.create_job().job_id("large").targets(group.trim()).document("{}");
    job.job_executions_rollout_config(rate).send().await.unwrap();

    let mut begin = Instant::now();
    // More in progress than a page holds, and failures of all kinds, before the watch and while it looks.
    let mut watch = None;
    for n in 1..=400_u32 {
        let status = match n % 10 {
            0 => JobExecutionStatus::Failed,
            1 => JobExecutionStatus::Rejected,
            2 => JobExecutionStatus::Succeeded,
            _ => JobExecutionStatus::InProgress,
        };
        let update = devices.update_job_execution().job_id("large");
        update.thing_name(format!("l-{n:06}")).status(status).send().await.unwrap();
        if n == 200 {
            begin = Instant::now();
            watch = Some(spawn(&proxy, "watch large --timeout 45 --output json"));
        }
    }
    let ran = must(watch.unwrap().end().await);
    let took = begin.elapsed();
    assert_eq!(ran.status.code(), Some(6), "{}{}", ran.stdout, ran.stderr);
    let looks = objects(&ran.stdout);
    assert!(looks.len() >= 4, "{}", ran.stdout);
    let last = looks.last().unwrap();
    let counts = &last["counts"];
    let all: u64 = counts.as_object().unwrap().values().filter_map(|count| count.as_u64()).sum();
    assert_eq!(counts["inProgress"], 280);
    // A thousand more each minute: how many minutes this took is not the test's.
    assert!(all >= 1_000 && all < u64::from(THINGS), "{all}");
    assert_eq!(last["reachesMore"], true);
    assert_eq!(last["failing"].as_array().unwrap().len(), 5);
    assert!(looks.iter().all(|look| look["notes"].as_array().unwrap().is_empty()));
    eprintln!("{} calls in {took:?}, {} looks", ran.calls.len(), looks.len());
    assert!(ran.calls.len() as u64 <= took.as_secs(), "{} calls in {took:?}", ran.calls.len());
    assert!(ran.calls.len() > looks.len() * 3, "the devices were looked at");
}
