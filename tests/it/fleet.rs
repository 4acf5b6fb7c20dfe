//! `tripline fleet` on the local AWS, as a person runs it.

use std::process::Output;

use aws_sdk_iot::Client;
use serde_json::Value;
use tripline_tests::local_aws::LocalAws;
use tripline_tests::proxy::Proxy;

fn fleet(aws: &LocalAws, arguments: &str) -> Output {
    let proxy = Proxy::start(aws).unwrap();
    let mut tripline = proxy.tripline().unwrap();
    tripline.arg("fleet").args(arguments.split_whitespace()).output().unwrap()
}

fn summary(aws: &LocalAws, arguments: &str) -> Value {
    let ran = fleet(aws, &format!("run {arguments} --output json"));
    serde_json::from_slice(&ran.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&ran.stderr)))
}

async fn job(iot: &Client, job_id: &str, target: &str) {
    let job = iot.create_job().job_id(job_id).targets(target).document("{}");
    job.send().await.unwrap();
}

async fn things(iot: &Client) -> Vec<String> {
    let listed = iot.list_things().send().await.unwrap().things.unwrap_or_default();
    listed.into_iter().filter_map(|thing| thing.thing_name).collect()
}

#[tokio::test]
async fn a_fleet_is_registered_runs_and_is_removed() {
    let aws = LocalAws::start().await.unwrap();
    let iot = Client::new(&aws.config());

    let registered = fleet(&aws, "register --devices 12 --prefix t-");
    let target = String::from_utf8(registered.stdout).unwrap().trim().to_owned();
    assert!(target.ends_with(":thinggroup/t-fleet"), "{target}");
    // Repeating it changes nothing.
    assert!(fleet(&aws, "register --devices 12 --prefix t-").status.success());
    assert_eq!(things(&iot).await.len(), 12);

    // Nobody answers: the executions of this job stay in progress ..
    job(&iot, "abandoned", &target).await;
    let silent = summary(&aws, "--devices 12 --prefix t- --job-id abandoned --silent 1 --poll 0.2");
    assert_eq!(silent["silent"], 12);

    // .. and neither stand in the way of the next one nor are touched by it.
    job(&iot, "next", &target).await;
    let run = "--devices 12 --prefix t- --job-id next --failed 0.3 --seed 5 --speedup 1000000";
    let next = summary(&aws, run);
    assert_eq!(next["succeeded"].as_u64().unwrap() + next["failed"].as_u64().unwrap(), 12);
    assert_eq!(next["state"], "COMPLETED");
    let described = iot.describe_job().job_id("abandoned").send().await.unwrap();
    let counts = described.job.unwrap().job_process_details.unwrap();
    assert_eq!(counts.number_of_in_progress_things, Some(12));

    let removed = fleet(&aws, "remove --prefix t-");
    assert!(removed.status.success());
    assert!(things(&iot).await.is_empty());
}

#[tokio::test]
async fn what_is_not_simulated_is_left_alone() {
    let aws = LocalAws::start().await.unwrap();
    let iot = Client::new(&aws.config());
    let real = iot.create_thing().thing_name("real-000002").send().await.unwrap();
    job(&iot, "update", &real.thing_arn.unwrap()).await;
    iot.create_thing_group().thing_group_name("production").send().await.unwrap();

    let run = "run --devices 3 --prefix real- --job-id update";
    for (arguments, fault) in [
        (run, "3 of 3 devices are not registered as simulated ones, first `real-000001`"),
        ("register --devices 3 --prefix real-", "thing `real-000002` exists and is not simulated"),
        ("register --devices 3 --prefix t- --group production", "`production` exists and is not"),
        ("remove --prefix real- --group production", "nothing was removed"),
        // Some of its neighbors may have been registered by now.
        (run, "of 3 devices are not registered as simulated ones, first `real-"),
    ] {
        let ran = fleet(&aws, arguments);
        let said = String::from_utf8_lossy(&ran.stderr);
        assert_eq!(ran.status.code(), Some(2), "{arguments}: {said}");
        assert!(said.contains(fault), "{arguments}: {said}");
    }
    // Not even looked for: its execution is as the job has left it.
    let execution =
        iot.describe_job_execution().job_id("update").thing_name("real-000002").send().await;
    let status = execution.unwrap().execution.and_then(|execution| execution.status);
    assert_eq!(status.map(|status| status.as_str().to_owned()).as_deref(), Some("QUEUED"));
    // What a registration that was cut short has left is removed, and nothing else.
    assert!(fleet(&aws, "remove --prefix real-").status.success());
    assert_eq!(things(&iot).await, ["real-000002"]);
}

#[tokio::test]
async fn a_run_that_is_not_decided_in_time_says_so() {
    let aws = LocalAws::start().await.unwrap();
    let iot = Client::new(&aws.config());
    fleet(&aws, "register --devices 2 --prefix t-");
    job(&iot, "for-one", "arn:aws:iot:us-east-1:000000000000:thing/t-000001").await;
    let run = "run --devices 2 --prefix t- --job-id for-one --silent 1 --for 1 --poll 0.2";
    assert_eq!(fleet(&aws, run).status.code(), Some(6));
    let unknown = fleet(&aws, "run --devices 2 --prefix t- --job-id unknown");
    assert_eq!(unknown.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("job `unknown`"));
    // The command line's region goes before the environment's: this fleet is in another one.
    let elsewhere =
        fleet(&aws, "run --devices 2 --prefix t- --job-id for-one --for 1 --region eu-west-1");
    let said = String::from_utf8_lossy(&elsewhere.stderr);
    assert!(said.contains("2 of 2 devices are not registered"), "{said}");
}
