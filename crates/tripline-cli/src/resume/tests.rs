//! Resuming a rollout of a small AWS in memory.

mod again;

use std::collections::BTreeSet;

use aws_sdk_iot::types::{
    JobStatus, MaintenanceWindow, RetryableFailureType, SchedulingConfig, TargetSelection,
};
use tripline::job::JobId;

use super::*;
use crate::successor::fake::{self, Fake};
use crate::terminal::document::document;

const CONFIG: &str = "\
[ALARM_CONFIG]
alarmList = slow
[ALARM_CONFIG_slow]
namespace = IoT:OTA:JobExecution
metricName = downloadTime
stat = p99
period = 60
threshold = 3600
alarmType = upper
evaluationPeriods = 5
datapointsToAlarm = 3
snsTopics = @email, @force-stop
";

fn id(job: &str) -> JobId {
    JobId::new(job).unwrap()
}

fn config(text: &str) -> Arming {
    let config = tripline_config::AlarmConfig::parse("dev.ini", text).unwrap();
    let (name, region) = ("dev.ini".to_owned(), None);
    let from = AlarmsFrom::File { name: name.clone() };
    Arming::Config(Box::new(Config {
        name,
        from,
        alarms: config.alarms,
        default_guard: true,
        evidence: None,
        region,
    }))
}

fn resume() -> Resume {
    Resume {
        job: id("fw"),
        new: None,
        guard: config(CONFIG),
        stack: "tripline".to_owned(),
        alert_only: false,
        keep_guard_off: false,
        include_in_progress: false,
        dry_run: false,
    }
}

