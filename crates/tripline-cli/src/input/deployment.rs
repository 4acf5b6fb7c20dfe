//! Everything that a deployment is made of, read and checked before AWS is asked for anything.

use std::path::{Path, PathBuf};

use aws_sdk_s3::Client;
use std::borrow::Cow;

use tripline::alarm::AlarmDefinition;
use tripline::baseline::Baseline;
use tripline::faults::Faults;
use tripline::text::excerpt;
use tripline_config::{DeployConfig, DocumentSource, FileNames};
use tripline_config::{Image, JobDocument, ThingList};

use super::buckets::Buckets;
use super::declared::{DeclaredLimits, all_alarms};
use super::document::{self, OwnDocument};
use super::firmware::{Firmware, sha256_of};
use super::waves::PlannedWaves;
use crate::exit::Error;
use crate::input::source;

/// How much of a file is read at a time if the config cannot say it.
const CHUNK: u32 = 8_192;

/// The files of a deployment and what is in them.
#[derive(Debug)]
pub struct Input {
    /// What the errors call the config.
    pub file: String,
    pub text: String,
    pub config: DeployConfig,
    pub things_text: String,
    pub things: ThingList,
    pub firmware: Firmware,
    /// The operator's own job document.
    pub own: Option<OwnDocument>,
    /// The limits that evidence of the rollout is compared with; with waves, of each wave's.
    pub evidence: Option<DeclaredLimits>,
    /// Who is in which wave, if it goes out in waves.
    pub waves: Option<PlannedWaves>,
    /// Sixteen hexadecimal digits that stand for all of it: what was begun with other files is
    /// another deployment.
    pub digest: String,
}

/// A config that was read, and has no fault of its own.
#[derive(Debug)]
pub struct Loaded {
    pub file: String,
    pub text: String,
    pub config: DeployConfig,
    /// Where the files are that it names.
    pub folder: PathBuf,
}

/// Everything wrong with a config and the files that it names.
#[derive(Debug, Default)]
pub struct InputFaults {
    pub config: Option<Faults>,
    /// One text a file.
    pub files: Vec<String>,
}

impl From<InputFaults> for Error {
    fn from(wrong: InputFaults) -> Self {
        let config = wrong.config.map(|faults| faults.to_string());
        let texts: Vec<_> = config.into_iter().chain(wrong.files).collect();
        Self::Input(texts.join("\nerror: "))
    }
}

/// Reads a config.
pub fn load(path: &Path) -> Result<Loaded, Error> {
    Ok(loaded(path)?)
}

/// Reads a config. If it has faults, those of the files that it names are said with them.
pub fn loaded(path: &Path) -> Result<Loaded, InputFaults> {
    let file = source::name_of(path);
    let text = source::read(path)
        .map_err(|error| InputFaults { config: None, files: vec![error.to_string()] })?;
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    match DeployConfig::parse(&file, &text) {
        Ok(config) => Ok(Loaded { file, text, config, folder }),
        Err(faults) => Err(InputFaults {
            config: Some(faults),
            files: faults_of(&FileNames::find(&text), &folder),
        }),
    }
}

/// What is wrong with files, as far as it shows without a config.
pub fn faults_of(names: &FileNames, folder: &Path) -> Vec<String> {
    let read_things = names.things.as_ref();
    let read_things = read_things.map(|name| things(&folder.join(name), names.has_waves).map(drop));
    let key = names.private_key.as_ref().map(|name| folder.join(name));
    let read_firmware = names
        .firmware
        .as_ref()
        .map(|name| Firmware::read(&folder.join(name), CHUNK, key.as_deref()).map(drop));
    let read_document =
        names.document.as_ref().map(|name| document::file(name, folder).and_then(sound).map(drop));
    let all = [read_things, read_firmware, read_document];
    all.into_iter().flatten().filter_map(Result::err).map(|fault| fault.to_string()).collect()
}

impl Loaded {
    /// A config with waves is deployed by nothing that deploys to all of its targets at once.
    pub fn goes_out_at_once(&self) -> Result<(), Error> {
        match &self.config.waves {
            None => Ok(()),
            Some(waves) => Err(Error::Input(format!(
                "{}: goes out in {} (`[WAVES]`), and this would deploy to all targets at once (expected `tripline release start`, or a config without `[WAVES]`)",
                self.file,
                match waves.waves.len() {
                    1 => "1 wave".to_owned(),
                    count => format!("{count} waves"),
                }
            ))),
        }
    }

    /// The buckets of the account that the targets are of, where a thing list can be read that names it.
    pub fn buckets(&self, client: Client) -> Buckets {
        let things = things(&self.folder.join(&self.config.things), self.config.waves.is_some());
        let first =
            things.ok().and_then(|(_, list)| Some(list.targets().first()?.arn().to_owned()));
        Buckets::of_arn(client, &first.unwrap_or_default())
    }

    /// Reads the files that the config names. What is wrong with any of them is said at once.
    pub async fn read(self, s3: &Buckets) -> Result<Input, Error> {
        let own = self.own(Some(s3)).await;
        match own {
            Err(Error::Aws(failure)) => Err(failure.into()),
            own => Ok(self.with(own)?),
        }
    }

