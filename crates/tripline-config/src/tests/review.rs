//! What is said of configs without faults.

use super::*;

/// Every section switched on, nothing to find.
const WHOLE: &str = include_str!("whole.ini");
const ACCOUNT: &str = "arn:aws:iot:eu-central-1:111122223333";

/// A rollout that is as it should be.
fn good() -> String {
    WHOLE
        .replace("rounds = 3", "rounds = 1")
        .replace("targetSelection = CONTINUOUS", "targetSelection = SNAPSHOT")
        .replace("deviceCount = 40", "deviceCount = 4000")
        .replace("inProgressTimeoutInMinutes = 45", "inProgressTimeoutInMinutes = 90")
        .replace("minNumberOfExecutedThings = ", "minNumberOfExecutedThings = 10")
}

fn review(text: &str, targets: &[&str]) -> Review {
    let config = DeployConfig::parse("dev.ini", text).unwrap_or_else(|faults| panic!("{faults}"));
    let list: String = targets.iter().map(|target| format!("{ACCOUNT}:{target}\n")).collect();
    config.review(&ThingList::parse("things.txt", &list).unwrap())
}

/// The texts of the findings and of the notes.
fn said(text: &str, targets: &[&str]) -> (Vec<String>, Vec<String>) {
    let review = review(text, targets);
    let texts = |remarks: Vec<Remark>| remarks.into_iter().map(|remark| remark.text).collect();
    (texts(review.findings), texts(review.notes))
}

#[test]
fn nothing_is_said_of_a_good_config() {
    assert_eq!(review(&good(), &["thinggroup/pumps"]), Review::default());
}

#[test]
fn what_does_not_do_what_it_seems_to_is_found() {
    let stays = "baseRatePerMinute = 20";
    let nowhere = good()
        .replace("streamId = pump-4-2-stream\n", "")
        .replace("usePresignedUrlConfig = True", "usePresignedUrlConfig = False")
        .replace("useCustomJobDocument = True", "useCustomJobDocument = False");
    for (text, finding) in [
        (nowhere, "the job document does not say where the firmware is"),
        (
            good()
                .replace(stays, "baseRatePerMinute = 200")
                .replace("deviceCount = 4000", "deviceCount = 12000"),
            "the rate never rises: baseRatePerMinute is 200, and maximumPerMinute 200",
        ),
        (
            good().replace("inProgressTimeoutInMinutes = 90", "inProgressTimeoutInMinutes = 60"),
            "alarm `Slow` can see no slow device: its threshold is 3600 s, and executions time out after 3600 s",
        ),
        (
            good().replace("minNumberOfExecutedThings = 106", "minNumberOfExecutedThings = 8"),
            "one bad execution aborts the job: 12 % REJECTED of at least 8",
        ),
        (
            good().replace("minNumberOfExecutedThings = 106", "minNumberOfExecutedThings = 4001"),
            "`[ABORT_CONFIG_TYPE_REJECTED]` never aborts the job: minNumberOfExecutedThings is 4001, and there are 4000 executions at most",
        ),
        (
            good().replace("minSamples = 20", "minSamples = 4001"),
            "alarm `Slow` can never fire: a period needs 4001 samples, and there are 4000 at most",
        ),
        (
            good()
                .replace(stays, "baseRatePerMinute = 150")
                .replace("maximumPerMinute = 200", "maximumPerMinute = 1000")
                .replace("deviceCount = 4000", "deviceCount = 1350"),
            "no alarm stops it in time: all devices are notified within 9 min, and the quickest alarm needs 3600 s",
        ),
        // No download of more than an hour has ended by then.
        (
            good()
                .replace("baseRatePerMinute = 20", "baseRatePerMinute = 67")
                .replace("deviceCount = 4000", "deviceCount = 3950"),
            "no alarm stops it in time: all devices are notified within 59 min, and the quickest alarm needs 3600 s",
        ),
        (
            good()
                .replace("rounds = 1", "rounds = 2")
                .replace("defaultDelay = 7", "defaultDelay = 0"),
            "2 rounds follow one another at once",
        ),
        (
            good().replace("SNAPSHOT", "CONTINUOUS").replace("deviceCount = 4000", ""),
            "deviceCount is missing: a CONTINUOUS job is known to have reached its groups only if that is counted, which is done up to 10000 devices",
        ),
    ] {
        let (findings, _) = said(&text, &["thinggroup/pumps"]);
        assert_eq!(findings, [finding]);
    }
}

