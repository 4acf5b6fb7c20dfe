//! What is wrong with a recording, an option or a config.

use std::fs;

use serde_json::Value;

use super::{config, event, folder, recordings, replay, run, shown};

#[test]
fn one_job_among_several_has_to_be_named() {
    insta::assert_snapshot!("several_jobs", replay("mixed.ndjson"));
    insta::assert_snapshot!("absent_job", replay("mixed.ndjson --job-id fw-22"));
    insta::assert_snapshot!("impossible_job", replay("mixed.ndjson --job-id a/b"));
}

#[test]
fn malformed_lines_are_named_and_fatal_only_if_wanted() {
    insta::assert_snapshot!("strict", replay("mixed.ndjson --job-id fw-2-2 --strict"));
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(1_000_000));
    let deep = "[".repeat(100_000);
    let odd = [
        "",
        "   ",
        "{",
        "null",
        "[]",
        "\"event\"",
        &long,
        &deep,
        "{\"jobId\":\"fw\",\"operation\":\"exploded\"}",
        "{\"jobId\":\"fw\",\"operation\":\"failed\"}",
        "{\"jobId\":\"../etc\",\"operation\":\"failed\"}",
        "\u{0}\u{1b}[31m",
        "{\"jobId\":\"fw\",\"operation\":\"failed\",\"timestamp\":1}",
    ];
    let mut recording: String =
        (10..22).map(|n| event(n, 1_790_000_000, "succeeded", n, "10")).collect();
    recording.extend(odd.iter().map(|line| format!("{line}\r\n")));
    recording += &event(2, 1_790_000_100, "failed", 2, "10");
    let folder = folder();
    insta::assert_snapshot!("malformed", shown(&run(folder.path(), "-", recording.as_bytes())));
    let bytes = [recording.as_bytes(), b"\xff\xfe\n"].concat();
    let ran = run(folder.path(), "- --output json", &bytes);
    let answer: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((ran.code, &answer["executions"]), (0, &Value::from(13)), "{}", shown(&ran));
    assert_eq!(
        (&answer["recording"]["malformed"], &answer["recording"]["lines"]),
        (&Value::from(12), &Value::from(25))
    );
}

#[test]
fn the_first_line_decides_nothing() {
    for odd in [1, 1_500_000_000] {
        let first = event(99, odd, "failed", 99, "10");
        let others: String =
            (0..40).map(|n| event(n, 1_790_000_000 + i64::from(n), "failed", n, "1")).collect();
        let last = event(40, 1_790_001_000, "succeeded", 40, "1");
        let recording = first + &others + &last;
        let ran = run(folder().path(), "-", recording.as_bytes());
        assert_eq!(ran.code, 5, "{}", shown(&ran));
        assert!(ran.stdout.contains("stdin: 42 lines, 1 malformed"), "{}", ran.stdout);
        let named = format!("warning: stdin:1: skipped: timestamp: `{odd}` is ");
        assert!(ran.stderr.starts_with(&named), "{}", ran.stderr);
        let strict = run(folder().path(), "- --strict", recording.as_bytes());
        assert_eq!((strict.code, strict.stdout.as_str()), (2, ""));
        assert!(strict.stderr.starts_with(&format!("error: stdin:1: timestamp: `{odd}`")));
    }
}

#[test]
fn a_recording_of_which_most_lines_are_malformed_is_refused() {
    let good = event(1, 1_790_000_000, "succeeded", 1, "10");
    let half = good.clone() + "{}\n";
    assert_eq!(run(folder().path(), "-", half.as_bytes()).code, 0);
    insta::assert_snapshot!("most", shown(&run(folder().path(), "-", (half + "{}\n").as_bytes())));
    // Far from each other, so that nobody knows which ones are well.
    let apart: String = (0..3)
        .map(|n| event(n, 1_500_000_000 + i64::from(n) * 100_000_000, "failed", n, "1"))
        .collect();
    insta::assert_snapshot!("apart", shown(&run(folder().path(), "-", apart.as_bytes())));
}

#[test]
fn nothing_to_replay_is_said_plainly() {
    let folder = folder();
    let deleted = event(1, 1_790_000_000, "deleted", 1, "1");
    let job_event =
        r#"{"eventType":"JOB","eventId":"a","timestamp":1,"operation":"completed","jobId":"fw"}"#;
    let pretty = "{\n  \"eventType\": \"JOB_EXECUTION\",\n  \"jobId\": \"fw\"\n}\n";
    let mut all = Vec::new();
    for input in ["", "\n\n", &deleted, job_event, pretty] {
        all.push(shown(&run(folder.path(), "-", input.as_bytes())));
    }
    all.push(shown(&run(folder.path(), "- --job-id fw", b"")));
    insta::assert_snapshot!("nothing", all.join("\n"));
}

#[test]
fn files_that_cannot_be_read() {
    let folder = folder();
    fs::create_dir(folder.path().join("folder")).unwrap();
    let whole = fs::read(recordings().join("slow.ndjson.gz")).unwrap();
    fs::write(folder.path().join("half.gz"), &whole[..whole.len() / 2]).unwrap();
    let all: Vec<_> = ["missing.ndjson", "folder", "half.gz"]
        .map(|file| shown(&run(folder.path(), file, b"")))
        .into();
    insta::assert_snapshot!("files", all.join("\n"));
}

#[test]
fn configs_that_replay_nothing() {
    let folder = folder();
    fs::write(
        folder.path().join("none.ini"),
        config().replace("SlowDownloads, Failures, Rejections", ""),
    )
    .unwrap();
    fs::write(folder.path().join("faulty.ini"), config().replace("stat = p90", "stat = P90th"))
        .unwrap();
    let other = config().replace("namespace = IoT:OTA:JobExecution", "namespace = Mine");
    fs::write(folder.path().join("other.ini"), other).unwrap();
    let all: Vec<_> = ["none.ini", "faulty.ini", "other.ini", "missing.ini"]
        .map(|config| shown(&run(folder.path(), &format!("healthy.ndjson --config {config}"), b"")))
        .into();
    insta::assert_snapshot!("configs", all.join("\n"));
}
