//! `tripline calibrate` from recordings, as people and scripts see it.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::command;
use crate::runner::{Ran, run};

const START: i64 = 1_790_000_040;

/// A recording of a rollout, as `tripline watch --record` makes it: so many devices begin, 20 a minute,
/// and each ends after so many seconds, one in fifty with a failure.
pub fn recording(job: &str, devices: u32, seconds: impl Fn(u32) -> i64) -> String {
    let mut lines = Vec::new();
    for number in 0..devices {
        let line = |operation: &str, at: i64| {
            let thing = format!("arn:aws:iot:eu-west-1:111122223333:thing/t-{number}");
            json!({
                "eventType": "JOB_EXECUTION", "jobId": job, "operation": operation,
                "thingArn": thing, "timestamp": at,
            })
        };
        let began = START + i64::from(number) * 3;
        let operation = if number.is_multiple_of(50) { "failed" } else { "succeeded" };
        lines.push(line("in_progress", began));
        lines.push(line(operation, began + seconds(number)));
    }
    lines.into_iter().map(|line| format!("{line}\n")).collect()
}

/// Devices that take up to half an hour, in no order.
pub fn healthy(number: u32) -> i64 {
    i64::from(number * 7_919 % 1_800) + 1
}

fn calibrate(folder: &Path, arguments: &str) -> Ran {
    run(command(folder).arg("calibrate").args(arguments.split_whitespace()))
}

/// A folder with recordings of two healthy rollouts.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for job in ["fw-1", "fw-2"] {
        let text = recording(job, 1_200, healthy);
        fs::write(folder.path().join(format!("{job}.ndjson")), text).unwrap();
    }
    folder
}

const BOTH: &str = "--recording fw-1.ndjson --recording fw-2.ndjson";

#[test]
fn a_baseline_is_made_of_recordings() {
    let folder = folder();
    let ran = calibrate(folder.path(), &format!("{BOTH} --name tracker --report page.html"));
    insta::assert_snapshot!("recordings", ran.to_string());
    let text = fs::read_to_string(folder.path().join("tracker.baseline.json")).unwrap();
    let file: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&file["rollouts"], &file["pooled"]["devices"]), (&json!(2), &json!(2_400)));
    let page = fs::read_to_string(folder.path().join("page.html")).unwrap();
    assert!(page.contains("<title>tracker</title>") && page.contains("<svg"), "{page}");
    // It is not overwritten unless that is asked for.
    let again = calibrate(folder.path(), &format!("{BOTH} --name tracker"));
    assert_eq!((again.code, again.stdout.as_str()), (2, ""));
    let expected =
        "error: tracker.baseline.json: already exists\n  hint: `--force` overwrites it\n";
    assert_eq!(again.stderr, expected);
    assert_eq!(calibrate(folder.path(), &format!("{BOTH} --name tracker --force")).code, 0);
}

#[test]
fn one_rollout_is_not_enough_and_says_so() {
    let folder = folder();
    let ran = calibrate(folder.path(), "--recording fw-1.ndjson --out one.json --output json");
    assert_eq!(ran.code, 0, "{ran}");
    assert!(
        ran.stderr.contains("note: one rollout does not show how much rollouts differ"),
        "{ran}"
    );
    let said: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((&said["name"], &said["slowerBy"]), (&json!("fw-1"), &json!(50)));
    let little = calibrate(folder.path(), "--recording fw-1.ndjson --slower-by 20");
    assert_eq!(little.code, 2);
    assert!(little.stderr.contains("--slower-by 20: too little"), "{little}");
    assert!(!folder.path().join("fw-1.baseline.json").exists());
}

#[test]
fn what_is_no_rollout_to_calibrate_from_is_said() {
    let folder = folder();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let whole = recording("fw-3", 40, healthy);
    let ends: String = whole
        .lines()
        .filter(|line| !line.contains("in_progress"))
        .map(|line| format!("{line}\n"))
        .collect();
    write("ends.ndjson", &ends);
    write("stopped.ndjson", &whole.replacen("succeeded", "canceled", 1));
    write(
        "silent.ndjson",
        &whole.lines().take(79).map(|line| format!("{line}\n")).collect::<String>(),
    );
    write("same.ndjson", &recording("fw-1", 9, healthy));
    let mixed = whole.clone() + &recording("fw-4", 40, healthy);
    write("mixed.ndjson", &mixed);
    for (arguments, expected) in [
        ("--recording ends.ndjson", "ends.ndjson: says of no execution when it began (expected"),
        ("--recording stopped.ndjson", "no rollout ran to its end"),
        ("--recording silent.ndjson", "no rollout ran to its end"),
        (
            "--recording fw-1.ndjson --recording same.ndjson",
            "same.ndjson: of job `fw-1`, as fw-1.ndjson is (expected each rollout once)",
        ),
        ("--recording mixed.ndjson", "mixed.ndjson: events of 2 jobs (expected one)"),
        ("--recording no.ndjson", "no.ndjson: cannot be read: "),
        ("--recording fw-1.ndjson --silent 51", "expected percent, 0 to 50"),
        ("--recording fw-1.ndjson --slower-by 501", "expected percent, 0 to 500"),
        ("--recording fw-1.ndjson --name a/b", "is no file name"),
        ("fw-1 fw-2 --recording fw-1.ndjson", "2 jobs with --recording (expected at most one"),
        ("", "required arguments were not provided"),
    ] {
        let ran = calibrate(folder.path(), arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{arguments}: {ran}");
        assert!(ran.stderr.contains(expected), "{arguments}: {ran}");
    }
    for one in ["--recording mixed.ndjson --job-id fw-4", "fw-4 --recording mixed.ndjson --force"] {
        let one = calibrate(folder.path(), one);
        assert_eq!(one.code, 0, "{one}");
    }
    // One that was stopped is left out beside others.
    let beside = calibrate(folder.path(), &format!("{BOTH} --recording stopped.ndjson"));
    assert!(beside.stdout.contains("  fw-3: left out: it was stopped"), "{beside}");
}

/// What `docs/reference/evidence.md` says of the answer is so, for each field.
#[test]
fn every_field_for_programs_is_documented() {
    let folder = folder();
    let ran = calibrate(folder.path(), &format!("{BOTH} --output json"));
    let said: Value = serde_json::from_str(&ran.stdout).unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/evidence.md");
    let document = fs::read_to_string(path).unwrap();
    let mut fields: Vec<String> = said.as_object().unwrap().keys().cloned().collect();
    let inner = |name: &str, value: &Value| -> Vec<String> {
        let keys = value.as_object().unwrap().keys();
        keys.map(|key| format!("{name}.{key}")).collect()
    };
    fields.extend(inner("limits[]", &said["limits"][0]));
    fields.extend(inner("read[]", &said["read"][0]));
    fields.extend(inner("failureMinutes", &said["failureMinutes"]));
    for field in &fields {
        assert!(document.contains(&format!("| `{field}` |")), "no row for `{field}`");
    }
    let (_, table) =
        document.split_once("| field of `tripline calibrate --output json` |").unwrap();
    let rows = table.lines().skip(2).take_while(|line| line.starts_with("| `"));
    for row in rows {
        let field = row.split('`').nth(1).unwrap();
        assert!(fields.iter().any(|known| known == field), "`{field}` is not there");
    }
}