/// A device counts once in a failure rate, however often it tries.
#[test]
fn a_failure_rate_waits_for_devices_and_not_for_attempts() {
    const SLOW: &str = "metricName = downloadTime\nstat = p95\nperiod = 300\nthreshold = 3600\nalarmType = upper\nevaluationPeriods = 3\ndatapointsToAlarm = 2\nminSamples = 20";
    let with = |least: u32| {
        let rate = format!(
            "metricName = unsuccessfulRate\nthreshold = 9\nalarmType = upper\nminSamples = {least}"
        );
        good().replace(SLOW, &rate) + "[RETRY_CONFIG]\nfailedRetries = 1\n"
    };
    let said = |least| said(&with(least), &["thinggroup/pumps"]).0;
    assert_eq!(said(4_000), <[String; 0]>::default());
    let never = "alarm `Slow` can never fire: it decides from 4001 notified devices, and there are 4000 at most";
    assert_eq!(said(4_001), [never]);
}

/// What is just not yet a finding.
#[test]
fn what_is_at_its_limit_is_none() {
    for text in [
        good().replace("minSamples = 20", "minSamples = 4000"),
        good().replace("minSamples = 20", "minSamples = 8000")
            + "[RETRY_CONFIG]\nfailedRetries = 1\n",
        good().replace("minNumberOfExecutedThings = 106", "minNumberOfExecutedThings = 9"),
        good()
            .replace("baseRatePerMinute = 20", "baseRatePerMinute = 199")
            .replace("deviceCount = 4000", "deviceCount = 11841"),
        good().replace("deviceCount = 4000", "deviceCount = 1181"),
        // Fast downloads are in time, however short the timeout.
        good()
            .replace("inProgressTimeoutInMinutes = 90", "inProgressTimeoutInMinutes = 60")
            .replace(
                "alarmType = upper\nevaluationPeriods = 3",
                "alarmType = lower\nevaluationPeriods = 3",
            ),
    ] {
        let (findings, _) = said(&text, &["thinggroup/pumps"]);
        assert_eq!(findings, Vec::<String>::new(), "{text}");
    }
}

#[test]
fn devices_are_counted_against_the_thing_list() {
    let of = |count: &str, targets: &[&str]| {
        let text = good().replace("deviceCount = 4000", count).replace("minSamples = 20", "");
        said(&text.replace("baseRatePerMinute = 20", "baseRatePerMinute = 1"), targets)
    };
    let (things, both) = (["thing/a", "thing/b"], ["thing/a", "thing/b", "thinggroup/g"]);
    let count = |(findings, _): (Vec<String>, Vec<String>)| {
        findings.into_iter().filter(|text| text.starts_with("deviceCount")).collect::<Vec<_>>()
    };
    assert_eq!(count(of("deviceCount = 2", &things)), Vec::<String>::new());
    assert_eq!(
        count(of("deviceCount = 3", &things)),
        ["deviceCount is 3, and the thing list has 2 things"]
    );
    assert_eq!(count(of("deviceCount = 3", &both)), Vec::<String>::new());
    assert_eq!(
        count(of("deviceCount = 1", &both)),
        ["deviceCount is 1, and the thing list has 2 things, and groups besides"]
    );
    // Things are counted by themselves, groups are not.
    assert_eq!(of("", &things).1, Vec::<String>::new());
    assert_eq!(
        of("", &both).1,
        ["deviceCount is missing, so that nothing was said that depends on it"]
    );
}

#[test]
fn people_read_what_they_should_know() {
    let silent = good().replace("useTimeoutConfig = True", "useTimeoutConfig = False");
    let (findings, notes) = said(&silent, &["thinggroup/pumps"]);
    assert_eq!((findings.len(), notes.len()), (0, 1));
    assert!(notes.iter().all(|note| note.starts_with("there is no timeout")), "{notes:?}");
    let rounds = good().replace("rounds = 1", "rounds = 3");
    assert_eq!(
        said(&rounds, &["thinggroup/pumps"]).1,
        [
            "alarms evaluate the last 900 s, and rounds are 7 s apart: alarms of a round also see the end of the round before"
        ]
    );
    let apart = rounds.replace("defaultDelay = 7", "defaultDelay = 900");
    assert_eq!(said(&apart, &["thinggroup/pumps"]).1, Vec::<String>::new());
}

