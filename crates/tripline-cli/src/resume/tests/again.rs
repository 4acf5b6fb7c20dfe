//! Resuming what was resumed before.

use super::*;

/// `fw` is resumed by `fw-r1` for all but the five that were at it, and those are in this state now.
async fn resumed_while_five_are(status: &str) -> Fake {
    let fake = stopped(7);
    let five = ["d000", "d001", "d002", "d003", "d004"];
    fake.world().iot.execute("fw", "IN_PROGRESS", &five);
    run(&fake, &resume()).await.unwrap();
    assert_eq!(fake.world().iot.targets("fw-r1"), ["d005", "d006", "lone"]);
    fake.world().iot.end("fw", "IN_PROGRESS", status);
    fake
}

#[tokio::test(start_paused = true)]
async fn devices_that_fail_after_a_resume_get_another_job() {
    let fake = resumed_while_five_are("FAILED").await;
    let resumed = run(&fake, &resume()).await.unwrap();
    assert_eq!(resumed.end(), End::Done);
    insta::assert_snapshot!("left", resumed.text(&id("fw")));
    assert_eq!(fake.world().iot.targets("fw-r2"), ["d000", "d001", "d002", "d003", "d004"]);
    assert!(fake.alarms.world().cloudwatch.alarms.contains_key("tripline-fw-r2-slow"));
    // And then everybody has one.
    let before = fake.end();
    let again = run(&fake, &resume()).await.unwrap();
    assert_eq!(
        again.text(&id("fw")),
        "jobs fw-r1, fw-r2 are there already and resume fw: nothing to do\n"
    );
    assert_eq!((again.end(), fake.end()), (End::Done, before));
}

