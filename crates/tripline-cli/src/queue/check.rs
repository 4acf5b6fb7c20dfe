//! What is wrong with a release: its `dev.ini`, and the files that it names.

use std::path::{Path, PathBuf};

use crate::input::renamed::ALERT_ONLY;
use crate::queue::state::{StoredFile, Use};
use tripline::text::excerpt;
use tripline_config::FileName;
use tripline_config::{DeployConfig, DocumentSource, FileNames, Lines, Release, Unfinished};

use super::draft::Draft;
use super::files::{CONFIG, describe};
use crate::aws::deployment::spec::Spec;
use crate::aws::region::check_topics;
use crate::exit::Error;
use crate::input::accepted::AcceptedWays;
use crate::input::alarms::{check_alarms, check_stops};
use crate::input::deployment::{Input, Loaded, faults_of};
use crate::input::planned::{PlannedRollout, StackRules, declared_devices};
use crate::input::source::{faults, name_of};
use crate::input::within::Within;

/// What is meant although it looks like a mistake.
#[derive(Debug, Clone, clap::Args)]
pub struct Intended {
    /// Accept a config whose alarms alert people but never stop the rollout
    #[arg(long, alias = ALERT_ONLY)]
    pub alert_only: bool,
    /// Accept a dev.ini without alarms: the stack's default guard guards the job
    #[arg(long)]
    pub default_guard: bool,
    /// Accept that no alarm covers these ways to go wrong: `fails`, `refuses`, `timesOut`, `slow`,
    /// `neverAnswers`, separated by commas
    #[arg(long, value_name = "WAYS")]
    pub accept_uncovered: Option<AcceptedWays>,
}

/// Checks a whole `dev.ini` and the files of a release, wherever they are, as a deployment would.
pub fn release(
    draft: &Draft,
    firmware: &Path,
    things: &Path,
    meant: &Intended,
    within: Option<&Within>,
) -> Result<(Release, Input), Error> {
    let (file, text) = (draft.name.as_str(), draft.text.as_str());
    let path = |path: &Path| path.to_string_lossy().into_owned();
    let beside = |name: String| path(&draft.folder.join(name));
    // The key is where it is deployed, and the paths are as they were given.
    let (private_key, folder) = (None, PathBuf::new());
    let (things, firmware) = (path(things), path(firmware));
    let config = match DeployConfig::parse(file, text) {
        Ok(config) => config,
        Err(faults) => {
            let found = FileNames::find(text);
            let names = FileNames {
                things: Some(things),
                firmware: Some(firmware),
                private_key,
                document: found.document.map(beside),
                has_waves: found.has_waves,
                lines: given(found.lines),
            };
            return Err(faults_of(faults, &names, &folder, within).into());
        }
    };
    let release = Release::from_config(file, &config).map_err(faults)?;
    let document = config.document.map(|source| match source {
        DocumentSource::File(name) => DocumentSource::File(beside(name)),
        url => url,
    });
    let mut evidence = config.evidence;
    if let Some(Unfinished::Baseline { file, .. }) =
        evidence.as_mut().map(|evidence| &mut evidence.unfinished)
    {
        *file = beside(std::mem::take(file));
    }
    let lines = given(config.lines);
    let config =
        DeployConfig { things, firmware, private_key, document, evidence, lines, ..config };
    let (file_name, text) = (file.to_owned(), text.to_owned());
    let loaded = Loaded { file: file_name, text, config, folder, within: within.cloned() };
    loaded.goes_out_at_once()?;
    // A document at a URL is fetched when it is deployed.
    let input = loaded.with(Ok(None))?;
    check_alarms(file, input.config.has_guard(), meant.default_guard)?;
    check_stops(file, &input.alarms(), meant.alert_only)?;
    // The stack's own parameters, and the devices of groups, count when it is deployed.
    let planned = PlannedRollout::new(&input, declared_devices(&input), meant.alert_only);
    let covered = planned.coverage(&StackRules::read(|_| None)?);
    meant.accept_uncovered.clone().unwrap_or_default().check(file, &covered.coverage)?;
    Ok((release, input))
}

/// The lines of a `dev.ini` whose firmware and thing list are given beside it.
fn given(lines: Lines) -> Lines {
    lines.without("binName").without("thingList")
}

/// Checks what depends on where it is deployed.
pub fn region(input: &Input, region: &str) -> Result<(), Error> {
    input.check_region(region)?;
    check_topics(&input.file, &input.alarms(), region)?;
    Spec::new(input, region).map(drop)
}

/// The files of a release on this machine, with the `dev.ini` first.
#[derive(Debug)]
pub struct Sources(pub Vec<(StoredFile, PathBuf)>);

/// What a file is called, without its folder.
pub fn file_name(path: &Path) -> Result<FileName, Error> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.parse().map_err(|error| Error::in_file(&name_of(path), format!("{error}")))
}

/// Compares the files with what the `dev.ini` calls them, and returns what they are. `config` is the
/// `dev.ini` as it is stored, `folder` is where the job document is.
pub fn sources(
    release: &Release,
    input: &Input,
    config: &Path,
    things: &Path,
    folder: &Path,
) -> Result<Sources, Error> {
    let firmware = &input.firmware;
    let mut differ = String::new();
    for (key, named, path) in [
        ("binName", &release.firmware, firmware.path.as_path()),
        ("thingList", &release.things, things),
    ] {
        let given = file_name(path)?;
        if given != *named {
            differ +=
                &format!("\n  {key} is `{named}` (expected `{given}`, the file that is added)");
        }
    }
    let beside = [release.document.as_ref(), release.baseline.as_ref()];
    let names = [Some(&release.firmware), Some(&release.things)].into_iter().chain(beside);
    let names: Vec<&FileName> = names.flatten().collect();
    for (at, name) in names.iter().enumerate() {
        if name.as_str() == CONFIG || names.iter().skip(at + 1).any(|other| other == name) {
            differ += &format!("\n  `{}` is the name of two files", excerpt(name.as_str()));
        }
    }
    if !differ.is_empty() {
        return Err(Error::in_file(&input.file, format!("does not fit the files{differ}"))
            .hint("`--set binName=..` and `--set thingList=..` change the copy that is queued"));
    }
    let config_name = CONFIG.parse().map_err(|error| Error::input(format!("{error}")))?;
    let image = StoredFile {
        used: Use::Firmware,
        name: release.firmware.clone(),
        bytes: firmware.size,
        sha256: firmware.sha256_hex(),
    };
    let mut sources = vec![
        (describe(config, Use::Config, config_name)?, config.to_owned()),
        (image, firmware.path.clone()),
        (describe(things, Use::Things, release.things.clone())?, things.to_owned()),
    ];
    for (used, name) in [(Use::Document, &release.document), (Use::Baseline, &release.baseline)] {
        if let Some(name) = name {
            let path = folder.join(name.as_str());
            sources.push((describe(&path, used, name.clone())?, path));
        }
    }
    Ok(Sources(sources))
}
