//! From the first look to the verdict.

use std::time::Duration;

use aws_sdk_cloudwatch::types::StateValue;
use fake_aws::Fault;
use proptest::prelude::*;
use tripline::evidence::Record;

use super::fake::*;
use crate::aws::tally::Tally;
use crate::exit::{End, Error};
use crate::watch::follow::Watch;

fn tally(succeeded: u32, in_progress: u32, queued: u32) -> Tally {
    Tally { succeeded, in_progress, queued, ..Tally::default() }
}

#[tokio::test(start_paused = true)]
async fn a_rollout_is_watched_to_its_end() {
    let fake = Fake::default();
    fake.answers(
        "fw",
        [running(tally(0, 2, 2)), running(tally(1, 2, 1)), completed(tally(4, 0, 0))],
    );
    let (end, log) = fake.follow(watch(&["fw"])).await;
    assert_eq!(end.unwrap(), End::Done);
    assert_eq!(log.end, ["rollout fw is complete: 4 devices have it"]);
    assert_eq!(log.lines.len(), 3);
    let look = ["DescribeJob", "DescribeAlarms", "GetItem"];
    let pages = ["ListJobExecutionsForJob IN_PROGRESS", "GetMetricData"];
    let first = ["DescribeJob", "DescribeAlarms", "DescribeStacks", "GetItem"];
    let last = ["GetMetricData"];
    let expected = [&first[..], &pages, &look, &pages, &look, &last].concat();
    assert_eq!(fake.calls(), expected);
}

#[tokio::test(start_paused = true)]
async fn executions_are_looked_at_only_when_their_counts_change() {
    let fake = Fake::default();
    let none = tally(0, 0, 9);
    let some = Tally { failed: 1, ..tally(0, 2, 6) };
    let more = Tally { failed: 1, rejected: 1, timed_out: 1, ..tally(1, 2, 3) };
    let all = [none, none, some, some, some, more, more].map(running);
    fake.answers("fw", all.into_iter().chain([completed(tally(9, 0, 0))]));
    fake.follow(watch(&["fw"])).await.0.unwrap();
    let mut pages = fake.calls();
    pages.retain(|call| call.starts_with("List"));
    let pages: Vec<_> = pages.iter().map(|call| call.rsplit(' ').next().unwrap()).collect();
    assert_eq!(pages, ["IN_PROGRESS", "FAILED", "IN_PROGRESS", "REJECTED", "TIMED_OUT"]);
}

#[tokio::test(start_paused = true)]
async fn the_slowest_of_many_are_found_page_by_page() {
    let fake = Fake::default();
    let device = |n: i64| (format!("d{n:04}"), NOW - n, NOW);
    let all: Vec<_> = (0..700).map(device).collect();
    fake.execute("IN_PROGRESS", all);
    fake.answers("fw", [running(tally(0, 700, 0))]);
    let timeout = Some(Duration::from_secs(60));
    let (end, log) = fake.follow(Watch { timeout, ..watch(&["fw"]) }).await;
    assert_eq!(end.unwrap(), End::Undecided);
    let slowest = |look: usize| log.data[look]["slow"][0]["thing"].as_str().unwrap().to_owned();
    assert_eq!([0, 1, 2, 3].map(slowest), ["d0249", "d0499", "d0699", "d0699"]);
    let pages = fake.calls().iter().filter(|call| call.starts_with("List")).count();
    assert_eq!(pages, 3, "one a look, and none when all have been seen and nothing has moved");
}

#[tokio::test(start_paused = true)]
async fn each_end_has_its_exit_code() {
    let some = Tally { failed: 3, ..tally(5, 1, 0) };
    let abort = "Abort criteria for failure type FAILED with threshold 10.00% met.";
    for (answer, end) in [
        (completed(tally(5, 0, 0)), End::Done),
        (completed(some), End::Finding),
        (stopped(some, "TRIPLINE_OPERATOR", "by hand"), End::Finding),
        (stopped(some, "TRIPLINE_ALARM", "alarm"), End::Stopped),
        (stopped(some, "ABORT_CANCEL", abort), End::Stopped),
    ] {
        let fake = Fake::default();
        fake.answers("fw", [running(some), answer.clone()]);
        let (ended, log) = fake.follow(watch(&["fw"])).await;
        assert_eq!(ended.unwrap(), end, "{answer:?}");
        let resumes = log.end.iter().any(|line| line.contains("`tripline resume --job-id fw`"));
        assert_eq!(resumes, log.end[0].contains("stopped") || log.end[0].contains("canceled"));
    }
}

