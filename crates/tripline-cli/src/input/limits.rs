//! The limits that a config declares for evidence, with the baseline that it names.

use std::io::Read;
use std::path::Path;

use tripline::baseline::{Baseline, MAX_BYTES};
use tripline::evidence::Limits;
use tripline_config::{EvidenceConfig, parse_evidence};

use super::source;
use crate::exit::Error;

/// Reads `[EVIDENCE_CONFIG]` of a config, whose text is given, and the baseline that it names, which is
/// taken from beside the config. `None` if there is no such section or it is switched off.
pub fn load(config: &Path, text: &str) -> Result<Option<(EvidenceConfig, Limits)>, Error> {
    let file = source::name_of(config);
    let Some(evidence) = parse_evidence(&file, text).map_err(source::faults)? else {
        return Ok(None);
    };
    let baseline = evidence.baseline().map(|name| baseline(config, name)).transpose()?;
    let limits = evidence
        .limits(baseline.as_ref(), true)
        .map_err(|error| Error::Input(format!("{file}: `[EVIDENCE_CONFIG]`: {error}")))?;
    Ok(Some((evidence, limits)))
}

fn baseline(config: &Path, name: &str) -> Result<Baseline, Error> {
    let path = config.parent().unwrap_or(Path::new("")).join(name);
    let file = source::name_of(&path);
    let fault = |text: String| Error::Input(format!("{file}: {text}"));
    let open = source::open(&path, "a baseline such as `tracker.baseline.json`")?;
    let mut text = String::new();
    // One more than is allowed shows that it is too long.
    open.take(MAX_BYTES as u64 + 1)
        .read_to_string(&mut text)
        .map_err(|error| fault(format!("cannot be read: {error}")))?;
    Baseline::parse(&text).map_err(|error| fault(error.to_string()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tripline::baseline::{Execution, PastRollout, calibrate};

    use super::*;

    const CONFIG: &str = "[EVIDENCE_CONFIG]\nuseEvidence = True\nbaseline = tracker.baseline.json\nsnsTopics = @email\n";

    #[test]
    fn a_baseline_is_read_from_beside_its_config() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("dev.ini");
        let said = || load(&config, CONFIG).map(|found| found.unwrap().1.source().to_string());
        let missing = said().unwrap_err().to_string();
        assert!(missing.contains("tracker.baseline.json: cannot be read: "), "{missing}");
        let file = folder.path().join("tracker.baseline.json");
        fs::write(&file, "{}").unwrap();
        let foreign = said().unwrap_err().to_string();
        assert!(foreign.contains("tracker.baseline.json: no baseline: "), "{foreign}");
        let lasted = |n: u32| Execution { lasted: Some(n * 4), failed: false, is_retry: false };
        let rollout =
            PastRollout { was_stopped: false, executions: (1..900).map(lasted).collect() };
        let baseline = calibrate("fw", vec![rollout; 2]).unwrap().baseline;
        fs::write(&file, baseline.to_json()).unwrap();
        assert_eq!(said().unwrap(), "baseline fw of 2 rollouts, 20 % slack");
        let other = CONFIG.replace("[EVIDENCE_CONFIG]", "[DEFAULT]");
        assert!(load(&config, &other).unwrap().is_none());
    }
}
