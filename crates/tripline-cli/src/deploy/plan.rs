//! What is going to be made, as people and programs read it.

use serde_json::{Value, json};
use tripline_guard::coverage::Coverage;

use super::found::Devices;
use crate::aws::arming::guard::Report;
use crate::aws::deployment::spec::Spec;
use crate::input::deployment::Input;
use crate::terminal;
use crate::terminal::armed::Tense;

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

    pub fn json(&self) -> Value {
        let (config, spec, firmware) = (&self.input.config, self.spec, &self.input.firmware);
        let objects: Vec<_> = spec
            .objects
            .iter()
            .map(|object| json!({"bucket": spec.bucket, "key": object.key, "size": object.size}))
            .collect();
        let alarms: Vec<_> = self.guard.map_or_else(Vec::new, |guard| {
            guard.plan.alarms.iter().map(|alarm| alarm.name.clone()).collect()
        });
        json!({
            "job": spec.job.as_str(), "region": self.region, "deployment": spec.digest,
            "firmware": {
                "name": firmware.name, "size": firmware.size, "md5": firmware.md5,
                "sha256": firmware.sha256_hex(), "signed": firmware.signature.is_some(),
            },
            "objects": objects, "stream": spec.stream.as_ref().map(|stream| &stream.id),
            "targets": spec.targets, "devices": self.devices.number(),
            "targetSelection": config.selection.name(), "document": spec.document.as_str(),
            "rounds": config.rounds, "cleanUp": config.clean_up, "alarms": alarms,
            "coverage": self.coverage.to_json(),
        })
    }
}
