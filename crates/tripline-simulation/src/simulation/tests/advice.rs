use super::*;
use tripline::rollout::Timeout;

/// The advice on a config.
fn advice(scenario: &Scenario, config: &str) -> Vec<Advice> {
    let (rollout, alarm) = read(config);
    let plan = AlarmPlan::new(alarm, StopMode::Cancel);
    advice_of(scenario, None, &[plan], &AbortPlan::new(rollout.abort))
}

fn advice_of(
    scenario: &Scenario,
    healthy: Option<&Scenario>,
    alarms: &[AlarmPlan],
    abort: &AbortPlan,
) -> Vec<Advice> {
    let runs = Runs { seed: 1, runs: 20, threads: NonZeroUsize::MIN };
    let trial = Trial::new(scenario, healthy, alarms, abort, runs);
    super::super::advice(scenario, &unguarded(scenario), alarms, abort, &trial)
}

fn unguarded(scenario: &Scenario) -> Vec<Reached> {
    Simulator::new(scenario, &[]).run(1, 0, Detail::Full).record.unwrap().minutes
}

/// The settings that are advised on, for each rule.
fn settings(scenario: &Scenario, config: &str) -> Vec<(String, &'static str)> {
    let advice = advice(scenario, config);
    advice.into_iter().map(|advice| (advice.rule, advice.setting)).collect()
}

fn texts(scenario: &Scenario, config: &str) -> Vec<String> {
    advice(scenario, config).iter().map(ToString::to_string).collect()
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
    let texts = texts(&scenario(SAMPLE, 24_000), SAMPLE);
    assert_eq!(
        texts[0],
        "`DownloadTimeUpperLimitAlarm`: p99 of about 98 samples a period is the value of one or two devices (from 1000 samples on it is more)\n  hint: stat: neither p89 nor a period of 660 s alone would help; compare it with examples/guards/recommended.ini"
    );
    assert_eq!(
        texts[2],
        "`DownloadTimeUpperLimitAlarm`: the first device over 3600 s says so after 60 minutes, when about 6000 of 24000 devices were notified\n  hint: baseRatePerMinute: at most 40 until devices have succeeded (now 100)"
    );
    assert_eq!(
        texts[3],
        "`abortConfig ALL`: one failing device decides at 1 executed things: 11 % of them is 0.1 devices\n  hint: minNumberOfExecutedThings: 46 or more"
    );
}

#[test]
fn a_config_without_faults_needs_no_advice() {
    assert_eq!(settings(&scenario(DOWNLOADS, 24_000), DOWNLOADS), []);
}

#[test]
fn rules_that_can_never_decide_are_named() {
    let with =
        |from: &str, to: &str| settings(&scenario(DOWNLOADS, 24_000), &DOWNLOADS.replace(from, to));
    // The scenario has the same rollout: 1,000 devices a minute at most.
    assert_eq!(with("minSamples = 100", "minSamples = 20000"), [(ALARM.to_owned(), "minSamples")]);
    assert_eq!(with("stat = p97", "stat = Maximum"), [(ALARM.to_owned(), "stat")]);
    assert_eq!(
        with("minSamples = 100", "treatMissingData = missing\nminSamples = 100"),
        [(ALARM.to_owned(), "treatMissingData")]
    );
    assert_eq!(with("minSamples = 100", ""), [(ALARM.to_owned(), "minSamples")]);
    let mut early = scenario(DOWNLOADS, 24_000);
    early.rollout.timeout = Timeout::new(60).ok();
    assert_eq!(settings(&early, DOWNLOADS), [(ALARM.to_owned(), "threshold")]);
    let few: Vec<_> = settings(&scenario(DOWNLOADS, 50), DOWNLOADS)
        .into_iter()
        .map(|(_, setting)| setting)
        .collect();
    assert!(few.contains(&"minSamples") && few.contains(&"minNumberOfExecutedThings"), "{few:?}");
}

#[test]
fn a_rollout_without_guards_is_named() {
    let advice = advice_of(&scenario(SAMPLE, 10), None, &[], &AbortPlan::new(Vec::new()));
    assert_eq!(advice.len(), 1);
    assert_eq!(advice[0].problem, "nothing guards it");
}

/// A rollout that begins at 12 a minute, with the alarm under another setting.
fn of_downloads(from: &str, to: &str, devices: u32) -> Vec<String> {
    let config = DOWNLOADS.replace(from, to);
    assert_ne!(config, DOWNLOADS);
    texts(&scenario(&config, devices), &config)
}

#[test]
fn the_rate_is_the_one_that_the_rollout_reaches() {
    // At most 1,000 are notified a minute, and 12 until 1,500 of them have succeeded: about 120 reports in
    // ten minutes.
    let found = of_downloads("minSamples = 100", "minSamples = 200", 12_000);
    assert_eq!(
        found,
        [
            "`DownloadTimeUpperLimitAlarm`: a period has about 119 samples and decides from 200 on, so it decides nothing until 1932 of 12000 devices were notified\n  hint: minSamples: at most 119, or a period of 1020 s"
        ]
    );
    // A smaller fleet is notified before the rate rises.
    let found = of_downloads("minSamples = 100", "minSamples = 200", 1_000);
    assert_eq!(
        found,
        [
            "`DownloadTimeUpperLimitAlarm`: a period has about 116 samples and decides from 200 on, so it hardly ever decides\n  hint: minSamples: at most 116, or a period of 1080 s",
            "`DownloadTimeUpperLimitAlarm`: the first device over 3600 s says so after 60 minutes, when about 720 of 1000 devices were notified\n  hint: baseRatePerMinute: at most 1 until devices have succeeded (now 12)",
        ]
    );
}

#[test]
fn no_rate_below_one_is_advised_and_one_is_no_plural() {
    let found = of_downloads("period = 600", "period = 60", 12);
    assert_eq!(
        found.get(..3).unwrap(),
        [
            "`DownloadTimeUpperLimitAlarm`: a period has about 1 sample and decides from 100 on, so it hardly ever decides\n  hint: minSamples: at most 1, or a period of 6000 s",
            "`DownloadTimeUpperLimitAlarm`: the first device over 3600 s says so after 60 minutes, when about 12 of 12 devices were notified\n  hint: threshold: lower, or first a job for a few devices alone",
            "`DownloadTimeUpperLimitAlarm`: 3 periods take 3 minutes, and by then all devices are notified (1 minute)\n  hint: datapointsToAlarm: fewer or shorter periods, or a slower rollout",
        ]
    );
}

#[test]
fn a_foreign_namespace_is_named_as_such() {
    let found = of_downloads("IoT:OTA:JobExecution", "AWS/IoT", 24_000);
    assert_eq!(
        found,
        [
            "`DownloadTimeUpperLimitAlarm`: its namespace `AWS/IoT` is not Tripline's, so a simulation knows nothing of it\n  hint: namespace: `IoT:OTA:JobExecution`"
        ]
    );
}

/// Half of the devices are slow, so that a longer period sees them as well, and no longer fires when
/// one device of a healthy fleet is slow.
#[test]
fn a_period_that_helps_is_hinted_at() {
    let (rollout, alarm) = read(SAMPLE);
    let rollout = RolloutConfig { abort: Vec::new(), ..rollout };
    let of = |over| Scenario::new(fleet(6_000, over), rollout.clone(), START);
    let plan = AlarmPlan::new(alarm, StopMode::Cancel);
    let found = advice_of(&of(0.5), Some(&of(0.008)), &[plan], &AbortPlan::new(Vec::new()));
    assert_eq!((found[0].setting, found[0].hint.as_str()), ("period", "3360"));
}
