//! Evidence from recordings that say when devices began, and from those that do not.

use std::fs;

use serde_json::{Value, json};

use super::{folder, run, shown};
use crate::calibrate::{healthy, recording};
use crate::command;

/// At most a third may be unfinished after 22 minutes.
pub const DECLARED: &str = "[DEFAULT]
jobId = fw-3

[EVIDENCE_CONFIG]
useEvidence = True
unfinishedLimits = 22:33, 40:3
snsTopics = @email, @force-stop
";

/// Every device takes half as long again.
fn slow(number: u32) -> i64 {
    healthy(number) * 3 / 2 + 300
}

#[test]
fn a_recording_with_beginnings_is_judged_by_the_config_s_limits() {
    let folder = folder();
    fs::write(folder.path().join("dev.ini"), DECLARED).unwrap();
    let slow = recording("fw-3", 1_200, slow);
    insta::assert_snapshot!("evidence", shown(&run(folder.path(), "-", slow.as_bytes())));
    let healthy = recording("fw-3", 1_200, healthy);
    let ran = run(folder.path(), "-", healthy.as_bytes());
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran}");
    assert!(ran.stdout.contains("\nAt its highest: evidence 0"), "{ran}");
    let ran = run(folder.path(), "- --output json --report page.html", slow.as_bytes());
    let answer: Value = serde_json::from_str(&ran.stdout).unwrap();
    let evidence = &answer["evidence"];
    assert_eq!((ran.code, &answer["stop"]["guard"]), (5, &json!("evidence")));
    assert_eq!(evidence["begins"], json!({"recorded": 1_200, "reported": 0, "assumed": 0}));
    assert_eq!(
        (&evidence["threshold"], &evidence["fired"]["then"]),
        (&json!(2.0), &json!("cancel"))
    );
    assert_eq!(answer["recording"]["begun"], 1_200);
    assert_eq!(answer["stop"]["reason"], evidence["fired"]["reason"]);
    let page = fs::read_to_string(folder.path().join("page.html")).unwrap();
    assert!(page.contains("evidence at its highest"), "{page}");
    // Evidence that people only are alerted of.
    fs::write(folder.path().join("dev.ini"), DECLARED.replace(", @force-stop", "")).unwrap();
    let ran = run(folder.path(), "-", slow.as_bytes());
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.stdout.contains("`evidence` would have fired at "), "{ran}");
}

#[test]
fn beginnings_that_are_not_recorded_are_approximated_and_said() {
    let folder = folder();
    fs::write(folder.path().join("dev.ini"), DECLARED).unwrap();
    let ran = run(folder.path(), "slow.ndjson.gz", b"");
    assert!(ran.stderr.starts_with("note: slow.ndjson.gz: evidence is approximate: "), "{ran}");
    assert!(ran.stdout.contains("\nevidence  "), "{ran}");
    let ends = recording("fw-3", 40, healthy);
    let ends: String = ends
        .lines()
        .filter(|line| !line.contains("in_progress"))
        .map(|line| format!("{line}\n"))
        .collect();
    let ran = run(folder.path(), "-", ends.as_bytes());
    assert_eq!(ran.code, 2, "{ran}");
    assert!(ran.stderr.contains("note: stdin: evidence is not replayed: "), "{ran}");
}

#[test]
fn the_baseline_is_read_beside_the_config() {
    let folder = folder();
    let release = folder.path().join("release");
    fs::create_dir(&release).unwrap();
    for job in ["fw-1", "fw-2"] {
        fs::write(folder.path().join(job), recording(job, 1_200, healthy)).unwrap();
    }
    let out = "--recording fw-1 --recording fw-2 --out release/fw.json --name tracker";
    let ran = crate::runner::run(command(folder.path()).arg("calibrate").args(out.split(' ')));
    assert_eq!(ran.code, 0, "{ran}");
    let config = DECLARED.replace("unfinishedLimits = 22:33, 40:3", "baseline = fw.json");
    fs::write(release.join("dev.ini"), &config).unwrap();
    let slow = recording("fw-3", 1_200, slow);
    let ran = run(folder.path(), "- --config release/dev.ini", slow.as_bytes());
    assert_eq!(ran.code, 5, "{ran}");
    assert!(ran.stdout.contains("(baseline tracker of 2 rollouts, 20 % slack)"), "{ran}");
    let healthy = recording("fw-3", 1_200, healthy);
    assert_eq!(run(folder.path(), "- --config release/dev.ini", healthy.as_bytes()).code, 0);
    // Beside the folder in which the command runs it is not looked for.
    fs::rename(release.join("fw.json"), folder.path().join("fw.json")).unwrap();
    let ran = run(folder.path(), "- --config release/dev.ini", healthy.as_bytes());
    assert_eq!(ran.code, 2);
    let expected = "error: release/dev.ini:6: `[EVIDENCE_CONFIG]`: baseline: release/fw.json: cannot be read: ";
    assert!(ran.stderr.starts_with(expected), "{ran}");
}

#[test]
fn a_topic_of_evidence_stops_only_if_it_leads_to_the_stopper() {
    let folder = folder();
    let recording = recording("fw-3", 1_200, slow);
    let replay = |topic: &str, more: &str| {
        let arn = format!("arn:aws:sns:us-east-1:111122223333:{topic}");
        let config = DECLARED.replace("@email, @force-stop", &arn);
        fs::write(folder.path().join("dev.ini"), config).unwrap();
        let ran = run(folder.path(), &format!("-{more}"), recording.as_bytes());
        (ran.code, ran.stderr)
    };
    let (code, said) = replay("ota-force-stop", "");
    assert!(code == 5 && said.contains("is taken to stop the rollout"), "{code}: {said}");
    let (code, said) = replay("on-call", "");
    assert!(code == 0 && said.contains("is taken not to stop the rollout"), "{code}: {said}");
    let named = " --stop-topic arn:aws:sns:us-east-1:111122223333:on-call";
    assert_eq!(replay("on-call", named), (5, String::new()));
}

#[test]
fn a_baseline_of_the_past_rollouts_among_the_examples_stops_the_slower_one() {
    let folder = folder();
    let arguments =
        "calibrate --recording past-1.ndjson.gz --recording past-2.ndjson.gz --name tracker";
    let ran = crate::runner::run(command(folder.path()).args(arguments.split(' ')));
    assert_eq!(ran.code, 0, "{ran}");
    let baseline = "baseline = tracker.baseline.json";
    let config = DECLARED.replace("unfinishedLimits = 22:33, 40:3", baseline);
    fs::write(folder.path().join("dev.ini"), config).unwrap();
    for (recording, code) in
        [("past-1.ndjson.gz", 0), ("past-2.ndjson.gz", 0), ("slower.ndjson.gz", 5)]
    {
        let ran = run(folder.path(), recording, b"");
        assert_eq!(ran.code, code, "{recording}: {ran}");
    }
}
