//! `tripline config check` as people and scripts see it.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::command;
use crate::runner::{Ran, run};

/// A config of the tests' own with its files: what is recommended may change, what is said of this
/// one must not.
fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures/rollout")
}

/// A folder with a config, and the files of the fixture beside it.
fn with(config: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in ["trackers.txt", "tracker-2.1.bin", "tracker-job.json"] {
        fs::copy(fixture().join(file), folder.path().join(file)).unwrap();
    }
    fs::write(folder.path().join("dev.ini"), config).unwrap();
    folder
}

fn whole() -> String {
    fs::read_to_string(fixture().join("dev.ini")).unwrap()
}

/// Replaces, and there has to be something to replace.
fn but(text: &str, changes: &[(&str, &str)]) -> String {
    changes.iter().fold(text.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from} is not in the config");
        text.replace(from, to)
    })
}

/// Checks `dev.ini` of a folder; no AWS, no home, no settings.
fn check(folder: &Path, options: &[&str]) -> (i32, String, String) {
    let Ran { code, stdout, stderr } = checked(folder, options);
    (code, stdout, stderr)
}

fn checked(folder: &Path, options: &[&str]) -> Ran {
    run(command(folder).args(["config", "check"]).args(options))
}

fn shown(folder: &Path, options: &[&str]) -> String {
    checked(folder, options).to_string()
}

#[test]
fn the_example_is_without_a_finding() {
    // From anywhere: files are looked for in the config's folder.
    let elsewhere = tempfile::tempdir().unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/dev.ini");
    let (code, stdout, stderr) = check(elsewhere.path(), &[path.to_str().unwrap()]);
    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.contains("24000") && stderr.contains("dev.ini: no faults; 0 findings\n"));
}

#[test]
fn everything_is_said() {
    let text = but(
        &whole(),
        &[
            ("rounds = 1", "rounds = 3\nimageVer = 2.1\nfileId = 7"),
            ("usePresignedUrlConfig = True", "usePresignedUrlConfig = False"),
            ("role/tracker-firmware-reader", "role/<your_signing_role>"),
            ("useTimeoutConfig = True", "useTimeoutConfig = False"),
            ("[ALARM_CONFIG]", "[RETRY_CONFIG]\nfailedRetries = 2\n\n[ALARM_CONFIG]"),
        ],
    );
    let folder = with(&text);
    insta::assert_snapshot!("everything", shown(folder.path(), &[]));
    insta::assert_snapshot!("everything_json", shown(folder.path(), &["--output", "json"]));
}

#[test]
fn every_fault_is_said_at_once_with_those_of_the_files() {
    // What the sample in the deployment tool's manual has: a misspelt key, and blanks to fill in.
    let text = but(
        &whole(),
        &[
            ("fileChunkSize", "fileChunSize"),
            ("jobId = fw-2-1", "jobId = <yourJobId>"),
            ("role/tracker-ota", "role/<your_role>"),
            ("@email, @force-stop", "arn:aws:sns:<region>:<account>:stopper"),
        ],
    );
    let folder = with(&text);
    let path = folder.path();
    fs::remove_file(path.join("tracker-2.1.bin")).unwrap();
    fs::write(path.join("trackers.txt"), "tracker-1\n").unwrap();
    fs::write(path.join("tracker-job.json"), "{\"a\": 1,}").unwrap();
    insta::assert_snapshot!("faults", shown(path, &[]));
    insta::assert_snapshot!("faults_json", shown(path, &["--output", "json"]));
    // The config is right, and the files still are not.
    fs::write(path.join("dev.ini"), whole()).unwrap();
    insta::assert_snapshot!("faults_of_files", shown(path, &[]));
}

