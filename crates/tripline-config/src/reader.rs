//! Values of a section, with their faults.

use std::fmt;

use tripline::faults::Fault;
use tripline::text::excerpt;

use crate::ini::{Entry, Ini, Section};
use crate::keys::{DEFAULT, has_key, hint_for};
use crate::slips::{comment_right_behind, number, slip};

/// Where a value is read: a section, which faults call by its name or by that of its alarm.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub section: &'a Section,
    alarm: Option<&'a str>,
}

impl<'a> Place<'a> {
    /// The section of an alarm.
    pub fn of_alarm(section: &'a Section, name: &'a str) -> Self {
        Self { section, alarm: Some(name) }
    }
}

impl<'a> From<&'a Section> for Place<'a> {
    fn from(section: &'a Section) -> Self {
        Self { section, alarm: None }
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.alarm {
            Some(name) => write!(f, "alarm `{}`", excerpt(name)),
            None => write!(f, "`[{}]`", excerpt(&self.section.name)),
        }
    }
}

/// Reads values, and collects what is wrong with them.
pub(crate) struct Reader<'a> {
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
                self.line_of(by, key),
                format!("`[{}]`: {key} is True, but there is no `[{name}]`", excerpt(&by.name)),
            ));
        }
        section
    }

    /// A [`boolean`](Self::boolean) that is false if it is not there.
    pub fn flag(&mut self, section: &Section, key: &str) -> bool {
        if self.all {
            return true;
        }
        self.boolean(section, key).unwrap_or(false)
    }

    /// A key that is true or false, as `configparser` reads it; `None` if it is not there.
    pub fn boolean(&mut self, section: &Section, key: &str) -> Option<bool> {
        self.optional(section, key, "True or False", |text| {
            match text.to_ascii_lowercase().as_str() {
                "1" | "yes" | "true" | "on" => Some(true),
                "0" | "no" | "false" | "off" => Some(false),
                _ => None,
            }
        })
    }

    /// The line of a key, or else of its section.
    pub fn line_of(&self, section: &Section, key: &str) -> usize {
        match self.ini.get(section, key) {
            Some(Ok(entry)) => entry.line,
            _ => section.line,
        }
    }

    /// Says what is wrong in a line of a place.
    pub fn fault(&mut self, place: Place<'_>, line: usize, text: &str, hint: Option<String>) {
        self.faults.push(Fault::at(line, format!("{place}: {text}")).hint(hint));
    }

    /// A key as it stands there; a fault if what it refers to cannot be read.
    pub fn entry(&mut self, section: &Section, key: &str) -> Option<Entry> {
        match self.ini.get(section, key)? {
            Ok(entry) => Some(entry),
            Err(fault) => {
                self.faults.push(fault);
                None
            }
        }
    }

    /// A fault if a key is not there.
    pub fn require(&mut self, place: Place<'_>, key: &str, expected: &str) {
        if self.ini.get(place.section, key).is_none() {
            let text = format!("missing key `{key}` (expected {expected})");
            self.fault(place, place.section.line, &text, None);
        }
    }

    pub fn required<'p, T>(
        &mut self,
        place: impl Into<Place<'p>>,
        key: &str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        self.required_or(place, key, expected, parse, |_| None)
    }

    /// The same, where `hint` knows more of a value that cannot be read.
    pub fn required_or<'p, T>(
        &mut self,
        place: impl Into<Place<'p>>,
        key: &str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
        hint: impl FnOnce(&str) -> Option<String>,
    ) -> Option<T> {
        let place = place.into();
        self.require(place, key, expected);
        self.optional_or(place, key, expected, parse, hint)
    }

    pub fn optional<'p, T>(
        &mut self,
        place: impl Into<Place<'p>>,
        key: &str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        self.optional_or(place, key, expected, parse, |_| None)
    }

    /// The same, where `hint` knows more of a value that cannot be read.
    pub fn optional_or<'p, T>(
        &mut self,
        place: impl Into<Place<'p>>,
        key: &str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
        hint: impl FnOnce(&str) -> Option<String>,
    ) -> Option<T> {
        let place = place.into();
        let Entry { value, line, .. } = self.entry(place.section, key)?;
        let parsed = parse(&value);
        if parsed.is_none() {
            self.unreadable(place, key, &value, line, expected, hint(&value));
        }
        parsed
    }

    /// Says that a value cannot be read. Not part of what calls it, of which there is one for every kind of value.
    fn unreadable(
        &mut self,
        place: Place<'_>,
        key: &str,
        value: &str,
        line: usize,
        expected: &str,
        hint: Option<String>,
    ) {
        // Of an alarm's list of words one is known or not; a number or a name is neither.
        let is = if place.alarm.is_some() && expected.starts_with('`') {
            format!("unknown {key}")
        } else {
            format!("{key} cannot be")
        };
        let text = format!("{is} `{}` (expected {expected})", excerpt(value));
        // `30 min` is a number to some keys, and a duration to others.
        let is_number = !expected.contains("duration");
        let number = || number(value).filter(|_| is_number);
        let hint = slip(value).or(hint).or_else(number);
        let hint = hint.or_else(|| comment_right_behind(value));
        self.fault(place, line, &text, hint);
    }
}

/// A whole number from 1.
pub(crate) fn positive(text: &str) -> Option<u32> {
    text.parse().ok().filter(|number| *number >= 1)
}

/// A key that is not known is a fault: a typo must not disarm a guard.
pub(crate) fn unknown_keys<'a>(place: impl Into<Place<'a>>, faults: &mut Vec<Fault>) {
    let place = place.into();
    let name = place.section.name.as_str();
    for entry in place.section.own().filter(|entry| !has_key(name, &entry.key)) {
        let text = format!("{place}: unknown key `{}`", excerpt(&entry.key));
        faults.push(Fault::at(entry.line, text).hint(hint_for(name, &entry.key)));
    }
}
