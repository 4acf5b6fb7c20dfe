use std::time::Duration;

use aws_sdk_cloudwatch::types::StateValue;
use serde_json::json;
use tripline::release::Phase;

use super::stage::{Doing, Fleet, Stage, assert_ended, emails};

/// Three waves.
const WAVES: [(&str, &str); 3] = [
    ("canary", "devices = 40\nbake = 2s\n"),
    ("early", "devices = 40\nbake = 2s\n"),
    ("rest", "rest = True\nbake = 2s\n"),
];

/// The last of the waves is more than a job can name.
#[tokio::test]
async fn a_good_release_goes_out_by_itself() {
    let stage = Stage::new().await;
    stage.things("good", 190).await;
    stage.config("good", &WAVES);
    let mut mailbox = stage.mailbox("good").await;
    assert_ended(&stage.start("good").await, 0);
    let mut fleet = Fleet::new(&[]);
    let state = stage.until("good", &mut fleet, |state| state.ended.is_some()).await;
    assert!(state.ended.as_ref().unwrap().well, "{state:#?}");
    assert_eq!(stage.phases("good"), [Phase::Passed; 3]);
    let (status, ran) = stage.status("good").await;
    assert_ended(&ran, 0);
    assert_eq!(status["state"], "out");
    let emails = emails(&mut mailbox, "good").await;
    assert!(emails.iter().any(|email| email.text.contains("is complete")), "{emails:#?}");
    // The third wave's group was made for it, and is gone.
    let job = stage.job("wave-good-rest").await.unwrap();
    assert!(job.targets()[0].ends_with(":thinggroup/tripline-wave-good-rest"), "{job:?}");
    let group = stage.iot.describe_thing_group().thing_group_name("tripline-wave-good-rest");
    assert!(group.send().await.is_err());
    // It can be started again, as another attempt with jobs of its own.
    let again = stage.start("good").await;
    assert_ended(&again, 0);
    assert!(again.stdout.contains("attempt 2"), "{}", again.stdout);
    assert_eq!(stage.state("good").waves[0].job.as_str(), "wave-good-canary-a2");
    // Two starts make one while it runs.
    let twice = stage.start("good").await;
    assert!(twice.stdout.contains("under way already"), "{}\n{}", twice.stdout, twice.stderr);
}

#[tokio::test]
async fn a_bad_release_is_stopped_within_its_exposure() {
    let stage = Stage::new().await;
    stage.things("bad", 120).await;
    stage.config("bad", &WAVES);
    let mut mailbox = stage.mailbox("bad").await;
    assert_ended(&stage.start("bad").await, 0);
    let mut fleet = Fleet::new(&[("canary", Doing::Badly)]);
    let state = stage.until("bad", &mut fleet, |state| state.ended.is_some()).await;
    assert!(!state.ended.as_ref().unwrap().well);
    assert_eq!(stage.phases("bad"), [Phase::Stopped, Phase::Waiting, Phase::Waiting]);
    assert_eq!(state.exposed(), 40);
    assert!(stage.job("wave-bad-early").await.is_none());
    let (status, ran) = stage.status("bad").await;
    assert_ended(&ran, 5);
    assert_eq!(status["state"], "stopped");
    let emails = emails(&mut mailbox, "release bad").await;
    let said = emails.iter().find(|email| email.text.contains("stopped release bad"));
    let said = &said.unwrap_or_else(|| panic!("{emails:#?}")).text;
    for part in ["at wave canary", "tripline revert --job-id wave-bad-canary", "at most 40 devices"]
    {
        assert!(said.contains(part), "{part}: {said}");
    }
}

/// Sets an alarm of a job to ALARM, as CloudWatch would.
async fn fire(stage: &Stage, alarm: &str, state: StateValue) {
    let set = stage.cloudwatch.set_alarm_state().alarm_name(alarm).state_value(state);
    set.state_reason("as a test says").send().await.unwrap();
}