#[test]
fn findings_end_with_one_unless_they_are_meant() {
    let code = |text: &str, options: &[&str]| check(with(text).path(), options).0;
    let none = but(&whole(), &[("alarmList = SlowDownloads, Failures", "alarmList =")]);
    let alerting = but(&whole(), &[("@email, @force-stop", "@email")]);
    let folder = with(&none);
    insta::assert_snapshot!("no_alarms", shown(folder.path(), &[]));
    // The alarms that nobody has listed are still to be seen.
    assert_eq!(check(folder.path(), &["--default-guard"]).2.matches("finding: ").count(), 1);
    assert_eq!((code(&alerting, &[]), code(&alerting, &["--alert-only"])), (1, 0));
    let short =
        but(&whole(), &[("inProgressTimeoutInMinutes = 90", "inProgressTimeoutInMinutes = 60")]);
    let (code, _, stderr) = check(with(&short).path(), &[]);
    assert_eq!(code, 1);
    assert!(stderr.contains("alarm `SlowDownloads` can see no slow device"), "{stderr}");
}

#[test]
fn limits_are_a_guard_and_their_baseline_is_deployed_with_them() {
    const BASELINE: &str = "{\"version\":1,\"name\":\"fw\",\"rollouts\":2,\"pooled\":{\"devices\":9000,\"unfinished\":[8900,3000,90]},\"slowest\":{\"devices\":4000,\"unfinished\":[4000,2000,90]},\"failures\":[0,2]}\n";
    let section = "[EVIDENCE_CONFIG]\nuseEvidence = True\nbaseline = fw.json\nsnsTopics = @email, @force-stop\n";
    let none = but(&whole(), &[("alarmList = SlowDownloads, Failures", "alarmList =")]);
    let folder = with(&(none + "\n" + section));
    let path = folder.path();
    let (code, _, stderr) = check(path, &[]);
    assert_eq!(code, 2);
    assert!(stderr.contains("fw.json: cannot be read: "), "{stderr}");
    fs::write(path.join("fw.json"), BASELINE).unwrap();
    let (_, stdout, stderr) = check(path, &[]);
    assert!(!stderr.contains("no alarms"), "{stderr}");
    assert!(stdout.contains("(baseline fw of 2 rollouts, 20 % slack)"), "{stdout}");
    let json = |folder: &Path| -> Value {
        serde_json::from_str(&check(folder, &["--output", "json"]).1).unwrap()
    };
    let deployed = json(path);
    let objects = deployed["objects"].as_array().unwrap();
    let is_kept = |object: &Value| object["key"].as_str().unwrap().ends_with("/baseline.json");
    assert!(objects.iter().any(is_kept), "{objects:?}");
    // Another baseline is another deployment.
    fs::write(path.join("fw.json"), BASELINE.replace("3000,", "2900,")).unwrap();
    assert_ne!(json(path)["deployment"], deployed["deployment"]);
}

#[test]
fn what_the_devices_are_too_few_to_decide_is_said() {
    let section =
        "[EVIDENCE_CONFIG]\nuseEvidence = True\nbaseline = fw.json\nsnsTopics = @force-stop\n";
    let baseline = "{\"version\":1,\"name\":\"fw\",\"rollouts\":2,\"pooled\":{\"devices\":9000,\"unfinished\":[8600,3000,90]},\"slowest\":{\"devices\":4000,\"unfinished\":[3900,2000,90]},\"failures\":[0,2]}\n";
    for (devices, is_said) in [("40", true), ("4000", false)] {
        let text = whole();
        let line = text.lines().find(|line| line.starts_with("deviceCount")).unwrap();
        let folder =
            with(&(text.replace(line, &format!("deviceCount = {devices}")) + "\n" + section));
        fs::write(folder.path().join("fw.json"), baseline).unwrap();
        let (_, stdout, stderr) = check(folder.path(), &[]);
        let said = "40 devices are too few to decide: ";
        assert_eq!(stdout.contains(said), is_said, "{stdout}{stderr}");
    }
}

#[test]
fn everything_is_in_one_region() {
    let folder = with(&whole());
    let (code, _, stderr) = check(folder.path(), &["--region", "eu-west-1"]);
    assert_eq!(code, 2);
    assert!(
        stderr.contains("the targets are in `us-east-1`, and the job would be in `eu-west-1`"),
        "{stderr}"
    );
    let (code, stdout, stderr) =
        check(with(&but(&whole(), &[("region = us-east-1\n", "")])).path(), &[]);
    assert_eq!(code, 0);
    assert!(stdout.starts_with("job        fw-2-1 in us-east-1\n"), "{stdout}");
    assert!(stderr.contains("note: no region: "), "{stderr}");
    let (code, _, stderr) =
        check(with(&but(&whole(), &[("region = us-east-1", "region = us/east")])).path(), &[]);
    assert_eq!(code, 2);
    assert!(stderr.contains(":12: `[DEFAULT]`: region cannot be `us/east`"), "{stderr}");
}

