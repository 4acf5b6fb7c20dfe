//! The file format of `dev.ini`: what Python's `configparser` reads, with line numbers.
//!
//! Written here because a fault has to name its line, which no INI crate keeps, and because
//! `configparser`'s rules are the contract: keys without regard to case, `[DEFAULT]` inherited,
//! `=` or `:`, indented lines go on with the value even after an empty line, which is part of it then,
//! what follows the `]` of a section is ignored, `%(key)s` is replaced. The fuzzer compares them (`make fuzz`).

use std::collections::{BTreeMap, HashMap, HashSet};

use tripline::faults::{Fault, Faults, reported};
use tripline::text::excerpt;

use crate::keys::{DEFAULT, is_key, is_section};
use crate::slips::number;

/// Largest config file in bytes.
pub const MAX_FILE_BYTES: usize = 1_000_000;

/// A parsed file: sections in their order.
#[derive(Debug, Default)]
pub(crate) struct Ini {
    sections: Vec<Section>,
    /// Where the first section of a name is: a hostile file has a hundred thousand of them.
    places: HashMap<String, usize>,
    /// Whether keys stand before the first section.
    is_headless: bool,
    /// Whether reading ended before the file did.
    is_cut: bool,
    /// Which keys were asked for, to hold the table of keys against.
    #[cfg(test)]
    pub asked: std::cell::RefCell<HashSet<(String, String)>>,
}

/// A section with its own keys.
#[derive(Debug)]
pub(crate) struct Section {
    pub name: String,
    pub line: usize,
    entries: BTreeMap<String, Entry>,
}

/// A key as it was written, with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub key: String,
    pub value: String,
    pub line: usize,
}

/// How deep `%(key)s` may be nested, as in `configparser`.
const MAX_DEPTH: usize = 10;
/// Most references replaced in one value: each level of nesting can multiply them, and references
/// to empty keys never make the text too long.
const MAX_REFERENCES: usize = 1_000;
/// Longest value in bytes after references are replaced: nested ones can double it each time.
const MAX_REPLACED_BYTES: usize = 65_536;

/// Reads a file with `read`, and reports what it finds wrong.
pub(crate) fn read_whole<T>(
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
    if ini.is_cut {
        // What is said of the rest would be made up.
        faults.drain(..faults.len().saturating_sub(1));
        return Err(Faults { file: file.to_owned(), faults, more: 0 });
    }
    let config = read(&ini, &mut faults);
    reported(file, config, faults)
}