/// The first wave's job is complete, and it bakes; its alarm goes off and recovers before anybody looks.
#[tokio::test]
async fn an_alarm_during_the_bake_stops_the_release_by_name() {
    let stage = Stage::new().await;
    stage.things("bakes", 80).await;
    let waves = [("canary", "devices = 40\nbake = 1h\n"), ("rest", "rest = True\n")];
    stage.config("bakes", &waves);
    let mut mailbox = stage.mailbox("bakes").await;
    assert_ended(&stage.start("bakes").await, 0);
    let mut fleet = Fleet::new(&[]);
    let is_baking = |state: &tripline::release::State| {
        state.waves[0].reasons.iter().any(|reason| reason.contains("the bake lasts until"))
            && state.waves[0].kept.is_some()
    };
    stage.until("bakes", &mut fleet, is_baking).await;
    let job = stage.job("wave-bakes-canary").await.unwrap();
    assert_eq!(job.status().unwrap().as_str(), "COMPLETED");
    // An approval shortens no bake.
    let approved = stage.release(&["approve", "bakes", "--wave", "canary"]).await;
    assert_ended(&approved, 0);
    stage.minute().await;
    assert_eq!(stage.phases("bakes")[0], Phase::Running);
    let alarm = "tripline-wave-bakes-canary-Evidence";
    fire(&stage, alarm, StateValue::Alarm).await;
    fire(&stage, alarm, StateValue::Ok).await;
    let state = stage.until("bakes", &mut fleet, |state| state.ended.is_some()).await;
    assert_eq!(state.waves[0].phase, Phase::Stopped);
    assert!(state.waves[0].reasons[0].contains(alarm), "{:?}", state.waves[0].reasons);
    assert!(stage.job("wave-bakes-rest").await.is_none());
    let emails = emails(&mut mailbox, "release bakes").await;
    assert!(emails.iter().any(|email| email.text.contains(alarm)), "{emails:#?}");
}

/// An alarm of a wave that was let through goes off while the next one is rolled out: that one is stopped too.
#[tokio::test]
async fn an_alarm_of_an_earlier_wave_stops_the_one_that_is_under_way() {
    let stage = Stage::new().await;
    stage.things("later", 80).await;
    stage.config("later", &[WAVES[0], ("rest", "rest = True\nbake = 1h\n")]);
    assert_ended(&stage.start("later").await, 0);
    let mut fleet = Fleet::new(&[("rest", Doing::Nothing)]);
    let has_begun = |state: &tripline::release::State| {
        state.waves[1].phase == Phase::Running && state.waves[1].created.is_some()
    };
    stage.until("later", &mut fleet, has_begun).await;
    fire(&stage, "tripline-wave-later-canary-Evidence", StateValue::Alarm).await;
    let state = stage.until("later", &mut fleet, |state| state.ended.is_some()).await;
    assert_eq!(stage.phases("later"), [Phase::Passed, Phase::Stopped]);
    let rest = stage.job("wave-later-rest").await.unwrap();
    assert_eq!(rest.status().unwrap().as_str(), "CANCELED", "{state:#?}");
}

