//! `tripline pages`: man pages and completions, for whoever installs or packages the command.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Command, ValueEnum};
use clap_complete::Shell;
use clap_mangen::Man;

use crate::exit::{End, Error};
use crate::input::source::name_of;

/// What `\*(Aq` stands for: an apostrophe that is not set as a quotation mark.
const APOSTROPHE: &str = ".ie \\n(.g .ds Aq \\(aq\n.el .ds Aq '\n";

#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  tripline pages target/pages

Writes a man page for each command into `man/` of the folder, and completions for bash, elvish, fish,
PowerShell and zsh into `completions/`.

Exit code 2: the folder cannot be written.")]
pub struct Pages {
    /// Where to write them
    folder: PathBuf,
}

impl Pages {
    /// Writes them for a command with all its subcommands.
    pub fn run(self, command: Command) -> Result<End, Error> {
        let folder_of = |name: &str| {
            let folder = self.folder.join(name);
            fs::create_dir_all(&folder).map_err(|fault| cannot(&folder, &fault)).map(|()| folder)
        };
        let mut command = command.disable_help_subcommand(true);
        command.build();
        manuals(&command, &folder_of("man")?)?;
        let completions = folder_of("completions")?;
        for shell in Shell::value_variants() {
            clap_complete::generate_to(*shell, &mut command, "tripline", &completions)
                .map_err(|fault| cannot(&completions, &fault))?;
        }
        Ok(End::Done)
    }
}

/// A page for a command, and for each of its subcommands.
fn manuals(command: &Command, folder: &Path) -> Result<(), Error> {
    let man = Man::new(command.clone())
        .source(format!("tripline {}", env!("CARGO_PKG_VERSION")))
        .manual("Tripline");
    let path = folder.join(man.get_filename());
    page(&man, command)
        .and_then(|page| fs::write(&path, page))
        .map_err(|fault| cannot(&path, &fault))?;
    for subcommand in command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set()) {
        manuals(subcommand, folder)?;
    }
    Ok(())
}

/// The page, with what stands under the options in `--help` as sections of its own: mangen itself
/// would run the lines of examples together.
fn page(man: &Man, command: &Command) -> std::io::Result<String> {
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    let after = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
    page.extend(sections(&after).into_bytes());
    // Each part defines the apostrophe again: once is enough, under the title.
    let page = String::from_utf8_lossy(&page);
    let is_apostrophe = |line: &&str| line.starts_with(".ie ") || line.starts_with(".el ");
    let mut lines = page.lines().filter(|line| !is_apostrophe(line));
    let title = lines.next().unwrap_or_default();
    let rest = lines.fold(String::new(), |rest, line| rest + line + "\n");
    Ok(format!("{title}\n{APOSTROPHE}{rest}"))
}

/// Paragraphs as roff: what is indented keeps its lines.
fn sections(after: &str) -> String {
    let mut roff = String::new();
    let mut section = "";
    for paragraph in after.split("\n\n") {
        let (examples, text) = match paragraph.strip_prefix("Examples:\n") {
            Some(rest) => (true, rest),
            None => (paragraph.starts_with("  "), paragraph),
        };
        let heading = match text {
            _ if examples => "EXAMPLES",
            text if text.starts_with("Exit code") => "EXIT STATUS",
            _ => "NOTES",
        };
        let begin =
            if heading == section { ".PP\n".to_owned() } else { format!(".SH {heading}\n") };
        section = heading;
        roff += &begin;
        let lines: String = text
            .lines()
            .map(|line| escaped(line.strip_prefix("  ").unwrap_or(line)) + "\n")
            .collect();
        roff += &if examples { format!(".nf\n{lines}.fi\n") } else { lines };
    }
    roff
}

/// A line of text that roff shows as it is.
fn escaped(line: &str) -> String {
    let line = line.replace('\\', "\\e").replace('-', "\\-");
    if line.starts_with(['.', '\'']) { format!("\\&{line}") } else { line }
}

fn cannot(path: &Path, fault: &std::io::Error) -> Error {
    Error::in_file(&name_of(path), format!("cannot be written: {fault}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_indented_keeps_its_lines() {
        let after =
            "Examples:\n  tripline a --b\n  .c\n\n  tripline d\n\nIt is\n'so'.\n\nExit code 1: no.";
        assert_eq!(
            sections(after),
            ".SH EXAMPLES\n.nf\ntripline a \\-\\-b\n\\&.c\n.fi\n.PP\n.nf\ntripline d\n.fi\n.SH NOTES\nIt is\n\\&'so'.\n.SH EXIT STATUS\nExit code 1: no.\n"
        );
    }
}