#[test]
fn a_document_that_is_too_long_with_what_the_firmware_adds_is_a_fault() {
    let folder = with(&whole());
    let long = format!("{{\"a\": \"{}\"}}", "x".repeat(32_600));
    fs::write(folder.path().join("tracker-job.json"), long).unwrap();
    let (code, _, stderr) = check(folder.path(), &[]);
    assert_eq!(code, 2);
    assert!(stderr.contains("with what the firmware adds (expected at most 32768)"), "{stderr}");
}

/// Answers one request with a document, and says where.
fn serve(document: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 4_096];
        let _ = stream.read(&mut request).unwrap();
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            document.len()
        );
        stream.write_all((head + document).as_bytes()).unwrap();
    });
    format!("http://{address}/job.json")
}

#[test]
fn a_document_at_a_url_is_fetched_unless_offline() {
    let at = |url: &str| {
        but(
            &whole(),
            &[
                ("jobDocSrcCfg = local_file", "jobDocSrcCfg = url"),
                ("jobDocSrcUrl = None", &format!("jobDocSrcUrl = {url}")),
            ],
        )
    };
    let folder = with(&at(&serve("{\"from\": \"afar\"}")));
    let (code, stdout, stderr) = check(folder.path(), &["--output", "json"]);
    assert_eq!(code, 0, "{stderr}");
    let said: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(
        (said["document"]["from"].as_str(), said["notes"].as_array().unwrap().len()),
        // That there is no fallback.
        (Some("afar"), 1)
    );
    // Nobody is there to answer, and nobody is asked.
    let folder = with(&at("s3://tracker-firmware/job.json"));
    let (code, _, stderr) = check(folder.path(), &["--offline"]);
    assert_eq!(code, 0, "{stderr}");
    assert!(stderr.contains("note: the job document was not fetched"), "{stderr}");
    // Without credentials it cannot be had.
    assert_eq!(check(folder.path(), &[]).0, 3);
}

#[test]
fn a_baseline_that_does_not_fit_is_said_with_its_line() {
    let text = whole()
        + "\n[EVIDENCE_CONFIG]\nuseEvidence = True\nbaseline = fw.json\nslowerBy = 20\nsnsTopics = @email\n";
    let folder = with(&text);
    let path = folder.path();
    let file = path.join("fw.json");
    let line = 1 + text.lines().position(|line| line == "baseline = fw.json").unwrap();
    let said = |expected: &str| {
        let (code, stdout, stderr) = check(path, &[]);
        assert_eq!((code, stdout.as_str()), (2, ""), "{stderr}");
        assert!(stderr.starts_with(&format!("error: dev.ini:{expected}")), "{expected}: {stderr}");
    };
    let of_key = |what: &str| format!("{line}: `[EVIDENCE_CONFIG]`: baseline: fw.json{what}");
    said(&of_key(": cannot be read: "));
    fs::create_dir(&file).unwrap();
    said(&of_key(": is a directory "));
    fs::remove_dir(&file).unwrap();
    for (bytes, expected) in [
        (b"\xff\xfe".to_vec(), ": not UTF-8 text"),
        (b"{\"version\": 1}".to_vec(), ": no baseline: "),
        (vec![b' '; 600_000], ": 512001 bytes long (expected at most 512000)"),
    ] {
        fs::write(&file, bytes).unwrap();
        said(&of_key(expected));
    }
    // One rollout, and less slack than it takes.
    fs::write(path.join("fw"), crate::calibrate::recording("fw", 900, i64::from)).unwrap();
    let calibrate = |more: &str| {
        let arguments = format!("calibrate --recording fw --out fw.json --force{more}");
        let ran = run(command(path).args(arguments.split_whitespace()));
        assert_eq!(ran.code, 0, "{ran}");
    };
    calibrate("");
    said(&format!("{}: `[EVIDENCE_CONFIG]`: slowerBy 20 is too little for a", line + 1));
    let again = crate::calibrate::recording("fw-2", 900, i64::from);
    fs::write(path.join("fw-2"), again).unwrap();
    calibrate(" --recording fw-2");
    let (code, _, stderr) = check(path, &[]);
    assert!(code < 2 && stderr.contains("no faults"), "{stderr}");
    // A fault of the baseline is said with those of the files.
    fs::remove_file(&file).unwrap();
    fs::remove_file(path.join("tracker-2.1.bin")).unwrap();
    let (_, _, stderr) = check(path, &[]);
    assert!(stderr.contains("baseline: fw.json") && stderr.contains("tracker-2.1.bin"), "{stderr}");
}

