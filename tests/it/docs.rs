//! The documents are true: what they name exists, what they show works.

mod deploy;
mod faults;
mod reference;
mod security;
mod typed;
mod words;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use tripline_config::AlarmConfig;
use tripline_tests::runner::run;
use tripline_tests::workspace::{self, root};

/// Every page that people read, from the root of the repository.
fn documents() -> Vec<String> {
    fn pages(folder: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(root().join(folder)).unwrap().flatten() {
            let path = folder.join(entry.file_name());
            if entry.path().is_dir() {
                pages(&path, found);
            } else if path.extension().is_some_and(|is| is == "md") {
                found.push(path.to_string_lossy().into_owned());
            }
        }
    }
    let mut found =
        ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"].map(str::to_owned).to_vec();
    pages(Path::new("docs"), &mut found);
    pages(Path::new("examples"), &mut found);
    found.sort();
    found
}

/// The command, in this checkout.
fn tripline() -> Command {
    workspace::tripline(root()).unwrap_or_else(|error| panic!("{error}"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The texts between these two in everything that is Rust under a folder.
fn between(folder: &Path, begin: &str, end: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(between(&path, begin, end));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let rest = text.split(begin).skip(1);
            found.extend(rest.filter_map(|rest| Some(rest.split_once(end)?.0.to_owned())));
        }
    }
    found
}

/// Metric filters and people go by them.
#[test]
fn every_error_type_that_an_invocation_ends_with_is_in_the_manual_and_no_other() {
    let folders = ["functions", "crates/tripline-aws/src"].map(|folder| root().join(folder));
    let types = folders.iter().flat_map(|folder| between(folder, "\"Tripline.", "\""));
    // What takes the prefix off names no type.
    let types = types.filter(|name| !name.is_empty());
    let ended: BTreeSet<String> = types.map(|name| format!("Tripline.{name}")).collect();
    let manual = read("docs/operations.md");
    let (_, table) = manual.split_once("| `errorType` |").expect("the table");
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let cells = rows.filter_map(|row| row.split('|').nth(1));
    let named: BTreeSet<&str> = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
    let (ours, others): (BTreeSet<&str>, BTreeSet<&str>) =
        named.into_iter().partition(|name| name.starts_with("Tripline."));
    assert_eq!(ours, ended.iter().map(String::as_str).collect());
    // Lambda's own, and that of its Rust runtime.
    let runtime = "lambda_runtime::deserializer::DeserializeError";
    assert_eq!(others, BTreeSet::from(["Runtime.ExitError", "Sandbox.Timedout", runtime]));
    // The runtime's own type of a panic is nothing that anybody could search for.
    for function in ["metrics-generator", "force-stopper", "guard-keeper", "wave-runner"] {
        let main = read(format!("functions/{function}/src/main.rs"));
        assert!(main.contains("caught("), "a panic of {function} ends with no documented type");
    }
}

/// The fenced blocks of a document with this language.
fn blocks(document: &str, language: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut open: Option<(bool, String)> = None;
    for line in read(document).lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(found)) => open = Some((found == language, String::new())),
            (Some(_), Some(_)) => {
                blocks.extend(open.take().filter(|(wanted, _)| *wanted).map(|(_, text)| text));
            }
            (Some((_, text)), None) => {
                text.push_str(line);
                text.push('\n');
            }
            (None, None) => {}
        }
    }
    blocks
}

/// Everything between backticks, outside of blocks.
fn words(document: &str) -> Vec<String> {
    let text = read(document);
    let prose: Vec<&str> = text.split("```").step_by(2).collect();
    prose.join("\n").split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// What links call the headings of a document.
fn headings(text: &str) -> Vec<String> {
    let kept = |c: char| c.is_alphanumeric() || c == '-' || c == '_' || c == ' ';
    let prose: Vec<&str> = text.split("\n```").step_by(2).collect();
    let prose = prose.join("\n");
    let lines = prose.lines().filter(|line| line.starts_with('#'));
    lines
        .map(|line| line.trim_start_matches('#').trim().to_lowercase())
        .map(|line| line.chars().filter(|c| kept(*c)).collect::<String>().replace(' ', "-"))
        .collect()
}

#[test]
fn every_link_leads_somewhere() {
    for document in documents() {
        let folder = root().join(&document).parent().map(PathBuf::from).unwrap_or_default();
        let text = read(&document);
        let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for link in links.filter(|link| !link.starts_with("http")) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { root().join(&document) } else { folder.join(file) };
            assert!(target.exists(), "{document}: {link}");
            if !anchor.is_empty() {
                let headings = headings(&read(target));
                assert!(headings.iter().any(|heading| heading == anchor), "{document}: {link}");
            }
        }
    }
}

