//! Alarms on evidence, before and after the guard-keeper's item is read.

use tripline::evidence::Record;
use tripline::stop::{EvidenceRule, FailureRateRule};

use super::*;

const SENTENCE: &str = "After 22 minutes, 372 of 900 devices (41 %) were unfinished; at most 33 % may be (declared). At most 1 in 100 healthy rollouts ever looks like this.";
const ABOVE: EvidenceRule = EvidenceRule::Reached { threshold: Some(2.0), or_silent: false };

/// The guard-keeper's item of the rollout, read a minute ago.
fn record(evidence: f64) -> Record {
    Record {
        created: CREATED,
        at: SENT - 59,
        evidence,
        threshold: 2.0,
        reason: (evidence >= 2.0).then(|| SENTENCE.to_owned()),
        ..Record::default()
    }
}

type Read = Result<Option<Record>, Failure>;

fn of(evidence: f64) -> Read {
    Ok(Some(record(evidence)))
}

fn on(rule: EvidenceRule) -> KnownAlarm {
    KnownAlarm { evidence: Some(rule), ..slow(AlarmState::Alarm) }
}

/// CloudWatch confirms that the alarm fired, and the table answers so.
fn world(rule: EvidenceRule, items: Vec<Read>) -> Scripted {
    Scripted { alarms: answers(vec![on(rule)]), evidence: Mutex::new(items), ..sound() }
}

async fn done(aws: Scripted) -> (Vec<String>, Option<String>) {
    run(&stopper(aws, StopMode::Cancel), event("sns/alarm")).await
}

#[tokio::test]
async fn evidence_that_the_keeper_has_written_down_stops_and_people_read_its_sentence() {
    let stopper = stopper(world(ABOVE, vec![of(2.3)]), StopMode::Cancel);
    let (done, failed) = run(&stopper, event("sns/alarm")).await;
    let stop = CANCELED.replace(": over", &format!(": {SENTENCE} over"));
    let sms = "sms: Tripline stopped fw-2-1: After 22 minutes, 372 of 900 devices (41 %) were unfinished; at most 33 % may be (declared). Go on: tripline resume";
    assert_eq!((&done[..], failed), (&[stop, ALERTED[0].to_owned(), sms.to_owned()][..], None));
    let mail = stopper.client.mails.lock().unwrap()[0].clone();
    assert!(mail.contains(&format!("\nevidence {SENTENCE}\n")), "{mail}");
}

#[tokio::test]
async fn evidence_that_the_keeper_has_not_written_down_stops_nothing() {
    let earlier = Ok(Some(Record { created: CREATED - 1, ..record(9.0) }));
    let math = EvidenceRule::MATH;
    for (rule, item, why) in [
        (ABOVE, Ok(None), "no evidence of this rollout"),
        (ABOVE, of(1.9), "own evidence is 1.900 and not 2.000"),
        (ABOVE, earlier, "no evidence of this rollout"),
        (math, of(1.9), "own evidence is 1.900 and not 2.000"),
    ] {
        let stopper = stopper(world(rule, vec![item]), StopMode::Cancel);
        let (done, failed) = run(&stopper, event("sns/alarm")).await;
        assert!(refused(&done), "{done:?}");
        assert_eq!((failed, *stopper.client.refusals.lock().unwrap()), (None, 1));
        let mail = stopper.client.mails.lock().unwrap()[0].clone();
        assert!(mail.contains(SLOW) && mail.contains(why), "{mail}");
    }
}

/// What the guard-keeper has just written may be seen by the second look only.
#[tokio::test]
async fn evidence_that_one_answer_leaves_out_is_asked_for_again() {
    for first in [Ok(None), of(1.9)] {
        let (done, _) = done(world(ABOVE, vec![first, of(2.3)])).await;
        assert!(stops(&done), "{done:?}");
    }
}

#[tokio::test]
async fn a_threshold_below_the_keeper_s_own_is_the_alarm_s_to_choose() {
    let early = EvidenceRule::Reached { threshold: Some(1.0), or_silent: false };
    let brief = Record { brief: "evidence 1.2 of 2 \u{b7} 22 min".to_owned(), ..record(1.2) };
    let (done, _) = done(world(early, vec![Ok(Some(brief))])).await;
    assert!(stops(&done), "{done:?}");
    assert!(done[2].contains("fw-2-1: evidence 1.2 of 2, 22 min. Go on"), "{done:?}");
}

#[tokio::test]
async fn evidence_that_cannot_be_read_leaves_the_alarm_unverified() {
    let kinds = [FailureKind::Throttled, FailureKind::Denied, FailureKind::Unavailable];
    for kind in kinds {
        let away = || vec![Err(Failure::new("GetItem", kind, "no"))];
        let (soon, failed) = done(world(ABOVE, away())).await;
        assert_eq!((soon, failed.as_deref()), (vec![], Some(kind.error_type())));
        for mode in [StopMode::Cancel, StopMode::Abort] {
            let aws = Scripted { now: SENT + 170, ..world(ABOVE, away()) };
            let (late, failed) = run(&stopper(aws, mode), event("sns/alarm")).await;
            assert_eq!((late[0].as_str(), failed), (UNVERIFIED, None));
        }
    }
    // The second look fails: the first alone refutes nothing.
    let items = vec![of(1.9), Err(unreachable("GetItem"))];
    let (done, failed) = done(world(ABOVE, items)).await;
    assert_eq!((done, failed.as_deref()), (vec![], Some("Tripline.Unavailable")));
}

