//! What is wrong, where, and what to do about it: one value, for people and for programs.
//!
//! A [`Diagnostic`] is data, so that nobody has to take a text apart again. Whatever goes into one is
//! cleaned of what a terminal would obey, since much of it was written by others.

use std::fmt;

use crate::faults::{Fault, Faults};
use crate::text::shown;

/// Where something is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// What whoever read the file calls it.
    pub file: String,
    /// The line, from 1; `None` when it is about the whole file.
    pub line: Option<usize>,
    /// What stands there.
    pub source: Option<Source>,
}

/// A line of a file, and what of it is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The whole line.
    pub text: String,
    /// Where it begins in the line, in characters from 1.
    pub column: usize,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    place: Option<Place>,
    what: String,
    hint: Option<String>,
    commands: Vec<String>,
}

impl Diagnostic {
    /// What is wrong, and what was expected.
    pub fn new(what: impl AsRef<str>) -> Self {
        Self { place: None, what: shown(what.as_ref()), hint: None, commands: Vec::new() }
    }

    /// The same, in a file.
    #[must_use]
    pub fn in_file(mut self, file: &str, line: Option<usize>) -> Self {
        self.place = Some(Place { file: shown(file), line, source: None });
        self
    }

    /// The same, with the line as it stands there, if it is in a line; `column` counts from 1.
    #[must_use]
    pub fn with_source(mut self, text: &str, column: usize) -> Self {
        if let Some(place) = &mut self.place {
            place.source = Some(Source { text: shown(text), column });
        }
        self
    }

    /// The same, with what to do next. What there is to do already comes first.
    #[must_use]
    pub fn with_hint(mut self, hint: impl AsRef<str>) -> Self {
        let hint = shown(hint.as_ref());
        self.hint = Some(match self.hint {
            Some(first) => format!("{first}; {hint}"),
            None => hint,
        });
        self
    }

    /// The same, with a command that does it, as a shell takes it. People see it where the hint names it
    /// in backticks, and otherwise below the hint.
    #[must_use]
    pub fn with_command(mut self, command: impl AsRef<str>) -> Self {
        self.commands.push(shown(command.as_ref()));
        self
    }

    /// The same, with more of what is wrong.
    #[must_use]
    pub fn with_more(mut self, more: impl AsRef<str>) -> Self {
        self.what += &shown(more.as_ref());
        self
    }

    /// The same, with what it leads to before it.
    #[must_use]
    pub fn led_by(mut self, beginning: impl AsRef<str>) -> Self {
        self.what.insert_str(0, &shown(beginning.as_ref()));
        self
    }

    /// Where it is wrong.
    pub fn place(&self) -> Option<&Place> {
        self.place.as_ref()
    }

    /// What is wrong, and what was expected.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// What to do next.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// Commands that do it.
    pub fn commands(&self) -> &[String] {
        &self.commands
    }

    /// For people, such as `finding: dev.ini:3: ..` with a hint below.
    pub fn labeled(&self, label: &str) -> String {
        format!("{label}: {self}")
    }

    fn file(&self) -> Option<&str> {
        self.place.as_ref().map(|place| place.file.as_str())
    }

    fn line(&self) -> Option<usize> {
        self.place.as_ref().and_then(|place| place.line)
    }

    /// What stands below the first line.
    fn details(&self, f: &mut fmt::Formatter<'_>, indent: &str) -> fmt::Result {
        if let Some(Place { source: Some(source), .. }) = &self.place {
            let before = " ".repeat(source.column.saturating_sub(1));
            write!(f, "\n{indent}| {}\n{indent}| {before}^", source.text)?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {hint}")?;
        }
        for command in self.commands.iter().filter(|command| !self.hint_names(command)) {
            write!(f, "\n    {command}")?;
        }
        Ok(())
    }

    fn hint_names(&self, command: &str) -> bool {
        let quoted = format!("`{command}`");
        self.hint.as_ref().is_some_and(|hint| hint.contains(&quoted))
    }
}

/// Longest line of a file that is shown; a longer one fills the terminal and shows nothing.
const LONGEST_LINE: usize = 160;

/// Where in a line the first thing begins that a text puts into backticks and that stands there; otherwise where
/// the line begins.
fn column_of(what: &str, line: &str) -> usize {
    let quoted = what.split('`').skip(1).step_by(2).filter(|word| !word.is_empty());
    let found = quoted.filter_map(|word| line.find(word)).next();
    let at = found.unwrap_or_else(|| line.len() - line.trim_start().len());
    1 + line.get(..at).unwrap_or_default().chars().count()
}

impl From<String> for Diagnostic {
    fn from(what: String) -> Self {
        Self::new(what)
    }
}

