use proptest::prelude::*;

use super::*;
use crate::job::EndedCounts;

fn alarm(name: &str) -> Alarm {
    let reason = "Threshold Crossed: 1 datapoint [4000.0 (01/09/26 10:00:00)] was greater than the threshold (3600.0).";
    Alarm {
        name: name.to_owned(),
        rule: Some("p99 of downloadTime > 3600".to_owned()),
        firing: Some(Firing { reason: reason.to_owned(), at: Some(1_788_256_869) }),
        evidence: None,
    }
}

/// As it is known from a message alone.
fn claimed(name: &str) -> Alarm {
    let evidence = Some("call us too".to_owned());
    Alarm { rule: Some("call us".to_owned()), evidence, ..Alarm::named(name) }
}

const COUNTS: ExecutionCounts = ExecutionCounts {
    queued: 181,
    in_progress: 4,
    ended: EndedCounts { succeeded: 12, failed: 3, rejected: 0, timed_out: 0 },
    canceled: 0,
    removed: 0,
};

fn announcement(done: Done, certainty: &Certainty) -> Announcement {
    let job = JobId::new("fw-1").unwrap();
    let fallback = JobId::new("fw-0").unwrap();
    let alarm = alarm("tripline-fw-1-slow");
    Announcement::stop(&job, &alarm, done, certainty, Ok(COUNTS), Some(&fallback))
}

