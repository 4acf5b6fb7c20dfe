//! Everything that a deployment is made of, read and checked before AWS is asked for anything.

use std::path::{Path, PathBuf};

use aws_sdk_s3::Client;
use std::borrow::Cow;

use tripline::alarm::AlarmDefinition;
use tripline::baseline::Baseline;
use tripline::diagnostic::{Diagnostic, Diagnostics};
use tripline::faults::{Faults, reported};
use tripline::text::excerpt;
use tripline_config::{DeployConfig, DocumentSource, EvidenceConfig, FileNames};
use tripline_config::{Image, JobDocument, Misfits, ThingList};

use super::buckets::Buckets;
use super::declared::{DeclaredLimits, all_alarms};
use super::document::{self, OwnDocument};
use super::firmware::{Firmware, sha256_of};
pub use super::named::InputFaults;
use super::named::{BASELINE, DOCUMENT, FIRMWARE, Files, NamedFile, PRIVATE_KEY, THINGS};
use super::waves::PlannedWaves;
use super::within::Within;
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
    /// Where they have to be.
    pub within: Option<Within>,
}

impl From<InputFaults> for Error {
    fn from(wrong: InputFaults) -> Self {
        let all = wrong.config.map(Diagnostics::from).unwrap_or_default();
        let mut all = all.with_lines_of(&wrong.text);
        for file in wrong.files {
            all.add(file.diagnostics());
        }
        Self::input(all)
    }
}

/// Reads a config.
pub fn load(path: &Path) -> Result<Loaded, Error> {
    load_within(path, None)
}

/// Reads a config whose files have to be in this folder.
pub fn load_within(path: &Path, within: Option<&Within>) -> Result<Loaded, Error> {
    Ok(loaded(path, within)?)
}

/// Reads a config. If it has faults, those of the files that it names are said with them.
pub fn loaded(path: &Path, within: Option<&Within>) -> Result<Loaded, InputFaults> {
    let file = source::name_of(path);
    let text = source::read(path)
        .map_err(|error| InputFaults { files: vec![error], ..InputFaults::default() })?;
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    match DeployConfig::parse(&file, &text) {
        Ok(config) => Ok(Loaded { file, text, config, folder, within: within.cloned() }),
        Err(faults) => {
            let wrong = faults_of(faults, &FileNames::find(&text), &folder, within);
            Err(InputFaults { text, ..wrong })
        }
    }
}

/// What is wrong with a config, and with the files that it names as far as it shows.
pub fn faults_of(
    faults: Faults,
    names: &FileNames,
    folder: &Path,
    within: Option<&Within>,
) -> InputFaults {
    let file = faults.file.clone();
    let mut wrong = InputFaults { config: Some(faults), ..InputFaults::default() };
    let files = Files { lines: &names.lines, folder, within };
    let mut find = |named: &NamedFile, name: &Option<String>| {
        name.as_ref().and_then(|name| files.find(named, name, &file, &mut wrong))
    };
    let list = find(&THINGS, &names.things);
    let firmware = find(&FIRMWARE, &names.firmware);
    let key = find(&PRIVATE_KEY, &names.private_key);
    let document = find(&DOCUMENT, &names.document);
    let read_things = list.map(|path| things(&path, names.has_waves).map(drop));
    let read_firmware = firmware.map(|path| Firmware::read(&path, CHUNK, key.as_deref()).map(drop));
    let read_document = document.map(|path| document::file(&path).and_then(sound).map(drop));
    let all = [read_things, read_firmware, read_document].into_iter().flatten();
    wrong.files.extend(all.filter_map(Result::err));
    wrong
}

impl Loaded {
    /// A config with waves is deployed by nothing that deploys to all of its targets at once.
    pub fn goes_out_at_once(&self) -> Result<(), Error> {
        match &self.config.waves {
            None => Ok(()),
            Some(waves) => Err(Error::in_file(
                &self.file,
                format!(
                    "goes out in {} (`[WAVES]`), and this would deploy to all targets at once (expected `tripline release start`, or a config without `[WAVES]`)",
                    match waves.waves.len() {
                        1 => "1 wave".to_owned(),
                        count => format!("{count} waves"),
                    }
                ),
            )),
        }
    }

    /// The buckets of the account that the targets are of, where a thing list can be read that names it.
    pub fn buckets(&self, client: Client) -> Buckets {
        let path = self.folder.join(&self.config.things);
        let is_refused = self.within.as_ref().is_some_and(|within| within.refusal(&path).is_some());
        let list = (!is_refused).then(|| things(&path, self.config.waves.is_some()).ok()).flatten();
        let first = list.and_then(|(_, list)| Some(list.targets().first()?.arn().to_owned()));
        Buckets::of_arn(client, &first.unwrap_or_default())
    }

    /// Reads the files that the config names. What is wrong with any of them is said at once.
    pub async fn read(self, s3: &Buckets) -> Result<Input, Error> {
        let fetched = self.fetch(Some(s3)).await;
        match fetched {
            Err(Error::Aws(failure)) => Err(failure.into()),
            fetched => Ok(self.with(fetched)?),
        }
    }