#[tokio::test]
async fn a_wave_begins_once_approved_and_a_small_one_asks() {
    let stage = Stage::new().await;
    stage.things("asks", 20).await;
    let waves = [
        ("lab", "devices = 4\nbake = 1s\ndecideWithin = 4s\napproval = True\n"),
        ("rest", "rest = True\nbake = 1s\ndecideWithin = 4s\n"),
    ];
    stage.config("asks", &waves);
    let mut mailbox = stage.mailbox("asks").await;
    assert_ended(&stage.start("asks").await, 0);
    let mut fleet = Fleet::new(&[]);
    let waits = |state: &tripline::release::State| {
        state.waves[0].phase == Phase::Approval && state.waves[0].asked.is_some()
    };
    stage.until("asks", &mut fleet, waits).await;
    assert!(stage.job("wave-asks-lab").await.is_none(), "nobody has approved");
    let (status, ran) = stage.status("asks").await;
    assert_ended(&ran, 6);
    assert_eq!(status["state"], "waitsForPerson");
    assert_ended(&stage.release(&["approve", "asks", "--wave", "lab"]).await, 0);
    let is_asked = |state: &tripline::release::State| state.waves[0].phase == Phase::Undecided;
    stage.until("asks", &mut fleet, is_asked).await;
    assert!(stage.job("wave-asks-rest").await.is_none(), "four devices decide nothing");
    assert_ended(&stage.release(&["approve", "asks", "--wave", "lab"]).await, 0);
    let rest_asks = |state: &tripline::release::State| state.waves[1].phase == Phase::Undecided;
    stage.until("asks", &mut fleet, rest_asks).await;
    let emails = emails(&mut mailbox, "asks").await;
    for said in ["Wave lab of release asks", "The gate of wave lab", "more devices would decide it"]
    {
        assert!(emails.iter().any(|email| email.text.contains(said)), "{said}: {emails:#?}");
    }
    assert_ended(&stage.release(&["stop", "asks", "--reason", "enough"]).await, 0);
    let (status, ran) = stage.status("asks").await;
    assert_ended(&ran, 5);
    assert_eq!(status["state"], "stopped");
}

/// The wave-runner is killed again and again while it works.
#[tokio::test]
async fn a_release_survives_kills() {
    let stage = Stage::new().await;
    stage.things("killed", 80).await;
    stage.config("killed", &[WAVES[0], ("rest", "rest = True\nbake = 2s\n")]);
    assert_ended(&stage.start("killed").await, 0);
    let mut fleet = Fleet::new(&[]);
    fleet.kills = true;
    let state = stage.until("killed", &mut fleet, |state| state.ended.is_some()).await;
    assert!(state.ended.as_ref().unwrap().well, "{state:#?}");
    assert!(fleet.killed > 0);
    for job in ["wave-killed-canary", "wave-killed-rest"] {
        let job = stage.job(job).await.unwrap();
        assert_eq!(job.job_process_details().unwrap().number_of_succeeded_things(), Some(40));
    }
}

/// A rollout of 70 devices, 20 a minute, with an alarm that asks for a hold.
async fn slow_rollout(stage: &Stage, job: &str) {
    let mut targets = Vec::new();
    for number in 0..200 {
        let thing = stage.iot.create_thing().thing_name(format!("{job}-{number}"));
        targets.push(thing.send().await.unwrap().thing_arn.unwrap());
    }
    let group = stage.iot.create_thing_group().thing_group_name(job).send().await.unwrap();
    for number in 0..200 {
        let add = stage.iot.add_thing_to_thing_group().thing_group_name(job);
        add.thing_name(format!("{job}-{number}")).send().await.unwrap();
    }
    let rate = aws_sdk_iot::types::JobExecutionsRolloutConfig::builder().maximum_per_minute(20);
    let tag = |key: &str, value: &str| {
        aws_sdk_iot::types::Tag::builder().key(key).value(value).build().unwrap()
    };
    let create = stage.iot.create_job().job_id(job).document("{}");
    let create = create.set_targets(group.thing_group_arn.map(|arn| vec![arn]));
    let create = create.job_executions_rollout_config(rate.build());
    create.tags(tag("tripline:onAlarm", "hold")).send().await.unwrap();
    stage.minute().await;
}

fn rate_of(job: &aws_sdk_iot::types::Job) -> Option<i32> {
    job.job_executions_rollout_config().and_then(|config| config.maximum_per_minute())
}