    /// The operator's own document; without a client, one at a URL is left out.
    pub async fn own(&self, s3: Option<&Buckets>) -> Result<Option<OwnDocument>, Error> {
        let own = match (&self.config.document, s3) {
            (Some(DocumentSource::File(path)), _) => document::file(path, &self.folder)?,
            (Some(source), Some(s3)) => document::document(source, &self.folder, s3).await?,
            _ => return Ok(None),
        };
        sound(own).map(Some)
    }

    /// Reads the files but for the operator's own document, which has been.
    pub fn with(self, own: Result<Option<OwnDocument>, Error>) -> Result<Input, InputFaults> {
        let Self { file, text, config, folder } = self;
        let mut faults = Vec::new();
        let list = things(&folder.join(&config.things), config.waves.is_some());
        let things = kept(list, &mut faults);
        let key = config.private_key.as_ref().map(|key| folder.join(key));
        let firmware = Firmware::read(&folder.join(&config.firmware), config.chunk, key.as_deref());
        let firmware = kept(firmware, &mut faults);
        let own = kept(own, &mut faults);
        let mut evidence = config.evidence.clone();
        if let (Some(evidence), Some(waves)) = (&mut evidence, &config.waves) {
            // Each wave is a job, and may stop its part of the healthy ones.
            evidence.false_stops = waves.false_stops_of_each();
        }
        let evidence = evidence.map(|config| DeclaredLimits::read(&file, config, &folder));
        let (evidence, mut wrong) = match evidence.transpose() {
            Ok(evidence) => (Some(evidence), None),
            Err(wrong) => (None, Some(wrong)),
        };
        let mut waves = None;
        if let (Some(plan), Some((_, things)), Some(evidence)) = (&config.waves, &things, &evidence)
        {
            let limits = evidence.as_ref().map(|it| &it.limits);
            match PlannedWaves::new(&file, plan, things, &config.rollout, limits) {
                Ok(planned) => waves = Some(planned),
                Err(faults) => wrong = Some(faults),
            }
        }
        let (Some((things_text, things)), Some(firmware), Some(own), Some(evidence)) =
            (things, firmware, own, evidence)
        else {
            return Err(InputFaults { config: wrong, files: faults });
        };
        if wrong.is_some() {
            return Err(InputFaults { config: wrong, files: faults });
        }
        let mut parts = vec![text.clone(), things_text.clone(), firmware.sha256_hex()];
        parts.extend(own.as_ref().map(|own| own.text.clone()));
        let baseline = evidence.as_ref().and_then(|limits| limits.baseline.as_ref());
        parts.extend(baseline.map(Baseline::to_json));
        let digests: String = parts.iter().map(|part| sha256_of(part.as_bytes())).collect();
        let digest = sha256_of(digests.as_bytes()).chars().take(16).collect();
        Ok(Input {
            file,
            text,
            config,
            things_text,
            things,
            firmware,
            own,
            evidence,
            waves,
            digest,
        })
    }
}

/// The thing list; that of waves may be longer than a job's targets.
fn things(path: &Path, has_waves: bool) -> Result<(String, ThingList), Error> {
    let text = source::read(path)?;
    let parse = if has_waves { ThingList::parse_for_waves } else { ThingList::parse };
    let list = parse(&source::name_of(path), &text).map_err(source::faults)?;
    Ok((text, list))
}

/// A document to which the firmware's part can be added.
fn sound(own: OwnDocument) -> Result<OwnDocument, Error> {
    match JobDocument::fault_of(&own.text) {
        None => Ok(own),
        Some(fault) => Err(Error::Input(format!("{}: {fault}", own.name))),
    }
}

/// What was read; a fault is kept for later.
fn kept<T>(read: Result<T, Error>, faults: &mut Vec<String>) -> Option<T> {
    read.map_err(|fault| faults.push(fault.to_string())).ok()
}

impl Input {
    /// The job document, once it is known where the firmware is going to be.
    pub fn document(&self, url: Option<String>) -> Result<JobDocument, Error> {
        let firmware = &self.firmware;
        let image = Image {
            stream: self.config.stream.as_ref().map(|stream| (stream.id.clone(), stream.file)),
            size: firmware.size,
            md5: firmware.md5.clone(),
            sha256: firmware.sha256_hex(),
            signature: firmware.signature.clone(),
            version: self.config.image_version.clone(),
            url,
        };
        let own = self.own.as_ref();
        JobDocument::new(own.map(|own| own.text.as_str()), &image).map_err(|fault| {
            let name = own.map_or(self.file.as_str(), |own| own.name.as_str());
            Error::Input(format!("{name}: {fault}"))
        })
    }

    /// The targets have to be where the job is going to be.
    pub fn check_region(&self, region: &str) -> Result<(), Error> {
        match self.things.region() {
            Some(targets) if targets != region => Err(Error::Input(format!(
                "{}: the targets are in `{}`, and the job would be in `{}` (expected one region)",
                excerpt(&self.config.things),
                excerpt(targets),
                excerpt(region)
            ))),
            _ => Ok(()),
        }
    }

    /// The alarms that guard the rollout, that on evidence among them.
    pub fn alarms(&self) -> Cow<'_, [AlarmDefinition]> {
        all_alarms(&self.config.alarms.alarms, self.evidence.as_ref())
    }
}