async fn run(fake: &Fake, resume: &Resume) -> Result<Resumed, String> {
    resume.resume(&fake.aws()).await.map_err(|error| error.to_string())
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// A stopped job for `count` members of a group and the thing `lone`.
fn stopped(count: usize) -> Fake {
    let fake = Fake::new();
    let mut things: Vec<_> = (0..count).map(|n| format!("d{n:03}")).collect();
    fake.world().iot.group("fleet", &things);
    things.push("lone".to_owned());
    fake.world().iot.things.extend(things);
    fake.world().iot.job("fw", JobStatus::Canceled, &["thinggroup/fleet", "thing/lone"]);
    fake
}

#[tokio::test(start_paused = true)]
async fn only_devices_that_lack_the_firmware_are_targets() {
    let fake = stopped(5);
    {
        let mut world = fake.world();
        world.iot.execute("fw", "SUCCEEDED", &["d000", "d001"]);
        world.iot.execute("fw", "IN_PROGRESS", &["d002"]);
        world.iot.execute("fw", "CANCELED", &["d003"]);
        world.iot.execute("fw", "FAILED", &["lone"]);
    }
    let resumed = run(&fake, &resume()).await.unwrap();
    insta::assert_snapshot!("things", resumed.text(&id("fw")));
    let arn = |what: &str| format!("arn:aws:iot:us-east-1:111122223333:thing/{what}");
    {
        let world = fake.world();
        assert_eq!(world.iot.jobs["fw-r1"].0.targets(), [arn("d003"), arn("d004"), arn("lone")]);
        assert_eq!(world.iot.groups.len(), 1, "no group for a few devices");
    }

    // Those that are unfinished, if they are asked for.
    let all = Resume { include_in_progress: true, new: Some(id("again")), ..resume() };
    run(&fake, &all).await.unwrap();
    assert_eq!(fake.world().iot.jobs["again"].0.targets(), [arn("d002")], "`fw-r1` has the others");
}

#[tokio::test(start_paused = true)]
async fn a_device_is_judged_by_its_last_attempt_and_not_by_those_before() {
    let fake = stopped(4);
    {
        let iot = &mut fake.world().iot;
        iot.retry("fw", RetryableFailureType::Failed, 1);
        for thing in ["d000", "d001", "d002", "d003", "lone"] {
            iot.notify("fw", thing);
        }
        for (thing, attempts) in [
            ("d000", vec!["FAILED", "SUCCEEDED"]),
            ("d001", vec!["FAILED", "FAILED"]),
            ("d002", vec!["FAILED", "CANCELED"]),
            ("d003", vec!["SUCCEEDED"]),
            ("lone", vec!["FAILED"]),
        ] {
            attempts.iter().for_each(|status| iot.report("fw", thing, status));
        }
        // The last one is at its second attempt.
        iot.end("fw", "QUEUED", "IN_PROGRESS");
    }
    run(&fake, &resume()).await.unwrap();
    assert_eq!(fake.world().iot.targets("fw-r1"), ["d001", "d002"]);
}

#[tokio::test(start_paused = true)]
async fn the_new_job_is_as_the_old_one_was_and_linked_to_it() {
    let fake = stopped(1);
    {
        let mut world = fake.world();
        let (job, _) = world.iot.jobs.get_mut("fw").unwrap();
        fake::configure(job);
        job.target_selection = Some(TargetSelection::Continuous);
        world.iot.tag("job/fw", "tripline:config", "s3://bucket/fw/dev.ini");
        world.iot.tag("job/fw", "team", "pumps");
        world.iot.tag("job/fw", "tripline:resumes", "an-older-one");
    }
    run(&fake, &resume()).await.unwrap();
    let world = fake.world();
    let ((old, document), (new, copy)) = (&world.iot.jobs["fw"], &world.iot.jobs["fw-r1"]);
    assert_eq!(copy, document);
    assert_eq!(new.description(), Some("Resumes fw: the pumps"));
    assert_eq!(new.presigned_url_config(), old.presigned_url_config());
    assert_eq!(new.job_executions_rollout_config(), old.job_executions_rollout_config());
    assert_eq!(new.abort_config(), old.abort_config());
    assert_eq!(new.timeout_config(), old.timeout_config());
    assert_eq!(new.job_executions_retry_config(), old.job_executions_retry_config());
    assert_eq!(new.target_selection(), old.target_selection());
    let tags: Vec<_> = world.iot.tags["job/fw-r1"].iter().collect();
    let tag = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let (config, link) =
        (tag("tripline:config", "s3://bucket/fw/dev.ini"), tag("tripline:resumes", "fw"));
    let team = tag("team", "pumps");
    assert_eq!(tags, [(&team.0, &team.1), (&config.0, &config.1), (&link.0, &link.1)]);
}

#[tokio::test(start_paused = true)]
async fn what_was_never_configured_is_not_asked_for() {
    let fake = stopped(1);
    run(&fake, &resume()).await.unwrap();
    let world = fake.world();
    let new = &world.iot.jobs["fw-r1"].0;
    assert_eq!(new.description(), Some("Resumes fw"));
    assert!(new.presigned_url_config().is_none() && new.timeout_config().is_none());
    assert!(new.job_executions_rollout_config().is_none() && new.abort_config().is_none());
}

#[tokio::test(start_paused = true)]
async fn more_devices_than_a_job_can_name_go_into_a_group() {
    let fake = stopped(150);
    fake.world().iot.execute("fw", "SUCCEEDED", &["d000", "lone"]);
    let resumed = run(&fake, &resume()).await.unwrap();
    insta::assert_snapshot!("grouped", resumed.text(&id("fw")));
    let world = fake.world();
    let targets = ["arn:aws:iot:us-east-1:111122223333:thinggroup/tripline-fw-r1"];
    assert_eq!(world.iot.jobs["fw-r1"].0.targets(), targets);
    let members = &world.iot.groups["tripline-fw-r1"];
    assert_eq!(members.len(), 149);
    assert!(!members.contains("d000") && members.contains("d149"));
    assert_eq!(world.iot.tags["thinggroup/tripline-fw-r1"]["tripline:resumes"], "fw");
}

#[tokio::test(start_paused = true)]
async fn a_resume_that_was_cut_short_at_any_call_is_completed_by_another() {
    let (whole, calls) = {
        let fake = stopped(105);
        run(&fake, &resume()).await.unwrap();
        (fake.end(), fake.changes())
    };
    // The group, its 106 members, and the job.
    assert_eq!(calls, 108);
    for cut in (0..calls).step_by(7).chain([1, calls - 1]) {
        for lost in [false, true] {
            let fake = stopped(105);
            fake.cut(cut, lost);
            let first = run(&fake, &resume()).await;
            // An answer that is lost at the very end: the job is there all the same.
            assert!(first.is_err(), "{cut}");
            fake.world().faults.clear();
            run(&fake, &resume()).await.unwrap();
            assert_eq!(fake.end(), whole, "cut at {cut}, lost {lost}");
        }
    }
    // And by its alarms.
    let fake = stopped(105);
    fake.alarms.refuse("tripline-fw-r1-slow");
    run(&fake, &resume()).await.unwrap_err();
    assert!(!fake.world().iot.jobs.contains_key("fw-r1"), "no job without its guard");
    fake.alarms.world().faults.clear();
    run(&fake, &resume()).await.unwrap();
    assert_eq!(fake.end(), whole);
}

#[tokio::test(start_paused = true)]
async fn devices_that_finish_in_between_leave_the_group_again() {
    let fake = stopped(120);
    fake.cut(50, true);
    run(&fake, &resume()).await.unwrap_err();
    fake.world().faults.clear();
    let some: Vec<_> = fake.world().iot.groups["tripline-fw-r1"].iter().take(2).cloned().collect();
    let some: Vec<_> = some.iter().map(String::as_str).collect();
    fake.world().iot.execute("fw", "SUCCEEDED", &some);
    run(&fake, &resume()).await.unwrap();
    let members = fake.world().iot.groups["tripline-fw-r1"].clone();
    assert_eq!(members.len(), 119);
    assert!(some.iter().all(|thing| !members.contains(*thing)));
}

#[tokio::test(start_paused = true)]
async fn a_job_that_is_there_already_is_left_as_it_is() {
    let fake = stopped(3);
    run(&fake, &resume()).await.unwrap();
    let before = fake.end();
    let again = run(&fake, &resume()).await.unwrap();
    assert_eq!(again.text(&id("fw")), "job fw-r1 already exists and resumes fw: nothing to do\n");
    assert_eq!(again.notes(&id("fw")), ["hint: `tripline watch fw-r1` shows how it goes"]);
    assert_eq!(again.end(), End::Done);
    assert_eq!(fake.end(), before);

    // Another's keeps its name.
    let fake = stopped(3);
    fake.world().iot.job("fw-r1", JobStatus::InProgress, &["thing/lone"]);
    run(&fake, &resume()).await.unwrap();
    assert!(fake.world().iot.jobs.contains_key("fw-r2"));
    let taken = Resume { new: Some(id("fw-r1")), ..resume() };
    let error = run(&fake, &taken).await.unwrap_err();
    assert!(error.starts_with("job `fw-r1` already exists, and does not resume `fw`"), "{error}");

    // And so does another's group.
    let fake = stopped(150);
    fake.world().iot.group("tripline-fw-r1", &[]);
    let error = run(&fake, &resume()).await.unwrap_err();
    assert!(error.starts_with("thing group `tripline-fw-r1` already exists"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn it_is_armed_before_it_is_created_or_not_created() {
    let fake = stopped(3);
    fake.alarms.world().sns.subscriptions.clear();
    let resumed = run(&fake, &resume()).await.unwrap();
    assert!(matches!(resumed, Resumed::NotGuarded));
    assert_eq!(resumed.end(), End::Finding);
    assert!(
        fake.alarms.world().cloudwatch.alarms.is_empty()
            && !fake.world().iot.jobs.contains_key("fw-r1")
    );

    let alerting = || config(&CONFIG.replace("@email, @force-stop", "@email"));
    let fake = stopped(3);
    let resumed = run(&fake, &Resume { guard: alerting(), ..resume() }).await.unwrap();
    assert!(matches!(resumed, Resumed::NotGuarded));
    run(&fake, &Resume { guard: alerting(), alert_only: true, ..resume() }).await.unwrap();
    assert!(fake.world().iot.jobs.contains_key("fw-r1"));
    assert_eq!(fake.alarms.world().cloudwatch.alarms.len(), 1);

    let fake = stopped(3);
    run(&fake, &Resume { guard: Arming::Default, ..resume() }).await.unwrap();
    assert!(
        fake.alarms.world().cloudwatch.alarms.is_empty()
            && fake.world().iot.jobs.contains_key("fw-r1")
    );

    // Without a guard-keeper nobody would arm it.
    let fake = stopped(3);
    fake.alarms.world().cloudformation.outputs.retain(|(key, _)| *key != "GuardKeeperFunctionArn");
    let error = run(&fake, &Resume { guard: Arming::Default, ..resume() }).await.unwrap_err();
    assert!(error.contains("has no guard-keeper"), "{error}");
    assert!(!fake.world().iot.jobs.contains_key("fw-r1"));
}

#[tokio::test(start_paused = true)]
async fn the_alarms_are_those_that_deploy_keeps() {
    let kept = || Resume { guard: Arming::Kept, ..resume() };
    let fake = stopped(3);
    let error = run(&fake, &kept()).await.unwrap_err();
    assert!(error.starts_with("job `fw` has no tag `tripline:config`"), "{error}");
    assert!(error.contains("hint: give it with `--config`"), "{error}");
    fake.world().iot.tag("job/fw", "tripline:config", "s3://bucket/fw/dev.ini");
    let error = run(&fake, &kept()).await.unwrap_err();
    assert!(error.starts_with("job `fw` has no tag `tripline:configDigest`"), "{error}");
    fake.armed_with("fw", "fw/dev.ini", CONFIG, None);
    for (place, fault) in [
        ("s3://bucket", "(expected `s3://bucket/key`)"),
        ("https://bucket/key", "(expected `s3://bucket/key`)"),
        ("s3://bucket/none", "s3://bucket/none: there is no such object"),
    ] {
        fake.world().iot.tag("job/fw", "tripline:config", place);
        let error = run(&fake, &kept()).await.unwrap_err();
        assert!(error.contains(fault), "{place}: {error}");
    }
    let broken = CONFIG.replace("stat = p99\nperiod = 60", "stat = p999");
    for (text, fault) in [
        (broken.as_str(), "s3://bucket/fw/dev.ini: 2 faults"),
        ("[DEFAULT]\n", "s3://bucket/fw/dev.ini: no alarms"),
    ] {
        fake.armed_with("fw", "fw/dev.ini", text, None);
        let error = run(&fake, &kept()).await.unwrap_err();
        assert!(error.contains(fault), "{error}");
    }
    // Whoever can write to the bucket cannot disarm the next rollout.
    fake.armed_with("fw", "fw/dev.ini", CONFIG, None);
    fake.object("fw/dev.ini", &CONFIG.replace("3600", "360000"));
    let error = run(&fake, &kept()).await.unwrap_err();
    assert!(error.starts_with("s3://bucket/fw/dev.ini: its SHA-256 is `"), "{error}");
    assert!(error.contains("somebody has changed it"), "{error}");
    fake.object("fw/dev.ini", CONFIG);
    // A bucket that is somebody else's by now is not read.
    fake.world().s3.owners.insert("bucket".to_owned(), "999988887777".to_owned());
    let error = run(&fake, &kept()).await.unwrap_err();
    assert!(error.contains("GetObject: AccessDenied"), "{error}");
    fake.world().s3.owners.clear();
    let resumed = run(&fake, &kept()).await.unwrap();
    assert_eq!(
        document(&resumed.data(&id("fw"), "us-east-1"))["alarmsFrom"],
        serde_json::json!({"kind": "object", "name": "s3://bucket/fw/dev.ini"})
    );
    assert!(fake.alarms.world().cloudwatch.alarms.contains_key("tripline-fw-r1-slow"));
    // And they are those of the next one, too: the stack's table has them.
    fake.world().iot.jobs.get_mut("fw-r1").unwrap().0.status = Some(JobStatus::Canceled);
    fake.world().s3.objects.clear();
    let again = run(&fake, &Resume { job: id("fw-r1"), ..kept() }).await.unwrap();
    assert_eq!(
        document(&again.data(&id("fw-r1"), "us-east-1"))["alarmsFrom"],
        serde_json::json!({
            "kind": "table", "stack": "tripline", "table": "guards", "jobId": "fw-r1",
        })
    );
    assert!(
        again.text(&id("fw-r1")).contains("from  the guards table of stack tripline, job fw-r1")
    );
    assert!(fake.alarms.world().cloudwatch.alarms.contains_key("tripline-fw-r1-r1-slow"));
}

#[tokio::test(start_paused = true)]
async fn the_limits_are_those_that_deploy_keeps_with_their_baseline() {
    const BASELINE: &str = "{\"version\":1,\"name\":\"fw\",\"rollouts\":2,\"pooled\":{\"devices\":900,\"unfinished\":[800,300,9]},\"slowest\":{\"devices\":400,\"unfinished\":[400,200,9]},\"failures\":[0,2]}\n";
    let fake = stopped(3);
    let config = "[EVIDENCE_CONFIG]\nuseEvidence = True\nbaseline = ../of/fw.json\nsnsTopics = @force-stop\n";
    let kept = Resume { guard: Arming::Kept, ..resume() };
    let fault = "s3://bucket/fw/dev.ini: its baseline: ";
    fake.armed_with("fw", "fw/dev.ini", config, Some("{}"));
    let error = run(&fake, &kept).await.unwrap_err();
    assert!(error.starts_with(&format!("{fault}no baseline: ")), "{error}");
    fake.armed_with("fw", "fw/dev.ini", config, Some(BASELINE));
    fake.object("fw/baseline.json", &BASELINE.replace("800", "700"));
    let error = run(&fake, &kept).await.unwrap_err();
    assert!(error.starts_with(&format!("{fault}its SHA-256 is `")), "{error}");
    fake.world().s3.objects.remove(&("bucket".to_owned(), "fw/baseline.json".to_owned()));
    let error = run(&fake, &kept).await.unwrap_err();
    assert!(error.starts_with(&format!("{fault}there is no such object\n  hint: ")), "{error}");
    fake.object("fw/baseline.json", BASELINE);
    run(&fake, &kept).await.unwrap();
    // The table keeps it with its baseline.
    fake.world().iot.jobs.get_mut("fw-r1").unwrap().0.status = Some(JobStatus::Canceled);
    fake.world().s3.objects.clear();
    run(&fake, &Resume { job: id("fw-r1"), ..kept }).await.unwrap();
    let alarms = &fake.alarms.world().cloudwatch.alarms;
    let names: Vec<_> = alarms.keys().collect();
    assert_eq!(names, ["tripline-fw-r1-Evidence", "tripline-fw-r1-r1-Evidence"]);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_resumed_is_said() {
    let fake = stopped(3);
    for (status, fault) in [
        (JobStatus::InProgress, "job `fw` is `IN_PROGRESS` (expected one that has ended)"),
        (JobStatus::Scheduled, "job `fw` is `SCHEDULED`"),
        (JobStatus::DeletionInProgress, "job `fw` is being deleted"),
    ] {
        fake.world().iot.jobs.get_mut("fw").unwrap().0.status = Some(status);
        let error = run(&fake, &resume()).await.unwrap_err();
        assert!(error.starts_with(fault), "{error}");
    }
    let error = run(&fake, &Resume { job: id("typo"), ..resume() }).await.unwrap_err();
    assert!(error.starts_with("there is no job `typo`"), "{error}");
    let gone = Fake::new();
    gone.world().iot.job("fw", JobStatus::Canceled, &["thinggroup/fleet"]);
    let error = run(&gone, &resume()).await.unwrap_err();
    assert!(error.starts_with("job `fw`: its thing group `fleet` does not exist"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn nothing_left_is_a_good_end() {
    let fake = stopped(2);
    fake.world().iot.execute("fw", "SUCCEEDED", &["d000", "lone"]);
    fake.world().iot.execute("fw", "IN_PROGRESS", &["d001"]);
    let resumed = run(&fake, &resume()).await.unwrap();
    assert_eq!(resumed.end(), End::Done);
    insta::assert_snapshot!(
        "nothing_left",
        resumed.text(&id("fw")) + &resumed.notes(&id("fw")).join("\n")
    );
    assert_eq!(fake.changes(), 0);
    assert!(fake.alarms.world().cloudwatch.alarms.is_empty());
}

#[tokio::test(start_paused = true)]
async fn things_that_are_gone_are_left_out() {
    let fake = stopped(1);
    fake.world().iot.things.remove("lone");
    let resumed = run(&fake, &resume()).await.unwrap();
    let Resumed::Created(report) = resumed else { panic!("{resumed:?}") };
    assert_eq!((report.targets.devices, report.targets.gone), (names(&["d000"]), 1));
    // One of many that goes while the group is filled.
    let fake = stopped(150);
    fake.world().iot.things.remove("d007");
    let resumed = run(&fake, &resume()).await.unwrap();
    let Resumed::Created(report) = resumed else { panic!("{resumed:?}") };
    assert_eq!((report.targets.devices.len(), report.targets.gone), (150, 1));
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_says_the_same_and_changes_nothing() {
    let fake = stopped(150);
    let resumed = run(&fake, &Resume { dry_run: true, ..resume() }).await.unwrap();
    insta::assert_snapshot!("dry_run", resumed.text(&id("fw")));
    insta::assert_snapshot!(
        "dry_run_json",
        format!("{:#}", document(&resumed.data(&id("fw"), "us-east-1")))
    );
    assert_eq!(fake.changes(), 0);
    assert!(fake.alarms.world().cloudwatch.alarms.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_differs_from_the_old_job_is_said_before_it_is_made() {
    let fake = stopped(1);
    {
        let mut world = fake.world();
        let (job, _) = world.iot.jobs.get_mut("fw").unwrap();
        let window = MaintenanceWindow::builder().start_time("cron(0 3 * * ? *)");
        let window = window.duration_in_minutes(60).build().unwrap();
        job.scheduling_config =
            Some(SchedulingConfig::builder().maintenance_windows(window).build());
        world.iot.tag("job/fw", "tripline:guard", "off");
    }
    let dry = run(&fake, &Resume { dry_run: true, ..resume() }).await.unwrap();
    insta::assert_snapshot!("differences", dry.notes(&id("fw")).join("\n"));
    run(&fake, &resume()).await.unwrap();
    assert!(!fake.world().iot.tags["job/fw-r1"].contains_key("tripline:guard"));
    // Unless that is meant.
    let fake = stopped(1);
    fake.world().iot.tag("job/fw", "tripline:guard", "off");
    let kept = run(&fake, &Resume { keep_guard_off: true, ..resume() }).await.unwrap();
    assert_eq!(fake.world().iot.tags["job/fw-r1"]["tripline:guard"], "off");
    assert!(kept.notes(&id("fw"))[0].contains("opted out of the default guard, as `fw` was"));
}
