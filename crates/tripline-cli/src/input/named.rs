//! The files that a config names, and the line where it names one that cannot be had.

use std::path::{Path, PathBuf};

use tripline::faults::{Fault, Faults};
use tripline_config::{Lines, slip};

use super::source;
use super::within::Within;
use crate::exit::Error;

/// A file that a config names.
pub struct NamedFile {
    section: &'static str,
    key: &'static str,
    /// What it is.
    is: &'static str,
}

pub const THINGS: NamedFile = NamedFile::of_default("thingList", "a thing list");
pub const FIRMWARE: NamedFile = NamedFile::of_default("binName", "the firmware");
pub const PRIVATE_KEY: NamedFile = NamedFile::of_default("privateKey", "a key file");
pub const DOCUMENT: NamedFile =
    NamedFile { section: "CUSTOM_JOB_DOCUMENT", key: "jobDocPath", is: "a job document" };
pub const BASELINE: NamedFile = NamedFile {
    section: "EVIDENCE_CONFIG",
    key: "baseline",
    is: "a file that `tripline calibrate` wrote",
};

impl NamedFile {
    const fn of_default(key: &'static str, is: &'static str) -> Self {
        Self { section: "DEFAULT", key, is }
    }
}

/// Where the files of a config are looked for.
pub struct Files<'a> {
    pub lines: &'a Lines,
    pub folder: &'a Path,
    pub within: Option<&'a Within>,
}

/// Everything wrong with a config and the files that it names.
#[derive(Debug, Default)]
pub struct InputFaults {
    pub config: Option<Faults>,
    /// The config's text, of which the lines with faults are shown.
    pub text: String,
    /// Of each file.
    pub files: Vec<Error>,
}

impl InputFaults {
    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.config.is_none() && self.files.is_empty()
    }

    /// Adds faults of the config, which messages call `file`.
    pub fn add(&mut self, file: &str, faults: impl IntoIterator<Item = Fault>) {
        for fault in faults {
            let all = self.config.get_or_insert_with(|| Faults {
                file: file.to_owned(),
                faults: Vec::new(),
                more: 0,
            });
            all.faults.push(fault);
            all.faults.sort_by_key(|fault| fault.line);
        }
    }
}

impl Files<'_> {
    /// The path of a file that can be opened. If it cannot, that is a fault of the config, or of the file
    /// if the config does not say its name.
    pub fn find(
        &self,
        file: &NamedFile,
        name: &str,
        config: &str,
        wrong: &mut InputFaults,
    ) -> Option<PathBuf> {
        let NamedFile { section, key, is } = file;
        let path = self.folder.join(name);
        let refused = self.within.and_then(|within| within.refusal(&path));
        let reason = match refused {
            Some(refusal) => Error::input(refusal),
            None => match source::open(&path, is) {
                Ok(_) => return Some(path),
                Err(error) => error,
            },
        };
        match self.lines.of(section, key) {
            Some(line) => {
                let fault = Fault::at(line, format!("`[{section}]`: {key}: {reason}"));
                wrong.add(config, [fault.hint(slip(name))]);
            }
            None => wrong.files.push(reason),
        }
        None
    }
}