/// Puts an alarm that stops a job: the local AWS does not say of metric math which job it is about.
async fn arm(stage: &Stage, job: &str) -> String {
    let name = format!("tripline-{job}-Slow");
    let dimension = aws_sdk_cloudwatch::types::Dimension::builder().name("jobId").value(job);
    let put = stage.cloudwatch.put_metric_alarm().alarm_name(&name);
    let put = put.namespace("IoT:OTA:JobExecution").metric_name("downloadTime");
    let put = put.dimensions(dimension.build()).extended_statistic("p97").period(60);
    let put =
        put.evaluation_periods(1).threshold(900.0).alarm_actions(stage.output("ForceStopTopicArn"));
    let above = aws_sdk_cloudwatch::types::ComparisonOperator::GreaterThanThreshold;
    put.comparison_operator(above).send().await.unwrap();
    name
}

#[tokio::test]
async fn an_alarm_holds_a_rollout_that_asks_for_it_and_it_goes_on() {
    let stage = Stage::new().await;
    slow_rollout(&stage, "doubt").await;
    let mut mailbox = stage.mailbox("doubt").await;
    let alarm = arm(&stage, "doubt").await;
    fire(&stage, &alarm, StateValue::Alarm).await;
    stage
        .wait("the hold", async || {
            stage.job("doubt").await.and_then(|job| rate_of(&job)) == Some(1)
        })
        .await;
    assert_eq!(stage.job("doubt").await.unwrap().status().unwrap().as_str(), "IN_PROGRESS");
    let emails = emails(&mut mailbox, "holds rollout doubt").await;
    assert!(!emails.is_empty());
    // Its proof takes four minutes of two seconds.
    stage
        .wait("the proof", async || {
            stage.minute().await;
            stage.hold("doubt").is_some_and(|hold| hold["proof"] == json!("held"))
        })
        .await;
    let ran = stage.release(&["go-on", "--job-id", "doubt"]).await;
    assert_ended(&ran, 0);
    assert_eq!(rate_of(&stage.job("doubt").await.unwrap()), Some(20));
    // It can be held, and go on, by hand too.
    assert_ended(&stage.release(&["hold", "--job-id", "doubt"]).await, 0);
    assert_eq!(rate_of(&stage.job("doubt").await.unwrap()), Some(1));
    assert_ended(&stage.release(&["go-on", "--job-id", "doubt"]).await, 0);
    assert_eq!(stage.hold("doubt").unwrap()["times"], 2);
    // The alarm acts again.
    fire(&stage, &alarm, StateValue::Alarm).await;
    stage
        .wait("another hold", async || {
            stage.job("doubt").await.and_then(|job| rate_of(&job)) == Some(1)
        })
        .await;
}

#[tokio::test]
async fn a_rollout_that_cannot_be_held_is_stopped_and_people_hear_of_it() {
    let stage = Stage::new().await;
    slow_rollout(&stage, "runs-on").await;
    let mut mailbox = stage.mailbox("runs-on").await;
    // AWS IoT says that it took the rate, and did not.
    let is_update = |call: &tripline_tests::proxy::Call| {
        call.method == "PATCH" && call.path.contains("/jobs/runs-on")
    };
    stage.proxy.fail_next(is_update, 200, "Taken", usize::MAX);
    // The next twenty are notified a minute after the first: within the proof.
    let created = stage.job("runs-on").await.unwrap().created_at().unwrap().secs();
    stage
        .wait("the end of a minute", async || {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
            now.as_secs() as i64 >= created + 54
        })
        .await;
    assert_ended(&stage.release(&["hold", "--job-id", "runs-on"]).await, 0);
    assert_eq!(rate_of(&stage.job("runs-on").await.unwrap()), Some(20));
    stage
        .wait("its end", async || {
            stage.minute().await;
            tokio::time::sleep(Duration::from_millis(500)).await;
            let job = stage.job("runs-on").await.unwrap();
            job.status().is_some_and(|status| status.as_str() == "CANCELED")
        })
        .await;
    let emails = emails(&mut mailbox, "could not hold rollout runs-on").await;
    assert!(emails.iter().any(|email| email.text.contains("stopped instead")), "{emails:#?}");
}
