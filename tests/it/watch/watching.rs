//! From the first look to the verdict.

use aws_sdk_iot::types::{
    AbortAction, AbortConfig, AbortCriteria, JobExecutionFailureType, TargetSelection,
};
use aws_sdk_iotjobsdataplane::types::JobExecutionStatus::{Failed, Succeeded};
use tripline_tests::local_aws::LocalAws;
use tripline_tests::proxy::Proxy;

use super::{ended, objects, spawn, tripline};
use crate::chain::rollout::Rollout;
use crate::chain::stage::{Stage, must};

#[tokio::test]
async fn a_good_rollout_is_watched_to_its_end() {
    let stage = Stage::new(&[]).await;
    let chain = stage.chain();
    let proxy = must(Proxy::start(chain.aws));
    let group = chain.tripline("fleet register --devices 12 --prefix good-");
    let job = chain.iot.create_job().job_id("good").targets(group.trim()).document("{}");
    job.send().await.unwrap();
    chain.tripline("alarms apply examples/demo.ini --job-id good");

    let watch = spawn(&proxy, "watch good --every 1 --timeout 100 --output json");
    let run = "fleet run --devices 12 --prefix good- --job-id good --speedup 40 --seed 3";
    chain.tripline(run);
    let ran = must(watch.end().await);
    assert_eq!(ran.status.code(), Some(0), "{}{}", ran.stdout, ran.stderr);
    let looks = objects(&ran.stdout);
    let last = looks.last().unwrap();
    assert_eq!((&last["verdict"], &last["state"]), (&"completed".into(), &"COMPLETED".into()));
    assert_eq!((&last["counts"]["succeeded"], &last["guarded"]), (&12.into(), &true.into()));
    assert_eq!(last["alarms"].as_array().unwrap().len(), 2);
    assert!(looks[..looks.len() - 1].iter().all(|look| look["verdict"] == "running"));
    assert!(looks.iter().any(|look| look["slow"][0]["thing"].is_string()), "{}", ran.stdout);
    assert!(looks.iter().all(|look| look["notes"].as_array().unwrap().is_empty()));

    // Metrics come a moment later. From the percentiles of all reports together:
    let seen = async || {
        let (code, text) = ended(&tripline(chain.aws, "watch good --once --output json"));
        assert_eq!(code, Some(0), "{text}");
        objects(&text)[0]["downloadTime"].clone()
    };
    let times = chain.until("download times", seen, |times| times["samples"] == 12.0).await;
    let time = |p: &str| times[p].as_f64().unwrap();
    assert!(0.0 < time("p50") && time("p50") <= time("p90") && time("p90") <= time("p99"));

    let (code, text) = ended(&tripline(chain.aws, "watch good"));
    assert_eq!(code, Some(0));
    assert!(text.contains("rollout good is complete: 12 devices have it"), "{text}");
}

#[tokio::test]
async fn a_bad_rollout_is_stopped_by_the_stack_and_seen_to_be() {
    let stage = Stage::new(&[]).await;
    let chain = stage.chain();
    let proxy = must(Proxy::start(chain.aws));
    let rollout = Rollout::create(&chain, "bad", 4).await;
    rollout.arm();
    let watch = spawn(&proxy, "watch bad --every 1 --timeout 100");
    rollout.succeeds(0, "240").await;
    rollout.until_counted("downloadTime", 1.0).await;
    rollout.begins(2).await;
    rollout.succeeds(1, "7350").await;
    let ran = must(watch.end().await);
    assert_eq!(ran.status.code(), Some(5), "{}{}", ran.stdout, ran.stderr);
    let last = ran.stdout.lines().last().unwrap();
    assert!(last.starts_with("rollout bad was stopped by its guard: Tripline: alarm "), "{last}");
    assert!(last.ends_with("; 2 succeeded, 0 failed, 1 in progress"), "{last}");
    assert!(ran.stderr.contains("`tripline resume --job-id bad`"), "{}", ran.stderr);
}

