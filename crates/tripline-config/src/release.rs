//! What a release consists of: the job and the files that a `dev.ini` names.

use std::fmt::Display;
use std::str::FromStr;

use tripline::faults::{Fault, Faults};
use tripline::job::JobId;
use tripline::text::excerpt;

use crate::deploy::{DeployConfig, DocumentSource};
use crate::evidence::EvidenceConfig;
use crate::file_name::FileName;

/// What a `dev.ini` says of the job that it deploys and of the files beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// `jobId` of `[DEFAULT]`.
    pub job: JobId,
    /// `binName`: the firmware.
    pub firmware: FileName,
    /// `thingList`: who gets it.
    pub things: FileName,
    /// `jobDocPath`, if a job document of its own is read from a file.
    pub document: Option<FileName>,
    /// `baseline` of `[EVIDENCE_CONFIG]`, if its limits are of one.
    pub baseline: Option<FileName>,
    /// `region`.
    pub region: Option<String>,
}

impl Release {
    /// Takes them from a `dev.ini`, whose files have to stand beside it: a release is stored without
    /// folders. `file` is what the errors call it.
    pub fn from_config(file: &str, config: &DeployConfig) -> Result<Self, Faults> {
        let mut faults = Vec::new();
        let firmware = name("binName", &config.firmware, &mut faults);
        let things = name("thingList", &config.things, &mut faults);
        let document = match &config.document {
            Some(DocumentSource::File(path)) => name("jobDocPath", path, &mut faults),
            _ => None,
        };
        let baseline = config.evidence.as_ref().and_then(EvidenceConfig::baseline);
        let baseline = baseline.and_then(|path| name("baseline", path, &mut faults));
        if let Some(key) = config.private_key.as_ref().filter(|key| !key.starts_with('/')) {
            let text = format!(
                "privateKey: `{}` would have to be stored, and no key ever is (expected an absolute path, where whoever deploys has it)",
                excerpt(key)
            );
            faults.push(Fault { line: None, text, hint: None });
        }
        match (firmware, things) {
            (Some(firmware), Some(things)) if faults.is_empty() => Ok(Self {
                job: config.job.clone(),
                firmware,
                things,
                document,
                baseline,
                region: config.region.clone(),
            }),
            _ => Err(Faults { file: file.to_owned(), faults, more: 0 }),
        }
    }
}

fn name<T: FromStr<Err: Display>>(key: &str, text: &str, faults: &mut Vec<Fault>) -> Option<T> {
    let fault = |error| Fault { line: None, text: format!("{key}: {error}"), hint: None };
    text.parse().map_err(|error| faults.push(fault(error))).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = include_str!("tests/whole.ini");

    fn release(text: &str) -> Result<Release, Faults> {
        Release::from_config("dev.ini", &DeployConfig::parse("dev.ini", text).unwrap())
    }

    #[test]
    fn a_release_is_the_job_and_its_files() {
        let text = WHOLE.replace("= signing.pem", "= /etc/ota/signing.pem");
        let found = release(&text).unwrap();
        assert_eq!(found.job.as_str(), "pump-4-2");
        assert_eq!(found.firmware.as_str(), "pump-4.2.bin");
        assert_eq!(found.things.as_str(), "pumps.txt");
        assert_eq!(found.document.unwrap().as_str(), "pump-job.json");
        assert_eq!(found.region.as_deref(), Some("eu-central-1"));
        let off = text.replace("CustomJobDocument = True", "CustomJobDocument = False");
        assert_eq!(release(&off).unwrap().document, None);
        let url = text
            .replace("= local_file", "= url")
            .replace("SrcUrl = None", "SrcUrl = https://example.com/job.json");
        assert_eq!(release(&url).unwrap().document, None);
    }

    #[test]
    fn a_baseline_is_a_file_of_the_release() {
        let of = |baseline: &str| {
            let text = WHOLE.replace("= signing.pem", "= /etc/ota/signing.pem");
            release(&format!(
                "{text}\n[EVIDENCE_CONFIG]\nuseEvidence = True\nbaseline = {baseline}\nsnsTopics = @email\n"
            ))
        };
        assert_eq!(of("pump.json").unwrap().baseline.unwrap().as_str(), "pump.json");
        let said = of("old/pump.json").unwrap_err().to_string();
        assert!(said.starts_with("dev.ini: baseline: `old/pump.json` is no file name"), "{said}");
    }

    #[test]
    fn every_file_that_is_not_beside_the_config_is_named() {
        let text = WHOLE
            .replace("= pumps.txt", "= lists/all.txt")
            .replace("= pump-4.2.bin", "= /srv/pump.bin")
            .replace("= pump-job.json", "= ../job.json");
        let said = release(&text).unwrap_err().to_string();
        assert_eq!(
            said,
            "dev.ini: 4 faults
  binName: `/srv/pump.bin` is no file name (expected one without folders and control characters)
  thingList: `lists/all.txt` is no file name (expected one without folders and control characters)
  jobDocPath: `../job.json` is no file name (expected one without folders and control characters)
  privateKey: `signing.pem` would have to be stored, and no key ever is (expected an absolute path, where whoever deploys has it)"
        );
    }
}