const LIMITS: &str = "
[EVIDENCE_CONFIG]
useEvidence = True
unfinishedLimits = 60:3, 75:2
snsTopics = @email, @force-stop
";

const PLAN: &str = "
[WAVES]
waveList = bench, early, rest
falseStops = 1.5
exposure = 1000

[WAVE_bench]
things = tracker-7, tracker-8
rate = 2
bake = 30m
tolerance = 0

[WAVE_early]
devices = 900
bake = 2h

[WAVE_rest]
rest = True
approval = True
bake = 90s
decideWithin = 2d
";

/// A folder with a plan of waves for so many trackers.
fn with_waves(plan: &str, trackers: usize) -> TempDir {
    let limited = but(
        &whole(),
        &[
            ("rounds = 1", "rounds = 1\nfallback = fw-2-0"),
            ("alarmList", "onAlarm = hold\nalarmList"),
        ],
    );
    let folder = with(&(limited + LIMITS + plan));
    let list: String = (1..=trackers)
        .map(|n| format!("arn:aws:iot:us-east-1:111122223333:thing/tracker-{n}\n"))
        .collect();
    fs::write(folder.path().join("trackers.txt"), list).unwrap();
    folder
}

#[test]
fn the_example_of_waves_is_without_a_finding() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/waves/dev.ini");
    let (code, stdout, stderr) = check(Path::new("/"), &[path.to_str().unwrap()]);
    assert_eq!(code, 0, "{stdout}{stderr}");
    assert!(stderr.contains("dev.ini: no faults; 0 findings\n"), "{stderr}");
    assert!(stdout.contains("before the first verdict, that of early (exposure 1000)"), "{stdout}");
}

#[test]
fn a_plan_of_waves_says_what_each_gate_can_decide() {
    let folder = with_waves(PLAN, 1_000);
    insta::assert_snapshot!("waves", shown(folder.path(), &[]));
    let (_, stdout, _) = check(folder.path(), &["--output", "json"]);
    let mut plan = serde_json::from_str::<Value>(&stdout).unwrap()["waves"].take();
    for wave in plan["waves"].as_array_mut().unwrap() {
        let devices = wave["devices"].as_u64();
        let names = wave["targets"].as_array_mut().unwrap();
        assert_eq!(u64::try_from(names.len()).ok(), devices);
        names.truncate(2);
    }
    insta::assert_snapshot!("waves_json", serde_json::to_string_pretty(&plan).unwrap());
}

#[test]
fn a_wave_of_which_only_aws_iot_knows_the_size_is_said() {
    let groups = but(
        PLAN,
        &[
            ("devices = 900", "query = attributes.hw:B"),
            ("rest = True", "things = tracker-1"),
            ("exposure = 1000", ""),
        ],
    );
    let folder = with_waves(&groups, 9);
    let shown = shown(folder.path(), &[]);
    insta::assert_snapshot!("waves_of_unknown_size", shown);
}

