use super::*;
use crate::rollout::Timeout;

/// The settings that are advised on, for each rule.
fn settings(scenario: &Scenario, config: &str) -> Vec<(String, &'static str)> {
    let (rollout, alarm) = read(config);
    let plan = AlarmPlan::new(alarm, StopMode::Cancel);
    let abort = AbortPlan::new(rollout.abort);
    let advice = super::super::advice(scenario, &[plan], &abort);
    advice.into_iter().map(|advice| (advice.rule, advice.setting)).collect()
}

fn scenario(config: &str, devices: u32) -> Scenario {
    Scenario::new(fleet(devices, 0.008), read(config).0, START)
}

const ALARM: &str = "DownloadTimeUpperLimitAlarm";

#[test]
fn the_sample_is_decided_by_one_device_and_too_late() {
    let advised = settings(&scenario(SAMPLE, 24_000), SAMPLE);
    let expected = [
        (ALARM, "stat"),
        (ALARM, "inProgressTimeoutInMinutes"),
        (ALARM, "baseRatePerMinute"),
        ("abortConfig ALL", "minNumberOfExecutedThings"),
    ];
    assert_eq!(advised, expected.map(|(rule, setting)| (rule.to_owned(), setting)));
}

#[test]
fn advice_names_the_numbers() {
    let (rollout, alarm) = read(SAMPLE);
    let abort = AbortPlan::new(rollout.abort);
    let all = super::super::advice(
        &scenario(SAMPLE, 24_000),
        &[AlarmPlan::new(alarm, StopMode::Cancel)],
        &abort,
    );
    let texts: Vec<String> = all.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts[0],
        "`DownloadTimeUpperLimitAlarm`: p99 of about 100 samples a period is the value of one or two devices (from 1000 samples on it is more)\n  hint: stat: p90, or a period of 600 s"
    );
    assert_eq!(
        texts[2],
        "`DownloadTimeUpperLimitAlarm`: the first device over 3600 s says so after 60 minutes, when about 6000 of 24000 devices were told\n  hint: baseRatePerMinute: below 4 until devices have succeeded (now 100)"
    );
    assert_eq!(
        texts[3],
        "`abortConfig ALL`: one failing device decides at 1 executed things: 11 % of them is 0.1 devices\n  hint: minNumberOfExecutedThings: 46 or more"
    );
}

#[test]
fn the_recommended_config_needs_no_advice() {
    assert_eq!(settings(&scenario(RECOMMENDED, 24_000), RECOMMENDED), []);
}

#[test]
fn rules_that_can_never_decide_are_named() {
    let with = |from: &str, to: &str| {
        settings(&scenario(RECOMMENDED, 24_000), &RECOMMENDED.replace(from, to))
    };
    // The scenario's own rollout is the recommended one: 1,000 devices a minute at most.
    assert_eq!(with("minSamples = 120", "minSamples = 6000"), [(ALARM.to_owned(), "minSamples")]);
    assert_eq!(with("stat = p95", "stat = Maximum"), [(ALARM.to_owned(), "stat")]);
    assert_eq!(
        with("minSamples = 120", "treatMissingData = missing\nminSamples = 120"),
        [(ALARM.to_owned(), "treatMissingData")]
    );
    assert_eq!(with("minSamples = 120", ""), [(ALARM.to_owned(), "minSamples")]);
    let mut early = scenario(RECOMMENDED, 24_000);
    early.rollout.timeout = Timeout::new(60);
    assert_eq!(settings(&early, RECOMMENDED), [(ALARM.to_owned(), "threshold")]);
    let few: Vec<_> = settings(&scenario(RECOMMENDED, 50), RECOMMENDED)
        .into_iter()
        .map(|(_, setting)| setting)
        .collect();
    assert!(few.contains(&"minSamples") && few.contains(&"minNumberOfExecutedThings"), "{few:?}");
}

#[test]
fn a_rollout_without_guards_is_named() {
    let advice = super::super::advice(&scenario(SAMPLE, 10), &[], &AbortPlan::new(Vec::new()));
    assert_eq!(advice.len(), 1);
    assert_eq!(advice[0].problem, "nothing guards it");
}
