//! What is wrong with a config, in which words.

use super::*;

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
        (
            "namespace",
            "",
            "3: alarm `slow`: missing key `namespace` (expected a CloudWatch namespace)",
        ),
        (
            "namespace",
            "namespace = :a",
            "4: alarm `slow`: namespace cannot be `:a` (expected a CloudWatch namespace)",
        ),
        (
            "namespace",
            "namespace = a\n  b",
            "4: alarm `slow`: namespace cannot be `a?b` (expected a CloudWatch namespace)",
        ),
        (
            "namespace",
            "namespace = iot:ota:jobexecution",
            "4: alarm `slow`: namespace `iot:ota:jobexecution` is not Tripline's",
        ),
        (
            "metricName",
            "metricName =",
            "5: alarm `slow`: metricName cannot be `` (expected a metric's name)",
        ),
        (
            "metricName",
            "metricName = downloadtime",
            "5: alarm `slow`: unknown metricName `downloadtime` (expected one of downloadTime, retryCount, succeededCount, failedCount, rejectedCount, timedOutCount, canceledCount, removedCount, invalidDetailCount, overdueCount, uncountedCount, overcountedCount, notifiedCount, unsuccessfulCount, evidence, stalledMinutes, unsuccessfulRate)",
        ),
        (
            "stat",
            "stat = p100.1",
            "6: alarm `slow`: unknown stat `p100.1` (expected `SampleCount`, `Average`, `Sum`, `Minimum`, `Maximum` or `p0.0` to `p100`)",
        ),
        (
            "period",
            "period = 90",
            "7: alarm `slow`: period cannot be `90` (expected 10, 20, 30 or a multiple of 60, in seconds)",
        ),
        (
            "period",
            "period = 30",
            "7: alarm `slow`: period 30 is shorter than a minute, by which `IoT:OTA:JobExecution` is published (expected a multiple of 60)",
        ),
        (
            "period",
            "period = 172800",
            "10: alarm `slow`: evaluationPeriods 5 x period 172800 is 864000 seconds (expected at most 604800)",
        ),
        (
            "threshold",
            "threshold = nan",
            "8: alarm `slow`: threshold cannot be `nan` (expected a number)",
        ),
        (
            "threshold",
            "threshold = 1e999",
            "8: alarm `slow`: threshold cannot be `1e999` (expected a number)",
        ),
        (
            "alarmType",
            "alarmType = Upperr",
            "9: alarm `slow`: unknown alarmType `Upperr` (expected `upper` or `lower`)",
        ),
        (
            "evaluationPeriods",
            "evaluationPeriods = 0",
            "10: alarm `slow`: evaluationPeriods cannot be `0` (expected a whole number from 1)",
        ),
        (
            "datapointsToAlarm",
            "datapointsToAlarm = 6",
            "11: alarm `slow`: datapointsToAlarm 6 is more than evaluationPeriods 5",
        ),
        (
            "datapointsToAlarm",
            "datapointsToAlarm = 2.5",
            "11: alarm `slow`: datapointsToAlarm cannot be `2.5` (expected a whole number from 1)",
        ),
        (
            "snsTopics",
            "",
            "3: alarm `slow`: missing key `snsTopics` (expected `@email`, `@sms`, `@force-stop` or the ARN of a standard SNS topic)",
        ),
        (
            "snsTopics",
            "snsTopics =",
            "12: alarm `slow`: snsTopics is empty, so that nobody is alerted (expected `@email`, `@sms`, `@force-stop` or the ARN of a standard SNS topic)",
        ),
        (
            "snsTopics",
            "snsTopics = @mail",
            "12: alarm `slow`: unknown topic `@mail` in snsTopics (expected `@email`, `@sms`, `@force-stop` or the ARN of a standard SNS topic)",
        ),
        (
            "snsTopics",
            "snsTopics = @email\nminSamples = 0",
            "13: alarm `slow`: minSamples cannot be `0` (expected a whole number from 1)",
        ),
        (
            "snsTopics",
            "snsTopics = @email\ntreatMissingData = good",
            "13: alarm `slow`: unknown treatMissingData `good` (expected `missing`, `ignore`, `breaching` or `notBreaching`)",
        ),
        ("snsTopics", "snsTopics = @email\ncolor = red", "13: alarm `slow`: unknown key `color`"),
        ("snsTopics", "snsTopics = %(nobody)s", "12: `snsTopics`: `%(nobody)s` names no key"),
        (
            "alarmList",
            "",
            "1: `[ALARM_CONFIG]`: missing key `alarmList` (expected names separated by commas, or nothing)",
        ),
        ("alarmList", "alarmList = slow, slow", "2: alarmList: `slow` is named twice"),
        ("alarmList", "alarmList = slow\ncolor = red", "3: `[ALARM_CONFIG]`: unknown key `color`"),
        (
            "alarmList",
            "alarmList = other",
            "2: alarmList: `other` has no section `[ALARM_CONFIG_other]`",
        ),
        ("[ALARM_CONFIG]", "[ALARM_CONFG]", "1: unknown section `[ALARM_CONFG]`"),
        (
            "[ALARM_CONFIG]",
            "[OTHER]",
            "3: alarm `slow` is described, but there is no `[ALARM_CONFIG]` section that lists it",
        ),
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
    assert!(
        faults(&text)[0]
            .ends_with("too long or with control characters (expected 1 to 100 characters)")
    );
}

