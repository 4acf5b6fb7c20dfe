//! Alarms written as a config, such that reading it gives them back.

use std::fmt::Write;

use tripline::alarm::{AlarmDefinition, Limit, Topic};

use crate::evidence::{EvidenceConfig, Unfinished};
use crate::keys::{ALARM_CONFIG, ALARM_PREFIX, DEFAULT_GUARD, EVIDENCE_CONFIG};

/// The `[ALARM_CONFIG]` part of a `dev.ini` with these alarms, and whether the default guard stands beside
/// them, and nothing else.
pub fn text_of(alarms: &[AlarmDefinition], default_guard: bool) -> String {
    let names: Vec<String> = alarms.iter().map(|alarm| escaped(alarm.name.as_str())).collect();
    let mut text = format!("[{ALARM_CONFIG}]\nalarmList = {}\n", names.join(", "));
    if !default_guard {
        // Only then, so that an earlier guard-keeper reads every other text.
        text += &format!("{DEFAULT_GUARD} = False\n");
    }
    for alarm in alarms {
        let topics: Vec<String> = alarm.topics.iter().map(ToString::to_string).collect();
        let limit = match alarm.limit {
            Limit::Upper => "upper",
            Limit::Lower => "lower",
        };
        let keys = [
            ("namespace", escaped(&alarm.namespace)),
            ("metricName", escaped(&alarm.metric)),
            ("stat", alarm.statistic.to_string()),
            ("period", alarm.period.seconds().to_string()),
            // Debug writes a number such that it is read as exactly the same.
            ("threshold", format!("{:?}", alarm.threshold)),
            ("alarmType", limit.to_owned()),
            ("evaluationPeriods", alarm.evaluation.evaluation_periods().to_string()),
            ("datapointsToAlarm", alarm.evaluation.datapoints_to_alarm().to_string()),
            ("treatMissingData", alarm.missing_data.name().to_owned()),
            ("snsTopics", topics.join(", ")),
        ];
        text += &format!("\n[{ALARM_PREFIX}{}]\n", alarm.name);
        let samples = alarm.min_samples.map(|samples| ("minSamples", samples.get().to_string()));
        for (key, value) in keys.into_iter().chain(samples) {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{key} = {value}");
        }
    }
    text
}

/// The `[EVIDENCE_CONFIG]` part of a `dev.ini`, but for the timeout, which is the job's own.
pub fn text_of_evidence(evidence: &EvidenceConfig) -> String {
    let topics =
        |topics: &[Topic]| topics.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    // Debug writes a number such that it is read as exactly the same.
    let percent = |share: f64| format!("{:?}", share * 100.0);
    let mut keys = vec![
        ("useEvidence", "True".to_owned()),
        ("falseStops", percent(evidence.false_stops)),
        ("failedLimit", percent(evidence.failed)),
    ];
    match &evidence.unfinished {
        Unfinished::Declared(pairs) => {
            let pair = |(age, share): &(u32, f64)| format!("{age}:{}", percent(*share));
            let pairs: Vec<String> = pairs.iter().map(pair).collect();
            keys.push(("unfinishedLimits", pairs.join(", ")));
        }
        Unfinished::Baseline { file, slower_by, silent } => {
            keys.push(("baseline", escaped(file)));
            let slower_by = slower_by.map(|by| ("slowerBy", by.percent().to_string()));
            keys.extend(slower_by);
            keys.push(("silentLimit", percent(*silent)));
        }
    }
    keys.push(("snsTopics", topics(&evidence.topics)));
    keys.push(("blindMinutes", evidence.blind_minutes.to_string()));
    keys.push(("blindTopics", topics(&evidence.blind_topics)));
    let mut text = format!("[{EVIDENCE_CONFIG}]\n");
    for (key, value) in keys {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{key} = {value}");
    }
    text
}