#[test]
fn the_index_has_every_page() {
    let index = read("docs/README.md");
    for page in documents() {
        let Some(page) = page.strip_prefix("docs/").filter(|page| *page != "README.md") else {
            continue;
        };
        assert!(index.contains(&format!("]({page})")), "docs/README.md does not name {page}");
    }
}

#[test]
fn the_readme_is_short() {
    let lines = read("README.md").lines().count();
    assert!(
        lines <= 160,
        "README.md has {lines} lines (expected at most 160): docs/guide has room"
    );
}

/// What the README shows of `simulate` is what it says, up to the `..` that stands for the rest.
#[test]
fn the_readme_shows_what_simulate_says() {
    let readme = read("README.md");
    let command = words("README.md").into_iter().find(|word| word.starts_with("tripline simulate"));
    let command = command.expect("the README shows a simulation");
    // The verdict is the first run's, however many there are.
    let ran = run(tripline().args(command.split_whitespace().skip(1)).args(["--runs", "1"]));
    let (_, shown) = readme.split_once(&format!("`{command}`")).unwrap();
    let shown = shown.split("```\n").nth(1).unwrap();
    let shown = shown.strip_suffix("..\n").unwrap_or(shown);
    assert!(ran.stdout.starts_with(shown), "README.md shows\n{shown}\nand it says\n{}", ran.stdout);
}

/// The other examples are from a page whose commands are typed.
#[test]
fn the_readme_shows_what_is_shown_where_commands_are_typed() {
    let typed = blocks("docs/getting-started.md", "text").concat();
    let shown = blocks("README.md", "text").concat();
    assert!(shown.lines().count() >= 4);
    for line in shown.lines().filter(|line| *line != "..") {
        assert!(typed.lines().any(|parts| typed::has_parts(line, parts)), "README.md: {line}");
    }
}

#[test]
fn the_alarm_configs_of_the_guide_and_the_example_are_valid() {
    // One after another: the second is one more alarm of the first.
    let shown = blocks("docs/guide/alarms.md", "ini").join("\n");
    let shown = shown.replace("= SlowDownloads\n", "= SlowDownloads, Unsuccessful\n");
    let example = read("examples/dev.ini");
    for (name, text) in [("docs/guide/alarms.md", shown), ("examples/dev.ini", example)] {
        let config = AlarmConfig::parse(name, &text).unwrap_or_else(|faults| panic!("{faults}"));
        assert_eq!((config.alarms.len(), config.unlisted), (2, Vec::new()), "{name}");
    }
}

/// The commands that a document shows, one line each.
fn commands(document: &str) -> Vec<String> {
    let blocks = blocks(document, "sh").concat();
    let lines =
        blocks.lines().map(|line| line.split(" #").next().unwrap_or(line).trim().to_owned());
    let inline = words(document).into_iter();
    lines
        .chain(inline)
        .filter(|line| line.starts_with("tripline ") || line.starts_with("make "))
        .collect()
}

#[test]
fn every_command_that_is_shown_exists_with_its_options() {
    let makefile = read("Makefile");
    let mut seen = 0;
    for document in documents() {
        for command in commands(&document) {
            seen += 1;
            let mut parts = command.split_whitespace();
            if parts.next() == Some("make") {
                let target = parts.next().unwrap_or_default();
                assert!(makefile.contains(&format!("\n{target}:")), "{document}: {command}");
                continue;
            }
            // `--help` after the subcommands answers with all their options; an unknown one fails.
            let arguments: Vec<&str> = parts.collect();
            let subcommands = arguments.iter().take_while(|word| {
                word.chars().all(|c| c.is_ascii_lowercase() || c == '-') && !word.starts_with('-')
            });
            let ran = run(tripline().args(subcommands).arg("--help"));
            assert_eq!(ran.code, 0, "{document}: {command}");
            let help = ran.stdout;
            for option in arguments.iter().filter(|word| word.starts_with("--")) {
                let known = help.split(|c: char| c.is_whitespace() || c == ',' || c == '=');
                let name = option.split('=').next().unwrap_or(option);
                assert!(
                    known.into_iter().any(|word| word == name),
                    "{document}: {command}: {name} is not in its help"
                );
            }
        }
    }
    assert!(seen > 10, "only {seen} commands found");
}

