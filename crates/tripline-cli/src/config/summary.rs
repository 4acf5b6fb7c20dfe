//! What a config says, for people.

use tripline::metric::Outcome;
use tripline::release::hold::{OnAlarm, OnHoldFailed};
use tripline::rollout::{Rate, RolloutConfig};
use tripline::text::{clean, excerpt};
use tripline_config::{DocumentSource, TargetKind};

use super::checked::Checked;
use super::waves;
use crate::input::declared::watches;
use crate::input::deployment::Input;
use crate::input::planned::PlannedCoverage;
use crate::terminal::alarm::topics;
use crate::terminal::table::table;

/// Longest document that is shown whole.
const MAX_SHOWN: usize = 1_000;

/// All of it, a line each, and the alarms in a table.
pub fn text(checked: &Checked) -> String {
    let lines: Vec<_> = deployment(checked).into_iter().chain(job(checked)).collect();
    let mut text: String =
        lines.iter().map(|(name, value)| format!("{name:<10} {value}\n")).collect();
    let evidence = checked.input.evidence.as_ref();
    let row = |alarm: &tripline::alarm::AlarmDefinition| {
        [alarm.name.to_string(), watches(alarm, evidence), topics(alarm)]
    };
    let alarms: Vec<_> = checked.input.alarms().iter().map(row).collect();
    if !alarms.is_empty() {
        text += &format!("\n{}", table(["ALARM", "WATCHES", "ALERTS"], &alarms));
    }
    if let Some(plan) = &checked.input.waves {
        text += &format!("\n{}", waves::text(plan));
    }
    text += &format!("\n{}", covered(&checked.planned));
    text + &undecided(checked)
}

/// What becomes of the rollout in each way to go wrong.
fn covered(planned: &PlannedCoverage) -> String {
    let PlannedCoverage { coverage, filled } = planned;
    let mut text = format!("{}\n{}", coverage.line(), coverage.table("  "));
    if !filled.is_empty() {
        text += &format!(
            "  with {} of the stack's default guard; its parameters may differ from the defaults used here\n",
            filled.join(", ")
        );
    }
    text
}

/// What the config's devices are too few to decide.
fn undecided(checked: &Checked) -> String {
    let Input { config, evidence, .. } = &checked.input;
    let (Some(devices), Some(evidence)) = (config.device_count, evidence) else {
        return String::new();
    };
    let small = evidence.limits.too_small_for(devices);
    // What compares with all limits at once is nobody's limit.
    let named: Vec<String> =
        small.iter().filter(|small| small.share.is_some()).map(ToString::to_string).collect();
    match named.is_empty() {
        true => String::new(),
        false => format!("\n{devices} devices are too few to decide: {}\n", named.join(", ")),
    }
}

type Line = (&'static str, String);

/// What is deployed, from which files.
fn deployment(checked: &Checked) -> Vec<Line> {
    let Checked { input, spec, region, .. } = checked;
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
    lines.push(("document", document(checked)));
    lines.push(("", clean(spec.document.as_str(), MAX_SHOWN)));
    lines
}

fn document(checked: &Checked) -> String {
    let length = checked.spec.document.as_str().chars().count();
    let source = match &checked.input.config.document {
        None => "Tripline's own".to_owned(),
        Some(DocumentSource::File(path)) => clean(path, 256),
        Some(DocumentSource::Url(url)) => excerpt(url),
    };
    format!("{source}, {length} of {} characters", tripline_config::MAX_DOCUMENT)
}

/// The job, and what becomes of it.
fn job(checked: &Checked) -> Vec<Line> {
    let config = &checked.input.config;
    let targets = checked.input.things.targets();
    let groups = targets.iter().filter(|target| target.kind() == TargetKind::Group).count();
    let counted = [(targets.len() - groups, "thing"), (groups, "thing group")]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, kind)| format!("{count} {kind}{}", if count == 1 { "" } else { "s" }))
        .collect::<Vec<_>>()
        .join(", ");
    let devices =
        config.device_count.map_or_else(String::new, |count| format!(", deviceCount {count}"));
    let mut lines = vec![(
        "targets",
        format!("{}: {counted}{devices}, {}", clean(&config.things, 256), config.selection.name()),
    )];
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
    let afterwards = if config.clean_up { "removed if it ends well" } else { "stay" };
    lines.push(("afterwards", format!("job, stream and alarms {afterwards}")));
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
