use std::collections::BTreeSet;

use super::*;
use crate::job::{ExecutionCounts, JobState, Setup};
use crate::notification::{AlarmNotification, AlarmState, Subject, Watched};
use crate::rollout::Rate;

const TOPIC: &str = "arn:aws:sns:eu-west-1:111122223333:stop";

fn asked() -> Asked {
    Asked { action: TOPIC.to_owned(), account: "111122223333".to_owned() }
}

fn watched(namespace: &str, job: &str) -> Watched {
    Watched {
        namespaces: [namespace.to_owned()].into(),
        jobs: [job.to_owned()].into(),
        accounts: BTreeSet::new(),
    }
}

fn notification() -> AlarmNotification {
    AlarmNotification {
        alarm: "tripline-fw-1-slow".to_owned(),
        state: AlarmState::Alarm,
        reason: "Threshold Crossed".to_owned(),
        changed_at: "2026-09-01T10:01:09.199+0000".to_owned(),
        subject: Subject::Metrics(watched("IoT:OTA:JobExecution", "fw-1")),
        rule: None,
    }
}

fn known(subject: KnownSubject) -> KnownAlarm {
    KnownAlarm {
        name: "tripline-fw-1-slow".to_owned(),
        state: AlarmState::Alarm,
        reason: "Threshold Crossed".to_owned(),
        since: None,
        subject,
        actions: [TOPIC.to_owned()].into(),
        rule: None,
        failure_rate: None,
        evidence: None,
    }
}

fn firing() -> Firing {
    Firing { reason: "Threshold Crossed".to_owned(), at: Some(1_788_256_869) }
}

fn job(state: JobState) -> Job {
    Job {
        state,
        reason_code: None,
        comment: None,
        is_forced: false,
        created_at: None,
        ended_at: None,
        rate: Rate::QUOTA,
        is_greengrass: false,
        counts: ExecutionCounts::default(),
        is_counted: true,
        timeout: None,
        setup: Setup::default(),
    }
}

#[test]
fn a_claim_stands_only_if_cloudwatch_knows_the_alarm_for_the_same_job_and_namespace() {
    let claimed = watched("IoT:OTA:JobExecution", "fw-1");
    let verify = |known: Option<&KnownAlarm>| verify(&notification(), &claimed, known, &asked());
    assert_eq!(verify(Some(&known(KnownSubject::Metrics(claimed.clone())))), Ok(()));
    assert_eq!(verify(None), Err(Refusal::UnknownAlarm("tripline-fw-1-slow".to_owned())));
    for (namespace, job) in [("IoT:OTA:JobExecution", "fw-2"), ("Other", "fw-1")] {
        let other = known(KnownSubject::Metrics(watched(namespace, job)));
        assert!(matches!(verify(Some(&other)), Err(Refusal::WatchesAnother { .. })));
    }
    let composite = known(KnownSubject::Composite { rule: "ALARM(x)".to_owned() });
    assert!(matches!(verify(Some(&composite)), Err(Refusal::WatchesAnother { .. })));
}

#[test]
fn an_alarm_stops_only_what_it_asks_to_be_stopped_and_only_in_its_own_account() {
    let claimed = watched("IoT:OTA:JobExecution", "fw-1");
    let verify = |known: &KnownAlarm| verify(&notification(), &claimed, Some(known), &asked());
    let name = || "tripline-fw-1-slow".to_owned();
    let mails = ["arn:aws:sns:eu-west-1:111122223333:mail".to_owned()];
    for actions in [BTreeSet::new(), mails.into()] {
        let silent = KnownAlarm { actions, ..known(KnownSubject::Metrics(claimed.clone())) };
        assert_eq!(verify(&silent), Err(Refusal::NotAsked(name())));
    }
    let of = |account: &str| Watched { accounts: [account.to_owned()].into(), ..claimed.clone() };
    assert_eq!(verify(&known(KnownSubject::Metrics(of("111122223333")))), Ok(()));
    let foreign = of("444455556666");
    let refused = Err(Refusal::AnotherAccount(name()));
    assert_eq!(verify(&known(KnownSubject::Metrics(foreign.clone()))), refused);
    assert_eq!(job_of(&notification(), &foreign, &asked()).map(drop), refused);
}

#[test]
fn what_could_not_be_verified_is_stopped_only_in_the_end_and_only_for_tripline_s_own_alarms() {
    let job = JobId::new("fw-1").unwrap();
    let give_up = |decision| matches!(decision, WithoutAnswer::GiveUp(_));
    for age in [-5, 0, 169] {
        let decision = without_answer(Some(age), "tripline-fw-1-slow", &job);
        assert_eq!(decision, WithoutAnswer::AskAgain, "{age}");
    }
    assert_eq!(without_answer(Some(170), "tripline-fw-1-slow", &job), WithoutAnswer::Stop);
    assert!(give_up(without_answer(None, "tripline-fw-1-slow", &job)));
    for alarm in ["slow", "tripline-fw-2-slow", "tripline-fw-1"] {
        assert!(give_up(without_answer(Some(170), alarm, &job)), "{alarm}");
    }
}

#[test]
fn an_alarm_that_fired_before_the_job_existed_did_not_fire_for_it() {
    let watched = KnownSubject::Metrics(watched("IoT:OTA:JobExecution", "fw-1"));
    for (state, since, created_at, fires) in [
        (AlarmState::Alarm, Some(100), Some(100), true),
        (AlarmState::Alarm, Some(99), Some(100), false),
        (AlarmState::Alarm, None, Some(100), true),
        (AlarmState::Alarm, Some(99), None, true),
        (AlarmState::Ok, Some(101), Some(100), false),
    ] {
        let alarm = KnownAlarm { state, since, ..known(watched.clone()) };
        assert_eq!(
            alarm.firing_since(created_at).is_some(),
            fires,
            "{state:?} {since:?} {created_at:?}"
        );
    }
}

