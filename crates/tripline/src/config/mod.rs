//! The operator's `dev.ini`: which alarms guard a job.
//!
//! A file is read whole and every fault in it is reported at once, each with its line, because a
//! guard that is half understood is no guard.

mod deploy;
mod edit;
mod ini;
mod reader;
mod release;
mod review;
mod rollout;
mod section;
mod write;

use std::fmt;

use crate::alarm::AlarmDefinition;
use crate::job::JobId;
use crate::text::{excerpt, nearest};
pub use deploy::{DeployConfig, DocumentSource, FileNames, MAX_ROUNDS, Stream};
pub use edit::{InvalidSetting, Setting, default_value, with_settings};
use ini::{DEFAULT, Ini};
pub use release::Release;
pub use review::{Remark, Review};
pub use write::text_of;

/// Largest config file in bytes.
pub const MAX_FILE_BYTES: usize = 1_000_000;
/// Most alarms of a job: far more than anybody can read, and CloudWatch takes three a second.
pub const MAX_ALARMS: usize = 100;
/// Most faults that are reported; a file with more of them is not an alarm config.
pub const MAX_FAULTS: usize = 100;

/// The section that lists the alarms.
const ALARM_CONFIG: &str = "ALARM_CONFIG";
/// How the sections of single alarms begin.
const ALARM_PREFIX: &str = "ALARM_CONFIG_";

/// What a `dev.ini` says of alarms.
#[derive(Debug, Clone, PartialEq)]
pub struct AlarmConfig {
    /// The alarms in `alarmList`, in its order. None if the section or the list is empty, which is
    /// how a config switches its alarms off.
    pub alarms: Vec<AlarmDefinition>,
    /// `jobId` of `[DEFAULT]`, unless it is missing or cannot be one.
    pub job: Option<JobId>,
    /// `region` of `[DEFAULT]`.
    pub region: Option<String>,
    /// Alarms that are described and not in `alarmList`, so that nothing comes of them.
    pub unlisted: Vec<String>,
}

/// One thing wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The line, from 1; `None` when it is about the whole file.
    pub line: Option<usize>,
    /// What is wrong, and what was expected.
    pub text: String,
    /// What to do next.
    pub hint: Option<String>,
}

impl Fault {
    fn at(line: usize, text: String) -> Self {
        Self { line: Some(line), text, hint: None }
    }

    fn hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }
}

/// Everything wrong with a file; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults {
    /// What the file was called by whoever read it.
    pub file: String,
    /// In the order of their lines; at most [`MAX_FAULTS`].
    pub faults: Vec<Fault>,
    /// How many more there are.
    pub more: usize,
}

impl std::error::Error for Faults {}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = &self.file;
        if let [fault] = &self.faults[..] {
            match fault.line {
                Some(line) => write!(f, "{file}:{line}: {}", fault.text)?,
                None => write!(f, "{file}: {}", fault.text)?,
            }
        } else {
            write!(f, "{file}: {} faults", self.faults.len() + self.more)?;
        }
        for fault in &self.faults {
            if self.faults.len() > 1 {
                match fault.line {
                    Some(line) => write!(f, "\n  line {line}: {}", fault.text)?,
                    None => write!(f, "\n  {}", fault.text)?,
                }
            }
            if let Some(hint) = &fault.hint {
                write!(f, "\n  hint: {hint}")?;
            }
        }
        if self.more > 0 {
            write!(f, "\n  .. and {} more", self.more)?;
        }
        Ok(())
    }
}

impl AlarmConfig {
    /// Reads the alarms from the text of a `dev.ini`. `file` is what the errors call it.
    pub fn parse(file: &str, text: &str) -> Result<Self, Faults> {
        read_whole(file, text, read)
    }
}

/// Reads a file with `read`, and reports what it finds wrong.
fn read_whole<T>(
    file: &str,
    text: &str,
    read: impl FnOnce(&Ini, &mut Vec<Fault>) -> T,
) -> Result<T, Faults> {
    let mut faults = Vec::new();
    if text.len() > MAX_FILE_BYTES {
        let text = format!("{} bytes long (expected at most {MAX_FILE_BYTES})", text.len());
        faults.push(Fault { line: None, text, hint: None });
        return Err(Faults { file: file.to_owned(), faults, more: 0 });
    }
    let ini = Ini::parse(text, &mut faults);
    let config = read(&ini, &mut faults);
    reported(file, config, faults)
}

/// What was read, or everything that is wrong with it.
pub(crate) fn reported<T>(file: &str, read: T, mut faults: Vec<Fault>) -> Result<T, Faults> {
    if faults.is_empty() {
        return Ok(read);
    }
    faults.sort_by_key(|fault| fault.line);
    // A value of `[DEFAULT]` is looked at once for each alarm.
    faults.dedup();
    let more = faults.len().saturating_sub(MAX_FAULTS);
    faults.truncate(MAX_FAULTS);
    Err(Faults { file: file.to_owned(), faults, more })
}

