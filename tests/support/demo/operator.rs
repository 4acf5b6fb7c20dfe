//! The operator at the terminal: the command `tripline`, as it was built.

use std::path::PathBuf;

use tokio::process::Command;

use crate::local_aws::LocalAws;
use crate::{Error, Result, at, workspace};

pub struct Operator<'a> {
    aws: &'a LocalAws,
    tripline: PathBuf,
}

impl<'a> Operator<'a> {
    pub fn new(aws: &'a LocalAws) -> Result<Self> {
        Ok(Self { aws, tripline: workspace::program("tripline")? })
    }

    /// Shows a command and runs it, and gives back its stdout.
    pub async fn tripline(&self, arguments: &str) -> Result<String> {
        println!("  $ tripline {arguments}");
        self.tripline_quiet(arguments).await
    }

    /// Runs a command. It does not outlive this call, not even one that is given up.
    pub async fn tripline_quiet(&self, arguments: &str) -> Result<String> {
        let mut command = Command::from(self.aws.command(&self.tripline));
        let ran = command.args(arguments.split_whitespace()).kill_on_drop(true).output().await;
        let ran = ran.map_err(at(self.tripline.display()))?;
        if ran.status.success() {
            return Ok(String::from_utf8_lossy(&ran.stdout).into_owned());
        }
        Err(Error(format!(
            "tripline {arguments}: {}\n{}{}",
            ran.status,
            String::from_utf8_lossy(&ran.stdout),
            String::from_utf8_lossy(&ran.stderr).trim_end(),
        )))
    }
}