impl Ini {
    /// Parses a file. What cannot be read is added to `faults`, and reading goes on.
    pub fn parse(text: &str, faults: &mut Vec<Fault>) -> Self {
        let mut ini = Self::default();
        let mut open: Option<(String, usize)> = None;
        // Empty lines since the last line of the value that is open.
        let mut empty = 0;
        // Empty lines behind the line before: a file that was made one for Windows twice ends lines with `\r\r\n`.
        let mut behind = 0;
        // Windows editors begin a file with this mark.
        for (number, raw) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
            let ended = raw.trim_end_matches('\r');
            empty += std::mem::replace(&mut behind, raw.len() - ended.len());
            let line = trimmed(ended);
            if ended.contains('\r') {
                faults.push(carriage_return(number));
                ini.is_cut = true;
                return ini;
            }
            if line.is_empty() {
                empty += 1;
                continue;
            }
            if line.starts_with(['#', ';']) {
                continue;
            }
            let (indent, before) = (indent(raw), std::mem::take(&mut empty));
            if let Some((key, at)) = &open
                && indent > *at
            {
                if !is_of_its_own(line) {
                    ini.continue_value(key, before, line);
                    continue;
                }
                faults.push(ini.indented(key, line, number));
            }
            if let Some((name, _)) = line.strip_prefix('[').and_then(|rest| rest.rsplit_once(']')) {
                open = None;
                faults.extend(odd_name(name, line).map(|text| Fault::at(number, text)));
                ini.begin(trimmed(name), number, faults);
            } else if let Some((key, value)) = line.split_once(['=', ':']) {
                let added = ini.add(trimmed(key), trimmed(value), number, faults);
                open = added.map(|key| (key, indent));
            } else {
                let text = format!(
                    "`{}` is neither a section, a `key = value` nor a comment",
                    excerpt(line)
                );
                let is_half = line.starts_with('[') || line.ends_with(']');
                let hint =
                    is_half.then(|| "a section's name stands between `[` and `]`".to_owned());
                faults.push(Fault::at(number, text).hint(hint));
            }
        }
        ini
    }

    /// A line that `configparser` takes for part of the value before it.
    fn indented(&self, key: &str, line: &str, number: usize) -> Fault {
        let before = self.sections.last().and_then(|section| section.entries.get(key));
        let of = before.map_or_else(String::new, |entry| {
            format!("of `{}` in line {}", excerpt(&entry.key), entry.line)
        });
        let text = format!("`{}` is indented, so that it is part of the value {of}", excerpt(line));
        let hint = "remove the indentation; only what goes on with a value is indented";
        Fault::at(number, text).hint(Some(hint.to_owned()))
    }

    fn begin(&mut self, name: &str, line: usize, faults: &mut Vec<Fault>) {
        if let Some(first) = self.section(name) {
            let text =
                format!("section `[{}]` is there already, in line {}", excerpt(name), first.line);
            faults.push(Fault::at(line, text));
        }
        self.places.entry(name.to_owned()).or_insert(self.sections.len());
        self.sections.push(Section { name: name.to_owned(), line, entries: BTreeMap::new() });
    }

    fn add(
        &mut self,
        key: &str,
        value: &str,
        line: usize,
        faults: &mut Vec<Fault>,
    ) -> Option<String> {
        let Some(section) = self.sections.last_mut() else {
            // What is said of the first one holds for all.
            if !std::mem::replace(&mut self.is_headless, true) {
                let text = format!("`{}` stands before the first section", excerpt(key));
                let hint = "begin the file with `[DEFAULT]`";
                faults.push(Fault::at(line, text).hint(Some(hint.to_owned())));
            }
            return None;
        };
        let lower = key.to_lowercase();
        if let Some(first) = section.entries.get(&lower) {
            let text = format!("key `{}` is there already, in line {}", excerpt(key), first.line);
            faults.push(Fault::at(line, text));
            return None;
        }
        let entry = Entry { key: key.to_owned(), value: value.to_owned(), line };
        section.entries.insert(lower.clone(), entry);
        Some(lower)
    }

    /// Adds a line to a value, behind so many empty ones.
    fn continue_value(&mut self, key: &str, empty: usize, line: &str) {
        if let Some(entry) = self.sections.last_mut().and_then(|s| s.entries.get_mut(key)) {
            entry.value.extend(std::iter::repeat_n('\n', empty + 1));
            entry.value.push_str(line);
        }
    }

    /// The section of this name, if the file has it. Names are compared with their case.
    pub fn section(&self, name: &str) -> Option<&Section> {
        self.sections.get(*self.places.get(name)?)
    }

    /// All sections but `[DEFAULT]`.
    pub fn sections(&self) -> impl Iterator<Item = &Section> {
        self.sections.iter().filter(|section| section.name != DEFAULT)
    }

    /// All sections.
    pub fn all(&self) -> impl Iterator<Item = &Section> {
        self.sections.iter()
    }

    /// A key of a section, its own or inherited, with `%(key)s` replaced.
    pub fn get(&self, section: &Section, key: &str) -> Option<Result<Entry, Fault>> {
        let raw = self.raw(section, key)?;
        let value = self.replaced(section, raw, MAX_DEPTH, &mut 0);
        Some(value.map(|value| Entry { value, ..raw.clone() }))
    }

    /// The keys, in lower case, that values refer to.
    pub fn references(&self) -> HashSet<String> {
        let values = self.sections.iter().flat_map(Section::own);
        values
            .flat_map(|entry| entry.value.split('%').skip(1))
            .filter_map(|rest| Some(reference(rest)?.0.to_lowercase()))
            .collect()
    }

    fn raw<'a>(&'a self, section: &'a Section, key: &str) -> Option<&'a Entry> {
        let key = key.to_lowercase();
        #[cfg(test)]
        self.asked.borrow_mut().insert((section.name.clone(), key.clone()));
        let inherited = || self.section(DEFAULT).and_then(|default| default.entries.get(&key));
        section.entries.get(&key).or_else(inherited)
    }

    fn replaced(
        &self,
        section: &Section,
        entry: &Entry,
        depth: usize,
        references: &mut usize,
    ) -> Result<String, Fault> {
        let fault =
            |text: String| Fault::at(entry.line, format!("`{}`: {text}", excerpt(&entry.key)));
        if depth == 0 && entry.value.contains('%') {
            return Err(fault("`%(..)s` is nested too deep".to_owned()));
        }
        let mut value = String::new();
        let mut rest = entry.value.as_str();
        while let Some((before, after)) = rest.split_once('%') {
            value.push_str(before);
            if let Some(after) = after.strip_prefix('%') {
                value.push('%');
                rest = after;
            } else if let Some((key, after)) = reference(after) {
                let target = self
                    .raw(section, key)
                    .ok_or_else(|| fault(format!("`%({})s` names no key", excerpt(key))))?;
                *references += 1;
                value.push_str(&self.replaced(
                    section,
                    target,
                    depth.saturating_sub(1),
                    references,
                )?);
                rest = after;
            } else {
                let text = "`%` is followed by neither `%` nor `(key)s` (write `%%` for `%`)";
                return Err(fault(text.to_owned()).hint(number(&entry.value)));
            }
            if value.len() > MAX_REPLACED_BYTES || *references > MAX_REFERENCES {
                return Err(fault("`%(..)s` makes it too long".to_owned()));
            }
        }
        value.push_str(rest);
        Ok(value)
    }
}