fn read(ini: &Ini, faults: &mut Vec<Fault>) -> AlarmConfig {
    let mut config =
        AlarmConfig { alarms: Vec::new(), job: None, region: None, unlisted: Vec::new() };
    if let Some(default) = ini.section(DEFAULT) {
        let value = |key| ini.get(default, key).and_then(Result::ok).map(|entry| entry.value);
        config.job = value("jobId").and_then(|id| JobId::new(&id).ok());
        config.region = value("region").filter(|region| !region.is_empty());
        section::unknown_keys_of_default(default, faults);
    }
    let described: Vec<&str> =
        ini.sections().filter_map(|section| section.name.strip_prefix(ALARM_PREFIX)).collect();
    let Some(list) = ini.section(ALARM_CONFIG) else {
        misspelt_section(ini, &described, faults);
        config.unlisted = described.into_iter().map(str::to_owned).collect();
        return config;
    };
    section::unknown_keys(list, &["alarmList"], None, faults);
    let entry = match ini.get(list, "alarmList") {
        Some(Ok(entry)) => entry,
        Some(Err(fault)) => {
            faults.push(fault);
            return config;
        }
        None => {
            faults.push(Fault::at(list.line, "`[ALARM_CONFIG]`: missing key `alarmList` (expected names separated by commas, or nothing)".to_owned()));
            return config;
        }
    };
    let mut listed: Vec<&str> = Vec::new();
    for name in entry.value.split([',', '\n']).map(str::trim).filter(|name| !name.is_empty()) {
        if listed.contains(&name) {
            faults.push(Fault::at(
                entry.line,
                format!("alarmList: `{}` is named twice", excerpt(name)),
            ));
            continue;
        }
        if listed.len() == MAX_ALARMS {
            faults.push(Fault::at(entry.line, format!("alarmList: more than {MAX_ALARMS} alarms")));
            break;
        }
        listed.push(name);
        match ini.section(&format!("{ALARM_PREFIX}{name}")) {
            Some(section) => config.alarms.extend(section::alarm(ini, section, name, faults)),
            None => faults.push(
                Fault::at(
                    entry.line,
                    format!("alarmList: `{0}` has no section `[{ALARM_PREFIX}{0}]`", excerpt(name)),
                )
                .hint(near(name, &described).map(|near| format!("did you mean `{near}`?"))),
            ),
        }
    }
    config.unlisted =
        described.into_iter().filter(|name| !listed.contains(name)).map(str::to_owned).collect();
    config
}

/// What to do about a value of a template that nobody has filled in.
fn unfilled(value: &str) -> Option<String> {
    let (name, _) = value.split_once('<')?.1.split_once('>')?;
    Some(format!("put your own in the place of `<{}>`", excerpt(name)))
}

/// The one of `known` that `word` was probably meant to be. A distance takes time and memory in
/// proportion to both lengths, so it is not measured where the lengths alone rule it out, nor for
/// words or lists that nobody wrote by hand.
fn near<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    const LONGEST: usize = 128;
    const MOST: usize = 1_000;
    if word.len() > LONGEST {
        return None;
    }
    let characters = word.chars().count();
    let close = |other: &&&'a str| {
        other.len() <= LONGEST && other.chars().count().abs_diff(characters) <= 1 + word.len() / 5
    };
    let close: Vec<&str> = known.iter().filter(close).take(MOST).copied().collect();
    nearest(word, &close)
}

/// Without `[ALARM_CONFIG]` a config has no alarms. That must not come from a slip of the pen.
fn misspelt_section(ini: &Ini, described: &[&str], faults: &mut Vec<Fault>) {
    if let Some(section) = ini.sections().find(|section| {
        // A neighbour in spelling, and a section of its own.
        section.name != "ABORT_CONFIG"
            && !section.name.starts_with(ALARM_PREFIX)
            && near(&section.name, &[ALARM_CONFIG]).is_some()
    }) {
        faults.push(
            Fault::at(section.line, format!("unknown section `[{}]`", excerpt(&section.name)))
                .hint(Some(format!("did you mean `[{ALARM_CONFIG}]`?"))),
        );
    } else if let (Some(name), Some(section)) =
        (described.first(), ini.sections().find(|section| section.name.starts_with(ALARM_PREFIX)))
    {
        faults.push(
            Fault::at(section.line, format!("alarm `{}` is described, but there is no `[{ALARM_CONFIG}]` section that lists it", excerpt(name)))
                .hint(Some(format!("add `[{ALARM_CONFIG}]` with `alarmList = {}`, or with an empty list to arm nothing", excerpt(name)))),
        );
    }
}

#[cfg(test)]
mod tests;
