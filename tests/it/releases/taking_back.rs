use std::collections::BTreeSet;

use aws_sdk_iotjobsdataplane::types::JobExecutionStatus;

use super::stage::{Stage, assert_ended};

/// The names of the things that a job is for.
async fn targets(stage: &Stage, job: &str) -> BTreeSet<String> {
    let job = stage.job(job).await.unwrap_or_else(|| panic!("no job {job}"));
    let name = |arn: &String| arn.rsplit('/').next().unwrap().to_owned();
    job.targets().iter().map(name).collect()
}

fn things(numbers: impl IntoIterator<Item = u32>) -> BTreeSet<String> {
    numbers.into_iter().map(|number| format!("back-valve-{number}")).collect()
}

/// Of the bad firmware ten succeed, four fail, and two are at it when it is stopped; one of them succeeds later.
#[tokio::test]
async fn devices_that_took_the_bad_firmware_get_the_one_before() {
    use JobExecutionStatus::{Failed, Succeeded};
    let stage = Stage::new().await;
    stage.things("back", 16).await;
    for job in ["valve-1", "valve-2"] {
        stage.config(job, &[]);
        assert_ended(&stage.run(&["deploy", &stage.path(job), "--detach"]).await, 0);
        for number in 0..16 {
            stage.begins(&format!("back-valve-{number}")).await;
        }
        for number in 0..16 {
            let status = match (job, number) {
                ("valve-1", _) | (_, 0..10) => Succeeded,
                (_, 10..14) => Failed,
                _ => continue,
            };
            stage.reports(job, &format!("back-valve-{number}"), status).await;
        }
    }
    let good = stage.job("valve-1").await.unwrap();
    assert_eq!(good.status().unwrap().as_str(), "COMPLETED");
    let revert = ["revert", "--job-id", "valve-2", "--to", "valve-1"];
    let early = stage.run(&revert).await;
    assert_ended(&early, 2);
    assert!(early.stderr.contains("IN_PROGRESS"), "{}", early.stderr);
    assert_ended(&stage.run(&["stop", "--job-id", "valve-2"]).await, 0);

    let ran = stage.run(&revert).await;
    assert_ended(&ran, 0);
    assert_eq!(targets(&stage, "valve-2-back").await, things(0..10), "{}", ran.stdout);
    let documents = [stage.document("valve-1").await, stage.document("valve-2-back").await];
    assert_eq!(documents[0], documents[1], "the firmware of the job before");
    assert!(!stage.alarms("valve-2-back").await.is_empty(), "it is armed");
    // Again: nothing more, until another device has succeeded.
    assert_ended(&stage.run(&revert).await, 0);
    assert!(stage.job("valve-2-back-2").await.is_none());
    stage.reports("valve-2", "back-valve-14", Succeeded).await;
    assert_ended(&stage.run(&revert).await, 0);
    assert_eq!(targets(&stage, "valve-2-back-2").await, things([14]));
}
