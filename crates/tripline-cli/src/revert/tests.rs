//! Reverting a rollout of a small AWS in memory.

mod firmware;
mod histories;
mod own;
mod refusals;

use aws_sdk_iot::types::{JobProcessDetails, JobStatus};
use fake_aws::Head;

use super::*;
use crate::aws::deployment::firmware::FirmwareRecord;
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
const KEY: &str = "good/0011223344556677/pump.bin";

fn id(job: &str) -> JobId {
    JobId::new(job).unwrap()
}

fn revert() -> Revert {
    Revert {
        job: id("fw"),
        source: Source::Job { to: Some(id("good")), unrecorded: false },
        new: None,
        guard: Arming::Kept,
        stack: "tripline".to_owned(),
        alert_only: false,
        keep_guard_off: false,
        include_in_progress: false,
        dry_run: false,
    }
}

fn unrecorded() -> Source {
    Source::Job { to: Some(id("good")), unrecorded: true }
}

async fn run(fake: &Fake, revert: &Revert) -> Result<Reverted, String> {
    revert.revert(&fake.aws()).await.map_err(|error| error.to_string())
}

fn record() -> FirmwareRecord {
    FirmwareRecord {
        key: KEY.to_owned(),
        sha256: "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=".to_owned(),
        size: 5,
        stored: Stored::new(Some("v1"), Some("e1")),
        signature: Some("MEUCIQ".to_owned()),
    }
}

fn succeeded(fake: &Fake, job: &str, count: i32) {
    let details = JobProcessDetails::builder().number_of_succeeded_things(count).build();
    fake.world().iot.jobs.get_mut(job).unwrap().0.job_process_details = Some(details);
}

/// A stopped job `fw`, and `good` before it, as `deploy` made it.
fn stopped(things: &[String]) -> Fake {
    let fake = Fake::new();
    {
        let mut world = fake.world();
        world.iot.group("fleet", things);
        world.iot.things.extend(things.iter().cloned());
        world.iot.job("fw", JobStatus::Canceled, &["thinggroup/fleet"]);
        world.iot.job("good", JobStatus::Completed, &["thinggroup/fleet"]);
        let (job, document) = world.iot.jobs.get_mut("good").unwrap();
        fake::configure(job);
        *document = "{\"streamId\":\"pumps\",\"signature\":\"MEUCIQ\"}".to_owned();
        world.iot.stream("pumps", "bucket", KEY);
        world.iot.tag("stream/pumps", "tripline:job", "good");
        world.iot.tag("job/good", "tripline:deployment", "abc");
        world.iot.tag("job/good", "team", "pumps");
        for (key, value) in record().tags() {
            world.iot.tag("job/good", key, &value);
        }
        let FirmwareRecord { sha256, .. } = record();
        let head = Head {
            checksum: Some(sha256),
            version: Some("v1".to_owned()),
            e_tag: Some("\"e1\"".to_owned()),
        };
        world.s3.put("bucket", KEY, "image");
        world.s3.heads.insert(("bucket".to_owned(), KEY.to_owned()), head);
    }
    fake.armed_with("good", "good/dev.ini", CONFIG, None);
    succeeded(&fake, "good", 3);
    fake
}

/// The same for so many devices of which all but the last two have the firmware.
fn reached(count: usize) -> Fake {
    let things: Vec<_> = (0..count).map(|n| format!("d{n:03}")).collect();
    let fake = stopped(&things);
    let names: Vec<_> = things.iter().map(String::as_str).collect();
    let (done, [failed, at_it]) = names.split_at(count - 2) else { panic!("{count} devices") };
    let mut world = fake.world();
    world.iot.execute("fw", "SUCCEEDED", done);
    world.iot.execute("fw", "FAILED", &[failed]);
    world.iot.execute("fw", "IN_PROGRESS", &[at_it]);
    drop(world);
    fake
}

