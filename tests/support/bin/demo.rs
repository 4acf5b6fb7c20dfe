//! `make demo`: Tripline lets a good rollout pass and stops a bad one, on this machine alone.
//!
//! Exit code 0: it did. 1: it did not, or something was in the way. 130: interrupted.

use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};
use tripline_tests::{Result, at, demo};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match interruptible().await {
        Ok(Some(true)) => ExitCode::SUCCESS,
        Ok(Some(false)) => ExitCode::FAILURE,
        Ok(None) => {
            eprintln!("\ninterrupted: everything that ran is ended");
            ExitCode::from(130)
        }
        Err(error) => {
            eprintln!("\nerror: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the demo until it ends or is notified to; what it started ends with it.
async fn interruptible() -> Result<Option<bool>> {
    let mut interrupt = signal(SignalKind::interrupt()).map_err(at("signal"))?;
    let mut terminate = signal(SignalKind::terminate()).map_err(at("signal"))?;
    tokio::select! {
        passed = demo::run() => passed.map(Some),
        _ = interrupt.recv() => Ok(None),
        _ = terminate.recv() => Ok(None),
    }
}
