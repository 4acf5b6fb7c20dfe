//! What is going to be made, as people and programs read it.

use schemars::JsonSchema;
use serde::Serialize;
use tripline_config::Remark;
use tripline_guard::coverage::Coverage;

use super::found::Devices;
use crate::aws::arming::guard::Report;
use crate::aws::deployment::spec::{Object, Spec};
use crate::input::deployment::Input;
use crate::terminal;
use crate::terminal::armed::Tense;
use crate::terminal::coverage::CoverageData;
use crate::terminal::fault::RemarkData;

/// A deployment that can be made.
#[derive(Debug)]
pub struct Plan<'a> {
    pub input: &'a Input,
    pub spec: &'a Spec,
    pub region: &'a str,
    pub devices: Devices,
    /// Nobody waits for the job's end.
    pub detach: bool,
    /// What guards it; `None` leaves it to the stack's default guard.
    pub guard: Option<&'a Report>,
    /// What would be seen if it went wrong.
    pub coverage: &'a Coverage,
}

impl Plan<'_> {
    /// As people read it: before it is made, or as it would be made.
    pub fn text(&self, tense: Tense) -> String {
        let afterwards = match (self.detach, self.input.config.clean_up) {
            (true, _) => {
                "job and stream stay, for nobody waits for the end; the guard-keeper removes the alarms"
            }
            (false, true) => "job, stream and alarms are removed if it ends well",
            (false, false) => {
                "job and stream stay; the guard-keeper removes the alarms once it has ended"
            }
        };
        let devices = self.devices.text();
        let plan = terminal::plan::Plan {
            input: self.input,
            spec: self.spec,
            region: self.region,
            devices: Some(&devices),
            afterwards,
        };
        let guard = self.guard.map_or_else(
            || "no alarms of its own: the guard-keeper arms the stack's default guard within two minutes\n".to_owned(),
            |guard| guard.text(tense),
        );
        format!("{}\n{guard}\n{}\n{}", plan.text(), self.coverage.line(), self.coverage.table("  "))
    }

    /// As programs read it, with what deserves a look.
    pub fn data<'r>(&self, findings: impl Iterator<Item = &'r Remark>) -> PlanData {
        let (config, spec, firmware) = (&self.input.config, self.spec, &self.input.firmware);
        let object = |object: &Object| ObjectData {
            bucket: spec.bucket.clone(),
            key: object.key.clone(),
            size: object.size,
        };
        let alarms = self.guard.map_or_else(Vec::new, |guard| {
            guard.plan.alarms.iter().map(|alarm| alarm.name.clone()).collect()
        });
        PlanData {
            job_id: spec.job.to_string(),
            state: "planned",
            region: self.region.to_owned(),
            deployment: spec.digest.clone(),
            firmware: FirmwareData {
                name: firmware.name.clone(),
                size: firmware.size,
                md5: firmware.md5.clone(),
                sha256: firmware.sha256_hex(),
                signed: firmware.signature.is_some(),
            },
            objects: spec.objects.iter().map(object).collect(),
            stream: spec.stream.as_ref().map(|stream| stream.id.to_string()),
            targets: spec.targets.clone(),
            devices: self.devices.number(),
            target_selection: config.selection.name(),
            document: spec.document.as_str().to_owned(),
            rounds: config.rounds,
            clean_up: config.clean_up,
            alarms,
            coverage: self.coverage.into(),
            findings: findings.map(RemarkData::from).collect(),
        }
    }
}

/// A deployment as it would be made.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanData {
    job_id: String,
    /// `planned`
    state: &'static str,
    region: String,
    /// The digest of the config and all its files.
    deployment: String,
    firmware: FirmwareData,
    objects: Vec<ObjectData>,
    /// The stream's ID.
    stream: Option<String>,
    /// ARNs of things and thing groups.
    targets: Vec<String>,
    /// How many devices the targets are; `null`: more than are counted.
    devices: Option<u32>,
    target_selection: &'static str,
    /// The job document.
    document: String,
    rounds: u32,
    /// Whether job, stream and alarms are removed if it ends well.
    clean_up: bool,
    /// The names of its alarms.
    alarms: Vec<String>,
    /// What would be seen if it went wrong.
    coverage: CoverageData,
    /// What deserves a look in the config, and of its bucket.
    findings: Vec<RemarkData>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct FirmwareData {
    name: String,
    size: u64,
    md5: String,
    sha256: String,
    signed: bool,
}

/// An object in S3.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ObjectData {
    bucket: String,
    key: String,
    size: u64,
}
