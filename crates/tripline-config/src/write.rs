//! Alarms written as a config, such that reading it gives them back.

use std::fmt::Write;

use tripline::alarm::{AlarmDefinition, Limit};

use crate::alarms::{ALARM_CONFIG, ALARM_PREFIX};

/// The `[ALARM_CONFIG]` part of a `dev.ini` with these alarms and nothing else.
pub fn text_of(alarms: &[AlarmDefinition]) -> String {
    let names: Vec<String> = alarms.iter().map(|alarm| escaped(alarm.name.as_str())).collect();
    let mut text = format!("[{ALARM_CONFIG}]\nalarmList = {}\n", names.join(", "));
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

/// `%` begins a reference unless it is doubled.
fn escaped(text: &str) -> String {
    text.replace('%', "%%")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::AlarmConfig;

    fn read(text: &str) -> Vec<AlarmDefinition> {
        AlarmConfig::parse("kept", text).unwrap_or_else(|faults| panic!("{faults}\n{text}")).alarms
    }

    #[test]
    fn the_example_is_written_and_read() {
        let alarms = read(include_str!("../../../examples/dev.ini"));
        assert_eq!(alarms.len(), 2);
        assert_eq!(read(&text_of(&alarms)), alarms);
        assert_eq!(read(&text_of(&[])), []);
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
                prop_assert_eq!(read(&text_of(&config.alarms)), config.alarms);
            }
        }
    }
}