#[tokio::test(start_paused = true)]
async fn the_hint_on_devices_in_progress_is_true_after_a_resume_too() {
    let fake = resumed_while_five_are("IN_PROGRESS").await;
    let resumed = run(&fake, &resume()).await.unwrap();
    let hint = "hint: 5 still in progress with the old job; `--include-in-progress` includes them";
    assert_eq!(resumed.notes(&id("fw"))[0], hint);
    assert_eq!(resumed.end(), End::Done);
    let all = Resume { include_in_progress: true, ..resume() };
    run(&fake, &all).await.unwrap();
    assert_eq!(fake.world().iot.targets("fw-r2").len(), 5);
    // They are in progress with the old job still, and taken in.
    let again = run(&fake, &resume()).await.unwrap();
    assert!(!again.notes(&id("fw")).join("\n").contains("still in progress"), "{again:?}");
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_taken_says_who_is_left() {
    let fake = resumed_while_five_are("FAILED").await;
    let before = fake.end();
    let named = Resume { new: Some(id("fw-r1")), ..resume() };
    let resumed = run(&fake, &named).await.unwrap();
    assert_eq!(resumed.end(), End::Finding);
    let said = resumed.text(&id("fw")) + &resumed.notes(&id("fw")).join("\n");
    insta::assert_snapshot!("taken_and_left", said);
    assert_eq!(document(&resumed.data(&id("fw"), "us-east-1"))["left"], 5);
    assert_eq!(fake.end(), before);
}

#[tokio::test(start_paused = true)]
async fn devices_of_an_earlier_resume_in_a_group_are_its_own() {
    let fake = stopped(150);
    fake.world().iot.execute("fw", "IN_PROGRESS", &["d007"]);
    run(&fake, &resume()).await.unwrap();
    fake.world().iot.end("fw", "IN_PROGRESS", "FAILED");
    run(&fake, &resume()).await.unwrap();
    assert_eq!(fake.world().iot.targets("fw-r2"), ["d007"]);
    // Somebody removes the group: those that the job has reached are its own still.
    let executed: Vec<_> =
        fake.world().iot.groups.remove("tripline-fw-r1").unwrap().into_iter().collect();
    let executed: Vec<_> = executed.iter().map(String::as_str).collect();
    fake.world().iot.execute("fw-r1", "QUEUED", &executed);
    let again = run(&fake, &resume()).await.unwrap();
    assert!(matches!(again, Resumed::Existed(_)), "{again:?}");
}

#[tokio::test(start_paused = true)]
async fn a_resume_that_was_stopped_is_to_be_resumed_itself() {
    let fake = stopped(2);
    run(&fake, &resume()).await.unwrap();
    fake.world().iot.execute("fw-r1", "SUCCEEDED", &["d000"]);
    fake.world().iot.set("fw-r1", JobStatus::Canceled);
    let before = fake.end();
    let resumed = run(&fake, &resume()).await.unwrap();
    assert_eq!(resumed.end(), End::Finding);
    let said = resumed.text(&id("fw")) + &resumed.notes(&id("fw")).join("\n");
    insta::assert_snapshot!("stopped", said);
    assert_eq!(fake.end(), before);
    // Which is what is done, and seen.
    run(&fake, &Resume { job: id("fw-r1"), ..resume() }).await.unwrap();
    assert_eq!(fake.world().iot.targets("fw-r1-r1"), ["d001", "lone"]);
    assert_eq!(run(&fake, &resume()).await.unwrap().end(), End::Done);
    // Until that one is stopped, too.
    fake.world().iot.set("fw-r1-r1", JobStatus::Canceled);
    let resumed = run(&fake, &resume()).await.unwrap();
    assert_eq!(resumed.end(), End::Finding);
    let notes = resumed.notes(&id("fw"));
    assert!(notes[0].ends_with("hint: `tripline resume --job-id fw-r1-r1`"), "{notes:?}");
    // One that has ended well is no finding.
    fake.world().iot.execute("fw-r1-r1", "SUCCEEDED", &["d001", "lone"]);
    fake.world().iot.set("fw-r1-r1", JobStatus::Completed);
    assert_eq!(run(&fake, &resume()).await.unwrap().end(), End::Done);
}

#[tokio::test(start_paused = true)]
async fn a_resume_whose_first_job_was_deleted_finds_the_second() {
    let fake = resumed_while_five_are("FAILED").await;
    run(&fake, &resume()).await.unwrap();
    fake.world().iot.jobs.remove("fw-r1");
    run(&fake, &resume()).await.unwrap();
    assert_eq!(
        fake.world().iot.targets("fw-r1"),
        ["d005", "d006", "lone"],
        "`fw-r2` has the others"
    );
}

#[tokio::test(start_paused = true)]
async fn a_resume_that_lost_its_alarms_is_armed_again() {
    let fake = stopped(3);
    run(&fake, &resume()).await.unwrap();
    let before = fake.end();
    fake.alarms.world().cloudwatch.alarms.clear();
    let dry = run(&fake, &Resume { dry_run: true, ..resume() }).await.unwrap();
    assert!(dry.notes(&id("fw"))[0].ends_with("would be armed again"), "{dry:?}");
    assert!(fake.alarms.world().cloudwatch.alarms.is_empty());
    let again = run(&fake, &resume()).await.unwrap();
    assert_eq!(again.end(), End::Done);
    insta::assert_snapshot!("rearmed", again.text(&id("fw")) + &again.notes(&id("fw")).join("\n"));
    assert_eq!(fake.end(), before);

    // Not one that has ended, nor one that is armed with something else, nor if none is asked for.
    let other = config(&CONFIG.replace("slow", "slower"));
    run(&fake, &Resume { guard: other, ..resume() }).await.unwrap();
    assert_eq!(fake.end(), before);
    fake.alarms.world().cloudwatch.alarms.clear();
    run(&fake, &Resume { guard: Arming::Default, ..resume() }).await.unwrap();
    fake.world().iot.set("fw-r1", JobStatus::Canceled);
    run(&fake, &resume()).await.unwrap();
    assert!(fake.alarms.world().cloudwatch.alarms.is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_stream_goes_to_the_new_job() {
    let streaming = || {
        let fake = stopped(3);
        fake.world().iot.jobs.get_mut("fw").unwrap().1 = r#"{"streamId":"s-1"}"#.to_owned();
        fake.world().iot.tag("stream/s-1", "tripline:job", "fw");
        fake
    };
    let holder = |fake: &Fake| fake.world().iot.tags["stream/s-1"]["tripline:job"].clone();
    let fake = streaming();
    run(&fake, &Resume { dry_run: true, ..resume() }).await.unwrap();
    assert_eq!(holder(&fake), "fw");
    // Whenever it is cut: there is no new job without its stream.
    for lost in [false, true] {
        let fake = streaming();
        fake.cut(0, lost);
        run(&fake, &resume()).await.unwrap_err();
        assert!(!fake.world().iot.jobs.contains_key("fw-r1"));
        fake.world().faults.clear();
        run(&fake, &resume()).await.unwrap();
        assert_eq!(holder(&fake), "fw-r1");
    }
    // Two that are at it: it is neither's to remove.
    fake.world().iot.execute("fw", "IN_PROGRESS", &["d000"]);
    run(&fake, &resume()).await.unwrap();
    run(&fake, &Resume { include_in_progress: true, ..resume() }).await.unwrap();
    assert_eq!(holder(&fake), "fw-r1 fw-r2");
    // Another's stays another's.
    let fake = streaming();
    fake.world().iot.tag("stream/s-1", "tripline:job", "other");
    run(&fake, &resume()).await.unwrap();
    assert_eq!(holder(&fake), "other");
}
