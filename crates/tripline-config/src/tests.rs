mod faults;
mod unsuccessful_rate;

use proptest::prelude::*;

use tripline::alarm::{Limit, MissingData, Topic};
use tripline::faults::{Faults, MAX_FAULTS};
use tripline::job::JobId;

use super::*;

/// The whole shape of a deployment tool's `dev.ini`.
const EXAMPLE: &str = include_str!("tests/manual.ini");

/// An alarm without a fault; its section is line 3, `namespace` line 4, `snsTopics` line 12.
const ALARM: &str = "\
[ALARM_CONFIG]
alarmList = slow
[ALARM_CONFIG_slow]
namespace = IoT:OTA:JobExecution
metricName = downloadTime
stat = p99
period = 60
threshold = 3600
alarmType = upper
evaluationPeriods = 5
datapointsToAlarm = 3
snsTopics = @email
";

fn parse(text: &str) -> Result<AlarmConfig, Faults> {
    AlarmConfig::parse("dev.ini", text)
}

/// `ALARM` with one key's line replaced by other lines.
fn with(key: &str, lines: &str) -> String {
    let mut text = String::new();
    for line in ALARM.lines() {
        text += if line.starts_with(key) { lines } else { line };
        text += "\n";
    }
    text
}

fn faults(text: &str) -> Vec<String> {
    let faults = parse(text).unwrap_err();
    faults
        .faults
        .iter()
        .map(|fault| format!("{}: {}", fault.line.unwrap_or(0), fault.text))
        .collect()
}

fn hints(text: &str) -> Vec<String> {
    parse(text).unwrap_err().faults.into_iter().filter_map(|fault| fault.hint).collect()
}

#[test]
fn a_config_of_the_deployment_tool_is_read_whole() {
    let config = parse(EXAMPLE).unwrap();
    assert_eq!(config.job, JobId::new("fw-2-1").ok());
    assert_eq!(config.region.as_deref(), Some("us-east-1"));
    assert_eq!(config.unlisted, Vec::<String>::new());
    let [slow, failures] = &config.alarms[..] else { unreachable!("{:?}", config.alarms) };
    assert_eq!(slow.name.as_str(), "SlowDownloads");
    assert_eq!(
        (slow.metric.as_str(), slow.statistic.to_string()),
        ("downloadTime", "p90".to_owned())
    );
    assert_eq!((slow.period.seconds(), slow.threshold, slow.limit), (60, 3_600.0, Limit::Upper));
    assert_eq!(
        (slow.evaluation.datapoints_to_alarm(), slow.evaluation.evaluation_periods()),
        (3, 5)
    );
    assert_eq!((slow.missing_data, slow.min_samples), (MissingData::NotBreaching, None));
    assert_eq!(slow.topics, [Topic::Email, Topic::ForceStop]);
    assert_eq!(failures.metric, "failedCount");
}

#[test]
fn an_alarm_may_watch_what_the_keeper_counts() {
    for metric in tripline::metric::KeptMetric::ALL {
        let text = with("metricName", &format!("metricName = {}", metric.name()))
            .replace("stat = p99", "stat = Maximum")
            .replace("threshold = 3600", "threshold = 0");
        assert_eq!(parse(&text).unwrap().alarms[0].metric, metric.name());
    }
}

#[test]
fn keys_and_words_are_read_without_regard_to_case() {
    let shouted: String = ALARM
        .lines()
        .map(|line| match line.split_once(" = ") {
            Some((key, value)) => format!("{} = {value}\n", key.to_uppercase()),
            None => format!("{line}\n"),
        })
        .collect();
    let shouted =
        shouted.replace("upper", "UPPER").replace("p99", "P99").replace("@email", "@EMAIL");
    assert_eq!(parse(&shouted), parse(ALARM));
}

#[test]
fn alarms_inherit_from_default() {
    let text = format!("[DEFAULT]\nJobId = fw\nPERIOD = 300\nstat = Sum\n{}", with("period", ""));
    let config = parse(&text).unwrap();
    assert_eq!(config.alarms[0].period.seconds(), 300);
    assert_eq!(config.alarms[0].statistic.to_string(), "p99", "its own goes first");
    assert_eq!(config.job, JobId::new("fw").ok());
}

