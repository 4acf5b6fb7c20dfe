//! `tripline replay` as people and scripts see it.

mod evidence;
mod faults;
mod guards;
mod recordings;
mod reported;

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::Value;
use tempfile::TempDir;

use crate::command;
use crate::runner::{Ran, run_with};

/// Two alarms that stop.
const GUARD: &str = include_str!("fixtures/guard.ini");

/// And one that alerts.
const REJECTIONS: &str = "
[ALARM_CONFIG_Rejections]
namespace = IoT:OTA:JobExecution
metricName = rejectedCount
stat = Sum
period = 300
threshold = 2
alarmType = upper
evaluationPeriods = 1
datapointsToAlarm = 1
snsTopics = @email
";

/// All three.
fn config() -> String {
    GUARD.replace("SlowDownloads, Failures", "SlowDownloads, Failures, Rejections") + REJECTIONS
}

fn recordings() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/recordings")
}

/// A folder with the recordings and a config.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("dev.ini"), config()).unwrap();
    for entry in fs::read_dir(recordings()).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    folder
}

/// Runs the command without anything of the environment's.
fn run(folder: &Path, arguments: &str, stdin: &[u8]) -> Ran {
    run_with(command(folder).arg("replay").args(arguments.split_whitespace()), stdin)
}

fn shown(ran: &Ran) -> String {
    ran.to_string()
}

fn replay(arguments: &str) -> String {
    shown(&run(folder().path(), arguments, b""))
}

/// The answer in JSON to a recording on stdin.
fn json_of(recording: &str, options: &str) -> (i32, Value) {
    let ran = run(folder().path(), &format!("- --output json {options}"), recording.as_bytes());
    (
        ran.code,
        serde_json::from_str(&ran.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", shown(&ran))),
    )
}

fn event(id: u32, at: i64, operation: &str, thing: u32, seconds: &str) -> String {
    format!(
        r#"{{"eventType":"JOB_EXECUTION","eventId":"{id:08x}-0000-4000-8000-000000000000","timestamp":{at},"operation":"{operation}","jobId":"fw","thingArn":"arn:aws:iot:eu-west-1:111122223333:thing/t-{thing}","statusDetails":{{"downloadTime":"{seconds}"}}}}"#
    ) + "\n"
}

/// A topic that a config names by its ARN stops only if its name or an option says so.
#[test]
fn which_topic_stops_is_said_or_taken_by_its_name() {
    let folder = folder();
    let config = |topic: &str| {
        let arn = format!("arn:aws:sns:us-east-1:111122223333:{topic}");
        fs::write(folder.path().join("arn.ini"), GUARD.replace("@force-stop", &arn)).unwrap();
        arn
    };
    let replay =
        |more: &str| run(folder.path(), &format!("slow.ndjson.gz --config arn.ini {more}"), b"");
    let stopper = config("ota-force-stopper");
    let by_name = replay("");
    assert_eq!(by_name.code, 5, "{}", by_name.stderr);
    assert!(
        by_name.stderr.contains(&format!("`{stopper}` is taken to stop")),
        "{}",
        by_name.stderr
    );
    let pager = config("on-call");
    let replayed = replay("");
    assert_eq!(replayed.code, 0, "{}", replayed.stderr);
    assert!(
        replayed.stderr.contains(&format!("`{pager}` is taken not to stop")),
        "{}",
        replayed.stderr
    );
    assert_eq!(replay(&format!("--stop-topic {pager}")).code, 5);
}

#[test]
fn recorded_rollouts() {
    insta::assert_snapshot!("healthy", replay("healthy.ndjson"));
    insta::assert_snapshot!("slow", replay("slow.ndjson.gz"));
    insta::assert_snapshot!("failing", replay("failing.ndjson"));
    insta::assert_snapshot!("mixed", replay("mixed.ndjson --job-id fw-2-2"));
}

#[test]
fn recorded_rollouts_for_programs() {
    insta::assert_snapshot!("healthy_json", replay("healthy.ndjson --output json"));
    insta::assert_snapshot!("failing_json", replay("failing.ndjson --output json"));
}

#[test]
fn the_mode_decides_what_is_done() {
    insta::assert_snapshot!("abort", replay("slow.ndjson.gz --stop-mode abort"));
    insta::assert_snapshot!("observe", replay("slow.ndjson.gz --mode observe"));
    insta::assert_snapshot!("unknown_mode", replay("slow.ndjson.gz --mode halt"));
}

#[test]
fn a_chart_is_drawn_if_it_is_wanted() {
    let [drawn, plain] =
        ["always", "auto"].map(|when| replay(&format!("slow.ndjson.gz --chart {when}")));
    // The pictures have tests of their own.
    for part in
        ["devices that got the firmware", "SlowDownloads: p90 of downloadTime", "stop, minute"]
    {
        assert!(drawn.contains(part) && !plain.contains(part), "{part}: {drawn}");
    }
}

#[test]
fn a_report_is_a_page_of_its_own() {
    let folder = folder();
    let ran = run(folder.path(), "slow.ndjson.gz --report slow.html", b"");
    assert_eq!((ran.code, ran.stderr.as_str()), (5, "report: slow.html\n"));
    let page = fs::read_to_string(folder.path().join("slow.html")).unwrap();
    for part in ["<svg", "fw-2-1", "SlowDownloads", "Threshold Crossed", "spared at most"] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("<script") && !page.contains("src=\"http"));
    // Before the work begins: of what is missing as well, nothing is said.
    for nowhere in ["no/folder.html", "."] {
        let ran = run(folder.path(), &format!("missing.ndjson --report {nowhere}"), b"");
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
        let expected = format!("error: --report: {nowhere}: cannot be written: ");
        assert!(ran.stderr.starts_with(&expected), "{}", ran.stderr);
    }
}

