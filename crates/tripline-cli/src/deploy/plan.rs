//! What is going to be made, as people and programs read it.

use serde_json::{Value, json};
use tripline::rollout::{Rate, RolloutConfig};

use tripline_guard::coverage::Coverage;

use super::found::Devices;
use crate::aws::arming::guard::Report;
use crate::aws::deployment::spec::Spec;
use crate::input::deployment::Input;

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
    pub fn text(&self) -> String {
        let (config, spec) = (&self.input.config, self.spec);
        let mut lines = vec![format!("rollout    {} in {}", spec.job, self.region)];
        let mut line = |name: &str, text: String| lines.push(format!("{name:<10} {text}"));
        let firmware = &self.input.firmware;
        line(
            "firmware",
            format!("{}, {} bytes, sha256 {}", firmware.name, firmware.size, firmware.sha256_hex()),
        );
        for object in &spec.objects {
            line("object", format!("s3://{}/{}", spec.bucket, object.key));
        }
        if let Some(stream) = &spec.stream {
            line(
                "stream",
                format!(
                    "{}, file {}",
                    stream.id,
                    config.stream.as_ref().map_or(0, |stream| stream.file.get())
                ),
            );
        }
        let targets = spec.targets.len();
        let are = if targets == 1 { "1 target".to_owned() } else { format!("{targets} targets") };
        line("targets", format!("{are}, {}, {}", self.devices.text(), config.selection.name()));
        line("document", spec.document.as_str().to_owned());
        for (name, text) in rollout(&config.rollout, config.staged) {
            line(name, text);
        }
        if let Some(presigned) = &config.presigned {
            line(
                "URLs",
                format!("presigned for {} s by {}", presigned.expires, presigned.role.as_str()),
            );
        }
        if config.rounds > 1 {
            line("rounds", format!("{}, {} s apart", config.rounds, config.delay.as_secs()));
        }
        let afterwards = match (self.detach, config.clean_up) {
            (true, _) => {
                "job and stream stay, for nobody waits for the end; the guard-keeper removes the alarms"
            }
            (false, true) => "job, stream and alarms are removed if it ends well",
            (false, false) => {
                "job and stream stay; the guard-keeper removes the alarms once it has ended"
            }
        };
        line("afterwards", afterwards.to_owned());
        let mut text = lines.join("\n") + "\n";
        if let Some(guard) = self.guard {
            text += &format!("\n{}", guard.text(true));
        } else {
            text += "\nno alarms of its own: the guard-keeper arms the stack's default guard within two minutes\n";
        }
        text + &format!("\n{}\n{}", self.coverage.line(), self.coverage.table("  "))
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

/// How fast the job goes, and when AWS IoT Jobs itself gives up.
fn rollout(rollout: &RolloutConfig, staged: bool) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    match rollout.rate {
        _ if !staged => lines.push(("rate", "as fast as AWS IoT goes".to_owned())),
        Rate::Constant(maximum) => lines.push(("rate", format!("at most {maximum} a minute"))),
        Rate::Exponential(rate) => lines.push((
            "rate",
            format!(
                "{} a minute at first, times {} at each step, at most {}",
                rate.base,
                rate.factor.get(),
                rate.maximum
            ),
        )),
    }
    for criterion in &rollout.abort {
        let text = format!(
            "by AWS IoT from {} % {} on, after {} executions",
            criterion.threshold.percent(),
            criterion.failure.name(),
            criterion.min_executed
        );
        lines.push(("abort", text));
    }
    if let Some(timeout) = rollout.timeout {
        lines.push(("timeout", format!("{} minutes in progress", timeout.minutes())));
    }
    lines
}