/// A text without the blanks around it: what Unicode takes for blank, and four separators that only Python does.
pub(crate) fn trimmed(text: &str) -> &str {
    text.trim_matches(is_blank)
}

/// How far a line is indented, in characters.
pub(crate) fn indent(line: &str) -> usize {
    line.chars().take_while(|c| is_blank(*c)).count()
}

fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}')
}

/// The key between `(` and `)s`, and what follows it.
fn reference(text: &str) -> Option<(&str, &str)> {
    let (key, after) = text.strip_prefix('(')?.split_once(')')?;
    Some((key, after.strip_prefix('s')?)).filter(|_| !key.is_empty())
}

/// What is wrong with a section's name. `configparser` finds neither of them by the name that was meant.
fn odd_name(name: &str, line: &str) -> Option<String> {
    if trimmed(name).is_empty() {
        return Some(format!("`{}` is a section without a name", excerpt(line)));
    }
    (trimmed(name) != name).then(|| {
        let name = excerpt(name);
        format!("section `[{name}]` has blanks inside its brackets, which are part of its name")
    })
}

/// Some programs take it for the end of a line and others do not, so that they read different files.
fn carriage_return(line: usize) -> Fault {
    let text = "a carriage return stands within the line".to_owned();
    let hint = "save the file with the ends of lines of Linux or of Windows";
    Fault::at(line, text).hint(Some(hint.to_owned()))
}

