use tripline::baseline::{Baseline, Execution, PastRollout, calibrate};

use super::*;

const WHOLE: &str = "[EVIDENCE_CONFIG]
useEvidence = True
falseStops = 0.5
failedLimit = 4
unfinishedLimits = 60:3,
    75:2
snsTopics = @email, @force-stop
";

const CALIBRATED: &str = "[EVIDENCE_CONFIG]
useEvidence = True
baseline = tracker.baseline.json
snsTopics = @email
";

fn parse(text: &str) -> Result<Option<EvidenceConfig>, String> {
    parse_evidence("dev.ini", text).map_err(|faults| faults.to_string())
}

fn read(text: &str) -> EvidenceConfig {
    parse(text).unwrap().unwrap()
}

#[test]
fn a_whole_section_is_read() {
    let config = read(WHOLE);
    assert_eq!((config.false_stops, config.failed), (0.005, 0.04));
    assert_eq!(config.unfinished, Unfinished::Declared(vec![(60, 0.03), (75, 0.02)]));
    assert_eq!(config.topics, [Topic::Email, Topic::ForceStop]);
    assert_eq!((config.blind_minutes, &config.blind_topics[..]), (10, &[Topic::Email][..]));
    assert_eq!(config.baseline(), None);
    let limits = config.limits(None, true).unwrap();
    assert_eq!(limits.stairs().pairs(), [(60, 0.03), (75, 0.02)]);
    assert_eq!((limits.failed(), limits.false_stops()), (0.04, 0.005));
}

#[test]
fn what_is_not_given_is_one_false_stop_in_a_hundred_and_three_percent_failures() {
    let config = read(CALIBRATED);
    assert_eq!((config.false_stops, config.failed), (0.01, 0.03));
    let file = "tracker.baseline.json".to_owned();
    assert_eq!(config.baseline(), Some(&*file));
    assert_eq!(config.unfinished, Unfinished::Baseline { file, slower_by: None, silent: 0.01 });
}

#[test]
fn without_the_section_or_switched_off_there_is_no_evidence() {
    assert_eq!(parse(""), Ok(None));
    assert_eq!(parse("[DEFAULT]\nuseEvidence = True\n"), Ok(None));
    assert_eq!(parse(&WHOLE.replace("= True", "= off")), Ok(None));
    let broken = WHOLE.replace("= True", "= off").replace("60:3", "60:x");
    assert!(parse(&broken).is_err(), "faults are found before it is switched on");
}

