//! Where keys stand in a file.

use std::collections::HashMap;

use crate::ini::Ini;
use crate::keys::DEFAULT;

/// The lines of all keys of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lines(HashMap<(String, String), usize>);

impl Lines {
    pub(crate) fn new(ini: &Ini) -> Self {
        let of = |section: &crate::ini::Section| {
            let name = section.name.clone();
            let keys = section.own().map(move |entry| (entry.key.to_lowercase(), entry.line));
            keys.map(|(key, line)| ((name.clone(), key), line)).collect::<Vec<_>>()
        };
        Self(ini.all().flat_map(of).collect())
    }

    /// The same without those of a key, whose value is not the file's.
    #[must_use]
    pub fn without(mut self, key: &str) -> Self {
        self.0.retain(|(_, known), _| !known.eq_ignore_ascii_case(key));
        self
    }

    /// The line of a section's key, or of the one that it inherits.
    pub fn of(&self, section: &str, key: &str) -> Option<usize> {
        let line = |section: &str| self.0.get(&(section.to_owned(), key.to_lowercase())).copied();
        line(section).or_else(|| line(DEFAULT))
    }
}
