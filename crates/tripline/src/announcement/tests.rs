use proptest::prelude::*;

use super::*;
use crate::job::EndedCounts;
use crate::notification::{AlarmState, Subject, Watched};

fn notification(alarm: &str) -> AlarmNotification {
    AlarmNotification {
        alarm: alarm.to_owned(),
        state: AlarmState::Alarm,
        reason: "Threshold Crossed: 1 datapoint [4000.0 (01/09/26 10:00:00)] was greater than the threshold (3600.0).".to_owned(),
        changed_at: String::new(),
        subject: Subject::Metrics(Watched::default()),
        rule: None,
    }
}

const COUNTS: ExecutionCounts = ExecutionCounts {
    queued: 181,
    in_progress: 4,
    ended: EndedCounts { succeeded: 12, failed: 3, rejected: 0, timed_out: 0 },
    canceled: 0,
    removed: 0,
};

fn told(done: Done, certainty: &Certainty) -> Announcement {
    let job = JobId::new("fw-1").unwrap();
    Announcement::stop(
        &job,
        &notification("tripline-fw-1-slow"),
        Some("p99 of downloadTime > 3600"),
        done,
        certainty,
        Ok(COUNTS),
    )
}

#[test]
fn a_stop_says_what_why_how_many_and_what_next() {
    let told = told(Done::Cancelled, &Certainty::Verified);
    assert_eq!(told.subject, "Tripline stopped rollout fw-1");
    assert_eq!(told.body, "\
Tripline stopped rollout fw-1.

alarm    tripline-fw-1-slow
limit    p99 of downloadTime > 3600
reason   Threshold Crossed: 1 datapoint [4000.0 (01/09/26 10:00:00)] was greater than the threshold (3600.0).
done     the job is cancelled: devices in progress go on, no other device receives it
devices  12 succeeded, 3 failed, 4 in progress
         181 were waiting; they and those that the rollout had not come to will not receive it

To resume, when the cause is found: tripline resume --job-id fw-1
That makes a new job with the same document, for the devices that have not got it; a cancelled
job itself cannot be continued.
");
    assert_eq!(
        told.sms,
        "Tripline stopped fw-1: slow. 12 ok, 3 failed, 4 running, the rest spared. Go on: tripline resume"
    );
}

#[test]
fn observing_and_not_knowing_are_said() {
    let observed = told(Done::Observed, &Certainty::Verified);
    assert!(observed.body.starts_with("Tripline would have stopped rollout fw-1.\n"));
    assert!(observed.body.contains("nothing: StopMode is `observe`"));
    assert!(observed.body.contains("had not come to will receive it"));
    let unverified = told(Done::Cancelled, &Certainty::Unverified("no answer in time".to_owned()));
    assert!(
        unverified.body.contains("unverified: CloudWatch could not be asked (no answer in time)")
    );
    assert!(unverified.sms.contains("(unverified)"));
    let job = JobId::new("fw-1").unwrap();
    let countless = Announcement::stop(
        &job,
        &notification("x"),
        None,
        Done::Aborted,
        &Certainty::Verified,
        Err("throttled"),
    );
    assert!(countless.body.contains("devices  not known (throttled)"));
}

proptest! {
    #[test]
    fn every_message_fits(job in "[a-zA-Z0-9_-]{1,64}", alarm in ".{1,255}", n: u32, unverified: bool) {
        let job = JobId::new(&job).unwrap();
        let certainty = if unverified { Certainty::Unverified(alarm.clone()) } else { Certainty::Verified };
        let ended = EndedCounts { succeeded: n, failed: n, rejected: n, timed_out: n };
        let counts = ExecutionCounts { queued: n, in_progress: n, ended, canceled: n, removed: n };
        for done in [Done::Cancelled, Done::Aborted, Done::Observed] {
            let told = Announcement::stop(&job, &notification(&alarm), None, done, &certainty, Ok(counts));
            prop_assert!(told.sms.is_ascii() && told.sms.len() <= MAX_SMS, "{}", told.sms);
            let (last, next) = match done {
                Done::Observed => ("running", ". Stop it: tripline stop"),
                _ => ("spared", ". Go on: tripline resume"),
            };
            let said = told.sms.strip_suffix(next);
            prop_assert_eq!(said.is_some(), said.unwrap_or(&told.sms).len() + next.len() <= MAX_SMS);
            prop_assert!(said.unwrap_or(&told.sms).ends_with(last), "{}", told.sms);
            prop_assert!(told.subject.is_ascii() && told.subject.len() <= MAX_SUBJECT);
            prop_assert!(told.body.len() < 8_000);
        }
        let refused = Announcement::refusal(&Refusal::UnknownAlarm(excerpt(&alarm)));
        prop_assert!(refused.sms.is_ascii() && refused.sms.len() <= MAX_SMS);
    }
}
