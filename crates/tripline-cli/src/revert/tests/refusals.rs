//! What is not reverted, and what is not reverted to.

use super::*;

#[tokio::test(start_paused = true)]
async fn the_bad_job_has_ended() {
    let fake = reached(5);
    for (status, fault) in [
        (JobStatus::InProgress, "job `fw` is `IN_PROGRESS` (expected one that has ended)"),
        (JobStatus::Scheduled, "job `fw` is `SCHEDULED`"),
        (JobStatus::DeletionInProgress, "job `fw` is being deleted"),
    ] {
        fake.world().iot.set("fw", status);
        let error = run(&fake, &revert()).await.unwrap_err();
        assert!(error.starts_with(fault), "{error}");
    }
    fake.world().iot.set("fw", JobStatus::Completed);
    run(&fake, &revert()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_earlier_job_ended_well() {
    let fake = reached(5);
    for (status, count, fault) in [
        (JobStatus::Canceled, 3, "job `good` did not end well: it was canceled"),
        (JobStatus::Completed, 0, "job `good` did not end well: no device succeeded with it"),
        (JobStatus::InProgress, 3, "job `good` is `IN_PROGRESS` (expected one that has ended)"),
    ] {
        fake.world().iot.set("good", status);
        succeeded(&fake, "good", count);
        let error = run(&fake, &revert()).await.unwrap_err();
        assert!(error.starts_with(fault), "{error}");
    }
    for (to, fault) in
        [("fw", "`--to`: job `fw` is the one to revert"), ("typo", "there is no job `typo`")]
    {
        let source = Source::Job { to: Some(id(to)), unrecorded: false };
        let error = run(&fake, &Revert { source, ..revert() }).await.unwrap_err();
        assert!(error.starts_with(fault), "{error}");
    }
    assert_eq!(fake.changes(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_another_s_keeps_its_name() {
    let fake = reached(5);
    fake.world().iot.job("fw-back", JobStatus::InProgress, &["thing/d000"]);
    let taken = Revert { new: Some(id("fw-back")), ..revert() };
    let error = run(&fake, &taken).await.unwrap_err();
    assert!(error.starts_with("job `fw-back` already exists, and does not revert `fw`"), "{error}");
    run(&fake, &revert()).await.unwrap();
    assert!(fake.world().iot.jobs.contains_key("fw-back-2"));
    let fake = reached(150);
    fake.world().iot.group("tripline-fw-back", &[]);
    let error = run(&fake, &revert()).await.unwrap_err();
    assert!(error.starts_with("thing group `tripline-fw-back` already exists"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn jobs_of_greengrass_are_refused_with_its_own_command() {
    const DEPLOYMENT: &str = "7b8e2f40-9c1d-4a55-8f0e-1f2a3b4c5d6e";
    let fake = reached(5);
    {
        let iot = &mut fake.world().iot;
        iot.job(DEPLOYMENT, JobStatus::Canceled, &["thinggroup/cores"]);
        iot.job("named", JobStatus::Canceled, &["thinggroup/cores"]);
        iot.jobs.get_mut("named").unwrap().0.namespace_id = Some("aws-gg-deployment".to_owned());
        iot.job("GreengrassUpdateJob_1f2a", JobStatus::Canceled, &["thing/core"]);
    }
    let v2 = "aws greengrassv2 create-deployment --target-arn arn:aws:iot:us-east-1:111122223333:thinggroup/cores";
    for (job, command) in [
        (DEPLOYMENT, v2),
        ("named", v2),
        ("GreengrassUpdateJob_1f2a", "aws greengrass create-software-update-job"),
    ] {
        let error = run(&fake, &Revert { job: id(job), ..revert() }).await.unwrap_err();
        assert!(error.contains(command), "{error}");
        let to = Source::Job { to: Some(id(job)), unrecorded: true };
        let error = run(&fake, &Revert { source: to, ..revert() }).await.unwrap_err();
        assert!(error.contains(command), "{error}");
        let aws = fake.aws();
        for kind in [Kind::Reverts, Kind::Resumes] {
            let error = EndedJob::find(&aws, id(job), kind).await.unwrap_err().to_string();
            assert!(error.contains(command), "{error}");
        }
    }
    assert_eq!(fake.changes(), 0);
    // What `deploy` made is none of Greengrass's, whatever its name.
    fake.world().iot.tag(&format!("job/{DEPLOYMENT}"), "tripline:deployment", "abc");
    EndedJob::find(&fake.aws(), id(DEPLOYMENT), Kind::Resumes).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_job_of_freertos_is_reverted_and_its_stream_is_looked_for() {
    let fake = reached(5);
    {
        let iot = &mut fake.world().iot;
        iot.job("AFR_OTA-pumps", JobStatus::Completed, &["thinggroup/fleet"]);
        let document = "{\"afr_ota\":{\"protocols\":[\"MQTT\"],\"streamname\":\"AFR_OTA-1\"}}";
        iot.jobs.get_mut("AFR_OTA-pumps").unwrap().1 = document.to_owned();
    }
    fake.armed_with("AFR_OTA-pumps", "good/dev.ini", CONFIG, None);
    succeeded(&fake, "AFR_OTA-pumps", 2);
    let to = Source::Job { to: Some(id("AFR_OTA-pumps")), unrecorded: true };
    let to = Revert { source: to, ..revert() };
    let error = run(&fake, &to).await.unwrap_err();
    assert!(error.contains("its stream `AFR_OTA-1` does not exist"), "{error}");
    fake.world().iot.stream("AFR_OTA-1", "bucket", "any");
    run(&fake, &to).await.unwrap();
    assert!(fake.world().iot.jobs["fw-back"].1.contains("AFR_OTA-1"));
    assert!(owned::note(&id("AFR_OTA-pumps")).unwrap().contains("--ota-update-id pumps "));
    assert_eq!(owned::note(&id("fw")), None);
}