#[test]
fn the_checks_of_the_doctor_are_those_that_it_lists() {
    let listed = run(tripline().args(["doctor", "--list", "--output", "json"])).json();
    let text = |check: &serde_json::Value, key: &str| check[key].as_str().unwrap_or("").to_owned();
    let expected: Vec<String> = listed["checks"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|check| {
            let [name, about, proves, why] =
                ["name", "about", "proves", "why"].map(|key| text(check, key));
            let fix = if check["fix"] == true { "yes" } else { "" };
            format!("| `{name}` | {about} | {proves} | {why} | {fix} |")
        })
        .collect();
    let document = read("docs/guide/doctor.md");
    let table = document.split("## The checks").nth(1).unwrap_or_default();
    let table = table.split("\n## ").next().unwrap_or_default();
    let shown: Vec<&str> = table.lines().filter(|line| line.starts_with("| `")).collect();
    let lacking: Vec<&String> =
        expected.iter().filter(|row| !shown.contains(&row.as_str())).collect();
    assert!(lacking.is_empty(), "docs/guide/doctor.md lacks {lacking:#?}");
    assert_eq!(shown, expected);
    assert!(shown.len() >= 25, "{}", shown.len());
}

#[test]
fn the_map_of_the_sources_is_the_layout() {
    let map = read("docs/architecture.md");
    for room in map.lines().filter_map(|line| line.strip_prefix("| `")) {
        let path = room.split('`').next().unwrap_or_default();
        if path.contains('/') && !path.contains('<') && !path.starts_with("target/") {
            assert!(root().join(path).exists(), "{path}");
        }
    }
    for folder in ["crates", "functions"] {
        for member in std::fs::read_dir(root().join(folder)).unwrap().flatten() {
            let name = format!("`{folder}/{}`", member.file_name().to_string_lossy());
            assert!(map.contains(&name), "{name} is not in docs/architecture.md");
        }
    }
}

/// The last column of a table names tests: how many of them there are. Each has to be somewhere.
fn tests_named_in(rows: &str) -> usize {
    let mut sources = String::new();
    let mut folders = ["crates", "functions", "tests"].map(|folder| root().join(folder)).to_vec();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            match entry.path() {
                path if path.is_dir() => folders.push(path),
                path if path.extension().is_some_and(|is| is == "rs") => sources += &read(&path),
                _ => {}
            }
        }
    }
    let mut found = 0;
    for row in rows.lines().filter(|line| line.starts_with("| ")) {
        let tests = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        for test in tests.split('`').skip(1).step_by(2) {
            assert!(sources.contains(&format!("fn {test}(")), "{test}");
            found += 1;
        }
    }
    found
}

/// The map says which test fails without a rule.
#[test]
fn the_tests_that_the_map_names_are_there() {
    let map = read("docs/architecture.md");
    let rules = map.split("## Which rules hold everywhere").nth(1).unwrap();
    let found = tests_named_in(rules.split("\n## ").next().unwrap());
    assert!(found > 10, "{found}");
}

#[test]
fn the_tests_that_the_lens_names_are_there() {
    assert!(tests_named_in(&read("docs/guide/iot-lens.md")) >= 8);
}

#[test]
fn every_shared_event_is_json() {
    let mut folders = vec![root().join("events")];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
                continue;
            }
            let text = read(entry.path());
            let event: Result<serde_json::Value, _> = serde_json::from_str(&text);
            assert!(event.is_ok(), "{}: {event:?}", entry.path().display());
            seen += 1;
        }
    }
    assert!(seen >= 20, "only {seen} events found");
}
