//! What is wrong with a file, all of it at once, each fault with its line.

use std::fmt;

use crate::diagnostic::Diagnostics;

/// Most faults that are reported; a file with more of them is not what it is taken for.
pub const MAX_FAULTS: usize = 100;

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
    /// A fault in a line.
    pub fn at(line: usize, text: String) -> Self {
        Self { line: Some(line), text, hint: None }
    }

    /// The same, with what to do next.
    #[must_use]
    pub fn hint(mut self, hint: Option<String>) -> Self {
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
        Diagnostics::from(self).fmt(f)
    }
}

/// What was read, or everything that is wrong with it.
pub fn reported<T>(file: &str, read: T, mut faults: Vec<Fault>) -> Result<T, Faults> {
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
