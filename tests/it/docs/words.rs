//! One word for one thing: no text and no name has a word of the glossary's third column.
//!
//! An entry of that column is a word or several in a row, `told`, in the words that code and prose are made
//! of: `toldCount`, `told_count` and "told count" are all the same. A `*` at its end stands for any ending.
//! `except` names where the word is meant. What stands there without backticks is for readers.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use tripline_tests::workspace::root;

/// Files that have a word for a reason: at most ten.
const EXCEPTIONS: [(&str, &str); 10] = [
    ("docs/glossary.md", "lists the words"),
    ("tests/it/docs/words.rs", "tests the words"),
    ("crates/tripline/src/metric.rs", "takes metrics under their earlier names"),
    ("crates/tripline-guard/src/kept.rs", "the table has its keys from an earlier version"),
    ("crates/tripline-guard/src/desired/tests.rs", "a metric under its earlier name"),
    ("crates/tripline-guard/src/verdict/tests.rs", "a metric under its earlier name"),
    ("crates/tripline-cli/src/doctor/tests/agreement.rs", "a metric under its earlier name"),
    ("crates/tripline-cli/src/doctor/tests/verdicts.rs", "a metric under its earlier name"),
    ("functions/guard-keeper/src/tests/renamed.rs", "alarms on metrics under their earlier names"),
    ("crates/tripline-cli/src/input/renamed.rs", "flags under their earlier names"),
];

/// Where text and names are.
const PLACES: [&str; 17] = [
    ".github",
    ".config",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.toml",
    "Makefile",
    "README.md",
    "RELEASING.md",
    "SECURITY.md",
    "crates",
    "deny.toml",
    "docs",
    "events",
    "examples",
    "functions",
    "templates",
    "tests",
];

/// How the names of files end that people write and read.
const ENDINGS: [&str; 10] =
    ["rs", "md", "yaml", "yml", "toml", "ini", "snap", "txt", "sh", "Makefile"];

/// A word of the third column, and where it is meant.
struct Unwanted {
    words: Vec<String>,
    /// Whether the last word may go on.
    is_open: bool,
    except: Vec<Vec<String>>,
    /// What is said instead.
    instead: String,
}

/// The words of a text, small, each with its line.
fn words(text: &str) -> Vec<(usize, String)> {
    let mut words = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let mut word = String::new();
        let mut before = ' ';
        let mut characters = line.chars().peekable();
        while let Some(c) = characters.next() {
            // `\n` in a string of a program is no letter of a word.
            if c == '\\' {
                characters.next();
            }
            let ends_capitals =
                before.is_uppercase() && characters.peek().is_some_and(|next| next.is_lowercase());
            let begins = c.is_uppercase() && (before.is_lowercase() || ends_capitals);
            if (begins || !c.is_alphabetic()) && !word.is_empty() {
                words.push((number + 1, std::mem::take(&mut word)));
            }
            if c.is_alphabetic() {
                word.extend(c.to_lowercase());
            }
            before = c;
        }
        if !word.is_empty() {
            words.push((number + 1, word));
        }
    }
    words
}

fn only_words(text: &str) -> Vec<String> {
    words(text).into_iter().map(|(_, word)| word).collect()
}

/// The third column of each row.
fn unwanted(glossary: &str) -> Vec<Unwanted> {
    let mut all = Vec::new();
    for row in glossary.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = row.split(" | ").collect();
        let [first, .., last] = cells[..] else { continue };
        for entry in last.trim_end_matches('|').split(';') {
            let mut quoted = entry.split('`').skip(1).step_by(2);
            let Some(pattern) = quoted.next() else { continue };
            all.push(Unwanted {
                words: only_words(pattern),
                is_open: pattern.ends_with('*'),
                except: quoted.map(only_words).collect(),
                instead: first.trim_start_matches("| ").to_owned(),
            });
        }
    }
    all
}

impl Unwanted {
    fn begins_at(&self, words: &[(usize, String)]) -> bool {
        words.len() >= self.words.len()
            && self.words.iter().zip(words).enumerate().all(|(at, (wanted, (_, word)))| {
                let may_go_on = self.is_open && at + 1 == self.words.len();
                word == wanted || may_go_on && word.starts_with(wanted.as_str())
            })
    }

