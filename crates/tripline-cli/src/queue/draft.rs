//! The `dev.ini` of a new release: as it is, or made from an old one.

use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};

use crate::queue::state::{Entry, Use};
use tempfile::TempDir;
use tripline_config::{Setting, default_value, with_settings};

use super::ask::ask;
use super::files::{CONFIG, Files};
use crate::exit::Error;
use crate::input::source::{name_of, read};

/// What has to be another one in each release that has it, so that it is never taken over in silence.
const NEW: [&str; 2] = ["jobId", "streamId"];

/// A `dev.ini` and what stands beside it.
#[derive(Debug)]
pub struct Draft {
    /// What messages call it.
    pub name: String,
    pub text: String,
    /// Where its job document is looked for.
    pub folder: PathBuf,
    /// Its thing list, if it came with one.
    pub things: Option<PathBuf>,
    /// Keeps what was fetched.
    _fetched: Option<TempDir>,
}

impl Draft {
    /// A `dev.ini` of this machine.
    pub fn from_file(path: &Path) -> Result<Self, Error> {
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        Ok(Self { name: name_of(path), text: read(path)?, folder, things: None, _fetched: None })
    }

    /// The `dev.ini` of an entry, with its thing list and job document.
    pub async fn from_entry(files: &Files, entry: &Entry) -> Result<Self, Error> {
        let fetched = TempDir::with_prefix("tripline-queue-")
            .map_err(|error| Error::input(format!("temporary folder: {error}")))?;
        files.fetch(entry, fetched.path(), |used| used != Use::Firmware).await?;
        let path = |used| entry.file(used).map(|file| fetched.path().join(file.name.as_str()));
        Ok(Self {
            name: format!("{CONFIG} of entry `{}`", entry.id),
            text: read(&fetched.path().join(CONFIG))?,
            folder: fetched.path().to_owned(),
            things: path(Use::Things),
            _fetched: Some(fetched),
        })
    }

    /// Replaces keys of `[DEFAULT]`.
    pub fn set(&mut self, settings: &[Setting]) -> Result<(), Error> {
        self.text = with_settings(&self.text, settings)
            .map_err(|error| Error::in_file(&self.name, format!("{error}")))?;
        Ok(())
    }
}

/// What is to be set for a release that is made from an old one: what is given, the names of the
/// files, and what a new release must not share with the old one.
pub fn settings(
    old: &str,
    given: &[Setting],
    files: [(&str, &str); 2],
    person: Option<(&mut dyn BufRead, &mut dyn Write)>,
) -> Result<Vec<Setting>, Error> {
    let fault = |error: &dyn std::fmt::Display| Error::input(format!("--set: {error}"));
    let is_given = |key: &str| given.iter().any(|setting| setting.key.eq_ignore_ascii_case(key));
    let mut settings = given.to_vec();
    if let Some((mut input, mut output)) = person.filter(|_| given.is_empty()) {
        let value = |key: &str| default_value(old, key).unwrap_or_default();
        let [(firmware, name), (things, list)] = files;
        for (key, default) in [
            ("jobId", value("jobId").as_str()),
            (firmware, name),
            (things, list),
            ("streamId", value("streamId").as_str()),
        ] {
            if key == "streamId" && default.is_empty() {
                continue;
            }
            let answer = ask(&mut input, &mut output, key, default)
                .map_err(|error: io::Error| Error::input(format!("no answer: {error}")))?;
            settings.push(Setting::new(key, &answer).map_err(|error| fault(&error))?);
        }
        return Ok(settings);
    }
    let is_needed = |key: &&str| *key == "jobId" || default_value(old, key).is_some();
    let missing: Vec<_> = NEW.into_iter().filter(is_needed).filter(|key| !is_given(key)).collect();
    if !missing.is_empty() {
        let hints: Vec<_> = missing.iter().map(|key| format!("--set {key}=..")).collect();
        return Err(Error::input(format!(
            "a new release needs its own {}, and there is no terminal to ask at",
            missing.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(" and ")
        ))
        .hint(hints.join(" ")));
    }
    for (key, name) in files.into_iter().filter(|(key, _)| !is_given(key)) {
        settings.push(Setting::new(key, &name.replace('%', "%%")).map_err(|error| fault(&error))?);
    }
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILES: [(&str, &str); 2] = [("binName", "fw%2.bin"), ("thingList", "all.txt")];

    fn shown(settings: Vec<Setting>) -> Vec<String> {
        settings.into_iter().map(|setting| format!("{}={}", setting.key, setting.value)).collect()
    }

    #[test]
    fn what_a_release_needs_is_given_or_named() {
        let given = |texts: &[&str]| -> Vec<Setting> {
            texts.iter().map(|text| text.parse().unwrap()).collect()
        };
        let both = given(&["jobid=fw-2", "streamId=s-2"]);
        let set = settings("", &both, FILES, None).unwrap();
        assert_eq!(
            shown(set),
            ["jobid=fw-2", "streamId=s-2", "binName=fw%%2.bin", "thingList=all.txt"]
        );
        const OLD: &str = "[DEFAULT]\njobId = fw-1\nstreamId = s-1\n";
        let none = settings(OLD, &[], FILES, None).unwrap_err().to_string();
        assert_eq!(
            none,
            "a new release needs its own `jobId` and `streamId`, and there is no terminal to ask at\n  hint: --set jobId=.. --set streamId=.."
        );
        let one = settings(OLD, &given(&["jobId=x"]), FILES, None).unwrap_err().to_string();
        assert!(one.starts_with("a new release needs its own `streamId`, and"), "{one}");
        assert!(settings("[DEFAULT]\njobId = fw-1\n", &given(&["jobId=x"]), FILES, None).is_ok());
    }

    #[test]
    fn a_person_is_asked_with_the_old_values_as_defaults() {
        let old = "[DEFAULT]\njobId = fw-1\nstreamId = s-1\n";
        let mut input = io::Cursor::new("fw-2\n\n\n\n");
        let mut output = Vec::new();
        let set = settings(old, &[], FILES, Some((&mut input, &mut output))).unwrap();
        assert_eq!(
            shown(set),
            ["jobId=fw-2", "binName=fw%2.bin", "thingList=all.txt", "streamId=s-1"]
        );
        let asked = String::from_utf8(output).unwrap();
        assert!(asked.starts_with("jobId [fw-1]: binName [fw%2.bin]: "), "{asked}");
        let mut end = io::Cursor::new("");
        let refused = settings(old, &[], FILES, Some((&mut end, &mut Vec::new())));
        assert!(refused.unwrap_err().to_string().starts_with("no answer"));
    }
}
