//! The commands that the doctor says, carried out.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tripline_tests::{local_aws, workspace};

use super::stage::{Examined, Stage};

/// A function is updated a moment after the call.
const WITHIN: Duration = Duration::from_secs(10);

/// Carries out what fixes a finding, line by line, as a shell with the AWS CLI does. That one is not here; its
/// commands are made of the same models of the services as the local AWS's client.
pub fn carry_out(stage: &Stage, fix: &str) -> Result<(), String> {
    let python = local_aws::python().unwrap_or_else(|error| panic!("{error}"));
    let mut command = stage.proxy.command(python);
    let script = workspace::root().join("tests/it/doctor/aws.py");
    let command = command.arg("-B").arg(script).stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut running = command.spawn().unwrap();
    running.stdin.take().unwrap().write_all(fix.as_bytes()).unwrap();
    let ended = running.wait_with_output().unwrap();
    match ended.status.success() {
        true => Ok(()),
        false => Err(format!("{fix}\n{}", String::from_utf8_lossy(&ended.stderr))),
    }
}

/// Nothing is found any more beside what stays; otherwise what the doctor says.
pub async fn sound(stage: &Stage, lasting: &BTreeSet<&str>) -> Result<(), Examined> {
    let start = Instant::now();
    loop {
        let examined = stage.doctor(&[]).await;
        let is_proven = examined.code == Some(0) || !lasting.is_empty();
        if examined.findings() == *lasting && is_proven {
            return Ok(());
        }
        if start.elapsed() > WITHIN {
            return Err(examined);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
