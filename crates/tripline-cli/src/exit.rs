//! Exit codes and the last words of a command.

use std::process::ExitCode;

use tripline_aws::Failure;

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
/// expected, and what to do next.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Exit code 2: the user's input. The text may have several lines.
    #[error("{0}")]
    Input(String),
    /// Exit code 3: AWS refused or could not be reached.
    #[error("{0}")]
    Aws(#[from] Failure),
}

impl Error {
    fn code(&self) -> u8 {
        match self {
            Self::Input(_) => 2,
            Self::Aws(_) => 3,
        }
    }
}

/// Says why a command failed, and turns its end into the process's exit code.
pub fn report(outcome: Result<End, Error>) -> ExitCode {
    match outcome {
        Ok(end) => ExitCode::from(end as u8),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(error.code())
        }
    }
}