    /// Whether one of the exceptions has the word at this place.
    fn is_meant(&self, words: &[(usize, String)], at: usize) -> bool {
        self.except.iter().any(|except| {
            (at.saturating_sub(except.len())..=at).any(|from| {
                from + except.len() > at
                    && words.len() >= from + except.len()
                    && except.iter().zip(&words[from..]).all(|(a, (_, b))| a == b)
            })
        })
    }
}

/// All words of a text that the glossary does not use.
fn found(all: &[Unwanted], text: &str) -> Vec<String> {
    let mut by_first: HashMap<char, Vec<&Unwanted>> = HashMap::new();
    for one in all {
        let first = one.words.first().and_then(|word| word.chars().next()).expect("a word");
        by_first.entry(first).or_default().push(one);
    }
    let words = words(text);
    let mut found = Vec::new();
    for (at, (line, word)) in words.iter().enumerate() {
        let candidates = word.chars().next().and_then(|first| by_first.get(&first));
        for one in candidates.into_iter().flatten() {
            if one.begins_at(&words[at..]) && !one.is_meant(&words, at) {
                found.push(format!("{line}: `{}` (use `{}`)", one.words.join(" "), one.instead));
            }
        }
    }
    found
}

fn files(path: &Path, files: &mut Vec<PathBuf>) {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if path.is_dir() && name != "target" && name != "node_modules" {
        let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
        entries.for_each(|entry| self::files(&entry, files));
    } else if path.is_file() && ENDINGS.iter().any(|ending| name.ends_with(ending)) {
        files.push(path.to_owned());
    }
}

#[test]
fn no_text_and_no_name_has_a_word_that_the_glossary_does_not_use() {
    let all = unwanted(&fs::read_to_string(root().join("docs/glossary.md")).unwrap());
    assert!(all.len() > 60, "only {} words are read from the glossary", all.len());
    let mut paths = Vec::new();
    PLACES.iter().for_each(|place| files(&root().join(place), &mut paths));
    assert!(paths.len() > 800, "only {} files are found", paths.len());
    paths.sort();
    let mut wrong = Vec::new();
    let mut excepted = Vec::new();
    for path in paths {
        let name = path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
        let text = fs::read_to_string(&path).unwrap();
        let in_name = found(&all, &name).into_iter().map(|what| format!("{name}: name: {what}"));
        let in_text = found(&all, &text).into_iter().map(|what| format!("{name}:{what}"));
        let all: Vec<String> = in_name.chain(in_text).collect();
        match EXCEPTIONS.iter().find(|(file, _)| *file == name) {
            Some((file, _)) if !all.is_empty() => excepted.push(*file),
            Some(_) => {}
            None => wrong.extend(all),
        }
    }
    let count = wrong.len();
    assert!(wrong.is_empty(), "{count} words are not the glossary's:\n{}", wrong.join("\n"));
    let idle: Vec<_> = EXCEPTIONS.iter().filter(|(file, _)| !excepted.contains(file)).collect();
    assert!(idle.is_empty(), "these files need no exception: {idle:?}");
}

#[test]
fn a_word_is_found_in_every_form_and_not_where_it_is_meant() {
    let glossary = "| word | means | not |\n| --- | --- | --- |\n| notified | sent to | `told`; pause |\n| alert | a message | `letter` except `dead letter` |\n| canceled | ended | `cancelled`; `recognis*`; `blast radius` |\n";
    let all = unwanted(glossary);
    let lines = |text: &str| found(&all, text).len();
    for text in ["told", "toldCount", "isTOLD", "all_told_after", "TOLD", "Told.", "a told b"] {
        assert_eq!(lines(text), 1, "{text}");
    }
    for text in ["untold", "pause", "dead letter", "deadLetterTargetArn", "letters", "radius"] {
        assert_eq!(lines(text), 0, "{text}");
    }
    assert_eq!(lines("a letter, recognising the blast\n/// radius"), 3);
    assert_eq!(lines(r"why\ntold, or \\told"), 2);
    assert_eq!(found(&all, "x\n\nCancelled"), ["3: `cancelled` (use `canceled`)"]);
}
