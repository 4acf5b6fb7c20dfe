//! Everything that a deployment is made of, read and checked before AWS is asked for anything.

use std::path::{Path, PathBuf};

use aws_sdk_s3::Client;
use tripline::alarm::AlarmDefinition;
use tripline::config::DeployConfig;
use tripline::deployment::{Image, JobDocument, ThingList};
use tripline::text::excerpt;

use super::fetch;
use super::firmware::{Firmware, sha256_of};
use crate::alarms::source;
use crate::exit::Error;

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
    pub own: Option<fetch::Own>,
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

/// Reads a config.
pub fn load(path: &Path) -> Result<Loaded, Error> {
    let file = source::name_of(path);
    let text = source::read(path)?;
    let config = DeployConfig::parse(&file, &text).map_err(source::faults)?;
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    Ok(Loaded { file, text, config, folder })
}

impl Loaded {
    /// Reads the files that the config names. What is wrong with any of them is said at once.
    pub async fn read(self, s3: &Client) -> Result<Input, Error> {
        let Self { file, text, config, folder } = self;
        let mut faults = Vec::new();
        let things = kept(things(&folder.join(&config.things)), &mut faults)?;
        let key = config.private_key.as_ref().map(|key| folder.join(key));
        let firmware = Firmware::read(&folder.join(&config.firmware), config.chunk, key.as_deref());
        let firmware = kept(firmware, &mut faults)?;
        let own = match &config.document {
            Some(source) => {
                kept(fetch::document(source, &folder, s3).await, &mut faults)?.map(Some)
            }
            None => Some(None),
        };
        let (Some((things_text, things)), Some(firmware), Some(own)) = (things, firmware, own)
        else {
            return Err(Error::Input(faults.join("\nerror: ")));
        };
        let mut parts = vec![text.clone(), things_text.clone(), firmware.sha256_hex()];
        parts.extend(own.as_ref().map(|own| own.text.clone()));
        let digests: String = parts.iter().map(|part| sha256_of(part.as_bytes())).collect();
        let digest = sha256_of(digests.as_bytes()).chars().take(16).collect();
        Ok(Input { file, text, config, things_text, things, firmware, own, digest })
    }
}

fn things(path: &Path) -> Result<(String, ThingList), Error> {
    let text = source::read(path)?;
    let list = ThingList::parse(&source::name_of(path), &text).map_err(source::faults)?;
    Ok((text, list))
}

/// What was read; a fault of the user's is kept for later, and a failure of AWS's is one at once.
fn kept<T>(read: Result<T, Error>, faults: &mut Vec<String>) -> Result<Option<T>, Error> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(Error::Input(fault)) => {
            faults.push(fault);
            Ok(None)
        }
        Err(failure) => Err(failure),
    }
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

    pub fn alarms(&self) -> &[AlarmDefinition] {
        &self.config.alarms.alarms
    }
}
