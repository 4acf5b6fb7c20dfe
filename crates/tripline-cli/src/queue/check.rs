//! What is wrong with a release: its `dev.ini`, and the files that it names.

use std::path::{Path, PathBuf};

use tripline::config::{AlarmConfig, Fault, Faults, MAX_FAULTS, Release};
use tripline::queue::{FileName, StoredFile, Use};
use tripline::rollout::RolloutConfig;
use tripline::text::excerpt;

use super::files::describe;
use crate::alarms::source::{faults, name_of};
use crate::exit::Error;

/// Checks a whole `dev.ini`, and reads from it what is released.
pub fn config(file: &str, text: &str) -> Result<Release, Error> {
    let parsed = Release::parse(file, text);
    let checked = [
        parsed.as_ref().map(drop).map_err(Clone::clone),
        AlarmConfig::parse(file, text).map(drop),
        RolloutConfig::parse(file, text).map(drop),
    ];
    let found: Vec<Faults> = checked.into_iter().filter_map(Result::err).collect();
    match parsed {
        Ok(release) if found.is_empty() => Ok(release),
        _ => Err(faults(together(file, found))),
    }
}

/// The faults that several readers have found: what all of them trip over is named once.
fn together(file: &str, found: Vec<Faults>) -> Faults {
    // Each has counted what all of them trip over, so that this is at least how many there are.
    let more = found.iter().map(|faults| faults.more).max().unwrap_or(0);
    let mut all: Vec<Fault> = Vec::new();
    for fault in found.into_iter().flat_map(|faults| faults.faults) {
        if !all.contains(&fault) {
            all.push(fault);
        }
    }
    all.sort_by_key(|fault| fault.line);
    let more = more + all.len().saturating_sub(MAX_FAULTS);
    all.truncate(MAX_FAULTS);
    Faults { file: file.to_owned(), faults: all, more }
}

/// The files of a release on this machine, with the `dev.ini` first.
#[derive(Debug)]
pub struct Sources(pub Vec<(StoredFile, PathBuf)>);

/// What a file is called, without its folder.
pub fn file_name(path: &Path) -> Result<FileName, Error> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.parse().map_err(|error| Error::Input(format!("{}: {error}", name_of(path))))
}

/// Compares the files with what the `dev.ini` calls them, and tells what they are. `config` is the
/// `dev.ini` itself, `folder` is where a job document is looked for.
pub fn sources(
    file: &str,
    release: &Release,
    config: &Path,
    firmware: &Path,
    things: &Path,
    folder: &Path,
) -> Result<Sources, Error> {
    let mut differ = String::new();
    for (key, named, path) in
        [("binName", &release.firmware, firmware), ("thingList", &release.things, things)]
    {
        let given = file_name(path)?;
        if given != *named {
            differ +=
                &format!("\n  {key} is `{named}` (expected `{given}`, the file that is added)");
        }
    }
    let names = [Some(&release.firmware), Some(&release.things), release.document.as_ref()];
    let names: Vec<&FileName> = names.into_iter().flatten().collect();
    for (at, name) in names.iter().enumerate() {
        if name.as_str() == CONFIG || names.iter().skip(at + 1).any(|other| other == name) {
            differ += &format!("\n  `{}` is the name of two files", excerpt(name.as_str()));
        }
    }
    if !differ.is_empty() {
        return Err(Error::Input(format!(
            "{file}: does not fit the files{differ}\n\n  hint: `--set binName=..` and `--set thingList=..` change the copy that is queued"
        )));
    }
    let config_name = CONFIG.parse().map_err(|error| Error::Input(format!("{error}")))?;
    let mut sources = vec![
        (describe(config, Use::Config, config_name)?, config.to_owned()),
        (describe(firmware, Use::Firmware, release.firmware.clone())?, firmware.to_owned()),
        (describe(things, Use::Things, release.things.clone())?, things.to_owned()),
    ];
    if let Some(name) = &release.document {
        let path = folder.join(name.as_str());
        sources.push((describe(&path, Use::Document, name.clone())?, path));
    }
    Ok(Sources(sources))
}

/// What every entry's `dev.ini` is called.
pub const CONFIG: &str = "dev.ini";
