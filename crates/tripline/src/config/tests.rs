#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use proptest::prelude::*;

use super::*;
use crate::alarm::{Limit, MissingData, Topic};

/// The whole shape of a deployment tool's `dev.ini`.
const EXAMPLE: &str = include_str!("../../../../examples/dev.ini");

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
    faults.faults.iter().map(|fault| format!("{}: {}", fault.line.unwrap_or(0), fault.text)).collect()
}

fn hints(text: &str) -> Vec<String> {
    parse(text).unwrap_err().faults.into_iter().filter_map(|fault| fault.hint).collect()
}

#[test]
fn the_example_is_read_whole() {
    let config = parse(EXAMPLE).unwrap();
    assert_eq!(config.job, JobId::new("fw-2-1").ok());
    assert_eq!(config.region.as_deref(), Some("us-east-1"));
    assert_eq!(config.unlisted, Vec::<String>::new());
    let [slow, failures] = &config.alarms[..] else { unreachable!("{:?}", config.alarms) };
    assert_eq!(slow.name.as_str(), "SlowDownloads");
    assert_eq!((slow.metric.as_str(), slow.statistic.to_string()), ("downloadTime", "p90".to_owned()));
    assert_eq!((slow.period.seconds(), slow.threshold, slow.limit), (60, 3_600.0, Limit::Upper));
    assert_eq!((slow.evaluation.datapoints_to_alarm(), slow.evaluation.evaluation_periods()), (3, 5));
    assert_eq!((slow.missing_data, slow.min_samples), (MissingData::NotBreaching, None));
    assert_eq!(slow.topics, [Topic::Email, Topic::ForceStop]);
    assert_eq!(failures.metric, "failedCount");
}

#[test]
fn placeholders_for_topics_are_faults_and_nothing_else_is() {
    let upper = "arn:aws:sns:<region>:<account>:mail,arn:aws:sns:<region>:<account>:phone";
    let lower = "arn:aws:sns:<region>:<account>:stopper";
    let text = EXAMPLE
        .replacen("@email, @force-stop", upper, 1)
        .replacen("@email, @force-stop", lower, 1)
        .replace("fw-2-1", "<the job>");
    let line = |topics| text.lines().position(|line| line.ends_with(topics)).unwrap() + 1;
    let found = parse(&text).unwrap_err();
    let lines: Vec<_> = found.faults.iter().filter_map(|fault| fault.line).collect();
    assert_eq!(lines, [line(upper), line(upper), line(lower)]);
    assert_eq!(
        found.faults[2].text,
        "alarm `Failures`: unknown topic `arn:aws:sns:<region>:<account>:stopper` in snsTopics (expected `@email`, `@sms`, `@force-stop` or the ARN of a standard SNS topic)"
    );
}

