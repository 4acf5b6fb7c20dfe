//! A `dev.ini`, beside what Python's `configparser` makes of it.

use tripline::faults::Faults;
use tripline_config::{
    AlarmConfig, DeployConfig, FileNames, GuardConfig, Setting, default_value, parse_everything,
    parse_evidence, parse_rollout, parse_waves, text_of, text_of_evidence, with_settings,
};

use super::super::said::{FILE, is_fit};
use super::super::{Shape, Target, configparser};

pub(super) const TARGET: Target = Target {
    name: "dev-ini",
    shape: Shape::Lines,
    seeds: &[
        "examples/demo.ini",
        "examples/dev.ini",
        "examples/guards",
        "examples/rollouts",
        "examples/waves/dev.ini",
        "crates/tripline-config/src/tests/manual.ini",
        "crates/tripline-config/src/tests/whole.ini",
    ],
    words: &[
        "[DEFAULT]",
        "[a]",
        "[ALARM_CONFIG]",
        "]",
        "=",
        ":",
        " = ",
        ";",
        "#",
        "%%",
        "%",
        "%(jobId)s",
        "%(a)s",
        "%()s",
        "a = %(b)s",
        "b = %(a)s",
        "a = b",
        "  a = b",
        "a",
        "=a",
        "[]",
        "[ a ]",
        "[a] b",
        "[a]]",
        "True",
        "no",
        "@email",
        "@force-stop",
        "60:3",
        "p99.9",
        "\n\n",
        "\n  b\n",
        "\r  b",
        "\u{feff}[a]",
    ],
    check,
};

/// The name that messages call the file by.
const NAME: &str = "dev.ini";

/// What Tripline refuses on purpose, though `configparser` reads it: part of a fault, and why.
const REFUSED: [(&str, &str); 7] = [
    (
        "is indented, so that it is part of the value",
        "a key or a section that was indented by mistake",
    ),
    (
        "section `[DEFAULT]` is there already",
        "`configparser` takes `[DEFAULT]` twice, and no other section",
    ),
    (
        "has blanks inside its brackets",
        "`configparser` keeps them in the section's name, so that nobody finds it",
    ),
    ("is a section without a name", "`[] = a` is a key to `configparser`"),
    ("a carriage return stands within", "editors show one line where `configparser` reads two"),
    ("makes it too long", "references multiply without end"),
    ("bytes long (expected at most", "a file that is none"),
];

fn check(input: &[u8]) {
    // Every command says of other bytes where they are, and reads no further.
    let Ok(text) = std::str::from_utf8(input) else { return };
    is_read_as_by_python(text);
    let alarms = twice(|| AlarmConfig::parse(NAME, text));
    if let Ok(config) = alarms {
        let written = text_of(&config.alarms, config.default_guard);
        let read = AlarmConfig::parse("written", &written).map_err(|faults| faults.to_string());
        let read = read.map(|read| (read.alarms, read.default_guard));
        assert_eq!(read, Ok((config.alarms, config.default_guard)), "written and read: {written}");
    }
    if let Ok(Some(config)) = twice(|| parse_evidence(NAME, text)) {
        let written = text_of_evidence(&config);
        let read = parse_evidence("written", &written)
            .unwrap_or_else(|faults| panic!("{faults}\n{written}"));
        let again = read.as_ref().map(text_of_evidence);
        assert_eq!(again.as_ref(), Some(&written), "written and read");
    }
    let _ = twice(|| GuardConfig::parse(NAME, text));
    let _ = twice(|| DeployConfig::parse(NAME, text));
    let _ = twice(|| parse_rollout(NAME, text));
    let _ = twice(|| parse_waves(NAME, text));
    let _ = FileNames::find(text);
    a_setting_is_read_back(text);
}

/// Reads it twice the same way, and says what is wrong with it in a way that can be shown.
fn twice<T: PartialEq + std::fmt::Debug>(
    read: impl Fn() -> Result<T, Faults>,
) -> Result<T, Faults> {
    let first = read();
    assert_eq!(first, read(), "read twice");
    if let Err(faults) = &first {
        is_fit(&faults.to_string(), FILE);
    }
    first
}

/// Each value is the text that `configparser` reads, or is refused on purpose.
fn is_read_as_by_python(text: &str) {
    let ours = twice(|| parse_everything(NAME, text));
    let Some(theirs) = configparser::read(text) else { return };
    let is_on_purpose = |fault: &str| REFUSED.iter().any(|(part, _)| fault.contains(part));
    let ours = match ours {
        Ok(ours) => ours,
        Err(Faults { faults, .. }) => {
            // Those behind the first may follow from it.
            let odd = faults.first().filter(|fault| !is_on_purpose(&fault.text));
            assert!(odd.is_none(), "refused, and read by configparser: {odd:?}");
            return;
        }
    };
    let nothing = Default::default();
    for (section, values) in &theirs {
        // It always has this one.
        let ours = match ours.get(section) {
            None if section == "DEFAULT" => &nothing,
            found => found.unwrap_or_else(|| panic!("[{section:?}] is read by configparser alone")),
        };
        assert!(
            values.keys().eq(ours.keys()),
            "[{section}]: {:?}, {:?}",
            ours.keys(),
            values.keys()
        );
        for (key, value) in values {
            match (value, &ours[key]) {
                (Some(value), Ok(ours)) => assert_eq!(ours, value, "[{section}] {key}"),
                (Some(_), Err(fault)) => {
                    assert!(is_on_purpose(&fault.text), "[{section}] {key}: {fault:?}")
                }
                (None, Ok(ours)) => {
                    panic!("[{section}] {key}: {ours:?} is refused by configparser")
                }
                (None, Err(_)) => {}
            }
        }
    }
    assert!(ours.keys().all(|section| theirs.contains_key(section)), "{:?}", ours.keys());
}

/// A key that is set has its value afterwards, and what else there is stays.
fn a_setting_is_read_back(text: &str) {
    let setting: Setting = "jobId=fuzzed".parse().unwrap();
    let Ok(edited) = with_settings(text, &[setting]) else { return };
    // In a file with faults, which of two keys counts is nobody's to say.
    let Ok(before) = parse_everything(NAME, text) else { return };
    assert_eq!(default_value(&edited, "jobId").as_deref(), Some("fuzzed"));
    let after =
        parse_everything(NAME, &edited).unwrap_or_else(|faults| panic!("{faults}\n{edited}"));
    assert!(before.keys().eq(after.keys()), "{edited}");
    for (section, values) in before {
        let after = &after[&section];
        let is_set = |key: &str| key == "jobid";
        assert!(after.keys().all(|key| is_set(key) || values.contains_key(key)), "{edited}");
        for (key, value) in values.iter().filter(|(key, _)| !is_set(key)) {
            let after = after.get(key).map(|value| value.as_ref().ok());
            // Its value may refer to the key that was set.
            assert!(after == Some(value.as_ref().ok()) || text.contains("%("), "{key}: {edited}");
        }
    }
}
