//! The limits that a config declares for evidence, with the baseline that it names.

use std::io::Read;
use std::path::Path;

use tripline::baseline::{Baseline, MAX_BYTES};
use tripline::evidence::Limits;
use tripline::faults::Faults;
use tripline_config::{EvidenceConfig, parse_evidence};

use super::source::{self, name_of};
use crate::exit::Error;

/// Reads `[EVIDENCE_CONFIG]` of a config, whose text is given, and the baseline that it names, which is
/// taken from beside the config. `None` if there is no such section or it is switched off.
pub fn load(path: &Path, text: &str) -> Result<Option<(EvidenceConfig, Limits)>, Error> {
    load_with(path, text, None)
}

/// The same with another share of false stops than the config's: that of one wave.
pub fn load_with(
    path: &Path,
    text: &str,
    false_stops: Option<f64>,
) -> Result<Option<(EvidenceConfig, Limits)>, Error> {
    let file = name_of(path);
    let Some(mut config) = parse_evidence(&file, text).map_err(source::faults_in(text))? else {
        return Ok(None);
    };
    config.false_stops = false_stops.unwrap_or(config.false_stops);
    let folder = path.parent().unwrap_or(Path::new(""));
    let limits = checked(&config, &file, folder).map_err(source::faults)?;
    Ok(Some((config, limits)))
}

/// The limits of a config, or what is wrong with them and with the baseline.
fn checked(config: &EvidenceConfig, file: &str, folder: &Path) -> Result<Limits, Faults> {
    config.checked(file, config.baseline().map(|name| baseline(&folder.join(name))))
}

/// Reads a baseline's file, which may be anything.
pub(super) fn baseline(path: &Path) -> Result<Baseline, String> {
    let name = name_of(path);
    let file = source::open(path, "a file that `tripline calibrate` wrote")
        .map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    // One more than is allowed shows that it is too long.
    file.take(MAX_BYTES as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("{name}: cannot be read: {error}"))?;
    let text = String::from_utf8(bytes).map_err(|_| format!("{name}: not UTF-8 text"))?;
    Baseline::parse(&text).map_err(|why| format!("{name}: {why}"))
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
