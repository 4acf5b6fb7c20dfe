//! The limits of a healthy rollout, as a config says them: with the baseline that it names, which is
//! looked for in its folder.

use std::io::Read;
use std::path::Path;

use tripline::baseline::{Baseline, MAX_BYTES};
use tripline::evidence::Limits;
use tripline::faults::Faults;
use tripline_config::{EvidenceConfig, parse_evidence};

use super::source::{self, name_of};
use crate::exit::Error;

/// Reads `[EVIDENCE_CONFIG]` from the text of a config; `None` if there is none or it is switched off.
pub fn read(path: &Path, text: &str) -> Result<Option<(EvidenceConfig, Limits)>, Error> {
    let file = name_of(path);
    let Some(config) = parse_evidence(&file, text).map_err(source::faults)? else {
        return Ok(None);
    };
    let folder = path.parent().unwrap_or(Path::new(""));
    let limits = limits(&config, &file, folder).map_err(source::faults)?;
    Ok(Some((config, limits)))
}

/// The limits of a config, or what is wrong with them and with the baseline.
pub fn limits(config: &EvidenceConfig, file: &str, folder: &Path) -> Result<Limits, Faults> {
    config.checked(file, config.baseline().map(|name| baseline(&folder.join(name))))
}

/// Reads a baseline's file, which may be anything.
fn baseline(path: &Path) -> Result<Baseline, String> {
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