#[test]
fn evidence_is_a_guard_like_others() {
    let section = "\n[EVIDENCE_CONFIG]\nuseEvidence = True\nunfinishedLimits = 60:3\nsnsTopics = @force-stop\n";
    assert_eq!(review(&(good() + section), &["thinggroup/pumps"]), Review::default());
}

#[test]
fn a_threshold_of_less_than_a_minute_is_said_in_words() {
    let of = |threshold: &str| {
        let text = good().replace("threshold = 3600", &format!("threshold = {threshold}"));
        said(&text, &["thinggroup/pumps"]).1
    };
    assert_eq!(of("30"), ["alarm `Slow` fires on downloads of more than 30 seconds"]);
    assert_eq!(of("60"), Vec::<String>::new());
}

#[test]
fn an_alarm_on_a_metric_of_aws_gets_no_values() {
    let on_iot =
        |text: &str| text.replacen("namespace = IoT:OTA:JobExecution", "namespace = AWS/IoT", 1);
    let found = |text: String| -> Vec<Remark> {
        let findings = review(&text, &["thinggroup/pumps"]).findings.into_iter();
        findings.filter(|finding| finding.text.contains("AWS/IoT")).collect()
    };
    let [finding] = found(on_iot(&good())).try_into().unwrap();
    assert_eq!(finding.line, Some(76));
    assert_eq!(
        finding.text,
        "alarm `Slow` gets no values from `AWS/IoT`: it is armed with the dimension `jobId` alone, which AWS's metrics do not have; it can never fire"
    );
    // On the force-stop topic it would be a fault.
    let topics = "snsTopics = @email, @force-stop";
    let breaching = "snsTopics = @email\ntreatMissingData = breaching";
    let [finding] = found(on_iot(&good().replacen(topics, breaching, 1))).try_into().unwrap();
    assert!(finding.text.ends_with("so it fires on every rollout"), "{finding:?}");
    let own = good().replacen("namespace = IoT:OTA:JobExecution", "namespace = Pumps", 1);
    assert_eq!(found(own), []);
}

/// To leave a key out is how the old tool's manual switches a section off.
#[test]
fn a_section_that_nothing_switches_on_is_said_and_is_no_finding() {
    for (key, text) in [
        (
            "useTimeoutConfig = True\n",
            "`[TIMEOUT_CONFIG]` is not used: `[DEFAULT]` has no `useTimeoutConfig`",
        ),
        (
            "useRejectedSubsection = True\n",
            "`[ABORT_CONFIG_TYPE_REJECTED]` is not used: `[ABORT_CONFIG]` has no `useRejectedSubsection`",
        ),
    ] {
        assert!(good().contains(key), "{key}");
        let (findings, notes) = said(&good().replace(key, ""), &["thinggroup/pumps"]);
        assert_eq!(findings, Vec::<String>::new());
        assert_eq!(notes.first().map(String::as_str), Some(text));
        let off = good().replace(key, &key.replace("True", "False"));
        let (_, notes) = said(&off, &["thinggroup/pumps"]);
        assert!(!notes.iter().any(|note| note == text), "{notes:?}");
    }
}

#[test]
fn evidence_that_stops_is_in_time() {
    let quick = good()
        .replace("baseRatePerMinute = 20", "baseRatePerMinute = 150")
        .replace("maximumPerMinute = 200", "maximumPerMinute = 1000")
        .replace("deviceCount = 4000", "deviceCount = 1350");
    let with = |topics: &str| {
        let evidence = format!(
            "\n[EVIDENCE_CONFIG]\nuseEvidence = True\nunfinishedLimits = 17:60, 30:20\nsnsTopics = {topics}\n"
        );
        let (findings, _) = said(&(quick.clone() + &evidence), &["thinggroup/pumps"]);
        findings.iter().any(|finding| finding.starts_with("no alarm stops it in time"))
    };
    assert!(!with("@force-stop"));
    assert!(with("@email"));
}