#[test]
fn only_a_job_that_was_described_is_known_to_be_of_an_age() {
    let old = Job { created_at: Some(1_790_000_000), ..job(JobState::Active) };
    assert_eq!(JobKnowledge::Found(old).created_at(), Some(1_790_000_000));
    for unknown in [
        JobKnowledge::Found(job(JobState::Active)),
        JobKnowledge::Gone,
        JobKnowledge::Unknown("no answer".to_owned()),
    ] {
        assert_eq!(unknown.created_at(), None, "{unknown:?}");
    }
}

#[test]
fn every_mode_meets_every_job() {
    let ended = |state| JobKnowledge::Found(job(state));
    let running = JobKnowledge::Found(job(JobState::Active));
    let unknown = JobKnowledge::Unknown("no answer".to_owned());
    let unverified = Certainty::Unverified("no answer".to_owned());
    let gentle = Decision::Cancel { force: false };
    let forced = Decision::Cancel { force: true };
    for (mode, certainty, job, decision) in [
        (StopMode::Cancel, Certainty::Verified, running.clone(), gentle),
        (StopMode::Cancel, Certainty::Verified, unknown.clone(), gentle),
        (StopMode::Cancel, unverified.clone(), running.clone(), gentle),
        (StopMode::Abort, Certainty::Verified, running.clone(), forced),
        (StopMode::Abort, unverified.clone(), running.clone(), gentle),
        (StopMode::Observe, Certainty::Verified, running.clone(), Decision::Observe),
        (StopMode::Observe, unverified.clone(), running, Decision::Observe),
        (StopMode::Abort, Certainty::Verified, ended(JobState::Canceled), Decision::AlreadyEnded),
        (
            StopMode::Observe,
            Certainty::Verified,
            ended(JobState::Completed),
            Decision::AlreadyEnded,
        ),
        (StopMode::Cancel, unverified, ended(JobState::Deleting), Decision::AlreadyEnded),
        (StopMode::Cancel, Certainty::Verified, JobKnowledge::Gone, Decision::Missing),
    ] {
        assert_eq!(decide(mode, &certainty, &job, "why"), decision, "{mode} {certainty:?} {job:?}");
    }
}

#[test]
fn a_stop_by_the_same_delivery_is_known_by_its_comment() {
    let mut stopped = job(JobState::Canceled);
    stopped.reason_code = Some(REASON_CODE.to_owned());
    let comment = |firing, delivery| comment_for("tripline-fw-1-slow", firing, Some(delivery));
    for (comment, is_verified, force) in [
        (comment(Some(&firing()), "0e-1"), true, true),
        (comment(Some(&firing()), "0e-1"), true, false),
        (comment(None, "0e-1"), false, false),
    ] {
        (stopped.comment, stopped.is_forced) = (Some(comment), force);
        let job = JobKnowledge::Found(stopped.clone());
        let decided = |id: &str| decide(StopMode::Cancel, &Certainty::Verified, &job, id);
        assert_eq!(decided("0e-1"), Decision::AlreadyStopped { force, is_verified });
        assert_eq!(decided("0e-2"), Decision::AlreadyEnded, "another's to announce");
    }
}

#[test]
fn a_plain_comment_keeps_the_delivery() {
    assert_eq!(plain_comment("é\u{1f9ff} (message 0e-1)"), "?? (message 0e-1)");
}

#[test]
fn a_comment_fits_aws_iot_and_quotes_cloudwatch_alone() {
    let long = Firing { reason: "x".repeat(5_000), ..firing() };
    let comment = comment_for("a\nb", Some(&long), Some("0e-1"));
    assert_eq!(comment.chars().count(), MAX_COMMENT);
    assert!(!comment.chars().any(char::is_control));
    assert!(comment.starts_with("Tripline: alarm a?b fired at 2026-09-01T10:01:09Z: xxx"));
    assert!(comment.ends_with("x.. (message 0e-1)"), "{comment}");
    assert_eq!(
        comment_for("slow: see https://a.example", None, None),
        "Tripline: alarm slow:_see_https:__a_example, unverified: AWS could not be asked whether it fired"
    );
}

#[test]
fn modes_are_read_as_the_template_writes_them() {
    for mode in [StopMode::Cancel, StopMode::Abort, StopMode::Observe] {
        assert_eq!(mode.to_string().parse(), Ok(mode));
    }
    assert_eq!(
        "stop".parse::<StopMode>().unwrap_err().to_string(),
        "stop mode `stop` is unknown (expected `cancel`, `abort` or `observe`)"
    );
}

#[test]
fn only_what_is_not_understood_is_kept_and_only_alarms_are_announced() {
    let shape = Refusal::NotAnAlarm(NotAnAlarm::Shape(String::new()));
    let jobless = Refusal::NoSingleJob { alarm: String::new(), cause: NoSingleJob::None };
    let forged = Refusal::UnknownAlarm(String::new());
    let judged = [shape, jobless, forged].map(|r| (r.is_undelivered(), r.is_announced()));
    assert_eq!(judged, [(true, false), (true, true), (false, true)]);
}

#[test]
fn a_reason_of_a_person_fits_aws_iot() {
    assert_eq!(operator_comment(None), "Tripline: stopped by an operator");
    assert_eq!(operator_comment(Some(" \n ")), "Tripline: stopped by an operator");
    assert_eq!(operator_comment(Some("wrong\nbuild ")), "wrong?build");
    let long = operator_comment(Some(&"x".repeat(5_000)));
    assert_eq!(long.chars().count(), MAX_COMMENT);
}
