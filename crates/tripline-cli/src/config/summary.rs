//! What a config says, for people.

use super::checked::Checked;
use super::waves;
use crate::input::declared::watches;
use crate::input::deployment::Input;
use crate::input::planned::PlannedCoverage;
use crate::terminal::alarm::topics;
use crate::terminal::plan::Plan;
use crate::terminal::table::table;

/// All of it, a line each, and the alarms in a table.
pub fn text(checked: &Checked) -> String {
    let Checked { input, spec, region, .. } = checked;
    let afterwards = if input.config.clean_up { "removed if it ends well" } else { "stay" };
    let afterwards = format!("job, stream and alarms {afterwards}");
    let plan = Plan { input, spec, region, devices: None, afterwards: &afterwards };
    let mut text = plan.text();
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
