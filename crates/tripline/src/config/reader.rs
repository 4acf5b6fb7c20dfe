//! Values of any section but an alarm's, with their faults.

use super::ini::{DEFAULT, Entry, Ini, Section};
use super::{Fault, unfilled};
use crate::text::excerpt;

/// Reads values, and collects what is wrong with them.
pub(super) struct Reader<'a> {
    pub ini: &'a Ini,
    pub faults: &'a mut Vec<Fault>,
    /// The sections that are switched on.
    pub used: Vec<String>,
    /// Reads what is switched off as well.
    all: bool,
}

impl<'a> Reader<'a> {
    pub fn new(ini: &'a Ini, faults: &'a mut Vec<Fault>) -> Self {
        Self { ini, faults, used: Vec::new(), all: false }
    }

    /// Reads every section that is there, as if it were switched on.
    pub fn of_all(ini: &'a Ini, faults: &'a mut Vec<Fault>) -> Self {
        Self { all: true, ..Self::new(ini, faults) }
    }

    /// Whether sections are read that others exclude.
    pub fn reads_all(&self) -> bool {
        self.all
    }

    /// A section that a key of `[DEFAULT]` switches on.
    pub fn used(&mut self, key: &str, name: &str) -> Option<&'a Section> {
        let default = self.ini.section(DEFAULT)?;
        if self.flag(default, key) { self.section(name, key, default) } else { None }
    }

    /// A section that has to be there, since `key` of another says so.
    pub fn section(&mut self, name: &str, key: &str, by: &Section) -> Option<&'a Section> {
        let section = self.ini.section(name);
        self.used.extend(section.map(|section| section.name.clone()));
        if section.is_none() && !self.all {
            self.faults.push(Fault::at(
                by.line,
                format!("`[{}]`: {key} is True, but there is no `[{name}]`", excerpt(&by.name)),
            ));
        }
        section
    }

    /// A key that is true or false, as `configparser` reads it; false if it is not there.
    pub fn flag(&mut self, section: &Section, key: &str) -> bool {
        if self.all {
            return true;
        }
        self.optional(section, key, "True or False", |text| {
            match text.to_ascii_lowercase().as_str() {
                "1" | "yes" | "true" | "on" => Some(true),
                "0" | "no" | "false" | "off" => Some(false),
                _ => None,
            }
        })
        .unwrap_or(false)
    }

    /// The line of a key, or else of its section.
    pub fn line_of(&self, section: &Section, key: &str) -> usize {
        match self.ini.get(section, key) {
            Some(Ok(entry)) => entry.line,
            _ => section.line,
        }
    }

    pub fn required<T>(
        &mut self,
        section: &Section,
        key: &str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        if self.ini.get(section, key).is_none() {
            self.faults.push(Fault::at(
                section.line,
                format!(
                    "`[{}]`: missing key `{key}` (expected {expected})",
                    excerpt(&section.name)
                ),
            ));
        }
        self.optional(section, key, expected, parse)
    }

    pub fn optional<T>(
        &mut self,
        section: &Section,
        key: &str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let Entry { value, line, .. } = match self.ini.get(section, key)? {
            Ok(entry) => entry,
            Err(fault) => {
                self.faults.push(fault);
                return None;
            }
        };
        let parsed = parse(&value);
        if parsed.is_none() {
            let text = format!(
                "`[{}]`: {key} cannot be `{}` (expected {expected})",
                excerpt(&section.name),
                excerpt(&value)
            );
            self.faults.push(Fault::at(line, text).hint(unfilled(&value)));
        }
        parsed
    }
}

/// A whole number from 1.
pub(super) fn positive(text: &str) -> Option<u32> {
    text.parse().ok().filter(|number| *number >= 1)
}