#[test]
fn a_stop_says_what_why_how_many_and_what_next() {
    let announcement = announcement(Done::Canceled, &Certainty::Verified);
    assert_eq!(announcement.subject, "Tripline stopped rollout fw-1");
    assert_eq!(announcement.body, "\
Tripline stopped rollout fw-1.

alarm    tripline-fw-1-slow
limit    p99 of downloadTime > 3600
reason   Threshold Crossed: 1 datapoint [4000.0 (01/09/26 10:00:00)] was greater than the threshold (3600.0).
fired    2026-09-01T10:01:09Z
done     AWS IoT canceled the job: devices in progress go on, no other device receives it
devices  12 succeeded, 3 failed, 4 in progress
         181 queued devices, and those not yet notified, will not receive it

To resume once you have found the cause: tripline resume --job-id fw-1
This creates a new job with the same document for the devices that do not have the firmware.
Nobody can restart a canceled job.

12 devices have the firmware. To revert them: tripline revert --job-id fw-1 --to fw-0
Tripline reverts no device by itself.
");
    assert_eq!(
        announcement.sms,
        "Tripline stopped fw-1: slow. 12 ok, 3 failed, 4 running, the rest spared. Go on: tripline resume. Back: tripline revert"
    );
}

#[test]
fn a_message_says_where_the_job_is_and_links_to_it() {
    let arn = "arn:aws:iot:eu-west-1:111122223333:job/fw-1";
    let plain = announcement(Done::Canceled, &Certainty::Verified);
    let placed = plain.clone().with_place(arn);
    assert_eq!(
        placed.body.strip_prefix(&plain.body).unwrap(),
        "\nThe job is in account 111122223333, Region eu-west-1:\nhttps://console.aws.amazon.com/iot/home?region=eu-west-1#/job/fw-1\n"
    );
    assert_eq!((&placed.sms, &placed.subject), (&plain.sms, &plain.subject));
    assert_eq!(plain.clone().with_place("no ARN"), plain);
}

#[test]
fn where_no_device_is_queued_only_those_not_yet_notified_are_spared() {
    let job = JobId::new("fw-1").unwrap();
    let counts = ExecutionCounts { queued: 0, ..COUNTS };
    let alarm = alarm("tripline-fw-1-slow");
    let stop =
        Announcement::stop(&job, &alarm, Done::Canceled, &Certainty::Verified, Ok(counts), None);
    assert!(
        stop.body.contains("\n         those not yet notified will not receive it\n"),
        "{}",
        stop.body
    );
}

#[test]
fn the_way_back_is_named_where_devices_have_the_firmware() {
    let job = JobId::new("fw-1").unwrap();
    let announcement = |done, counts, fallback| {
        let alarm = alarm("tripline-fw-1-slow");
        Announcement::stop(&job, &alarm, done, &Certainty::Verified, counts, fallback)
    };
    let with = |succeeded| {
        let ended = EndedCounts { succeeded, ..COUNTS.ended };
        Ok(ExecutionCounts { ended, ..COUNTS })
    };
    for (counts, said) in [
        (
            with(1),
            "\n\n1 device has the firmware. To revert them: tripline revert --job-id fw-1 --to RELEASE (RELEASE: an earlier job that succeeded)\n",
        ),
        (
            Err("throttled"),
            "\n\nTripline does not know how many devices have the firmware. To revert them: ",
        ),
    ] {
        let announcement = announcement(Done::Aborted, counts, None);
        assert!(announcement.body.contains(said), "{}", announcement.body);
    }
    let fallback = JobId::new("fw-0").unwrap();
    for (done, counts) in
        [(Done::Canceled, with(0)), (Done::Observed, with(12)), (Done::Taken, Err("throttled"))]
    {
        let announcement = announcement(done, counts, Some(&fallback));
        assert!(
            !announcement.body.contains("revert") && !announcement.sms.contains("revert"),
            "{announcement:?}"
        );
    }
}

const EVIDENCE: &str = "After 22 minutes, 372 of 900 devices (41 %) were unfinished; at most 33 % may be (baseline fw-2-0 of 3 rollouts, 20 % slack). At most 1 in 100 healthy rollouts ever looks like this.";

fn on_evidence(words: &str) -> Alarm {
    Alarm { evidence: Some(words.to_owned()), ..alarm("tripline-fw-1-evidence") }
}

#[test]
fn a_stop_on_evidence_says_what_was_seen_and_what_the_bound_means() {
    let job = JobId::new("fw-1").unwrap();
    let announcement = |words| {
        let alarm = on_evidence(words);
        Announcement::stop(&job, &alarm, Done::Canceled, &Certainty::Verified, Ok(COUNTS), None)
    };
    let whole = announcement(EVIDENCE);
    let line = format!("alarm    tripline-fw-1-evidence\nevidence {EVIDENCE}\nlimit    ");
    assert!(whole.body.contains(&line), "{}", whole.body);
    // Where the limit comes from does not fit an SMS.
    let seen = "After 22 minutes, 372 of 900 devices (41 %) were unfinished; at most 33 % may be";
    assert_eq!(whole.sms, format!("Tripline stopped fw-1: {seen}. Go on: tripline resume"));
    let short = announcement(
        "9 of 50 devices (18 %) failed; at most 3 % may (declared). At most 1 in 100.",
    );
    let seen = "9 of 50 devices (18 %) failed; at most 3 % may (declared)";
    let next = "Go on: tripline resume. Back: tripline revert";
    assert_eq!(short.sms, format!("Tripline stopped fw-1: {seen}. {next}"));
}

#[test]
fn a_comment_quotes_the_evidence_before_cloudwatch_s_reason() {
    let comment = on_evidence(EVIDENCE).comment("0e-1");
    let begins = format!(
        "Tripline: alarm tripline-fw-1-evidence fired at 2026-09-01T10:01:09Z: {EVIDENCE} Threshold Crossed: "
    );
    assert!(comment.starts_with(&begins), "{comment}");
    assert!(comment.ends_with(" (message 0e-1)"), "{comment}");
    let long = on_evidence(&"\u{1f600}\n".repeat(2_000)).comment("0e-1");
    assert!(long.chars().count() <= crate::stop::MAX_COMMENT && !long.contains('\n'), "{long}");
    assert!(long.contains(" Threshold Crossed: "), "{long}");
    let unverified = claimed("tripline-fw-1-evidence").comment("0e-1");
    assert!(!unverified.contains("call us"), "{unverified}");
}

#[test]
fn observing_and_not_knowing_are_said() {
    let observed = announcement(Done::Observed, &Certainty::Verified);
    assert!(observed.body.starts_with("Tripline would have stopped rollout fw-1.\n"));
    assert!(observed.body.contains("nothing: StopMode is `observe`"));
    assert!(
        observed.body.contains("181 queued devices, and those not yet notified, will receive it")
    );
    let unverified =
        announcement(Done::Canceled, &Certainty::Unverified("no answer in time".to_owned()));
    assert!(
        unverified
            .body
            .contains("unverified: AWS did not answer whether the alarm fired (no answer in time)")
    );
    assert!(unverified.sms.contains("(unverified)"));
    let job = JobId::new("fw-1").unwrap();
    let countless = Announcement::stop(
        &job,
        &alarm("x"),
        Done::Aborted,
        &Certainty::Verified,
        Err("throttled"),
        None,
    );
    assert!(countless.body.contains("devices  not known (throttled)"));
}

#[test]
fn without_cloudwatch_s_word_nothing_is_quoted_but_a_bare_name() {
    let job = JobId::new("fw-1").unwrap();
    let unverified = Certainty::Unverified("ThrottlingException".to_owned());
    let of = claimed("tripline-fw-1-slow. Call +1 900, or https://a.example");
    let announcement = Announcement::stop(&job, &of, Done::Canceled, &unverified, Ok(COUNTS), None);
    let failed = Announcement::not_stopped(&job, &of, "ThrottlingException");
    for text in [&announcement.body, &announcement.sms, &failed.body, &failed.sms] {
        assert!(
            !text.contains("call us") && !text.contains("https:/") && !text.contains("+1"),
            "{text}"
        );
    }
    assert!(
        announcement
            .body
            .contains("alarm    tripline-fw-1-slow__Call__1_900__or_https:__a_example\n")
    );
}

#[test]
fn a_rollout_that_goes_on_is_named_with_the_command_that_stops_it() {
    let job = JobId::new("fw-1").unwrap();
    let announcement =
        Announcement::not_stopped(&job, &alarm("tripline-fw-1-slow"), "CancelJob: denied");
    assert_eq!(announcement.subject, "Tripline could NOT stop rollout fw-1");
    assert!(
        announcement.body.contains("Stop it now: tripline stop --job-id fw-1\n"),
        "{}",
        announcement.body
    );
    assert!(announcement.body.contains("why      CancelJob: denied\n"), "{}", announcement.body);
    assert_eq!(
        announcement.sms,
        "Tripline could NOT stop fw-1, trying again. Stop it now: tripline stop"
    );
}

proptest! {
    #[test]
    fn every_message_fits(job in "[a-zA-Z0-9_-]{1,64}", name in ".{1,255}", n: u32, unverified: bool) {
        let job = JobId::new(&job).unwrap();
        let certainty = if unverified { Certainty::Unverified(name.clone()) } else { Certainty::Verified };
        let ended = EndedCounts { succeeded: n, failed: n, rejected: n, timed_out: n };
        let counts = ExecutionCounts { queued: n, in_progress: n, ended, canceled: n, removed: n };
        for done in [Done::Canceled, Done::Aborted, Done::Observed] {
            let announcement = Announcement::stop(&job, &if unverified { claimed(&name) } else { alarm(&name) }, done, &certainty, Ok(counts), Some(&job));
            prop_assert!(announcement.sms.is_ascii() && announcement.sms.len() <= MAX_SMS, "{}", announcement.sms);
            let (last, next) = match done {
                Done::Observed => ("running", ". Stop it: tripline stop"),
                _ => ("spared", ". Go on: tripline resume"),
            };
            let back = ". Back: tripline revert";
            let sms = announcement.sms.strip_suffix(back).unwrap_or(&announcement.sms);
            let is_due = n > 0 && sms.ends_with("resume") && sms.len() + back.len() <= MAX_SMS;
            prop_assert_eq!(sms != announcement.sms, is_due, "{}", announcement.sms);
            let said = sms.strip_suffix(next);
            prop_assert_eq!(said.is_some(), said.unwrap_or(sms).len() + next.len() <= MAX_SMS);
            prop_assert!(said.unwrap_or(sms).ends_with(last), "{}", announcement.sms);
            prop_assert!(announcement.subject.is_ascii() && announcement.subject.len() <= MAX_SUBJECT);
            prop_assert!(announcement.body.len() < 8_000);
        }
        let of = Alarm { evidence: Some(name.repeat(9)), ..alarm(&name) };
        let announcement = Announcement::stop(&job, &of, Done::Canceled, &Certainty::Verified, Ok(counts), Some(&job));
        prop_assert!(announcement.sms.is_ascii() && announcement.sms.len() <= MAX_SMS, "{}", announcement.sms);
        prop_assert!(announcement.body.len() < 8_000);
        let failed = Announcement::not_stopped(&job, &alarm(&name), &name);
        prop_assert!(failed.sms.is_ascii() && failed.sms.len() <= MAX_SMS);
        prop_assert!(failed.subject.len() <= MAX_SUBJECT && failed.body.len() < 8_000);
    }
}
