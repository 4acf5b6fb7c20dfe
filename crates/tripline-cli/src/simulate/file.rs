//! The text of a rollout file: `[FLEET]`, and then `key = value` lines as in a `dev.ini`.

use std::path::Path;

use tripline::faults::{Fault, Faults, MAX_FAULTS};
use tripline::text::{clean, excerpt, nearest};

/// The section of a rollout file.
const SECTION: &str = "[FLEET]";

/// A line of a rollout file.
pub struct Entry<'a> {
    pub key: &'a str,
    pub value: &'a str,
}

/// Reads a rollout file. `set` takes an entry, or says what is wrong with its value; of a key that
/// it does not know it says `None`. Every fault is reported.
pub fn read<'a>(
    file: &str,
    text: &'a str,
    known: &[&str],
    mut set: impl FnMut(&Entry<'a>) -> Option<Result<(), String>>,
) -> Result<(), Faults> {
    let mut faults = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    let mut in_section = false;
    for (number, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let (line, text) = (number + 1, line.trim());
        let mut fault = |text: String, hint| faults.push(Fault { line: Some(line), text, hint });
        if text.is_empty() || text.starts_with([';', '#']) {
            continue;
        }
        if text.starts_with('[') {
            if !in_section && text != SECTION {
                let text = format!(
                    "begins with `{}` (expected {SECTION}, as in every rollout file)",
                    excerpt(text)
                );
                fault(text, None);
                break;
            }
            if in_section {
                fault(
                    format!("unknown section `{}` (expected {SECTION}, once)", excerpt(text)),
                    None,
                );
            }
            in_section = true;
            continue;
        }
        let Some((key, value)) = text.split_once('=') else {
            fault(format!("`{}` is no `key = value`", excerpt(text)), None);
            continue;
        };
        let entry = Entry { key: key.trim(), value: value.trim() };
        if !in_section {
            fault(format!("`{}` stands before {SECTION}", excerpt(entry.key)), None);
            in_section = true;
        }
        if seen.contains(&entry.key) {
            fault(format!("`{}` is set twice", excerpt(entry.key)), None);
        }
        match set(&entry) {
            Some(Ok(())) => seen.push(entry.key),
            Some(Err(text)) => fault(format!("{}: {text}", entry.key), None),
            None => {
                let near = if entry.key.len() <= 64 { nearest(entry.key, known) } else { None };
                let hint = near.map(|near| format!("did you mean `{near}`?"));
                fault(format!("unknown key `{}`", excerpt(entry.key)), hint);
            }
        }
        if faults.len() > MAX_FAULTS {
            break;
        }
    }
    if !in_section && faults.is_empty() {
        faults.push(Fault { line: None, text: format!("no section {SECTION}"), hint: None });
    }
    let more = faults.len().saturating_sub(MAX_FAULTS);
    faults.truncate(MAX_FAULTS);
    if faults.is_empty() { Ok(()) } else { Err(Faults { file: file.to_owned(), faults, more }) }
}

/// Whether a text begins as a rollout file does.
pub fn is_rollout_file(text: &str) -> bool {
    text.lines().find(|line| line.starts_with('[')).is_some_and(|line| line.trim() == SECTION)
}

/// `deviceCount` of a `dev.ini`'s `[DEFAULT]`, where it is one.
pub fn device_count(text: &str) -> Option<u32> {
    let mut section = "";
    for line in text.trim_start_matches('\u{feff}').lines() {
        if line.starts_with('[') {
            section = line.trim();
        } else if section == "[DEFAULT]"
            && let Some((key, value)) = line.split_once(['=', ':'])
            && key.trim().eq_ignore_ascii_case("deviceCount")
        {
            return value.trim().parse().ok();
        }
    }
    None
}

/// What a file is called in results: its name without the ending.
pub fn stem(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or(path.as_os_str());
    clean(&stem.to_string_lossy(), 60)
}