    /// The operator's own document if it is at a URL; nothing without a client.
    pub async fn fetch(&self, s3: Option<&Buckets>) -> Result<Option<OwnDocument>, Error> {
        match (&self.config.document, s3) {
            (Some(DocumentSource::Url(url)), Some(s3)) => {
                document::fetch(url, s3).await.and_then(sound).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Reads the files, beside a document that was fetched.
    pub fn with(self, fetched: Result<Option<OwnDocument>, Error>) -> Result<Input, InputFaults> {
        let Self { file, text, config, folder, within } = self;
        let mut wrong = InputFaults { text: text.clone(), ..InputFaults::default() };
        let files = Files { lines: &config.lines, folder: &folder, within: within.as_ref() };
        let mut find = |named: &NamedFile, name: &str| files.find(named, name, &file, &mut wrong);
        let list = find(&THINGS, &config.things);
        let image = find(&FIRMWARE, &config.firmware);
        let key = config.private_key.as_ref().map(|key| find(&PRIVATE_KEY, key));
        let document = match &config.document {
            Some(DocumentSource::File(name)) => Some(find(&DOCUMENT, name)),
            _ => None,
        };
        let baseline = config.evidence.as_ref().and_then(EvidenceConfig::baseline);
        let has_baseline = baseline.is_none_or(|name| find(&BASELINE, name).is_some());
        let things =
            list.and_then(|path| kept(things(&path, config.waves.is_some()), &mut wrong.files));
        let firmware = image.and_then(|path| {
            let key = key.flatten();
            kept(Firmware::read(&path, config.chunk, key.as_deref()), &mut wrong.files)
        });
        let own = match document {
            None => kept(fetched, &mut wrong.files),
            Some(path) => path.and_then(|path| {
                kept(document::file(&path).and_then(sound).map(Some), &mut wrong.files)
            }),
        };
        let mut evidence = config.evidence.clone();
        if let (Some(evidence), Some(waves)) = (&mut evidence, &config.waves) {
            // Each wave is a job, and may stop its part of the healthy ones.
            evidence.false_stops = waves.false_stops_of_each();
        }
        let evidence = evidence.filter(|_| has_baseline);
        let evidence = evidence.map(|config| DeclaredLimits::read(&file, config, &folder));
        let evidence = evidence.transpose().map_err(|faults| wrong.add(&file, faults.faults)).ok();
        let mut waves = None;
        if let (Some(plan), Some((_, things)), Some(evidence)) = (&config.waves, &things, &evidence)
        {
            let limits = evidence.as_ref().map(|it| &it.limits);
            match PlannedWaves::new(&file, plan, things, &config.rollout, limits) {
                Ok(planned) => waves = Some(planned),
                Err(faults) => wrong.add(&file, faults.faults),
            }
        }
        let (Some((things_text, things)), Some(firmware), Some(own), Some(evidence)) =
            (things, firmware, own, evidence)
        else {
            return Err(wrong);
        };
        if !wrong.is_empty() {
            return Err(wrong);
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
    let list = parse(&source::name_of(path), &text).map_err(source::faults_in(&text))?;
    Ok((text, list))
}

/// A document to which the firmware's part can be added.
fn sound(own: OwnDocument) -> Result<OwnDocument, Error> {
    let faults = JobDocument::faults_of(&own.text);
    let sound = reported(&own.name, (), faults).map_err(source::faults_in(&own.text));
    sound.map(|()| own)
}

/// What was read; a fault is kept for later.
fn kept<T>(read: Result<T, Error>, faults: &mut Vec<Error>) -> Option<T> {
    read.map_err(|fault| faults.push(fault)).ok()
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
            Error::input(Diagnostic::new(fault.to_string()).in_file(name, fault.line()))
        })
    }

    /// Targets, roles, topics and buckets have to be where the job is going to be.
    pub fn check_region(&self, region: &str) -> Result<(), InputFaults> {
        let mut wrong = InputFaults { text: self.text.clone(), ..InputFaults::default() };
        let is_given = self.config.region.as_deref() != Some(region);
        if let Some(targets) = self.things.region().filter(|targets| is_given && *targets != region)
        {
            let what = format!(
                "the targets are in `{}`, and the job would be in `{}` (expected one region)",
                excerpt(targets),
                excerpt(region)
            );
            wrong.files.push(Error::in_file(&excerpt(&self.config.things), what));
        }
        wrong.add(&self.file, self.misfits(region).faults);
        if let Some(own) = &self.own {
            let faults = Misfits::of_document(&own.text, region).faults;
            wrong.files.extend(reported(&own.name, (), faults).err().map(Error::input));
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }

    /// What of the config does not go together with a job in this Region.
    pub fn misfits(&self, region: &str) -> Misfits {
        let is_given = self.config.region.as_deref() != Some(region);
        self.config.misfits(&self.things, region, is_given)
    }

    /// The alarms that guard the rollout, that on evidence among them.
    pub fn alarms(&self) -> Cow<'_, [AlarmDefinition]> {
        all_alarms(&self.config.alarms.alarms, self.evidence.as_ref())
    }
}