#[test]
fn what_a_plan_cannot_do_is_said_with_its_line() {
    for (trackers, changes, fault) in [
        (600, vec![], "devices: 900 devices, and 598 of 600 are left"),
        (
            1_000,
            vec![("exposure = 1000", "exposure = 901")],
            "900 devices of 902 would hold the firmware before any verdict",
        ),
        (
            1_000,
            vec![("exposure = 1000", "exposure = 901"), ("devices = 900", "devices = 700")],
            "no wave is large enough for a verdict",
        ),
        (1_000, vec![("bake = 2h", "bake = 366d")], "bake cannot be `366d`"),
        (
            1_000,
            vec![("devices = 900", "things = tracker-8")],
            "`tracker-8` is in wave `bench` already",
        ),
    ] {
        let folder = with_waves(&but(PLAN, &changes), trackers);
        let (code, _, stderr) = check(folder.path(), &[]);
        assert_eq!(code, 2, "{stderr}");
        assert!(stderr.contains("dev.ini:") && stderr.contains(fault), "{stderr}");
        let (_, stdout, _) = check(folder.path(), &["--output", "json"]);
        let json: Value = serde_json::from_str(&stdout).unwrap();
        assert!(json["error"]["diagnostics"][0]["line"].as_u64().is_some(), "{stdout}");
    }
}

#[test]
fn retries_keep_every_gate_from_deciding() {
    let plan = PLAN
        .replace("exposure = 1000", "")
        .replace("[WAVES]", "[RETRY_CONFIG]\nfailedRetries = 1\n[WAVES]");
    let (_, stdout, _) = check(with_waves(&plan, 1_000).path(), &[]);
    let asks = "asks a person: the job retries, and no count has the devices that wait";
    assert_eq!(stdout.matches(asks).count(), 3, "{stdout}");
    assert!(stdout.contains("1000 devices may hold the firmware without a verdict"), "{stdout}");
    assert!(stdout.contains("a person is asked 4 times"), "{stdout}");
}

#[test]
fn a_release_in_waves_is_deployed_by_nothing_that_deploys_at_once() {
    let folder = with_waves(PLAN, 1_000);
    let Ran { code, stderr, .. } = run(command(folder.path()).args(["deploy", "dev.ini"]));
    assert_eq!(code, 2);
    assert!(stderr.contains("goes out in 3 waves (`[WAVES]`)"), "{stderr}");
}

#[test]
fn files_outside_of_a_folder_are_refused() {
    let outside = tempfile::tempdir().unwrap();
    let secret = outside.path().join("secret");
    fs::write(&secret, "arn:aws:iot:us-east-1:111122223333:thing/a\n").unwrap();
    let (place, within) = (secret.to_str().unwrap(), ["--within", "."]);
    assert_eq!(check(with(&whole()).path(), &within).0, 0);
    for (key, value) in [
        ("thingList", "trackers.txt"),
        ("binName", "tracker-2.1.bin"),
        ("jobDocPath", "tracker-job.json"),
        ("privateKey", ""),
        ("baseline", ""),
    ] {
        let text = match key {
            "privateKey" => {
                whole().replace("rounds = 1", &format!("rounds = 1\nprivateKey = {place}"))
            }
            "baseline" => {
                whole()
                    + &LIMITS
                        .replace("unfinishedLimits = 60:3, 75:2", &format!("baseline = {place}"))
            }
            _ => but(
                &whole(),
                &[(format!("{key} = {value}").as_str(), format!("{key} = {place}").as_str())],
            ),
        };
        // A config with another fault says nothing of the file either.
        for text in [text.clone(), text.replace("alarmType = upper", "alarmType = uper")] {
            let folder = with(&text);
            let (code, _, stderr) = check(folder.path(), &within);
            assert_eq!(code, 2, "{key}: {stderr}");
            // A baseline is looked for when the config has no fault.
            let is_checked = key != "baseline" || !stderr.contains("uper");
            assert_eq!(stderr.contains("lies outside of `"), is_checked, "{key}: {stderr}");
            assert!(!stderr.contains("no key to sign with"), "{stderr}");
        }
    }
    let folder = with(&but(&whole(), &[("trackers.txt", "link.txt")]));
    std::os::unix::fs::symlink(&secret, folder.path().join("link.txt")).unwrap();
    let (code, _, stderr) = check(folder.path(), &within);
    assert!(
        code == 2 && stderr.contains("`[DEFAULT]`: thingList: link.txt: lies outside"),
        "{stderr}"
    );
    let ran = run(command(folder.path()).args(["deploy", "--within", "."]));
    assert!(ran.code == 2 && ran.stderr.contains("link.txt: lies outside"), "{ran}");
}
