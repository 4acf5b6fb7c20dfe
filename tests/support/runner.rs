//! How tests run a program: with nothing of the caller's environment, so that no credentials, Region,
//! proxy or time zone of a developer decides what a test sees.
//!
//! `crates/tripline-cli/tests/it` has this file too, since this package would link all SDKs into it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::ffi::OsStr;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// A program in a folder, which is its home too. It finds other programs, and no AWS.
pub fn command(program: impl AsRef<OsStr>, folder: impl AsRef<Path>) -> Command {
    let folder = folder.as_ref();
    let mut command = Command::new(program);
    command
        .env_clear()
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
        .env("HOME", folder)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .current_dir(folder);
    command
}

/// Runs a program to its end, without input.
pub fn run(command: &mut Command) -> Ran {
    Ran::of(&command.output().unwrap())
}

/// Runs a program to its end with this input.
pub fn run_with(command: &mut Command, stdin: &[u8]) -> Ran {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A program that ends early does not read on.
    child.stdin.take().unwrap().write_all(stdin).ok();
    Ran::of(&child.wait_with_output().unwrap())
}

/// A program that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// The exit code; -1 if a signal ended it.
    pub code: i32,
    /// What it wrote.
    pub stdout: String,
    /// What it printed for people.
    pub stderr: String,
}

impl Ran {
    /// Takes an output apart, which has to be text.
    pub fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }

    /// Its stdout in JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|_| panic!("{self:?}"))
    }
}

/// For snapshots: the exit code and both outputs.
impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "exit {}\n--- stdout\n{}--- stderr\n{}", self.code, self.stdout, self.stderr)
    }
}
