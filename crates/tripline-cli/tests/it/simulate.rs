//! `tripline simulate` as people and scripts see it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::command;
use crate::runner::{self, Ran};

/// The checkout.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A folder with the examples' guards and rollouts in it.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for part in ["guards", "rollouts"] {
        for file in fs::read_dir(root().join("examples").join(part)).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), folder.path().join(file.file_name())).unwrap();
        }
    }
    folder
}

fn run(folder: &Path, arguments: &[&str]) -> Ran {
    runner::run(command(folder).arg("simulate").args(arguments))
}

fn code(folder: &Path, arguments: &[&str]) -> i32 {
    run(folder, arguments).code
}

/// The exit code and both outputs.
fn shown(folder: &Path, arguments: &[&str]) -> String {
    run(folder, arguments).to_string()
}

fn json(folder: &Path, arguments: &[&str]) -> Value {
    run(folder, arguments).json()
}

const FAILING: [&str; 9] = [
    "sample.ini",
    "--rollout",
    "failing.ini",
    "--healthy",
    "healthy.ini",
    "--devices",
    "300",
    "--runs",
    "40",
];
const HEALTHY: [&str; 7] =
    ["recommended.ini", "--rollout", "healthy.ini", "--devices", "300", "--runs", "40"];
const COMPARED: [&str; 11] = [
    "--compare",
    "sample.ini",
    "abort-only.ini",
    "--against",
    "failing.ini",
    "healthy.ini",
    "--devices",
    "300",
    "--runs",
    "40",
    "--seed=7",
];

fn with<'a>(arguments: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [arguments, more].concat()
}

#[test]
fn a_faulty_and_a_healthy_fleet() {
    let folder = folder();
    insta::assert_snapshot!(
        "failing",
        shown(folder.path(), &with(&FAILING, &["--chart", "always"]))
    );
    insta::assert_snapshot!("healthy", shown(folder.path(), &HEALTHY));
}

#[test]
fn for_programs() {
    let folder = folder();
    insta::assert_snapshot!(
        "failing_json",
        shown(folder.path(), &with(&FAILING, &["--output", "json"]))
    );
}

#[test]
fn a_comparison() {
    let folder = folder();
    insta::assert_snapshot!("comparison", shown(folder.path(), &COMPARED));
    insta::assert_snapshot!(
        "comparison_json",
        shown(folder.path(), &with(&COMPARED, &["--output", "json"]))
    );
}

