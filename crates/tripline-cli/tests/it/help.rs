//! `--help` of every command, its man page and its completions: a command without an example, or of
//! which its page knows less than its help, fails here.

use std::fs;
use std::path::Path;

use crate::command;
use crate::runner::run;

fn tripline(arguments: &[&str]) -> String {
    let output = run(command(std::env::temp_dir()).args(arguments));
    assert_eq!(output.code, 0, "{arguments:?}: {output:?}");
    output.stdout
}

/// A command's words after `tripline`, and its help.
struct Helped {
    words: Vec<String>,
    help: String,
}

/// All commands, found in each other's help.
fn commands() -> Vec<Helped> {
    let mut open = vec![Vec::new()];
    let mut commands = Vec::new();
    while let Some(words) = open.pop() {
        let arguments: Vec<&str> = words.iter().map(String::as_str).chain(["--help"]).collect();
        let help = tripline(&arguments);
        let listed = help.split_once("\nCommands:\n").map_or("", |(_, rest)| rest);
        let names = listed
            .lines()
            .take_while(|line| !line.is_empty())
            // What is said of a command may go on in another line, further in.
            .filter_map(|line| line.strip_prefix("  ").filter(|rest| !rest.starts_with(' ')))
            .filter_map(|line| line.split_whitespace().next())
            .filter(|name| *name != "help");
        open.extend(names.map(|name| {
            let mut words = words.clone();
            words.push(name.to_owned());
            words
        }));
        commands.push(Helped { words, help });
    }
    commands.sort_by(|a, b| a.words.cmp(&b.words));
    assert!(commands.len() >= 16, "only {} commands found", commands.len());
    commands
}

impl Helped {
    /// `tripline`, `tripline-alarms-apply`
    fn name(&self) -> String {
        [&["tripline".to_owned()], &self.words[..]].concat().join("-")
    }

    /// `--output` and the like.
    fn options(&self) -> Vec<&str> {
        // What stands below the options is prose, whose lines may begin with one.
        let options = self.help.split("\nExamples:\n").next().unwrap();
        let options = options.lines().map(str::trim_start).filter(|line| line.starts_with('-'));
        // What is said of an option, and other names for it, are two spaces further on.
        let names = options.filter_map(|line| line.split("  ").next());
        let words = names.flat_map(|line| line.split([' ', ','])).take(1_000);
        words.filter(|word| word.starts_with("--") && word.len() > 2).collect()
    }
}

#[test]
fn every_command_says_what_it_does_with_an_example() {
    for command in commands() {
        let (name, help) = (command.name(), &command.help);
        let spoken = [&["tripline".to_owned()], &command.words[..]].concat().join(" ");
        let examples = help.split_once("\nExamples:\n").map_or("", |(_, rest)| rest);
        assert!(
            examples.lines().any(|line| {
                line.starts_with("  ") && (line.contains(&spoken) || name == "tripline")
            }),
            "{name} has no example\n{help}"
        );
        assert!(help.contains("\nExit code"), "{name} does not say how it exits\n{help}");
        let wide = help.lines().find(|line| line.chars().count() > 100);
        assert_eq!(wide, None, "{name}");
        insta::assert_snapshot!(name, help);
    }
}

#[test]
fn every_command_that_answers_has_an_answer_for_programs() {
    let groups = [
        "tripline",
        "tripline-alarms",
        "tripline-config",
        "tripline-fleet",
        "tripline-queue",
        "tripline-release",
    ];
    for command in commands() {
        let name = command.name();
        assert!(
            groups.contains(&name.as_str()) || command.options().contains(&"--output"),
            "{name} has no --output"
        );
        let schema = format!("../../docs/reference/schemas/{}.json", command.words.join("-"));
        let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join(schema);
        assert_eq!(schema.is_file(), !groups.contains(&name.as_str()), "{}", schema.display());
    }
}

#[test]
fn a_job_is_an_argument_or_an_option_of_every_command_that_is_about_one() {
    let about_one = commands().into_iter().filter(|command| {
        let usage = command.help.lines().find(|line| line.starts_with("Usage: ")).unwrap();
        let has_argument =
            usage.contains("JOB]") || usage.contains("JOB|") || usage.contains("JOB>");
        let has_option = command.options().contains(&"--job-id");
        assert_eq!(has_argument, has_option, "{}", command.name());
        has_option
    });
    assert_eq!(about_one.count(), 15);
}

#[test]
fn options_take_lengths_of_time_with_a_unit() {
    for command in commands() {
        let bare = command.help.lines().find(|line| {
            // A time, and no length of one.
            let is_start = line.contains("--start <SECONDS>");
            !is_start && (line.contains("<SECONDS>") || line.contains("<MINUTES>"))
        });
        assert_eq!(bare, None, "{}", command.name());
    }
}

#[test]
fn every_command_has_a_man_page_with_all_its_options() {
    let folder = tempfile::tempdir().unwrap();
    tripline(&["pages", folder.path().to_str().unwrap()]);
    let mut seen = 0;
    for command in commands() {
        let name = command.name();
        let path = folder.path().join(format!("man/{name}.1"));
        let page = fs::read_to_string(&path).unwrap_or_default();
        assert!(page.starts_with(&format!(".TH {name} 1 ")), "{name}\n{page}");
        for section in ["NAME", "SYNOPSIS", "OPTIONS", "EXAMPLES", "EXIT STATUS"] {
            assert!(page.contains(&format!("\n.SH {section}\n")), "{name} has no {section}");
        }
        let plain = page.replace('\\', "");
        for option in command.options() {
            assert!(plain.contains(&format!("fB{option}fR")), "{option} is not in {name}.1");
            seen += 1;
        }
    }
    assert!(seen > 60, "only {seen} options found");
    // And no page of what is not there.
    let pages = fs::read_dir(folder.path().join("man")).unwrap().count();
    assert_eq!(pages, commands().len());
}

#[test]
fn completions_name_every_command_and_option() {
    let folder = tempfile::tempdir().unwrap();
    tripline(&["pages", folder.path().to_str().unwrap()]);
    for file in ["tripline.bash", "_tripline", "tripline.fish", "tripline.elv", "_tripline.ps1"] {
        let text = fs::read_to_string(folder.path().join("completions").join(file)).unwrap();
        for command in commands() {
            for word in &command.words {
                assert!(text.contains(word.as_str()), "{word} is not in {file}");
            }
            for option in command.options() {
                let name = option.trim_start_matches('-');
                // fish names an option without its dashes.
                let (long, of_fish) = (option.to_owned(), format!("-l {name}"));
                let wanted = if file.ends_with(".fish") { of_fish } else { long };
                assert!(text.contains(&wanted), "{wanted} of {} is not in {file}", command.name());
            }
        }
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let output = run(command(std::env::temp_dir()).args(["pages", "/dev/null/pages"]));
    assert_eq!(output.code, 2);
    let said = output.stderr;
    assert!(said.starts_with("error: /dev/null/pages/man: cannot be written: "), "{said}");
}