#[tokio::test]
async fn an_alarm_on_a_silent_keeper_stops_only_while_the_keeper_is_silent() {
    let read = |age| Ok(Some(Record { at: SENT + 1 - age, ..record(0.4) }));
    for (item, is_stopped) in [(read(179), false), (read(180), true), (Ok(None), true)] {
        let stopper = stopper(world(EvidenceRule::Silent, vec![item]), StopMode::Cancel);
        let (done, failed) = run(&stopper, event("sns/alarm")).await;
        assert_eq!((stops(&done), refused(&done), failed), (is_stopped, !is_stopped, None));
        let mail = stopper.client.mails.lock().unwrap()[0].clone();
        let said = if is_stopped { "evidence The guard-keeper" } else { "read this rollout 179 s" };
        assert!(mail.contains(said), "{mail}");
    }
}

/// Its item may be gone with the rollout, which forges nothing.
#[tokio::test]
async fn an_ended_rollout_without_an_item_is_left_alone() {
    for (item, state) in [(Ok(None), JobState::Completed), (of(0.0), JobState::Canceled)] {
        let ended = Mutex::new(vec![Ok(job(state))]);
        let aws = Scripted { job: ended, ..world(ABOVE, vec![item]) };
        assert_eq!(done(aws).await, (vec![], None));
    }
}

/// People are alerted to a stop by an attempt whose e-mail failed, with or without the item.
#[tokio::test]
async fn a_stop_on_evidence_that_nobody_was_alerted_to_is_announced_when_it_comes_again() {
    for (item, is_there) in [(of(2.3), true), (Ok(None), false)] {
        let silent = vec![unreachable("Publish"), unreachable("Publish")];
        let aws = Scripted { publish: Mutex::new(silent), ..world(ABOVE, vec![of(2.3)]) };
        let stopper = stopper(aws, StopMode::Cancel);
        assert_eq!(run(&stopper, event("sns/alarm")).await.0.len(), 1);
        *stopper.client.evidence.lock().unwrap() = vec![item];
        let (done, failed) = run(&stopper, event("sns/alarm")).await;
        assert_eq!((done.len(), done[0].as_str(), failed), (2, ALERTED[0], None));
        let mail = stopper.client.mails.lock().unwrap()[0].clone();
        assert_eq!(mail.contains(SENTENCE), is_there, "{mail}");
    }
}

#[tokio::test]
async fn a_job_of_an_unknown_age_is_as_unverified_as_ever() {
    let ageless = Job { created_at: None, ..job(JobState::Active) };
    let aws = Scripted { job: Mutex::new(vec![Ok(ageless)]), ..world(ABOVE, vec![of(9.0)]) };
    let (done, failed) = done(aws).await;
    assert_eq!((done, failed.as_deref()), (vec![], Some("Tripline.Unavailable")));
}

/// The cause is what has to be true, and not the composite alarm above it.
#[tokio::test]
async fn a_composite_alarm_whose_cause_is_on_evidence_is_as_true_as_the_item() {
    for (item, is_stopped) in [(of(2.3), true), (of(1.9), false), (Ok(None), false)] {
        let aws = with_composite(RULE, vec![on(ABOVE)]);
        let aws = Scripted { evidence: Mutex::new(vec![item]), ..aws };
        let stopper = stopper(aws, StopMode::Cancel);
        let (done, failed) = run(&stopper, event("sns/composite")).await;
        assert_eq!((stops(&done), refused(&done), failed), (is_stopped, !is_stopped, None));
        let mail = stopper.client.mails.lock().unwrap()[0].clone();
        assert_eq!(mail.contains(SENTENCE), is_stopped, "{mail}");
    }
}

/// A forged minute is over before the message comes, and the message names no cause: then one of the
/// alarms under the composite one has to be possible.
#[tokio::test]
async fn a_composite_alarm_without_a_cause_needs_one_that_can_have_been() {
    let silent = with("sns/composite", "/TriggeringChildren", json!([]));
    let forged = || KnownAlarm { state: AlarmState::Ok, ..on(ABOVE) };
    let other = || alarm("tripline-fw-2-1-failing", AlarmState::Ok, watching("fw-2-1"));
    let rate = |limit| {
        let failure_rate = FailureRateRule::read("IF(n >= 10, 100 * u / n)", "n", "u", limit);
        KnownAlarm { failure_rate, ..other() }
    };
    for (children, is_stopped) in [
        (vec![forged()], false),
        (vec![forged(), other()], true),
        // Three of two hundred failed.
        (vec![forged(), rate(50.0)], false),
        (vec![forged(), rate(20.0)], true),
    ] {
        let aws = with_composite(RULE, children);
        let aws = Scripted { evidence: Mutex::new(vec![of(0.1)]), ..aws };
        let (done, _) = run(&stopper(aws, StopMode::Cancel), silent.clone()).await;
        assert_eq!((stops(&done), refused(&done)), (is_stopped, !is_stopped), "{done:?}");
    }
}