/// With a failure rate that the recommended guard does not have.
#[test]
fn the_stack_s_default_guard_alone_and_beside_a_config() {
    let folder = folder();
    let few = ["--devices", "600", "--runs", "20"];
    let alone = with(&["--default-guard", "--rollout", "failing.ini"], &few);
    let ran = run(folder.path(), &alone);
    assert!(ran.stdout.contains("(it alerts, and stops nothing)"), "{ran}");
    let found = json(folder.path(), &with(&alone, &["--output", "json"]));
    let names = |found: &Value| -> Vec<String> {
        let guards = found["study"]["guards"].as_array().unwrap().iter();
        guards.map(|guard| guard["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&found), ["default-DownloadTime", "default-FailureRate", "evidence"]);
    assert_eq!(found["defaultGuard"], serde_json::json!([]));
    assert_eq!(found["evidence"]["stops"], false);
    // Nine in ten are beyond any rate.
    let all_fail = ["--default-guard", "FailureRateMinExecutions=20", "--failed", "0.9"];
    let stopped = json(folder.path(), &with(&with(&all_fail, &few), &["--output", "json"]));
    assert_eq!(stopped["stop"]["guard"], "default-FailureRate", "{stopped}");
    let dead = with(&with(&all_fail, &few), &["--keeper-dead"]);
    assert_eq!(code(folder.path(), &dead), 0, "nobody counts devices");
    let beside = ["sample.ini", "--default-guard", "EvidenceAction=stop", "--output", "json"];
    let found = json(folder.path(), &with(&beside, &few));
    assert!(names(&found).len() > 3, "{found}");
    assert_eq!(found["evidence"]["stops"], true);
}

/// It needs nothing from devices, and the guard-keeper.
#[test]
fn a_failure_rate_of_a_config_stops_as_long_as_the_keeper_counts() {
    let folder = folder();
    let config = include_str!("fixtures/unsuccessful-rate.ini");
    fs::write(folder.path().join("rate.ini"), config).unwrap();
    let failing = ["rate.ini", "--failed", "0.5", "--runs", "5", "--report", "rate.html"];
    let value = json(folder.path(), &with(&failing, &["--output", "json"]));
    assert_eq!(value["stop"]["guard"], "Unsuccessful");
    let page = fs::read_to_string(folder.path().join("rate.html")).unwrap();
    assert!(page.contains("unsuccessfulRate, % of notified devices"));
    assert_eq!(code(folder.path(), &["rate.ini", "--failed", "0.02", "--runs", "5"]), 0);
    assert_eq!(code(folder.path(), &with(&failing, &["--keeper-dead"])), 0);
}

#[test]
fn a_default_guard_that_no_stack_has_is_a_fault() {
    let folder = folder();
    for (setting, said) in [
        (
            "FailureRateUperLimit=10",
            "`FailureRateUperLimit` is `10` (expected FailureRateUpperLimit)",
        ),
        ("FailureRateUpperLimit=x", "`FailureRateUpperLimit` is `x` (expected percent, "),
        ("sample.ini", "`sample.ini` is no `KEY=VALUE`"),
    ] {
        let ran = run(folder.path(), &["--default-guard", setting, "--devices", "100"]);
        assert!(ran.code == 2 && ran.stderr.contains(said), "{ran}");
    }
    let ran = run(folder.path(), &["--default-guard"]);
    assert!(ran.code == 2 && ran.stderr.contains("hint: give it with `--devices`"), "{ran}");
}

#[test]
fn the_exit_code_says_whether_the_guard_would_stop_it() {
    let folder = folder();
    assert_eq!(code(folder.path(), &FAILING), 5);
    assert_eq!(code(folder.path(), &with(&FAILING, &["--output", "json"])), 5);
    assert_eq!(code(folder.path(), &HEALTHY), 0);
    assert_eq!(code(folder.path(), &COMPARED), 0);
    assert_eq!(code(folder.path(), &["missing.ini"]), 2);
    // Alarms that are only observed stop nothing.
    let slow = [
        "sample.ini",
        "--slow",
        "0.5",
        "--slow-median",
        "5000",
        "--devices",
        "20000",
        "--runs",
        "1",
    ];
    assert_eq!(code(folder.path(), &slow), 5);
    assert_eq!(code(folder.path(), &with(&slow, &["--stop-mode", "observe"])), 0);
}

#[test]
fn the_same_seed_gives_the_same_and_another_one_does_not() {
    let folder = folder();
    let output = |seed: &str| {
        run(folder.path(), &with(&FAILING, &["--output", "json", "--seed", seed])).stdout
    };
    assert_eq!(output("3"), output("3"));
    assert_ne!(output("3"), output("4"));
    let page = |name: &str| {
        let report = folder.path().join(name);
        run(folder.path(), &with(&FAILING, &["--report", report.to_str().unwrap()]));
        fs::read_to_string(report).unwrap()
    };
    // The page says the command, and so its own name; nothing else differs.
    assert_eq!(page("one.html"), page("two.html").replace("two.html", "one.html"));
}

#[test]
fn a_seed_is_one_that_every_reader_of_json_keeps() {
    let folder = folder();
    let largest = (1_u64 << 53) - 1;
    let value =
        json(folder.path(), &with(&HEALTHY, &["--output", "json", "--seed", &largest.to_string()]));
    assert_eq!(value["seed"], largest);
    assert_eq!(code(folder.path(), &with(&HEALTHY, &["--seed", &(largest + 1).to_string()])), 2);
}

#[test]
fn the_parameters_that_aws_leaves_open_matter() {
    let folder = folder();
    let study = |more: &[&str]| {
        let healthy =
            ["sample.ini", "--rollout", "healthy.ini", "--devices", "12000", "--runs", "40"];
        let all = with(&with(&healthy, &["--output", "json"]), more);
        json(folder.path(), &all)["study"].clone()
    };
    // Percentiles from a histogram are off by up to a tenth, so that the alarm fires sooner.
    let exposed = |study: &Value| study["exposed"]["p50"]["value"].as_f64().unwrap();
    assert!(exposed(&study(&[])) < exposed(&study(&["--percentiles", "linear"])));
    assert_eq!(study(&["--low-samples", "ignore"])["guards"][0]["fired"]["share"], 0.0);
}

#[test]
fn faults_of_files_and_options_are_named() {
    let folder = folder();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write(
        "faults.ini",
        "failed = 0.1\n[FLEET]\nslow = 2\nslowmedian = 3600\nhealthy = perhaps\nnothing\nslow = 0.1\nslow = 0.2\n[OTHER]\n",
    );
    write("empty.ini", "; nothing\n");
    write("sum.ini", "[FLEET]\nfailed = 0.6\nsilent = 0.6\n");
    write("uncounted.ini", "[ALARM_CONFIG]\nalarmList =\n");
    let all: Vec<String> = [
        &["sample.ini", "--rollout", "faults.ini"][..],
        &["sample.ini", "--rollout", "empty.ini"],
        &["sample.ini", "--rollout", "sum.ini"],
        &["sample.ini", "--rollout", "sample.ini"],
        &["healthy.ini"],
        &["uncounted.ini"],
        &["sample.ini", "--failed", "1.5"],
        &["sample.ini", "--devices", "0"],
        &["sample.ini", "--compare", "sample.ini", "--against", "healthy.ini"],
        &["sample.ini", "--against", "healthy.ini"],
        &["--compare", "sample.ini"],
        &["--compare", "sample.ini", "--against", "healthy.ini", "--failed", "0.1"],
        &["--compare", "sample.ini", "--against", "healthy.ini", "--drift", "0.8-1.2"],
        &["--compare", "sample.ini", "uncounted.ini", "--against", "healthy.ini"],
        &["recommended.ini", "--devices", "10", "--runs", "1", "--report", "no/such/folder.html"],
        // Before the work begins: of what is missing as well, nothing is said.
        &["missing.ini", "--report", "."],
        &["--compare", "missing.ini", "--against", "healthy.ini", "--report", "no/folder.html"],
    ]
    .map(|arguments| shown(folder.path(), arguments))
    .into();
    assert!(
        all.iter().all(|text| text.starts_with("exit 2\n--- stdout\n--- stderr\nerror: ")),
        "{all:#?}"
    );
    insta::assert_snapshot!("faults", all.join("\n"));
}

#[test]
fn a_config_may_be_hostile() {
    let folder = folder();
    let name = "<script>alert('x')</script>";
    let text = fs::read_to_string(folder.path().join("sample.ini"))
        .unwrap()
        .replace("DownloadTimeUpperLimitAlarm", name);
    fs::write(folder.path().join("hostile.ini"), text).unwrap();
    let arguments = ["hostile.ini", "--devices", "200", "--runs", "2", "--report", "hostile.html"];
    assert_ne!(code(folder.path(), &arguments), 2);
    let page = fs::read_to_string(folder.path().join("hostile.html")).unwrap();
    assert!(!page.contains("<script") && page.contains("&lt;script&gt;"));
}

/// The paths of all values, such as `study.guards[].name`.
fn paths(value: &Value, path: &str, all: &mut BTreeSet<String>) {
    match value {
        // The same object in every command, with a page of its own.
        Value::Object(_) if path == "coverage" => drop(all.insert(path.to_owned())),
        Value::Object(fields) => {
            for (name, value) in fields {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                paths(value, &path, all);
            }
        }
        Value::Array(values) => {
            values.iter().for_each(|value| paths(value, &format!("{path}[]"), all))
        }
        Value::Null => {}
        _ => {
            all.insert(path.to_owned());
        }
    }
}

/// What the document has a row of a table for; parts that are the same everywhere have a table of
/// their own, and are written as `<study>`.
fn documented(text: &str, heading: &str) -> BTreeSet<String> {
    let section = text
        .split("\n### ")
        .find(|section| section.starts_with(heading))
        .unwrap_or_else(|| panic!("no {heading}"));
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    rows.flat_map(|path| match path.split_once('<') {
        Some((before, part)) => {
            let part = part.trim_end_matches('>');
            documented(text, part).into_iter().map(|path| format!("{before}{path}")).collect()
        }
        None => vec![path.to_owned()],
    })
    .collect()
}

#[test]
fn every_field_for_programs_is_documented_and_no_other() {
    let folder = folder();
    let text = fs::read_to_string(root().join("docs/guide/simulation.md")).unwrap();
    let mut found = BTreeSet::new();
    // A value that is there only if it is given.
    let topic = ["--stop-topic", "arn:aws:sns:us-east-1:111122223333:stop", "--output", "json"];
    let slow = ["sample.ini", "--rollout", "slow.ini", "--devices", "12000", "--runs", "20"];
    paths(&json(folder.path(), &with(&slow, &topic)), "", &mut found);
    let steady = ["sample.ini", "--steady", "100", "--slow", "0.5", "--runs", "1"];
    paths(&json(folder.path(), &with(&steady, &topic)), "", &mut found);
    paths(&json(folder.path(), &with(&FAILING, &["--output", "json"])), "", &mut found);
    with_evidence(folder.path(), "@email", LIMITS);
    paths(&json(folder.path(), &SLOW), "", &mut found);
    let default_guard = ["--default-guard", "FailureRateUpperLimit=9", "--devices", "60"];
    let one_run = ["--runs", "1", "--output", "json"];
    paths(&json(folder.path(), &with(&default_guard, &one_run)), "", &mut found);
    fs::write(folder.path().join("all.ini"), EVERY_CONDITION).unwrap();
    let all = ["evidence.ini", "--healthy", "all.ini", "--rollout", "all.ini", "--failed", "0.1"];
    paths(&json(folder.path(), &with(&all, &["--runs", "1", "--output", "json"])), "", &mut found);
    assert_eq!(found, documented(&text, "One rollout"));
    let mut found = BTreeSet::new();
    paths(&json(folder.path(), &with(&COMPARED, &topic)), "", &mut found);
    assert_eq!(found, documented(&text, "A comparison"));
}

/// The healthy column, of the fleet that is only slow by its times.
#[test]
fn a_healthy_fleet_is_an_everyday_one_unless_a_file_says_otherwise() {
    let folder = folder();
    let sample = ["sample.ini", "--devices", "12000", "--runs", "20"];
    let slow = with(&sample, &["--median", "999.2", "--sigma", "1"]);
    let value = json(folder.path(), &with(&slow, &["--output", "json"]));
    assert_eq!(value["healthy"], false);
    assert_eq!(value["healthyFleetFrom"], "default");
    assert_eq!(value["healthyFleet"]["download"]["median"], 323.5);
    assert_eq!(value["healthyFleet"]["failed"], 0.02);
    assert_eq!(value["study"]["stopped"]["share"], 1.0);
    // What the README says of the sample on the same fleet from a file.
    assert_eq!(value["healthyStudy"]["stopped"]["share"], 1.0);
    let text = shown(folder.path(), &slow);
    assert!(
        text.contains("STOPPED: `Down")
            && text.contains("\nA healthy fleet: an everyday one (2 % fail")
    );
    let plain = json(folder.path(), &with(&sample, &["--output", "json"]));
    assert_eq!((&plain["healthy"], &plain["healthyFleet"]["failed"]), (&true.into(), &0.02.into()));
    let named = with(&slow, &["--healthy", "healthy.ini", "--output", "json"]);
    let value = json(folder.path(), &named);
    assert_eq!(value["healthyFleetFrom"], "healthy.ini");
    assert_eq!(value["healthyFleet"]["download"]["median"], 323.5);
    let value = json(
        folder.path(),
        &with(&sample, &["--rollout", "healthy.ini", "--failed", "0.1", "--output", "json"]),
    );
    assert_eq!(
        (&value["healthy"], &value["healthyFleet"]["failed"]),
        (&false.into(), &0.02.into())
    );
    assert_eq!(value["healthyFleetFrom"], "healthy.ini");
}

/// What the documents say of the two rules of the sample, from the files and with the commands that
/// they name.
#[test]
fn the_documented_commands_give_the_documented_figures() {
    let folder = folder();
    // 72.6 % (72.0 to 73.2) of 20,000 hours; here it is 1,000.
    let hour = ["sample.ini", "--rollout", "steady.ini", "--devices", "6000"];
    let linear = with(
        &hour,
        &["--percentiles", "linear", "--runs", "1000", "--seed", "2", "--output", "json"],
    );
    let value = json(folder.path(), &linear);
    let fired = &value["study"]["guards"][0]["fired"];
    assert_eq!(value["healthy"], true);
    let bound = |name: &str| fired[name].as_f64().unwrap();
    assert!(bound("low") < 0.72 && 0.732 < bound("high"), "{fired}");
    // 17.8 % (17.1 to 18.6) of 10,000 rollouts.
    let small = ["sample.ini", "--rollout", "healthy.ini", "--devices", "2000"];
    let value = json(folder.path(), &with(&small, &["--runs", "1000", "--output", "json"]));
    let stopped = &value["study"]["guards"][1]["stopped"];
    let bound = |name: &str| stopped[name].as_f64().unwrap();
    assert!(bound("low") < 0.171 && 0.186 < bound("high"), "{stopped}");
    let text = fs::read_to_string(root().join("docs/guide/simulation.md")).unwrap();
    for command in [
        "examples/guards/sample.ini --rollout examples/rollouts/steady.ini --devices 6000 --percentiles linear",
        "examples/guards/sample.ini --rollout examples/rollouts/healthy.ini --devices 2000",
    ] {
        assert!(text.contains(&format!("tripline simulate {command}")), "{command}");
    }
}

#[test]
fn topics_that_are_named_by_their_arn() {
    let folder = folder();
    let sample = fs::read_to_string(folder.path().join("sample.ini")).unwrap();
    let stopper = "arn:aws:sns:us-east-1:111122223333:ota-force-stopper";
    let pager = "arn:aws:sns:us-east-1:111122223333:on-call";
    let write = |name: &str, topics: &str| {
        fs::write(folder.path().join(name), sample.replace("@email, @force-stop", topics)).unwrap();
    };
    write("stopper.ini", &format!("{pager}, {stopper}"));
    write("pager.ini", pager);
    let slow = |config: &'static str, more: &[&str]| {
        let slow = [config, "--slow", "0.5", "--slow-median", "5000", "--devices", "12000"];
        let output = run(folder.path(), &[&slow[..], &["--runs", "1"], more].concat());
        (output.code, output.stderr)
    };
    let taken = |config: &str, topic: &str, not: &str| {
        format!(
            "note: {config}: `{topic}` is taken {not}to stop the rollout, by its name (`--stop-topic` says which topic does)\n"
        )
    };
    let both =
        format!("{}{}", taken("stopper.ini", pager, "not "), taken("stopper.ini", stopper, ""));
    assert_eq!(slow("stopper.ini", &[]), (5, both));
    assert_eq!(slow("pager.ini", &[]), (0, taken("pager.ini", pager, "not ")));
    assert_eq!(slow("pager.ini", &["--stop-topic", pager]), (5, String::new()));
    assert_eq!(
        slow("pager.ini", &["--stop-topic", stopper]),
        (
            0,
            format!(
                "note: pager.ini: no alarm notifies `@force-stop` or `{stopper}`, so none stops the rollout\n"
            )
        )
    );
    assert_eq!(slow("pager.ini", &["--stop-topic", "on-call"]).0, 2);
}

#[test]
fn a_guard_that_only_observes_is_seen_to_fire() {
    let folder = folder();
    let slow = ["sample.ini", "--slow", "0.5", "--slow-median", "5000s", "--devices", "12000"];
    let slow = with(&slow, &["--failed", "0", "--median", "5m", "--sigma", "0.5"]);
    let observed = with(&slow, &["--stop-mode", "observe", "--runs", "10", "--report", "o.html"]);
    let text = shown(folder.path(), &observed);
    let row = |label: &str| text.lines().find(|line| line.starts_with(label)).unwrap().to_owned();
    assert!(row("stopped").contains(" 0 % (0 to 27.8)"), "{text}");
    assert!(row("fires").contains(" 100 % (72.2 to 100)"), "{text}");
    let page = fs::read_to_string(folder.path().join("o.html")).unwrap();
    assert!(page.contains(", fires<") && page.contains(">fires</th>"));
}

#[test]
fn what_is_compared_can_be_distinguished() {
    let folder = folder();
    for name in ["one", "two"] {
        fs::create_dir(folder.path().join(name)).unwrap();
        fs::copy(folder.path().join("sample.ini"), folder.path().join(name).join("dev.ini"))
            .unwrap();
    }
    let against = ["--against", "healthy.ini", "--devices", "100", "--runs", "1"];
    let compared = with(&["--compare", "one/dev.ini", "two/dev.ini", "--output", "json"], &against);
    let value = json(folder.path(), &compared);
    let guards = &value["comparison"][0]["guards"];
    assert_eq!(
        (&guards[0]["config"], &guards[1]["config"]),
        (&"one/dev".into(), &"two/dev".into())
    );
    let twice =
        shown(folder.path(), &with(&["--compare", "one/dev.ini", "one/../one/dev.ini"], &against));
    assert_eq!(
        twice,
        "exit 2\n--- stdout\n--- stderr\nerror: --compare: one/../one/dev.ini is given twice\n"
    );
}

/// What the sample's hints come to, one by one, on the rollouts that the repository has.
#[test]
fn no_hint_makes_the_sample_worse() {
    let folder = folder();
    let sample = fs::read_to_string(folder.path().join("sample.ini")).unwrap();
    let found = |config: &str, rollout: &str| {
        json(folder.path(), &[config, "--rollout", rollout, "--runs", "40", "--output", "json"])
    };
    for rollout in ["healthy.ini", "failing.ini", "slow.ini", "slow-tenth.ini", "silent.ini"] {
        let now = found("sample.ini", rollout);
        for advice in now["advice"].as_array().unwrap() {
            let hint = advice["hint"].as_str().unwrap();
            for changed in applied(&sample, advice["setting"].as_str().unwrap(), hint) {
                assert_ne!(changed, sample, "{hint}");
                fs::write(folder.path().join("changed.ini"), &changed).unwrap();
                is_no_worse(&now, &found("changed.ini", rollout), &format!("{rollout}: {hint}"));
            }
        }
    }
}

/// The sample with a hint, in each of the ways that it names.
fn applied(sample: &str, setting: &str, hint: &str) -> Vec<String> {
    let number = |text: &str| {
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        digits.parse::<u32>().unwrap()
    };
    match setting {
        "stat" if hint.starts_with("neither") => {
            assert!(hint.ends_with("examples/guards/recommended.ini"));
            vec![fs::read_to_string(root().join("examples/guards/recommended.ini")).unwrap()]
        }
        "stat" => hint
            .split(", or ")
            .map(|part| match part.strip_prefix("a period of ") {
                Some(period) => {
                    sample.replace("period = 60\n", &format!("period = {}\n", number(period)))
                }
                None => sample.replace("stat = p99", &format!("stat = {part}")),
            })
            .collect(),
        "period" => {
            vec![sample.replace("period = 60\n", &format!("period = {}\n", number(hint)))]
        }
        "baseRatePerMinute" => {
            let rate = number(hint.split("until").next().unwrap());
            vec![sample.replace("baseRatePerMinute = 100", &format!("baseRatePerMinute = {rate}"))]
        }
        "minNumberOfExecutedThings" => vec![sample.replace(
            "minNumberOfExecutedThings = 1\n",
            &format!("minNumberOfExecutedThings = {}\n", number(hint)),
        )],
        // With an abort criterion on timeouts, as the hint says.
        "inProgressTimeoutInMinutes" => vec![
            sample
                .replace("useTimeoutConfig = False", "useTimeoutConfig = True")
                .replace("inProgressTimeoutInMinutes = 60", "inProgressTimeoutInMinutes = 75"),
        ],
        other => panic!("no hint for {other} is applied here"),
    }
}

/// No false stop more, no stop of a faulty fleet less, and there no more devices with the firmware
/// but for a fiftieth of the fleet: a guard that stops by chance stops some too soon.
fn is_no_worse(now: &Value, then: &Value, what: &str) {
    let stops = |value: &Value, study: &str| value[study]["stopped"]["share"].as_f64().unwrap();
    let exposed = |value: &Value| value["study"]["exposed"]["p50"]["value"].as_f64().unwrap();
    if now["healthy"] == true {
        return assert!(stops(then, "study") <= stops(now, "study"), "{what}");
    }
    assert!(stops(then, "healthyStudy") <= stops(now, "healthyStudy"), "{what}");
    assert!(stops(then, "study") >= stops(now, "study"), "{what}");
    let (before, after) = (exposed(now), exposed(then));
    assert!(after <= before + 0.02 * 24_000.0, "{what}: {before} became {after}");
}

/// Every condition that there is.
const EVERY_CONDITION: &str = "[FLEET]
failed-after = 60
failed-after-sigma = 0.1
rejected-after = 30
rejected-after-sigma = 0.2
offline = 0.01
offline-median = 7200
offline-sigma = 0.3
outage = 30-45
drift = 0.8-1.2
drift-failed = 0.01-0.03
drift-silent = 0-0.005
slow-first = True
";

#[test]
fn what_befalls_a_rollout_is_what_its_file_says() {
    let folder = folder();
    fs::write(folder.path().join("all.ini"), EVERY_CONDITION).unwrap();
    let arguments = ["sample.ini", "--rollout", "all.ini", "--runs", "1", "--output", "json"];
    let fleet = &json(folder.path(), &arguments)["fleet"];
    let range = |from: f64, to: f64| serde_json::json!({"from": from, "to": to});
    assert_eq!(fleet["failedAfter"], serde_json::json!({"median": 60.0, "sigma": 0.1}));
    assert_eq!(fleet["rejectedAfter"], serde_json::json!({"median": 30.0, "sigma": 0.2}));
    assert_eq!(fleet["offline"]["share"], 0.01);
    assert_eq!(fleet["offline"]["time"], serde_json::json!({"median": 7200.0, "sigma": 0.3}));
    assert_eq!(fleet["outage"], range(30.0, 45.0));
    assert_eq!(fleet["drift"]["time"], range(0.8, 1.2));
    assert_eq!(fleet["drift"]["failed"], range(0.01, 0.03));
    assert_eq!(fleet["drift"]["silent"], range(0.0, 0.005));
    assert_eq!(fleet["slowFirst"], true);
    let bad = "[FLEET]\ndrift = 1.2-0.8\noutage = 30\ndrift-failde = 0-1\nslow-first = perhaps\n";
    fs::write(folder.path().join("bad.ini"), bad).unwrap();
    let fault = shown(folder.path(), &["sample.ini", "--rollout", "bad.ini"]);
    for part in [
        "line 2: drift: `1.2-0.8` is no range",
        "line 3: outage: `30` is no range",
        "line 4: unknown key `drift-failde`\n  hint: did you mean `drift-failed`?",
        "line 5: slow-first: `perhaps` is neither",
    ] {
        assert!(fault.contains(part), "{part}: {fault}");
    }
}

/// What the README and the example say of every named rollout: it is one that can be read, and that is
/// healthy by its name or faulty.
#[test]
fn every_named_rollout_is_read_and_those_within_the_limits_are_healthy() {
    let folder = folder();
    let mut seen = 0;
    for file in fs::read_dir(root().join("examples/rollouts")).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        let arguments = ["sample.ini", "--rollout", &name, "--devices", "20", "--runs", "1"];
        let value = json(folder.path(), &with(&arguments, &["--output", "json"]));
        let faulty = ["failing.", "failing-a", "failing-fast", "silent", "slow", "retried"];
        let is_faulty = faulty.iter().any(|part| name.starts_with(part));
        assert_eq!(value["healthy"], !is_faulty, "{name}");
        seen += 1;
    }
    assert!(seen > 25, "{seen}");
}

/// A slow rollout with a timeout, that nothing but evidence guards before.
fn with_evidence(folder: &Path, topics: &str, limits: &str) -> String {
    let config = format!(
        "[DEFAULT]\ndeviceCount = 3000\nuseJobExecutionsRolloutConfig = True\n[JOB_EXECUTE_ROLLOUT_CONFIG]\n\
         maximumPerMinute = 50\n[ALARM_CONFIG]\nalarmList =\n[EVIDENCE_CONFIG]\nuseEvidence = True\n{limits}\n\
         snsTopics = {topics}\n"
    );
    fs::write(folder.join("evidence.ini"), &config).unwrap();
    config
}

const SLOW: [&str; 9] =
    ["evidence.ini", "--median", "1800", "--sigma", "0.6", "--runs", "10", "--output", "json"];
const LIMITS: &str = "unfinishedLimits = 22:35, 45:7";

#[test]
fn evidence_stops_a_slow_rollout_and_says_which_limit_spoke() {
    let folder = folder();
    with_evidence(folder.path(), "@email, @force-stop", LIMITS);
    assert_eq!(code(folder.path(), &SLOW), 5);
    let value = json(folder.path(), &SLOW);
    assert_eq!(value["stop"]["guard"], "evidence");
    let reason = value["stop"]["reason"].as_str().unwrap();
    assert!(
        reason.contains("unfinished; at most 35 % may be (declared). At most 1 in 100"),
        "{reason}"
    );
    let evidence = &value["evidence"];
    assert_eq!((&evidence["threshold"], &evidence["stops"]), (&2.0.into(), &true.into()));
    assert!(evidence["highest"].as_f64().unwrap() >= 2.0);
    let minutes: Vec<f64> = evidence["minutes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|value| value.as_f64().unwrap())
        .collect();
    assert!(minutes.windows(2).all(|pair| pair[0] <= pair[1]), "{minutes:?}");
    assert_eq!(value["study"]["guards"][0]["stopped"]["share"], 1.0);
    assert_eq!(value["healthyStudy"]["stopped"]["share"], 0.0);
    let text = shown(
        folder.path(),
        &with(&SLOW[..7], &["--chart", "always", "--report", "evidence.html"]),
    );
    let brief = evidence["brief"].as_str().unwrap();
    assert!(brief.contains(" min: ") && text.matches(brief).count() == 2, "{text}");
    let page = fs::read_to_string(folder.path().join("evidence.html")).unwrap();
    assert!(page.contains(&format!(">{brief}. At 1, at most")) && page.contains("stops at 2"));
}

#[test]
fn evidence_without_the_force_stop_topic_only_alerts() {
    let folder = folder();
    with_evidence(folder.path(), "@email", LIMITS);
    let value = json(folder.path(), &SLOW);
    assert_eq!((&value["stopped"], &value["evidence"]["stops"]), (&false.into(), &false.into()));
    assert_eq!(value["study"]["guards"][0]["fired"]["share"], 1.0);
    assert!(shown(folder.path(), &SLOW[..7]).contains("(it alerts, and stops nothing)"));
}

#[test]
fn without_the_keeper_evidence_sees_nothing() {
    let folder = folder();
    with_evidence(folder.path(), "@force-stop", LIMITS);
    let value = json(folder.path(), &with(&SLOW, &["--keeper-dead"]));
    assert_eq!((&value["stopped"], &value["keeperDead"]), (&false.into(), &true.into()));
    assert!(value["evidence"].is_null() && value["study"]["guards"].as_array().unwrap().is_empty());
    let text = shown(folder.path(), &with(&SLOW[..7], &["--keeper-dead"]));
    assert!(
        text.contains("\n  The guard-keeper is dead: evidence and the failure rate see nothing."),
        "{text}"
    );
}

#[test]
fn limits_that_cannot_be_are_named_and_small_rollouts_are_advised() {
    let folder = folder();
    with_evidence(folder.path(), "@email", "unfinishedLimits = 60:3, 30:5");
    let fault = shown(folder.path(), &SLOW);
    assert!(
        fault.contains(
            "error: evidence.ini:10: `[EVIDENCE_CONFIG]`: unfinishedLimits: 30 minutes after 60"
        ),
        "{fault}"
    );
    with_evidence(folder.path(), "@email", "baseline = none.json");
    let fault = shown(folder.path(), &SLOW);
    assert!(fault.contains("baseline: none.json: cannot be read"), "{fault}");
    with_evidence(folder.path(), "@email", LIMITS);
    let value = json(folder.path(), &with(&SLOW, &["--devices", "3"]));
    let advice = value["advice"].as_array().unwrap();
    let settings: Vec<_> = advice.iter().map(|advice| &advice["setting"]).collect();
    assert_eq!(settings, ["unfinishedLimits", "unfinishedLimits"]);
}

/// A release in waves: an early one that is large enough for a verdict, and the rest.
fn waves() -> TempDir {
    let folder = folder();
    let plan = "[WAVES]\nwaveList = bench, early, rest\n[WAVE_bench]\ndevices = 5\ntolerance = 40\n[WAVE_early]\ndevices = 1200\nrate = 100\nbake = 2h\ntolerance = 6\n[WAVE_rest]\nrest = True\nrate = 100\nbake = 2h\ntolerance = 6\n";
    let text = fs::read_to_string(folder.path().join("recommended.ini")).unwrap();
    fs::write(folder.path().join("waves.ini"), text + "\n" + plan).unwrap();
    folder
}

#[test]
fn a_release_in_waves_is_run_wave_by_wave() {
    let folder = waves();
    let of = |more: &[&str]| {
        let usual = ["waves.ini", "--devices", "2500", "--runs", "20", "--output", "json"];
        json(folder.path(), &[&usual[..], more].concat())
    };
    let good = of(&["--failed", "0.01", "--median", "400", "--healthy", "healthy.ini"]);
    let release = &good["release"];
    let names: Vec<_> = release["waves"].as_array().unwrap().iter().map(|it| &it["name"]).collect();
    assert_eq!(names, ["bench", "early", "rest"]);
    assert_eq!(release["waves"][2]["devices"], 1_295);
    assert_eq!(release["waves"][0]["opened"]["runs"], 0, "5 devices are too few");
    assert!(release["opened"]["runs"].as_u64() >= Some(18), "{release}");
    assert!(release["asked"].as_f64() >= Some(1.0), "{release}");
    let bad = of(&["--failed", "0.2"]);
    assert_eq!(bad["release"]["opened"]["runs"], 0, "{bad}");
    assert_eq!(bad["release"]["letThrough"]["runs"], 0, "{bad}");
    assert!(bad["release"]["exposedAtStop"]["p95"]["value"].as_f64() <= Some(1_205.0), "{bad}");
    assert_eq!(
        code(folder.path(), &["waves.ini", "--devices", "2500", "--runs", "20", "--failed", "0.2"]),
        5
    );
}

#[test]
fn a_release_in_waves_is_said_in_words() {
    let folder = waves();
    let arguments = ["waves.ini", "--devices", "2500", "--runs", "10", "--failed", "0.2"];
    insta::assert_snapshot!("waves", shown(folder.path(), &arguments));
    let few = run(folder.path(), &["waves.ini", "--devices", "1000", "--runs", "10"]);
    assert_eq!(few.code, 2);
    assert!(
        few.stderr.contains("`[WAVE_early]`: devices: 1200 devices, and 995 of 1000 are left"),
        "{few}"
    );
}
