//! The limits of a healthy rollout that a config declares, with the baseline that it names.

use std::borrow::Cow;
use std::path::Path;

use tripline::alarm::AlarmDefinition;
use tripline::baseline::Baseline;
use tripline::evidence::Limits;
use tripline::faults::Faults;
use tripline_config::{EvidenceConfig, parse_evidence, text_of_evidence};
use tripline_guard::definition::in_words;
use tripline_guard::desired::evidence_alarm;

use super::limits::baseline;

/// What evidence of a rollout is compared with.
#[derive(Debug, Clone, PartialEq)]
pub struct DeclaredLimits {
    /// As the guard-keeper reads it where it is kept, so that both put the same alarm.
    pub config: EvidenceConfig,
    /// What the config names, if it names one.
    pub baseline: Option<Baseline>,
    pub limits: Limits,
}

impl DeclaredLimits {
    /// The limits of a config with the baseline that it names, or what is wrong with them. `file` is what
    /// messages call the config.
    pub fn new(
        file: &str,
        config: EvidenceConfig,
        baseline: Option<Baseline>,
    ) -> Result<Self, Faults> {
        Self::of(file, config, baseline.map(Ok))
    }

    /// The same, with the baseline from the config's folder.
    pub fn read(file: &str, config: EvidenceConfig, folder: &Path) -> Result<Self, Faults> {
        let baseline = config.baseline().map(|name| baseline(&folder.join(name)));
        Self::of(file, config, baseline)
    }

    fn of(
        file: &str,
        config: EvidenceConfig,
        baseline: Option<Result<Baseline, String>>,
    ) -> Result<Self, Faults> {
        let limits = config.checked(file, baseline.clone())?;
        let kept = parse_evidence(file, &text_of_evidence(&config))?;
        let baseline = baseline.and_then(Result::ok);
        Ok(Self { config: kept.unwrap_or(config), baseline, limits })
    }

    /// The alarm that a job is armed with.
    pub fn alarm(&self) -> Option<AlarmDefinition> {
        evidence_alarm(&self.config)
    }
}

/// The alarms of a config, and that on evidence if it declares limits.
pub fn all_alarms<'a>(
    alarms: &'a [AlarmDefinition],
    evidence: Option<&DeclaredLimits>,
) -> Cow<'a, [AlarmDefinition]> {
    match evidence.and_then(DeclaredLimits::alarm) {
        None => Cow::Borrowed(alarms),
        Some(on_evidence) => Cow::Owned(alarms.iter().cloned().chain([on_evidence]).collect()),
    }
}

/// What an alarm of a config watches, in words: that on evidence with the limits.
pub fn watches(alarm: &AlarmDefinition, evidence: Option<&DeclaredLimits>) -> String {
    // No alarm of a config has this name beside limits.
    let is_on_evidence = alarm.name.as_str() == EvidenceConfig::ALARMS[0];
    match evidence.filter(|_| is_on_evidence) {
        Some(limits) => limits.limits.in_words().to_string(),
        None => in_words(alarm),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "{\"version\":1,\"name\":\"fw\",\"rollouts\":2,\"pooled\":{\"devices\":900,\"unfinished\":[800,300,9]},\"slowest\":{\"devices\":400,\"unfinished\":[400,200,9]},\"failures\":[0,2]}\n";

    fn config(keys: &str) -> EvidenceConfig {
        let text =
            format!("[EVIDENCE_CONFIG]\nuseEvidence = True\n{keys}\nsnsTopics = @force-stop\n");
        parse_evidence("dev.ini", &text).unwrap().unwrap()
    }

    #[test]
    fn a_baseline_is_looked_for_beside_its_config() {
        let folder = tempfile::tempdir().unwrap();
        let read = || DeclaredLimits::read("dev.ini", config("baseline = fw.json"), folder.path());
        let missing = read().unwrap_err().to_string();
        assert!(missing.contains("fw.json: cannot be read: "), "{missing}");
        std::fs::write(folder.path().join("fw.json"), FILE).unwrap();
        let limits = read().unwrap();
        assert_eq!(limits.baseline.as_ref().map(Baseline::devices), Some(900));
        assert!(
            limits
                .limits
                .in_words()
                .to_string()
                .ends_with("(baseline fw of 2 rollouts, 20 % slack)")
        );
        for (text, why) in [
            ("{}", "fw.json: no baseline: "),
            (&FILE.replace("\"version\":1", "\"version\":7"), "a baseline of version 7"),
            (&" ".repeat(600_000), "fw.json: 512001 bytes long"),
        ] {
            std::fs::write(folder.path().join("fw.json"), text).unwrap();
            let error = read().unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn one_past_rollout_takes_more_slack() {
        let baseline = Baseline::parse(&FILE.replace("\"rollouts\":2", "\"rollouts\":1")).unwrap();
        let keys = "baseline = fw.json\nslowerBy = 20";
        let error = DeclaredLimits::new("dev.ini", config(keys), Some(baseline)).unwrap_err();
        assert!(error.to_string().contains("slowerBy 20 is too little for a baseline"));
    }

    /// Percent as text and back is not the same number to the last bit.
    #[test]
    fn the_alarm_is_the_guard_keeper_s_to_the_last_bit() {
        for false_stops in ["0.7", "2.3", "0.0137", "1"] {
            let keys = format!("falseStops = {false_stops}\nunfinishedLimits = 60:3");
            let first = config(&keys);
            let kept = parse_evidence("kept", &text_of_evidence(&first)).unwrap().unwrap();
            let ours = DeclaredLimits::new("dev.ini", first, None).unwrap();
            assert_eq!(ours.alarm(), evidence_alarm(&kept));
        }
    }
}