#[tokio::test]
async fn a_job_of_another_tool_is_watched_too() {
    let aws = LocalAws::start().await.unwrap();
    let iot = aws_sdk_iot::Client::new(&aws.config());
    let devices = aws_sdk_iotjobsdataplane::Client::new(&aws.config());
    let criteria = AbortCriteria::builder()
        .failure_type(JobExecutionFailureType::Failed)
        .action(AbortAction::Cancel)
        .threshold_percentage(50.0)
        .min_number_of_executed_things(2);
    let abort = AbortConfig::builder().criteria_list(criteria.build().unwrap()).build().unwrap();
    let mut targets = Vec::new();
    for thing in ["t1", "t2", "t3"] {
        let created = iot.create_thing().thing_name(thing).send().await.unwrap();
        targets.push(created.thing_arn.unwrap());
    }
    let job = async |id: &str, selection: TargetSelection| {
        let job = iot.create_job().job_id(id).set_targets(Some(targets.clone())).document("{}");
        let job = job.target_selection(selection).abort_config(abort.clone());
        job.send().await.unwrap();
    };
    let report = async |thing: &str, job: &str, status| {
        let update = devices.update_job_execution().thing_name(thing).job_id(job);
        update.status(status).send().await.unwrap();
    };

    job("aborted", TargetSelection::Snapshot).await;
    let (code, text) = ended(&tripline(&aws, "watch aborted --once"));
    assert_eq!(code, Some(6), "{text}");
    assert!(text.contains("guard: unguarded: no alarms of Tripline's"), "{text}");
    report("t1", "aborted", Failed).await;
    report("t2", "aborted", Failed).await;
    let (code, text) = ended(&tripline(&aws, "watch aborted"));
    assert_eq!(code, Some(5), "{text}");
    assert!(text.contains("was stopped by its own abort criteria: Abort criteria for"), "{text}");

    job("open", TargetSelection::Continuous).await;
    report("t1", "open", Succeeded).await;
    let (code, text) = ended(&tripline(&aws, "watch open --every 1 --timeout 2"));
    assert_eq!(code, Some(6), "{text}");
    report("t2", "open", Succeeded).await;
    report("t3", "open", Succeeded).await;
    let (code, text) = ended(&tripline(&aws, "watch open aborted"));
    assert_eq!(code, Some(5), "a stop counts most: {text}");
    let (code, text) = ended(&tripline(&aws, "watch open"));
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("CONTINUOUS and waits for devices that join"), "{text}");

    let (code, text) = ended(&tripline(&aws, "watch typo"));
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("error: there is no job `typo`"), "{text}");
}

#[tokio::test]
async fn throttling_while_watching_is_survived() {
    let aws = LocalAws::start().await.unwrap();
    let iot = aws_sdk_iot::Client::new(&aws.config());
    let proxy = must(Proxy::start(&aws));
    let thing = iot.create_thing().thing_name("t").send().await.unwrap().thing_arn.unwrap();
    iot.create_job().job_id("fw").targets(thing).document("{}").send().await.unwrap();
    // The second look, and what is looked at beside the job in the first one.
    proxy.fail_next(|call| call.operation == "DescribeAlarms", 400, "Throttling", 1);
    let watch = spawn(&proxy, "watch fw --every 1 --timeout 60");
    let called = async || proxy.calls().len();
    let start = std::time::Instant::now();
    while called().await < 3 {
        assert!(start.elapsed().as_secs() < 60);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    proxy.fail_next(|call| call.operation == "GET /jobs/fw", 400, "ThrottlingException", 2);
    // There is no stack to ask for.
    let is_refused = |call: &&tripline_tests::proxy::Call| {
        call.status == Some(400) && call.operation != "DescribeStacks"
    };
    let refused = || proxy.calls().iter().filter(is_refused).count();
    while refused() < 3 {
        assert!(start.elapsed().as_secs() < 60);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let devices = aws_sdk_iotjobsdataplane::Client::new(&aws.config());
    let update = devices.update_job_execution().thing_name("t").job_id("fw").status(Succeeded);
    update.send().await.unwrap();
    let ran = must(watch.end().await);
    assert_eq!(ran.status.code(), Some(0), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("not seen: alarms: DescribeAlarms: Throttling"), "{}", ran.stdout);
    assert!(ran.stdout.contains("no answer for "), "{}", ran.stdout);
}