#[test]
fn a_recording_is_the_same_from_a_file_from_stdin_and_compressed() {
    let folder = folder();
    let text = fs::read(recordings().join("failing.ndjson")).unwrap();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&text).unwrap();
    let compressed = encoder.finish().unwrap();
    let file = run(folder.path(), "failing.ndjson --output json", b"");
    for stdin in [&text, &compressed] {
        let piped = run(folder.path(), "- --output json", stdin);
        assert_eq!(piped.code, 5);
        assert_eq!(piped.stdout.replace("\"stdin\"", "\"failing.ndjson\""), file.stdout);
    }
}

/// What `docs/guide/replay.md` says of the answer is so, for each field.
#[test]
fn every_field_of_the_answer_is_documented() {
    let document = fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide/replay.md"),
    )
    .unwrap();
    fn fields(value: &Value, path: &str, found: &mut Vec<String>) {
        match value {
            Value::Object(object) => object.iter().for_each(|(key, value)| {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                found.push(path.clone());
                fields(value, &path, found);
            }),
            Value::Array(array) => {
                array.iter().for_each(|value| fields(value, &format!("{path}[]"), found))
            }
            _ => {}
        }
    }
    let folder = folder();
    fs::write(folder.path().join("abort.ini"), guards::with_abort(50)).unwrap();
    let mut found = Vec::new();
    let late = guards::late();
    fs::write(folder.path().join("evidence.ini"), evidence::DECLARED).unwrap();
    let slow = crate::calibrate::recording("fw-3", 900, |_| 2_000);
    let misspelled = reported::fleet(72, "download_time");
    for (arguments, stdin) in [
        ("failing.ndjson", ""),
        ("failing.ndjson --config abort.ini", ""),
        ("-", late.as_str()),
        ("-", misspelled.as_str()),
        ("- --config evidence.ini", slow.as_str()),
    ] {
        let ran = run(folder.path(), &format!("{arguments} --output json"), stdin.as_bytes());
        fields(&serde_json::from_str(&ran.stdout).unwrap(), "", &mut found);
    }
    assert!(found.len() > 40, "{found:?}");
    for field in &found {
        assert!(
            document.contains(&format!("| `{field}` |")),
            "docs/guide/replay.md has no row for `{field}`"
        );
    }
    // And no other.
    for row in document.lines().filter_map(|line| line.strip_prefix("| `")) {
        let field = row.split('`').next().unwrap();
        assert!(found.iter().any(|known| known == field), "`{field}` is documented and not there");
    }
}

