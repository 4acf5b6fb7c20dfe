//! Which keys each section has: the one table that the readers and the hints go by.

use crate::near::near;

/// The section that all others inherit.
pub(crate) const DEFAULT: &str = "DEFAULT";
/// The section that lists the alarms.
pub(crate) const ALARM_CONFIG: &str = "ALARM_CONFIG";
/// How the sections of single alarms begin.
pub(crate) const ALARM_PREFIX: &str = "ALARM_CONFIG_";
/// The key that keeps the stack's default guard away.
pub(crate) const DEFAULT_GUARD: &str = "defaultGuard";
/// The key that says what an alarm of the job does.
pub(crate) const ON_ALARM: &str = "onAlarm";
/// The key that says what is done if a hold does not take effect.
pub(crate) const ON_HOLD_FAILED: &str = "onHoldFailed";
/// The section with the limits of a healthy rollout.
pub(crate) const EVIDENCE_CONFIG: &str = "EVIDENCE_CONFIG";
/// The section that lists the waves.
pub(crate) const WAVES: &str = "WAVES";
/// How the sections of single waves begin.
pub(crate) const WAVE_PREFIX: &str = "WAVE_";
/// `fileChunkSize` as the manual of the AWS IoT OTA deployment tool spells it in its sample.
pub(crate) const FILE_CHUNCK_SIZE: &str = "fileChunckSize";

const CRITERION: &[&str] = &["failureType", "thresholdPercentage", "minNumberOfExecutedThings"];

/// The keys of each section. A section whose name ends with `_` stands for all that begin so. Of
/// `[DEFAULT]`, `imageVer`, `fileId`, `privateKey` and `fallback` are Tripline's own.
const SECTIONS: [(&str, &[&str]); 18] = [
    (
        DEFAULT,
        &[
            "thingList",
            "binName",
            "roleArn",
            "jobId",
            "rounds",
            "bucket",
            "cleanUpCfg",
            "debug",
            "defaultDelay",
            "region",
            "streamId",
            "iotApiSleepTime",
            "fileChunkSize",
            FILE_CHUNCK_SIZE,
            "targetSelection",
            "useCustomJobDocument",
            "usePresignedUrlConfig",
            "useJobExecutionsRolloutConfig",
            "useAbortConfig",
            "useTimeoutConfig",
            "deviceCount",
            "imageVer",
            "fileId",
            "privateKey",
            "fallback",
        ],
    ),
    ("CUSTOM_JOB_DOCUMENT", &["jobDocSrcCfg", "jobDocSrcUrl", "jobDocPath"]),
    ("PRESIGNED_URL_CONFIG", &["roleArn", "expiresInSec"]),
    ("JOB_EXECUTE_ROLLOUT_CONFIG", &["maximumPerMinute", "useExponentialRateCfg"]),
    ("EXP_RATE_CONFIG", &["baseRatePerMinute", "incrementFactor", "useRateIncreaseCriteria"]),
    ("INCREASE_CRITERIA", &["numberOfNotifiedThings", "numberOfSucceededThings"]),
    (
        "ABORT_CONFIG",
        &[
            "useAllSubsection",
            "useFailedSubsection",
            "useRejectedSubsection",
            "useTimedOutSubsection",
        ],
    ),
    ("ABORT_CONFIG_TYPE_ALL", CRITERION),
    ("ABORT_CONFIG_TYPE_FAILED", CRITERION),
    ("ABORT_CONFIG_TYPE_REJECTED", CRITERION),
    ("ABORT_CONFIG_TYPE_TIMED_OUT", CRITERION),
    ("TIMEOUT_CONFIG", &["inProgressTimeoutInMinutes"]),
    ("RETRY_CONFIG", &["failedRetries", "timedOutRetries"]),
    (ALARM_CONFIG, &["alarmList", DEFAULT_GUARD, ON_ALARM, ON_HOLD_FAILED]),
    (
        ALARM_PREFIX,
        &[
            "namespace",
            "metricName",
            "stat",
            "period",
            "threshold",
            "alarmType",
            "evaluationPeriods",
            "datapointsToAlarm",
            "snsTopics",
            "treatMissingData",
            "minSamples",
        ],
    ),
    (
        EVIDENCE_CONFIG,
        &[
            "useEvidence",
            "falseStops",
            "failedLimit",
            "unfinishedLimits",
            "baseline",
            "slowerBy",
            "silentLimit",
            "snsTopics",
            "blindMinutes",
            "blindTopics",
        ],
    ),
    (WAVES, &["waveList", "falseStops", "exposure"]),
    (
        WAVE_PREFIX,
        &[
            "things",
            "groups",
            "devices",
            "percent",
            "query",
            "rest",
            "rate",
            "bake",
            "tolerance",
            "approval",
            "decideWithin",
        ],
    ),
];