/// Whether a line is a section, or a key with its value, however far it is indented. No value that goes
/// on over several lines has anything like it; `:` is part of some, such as `60:3`.
fn is_of_its_own(line: &str) -> bool {
    let section = line.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let is_word = |key: &str| {
        key.starts_with(|first: char| first.is_ascii_alphabetic())
            && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    section.is_some_and(|(name, _)| is_section(trimmed(name)))
        || line.split_once('=').is_some_and(|(key, _)| is_word(trimmed(key)))
        || line.split_once(':').is_some_and(|(key, _)| is_key(trimmed(key)))
}

impl Section {
    /// The section's own keys, not those it inherits.
    pub fn own(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(text: &str, section: &str, key: &str) -> Option<Result<String, String>> {
        let mut faults = Vec::new();
        let ini = Ini::parse(text, &mut faults);
        assert_eq!(faults, []);
        let value = ini.get(ini.section(section)?, key)?;
        Some(value.map(|entry| entry.value).map_err(|fault| fault.text))
    }

    #[test]
    fn reads_what_configparser_reads() {
        let text = "\u{feff}; a comment\r\n[DEFAULT]\r\nregion : us-east-1\nname=fw-%(version)s\nversion = 2\n\n[a]\n# comment\nVERSION = 3\nlist = x,\n  y,\n  # not a value\n\n  z\nurl = http://h:1/?a=b%%20c\nempty =\n";
        for (key, value) in [
            ("Region", "us-east-1"),
            ("name", "fw-3"),
            ("list", "x,\ny,\n\nz"),
            ("url", "http://h:1/?a=b%20c"),
            ("empty", ""),
        ] {
            assert_eq!(get(text, "a", key), Some(Ok(value.to_owned())), "{key}");
        }
        assert_eq!(get(text, "a", "none"), None);
        assert_eq!(get(text, "A", "list"), None);
    }

    #[test]
    fn bad_references_are_faults() {
        for (value, text) in [
            ("%(nobody)s", "`k`: `%(nobody)s` names no key"),
            ("5%", "`k`: `%` is followed by neither `%` nor `(key)s` (write `%%` for `%`)"),
            ("%(k)s", "`k`: `%(..)s` is nested too deep"),
        ] {
            assert_eq!(get(&format!("[a]\nk={value}"), "a", "k"), Some(Err(text.to_owned())));
        }
        let mut bomb = String::from("[a]\nk0=xxxxxxxxxxxxxxxxxxxx\n");
        for n in 1..9 {
            bomb += &format!("k{n}={}\n", format!("%(k{})s", n - 1).repeat(20));
        }
        let empty = bomb.replace("xxxxxxxxxxxxxxxxxxxx", "");
        for bomb in [bomb, empty] {
            let text = get(&bomb, "a", "k8").unwrap().unwrap_err();
            assert!(text.ends_with("`%(..)s` makes it too long"), "{text}");
        }
    }

    /// What the fuzzer found beside Python's `configparser` (`tests/fuzz/corpus/dev-ini`).
    #[test]
    fn lines_are_what_configparser_takes_for_them() {
        for (text, value) in [
            ("[a]\nk = 1\n\n  2\n ; no\n\n\n  3\n\n", "1\n\n2\n\n\n3"),
            ("[a]\n\u{a0}k = 1\n  2", "1\n2"),
            ("[a]\nk\u{1f}=\u{1c}1\u{1d}\n\u{1e}", "1"),
        ] {
            assert_eq!(get(text, "a", "k"), Some(Ok(value.to_owned())), "{text:?}");
        }
        let mut chain = String::from("[a]\nk10 = end\n");
        for n in 0..10 {
            chain += &format!("k{n} = %(k{})s\n", n + 1);
        }
        assert_eq!(get(&chain, "a", "k0"), Some(Ok("end".to_owned())));
        let chain = chain.replace("end", "%(k11)s\nk11 = end");
        let too_deep = "`k10`: `%(..)s` is nested too deep".to_owned();
        assert_eq!(get(&chain, "a", "k0"), Some(Err(too_deep)));
        let odd = "`k`: `%` is followed by neither `%` nor `(key)s` (write `%%` for `%`)";
        for value in ["%()s", "%(b)c)s"] {
            let text = format!("[a]\nk = {value}\nb)c = 1\n = 1\n");
            assert_eq!(get(&text, "a", "k"), Some(Err(odd.to_owned())), "{value}");
        }
    }

    #[test]
    fn what_configparser_takes_for_something_else_is_a_fault() {
        for (text, fault) in [
            (
                "[a ]\nk=1",
                "section `[a ]` has blanks inside its brackets, which are part of its name",
            ),
            ("[]=1", "`[]=1` is a section without a name"),
            ("[a]\nk=1\r[b]", "a carriage return stands within the line"),
        ] {
            let mut faults = Vec::new();
            Ini::parse(text, &mut faults);
            assert_eq!(faults.first().map(|it| it.text.as_str()), Some(fault), "{text:?}");
        }
    }

    #[test]
    fn ends_of_lines_that_were_made_twice_are_empty_lines() {
        for (text, value) in [
            ("[a]\r\r\nk = 1\r\r\n", "1"),
            ("[a]\nk = 1\r", "1"),
            ("[a]\r\r\nk = 1\r\r\n  2\r\r\n", "1\n\n2"),
        ] {
            assert_eq!(get(text, "a", "k"), Some(Ok(value.to_owned())), "{text:?}");
        }
    }

    #[test]
    fn nothing_is_said_of_what_is_not_read() {
        let read = read_whole("dev.ini", "[a]\nk\nj = 1\r[b]\n", |_, faults| {
            faults.push(Fault::at(1, "no section `[b]`".to_owned()));
        });
        let faults = read.unwrap_err().faults;
        let [fault] = faults.as_slice() else { panic!("{faults:?}") };
        assert_eq!(
            (fault.line, fault.text.as_str()),
            (Some(3), "a carriage return stands within the line")
        );
    }

    #[test]
    fn what_follows_a_section_s_bracket_is_ignored() {
        assert_eq!(get("[a] ; the alarms\nk = 1", "a", "k"), Some(Ok("1".to_owned())));
        assert_eq!(get("[a] = b\nk = 1", "a", "k"), Some(Ok("1".to_owned())));
    }

    #[test]
    fn a_key_that_is_indented_is_no_part_of_the_value_before_it() {
        let mut faults = Vec::new();
        let text = "[WAVE_a]\nbake = 1h\n  query = x\n  rate = 2\n  [WAVE_b]\nthings = a,\n  b: c\n  x y = 1\n";
        let ini = Ini::parse(text, &mut faults);
        let found: Vec<_> = faults.iter().map(|fault| (fault.line, fault.text.as_str())).collect();
        assert_eq!(
            found,
            [(
                Some(3),
                "`query = x` is indented, so that it is part of the value of `bake` in line 2"
            )],
            "those beside it are as they were meant"
        );
        let things = ini.get(ini.section("WAVE_b").unwrap(), "things").unwrap().unwrap();
        assert_eq!(things.value, "a,\nb: c\nx y = 1");
    }

    #[test]
    fn every_unreadable_line_is_named() {
        let mut faults = Vec::new();
        Ini::parse("early = 1\nalso = 2\n[a]\nk=1\nK=2\nwhat\n[a]\n", &mut faults);
        let found: Vec<_> = faults.iter().map(|fault| (fault.line, fault.text.as_str())).collect();
        assert_eq!(
            found,
            [
                (Some(1), "`early` stands before the first section"),
                (Some(5), "key `K` is there already, in line 4"),
                (Some(6), "`what` is neither a section, a `key = value` nor a comment"),
                (Some(7), "section `[a]` is there already, in line 3"),
            ]
        );
    }
}
