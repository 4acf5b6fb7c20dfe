use super::*;
use crate::job::{ExecutionCounts, JobState};
use crate::notification::Subject;
use crate::rollout::Rate;

fn watched(namespace: &str, job: &str) -> Watched {
    Watched { namespaces: [namespace.to_owned()].into(), jobs: [job.to_owned()].into() }
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
        subject,
        rule: None,
        since: None,
    }
}

fn job(state: JobState) -> Job {
    Job {
        state,
        reason_code: None,
        comment: None,
        created_at: None,
        ended_at: None,
        rate: Rate::QUOTA,
        counts: ExecutionCounts::default(),
    }
}

#[test]
fn a_claim_stands_only_if_cloudwatch_knows_the_alarm_for_the_same_job_and_namespace() {
    let claimed = watched("IoT:OTA:JobExecution", "fw-1");
    let verify = |known: Option<&KnownAlarm>| verify(&notification(), &claimed, known);
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
        assert_eq!(alarm.fires_for_job_of(created_at), fires, "{state:?} {since:?} {created_at:?}");
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
        (StopMode::Cancel, Certainty::Verified, JobKnowledge::Gone, Decision::AlreadyEnded),
    ] {
        assert_eq!(decide(mode, &certainty, &job, "why"), decision, "{mode} {certainty:?} {job:?}");
    }
}

#[test]
fn a_stop_by_the_same_message_is_known_by_its_comment() {
    let mut stopped = job(JobState::Canceled);
    stopped.reason_code = Some(REASON_CODE.to_owned());
    stopped.comment = Some(comment_for(&notification()));
    let decided = |comment: &str| {
        decide(
            StopMode::Cancel,
            &Certainty::Verified,
            &JobKnowledge::Found(stopped.clone()),
            comment,
        )
    };
    assert_eq!(decided(&comment_for(&notification())), Decision::AlreadyStopped);
    let mut later = notification();
    later.changed_at = "2026-09-01T10:09:09.199+0000".to_owned();
    assert_eq!(decided(&comment_for(&later)), Decision::AlreadyEnded);
}

#[test]
fn a_comment_fits_aws_iot_whatever_the_alarm_is_called() {
    let mut odd = notification();
    odd.alarm = "a\nb".to_owned();
    odd.reason = "x".repeat(5_000);
    let comment = comment_for(&odd);
    assert_eq!(comment.chars().count(), MAX_COMMENT);
    assert!(!comment.chars().any(char::is_control));
    assert!(comment.starts_with("Tripline: alarm a?b fired at 2026-09-01T10:01:09.199+0000: xxx"));
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
