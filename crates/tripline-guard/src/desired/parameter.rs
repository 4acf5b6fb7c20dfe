//! Which parameter of the stack stands behind a setting of the default guard's alarms.

use super::default_guard::DEFAULT_PREFIX;

/// The parameter of the stack's default guard, and so the tag of a job, that changes a setting of one of its
/// alarms. `alarm` is the alarm's name in the guard, `setting` a key of a config's alarm. `None` if there is none.
pub fn parameter_of(alarm: &str, setting: &str) -> Option<&'static str> {
    Some(match (alarm.strip_prefix(DEFAULT_PREFIX)?, setting) {
        ("DownloadTime", "minSamples") => "DownloadTimeMinSamples",
        ("DownloadTime", "stat") => "DownloadTimePercentile",
        ("DownloadTime", "threshold") => "DownloadTimeUpperLimit",
        ("DownloadTime", "datapointsToAlarm") => "DownloadTimeDatapointsToAlarm",
        ("FailureRate", "minSamples") => "FailureRateMinExecutions",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desired::KEYS;

    #[test]
    fn settings_of_the_default_guard_s_alarms_alone_have_parameters() {
        for setting in ["minSamples", "stat", "threshold", "datapointsToAlarm"] {
            let parameter = parameter_of("default-DownloadTime", setting).unwrap();
            assert!(KEYS.contains(&parameter), "{parameter}");
            assert_eq!(parameter_of("DownloadTime", setting), None, "a config's own");
        }
        assert_eq!(parameter_of("default-FailureRate", "stat"), None);
    }
}
