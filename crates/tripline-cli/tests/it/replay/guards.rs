//! Guards that come too late, and the abort criteria of the job.

use std::fs;

use serde_json::Value;

use super::{config, event, folder, json_of, run, shown};

/// The config with a criterion: a fifth of so many has failed.
pub fn with_abort(least: u32) -> String {
    config().replace("[DEFAULT]\n", "[DEFAULT]\nuseAbortConfig = True\n")
        + &format!(
            "\n[ABORT_CONFIG]\nuseFailedSubsection = True\n\n[ABORT_CONFIG_TYPE_FAILED]\nfailureType = FAILED\n\
             thresholdPercentage = 20\nminNumberOfExecutedThings = {least}\n"
        )
}

/// Thirty failures in a minute, and nothing after them.
pub fn late() -> String {
    (0..30).map(|n| event(n, 1_790_000_040 + i64::from(n), "failed", n, "10")).collect()
}

#[test]
fn an_alarm_that_fires_after_the_last_ending_is_too_late() {
    let folder = folder();
    insta::assert_snapshot!("too_late", shown(&run(folder.path(), "-", late().as_bytes())));
    let (code, answer) = json_of(&late(), "");
    assert_eq!((code, &answer["stopped"], &answer["stop"]), (1, &Value::from(false), &Value::Null));
    assert_eq!(answer["tooLate"]["alarm"], "tripline-fw-Failures");
    assert_eq!(answer["alarms"][1]["fired"]["then"], "alreadyEnded");
    // Someone is still at work: the same alarm stops.
    let (code, answer) = json_of(&(late() + &event(30, 1_790_009_000, "succeeded", 30, "10")), "");
    assert_eq!((code, &answer["tooLate"]), (5, &Value::Null));
    // So it does where the rollout was stopped while it was recorded, and would have gone on.
    let (code, _) = json_of(&(late() + &event(30, 1_790_000_070, "canceled", 30, "10")), "");
    assert_eq!(code, 5);
    // And where devices were still to come, which only the operator knows.
    let ran = run(folder.path(), "- --devices 31", late().as_bytes());
    assert_eq!(ran.code, 5);
    assert!(ran.stdout.contains("1 device had not ended with the last event."), "{}", ran.stdout);
    assert_eq!(json_of(&late(), "--devices 30").0, 1);
    let ran = run(folder.path(), "- --devices 29", late().as_bytes());
    assert_eq!(ran.code, 2);
    assert_eq!(
        ran.stderr,
        "error: stdin: --devices 29: 30 devices ended (expected at least as many)\n"
    );
    // Who only observes stops nothing, early or late.
    assert_eq!(json_of(&late(), "--mode observe").0, 0);
}

#[test]
fn abort_criteria_are_replayed() {
    let folder = folder();
    fs::write(folder.path().join("dev.ini"), with_abort(50)).unwrap();
    insta::assert_snapshot!("by_abort", shown(&run(folder.path(), "failing.ndjson", b"")));
    insta::assert_snapshot!("no_abort", shown(&run(folder.path(), "healthy.ndjson", b"")));
    // Of an alarm that would only have fired after the stop nothing is said beside the table.
    let alerting = with_abort(50).replace("@email, @force-stop", "@email");
    fs::write(folder.path().join("dev.ini"), alerting).unwrap();
    let ran = run(folder.path(), "failing.ndjson", b"");
    assert!(ran.stdout.contains("2026-09-21 13:40:30 UTC  alert\n"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("`Failures` would have fired"), "{}", ran.stdout);
    fs::write(folder.path().join("dev.ini"), with_abort(50)).unwrap();
    // They are AWS IoT's, whatever the stopper does.
    let ran = run(folder.path(), "failing.ndjson --mode observe --output json", b"");
    let answer: Value = serde_json::from_str(&ran.stdout).unwrap();
    let stop = &answer["stop"];
    assert_eq!((ran.code, &stop["guard"]), (5, &Value::from("abortConfig")));
    for field in ["alarm", "reasonCode", "comment"] {
        assert_eq!(stop[field], Value::Null, "{field}");
    }
    assert_eq!(answer["abort"]["fired"]["then"], "cancel");
    // A config without any alarm is replayed too.
    let alone = with_abort(50).replace("SlowDownloads, Failures, Rejections", "");
    fs::write(folder.path().join("dev.ini"), alone).unwrap();
    assert_eq!(run(folder.path(), "failing.ndjson", b"").code, 5);
}

#[test]
fn a_picture_says_what_it_shows() {
    let folder = folder();
    fs::write(folder.path().join("dev.ini"), with_abort(50)).unwrap();
    let ran = run(folder.path(), "failing.ndjson --chart always --report page.html", b"");
    assert_eq!(ran.code, 5);
    let page = fs::read_to_string(folder.path().join("page.html")).unwrap();
    for part in [">ended 400<", "<th scope=\"col\">ended</th>", "ended later (", "abortConfig: "] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains(">notified") && !page.contains(" spared ("), "{page}");
    let chart = ran.stdout;
    assert!(chart.contains("\nended  ") && !chart.contains("\nnotified"), "{chart}");
}

/// An alarm on the failure rate goes by devices that had begun, and not by what had ended.
#[test]
fn a_failure_rate_is_replayed_where_it_is_known_when_devices_began() {
    let folder = folder();
    let config = include_str!("../fixtures/unsuccessful-rate.ini");
    fs::write(folder.path().join("dev.ini"), config).unwrap();
    for (recording, code) in [("failing.ndjson", 5), ("healthy.ndjson", 0), ("slow.ndjson.gz", 0)] {
        let ran = run(folder.path(), recording, b"");
        assert_eq!(ran.code, code, "{ran}");
        assert!(ran.stderr.contains("counts a device as notified when it began"), "{ran}");
    }
    // Nothing but failures without a time.
    let without = late().replace("downloadTime", "step");
    let ran = run(folder.path(), "-", without.as_bytes());
    assert!(ran.stderr.contains("nothing in it says when any device began"), "{ran}");
    assert_eq!(ran.code, 2, "{ran}");
}
