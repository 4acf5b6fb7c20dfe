//! The JSON Schemas of what every command puts out with `--output json`.

use std::path::{Path, PathBuf};

use schemars::Schema;

use crate::exit::{End, Error};
use crate::terminal::document::schema;
use crate::{
    alarms, calibrate, config, deploy, doctor, drill, fleet, queue, release, replay, resume,
    revert, simulate, stop, terminal, watch,
};

/// Where they are written: a file a command.
#[derive(Debug, clap::Args)]
pub struct Schemas {
    /// The folder, which is there
    folder: PathBuf,
}

/// Every command that has an answer for programs, and its shape.
fn all() -> Vec<(&'static str, Schema)> {
    vec![
        ("alarms-apply", schema::<terminal::armed::ArmedData>()),
        ("alarms-check", schema::<alarms::CheckedData>()),
        ("alarms-list", schema::<alarms::ListData>()),
        ("alarms-remove", schema::<terminal::removed::RemovedData>()),
        ("calibrate", schema::<calibrate::CalibratedData>()),
        ("cleanup", schema::<terminal::removed::RemovedData>()),
        ("config-check", schema::<config::CheckedData>()),
        ("deploy", schema::<deploy::DeployData>()),
        ("doctor", schema::<doctor::DoctorData>()),
        ("drill", schema::<drill::DrillData>()),
        ("error", schema::<terminal::error_document::Failed>()),
        ("fleet-register", schema::<fleet::RegisteredData>()),
        ("fleet-remove", schema::<fleet::RemovedDevices>()),
        ("fleet-run", schema::<fleet::BoardData>()),
        ("queue-add", schema::<queue::AddedData>()),
        ("queue-done", schema::<queue::DeclaredData>()),
        ("queue-list", schema::<queue::QueueData>()),
        ("queue-next", schema::<queue::NextData>()),
        ("queue-remove", schema::<queue::DeclaredData>()),
        ("queue-retry", schema::<queue::DeclaredData>()),
        ("release-approve", schema::<release::ApprovedData>()),
        ("release-go-on", schema::<release::HoldData>()),
        ("release-hold", schema::<release::HoldData>()),
        ("release-start", schema::<release::StartedData>()),
        ("release-status", schema::<release::StatusData>()),
        ("release-stop", schema::<release::StoppedRelease>()),
        ("replay", schema::<replay::ReplayData>()),
        ("resume", schema::<resume::ResumeData>()),
        ("revert", schema::<revert::RevertData>()),
        ("simulate", schema::<simulate::SimulateData>()),
        ("stop", schema::<stop::StoppedData>()),
        ("watch", schema::<watch::RolloutData>()),
    ]
}

impl Schemas {
    /// Writes them.
    pub fn run(&self) -> Result<End, Error> {
        for (command, schema) in all() {
            write(&self.folder.join(format!("{command}.json")), schema)?;
        }
        Ok(End::Done)
    }
}

fn write(path: &Path, mut schema: Schema) -> Result<(), Error> {
    // What the shape is called in here is nobody's business.
    schema.remove("title");
    let text = format!("{:#}\n", schema.as_value());
    std::fs::write(path, text).map_err(|fault| {
        Error::in_file(&path.display().to_string(), format!("cannot be written: {fault}"))
    })
}
