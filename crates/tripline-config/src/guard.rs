//! What guards a job: alarms, and the limits of a healthy rollout.

use tripline::faults::{Fault, Faults};
use tripline::text::excerpt;

use crate::alarms::{self, AlarmConfig};
use crate::evidence::EvidenceConfig;
use crate::ini::{Ini, read_whole};
use crate::keys::{ALARM_PREFIX, EVIDENCE_CONFIG};
use crate::near::near;
use crate::reader::Reader;
use crate::rollout::parse_rollout;

/// What a `dev.ini` says of a job's guard.
#[derive(Debug, Clone, PartialEq)]
pub struct GuardConfig {
    /// The alarms.
    pub alarms: AlarmConfig,
    /// The limits of a healthy rollout, if evidence of leaving them guards the job.
    pub evidence: Option<EvidenceConfig>,
}

impl GuardConfig {
    /// Reads alarms and limits from the text of a `dev.ini`, with the faults of both. `file` is what the
    /// errors call it.
    pub fn parse(file: &str, text: &str) -> Result<Self, Faults> {
        // What is wrong with the rollout is whoever reads that to say.
        let rollout = parse_rollout(file, text).unwrap_or_default();
        read_whole(file, text, |ini, faults| {
            let alarms = alarms::read(ini, faults);
            misspelt_section(ini, faults);
            let evidence = Reader::new(ini, faults).evidence(&rollout);
            let config = Self { alarms, evidence };
            alarms::guards_by_nothing(ini, config.is_empty(), faults);
            config
        })
    }

    /// Whether it guards by nothing.
    pub fn is_empty(&self) -> bool {
        self.alarms.alarms.is_empty() && self.evidence.is_none()
    }
}

/// Without its section there is no evidence. That must not come from a slip of the pen.
fn misspelt_section(ini: &Ini, faults: &mut Vec<Fault>) {
    let is_slip = |name: &str| {
        name != EVIDENCE_CONFIG
            && !name.starts_with(ALARM_PREFIX)
            && near(name, &[EVIDENCE_CONFIG]).is_some()
    };
    for section in ini.sections().filter(|section| is_slip(&section.name)) {
        let text = format!("unknown section `[{}]`", excerpt(&section.name));
        let hint = Some(format!("did you mean `[{EVIDENCE_CONFIG}]`?"));
        faults.push(Fault::at(section.line, text).hint(hint));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVIDENCE: &str =
        "[EVIDENCE_CONFIG]\nuseEvidence = True\nunfinishedLimits = 60:3\nsnsTopics = @force-stop\n";

    fn read(text: &str) -> Result<GuardConfig, String> {
        GuardConfig::parse("dev.ini", text).map_err(|faults| faults.to_string())
    }

    #[test]
    fn evidence_alone_is_a_guard() {
        let config = read(EVIDENCE).unwrap();
        assert!(config.alarms.alarms.is_empty() && config.evidence.is_some() && !config.is_empty());
        let off = read(&EVIDENCE.replace("True", "False")).unwrap();
        assert!(off.evidence.is_none() && off.is_empty());
        assert!(read("").unwrap().is_empty());
    }

    /// The guard-keeper arms the default guard for a job that brings none, whatever a config says.
    #[test]
    fn only_a_config_that_guards_by_itself_keeps_the_default_guard_away() {
        let nothing = "[ALARM_CONFIG]\nalarmList =\ndefaultGuard = False\n";
        let alone = read(&format!("{nothing}{EVIDENCE}")).unwrap();
        assert!(!alone.alarms.default_guard && alone.evidence.is_some());
        for empty in [nothing.to_owned(), format!("{nothing}{}", EVIDENCE.replace("True", "False"))]
        {
            let fault = read(&empty).unwrap_err();
            let expected = "dev.ini:3: `[ALARM_CONFIG]`: defaultGuard is False, and nothing else guards the job";
            assert!(fault.starts_with(expected), "{fault}");
            assert!(fault.contains("its tag `tripline:guard` is `off`"), "{fault}");
        }
        // A faulty guard is not an empty one.
        let faulty = read(&format!("{nothing}{}", EVIDENCE.replace(":3", ":x"))).unwrap_err();
        assert!(faulty.contains("`60:x` is no limit") && !faulty.contains("nothing else"));
    }

    #[test]
    fn faults_of_alarms_and_limits_are_said_at_once() {
        let text = format!("[ALARM_CONFIG]\nalarmList = slow\n{}", EVIDENCE.replace(":3", ":x"));
        let faults = read(&text).unwrap_err();
        assert!(faults.starts_with("dev.ini: 2 faults"), "{faults}");
        assert!(faults.contains("`slow` has no section") && faults.contains("`60:x` is no limit"));
    }

    #[test]
    fn a_slip_of_the_pen_does_not_disarm() {
        for slip in ["EVIDENCE_CONFG", "EVIDENCE_CONFIGS", "EVIDENCE"] {
            let read = read(&EVIDENCE.replace("EVIDENCE_CONFIG", slip));
            match slip {
                "EVIDENCE" => assert!(read.unwrap().is_empty(), "another word"),
                _ => {
                    let expected = format!("dev.ini:1: unknown section `[{slip}]`");
                    let fault = read.unwrap_err();
                    assert!(fault.starts_with(&expected), "{fault}");
                    assert!(fault.contains("did you mean `[EVIDENCE_CONFIG]`?"), "{fault}");
                }
            }
        }
        let every_section = read(include_str!("tests/whole.ini")).unwrap();
        assert!(!every_section.is_empty() && every_section.evidence.is_none());
    }
}
