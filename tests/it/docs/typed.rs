//! Commands of a page, typed on a local AWS with the stack, one block after another.
//!
//! What a comment before a block says:
//!
//! - `<!-- not typed: REASON -->`: the block is only shown;
//! - `<!-- exit code N -->`: the block ends with N, not with 0;
//! - `<!-- file: PATH -->`: the block is a file.
//!
//! A block of `text` after commands is what they write: each of its lines is in one of theirs, where `..` stands for
//! anything.

use std::path::Path;
use std::process::Command;

use tripline_tests::local_aws::LocalAws;
use tripline_tests::runner::Ran;
use tripline_tests::stack::Stack;

use super::read;
use crate::chain::stage::must;

/// What a fenced block is.
#[derive(Debug, PartialEq, Eq)]
enum Block {
    /// Commands, and the exit code.
    Typed(String, i32),
    /// Commands that only a person types.
    Shown,
    /// A file with this text.
    File(String, String),
    /// What the commands before it write.
    Written(String),
}

/// The blocks of a page, in order.
fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut note = String::new();
    let mut open: Option<(String, String)> = None;
    for line in page.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(language)) => open = Some((language.to_owned(), String::new())),
            (Some(_), Some(_)) => {
                let (language, text) = open.take().unwrap();
                blocks.extend(block(&language, text, &std::mem::take(&mut note)));
            }
            (Some((_, text)), None) => *text += &format!("{line}\n"),
            (None, None) => match line.strip_prefix("<!-- ") {
                Some(found) => note = found.trim_end_matches(" -->").to_owned(),
                None => note.clear(),
            },
        }
    }
    blocks
}

fn block(language: &str, text: String, note: &str) -> Option<Block> {
    if let Some(path) = note.strip_prefix("file: ") {
        return Some(Block::File(path.to_owned(), text));
    }
    let code = note.strip_prefix("exit code ").map_or(0, |code| code.parse().unwrap());
    match language {
        "sh" if note.starts_with("not typed: ") => Some(Block::Shown),
        "sh" => Some(Block::Typed(text, code)),
        "text" => Some(Block::Written(text)),
        _ => None,
    }
}

/// Whether a line has these parts one after another.
pub fn has_parts(line: &str, parts: &str) -> bool {
    let mut rest = line;
    parts.split("..").map(str::trim).all(|part| match rest.split_once(part) {
        Some((_, after)) => {
            rest = after;
            true
        }
        None => false,
    })
}

/// Types a block in a folder.
fn typed(aws: &LocalAws, folder: &Path, text: &str) -> Ran {
    let tripline = tripline_tests::workspace::program("tripline").unwrap();
    let path = std::env::var("PATH").unwrap();
    let path = format!("{}:{path}", tripline.parent().unwrap().display());
    let mut shell: Command = aws.command("/bin/sh");
    shell.args(["-euc", text]).current_dir(folder).env("PATH", path).env("COLUMNS", "120");
    Ran::of(&shell.output().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_of_getting_started_does_what_the_page_says() {
    let aws = must(LocalAws::start().await);
    let stack = [("AlarmEmailEndpoint", "ops@example.com")];
    let _stack = must(Stack::create(&aws, "tripline", &stack).await);
    let s3 = aws_sdk_s3::config::Builder::from(&aws.config()).force_path_style(true).build();
    let s3 = aws_sdk_s3::Client::from_conf(s3);
    s3.create_bucket().bucket("tripline-trial").send().await.unwrap();
    let folder = tempfile::tempdir().unwrap();

    let page = read("docs/getting-started.md");
    let (mut commands, mut last) = (0, None);
    for block in blocks(&page) {
        match block {
            Block::Typed(text, code) => {
                let ran = typed(&aws, folder.path(), &text);
                assert_eq!(ran.code, code, "{text}\n{ran}");
                commands += text.lines().filter(|line| line.starts_with("tripline ")).count();
                last = Some((text, ran));
            }
            Block::Shown => last = None,
            Block::File(path, text) => std::fs::write(folder.path().join(path), text).unwrap(),
            Block::Written(text) => {
                let (command, ran) = last.as_ref().expect("a command before its output");
                let written = format!("{}{}", ran.stdout, ran.stderr);
                for parts in text.lines() {
                    let is_there = written.lines().any(|line| has_parts(line, parts));
                    assert!(is_there, "{command}\ndoes not write\n{parts}\nbut\n{ran}");
                }
            }
        }
    }
    assert!(commands >= 11, "only {commands} commands were typed");
}

#[test]
fn a_page_s_blocks_are_what_their_notes_say() {
    let page = "\
text\n<!-- exit code 5 -->\n```sh\nfalse\n```\n\n```text\na .. b\n```\n<!-- file: x.ini -->\n```ini\n[A]\n```\n\
<!-- not typed: it asks -->\n```sh\nmake\n```\n```json\n{}\n```\n";
    let expected = [
        Block::Typed("false\n".to_owned(), 5),
        Block::Written("a .. b\n".to_owned()),
        Block::File("x.ini".to_owned(), "[A]\n".to_owned()),
        Block::Shown,
    ];
    assert_eq!(blocks(page), expected);
    assert!(has_parts("  a   then b", "a .. b") && !has_parts("b a", "a .. b"));
}