#[tokio::test(start_paused = true)]
async fn devices_that_have_the_firmware_get_the_earlier_one_and_no_others() {
    let fake = reached(5);
    let reverted = run(&fake, &revert()).await.unwrap();
    assert_eq!(reverted.end(), End::Done);
    let said = reverted.text(&id("fw")) + &reverted.notes(&id("fw")).join("\n");
    insta::assert_snapshot!("things", said);
    let world = fake.world();
    let iot = &world.iot;
    assert_eq!(iot.targets("fw-back"), ["d000", "d001", "d002"]);
    let ((good, document), (new, copy)) = (&iot.jobs["good"], &iot.jobs["fw-back"]);
    assert_eq!(copy, document);
    assert_eq!(new.description(), Some("Reverts fw to good: the pumps"));
    assert_eq!(new.job_executions_rollout_config(), good.job_executions_rollout_config());
    assert_eq!(new.abort_config(), good.abort_config());
    assert_eq!(new.timeout_config(), good.timeout_config());
    assert_eq!(new.presigned_url_config(), good.presigned_url_config());
    let tags = &iot.tags["job/fw-back"];
    assert_eq!(tags["tripline:reverts"], "fw");
    assert_eq!(tags["tripline:revertsTo"], "good");
    let firmware = FirmwareRecord::from_tags(tags);
    assert_eq!(firmware, Some(record()), "it can be reverted to itself");
    assert_eq!(tags["team"], "pumps");
    assert!(world.cloudwatch.alarms.contains_key("tripline-fw-back-slow"));
    // Whoever cleans up after either job leaves the stream of both.
    assert_eq!(iot.tags["stream/pumps"]["tripline:job"], "good fw-back");
}

#[tokio::test(start_paused = true)]
async fn devices_that_succeed_later_are_taken_by_a_second_revert_and_only_those() {
    let fake = reached(5);
    run(&fake, &revert()).await.unwrap();
    let before = fake.end();
    let again = run(&fake, &revert()).await.unwrap();
    assert_eq!(again.text(&id("fw")), "job fw-back already exists and reverts fw: nothing to do\n");
    assert_eq!((again.end(), fake.end()), (End::Done, before));

    fake.world().iot.end("fw", "IN_PROGRESS", "SUCCEEDED");
    run(&fake, &revert()).await.unwrap();
    assert_eq!(fake.world().iot.targets("fw-back-2"), ["d004"]);
    let again = run(&fake, &revert()).await.unwrap();
    assert_eq!(
        again.text(&id("fw")),
        "jobs fw-back, fw-back-2 are there already and revert fw: nothing to do\n"
    );
}

#[tokio::test(start_paused = true)]
async fn devices_in_progress_are_taken_in_once_if_asked_for() {
    let fake = reached(5);
    let all = Revert { include_in_progress: true, ..revert() };
    run(&fake, &all).await.unwrap();
    assert_eq!(fake.world().iot.targets("fw-back"), ["d000", "d001", "d002", "d004"]);
    fake.world().iot.end("fw", "IN_PROGRESS", "SUCCEEDED");
    let again = run(&fake, &revert()).await.unwrap();
    assert!(matches!(again, Reverted::Existed(_)), "{again:?}");
}

#[tokio::test(start_paused = true)]
async fn a_revert_that_ended_and_left_devices_is_to_be_resumed() {
    let fake = reached(5);
    run(&fake, &revert()).await.unwrap();
    {
        let iot = &mut fake.world().iot;
        iot.execute("fw-back", "SUCCEEDED", &["d000"]);
        iot.execute("fw-back", "FAILED", &["d001"]);
        iot.set("fw-back", JobStatus::Canceled);
    }
    let again = run(&fake, &revert()).await.unwrap();
    assert_eq!(again.end(), End::Finding);
    let said = again.text(&id("fw")) + &again.notes(&id("fw")).join("\n");
    insta::assert_snapshot!("ended", said);
    // Who is resumed is taken back by that job.
    {
        let iot = &mut fake.world().iot;
        iot.job("fw-back-r1", JobStatus::InProgress, &["thing/d001", "thing/d002"]);
        iot.tag("job/fw-back-r1", "tripline:resumes", "fw-back");
    }
    let again = run(&fake, &revert()).await.unwrap();
    assert_eq!(again.end(), End::Done, "{again:?}");
    // To revert a revert is another matter.
    {
        let iot = &mut fake.world().iot;
        iot.execute("fw", "SUCCEEDED", &["d009"]);
        iot.things.insert("d009".to_owned());
        iot.job("fw-back-back", JobStatus::InProgress, &["thing/d009"]);
        iot.tag("job/fw-back-back", "tripline:reverts", "fw-back");
    }
    run(&fake, &revert()).await.unwrap();
    assert_eq!(fake.world().iot.targets("fw-back-2"), ["d009"]);
}

