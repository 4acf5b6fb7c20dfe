//! Seeded faults of a config and its files: what `tripline config check` says of each.
//!
//! `fixtures/config-faults.ndjson` has a case a line. Each is the config of `fixtures/rollout` with
//! some `edits` of its text or with other `files`, and says what has to come of it: the exit code,
//! the file and the line that are named, and a word in what is said there. `today` is what was wrong
//! with the answer when the case was written, before any of them was put right.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::command;
use crate::runner::{Ran, run};

const CASES: &str = include_str!("fixtures/config-faults.ndjson");

/// A fault.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    id: String,
    kind: String,
    /// Replaced in the config, each wherever it stands.
    #[serde(default)]
    edits: Vec<(String, String)>,
    /// Other files, or with another content.
    #[serde(default)]
    files: BTreeMap<String, Content>,
    /// Arguments of the command.
    #[serde(default)]
    args: Vec<String>,
    exit: i32,
    /// The file that is named; `None`: none in particular.
    file: Option<String>,
    /// The line of it; `None`: none in particular.
    line: Option<usize>,
    /// What has to be in the message or its hint.
    word: String,
    /// `ok`, or what was wrong when the case was written.
    today: String,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Bytes { base64: String },
}

fn cases() -> Vec<Case> {
    CASES.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

impl Case {
    fn check(&self) -> Ran {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures/rollout");
        for entry in fs::read_dir(fixture).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), path.join(entry.file_name())).unwrap();
        }
        let mut config = fs::read_to_string(path.join("dev.ini")).unwrap();
        for (from, to) in &self.edits {
            assert!(config.contains(from), "{}: {from} is not in the config", self.id);
            config = config.replace(from, to);
        }
        fs::write(path.join("dev.ini"), config).unwrap();
        for (name, content) in &self.files {
            let bytes = match content {
                Content::Text(text) => text.clone().into_bytes(),
                Content::Bytes { base64 } => STANDARD.decode(base64).unwrap(),
            };
            fs::write(path.join(name), bytes).unwrap();
        }
        run(command(path).args(["config", "check"]).args(&self.args))
    }

    /// `ok`, or the first that is wrong with an answer.
    fn judge(&self, ran: &Ran) -> String {
        if ran.code != self.exit {
            return format!("exit {}", ran.code);
        }
        let is_there = |said: &&Said| {
            (self.file.is_none() || self.file == said.file)
                && (self.line.is_none() || self.line == said.line)
        };
        let all = said(&ran.stderr);
        let there: Vec<&Said> = all.iter().filter(is_there).collect();
        let verdict = match there.iter().any(|said| said.text.contains(&self.word)) {
            true => "ok",
            false if there.is_empty() => "place",
            false => "word",
        };
        verdict.to_owned()
    }
}

/// One thing that was said, with its hint.
#[derive(Debug)]
struct Said {
    file: Option<String>,
    line: Option<usize>,
    text: String,
}

/// Takes the words for people apart.
fn said(stderr: &str) -> Vec<Said> {
    let mut all: Vec<Said> = Vec::new();
    for text in stderr.lines() {
        let kinds = ["error: ", "finding: ", "note: ", "warning: "];
        let body = kinds.iter().find_map(|kind| text.strip_prefix(kind)).unwrap_or(text);
        let numbered = text.strip_prefix("  line ").and_then(|rest| rest.split_once(": "));
        if let Some((Ok(line), _)) = numbered.map(|(line, rest)| (line.parse(), rest)) {
            let file = all.last().and_then(|said| said.file.clone());
            all.push(Said { file, line: Some(line), text: text.to_owned() });
        } else if !body.is_empty() && !text.starts_with(char::is_whitespace) {
            let (file, line) = place(body);
            all.push(Said { file, line, text: text.to_owned() });
        } else if let Some(last) = all.last_mut() {
            last.text.push('\n');
            last.text.push_str(text);
        }
    }
    all
}

/// `file:line: ..` or `file: ..`.
fn place(body: &str) -> (Option<String>, Option<usize>) {
    let head = body.split_once(": ").map(|(head, _)| head);
    let Some(head) = head.filter(|head| !head.contains(char::is_whitespace)) else {
        return (None, None);
    };
    match head.rsplit_once(':').map(|(file, line)| (file, line.parse())) {
        Some((file, Ok(line))) => (Some(file.to_owned()), Some(line)),
        _ => (Some(head.to_owned()), None),
    }
}

#[test]
fn seeded_faults_are_answered_right() {
    let mut wrong = String::new();
    for case in cases() {
        let ran = case.check();
        let verdict = case.judge(&ran);
        if verdict != "ok" {
            wrong +=
                &format!("{} ({}): {verdict}, was {}\n{ran}\n", case.id, case.kind, case.today);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn there_are_enough_cases_of_every_sort() {
    let all = cases();
    let ids: std::collections::BTreeSet<&str> = all.iter().map(|case| case.id.as_str()).collect();
    assert_eq!(ids.len(), all.len(), "an id is there twice");
    let mut kinds: BTreeMap<&str, bool> = BTreeMap::new();
    for case in &all {
        *kinds.entry(&case.kind).or_insert(true) &= case.today == "ok";
    }
    let right = all.iter().filter(|case| kinds[case.kind.as_str()]).count();
    assert!(
        all.len() >= 130 && right >= 30,
        "{} cases, {right} of kinds that were right",
        all.len()
    );
}