#[test]
fn an_empty_list_switches_the_alarms_off() {
    let config = parse(&with("alarmList", "alarmList =")).unwrap();
    assert_eq!((config.alarms, config.unlisted), (vec![], vec!["slow".to_owned()]));
    assert_eq!(parse("").unwrap().alarms, []);
}

#[test]
fn the_default_guard_stands_beside_the_alarms_unless_the_config_says_otherwise() {
    for (line, expected) in
        [("", true), ("defaultGuard = True", true), ("DefaultGuard = no", false)]
    {
        let text = with("alarmList", &format!("alarmList = slow\n{line}"));
        assert_eq!(parse(&text).unwrap().default_guard, expected, "{line}");
    }
    assert!(parse("").unwrap().default_guard);
    let text = with("alarmList", "alarmList = slow\ndefaultGuard = never");
    assert_eq!(
        faults(&text),
        ["3: `[ALARM_CONFIG]`: defaultGuard cannot be `never` (expected True or False)"]
    );
    let text = with("alarmList", "alarmList = slow\ndefaultGard = False");
    assert_eq!(hints(&text), ["did you mean `defaultGuard`?"]);
}

#[test]
fn extras_are_read() {
    let text = with(
        "snsTopics",
        "snsTopics = @sms,\n  @sms,\n\n  arn:aws:sns:us-east-1:111122223333:x\nminSamples = 20\ntreatMissingData = IGNORE",
    );
    let alarm = &parse(&text).unwrap().alarms[0];
    assert_eq!(alarm.topics.len(), 2);
    assert_eq!(alarm.min_samples.map(tripline::alarm::MinSamples::get), Some(20));
    assert_eq!(alarm.missing_data, MissingData::Ignore);
}

#[test]
fn what_is_too_much_is_cut_short() {
    let long = "x".repeat(MAX_FILE_BYTES + 1);
    assert_eq!(faults(&long), ["0: 1000001 bytes long (expected at most 1000000)"]);

    let names: Vec<_> = (0..5_000).map(|n| format!("a{n}")).collect();
    let many = format!("[ALARM_CONFIG]\nalarmList = {}\n", names.join(","));
    let found = parse(&many).unwrap_err();
    assert_eq!((found.faults.len(), found.more), (MAX_FAULTS, 1));
    assert!(found.to_string().ends_with("\n  .. and 1 more"));

    // Words as long as the file, beside words as long as the file.
    let word = "x".repeat(MAX_FILE_BYTES / 3);
    let text = format!("[ALARM_CONFIG]\nalarmList = {word}\n[ALARM_CONFIG_{word}y]\n");
    assert!(parse(&text).unwrap_err().to_string().len() < 1_000);
}

#[test]
fn a_hundred_thousand_sections_take_no_minutes() {
    let text: String = (0..100_000).map(|n| format!("[{n}]\n")).collect();
    assert_eq!(parse(&text).unwrap().alarms, []);
}

/// Texts that get far into the parser.
fn config_like() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("[ALARM_CONFIG]".to_owned()),
        Just("[ALARM_CONFIG_a]".to_owned()),
        Just("[DEFAULT]".to_owned()),
        Just("alarmList = a, b".to_owned()),
        Just("stat = p99".to_owned()),
        Just("period = %(stat)s".to_owned()),
        Just("snsTopics = @email".to_owned()),
        Just("  , @sms".to_owned()),
        Just(String::new()),
        Just("%(".to_owned()),
        Just("]".to_owned()),
        Just("\u{feff}[a] x".to_owned()),
        ".{0,12}",
        "\\PC{0,6}[=:]\\PC{0,6}",
    ];
    proptest::collection::vec(word, 0..24).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_with_lines_that_exist(text in prop_oneof![any::<String>(), config_like()]) {
        if let Err(found) = parse(&text) {
            prop_assert!(!found.faults.is_empty());
            for fault in &found.faults {
                let line = fault.line.unwrap_or(1);
                prop_assert!((1..=text.lines().count()).contains(&line), "{fault:?}");
            }
            prop_assert!(found.to_string().starts_with("dev.ini:"));
        }
    }

    #[test]
    fn one_changed_character_never_disarms_in_silence(at in 0..ALARM.len(), by in any::<char>()) {
        let mut text: Vec<char> = ALARM.chars().collect();
        text[at] = by;
        if let Ok(config) = parse(&text.into_iter().collect::<String>()) {
            prop_assert!(!config.alarms.is_empty());
        }
    }
}