#[test]
fn a_stop_spares_those_who_had_not_begun() {
    // Three failures a minute for ten minutes, then three devices: one that was at its download, one that
    // began it later, and one that was canceled.
    let mut recording: String =
        (0..30).map(|n| event(n, 1_790_000_000 + i64::from(n) * 20, "failed", n, "0")).collect();
    recording += &event(100, 1_790_005_000, "succeeded", 100, "4900");
    recording += &event(101, 1_790_005_000, "succeeded", 101, "60");
    recording += &event(102, 1_790_005_000, "canceled", 102, "1");
    let config = config().replace("threshold = 20", "threshold = 10");
    let folder = folder();
    fs::write(folder.path().join("dev.ini"), config).unwrap();
    let ran = run(folder.path(), "- --output json", recording.as_bytes());
    let answer: Value = serde_json::from_str(&ran.stdout).unwrap();
    let stop = &answer["stop"];
    assert_eq!(ran.code, 5);
    assert_eq!(stop["alarm"], "tripline-fw-Failures");
    let (before, after) =
        (stop["endedBefore"].as_u64().unwrap(), stop["endedAfter"].as_u64().unwrap());
    assert_eq!(before + after, 32, "the canceled one is in neither");
    assert_eq!(stop["atWork"], 1);
    assert_eq!(stop["sparedAtMost"].as_u64().unwrap(), after - 1);
}

#[test]
fn a_device_that_tries_again_is_one_device() {
    let recording: String =
        (0..40).map(|n| event(n, 1_790_000_000 + i64::from(n), "failed", n % 4, "1")).collect();
    let last = event(40, 1_790_001_000, "succeeded", 40, "1");
    let (code, answer) = json_of(&(recording + &last), "");
    assert_eq!(code, 5, "each attempt counts in the metric");
    assert_eq!(
        (&answer["executions"], &answer["devicesWithFirmware"]),
        (&Value::from(41), &Value::from(5))
    );
}

/// `TRIPLINE_WRITE_RECORDINGS=1 cargo test -p tripline-cli --test replay` writes them again.
#[test]
fn the_recordings_are_what_their_generator_makes() {
    let write = std::env::var_os("TRIPLINE_WRITE_RECORDINGS").is_some();
    for (name, text) in recordings::all() {
        let path = recordings().join(name);
        if write {
            let mut bytes = text.clone().into_bytes();
            if name.ends_with(".gz") {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
                encoder.write_all(&bytes).unwrap();
                bytes = encoder.finish().unwrap();
            }
            fs::write(&path, bytes).unwrap();
        }
        let mut there = fs::read(&path).unwrap();
        if name.ends_with(".gz") {
            let mut plain = Vec::new();
            GzDecoder::new(&there[..]).read_to_end(&mut plain).unwrap();
            there = plain;
        }
        assert!(there == text.as_bytes(), "{name} is not what its generator makes");
    }
}

#[test]
fn a_config_that_is_not_there_is_named_with_the_recording_that_is_not() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("there.ndjson"), "").unwrap();
    for (recording, missing) in [("no.ndjson", true), ("there.ndjson", false), ("-", false)] {
        let Ran { code, stderr: said, .. } = run(folder.path(), recording, b"");
        assert_eq!(code, 2);
        assert!(said.starts_with("error: dev.ini: cannot be read: "), "{said}");
        assert!(said.ends_with("\n  hint: name the config with `--config`\n"), "{said}");
        assert_eq!(said.contains("\nerror: no.ndjson: cannot be read: "), missing, "{said}");
    }
}
