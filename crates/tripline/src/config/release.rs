//! What a release consists of: the job and the files that a `dev.ini` names.

use super::ini::{DEFAULT, Entry, Ini, Section};
use super::{Fault, Faults, read_whole};
use crate::job::JobId;
use crate::queue::FileName;
use crate::text::excerpt;

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
    /// `region`.
    pub region: Option<String>,
    /// `streamId`, as it stands.
    pub stream: Option<String>,
}

impl Release {
    /// Reads the names from the text of a `dev.ini`. `file` is what the errors call it.
    pub fn parse(file: &str, text: &str) -> Result<Self, Faults> {
        let read = read_whole(file, text, |ini, faults| {
            let Some(section) = ini.section(DEFAULT) else {
                let text =
                    "no section `[DEFAULT]` (expected one with `jobId`, `binName` and `thingList`)";
                faults.push(Fault { line: None, text: text.to_owned(), hint: None });
                return None;
            };
            Reader { ini, section, faults }.release()
        })?;
        // Nothing is missing without a fault.
        read.ok_or_else(|| Faults { file: file.to_owned(), faults: Vec::new(), more: 0 })
    }
}

struct Reader<'a> {
    ini: &'a Ini,
    section: &'a Section,
    faults: &'a mut Vec<Fault>,
}

impl Reader<'_> {
    fn release(&mut self) -> Option<Release> {
        let job = self.required("jobId");
        let firmware = self.required("binName");
        let things = self.required("thingList");
        let document = self.document();
        let value = |entry: Option<Entry>| entry.map(|entry| entry.value).filter(|v| !v.is_empty());
        let region = value(self.optional(self.section, "region"));
        let stream = value(self.optional(self.section, "streamId"));
        Some(Release { job: job?, firmware: firmware?, things: things?, document, region, stream })
    }

    /// Only a document that is read from a file has to be there; the section is optional.
    fn document(&mut self) -> Option<FileName> {
        let used = self.optional(self.section, "useCustomJobDocument")?.value;
        if !["1", "yes", "true", "on"].contains(&used.to_ascii_lowercase().as_str()) {
            return None;
        }
        let section = self.ini.section("CUSTOM_JOB_DOCUMENT")?;
        let source = self.optional(section, "jobDocSrcCfg")?;
        let entry = self.optional(section, "jobDocPath")?;
        if source.value == "local_file" { self.parsed("jobDocPath", &entry) } else { None }
    }

    fn required<T: std::str::FromStr<Err: std::fmt::Display>>(&mut self, key: &str) -> Option<T> {
        if let Some(entry) = self.optional(self.section, key) {
            return self.parsed(key, &entry);
        }
        if self.ini.get(self.section, key).is_none() {
            let text = format!("`[DEFAULT]`: missing key `{key}`");
            self.faults.push(Fault::at(self.section.line, text));
        }
        None
    }

    fn optional(&mut self, section: &Section, key: &str) -> Option<Entry> {
        match self.ini.get(section, key)? {
            Ok(entry) => Some(entry),
            Err(fault) => {
                self.faults.push(fault);
                None
            }
        }
    }

    fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(
        &mut self,
        key: &str,
        entry: &Entry,
    ) -> Option<T> {
        let parsed = entry.value.parse::<T>();
        if let Err(error) = &parsed {
            self.faults.push(Fault::at(entry.line, format!("{}: {error}", excerpt(key))));
        }
        parsed.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_read_from_the_manual_s_shape() {
        let release = Release::parse("dev.ini", include_str!("tests/manual.ini")).unwrap();
        assert_eq!(release.job.as_str(), "fw-2-1");
        assert_eq!(release.firmware.as_str(), "tracker-2.1.bin");
        assert_eq!(release.things.as_str(), "trackers.txt");
        assert_eq!(release.document.unwrap().as_str(), "tracker-job.json");
        assert_eq!(release.region.as_deref(), Some("us-east-1"));
        assert_eq!(release.stream.as_deref(), Some("fw-2-1-stream"));
        let off = include_str!("tests/manual.ini").replace("CustomJobDocument = True", "X = 1");
        assert_eq!(Release::parse("dev.ini", &off).unwrap().document, None);
        let url = include_str!("tests/manual.ini").replace("= local_file", "= url");
        assert_eq!(Release::parse("dev.ini", &url).unwrap().document, None);
    }

    #[test]
    fn every_fault_of_a_release_is_named() {
        let faults = |text: &str| Release::parse("dev.ini", text).unwrap_err().to_string();
        let text = "[DEFAULT]\njobId = <yourJobId>\nthingList = lists/all.txt\nuseCustomJobDocument = true\n[CUSTOM_JOB_DOCUMENT]\njobDocSrcCfg = local_file\njobDocPath = ../job.json\n";
        assert_eq!(faults(text), "dev.ini: 4 faults
  line 1: `[DEFAULT]`: missing key `binName`
  line 2: jobId: `<yourJobId>` is no job id (expected 1 to 64 letters, digits, `-` or `_`)
  line 3: thingList: `lists/all.txt` is no file name (expected one without folders and control characters)
  line 7: jobDocPath: `../job.json` is no file name (expected one without folders and control characters)");
        assert!(faults("").starts_with("dev.ini: no section `[DEFAULT]`"));
        let reference = faults("[DEFAULT]\njobId = %(x)s\nbinName = b\nthingList = t\n");
        assert_eq!(reference, "dev.ini:2: `jobId`: `%(x)s` names no key");
    }
}