#[test]
fn every_fault_is_named_with_its_line() {
    let text = "[DEFAULT]
useTimeoutConfig = True
deviceCount = 200
[TIMEOUT_CONFIG]
inProgressTimeoutInMinutes = 90
[EVIDENCE_CONFIG]
useEvidnce = True
falseStops = 60
failedLimit = NaN
unfinishedLimits = 30:5, 20:4, 40:6, 60, 70:inf, 0:1, 100:1, 20000:1
slowerBy = 10
retriedLimit = 2:6
snsTopics = @emial
";
    assert_eq!(parse(text).unwrap_err(), "dev.ini: 15 faults
  line 6: `[EVIDENCE_CONFIG]`: missing key `useEvidence` (expected True or False)
  line 7: `[EVIDENCE_CONFIG]`: unknown key `useEvidnce`
  hint: did you mean `useEvidence`?
  line 8: `[EVIDENCE_CONFIG]`: falseStops cannot be `60` (expected percent, 0.0001 to 50)
  line 9: `[EVIDENCE_CONFIG]`: failedLimit cannot be `NaN` (expected percent, 0.01 to 99.99)
  line 10: `[EVIDENCE_CONFIG]`: unfinishedLimits: 20 minutes after 30 (expected ages that rise)
  line 10: `[EVIDENCE_CONFIG]`: unfinishedLimits: 6 % at 40 minutes is more than before (expected shares that never rise with age)
  line 10: `[EVIDENCE_CONFIG]`: unfinishedLimits: `60` is no limit (expected `minutes:percent`, .., such as `60:3, 75:2`)
  line 10: `[EVIDENCE_CONFIG]`: unfinishedLimits: `70:inf` is no limit (expected `minutes:percent`, .., such as `60:3, 75:2`)
  line 10: `[EVIDENCE_CONFIG]`: unfinishedLimits: `0:1` is no limit (expected `minutes:percent`, .., such as `60:3, 75:2`)
  line 10: `[EVIDENCE_CONFIG]`: unfinishedLimits: 100 minutes lie beyond the timeout (expected at most 90: `inProgressTimeoutInMinutes`)
  line 10: `[EVIDENCE_CONFIG]`: unfinishedLimits: 20000 minutes (expected at most 10080: seven days)
  line 10: `[EVIDENCE_CONFIG]`: unfinishedLimits: 20000 minutes lie beyond the timeout (expected at most 90: `inProgressTimeoutInMinutes`)
  line 11: `[EVIDENCE_CONFIG]`: slowerBy needs a `baseline`
  line 12: `[EVIDENCE_CONFIG]`: unknown key `retriedLimit`
  line 13: `[EVIDENCE_CONFIG]`: unknown topic `@emial` in snsTopics (expected `@email`, `@sms`, `@force-stop` or the ARN of a standard SNS topic)
  hint: did you mean `@email`?");
}

#[test]
fn slow_devices_have_exactly_one_source_of_limits() {
    let both = WHOLE.to_owned() + "baseline = x.json\n";
    assert_eq!(
        parse(&both).unwrap_err(),
        "dev.ini:8: `[EVIDENCE_CONFIG]`: `baseline` and `unfinishedLimits` exclude each other (expected one of them)"
    );
    let none = CALIBRATED.replace("baseline = tracker.baseline.json\n", "");
    assert_eq!(
        parse(&none).unwrap_err(),
        "dev.ini:1: `[EVIDENCE_CONFIG]`: missing key `unfinishedLimits` (expected `minutes:percent`, .., such as `60:3, 75:2`, or else `baseline`)"
    );
    let empty = WHOLE.replace("60:3,\n    75:2", "");
    assert_eq!(
        parse(&empty).unwrap_err(),
        "dev.ini:5: `[EVIDENCE_CONFIG]`: unfinishedLimits is empty, so that no slow device is seen (expected `minutes:percent`, .., such as `60:3, 75:2`)"
    );
    let many: Vec<String> = (1..=30).map(|age| format!("{age}:50")).collect();
    let many = WHOLE.replace("60:3,\n    75:2", &many.join(","));
    assert_eq!(
        parse(&many).unwrap_err(),
        "dev.ini:5: `[EVIDENCE_CONFIG]`: unfinishedLimits: more than 20 limits"
    );
}

#[test]
fn a_limit_that_no_fleet_of_this_size_can_decide_is_a_fault() {
    let fleet = |count: u32| format!("[DEFAULT]\ndeviceCount = {count}\n{WHOLE}");
    assert!(parse(&fleet(24_000)).is_ok());
    assert_eq!(parse(&fleet(3)).unwrap_err(), "dev.ini: 2 faults
  line 6: `[EVIDENCE_CONFIG]`: failedLimit cannot be decided by 3 devices: 4 % failed: takes 4 devices (expected a lower limit, or a higher `falseStops`)
  line 7: `[EVIDENCE_CONFIG]`: unfinishedLimits cannot be decided by 3 devices: 3 % after 60 minutes: takes 4 devices, 2 % after 75 minutes: takes 4 devices (expected a lower limit, or a higher `falseStops`)");
}

#[test]
fn limits_of_a_baseline_need_it_and_more_slack_if_it_is_of_one_rollout() {
    let execution = |n: u32| Execution { lasted: Some(n * 4), failed: false, is_retry: false };
    let rollout = PastRollout { was_stopped: false, executions: (1..900).map(execution).collect() };
    let of = |number| calibrate("fw", vec![rollout.clone(); number]).unwrap().baseline;
    let usual = read(CALIBRATED);
    let less = read(&CALIBRATED.replace("snsTopics", "slowerBy = 20\nsilentLimit = 2\nsnsTopics"));
    let slack = |config: &EvidenceConfig, rollouts| {
        let limits = config.limits(Some(&of(rollouts)), true);
        limits.map(|limits| limits.source().to_string()).map_err(|error| error.to_string())
    };
    let said = |text: &str| Ok(text.to_owned());
    assert_eq!(slack(&usual, 2), said("baseline fw of 2 rollouts, 20 % slack"));
    assert_eq!(slack(&usual, 1), said("baseline fw of 1 rollout, 50 % slack"));
    assert_eq!(slack(&less, 2), said("baseline fw of 2 rollouts, 20 % slack"));
    assert!(slack(&less, 1).unwrap_err().starts_with("slowerBy 20 is too little"));
    assert_eq!(
        usual.limits(None, true).unwrap_err().to_string(),
        "baseline `tracker.baseline.json` was not read"
    );
}

#[test]
fn no_alarm_of_the_config_has_the_name_of_one_on_evidence() {
    for name in ["Evidence", "EvidenceMissing"] {
        let text = format!("{WHOLE}[ALARM_CONFIG_{name}]\n");
        let fault = parse(&text).unwrap_err();
        assert!(fault.contains(&format!("alarm `{name}` is the name of")), "{fault}");
    }
}

/// A baseline of so many rollouts, in which n devices take up to an hour.
fn baseline(rollouts: usize, devices: u32) -> Baseline {
    let execution =
        |n: u32| Execution { lasted: Some(n * 3_600 / devices), failed: false, is_retry: false };
    let executions = (1..=devices).map(execution).collect();
    let rollout = PastRollout { was_stopped: false, executions };
    calibrate("fw", vec![rollout; rollouts]).unwrap().baseline
}

fn checked(text: &str, baseline: Option<Result<Baseline, String>>) -> Result<String, String> {
    let limits = read(text).checked("dev.ini", baseline);
    limits.map(|limits| limits.source().to_string()).map_err(|faults| faults.to_string())
}

#[test]
fn a_baseline_that_does_not_fit_is_a_fault_with_its_line() {
    let of = |devices: u32, more: &str| {
        let section = CALIBRATED.replace("snsTopics", &format!("{more}snsTopics"));
        format!("[DEFAULT]\ndeviceCount = {devices}\n{section}")
    };
    let good = || Some(Ok(baseline(3, 1_000)));
    assert_eq!(
        checked(&of(200, ""), good()),
        Ok("baseline fw of 3 rollouts, 20 % slack".to_owned())
    );
    assert_eq!(
        checked(&of(200, ""), Some(Err("x.json: is a directory".to_owned()))).unwrap_err(),
        "dev.ini:5: `[EVIDENCE_CONFIG]`: baseline: x.json: is a directory
  hint: `tripline calibrate` makes a baseline of past rollouts"
    );
    let little = checked(&of(200, "slowerBy = 20\n"), Some(Ok(baseline(1, 1_000)))).unwrap_err();
    assert!(
        little.starts_with("dev.ini:6: `[EVIDENCE_CONFIG]`: slowerBy 20 is too little for a"),
        "{little}"
    );
    assert_eq!(
        checked(&of(3, "failedLimit = 20\n"), good()).unwrap_err(),
        "dev.ini: 2 faults
  line 5: `[EVIDENCE_CONFIG]`: baseline: slow and silent devices cannot be decided by 3 devices: it takes 4 (expected a baseline with less slack, or a higher `falseStops`)
  line 6: `[EVIDENCE_CONFIG]`: failedLimit cannot be decided by 3 devices: 20 % failed: takes 5 devices (expected a lower limit, or a higher `falseStops`)"
    );
    assert_eq!(checked(WHOLE, None), Ok("declared".to_owned()));
    assert!(checked(CALIBRATED, None).is_err(), "a baseline that nobody read");
}