#[tokio::test(start_paused = true)]
async fn more_devices_than_a_job_can_name_go_into_a_group() {
    let fake = reached(152);
    fake.world().iot.things.remove("d007");
    let reverted = run(&fake, &revert()).await.unwrap();
    insta::assert_snapshot!("grouped", reverted.text(&id("fw")));
    let world = fake.world();
    let targets = ["arn:aws:iot:us-east-1:111122223333:thinggroup/tripline-fw-back"];
    assert_eq!(world.iot.jobs["fw-back"].0.targets(), targets);
    assert_eq!(world.iot.groups["tripline-fw-back"].len(), 149, "one is gone");
    assert_eq!(world.iot.tags["thinggroup/tripline-fw-back"]["tripline:reverts"], "fw");
}

#[tokio::test(start_paused = true)]
async fn a_revert_that_was_cut_short_at_any_call_is_completed_by_another() {
    let (whole, calls) = {
        let fake = reached(107);
        run(&fake, &revert()).await.unwrap();
        (fake.end(), fake.changes())
    };
    // The group, its 105 members, the stream's tag, and the job.
    assert_eq!(calls, 108);
    for cut in (0..calls).step_by(9).chain([1, calls - 2, calls - 1]) {
        for lost in [false, true] {
            let fake = reached(107);
            fake.cut(cut, lost);
            assert!(run(&fake, &revert()).await.is_err(), "{cut}");
            fake.world().faults.clear();
            run(&fake, &revert()).await.unwrap();
            assert_eq!(fake.end(), whole, "cut at {cut}, lost {lost}");
        }
    }
    let fake = reached(107);
    fake.alarms.refuse("tripline-fw-back-slow");
    run(&fake, &revert()).await.unwrap_err();
    assert!(!fake.world().iot.jobs.contains_key("fw-back"), "no job without its guard");
    fake.alarms.world().faults.clear();
    run(&fake, &revert()).await.unwrap();
    assert_eq!(fake.end(), whole);
}