impl From<&str> for Diagnostic {
    fn from(what: &str) -> Self {
        Self::new(what)
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.file(), self.line()) {
            (Some(file), Some(line)) => write!(f, "{file}:{line}: ")?,
            (Some(file), None) => write!(f, "{file}: ")?,
            (None, _) => {}
        }
        f.write_str(&self.what)?;
        self.details(f, "  ")
    }
}

/// All that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
    more: usize,
}

impl Diagnostics {
    /// Each of them.
    pub fn list(&self) -> &[Diagnostic] {
        &self.list
    }

    /// How many there are beside these.
    pub fn more(&self) -> usize {
        self.more
    }

    /// Adds one or several.
    pub fn add(&mut self, other: impl Into<Self>) {
        let other = other.into();
        self.list.extend(other.list);
        self.more += other.more;
    }

    /// The same, the last with another hint.
    #[must_use]
    pub fn with_hint(self, hint: impl AsRef<str>) -> Self {
        self.changed(|last| last.with_hint(hint))
    }

    /// The same, the last with a command that does it.
    #[must_use]
    pub fn with_command(self, command: impl AsRef<str>) -> Self {
        self.changed(|last| last.with_command(command))
    }

    /// The same, the last with more of what is wrong.
    #[must_use]
    pub fn with_more(self, more: impl AsRef<str>) -> Self {
        self.changed(|last| last.with_more(more))
    }

    fn each(self, change: impl FnMut(Diagnostic) -> Diagnostic) -> Self {
        Self { list: self.list.into_iter().map(change).collect(), more: self.more }
    }

    /// The same, each with its line of a file's text.
    #[must_use]
    pub fn with_lines_of(self, text: &str) -> Self {
        let lines: Vec<&str> = text.trim_start_matches('\u{feff}').lines().collect();
        self.each(|one| {
            let line = one.line().and_then(|line| lines.get(line.checked_sub(1)?));
            match line.filter(|line| line.len() <= LONGEST_LINE && !line.trim().is_empty()) {
                Some(line) => {
                    let column = column_of(&one.what, line);
                    one.with_source(line.trim_end(), column)
                }
                None => one,
            }
        })
    }

    /// The same, without a text, such as the folder that a file is in.
    #[must_use]
    pub fn without(self, text: &str) -> Self {
        self.each(|mut one| {
            one.what = one.what.replace(text, "");
            one.hint = one.hint.map(|hint| hint.replace(text, ""));
            one.commands.iter_mut().for_each(|command| *command = command.replace(text, ""));
            if let Some(place) = &mut one.place {
                place.file = place.file.replace(text, "");
            }
            one
        })
    }

    fn changed(mut self, change: impl FnOnce(Diagnostic) -> Diagnostic) -> Self {
        let last = self.list.pop().map(change);
        self.list.extend(last);
        self
    }

    /// For people: each with a label such as `error`, those of one file under one.
    pub fn labeled(&self, label: &str) -> String {
        let groups = self.list.chunk_by(|a, b| a.file().is_some() && a.file() == b.file());
        let texts: Vec<_> =
            groups.map(|group| format!("{label}: {}", Group(group, self.more_of(group)))).collect();
        let mut text = texts.join("\n");
        if self.more > 0 {
            text += &format!("\n  .. and {} more", self.more);
        }
        text
    }

    /// Those that are left out are of the file that has so many.
    fn more_of(&self, group: &[Diagnostic]) -> usize {
        if group.len() == self.list.len() { self.more } else { 0 }
    }
}

/// Diagnostics of one file, or one, and how many more.
struct Group<'a>(&'a [Diagnostic], usize);

impl fmt::Display for Group<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(group, more) = self;
        if let ([only], 0) = (group, more) {
            return write!(f, "{only}");
        }
        let file = group.first().and_then(Diagnostic::file).unwrap_or_default();
        write!(f, "{file}: {} faults", group.len() + more)?;
        for one in *group {
            match one.line() {
                Some(line) => write!(f, "\n  line {line}: {}", one.what)?,
                None => write!(f, "\n  {}", one.what)?,
            }
            one.details(f, "    ")?;
        }
        Ok(())
    }
}

/// As [`Diagnostics::labeled`] with `error`, without the first label.
impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.labeled("error");
        f.write_str(text.strip_prefix("error: ").unwrap_or(&text))
    }
}

impl std::error::Error for Diagnostics {}

impl From<Diagnostic> for Diagnostics {
    fn from(one: Diagnostic) -> Self {
        Self { list: vec![one], more: 0 }
    }
}

impl From<String> for Diagnostics {
    fn from(what: String) -> Self {
        Diagnostic::new(what).into()
    }
}

impl From<&str> for Diagnostics {
    fn from(what: &str) -> Self {
        Diagnostic::new(what).into()
    }
}