#[test]
fn every_kind_of_fault_says_where_what_and_what_was_expected() {
    for (key, lines, expected) in [
        ("namespace", "", "3: alarm `slow`: missing key `namespace` (expected a CloudWatch namespace)"),
        ("namespace", "namespace = :a", "4: alarm `slow`: unknown namespace `:a` (expected a CloudWatch namespace)"),
        ("namespace", "namespace = a\n  b", "4: alarm `slow`: unknown namespace `a?b` (expected a CloudWatch namespace)"),
        ("namespace", "namespace = iot:ota:jobexecution", "4: alarm `slow`: namespace `iot:ota:jobexecution` is not Tripline's"),
        ("metricName", "metricName =", "5: alarm `slow`: unknown metricName `` (expected a metric's name)"),
        ("metricName", "metricName = downloadtime", "5: alarm `slow`: unknown metricName `downloadtime` (expected one of downloadTime, retryCount, succeededCount, failedCount, rejectedCount, timedOutCount, canceledCount, removedCount, invalidDetailCount)"),
        ("stat", "stat = p100.1", "6: alarm `slow`: unknown stat `p100.1` (expected `SampleCount`, `Average`, `Sum`, `Minimum`, `Maximum` or `p0.0` to `p100`)"),
        ("period", "period = 90", "7: alarm `slow`: unknown period `90` (expected 10, 20, 30 or a multiple of 60, in seconds)"),
        ("period", "period = 30", "7: alarm `slow`: period 30 is shorter than a minute, by which `IoT:OTA:JobExecution` is published (expected a multiple of 60)"),
        ("period", "period = 86460", "10: alarm `slow`: evaluationPeriods 5 x period 86460 is 432300 seconds (expected at most 604800)"),
        ("threshold", "threshold = nan", "8: alarm `slow`: unknown threshold `nan` (expected a number)"),
        ("threshold", "threshold = 1e999", "8: alarm `slow`: unknown threshold `1e999` (expected a number)"),
        ("alarmType", "alarmType = Upperr", "9: alarm `slow`: unknown alarmType `Upperr` (expected `upper` or `lower`)"),
        ("evaluationPeriods", "evaluationPeriods = 0", "10: alarm `slow`: unknown evaluationPeriods `0` (expected a whole number from 1)"),
        ("datapointsToAlarm", "datapointsToAlarm = 6", "11: alarm `slow`: datapointsToAlarm 6 is more than evaluationPeriods 5"),
        ("datapointsToAlarm", "datapointsToAlarm = 2.5", "11: alarm `slow`: unknown datapointsToAlarm `2.5` (expected a whole number from 1)"),
        ("snsTopics", "", "3: alarm `slow`: missing key `snsTopics` (expected `@email`, `@sms`, `@force-stop` or the ARN of a standard SNS topic)"),
        ("snsTopics", "snsTopics =", "12: alarm `slow`: snsTopics is empty, so that nobody is told (expected `@email`, `@sms`, `@force-stop` or the ARN of a standard SNS topic)"),
        ("snsTopics", "snsTopics = @mail", "12: alarm `slow`: unknown topic `@mail` in snsTopics (expected `@email`, `@sms`, `@force-stop` or the ARN of a standard SNS topic)"),
        ("snsTopics", "snsTopics = @email\nminSamples = 0", "13: alarm `slow`: unknown minSamples `0` (expected a whole number from 1)"),
        ("snsTopics", "snsTopics = @email\ntreatMissingData = good", "13: alarm `slow`: unknown treatMissingData `good` (expected `missing`, `ignore`, `breaching` or `notBreaching`)"),
        ("snsTopics", "snsTopics = @email\ncolour = red", "13: alarm `slow`: unknown key `colour`"),
        ("snsTopics", "snsTopics = %(nobody)s", "12: `snsTopics`: `%(nobody)s` names no key"),
        ("alarmList", "", "1: `[ALARM_CONFIG]`: missing key `alarmList` (expected names separated by commas, or nothing)"),
        ("alarmList", "alarmList = slow, slow", "2: alarmList: `slow` is named twice"),
        ("alarmList", "alarmList = slow\ncolour = red", "3: `[ALARM_CONFIG]`: unknown key `colour`"),
        ("alarmList", "alarmList = other", "2: alarmList: `other` has no section `[ALARM_CONFIG_other]`"),
        ("[ALARM_CONFIG]", "[ALARM_CONFG]", "1: unknown section `[ALARM_CONFG]`"),
        ("[ALARM_CONFIG]", "[OTHER]", "3: alarm `slow` is described, but there is no `[ALARM_CONFIG]` section that lists it"),
    ] {
        let text = with(key, lines);
        assert_eq!(faults(&text), [expected], "{lines}");
    }
}

#[test]
fn six_topics_are_too_many() {
    let arns: Vec<_> = (0..6).map(|n| format!("arn:aws:sns:us-east-1:111122223333:t{n}")).collect();
    let text = with("snsTopics", &format!("snsTopics = {}", arns.join(", ")));
    assert_eq!(faults(&text), ["12: alarm `slow`: 6 topics in snsTopics (expected at most 5)"]);
}

#[test]
fn a_name_may_be_too_long() {
    let name = "x".repeat(101);
    let text = ALARM.replace("slow", &name);
    assert!(faults(&text)[0].ends_with("too long or with control characters (expected 1 to 100 characters)"));
}

