//! A new `dev.ini` from an old one: keys of `[DEFAULT]` get other values, every other line stays.

use std::str::FromStr;

use tripline::text::excerpt;

use crate::ini::{Ini, MAX_FILE_BYTES, indent, trimmed};
use crate::keys::DEFAULT;

/// A key of `[DEFAULT]` and its value, as `key=value`. The value stands in the file as it is, so
/// that `%(key)s` in it is replaced and `%%` is a percent sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The key.
    pub key: String,
    /// Its new value.
    pub value: String,
}

/// A text that is no setting, or a file that cannot take it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidSetting(String);

impl Setting {
    /// Checks a key and a value.
    pub fn new(key: &str, value: &str) -> Result<Self, InvalidSetting> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if key.is_empty() || !key.bytes().all(allowed) {
            let text = "is no key (expected letters, digits, `-`, `_` or `.`)";
            return Err(InvalidSetting(format!("`{}` {text}", excerpt(key))));
        }
        if value.contains(char::is_control) {
            let text = "has control characters in its value (expected one line of text)";
            return Err(InvalidSetting(format!("`{}` {text}", excerpt(key))));
        }
        Ok(Self { key: key.to_owned(), value: value.trim().to_owned() })
    }
}

impl FromStr for Setting {
    type Err = InvalidSetting;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let pair = text.split_once('=');
        let (key, value) =
            pair.ok_or_else(|| InvalidSetting(format!("`{}` is no `key=value`", excerpt(text))))?;
        Self::new(key.trim(), value)
    }
}

/// The value that a key of `[DEFAULT]` has in a file, whatever else may be wrong with it.
pub fn default_value(text: &str, key: &str) -> Option<String> {
    let text = text.get(..text.len().min(MAX_FILE_BYTES))?;
    let ini = Ini::parse(text, &mut Vec::new());
    let value = ini.get(ini.section(DEFAULT)?, key)?.ok()?.value;
    Some(value).filter(|value| !value.is_empty())
}