impl FromIterator<Diagnostic> for Diagnostics {
    fn from_iter<I: IntoIterator<Item = Diagnostic>>(all: I) -> Self {
        Self { list: all.into_iter().collect(), more: 0 }
    }
}

impl Fault {
    /// The fault of a file.
    pub fn of_file(&self, file: &str) -> Diagnostic {
        let fault = Diagnostic::new(&self.text).in_file(file, self.line);
        match &self.hint {
            Some(hint) => fault.with_hint(hint),
            None => fault,
        }
    }
}

impl From<&Faults> for Diagnostics {
    fn from(faults: &Faults) -> Self {
        let list = faults.faults.iter().map(|fault| fault.of_file(&faults.file)).collect();
        Self { list, more: faults.more }
    }
}

impl From<Faults> for Diagnostics {
    fn from(faults: Faults) -> Self {
        Self::from(&faults)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unknown_key() -> Diagnostic {
        Diagnostic::new("unknown key `fileChunck`")
            .in_file("dev.ini", Some(47))
            .with_source("fileChunck = 256", 1)
            .with_hint("did you mean `fileChunkSize`?")
    }

    #[test]
    fn one_is_a_line_with_what_stands_there_and_what_to_do() {
        assert_eq!(
            unknown_key().with_command("tripline config check").labeled("error"),
            "error: dev.ini:47: unknown key `fileChunck`\n  | fileChunck = 256\n  | ^\n  hint: did you mean `fileChunkSize`?\n    tripline config check"
        );
        assert_eq!(Diagnostic::new("no stack").to_string(), "no stack");
        let whole = Diagnostic::new("empty").in_file("things.txt", None);
        assert_eq!(whole.to_string(), "things.txt: empty");
    }

    #[test]
    fn a_command_that_the_hint_names_is_shown_once() {
        let named = Diagnostic::new("job `fw` exists")
            .with_hint("remove it with `tripline cleanup --job-id fw`");
        let commands = |one: Diagnostic| one.with_command("tripline cleanup --job-id fw");
        assert_eq!(commands(named.clone()).to_string(), named.to_string());
        assert_eq!(commands(named).commands(), ["tripline cleanup --job-id fw"]);
        let longer = Diagnostic::new("left").with_hint("`tripline cleanup --job-id fw --force`");
        assert!(commands(longer).to_string().ends_with("\n    tripline cleanup --job-id fw"));
    }

    #[test]
    fn those_of_one_file_stand_under_its_name() {
        let mut all = Diagnostics::from(unknown_key());
        all.add(Diagnostic::new("period `x`").in_file("dev.ini", Some(50)));
        all.add("no stack `tripline`".to_owned());
        let all = all.with_hint("is this its region?").with_hint("`--stack` takes another name");
        assert_eq!(
            all.to_string(),
            "dev.ini: 2 faults\n  line 47: unknown key `fileChunck`\n    | fileChunck = 256\n    | ^\n  hint: did you mean `fileChunkSize`?\n  line 50: period `x`\nerror: no stack `tripline`\n  hint: is this its region?; `--stack` takes another name"
        );
    }

    #[test]
    fn a_line_is_shown_with_a_mark_under_what_is_meant() {
        let text = "\u{feff}[DEFAULT]\n  pèriod = 61\n\n";
        let shown = |what: &str, line| {
            Diagnostics::from(Diagnostic::new(what).in_file("f", Some(line)))
                .with_lines_of(text)
                .to_string()
        };
        assert_eq!(
            shown("period cannot be `61`", 2),
            "f:2: period cannot be `61`\n  |   pèriod = 61\n  |            ^"
        );
        assert_eq!(shown("`[X]`: missing", 1), "f:1: `[X]`: missing\n  | [DEFAULT]\n  | ^");
        for line in [0, 3, 4] {
            assert_eq!(shown("gone", line), format!("f:{line}: gone"));
        }
    }

    #[test]
    fn what_is_left_out_is_counted() {
        let fault = Fault::at(2, "bad".to_owned());
        let faults = Faults { file: "dev.ini".to_owned(), faults: vec![fault], more: 3 };
        assert_eq!(
            Diagnostics::from(faults).to_string(),
            "dev.ini: 4 faults\n  line 2: bad\n  .. and 3 more"
        );
    }

    #[test]
    fn no_terminal_obeys_what_is_shown() {
        let hostile = "a\u{1b}[2Jb\u{202e}\n\tc";
        let one = Diagnostic::new(hostile)
            .in_file(hostile, Some(1))
            .with_source(hostile, 1)
            .with_hint(hostile)
            .with_command(hostile)
            .with_more(hostile);
        assert!(!one.to_string().contains(['\u{1b}', '\u{202e}', '\t']), "{one}");
        assert_eq!(one.what(), "a?[2Jb?\n ca?[2Jb?\n c");
    }
}