#[test]
fn hints_name_what_was_probably_meant() {
    for (key, lines, hint) in [
        ("metricName", "metricName = downloadtime", "did you mean `downloadTime`?"),
        ("namespace", "namespace = IoT:OTA:JobExecutions", "did you mean `IoT:OTA:JobExecution`?"),
        ("snsTopics", "snsTopics = @force-stopp", "did you mean `@force-stop`?"),
        ("snsTopics", "snsTopics = @email\ndatapointToAlarm = 3", "did you mean `datapointsToAlarm`?"),
        ("alarmList", "alarmList = slo", "did you mean `slow`?"),
        ("alarmList", "alarmList = slow\nalarmLst = slow", "did you mean `alarmList`?"),
        ("[ALARM_CONFIG]", "[ALARM_CONFG]", "did you mean `[ALARM_CONFIG]`?"),
        ("[ALARM_CONFIG]", "[DEFAULT]\nthresold = 3\n[ALARM_CONFIG]", "did you mean `threshold`?"),
    ] {
        assert_eq!(hints(&with(key, lines)), [hint], "{lines}");
    }
}

#[test]
fn all_faults_come_at_once_in_the_order_of_their_lines() {
    let text = with("alarmType", "alarmType = Upperr").replace("p99", "median").replace("@email", "@mail");
    assert_eq!(
        parse(&text).unwrap_err().to_string(),
        "dev.ini: 3 faults
  line 6: alarm `slow`: unknown stat `median` (expected `SampleCount`, `Average`, `Sum`, `Minimum`, `Maximum` or `p0.0` to `p100`)
  line 9: alarm `slow`: unknown alarmType `Upperr` (expected `upper` or `lower`)
  line 12: alarm `slow`: unknown topic `@mail` in snsTopics (expected `@email`, `@sms`, `@force-stop` or the ARN of a standard SNS topic)
  hint: did you mean `@email`?"
    );
    assert_eq!(
        parse(&with("alarmType", "alarmType = Upperr")).unwrap_err().to_string(),
        "dev.ini:9: alarm `slow`: unknown alarmType `Upperr` (expected `upper` or `lower`)"
    );
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
    let shouted = shouted.replace("upper", "UPPER").replace("p99", "P99").replace("@email", "@EMAIL");
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
fn a_fault_of_default_is_named_once() {
    let two = ALARM.replace("alarmList = slow", "alarmList = slow, b")
        + &ALARM[ALARM.find("[ALARM_CONFIG_slow]").unwrap()..].replace("slow", "b");
    let text = format!("[DEFAULT]\nperiod = %(nobody)s\n{}", two.replace("period = 60\n", ""));
    assert_eq!(faults(&text), ["2: `period`: `%(nobody)s` names no key"]);
}

#[test]
fn an_empty_list_switches_the_alarms_off() {
    let config = parse(&with("alarmList", "alarmList =")).unwrap();
    assert_eq!((config.alarms, config.unlisted), (vec![], vec!["slow".to_owned()]));
    assert_eq!(parse("").unwrap().alarms, []);
}

#[test]
fn extras_are_read() {
    let text = with("snsTopics", "snsTopics = @sms,\n  @sms,\n\n  arn:aws:sns:us-east-1:111122223333:x\nminSamples = 20\ntreatMissingData = IGNORE");
    let alarm = &parse(&text).unwrap().alarms[0];
    assert_eq!(alarm.topics.len(), 2);
    assert_eq!(alarm.min_samples.map(crate::alarm::MinSamples::get), Some(20));
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
        Just("[ALARM_CONFIG]".to_owned()), Just("[ALARM_CONFIG_a]".to_owned()), Just("[DEFAULT]".to_owned()),
        Just("alarmList = a, b".to_owned()), Just("stat = p99".to_owned()), Just("period = %(stat)s".to_owned()),
        Just("snsTopics = @email".to_owned()), Just("  , @sms".to_owned()), Just(String::new()),
        Just("%(".to_owned()), Just("]".to_owned()), Just("\u{feff}[a] x".to_owned()), ".{0,12}", "\\PC{0,6}[=:]\\PC{0,6}",
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