/// Gives keys of `[DEFAULT]` other values. A key keeps its place and spelling, and a value that goes
/// on over several lines is replaced with all of them; a key that was not there comes to the end of
/// the section.
pub fn with_settings(text: &str, settings: &[Setting]) -> Result<String, InvalidSetting> {
    let mut out: Vec<String> = Vec::new();
    let mut left: Vec<&Setting> = settings.iter().collect();
    let mut end_of_default = None;
    let mut in_default = false;
    // The key that indented lines go on with: how far it is indented, and whether it was replaced.
    let mut open: Option<(usize, bool)> = None;
    let eol = if text.contains("\r\n") { "\r\n" } else { "\n" };
    for raw in text.split_inclusive('\n') {
        let line = trimmed(raw.trim_start_matches('\u{feff}'));
        let indent = indent(raw);
        let is_text = !line.is_empty() && !line.starts_with(['#', ';']);
        if is_text
            && let Some((at, replaced)) = open
            && indent > at
        {
            if !replaced {
                out.push(raw.to_owned());
                if in_default {
                    end_of_default = Some(out.len());
                }
            }
            continue;
        }
        if !is_text {
            out.push(raw.to_owned());
            continue;
        }
        if let Some((name, _)) = line.strip_prefix('[').and_then(|rest| rest.rsplit_once(']')) {
            open = None;
            in_default = trimmed(name) == DEFAULT;
            out.push(raw.to_owned());
        } else if let Some((key, rest)) = raw.split_once(['=', ':']) {
            let wanted = left.iter().position(|s| s.key.eq_ignore_ascii_case(trimmed(key)));
            let setting = wanted.filter(|_| in_default).map(|place| left.remove(place));
            open = Some((indent, setting.is_some()));
            out.push(match setting {
                Some(setting) => {
                    let sep = raw.get(key.len()..=key.len()).unwrap_or("=");
                    let old = rest.trim_end_matches(['\r', '\n']);
                    let space = old.get(..old.len() - old.trim_start().len()).unwrap_or_default();
                    let space = if old.trim().is_empty() { " " } else { space };
                    format!("{key}{sep}{space}{}{eol}", setting.value)
                }
                None => raw.to_owned(),
            });
        } else {
            // A fault, after which the value still goes on.
            out.push(raw.to_owned());
        }
        if in_default {
            end_of_default = Some(out.len());
        }
    }
    let Some(end) = end_of_default else {
        return Err(InvalidSetting("no section `[DEFAULT]` to set a key in".to_owned()));
    };
    if let Some(last) = end.checked_sub(1).and_then(|last| out.get_mut(last))
        && !last.ends_with('\n')
        && !left.is_empty()
    {
        last.push_str(eol);
    }
    let added = left.iter().map(|setting| format!("{} = {}{eol}", setting.key, setting.value));
    out.splice(end..end, added.collect::<Vec<_>>());
    Ok(out.concat())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn set(text: &str, settings: &[&str]) -> Result<String, String> {
        let settings: Vec<Setting> = settings.iter().map(|text| text.parse().unwrap()).collect();
        with_settings(text, &settings).map_err(|error| error.to_string())
    }

    #[test]
    fn only_what_is_set_changes() {
        let old = "\u{feff}; fw\r\n[DEFAULT]\r\nJobId:fw-1\r\nbinName =  a.bin\r\nthingList = x,\r\n  y,\r\n\r\n  z\r\n; end\r\nempty =\r\n\r\n[A]\r\njobId = other\r\n";
        let settings = ["jobId=fw-2", "thingList=t.txt", "empty=1", "streamId=s"];
        assert_eq!(
            set(old, &settings).unwrap(),
            "\u{feff}; fw\r\n[DEFAULT]\r\nJobId:fw-2\r\nbinName =  a.bin\r\nthingList = t.txt\r\n\r\n; end\r\nempty = 1\r\nstreamId = s\r\n\r\n[A]\r\njobId = other\r\n"
        );
        assert_eq!(
            set("[DEFAULT]\nbinName = a\n  b", &["x=1"]).unwrap(),
            "[DEFAULT]\nbinName = a\n  b\nx = 1\n"
        );
        assert_eq!(
            set("[DEFAULT]\na = 1\nwhat\n  b\n", &["a=2"]).unwrap(),
            "[DEFAULT]\na = 2\nwhat\n"
        );
        assert_eq!(set("[DEFAULT]", &["x=1"]).unwrap(), "[DEFAULT]\nx = 1\n");
        assert_eq!(
            set("[A]\nx = 2\n", &["x=1"]).unwrap_err(),
            "no section `[DEFAULT]` to set a key in"
        );
        assert_eq!(set("[DEFAULT]\nx = 2", &[]).unwrap(), "[DEFAULT]\nx = 2");
    }

    #[test]
    fn a_value_is_read_whatever_else_is_wrong() {
        let text = "what\n[DEFAULT]\njobId = <old>\nempty =\nbad = %(x)s\n";
        let value = |key| default_value(text, key);
        assert_eq!(value("JOBID").as_deref(), Some("<old>"));
        assert_eq!([value("empty"), value("bad"), value("none")], [None, None, None]);
        assert_eq!(default_value("", "jobId"), None);
    }

    #[test]
    fn settings_are_checked() {
        for (text, error) in [
            ("jobId", "`jobId` is no `key=value`"),
            ("=x", "`` is no key (expected letters, digits, `-`, `_` or `.`)"),
            ("[A]=x", "`[A]` is no key (expected letters, digits, `-`, `_` or `.`)"),
            ("a=b\n[X]", "`a` has control characters in its value (expected one line of text)"),
        ] {
            assert_eq!(text.parse::<Setting>().unwrap_err().to_string(), error);
        }
        assert_eq!("a=b=c".parse(), Ok(Setting { key: "a".to_owned(), value: "b=c".to_owned() }));
    }

    proptest! {
        /// Whatever the file, the key has its value afterwards and the others have theirs.
        #[test]
        fn a_set_key_is_read_back(
            lines in prop::collection::vec("[ab]? ?[=:]?[ab]?|\\[A\\]|  c|; d|", 0..12),
            value in "[a-z0-9 ]{0,8}",
        ) {
            let text = format!("[DEFAULT]\n{}\n", lines.join("\n"));
            let edited = with_settings(&text, &[Setting::new("a", &value).unwrap()]).unwrap();
            let read = |text: &str, key: &str| {
                let ini = Ini::parse(text, &mut Vec::new());
                let default = ini.section(DEFAULT).unwrap();
                ini.get(default, key).map(|entry| entry.unwrap().value)
            };
            prop_assert_eq!(read(&edited, "a"), Some(value.trim().to_owned()));
            prop_assert_eq!(read(&edited, "b"), read(&text, "b"));
        }
    }
}