#[test]
fn hints_name_what_was_probably_meant() {
    for (key, lines, hint) in [
        ("metricName", "metricName = downloadtime", "did you mean `downloadTime`?"),
        ("namespace", "namespace = IoT:OTA:JobExecutions", "did you mean `IoT:OTA:JobExecution`?"),
        ("snsTopics", "snsTopics = @force-stopp", "did you mean `@force-stop`?"),
        (
            "snsTopics",
            "snsTopics = @email\ndatapointToAlarm = 3",
            "did you mean `datapointsToAlarm`?",
        ),
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
    let text =
        with("alarmType", "alarmType = Upperr").replace("p99", "median").replace("@email", "@mail");
    assert_eq!(
        parse(&text).unwrap_err().to_string(),
        "dev.ini: 3 faults
  line 6: alarm `slow`: unknown stat `median` (expected `SampleCount`, `Average`, `Sum`, `Minimum`, `Maximum` or `p0.0` to `p100`)
  hint: did you mean `p50`?
  line 9: alarm `slow`: unknown alarmType `Upperr` (expected `upper` or `lower`)
  line 12: alarm `slow`: unknown topic `@mail` in snsTopics (expected `@email`, `@sms`, `@force-stop` or the ARN of a standard SNS topic)
  hint: did you mean `@email`?"
    );
    assert_eq!(
        parse(&with("alarmType", "alarmType = Upperr")).unwrap_err().to_string(),
        "dev.ini:9: alarm `slow`: unknown alarmType `Upperr` (expected `upper` or `lower`)"
    );
    assert_eq!(
        parse(&with("alarmList", "alarmList = slo")).unwrap_err().to_string(),
        "dev.ini:2: alarmList: `slo` has no section `[ALARM_CONFIG_slo]`\n  hint: did you mean `slow`?"
    );
}

#[test]
fn a_fault_of_default_is_named_once() {
    let two = ALARM.replace("alarmList = slow", "alarmList = slow, b")
        + &ALARM[ALARM.find("[ALARM_CONFIG_slow]").unwrap()..].replace("slow", "b");
    let text = format!("[DEFAULT]\nperiod = %(nobody)s\n{}", two.replace("period = 60\n", ""));
    assert_eq!(faults(&text), ["2: `period`: `%(nobody)s` names no key"]);
}

#[test]
fn an_alarm_that_can_never_or_must_always_fire_is_a_fault() {
    for (change, expected) in [
        (
            "threshold = 604800",
            "threshold 604800 is breached by no value of downloadTime, which are 0 to 604800",
        ),
        (
            "threshold = 3600000",
            "threshold 3600000 is breached by no value of downloadTime, which are 0 to 604800",
        ),
        (
            "threshold = -5",
            "threshold -5 is breached by every value of downloadTime, which are 0 to 604800",
        ),
        (
            "alarmType = lower\nthreshold = 0",
            "threshold 0 is breached by no value of downloadTime, which are 0 to 604800",
        ),
        (
            "metricName = failedCount",
            "stat p99 of failedCount is always 1 (expected `Sum` or `SampleCount`)",
        ),
        (
            "metricName = failedCount\nstat = Sum\nthreshold = -1",
            "threshold -1 is breached by every value of failedCount, which are 0 and more",
        ),
        (
            "metricName = overdueCount\nstat = Sum",
            "stat Sum of overdueCount counts the same devices again each minute (expected `Maximum` or `Average`)",
        ),
        (
            "metricName = overdueCount\nstat = Maximum\nthreshold = -1",
            "threshold -1 is breached by every value of overdueCount, which are 0 and more",
        ),
        (
            "snsTopics = ,",
            "snsTopics is empty, so that nobody is alerted (expected `@email`, `@sms`, `@force-stop` or the ARN of a standard SNS topic)",
        ),
        (
            "treatMissingData = breaching",
            "treatMissingData `breaching` fires before any device has reported, so it cannot go to `@force-stop` (expected `notBreaching`, `missing` or `ignore`)",
        ),
    ] {
        let mut keys = std::collections::BTreeMap::from([
            ("namespace", "IoT:OTA:JobExecution"),
            ("metricName", "downloadTime"),
            ("stat", "p99"),
            ("period", "60"),
            ("threshold", "3600"),
            ("alarmType", "upper"),
            ("evaluationPeriods", "5"),
            ("datapointsToAlarm", "3"),
            ("snsTopics", "@force-stop"),
        ]);
        keys.extend(change.lines().filter_map(|line| line.split_once(" = ")));
        let keys: String = keys.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
        let found =
            parse(&format!("[ALARM_CONFIG]\nalarmList = slow\n[ALARM_CONFIG_slow]\n{keys}"));
        let texts: Vec<_> = found.unwrap_err().faults.into_iter().map(|fault| fault.text).collect();
        assert_eq!(texts, [format!("alarm `slow`: {expected}")], "{change}");
    }
}

#[test]
fn a_config_with_abort_criteria_alone_has_no_alarms_and_no_fault() {
    assert_eq!(parse("[ABORT_CONFIG]\nuseFailedSubsection = True\n").unwrap().alarms, []);
    let misspelt = parse("[ALARM_CONFG]\nalarmList =\n").unwrap_err();
    assert_eq!(misspelt.faults[0].text, "unknown section `[ALARM_CONFG]`");
}