/// Most keys that a hint lists.
const MOST_LISTED: usize = 6;

/// Sections and their keys; a name that ends with `_` stands for all that begin so.
pub fn keys_by_section() -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
    SECTIONS.into_iter()
}

/// The keys of a section; none if there is no such section.
pub(crate) fn keys_of(section: &str) -> &'static [&'static str] {
    let named = |name: &str| SECTIONS.iter().find(|(known, _)| *known == name);
    let prefix = || {
        let is = |known: &str| known.ends_with('_') && section.starts_with(known);
        SECTIONS.iter().find(|(known, _)| is(known))
    };
    named(section).or_else(prefix).map_or(&[], |(_, keys)| keys)
}

/// Whether a section has this key, without regard to case.
pub(crate) fn has_key(section: &str, key: &str) -> bool {
    keys_of(section).iter().any(|known| known.eq_ignore_ascii_case(key))
}

/// Whether any section has this key.
pub(crate) fn is_key(key: &str) -> bool {
    SECTIONS.iter().any(|(section, _)| has_key(section, key))
}

/// Whether there is such a section.
pub(crate) fn is_section(name: &str) -> bool {
    !keys_of(name).is_empty()
}

/// The names of all sections but `[DEFAULT]` and those that stand for several.
pub(crate) fn section_names() -> Vec<&'static str> {
    let names = SECTIONS.iter().map(|(name, _)| *name);
    names.filter(|name| *name != DEFAULT && !name.ends_with('_')).collect()
}

/// What to do about a key that a section does not have: it belongs to another one, or it is misspelt.
pub(crate) fn hint_for(section: &str, key: &str) -> Option<String> {
    let owners: Vec<String> = SECTIONS
        .iter()
        .filter(|(name, _)| has_key(name, key))
        .map(|(name, _)| match name.ends_with('_') {
            true => format!("`[{name}<name>]`"),
            false => format!("`[{name}]`"),
        })
        .collect();
    if !owners.is_empty() {
        return Some(format!("it is a key of {}", owners.join(", ")));
    }
    let own = keys_of(section);
    if let Some(near) = near(key, own) {
        return Some(format!("did you mean `{near}`?"));
    }
    let all: Vec<&str> = SECTIONS.iter().flat_map(|(_, keys)| *keys).copied().collect();
    if let Some(near) = near(key, &all) {
        return Some(format!("did you mean `{near}`, {}?", owner_of(near)));
    }
    let is_short = (1..=MOST_LISTED).contains(&own.len());
    is_short.then(|| format!("the section's keys are `{}`", own.join("`, `")))
}

fn owner_of(key: &str) -> String {
    let owner = SECTIONS.iter().find(|(name, _)| has_key(name, key));
    owner.map_or_else(String::new, |(name, _)| match name.ends_with('_') {
        true => format!("a key of `[{name}<name>]`"),
        false => format!("a key of `[{name}]`"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_has_its_keys_without_regard_to_case() {
        assert!(has_key("ALARM_CONFIG_Slow", "STAT") && has_key("WAVE_a", "bake"));
        assert!(has_key("ALARM_CONFIG", "alarmlist") && !has_key("ALARM_CONFIG", "stat"));
        assert!(!has_key("Timeout_Config", "inProgressTimeoutInMinutes"));
        assert!(is_key("failuretype") && !is_key("color"));
        assert!(is_section("WAVES") && is_section("WAVE_a") && !is_section("WAVE"));
    }

    #[test]
    fn a_key_of_another_section_is_known() {
        for (section, key, hint) in [
            ("DEFAULT", "maximumPerMinute", "it is a key of `[JOB_EXECUTE_ROLLOUT_CONFIG]`"),
            ("ALARM_CONFIG_x", "BAKE", "it is a key of `[WAVE_<name>]`"),
            ("TIMEOUT_CONFIG", "expiresInSec", "it is a key of `[PRESIGNED_URL_CONFIG]`"),
            ("DEFAULT", "region2", "did you mean `region`?"),
            (
                "DEFAULT",
                "maximumPerMinutes",
                "did you mean `maximumPerMinute`, a key of `[JOB_EXECUTE_ROLLOUT_CONFIG]`?",
            ),
            ("RETRY_CONFIG", "color", "the section's keys are `failedRetries`, `timedOutRetries`"),
        ] {
            assert_eq!(hint_for(section, key).as_deref(), Some(hint), "{section} {key}");
        }
        assert_eq!(hint_for("DEFAULT", "color"), None);
    }
}
