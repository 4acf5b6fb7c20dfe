//! What is going to be rolled out, as `config check`, `deploy` and `queue next` show it.

use tripline::metric::Outcome;
use tripline::release::hold::{OnAlarm, OnHoldFailed};
use tripline::rollout::{Rate, RolloutConfig};
use tripline::text::{clean, excerpt};
use tripline_config::{DocumentSource, TargetKind};

use crate::aws::deployment::spec::Spec;
use crate::input::deployment::Input;

/// Longest document that is shown whole.
const MAX_SHOWN: usize = 1_000;

/// A deployment that can be made.
#[derive(Debug)]
pub struct Plan<'a> {
    pub input: &'a Input,
    pub spec: &'a Spec,
    pub region: &'a str,
    /// How many devices the targets are, where AWS was asked.
    pub devices: Option<&'a str>,
    /// What becomes of it.
    pub afterwards: &'a str,
}

impl Plan<'_> {
    /// All of it, a line each.
    pub fn text(&self) -> String {
        let lines = deployment(self).into_iter().chain(job(self));
        lines.map(|(name, value)| format!("{name:<10} {value}\n")).collect()
    }
}

type Line = (&'static str, String);

/// What is deployed, from which files.
fn deployment(plan: &Plan) -> Vec<Line> {
    let Plan { input, spec, region, .. } = plan;
    let (config, firmware) = (&input.config, &input.firmware);
    let mut lines = vec![
        ("job", format!("{} in {region}", config.job)),
        ("firmware", format!("{}, {} bytes", clean(&config.firmware, 256), firmware.size)),
        ("", format!("sha256 {}", firmware.sha256_hex())),
        ("", format!("md5 {}", firmware.md5)),
    ];
    if let Some(key) = &config.private_key {
        lines.push(("", format!("signed with {}", clean(key, 256))));
    }
    lines.push((
        "bucket",
        format!("{}, {} objects under {}/", spec.bucket, spec.objects.len(), spec.job),
    ));
    if let Some(stream) = &config.stream {
        lines.push((
            "stream",
            format!("{}, file {}, by {}", stream.id, stream.file.get(), stream.role.as_str()),
        ));
    }
    if let Some(presigned) = &config.presigned {
        lines.push((
            "URLs",
            format!("valid for {} s, by {}", presigned.expires, presigned.role.as_str()),
        ));
    }
    lines.push(("document", document(plan)));
    lines.push(("", clean(spec.document.as_str(), MAX_SHOWN)));
    lines
}

fn document(plan: &Plan) -> String {
    let length = plan.spec.document.as_str().chars().count();
    let source = match &plan.input.config.document {
        None => "Tripline's own".to_owned(),
        Some(DocumentSource::File(path)) => clean(path, 256),
        Some(DocumentSource::Url(url)) => excerpt(url),
    };
    format!("{source}, {length} of {} characters", tripline_config::MAX_DOCUMENT)
}

/// The job, and what becomes of it.
fn job(plan: &Plan) -> Vec<Line> {
    let config = &plan.input.config;
    let targets = plan.input.things.targets();
    let groups = targets.iter().filter(|target| target.kind() == TargetKind::Group).count();
    let counted = [(targets.len() - groups, "thing"), (groups, "thing group")]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, kind)| format!("{count} {kind}{}", if count == 1 { "" } else { "s" }))
        .collect::<Vec<_>>()
        .join(", ");
    let devices =
        config.device_count.map_or_else(String::new, |count| format!(", deviceCount {count}"));
    let are = plan.devices.map_or_else(String::new, |devices| format!(", {devices}"));
    let things = clean(&config.things, 256);
    let selection = config.selection.name();
    let mut lines = vec![("targets", format!("{things}: {counted}{are}{devices}, {selection}"))];
    lines.extend(rollout(&config.rollout, config.staged));
    if config.rounds > 1 {
        lines.push(("rounds", format!("{}, {} s apart", config.rounds, config.delay.as_secs())));
    }
    if config.alarms.on_alarm == OnAlarm::Hold {
        let failed = match config.alarms.on_hold_failed {
            OnHoldFailed::Cancel => "stopped for good",
            OnHoldFailed::Alert => "left to people",
        };
        let text =
            format!("Tripline holds the rollout; if the hold fails, the rollout is {failed}");
        lines.push(("on alarm", text));
    }
    lines.extend(config.fallback.as_ref().map(|job| ("fallback", job.to_string())));
    lines.push(("afterwards", plan.afterwards.to_owned()));
    if !config.unused.is_empty() {
        let names: Vec<_> = config.unused.iter().map(|name| format!("[{name}]")).collect();
        lines.push(("not used", names.join(" ")));
    }
    lines
}

/// How fast the job goes, and when AWS IoT Jobs itself gives up.
fn rollout(rollout: &RolloutConfig, staged: bool) -> Vec<Line> {
    let mut lines = vec![(
        "rate",
        match rollout.rate {
            _ if !staged => "as fast as AWS IoT goes".to_owned(),
            Rate::Constant(maximum) => format!("at most {maximum} devices a minute"),
            Rate::Exponential(rate) => {
                let every = [(rate.notified, "notified"), (rate.succeeded, "that succeeded")];
                let every: Vec<_> = every
                    .into_iter()
                    .filter_map(|(count, what)| Some(format!("{} {what}", count?)))
                    .collect();
                format!(
                    "{} devices a minute, times {} with every {}, at most {}",
                    rate.base,
                    rate.factor.get(),
                    every.join(" or every "),
                    rate.maximum
                )
            }
        },
    )];
    for criterion in &rollout.abort {
        lines.push((
            "abort",
            format!(
                "at {} % {} of at least {} executions",
                criterion.threshold.percent(),
                criterion.failure.name(),
                criterion.min_executed
            ),
        ));
    }
    if let Some(timeout) = rollout.timeout {
        lines.push(("timeout", format!("{} min in progress", timeout.minutes())));
    }
    let retries = [(Outcome::Failed, "after a failure"), (Outcome::TimedOut, "after a timeout")];
    for (outcome, when) in retries {
        let count = rollout.retries.after(outcome);
        if count > 0 {
            lines.push(("retries", format!("{count} {when}")));
        }
    }
    lines
}