/// `%` begins a reference unless it is doubled.
fn escaped(text: &str) -> String {
    text.replace('%', "%%")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::AlarmConfig;

    fn config(text: &str) -> AlarmConfig {
        AlarmConfig::parse("kept", text).unwrap_or_else(|faults| panic!("{faults}\n{text}"))
    }

    fn read(text: &str) -> Vec<AlarmDefinition> {
        config(text).alarms
    }

    #[test]
    fn the_example_is_written_and_read() {
        let alarms = read(include_str!("../../../examples/dev.ini"));
        assert_eq!(alarms.len(), 2);
        assert_eq!(read(&text_of(&alarms, true)), alarms);
        assert_eq!(read(&text_of(&[], true)), []);
        assert!(!text_of(&alarms, true).contains(DEFAULT_GUARD), "as earlier versions wrote it");
        let without = config(&text_of(&alarms, false));
        assert_eq!((without.default_guard, without.alarms), (false, alarms));
    }

    #[test]
    fn limits_are_written_and_read() {
        for text in [
            "falseStops = 0.7\nfailedLimit = 2.3\nunfinishedLimits = 7:41.3, 60:2.9\nsnsTopics = @email",
            "baseline = a%%b.json\nslowerBy = 33\nsnsTopics = @sms, @force-stop\nblindMinutes = 7\nblindTopics = @email, @force-stop",
        ] {
            let text = format!("[EVIDENCE_CONFIG]\nuseEvidence = True\n{text}\n");
            let read = |text: &str| crate::parse_evidence("kept", text).unwrap().unwrap();
            let first = read(&text);
            let again = read(&text_of_evidence(&first));
            let near = |a: f64, b: f64| (a - b).abs() <= 1e-12;
            assert!(near(again.failed, first.failed) && near(again.false_stops, first.false_stops));
            match (&again.unfinished, &first.unfinished) {
                (Unfinished::Declared(a), Unfinished::Declared(b)) => {
                    assert!(a.iter().zip(b).all(|(a, b)| a.0 == b.0 && near(a.1, b.1)));
                    assert_eq!(a.len(), b.len());
                }
                (again, first) => assert_eq!(again, first),
            }
            let rest = |it: &EvidenceConfig| {
                (it.topics.clone(), it.blind_minutes, it.blind_topics.clone())
            };
            assert_eq!(rest(&again), rest(&first));
        }
    }

    proptest! {
        #[test]
        fn whatever_a_config_defines_is_read_as_it_was(
            names in proptest::collection::btree_set("[^,\\p{C}]{1,20}", 1..4),
            metric in "[ -~é]{1,20}",
            threshold in proptest::num::f64::NORMAL,
            periods in (1_u32..24, 1_u32..1_000),
            stat in "Sum|p[0-9]{2}(\\.[0-9]{1,2})?|Average",
            extra in "(treatMissingData = (missing|ignore)\n)?(minSamples = [1-9][0-9]{0,5}\n)?",
            default_guard in any::<bool>(),
            topics in "(@email|@sms, @force-stop|arn:aws:sns:eu-west-1:111122223333:a_b)",
        ) {
            let list: Vec<String> = names
                .iter()
                .map(|name| name.trim().to_owned())
                .filter(|name| !name.is_empty())
                .collect();
            let mut text = format!("[ALARM_CONFIG]\nalarmList = {}\n", list.join(",").replace('%', "%%"));
            for name in &list {
                text += &format!(
                    "[ALARM_CONFIG_{name}]\nnamespace = Custom\nmetricName = {}\nstat = {stat}\nperiod = 60\nthreshold = {threshold:e}\nalarmType = lower\nevaluationPeriods = {}\ndatapointsToAlarm = 1\nsnsTopics = {topics}\n{extra}",
                    metric.replace('%', "%%"), periods.0
                );
            }
            if let Ok(config) = AlarmConfig::parse("dev.ini", &text) {
                let again = self::config(&text_of(&config.alarms, default_guard));
                prop_assert_eq!((again.alarms, again.default_guard), (config.alarms, default_guard));
            }
        }
    }
}