#[tokio::test(start_paused = true)]
async fn it_is_armed_before_it_is_created_or_not_created() {
    let fake = reached(5);
    fake.alarms.world().sns.subscriptions.clear();
    let reverted = run(&fake, &revert()).await.unwrap();
    assert!(matches!(reverted, Reverted::NotGuarded));
    assert_eq!(reverted.end(), End::Finding);
    assert!(!fake.world().iot.jobs.contains_key("fw-back"));
    assert_eq!(fake.changes(), 0);
    // The stack's default guard, if that is meant.
    let fake = reached(5);
    run(&fake, &Revert { guard: Arming::Default, ..revert() }).await.unwrap();
    assert!(fake.alarms.world().cloudwatch.alarms.is_empty());
    assert!(fake.world().iot.jobs.contains_key("fw-back"));
    // And a guard that an earlier revert has lost is put again.
    let fake = reached(5);
    run(&fake, &revert()).await.unwrap();
    fake.world().cloudwatch.alarms.clear();
    let again = run(&fake, &revert()).await.unwrap();
    assert!(again.notes(&id("fw"))[0].contains("`fw-back` is in progress and had lost alarms"));
    assert!(fake.world().cloudwatch.alarms.contains_key("tripline-fw-back-slow"));
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_says_the_same_and_changes_nothing() {
    let fake = reached(152);
    let reverted = run(&fake, &Revert { dry_run: true, ..revert() }).await.unwrap();
    insta::assert_snapshot!("dry_run", reverted.text(&id("fw")));
    insta::assert_snapshot!(
        "dry_run_json",
        format!("{:#}", document(&reverted.data(&id("fw"), "us-east-1")))
    );
    assert_eq!(fake.changes(), 0);
    assert!(fake.alarms.world().cloudwatch.alarms.is_empty());
}

#[tokio::test(start_paused = true)]
async fn nothing_to_do_is_a_good_end() {
    let fake = stopped(&["d000".to_owned()]);
    fake.world().iot.execute("fw", "FAILED", &["d000"]);
    let reverted = run(&fake, &revert()).await.unwrap();
    assert_eq!(reverted.end(), End::Done);
    assert_eq!(
        reverted.text(&id("fw")),
        "nothing to do: of 1 devices that job fw reached, 0 have its firmware, 0 are in progress, 0 were removed\n"
    );
    assert_eq!(fake.changes(), 0);
}

#[tokio::test(start_paused = true)]
async fn devices_with_other_jobs_pending_are_counted() {
    let fake = reached(6);
    {
        let iot = &mut fake.world().iot;
        iot.execute("fw-2-2", "QUEUED", &["d000", "d001"]);
        iot.execute("logs", "IN_PROGRESS", &["d000"]);
        iot.execute("fw-2-2", "SUCCEEDED", &["d002"]);
        iot.execute("fw-2-2", "QUEUED", &["d005"]);
    }
    let look = Revert { dry_run: true, ..revert() };
    let reverted = run(&fake, &look).await.unwrap();
    assert_eq!(
        reverted.notes(&id("fw"))[0],
        "note: devices that have other jobs pending: 2 (`fw-2-2`: 2, `logs`: 1); what those install comes before or after this"
    );
    let pending = &document(&reverted.data(&id("fw"), "us-east-1"))["pending"];
    assert_eq!(pending["devices"], 2);
    // What cannot be asked, or is too much to ask for, is not counted, and costs nothing else.
    fake.alarms.0.fail(|call| {
        (call.operation == "ListJobExecutionsForThing")
            .then_some(fake_aws::Fault::Refused("AccessDeniedException", "no"))
    });
    let reverted = run(&fake, &look).await.unwrap();
    let note = &reverted.notes(&id("fw"))[0];
    assert!(
        note.starts_with("note: devices that have other jobs pending: not counted ("),
        "{note}"
    );
    let fake = reached(303);
    let reverted = run(&fake, &look).await.unwrap();
    let note = &reverted.notes(&id("fw"))[0];
    assert!(note.ends_with("not counted (301 devices, more than 300)"), "{note}");
    let asked = |call: &&fake_aws::Call| call.operation == "ListJobExecutionsForThing";
    assert_eq!(fake.world().calls.iter().filter(asked).count(), 0);
}

#[tokio::test(start_paused = true)]
async fn without_a_name_the_job_s_fallback_is_taken() {
    let fallback = || Revert { source: Source::Job { to: None, unrecorded: false }, ..revert() };
    let fake = reached(5);
    let error = run(&fake, &fallback()).await.unwrap_err();
    assert!(error.starts_with("job `fw` has no tag `tripline:fallback`"), "{error}");
    // Who only looks learns how many they are all the same.
    let look = Revert { dry_run: true, ..fallback() };
    let error = run(&fake, &look).await.unwrap_err();
    let said = "devices that would be reverted from job `fw`: 3\nerror: job `fw` has no tag";
    assert!(error.starts_with(said), "{error}");
    fake.world().iot.tag("job/fw", "tripline:fallback", "no job");
    let error = run(&fake, &fallback()).await.unwrap_err();
    assert!(error.contains("tag `tripline:fallback` is `no job`"), "{error}");
    fake.world().iot.tag("job/fw", "tripline:fallback", "good");
    run(&fake, &fallback()).await.unwrap();
    assert_eq!(fake.world().iot.tags["job/fw-back"]["tripline:revertsTo"], "good");
    // Another one is said to be the one it was.
    let other =
        Revert { source: Source::Job { to: Some(id("older")), unrecorded: true }, ..revert() };
    fake.world().iot.job("older", JobStatus::Completed, &["thinggroup/fleet"]);
    fake.armed_with("older", "good/dev.ini", CONFIG, None);
    succeeded(&fake, "older", 1);
    let again = run(&fake, &other).await.unwrap();
    assert_eq!(
        again.notes(&id("fw"))[0],
        "note: job `fw-back` reverts its devices to `good`\n  hint: `tripline revert --job-id fw-back` reverts them to another"
    );
}
