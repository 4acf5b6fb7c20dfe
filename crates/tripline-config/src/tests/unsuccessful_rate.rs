//! An alarm on the share of notified devices that were unsuccessful.

use tripline::alarm::{AlarmDefinition, AlarmName, MinSamples};

use super::*;

/// Its section is line 3, `namespace` line 4, `snsTopics` line 8.
const RATE: &str = "\
[ALARM_CONFIG]
alarmList = bad
[ALARM_CONFIG_bad]
namespace = IoT:OTA:JobExecution
metricName = unsuccessfulRate
threshold = 12.5
alarmType = upper
snsTopics = @email, @force-stop
";

/// As it is armed, with this least number of devices.
fn armed(least: u32) -> AlarmDefinition {
    let (name, least) = (AlarmName::new("bad").unwrap(), MinSamples::new(least).unwrap());
    AlarmDefinition::on_unsuccessful_rate(name, 12.5, least, vec![Topic::Email, Topic::ForceStop])
}

#[test]
fn what_the_keeper_settles_may_be_left_out_or_said_as_it_is() {
    assert_eq!(parse(RATE).unwrap().alarms, [armed(50)]);
    let said = format!(
        "{RATE}stat = maximum\nperiod = 60\nevaluationPeriods = 1\ndatapointsToAlarm = 1\ntreatMissingData = NotBreaching\nminSamples = 1\n"
    );
    assert_eq!(parse(&said).unwrap().alarms, [armed(1)]);
}

#[test]
fn it_is_written_as_it_is_read() {
    for text in [RATE.to_owned(), format!("{RATE}minSamples = 7\n")] {
        let alarms = parse(&text).unwrap().alarms;
        assert_eq!(parse(&text_of(&alarms, true)).unwrap().alarms, alarms);
    }
}

#[test]
fn what_cannot_be_armed_is_a_fault_that_says_what_can() {
    for (key, lines, expected) in [
        (
            "namespace",
            "namespace = Fleet",
            "4: alarm `bad`: unsuccessfulRate is Tripline's, and namespace `Fleet` is not (expected `IoT:OTA:JobExecution`)",
        ),
        (
            "threshold",
            "threshold = 100",
            "6: alarm `bad`: threshold cannot be `100` (expected percent, 0 to below 100)",
        ),
        (
            "threshold",
            "threshold = -0.1",
            "6: alarm `bad`: threshold cannot be `-0.1` (expected percent, 0 to below 100)",
        ),
        (
            "threshold",
            "",
            "3: alarm `bad`: missing key `threshold` (expected percent, 0 to below 100)",
        ),
        (
            "alarmType",
            "alarmType = lower",
            "7: alarm `bad`: alarmType of unsuccessfulRate cannot be `lower` (expected `upper`, which the alarm is armed with)",
        ),
        ("alarmType", "", "3: alarm `bad`: missing key `alarmType` (expected `upper`)"),
        (
            "snsTopics",
            "snsTopics = @email\nminSamples = 0",
            "9: alarm `bad`: minSamples cannot be `0` (expected notified devices, a whole number from 1)",
        ),
        (
            "snsTopics",
            "snsTopics = @email\nstat = Average",
            "9: alarm `bad`: stat of unsuccessfulRate cannot be `Average` (expected `Maximum`, which the alarm is armed with)",
        ),
        (
            "snsTopics",
            "snsTopics = @email\nperiod = 300",
            "9: alarm `bad`: period of unsuccessfulRate cannot be `300` (expected `60`, which the alarm is armed with)",
        ),
        (
            "snsTopics",
            "snsTopics = @email\nevaluationPeriods = 2",
            "9: alarm `bad`: evaluationPeriods of unsuccessfulRate cannot be `2` (expected `1`, which the alarm is armed with)",
        ),
        (
            "snsTopics",
            "snsTopics = @email\ndatapointsToAlarm = one",
            "9: alarm `bad`: datapointsToAlarm of unsuccessfulRate cannot be `one` (expected `1`, which the alarm is armed with)",
        ),
        (
            "snsTopics",
            "snsTopics = @email\ntreatMissingData = breaching",
            "9: alarm `bad`: treatMissingData of unsuccessfulRate cannot be `breaching` (expected `notBreaching`, which the alarm is armed with)",
        ),
    ] {
        let line =
            |line: &str| if line.starts_with(key) { lines.to_owned() } else { line.to_owned() };
        let text: Vec<String> = RATE.lines().map(line).collect();
        assert_eq!(faults(&text.join("\n")), [expected]);
    }
    let all = RATE.replace("12.5", "many").replace("upper", "lower").replace("@email", "@mail");
    assert_eq!(faults(&all).len(), 3, "every fault at once");
}

/// An alarm on a metric that nobody publishes never fires.
#[test]
fn near_misses_of_its_name_are_faults_with_the_name() {
    for miss in ["unsuccesfulRate", "failureRate", "FailureRate", "UnsuccessfulRate", "failed_rate"]
    {
        let text = with("metricName", &format!("metricName = {miss}"));
        assert_eq!(hints(&text), ["did you mean `unsuccessfulRate`?"], "{miss}");
    }
    assert_eq!(
        hints(&with("metricName", "metricName = unsuccesfulCount")),
        ["did you mean `unsuccessfulCount`?"]
    );
    let own =
        with("metricName", "metricName = failureRate").replace("IoT:OTA:JobExecution", "Fleet");
    assert_eq!(parse(&own).unwrap().alarms[0].metric, "failureRate", "somebody's own");
}