#[tokio::test(start_paused = true)]
async fn of_several_rollouts_a_stop_counts_most() {
    let fake = Fake::default();
    fake.answers("good", [completed(tally(5, 0, 0))]);
    fake.answers(
        "slow",
        [running(tally(1, 1, 0)), running(tally(1, 1, 0)), completed(tally(2, 0, 0))],
    );
    fake.answers("bad", [stopped(tally(5, 0, 0), "TRIPLINE_ALARM", "alarm")]);
    let (end, log) = fake.follow(watch(&["good", "slow", "bad"])).await;
    assert_eq!(end.unwrap(), End::Stopped);
    assert_eq!(log.end.len(), 4, "three verdicts and a hint: {:?}", log.end);
    // Those that have ended are asked for no more.
    let calls = fake.calls();
    assert_eq!(calls.iter().filter(|call| *call == "DescribeJob").count(), 5);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_decided_in_time_goes_on() {
    let fake = Fake::default();
    fake.answers("fw", [running(tally(1, 1, 1))]);
    let begin = tokio::time::Instant::now();
    let timeout = Some(Duration::from_secs(65));
    let (end, log) = fake.follow(Watch { timeout, ..watch(&["fw"]) }).await;
    assert_eq!((end.unwrap(), begin.elapsed().as_secs()), (End::Undecided, 65));
    assert_eq!(log.end, ["rollout fw is not decided: 1 of 3 devices ended (33 %)"]);
    let (end, log) = fake.follow(Watch { once: true, ..watch(&["fw"]) }).await;
    assert_eq!((end.unwrap(), log.lines.len()), (End::Undecided, 1));
}

#[tokio::test(start_paused = true)]
async fn an_unknown_job_is_the_user_s_and_a_deleted_one_is_not() {
    let fake = Fake::default();
    let (end, _) = fake.follow(watch(&["typo"])).await;
    let text = end.unwrap_err();
    assert!(matches!(text, Error::Input(_)), "{text}");
    fake.answers("fw", [running(tally(1, 1, 1)), Answer::Fault("ResourceNotFoundException")]);
    let (end, log) = fake.follow(watch(&["fw"])).await;
    assert_eq!(end.unwrap(), End::Finding);
    assert_eq!(log.end, ["rollout fw was deleted"]);
}

#[tokio::test(start_paused = true)]
async fn throttling_and_outages_pass_and_refusals_do_not() {
    let away = |count| std::iter::repeat_n(Answer::Fault(OUTAGE), count);
    let through = completed(tally(3, 0, 0));
    let first = running(tally(1, 1, 1));
    for code in ["ThrottlingException", OUTAGE] {
        let fake = Fake::default();
        let faults = [first.clone(), Answer::Fault(code), Answer::Fault(code), through.clone()];
        fake.answers("fw", faults);
        let (end, log) = fake.follow(watch(&["fw"])).await;
        assert_eq!(end.unwrap(), End::Done);
        assert!(log.lines[2].contains("no answer for 10 s: DescribeJob: "), "{}", log.lines[2]);
        assert!(!log.lines[3].contains("no answer"), "{}", log.lines[3]);
    }
    // An outage that does not end is said after five minutes, or at once if nothing ever worked.
    for (answers, least) in [
        (vec![first.clone()].into_iter().chain(away(100)).collect::<Vec<_>>(), 300),
        (away(1).collect(), 30),
    ] {
        let fake = Fake::default();
        fake.answers("fw", answers);
        let begin = tokio::time::Instant::now();
        let (end, _) = fake.follow(watch(&["fw"])).await;
        assert!(matches!(end.unwrap_err(), Error::Aws(_)));
        let elapsed = begin.elapsed().as_secs();
        assert!((least..least + 25).contains(&elapsed), "{elapsed}");
    }
    let fake = Fake::default();
    fake.answers("fw", [first, Answer::Fault("AccessDeniedException"), through]);
    let (end, _) = fake.follow(watch(&["fw"])).await;
    assert!(matches!(end.unwrap_err(), Error::Aws(_)));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_seen_is_said_and_ends_nothing() {
    let fake = Fake::default();
    fake.hide_executions("AccessDeniedException");
    let failed = Tally { failed: 1, ..tally(1, 1, 0) };
    fake.answers("fw", [running(failed), completed(tally(3, 0, 0))]);
    let (end, log) = fake.follow(watch(&["fw"])).await;
    assert_eq!(end.unwrap(), End::Done);
    let notes = log.data[0]["notes"].to_string();
    assert!(notes.contains("who is slow: ListJobExecutionsForJob: AccessDenied"), "{notes}");
    assert!(notes.contains("who has FAILED: "), "{notes}");
}

#[tokio::test(start_paused = true)]
async fn a_job_s_alarms_are_its_own() {
    let fake = Fake::default();
    let mut unseen = alarm("tripline-fw-few", "fw", StateValue::Ok);
    (unseen.metric_name, unseen.dimensions) = (None, None);
    let mut others = unseen.clone();
    (others.alarm_name, others.alarm_arn) =
        (Some("tripline-fw-1-few".into()), Some("arn:1".into()));
    let slow = alarm("tripline-fw-slow", "fw", StateValue::Alarm);
    let other = alarm("tripline-fw-1-slow", "fw-1", StateValue::Alarm);
    fake.alarms([slow, other, unseen, others]);
    fake.tag("arn:tripline-fw-few", "fw");
    fake.tag("arn:1", "fw-1");
    let run = running(tally(1, 0, 1));
    fake.answers("fw", [run.clone(), run, completed(tally(2, 0, 0))]);
    let (_, log) = fake.follow(watch(&["fw"])).await;
    assert!(log.lines[0].contains("guard: slow ALARM, few OK; "), "{}", log.lines[0]);
    let tags = fake.calls().iter().filter(|call| *call == "ListTagsForResource").count();
    assert_eq!(tags, 4, "each alarm's tags are looked at once");
}

/// By its guard, with evidence kept of it.
fn record(created: i64, at: i64) -> Record {
    Record {
        created,
        at,
        evidence: 0.93,
        threshold: 2.0,
        brief: "evidence 0.9 of 2 · 22 min: 36 % of 610 unfinished, limit 33 %".to_owned(),
        next_age: Some(30),
        stops: true,
        ..Record::default()
    }
}

#[tokio::test(start_paused = true)]
async fn evidence_is_that_of_this_job_and_blind_once_nobody_computes_it() {
    for (kept, line) in [
        (record(CREATED, NOW - 299), "unfinished, limit 33 %; undecided, next limit at 30 min"),
        (record(CREATED, NOW - 300), "unfinished, limit 33 %; blind: not computed for 5 min"),
        (record(CREATED - 1, NOW), ""),
    ] {
        let fake = Fake::default();
        fake.keep_evidence("fw", &kept);
        fake.answers("fw", [running(tally(1, 1, 0)), completed(tally(2, 0, 0))]);
        let (end, log) = fake.follow(watch(&["fw"])).await;
        assert_eq!(end.unwrap(), End::Done);
        let is_shown = !line.is_empty();
        assert_eq!(log.data[0]["evidence"].is_object(), is_shown);
        assert_eq!(log.lines[0].contains("evidence 0.9 of 2"), is_shown, "{}", log.lines[0]);
        assert!(log.lines[0].contains(line), "{}", log.lines[0]);
        // Once the rollout has ended nobody has to.
        assert!(!log.lines[1].contains("blind"), "{}", log.lines[1]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_on_evidence_says_why() {
    let reason = "81 of 900 devices (9 %) failed; at most 3 % may (declared). At most 1 in 100 healthy rollouts ever looks like this.";
    for (comment, is_said) in [("Tripline: alarm fired", true), (reason, false)] {
        let fake = Fake::default();
        let breach = Record { reason: Some(reason.to_owned()), ..record(CREATED, NOW) };
        fake.keep_evidence("fw", &breach);
        fake.answers("fw", [stopped(tally(5, 0, 0), "TRIPLINE_ALARM", comment)]);
        let (_, log) = fake.follow(watch(&["fw"])).await;
        assert_eq!(log.end.iter().any(|line| line == reason), is_said, "{:?}", log.end);
    }
    // Somebody else has stopped it.
    let fake = Fake::default();
    fake.keep_evidence("fw", &Record { reason: Some(reason.to_owned()), ..record(CREATED, NOW) });
    fake.answers("fw", [stopped(tally(5, 0, 0), "TRIPLINE_OPERATOR", "by hand")]);
    let (_, log) = fake.follow(watch(&["fw"])).await;
    assert!(!log.end.iter().any(|line| line == reason), "{:?}", log.end);
}

#[tokio::test(start_paused = true)]
async fn without_its_right_evidence_is_said_not_to_be_seen() {
    let fake = Fake::default();
    fake.world().faults.add(|call| {
        let is_meant = call.operation == "GetItem";
        is_meant.then_some(Fault::Refused("AccessDeniedException", "no right to evidence"))
    });
    fake.answers("fw", [running(tally(1, 1, 0)), completed(tally(2, 0, 0))]);
    let (end, log) = fake.follow(watch(&["fw"])).await;
    assert_eq!(end.unwrap(), End::Done);
    assert!(log.lines[0].contains("not seen: evidence: GetItem: AccessDenied"), "{}", log.lines[0]);
    // Without a stack there is none, and nothing to say.
    let fake = Fake::default();
    fake.world().cloudformation.stack = None;
    fake.answers("fw", [running(tally(1, 1, 0)), completed(tally(2, 0, 0))]);
    let (_, log) = fake.follow(watch(&["fw"])).await;
    assert!(!log.lines[0].contains("evidence"), "{}", log.lines[0]);
    let asked = fake.calls().iter().filter(|call| *call == "DescribeStacks").count();
    assert_eq!(asked, 1, "once a minute");
}

/// What its alarms watch does not say whose they are: one that was pointed elsewhere is still its own.
#[tokio::test(start_paused = true)]
async fn an_alarm_of_the_job_that_watches_another_leaves_it_unguarded() {
    let fake = Fake::default();
    let slow = alarm("tripline-fw-slow", "fw", StateValue::Ok);
    let pointed = alarm("tripline-fw-default-FailureRate", "fw-1", StateValue::Ok);
    fake.alarms([slow, pointed]);
    fake.tag("arn:tripline-fw-slow", "fw");
    fake.tag("arn:tripline-fw-default-FailureRate", "fw");
    fake.answers("fw", [running(tally(1, 0, 1)), completed(tally(2, 0, 0))]);
    let (_, log) = fake.follow(watch(&["fw"])).await;
    assert_eq!(log.data[0]["guarded"], false, "{}", log.data[0]);
    assert!(log.lines[0].contains("watches something else than this job"), "{}", log.lines[0]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    /// Whatever is watched, however often it is asked for: by the beginning of each look there are
    /// no more calls than seconds.
    #[test]
    fn there_is_at_most_one_call_a_second_on_average(
        jobs in 1_usize..12,
        every in 1_u64..20,
        changes in prop::collection::vec((0_u32..3, 0_u32..600, 0_u32..3), 2..10),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let fake = Fake::default();
            let device = |n: i64| (format!("d{n:04}"), NOW - n, NOW);
            fake.execute("IN_PROGRESS", (0..600).map(device));
            let names: Vec<_> = (0..jobs).map(|job| format!("fw-{job}")).collect();
            for name in &names {
                let looks = changes.iter().map(|(failed, in_progress, rejected)| {
                    running(Tally { failed: *failed, rejected: *rejected, ..tally(1, *in_progress, 0) })
                });
                fake.answers(name, looks.chain([completed(tally(1, 0, 0))]));
            }
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            let begin = tokio::time::Instant::now();
            let every = Duration::from_secs(every);
            fake.follow(Watch { every, ..watch(&names) }).await.0.unwrap();
            let calls = fake.timed_calls();
            let mut looks = 0;
            for (made, (at, call)) in calls.iter().enumerate() {
                if call == "DescribeJob" && (made == 0 || calls[made - 1].1 != "DescribeJob") {
                    looks += 1;
                    assert!(made as f64 <= (*at - begin).as_secs_f64() + 0.1, "look {looks}");
                }
                assert!(made as f64 <= (*at - begin).as_secs_f64() + 10.1, "in between");
            }
            assert_eq!(looks, changes.len() + 1);
        });
    }
}
