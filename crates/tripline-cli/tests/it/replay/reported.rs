//! Recordings in which devices never report what an alarm watches.

use std::fs;

use serde_json::Value;

use super::{event, folder, json_of, run, shown};

/// Devices of which each succeeds with a detail under this key, but every ninth, which fails.
pub fn fleet(devices: u32, key: &str) -> String {
    let ended = |n: u32| if n.is_multiple_of(9) { "failed" } else { "succeeded" };
    let lines =
        (0..devices).map(|n| event(n, 1_790_000_040 + 20 * i64::from(n), ended(n), n, "40"));
    lines.collect::<String>().replace("downloadTime", key)
}

/// Only the alarm on `downloadTime` stops.
fn slow_only() -> String {
    super::GUARD.replace("SlowDownloads, Failures", "SlowDownloads")
}

#[test]
fn alarms_that_never_had_a_value_are_a_finding() {
    let folder = folder();
    fs::write(folder.path().join("dev.ini"), slow_only()).unwrap();
    for (name, key) in [("silent", "reason"), ("misspelled", "download_time")] {
        let ran = run(folder.path(), "-", fleet(72, key).as_bytes());
        insta::assert_snapshot!(name, shown(&ran));
        let page = format!("- --report {name}.html");
        assert_eq!(run(folder.path(), &page, fleet(72, key).as_bytes()).code, 1);
        let page = fs::read_to_string(folder.path().join(format!("{name}.html"))).unwrap();
        assert!(page.contains("never had a value: 64 devices succeeded"), "{page}");
    }
    let ran = run(folder.path(), "- --output json", fleet(72, "DownloadTime").as_bytes());
    let answer: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(
        (ran.code, &answer["watched"], &answer["stopped"]),
        (1, &false.into(), &false.into())
    );
    let no_value = &answer["alarms"][0]["noValue"];
    assert_eq!(no_value["detail"], "downloadTime");
    assert_eq!((&no_value["succeeded"], &no_value["invalidDetails"]), (&64.into(), &72.into()));
    assert!(no_value["reason"].as_str().unwrap().starts_with("64 devices succeeded and none"));
    assert_eq!(answer["recording"]["misspelled"][0]["key"], "DownloadTime");
    assert_eq!(answer["recording"]["misspelled"][0]["expected"], "downloadTime");
    // Observing, it looks as little.
    assert_eq!(run(folder.path(), "- --mode observe", fleet(72, "x").as_bytes()).code, 1);
    assert_eq!(run(folder.path(), "-", fleet(72, "downloadTime").as_bytes()).code, 0);
}

#[test]
fn another_guard_that_could_decide_leaves_a_line() {
    let (code, answer) = json_of(&fleet(72, "reason"), "");
    assert_eq!((code, &answer["watched"]), (0, &Value::from(true)));
    assert_eq!(answer["alarms"][0]["noValue"]["succeeded"], 64);
    assert_eq!(answer["alarms"][1]["noValue"], Value::Null);
    let ran = run(folder().path(), "-", fleet(72, "reason").as_bytes());
    assert!(ran.stdout.starts_with("NOT STOPPED: "), "{}", ran.stdout);
    assert!(ran.stdout.contains("`SlowDownloads` never had a value: 64 devices"), "{}", ran.stdout);
}

#[test]
fn a_recording_of_a_list_says_that_it_has_no_details() {
    let folder = folder();
    fs::write(folder.path().join("dev.ini"), slow_only()).unwrap();
    let began = event(90, 1_790_000_000, "in_progress", 1, "40");
    let listed = (began + &fleet(36, "x")).replace(",\"statusDetails\":{\"x\":\"40\"}", "");
    let ran = run(folder.path(), "-", listed.as_bytes());
    assert_eq!(ran.code, 1, "{}", ran.stdout);
    let why = "never had a value: a recording of `tripline watch --record` has no `downloadTime`";
    assert!(ran.stdout.contains(why), "{}", ran.stdout);
}
