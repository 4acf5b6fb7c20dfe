//! Exit codes and the last words of a command.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::ContextKind;
use tripline::diagnostic::{Diagnostic, Diagnostics};
use tripline_aws::Failure;

use crate::aws::scope;
use crate::terminal::error_document::ErrorDocument;
use crate::terminal::print::{has_printed_json, print_json};

/// How a command ended, other than by failing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum End {
    /// Everything that was asked for has been done.
    Done = 0,
    /// A difference or a finding: what was looked at is not as it should be.
    Finding = 1,
    /// The rollout was stopped by its guard, or would have been.
    Stopped = 5,
    /// Not decided in the time given.
    Undecided = 6,
}

/// Why a command failed. Errors are for the person at the terminal: where, what, what was
/// expected, and what to do next; and for the program that runs the command.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// Exit code 2: the user's input.
    #[error("{0}")]
    Input(Box<Diagnostics>),
    /// Exit code 3: AWS refused or could not be reached.
    #[error("{0}")]
    Aws(#[from] Failure),
}

/// Exit code of wrong arguments, clap's own.
const USAGE: u8 = 2;

impl Error {
    /// What is wrong with the user's input.
    pub fn input(wrong: impl Into<Diagnostics>) -> Self {
        Self::Input(Box::new(wrong.into()))
    }

    /// What is wrong with a file of the user's.
    pub fn in_file(file: &str, what: impl AsRef<str>) -> Self {
        Self::input(Diagnostic::new(what).in_file(file, None))
    }

    /// What is wrong in a line of a file.
    pub fn in_line(file: &str, line: usize, what: impl AsRef<str>) -> Self {
        Self::input(Diagnostic::new(what).in_file(file, Some(line)))
    }

    /// The same, with what to do next.
    #[must_use]
    pub fn hint(self, hint: impl AsRef<str>) -> Self {
        match self {
            Self::Input(wrong) => Self::input(wrong.with_hint(hint)),
            Self::Aws(failure) => Self::Aws(failure.with_hint(hint)),
        }
    }

    /// The same, with a command that the hint names, as a shell takes it.
    #[must_use]
    pub fn command(self, command: impl AsRef<str>) -> Self {
        match self {
            Self::Input(wrong) => Self::input(wrong.with_command(command)),
            Self::Aws(failure) => Self::Aws(failure.with_command(command.as_ref())),
        }
    }

    /// The same, with more of what is wrong.
    #[must_use]
    pub fn more(self, more: impl AsRef<str>) -> Self {
        match self {
            Self::Input(wrong) => Self::input(wrong.with_more(more)),
            Self::Aws(failure) => Self::Aws(failure.with_more(more)),
        }
    }

    /// All that is wrong.
    pub fn diagnostics(&self) -> Diagnostics {
        match self {
            Self::Input(wrong) => (**wrong).clone(),
            Self::Aws(failure) => failure.diagnostic().into(),
        }
    }

    /// The same with account and Region, if AWS refused it.
    async fn located(self) -> Self {
        match self {
            Self::Aws(failure) => Self::Aws(scope::located(failure).await),
            wrong => wrong,
        }
    }

    fn code(&self) -> u8 {
        match self {
            Self::Input(_) => 2,
            Self::Aws(_) => 3,
        }
    }

    /// As it stands in a command's own document, with account and Region.
    pub async fn document_of(error: Option<&Self>) -> Option<ErrorDocument> {
        match error {
            Some(error) => Some(error.clone().located().await.document()),
            None => None,
        }
    }

    fn document(&self) -> ErrorDocument {
        match self {
            Self::Input(wrong) => ErrorDocument::new("input", self.code(), wrong),
            Self::Aws(failure) => ErrorDocument {
                operation: Some(failure.operation.to_owned()),
                code: failure.code().map(str::to_owned),
                account: scope::account(),
                region: scope::region(),
                ..ErrorDocument::new(failure.kind.name(), self.code(), &failure.diagnostic().into())
            },
        }
    }
}

/// Whether the arguments ask for JSON. Arguments that cannot be read may still say so.
pub fn asks_for_json(arguments: impl IntoIterator<Item = OsString>) -> bool {
    let arguments = arguments.into_iter().map(|argument| argument.to_string_lossy().into_owned());
    let arguments: Vec<_> = arguments.take_while(|argument| argument != "--").collect();
    let apart = arguments.windows(2).any(|pair| pair == ["--output", "json"]);
    apart || arguments.iter().any(|argument| argument == "--output=json")
}

/// Says why a command failed, and turns its end into the process's exit code.
pub async fn report(outcome: Result<End, Error>, json: bool) -> ExitCode {
    match outcome {
        Ok(end) => ExitCode::from(end as u8),
        Err(error) => {
            let error = error.located().await;
            eprintln!("{}", error.diagnostics().labeled("error"));
            // What has been printed is the one document: it says how far the command came. That of `drill` and of
            // `queue next` has the error, too; a plan has none, and what keeps it from being carried out is on stderr.
            if json && !has_printed_json() {
                print_json(&error.document().to_json());
            }
            ExitCode::from(error.code())
        }
    }
}

/// Says what is wrong with the arguments, or shows the help that they ask for.
pub fn usage(error: &clap::Error, json: bool) -> ExitCode {
    if json && error.use_stderr() {
        print_json(&ErrorDocument::new("usage", USAGE, &wrong_usage(error)).to_json());
    }
    // A terminal that cannot be written to has no use for more words.
    error.print().ok();
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(USAGE))
}

fn wrong_usage(error: &clap::Error) -> Diagnostics {
    let text = error.to_string();
    // Below it are the suggestion, which is in the context too, and the usage.
    let what = text.split("\n\n").next().unwrap_or(&text);
    let wrong = Diagnostics::from(what.strip_prefix("error: ").unwrap_or(what));
    let suggested =
        [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand, ContextKind::SuggestedValue];
    match suggested.into_iter().find_map(|kind| error.get(kind)) {
        Some(meant) => wrong.with_hint(format!("did you mean `{meant}`?")),
        None => wrong.with_hint("`--help` shows what is expected"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_say_for_whom_an_error_is() {
        let asks = |line: &str| asks_for_json(line.split(' ').map(OsString::from));
        assert!(asks("tripline stop --output json --job-id ?"));
        assert!(asks("tripline stop --output=json"));
        assert!(!asks("tripline stop --output text"));
        assert!(!asks("tripline stop --output"));
        assert!(!asks("tripline watch -- --output json"));
    }

    #[test]
    fn a_misspelt_argument_is_said_with_the_one_that_was_meant() {
        let command = clap::Command::new("tripline").arg(clap::Arg::new("region").long("region"));
        let error = command.try_get_matches_from(["tripline", "--regoin", "x"]).unwrap_err();
        assert_eq!(
            wrong_usage(&error).to_string(),
            "unexpected argument '--regoin' found\n  hint: did you mean `--region`?"
        );
    }
}
