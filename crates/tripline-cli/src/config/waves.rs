//! What a plan of waves comes to, for people and for programs.

use schemars::JsonSchema;
use serde::Serialize;
use tripline::text::clean;
use tripline_config::{DrawnTargets, Remark, WaveTargets};

use crate::input::duration::short;
use crate::input::waves::{GateAbility, PlannedWave, PlannedWaves, percent};
use crate::terminal::table::table;

/// All of a plan.
pub fn text(plan: &PlannedWaves) -> String {
    let (all, each) = plan.false_stops;
    let count = plan.waves.len();
    let mut text = format!(
        "{count} wave{}; at most {} % of healthy releases are stopped, {} % by each wave\n",
        if count == 1 { "" } else { "s" },
        percent(all),
        percent(each)
    );
    let rows: Vec<_> = plan.waves.iter().map(row).collect();
    let head = ["WAVE", "DEVICES", "A MINUTE", "BAKE", "MAY FAIL", "BEGINS", "GATE"];
    text += &table(head, &rows);
    text += &format!("{}\n", exposed(plan));
    text += &format!("{}\n", asked(plan));
    text
}

fn row(planned: &PlannedWave) -> [String; 7] {
    let PlannedWave { wave, drawn, rate, gate } = planned;
    let (first, most) = *rate;
    [
        wave.name.to_string(),
        devices(planned),
        if first == most { most.to_string() } else { format!("{first} to {most}") },
        short(wave.bake.into()),
        match drawn.devices() {
            Some(devices) => allowed(wave.tolerance, devices).to_string(),
            None => format!("{} %", percent(wave.tolerance)),
        },
        if wave.approval { "a person approves" } else { "by itself" }.to_owned(),
        sentence(*gate),
    ]
}

fn devices(planned: &PlannedWave) -> String {
    let count = planned.drawn.devices();
    let count = count.map_or_else(|| "?".to_owned(), |count| count.to_string());
    match (&planned.wave.targets, &planned.drawn.targets) {
        (WaveTargets::Percent(share), _) => format!("{count} ({} %)", percent(*share)),
        (WaveTargets::Rest, _) => format!("{count} (the rest)"),
        (_, DrawnTargets::Groups(groups)) if groups.len() == 1 => format!("{count} (1 group)"),
        (_, DrawnTargets::Groups(groups)) => format!("{count} ({} groups)", groups.len()),
        (_, DrawnTargets::Query(query)) => format!("{count} ({})", clean(query, 60)),
        (WaveTargets::Things(_), _) => format!("{count} (by name)"),
        _ => count,
    }
}

fn sentence(gate: GateAbility) -> String {
    match gate {
        GateAbility::Decides { from } => format!("decides by itself (from about {from} devices)"),
        GateAbility::TooFew { from } => {
            format!("asks a person: about {from} devices would decide it")
        }
        GateAbility::SizeUnknown { from } => {
            format!("decides by itself from about {from} devices, and else asks a person")
        }
        GateAbility::Never(why) => format!("asks a person: {why}"),
    }
}

fn exposed(plan: &PlannedWaves) -> String {
    let exposed = &plan.exposed;
    let more = match exposed.unknown.is_empty() {
        true => String::new(),
        false => {
            let names: Vec<_> = exposed.unknown.iter().map(ToString::to_string).collect();
            format!(", beside those of {}, which are not known here", names.join(", "))
        }
    };
    let verdict = match &exposed.verdict {
        Some(name) => format!("before the first verdict, that of {name}"),
        None => "without a verdict, since no gate decides by itself".to_owned(),
    };
    let most = plan.most_exposed.map_or_else(String::new, |most| format!(" (exposure {most})"));
    format!("{} devices may hold the firmware {verdict}{more}{most}", exposed.devices)
}

fn asked(plan: &PlannedWaves) -> String {
    match plan.asks() {
        0 => "If all goes well, no person has to decide.".to_owned(),
        1 => "If all goes well, a person is asked once.".to_owned(),
        count => format!("If all goes well, a person is asked {count} times."),
    }
}

/// What does not do what it seems to, and what people should know.
pub fn remarks(plan: &PlannedWaves) -> (Vec<Remark>, Vec<Remark>) {
    let mut findings = Vec::new();
    if !plan.left_out.is_empty() {
        let shown: Vec<_> = plan.left_out.iter().take(3).map(|it| clean(it.name(), 128)).collect();
        let more = if plan.left_out.len() > shown.len() { ", .." } else { "" };
        findings.push(Remark {
            line: None,
            text: format!(
                "{} of the thing list are in no wave: {}{more}",
                plan.left_out.len(),
                shown.join(", ")
            ),
            hint: Some("end with a wave that has `rest = True`, or shorten the list".to_owned()),
        });
    }
    let mut notes = Vec::new();
    let unknown: Vec<_> = plan
        .waves
        .iter()
        .filter(|wave| wave.drawn.devices().is_none())
        .map(|wave| wave.wave.name.to_string())
        .collect();
    if !unknown.is_empty() {
        notes.push(Remark {
            line: None,
            text: format!(
                "Tripline reads who is in {} when the release starts. It then refuses a device in two waves, a dynamic group, and more devices than `exposure` allows",
                unknown.join(", ")
            ),
            hint: None,
        });
    }
    (findings, notes)
}

/// A release in waves, worked out.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WavesData {
    /// The share of healthy releases that may be stopped.
    false_stops: f64,
    false_stops_of_each: f64,
    /// How many devices may hold the firmware before the first verdict, if the config says it.
    exposure: Option<u32>,
    exposed: ExposedData,
    /// How often a person is asked if all goes well.
    asks: usize,
    /// Targets of the thing list that no wave has.
    left_out: usize,
    waves: Vec<WaveData>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ExposedData {
    devices: u32,
    /// The wave with the first verdict.
    verdict: Option<String>,
    /// Waves whose devices are not known here.
    unknown: Vec<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct WaveData {
    name: String,
    /// The key that says which devices it gets.
    by: &'static str,
    devices: Option<u32>,
    targets: Vec<String>,
    /// A query of fleet indexing.
    query: Option<String>,
    first_per_minute: u32,
    most_per_minute: u32,
    bake_seconds: u32,
    /// The share of devices that may be unsuccessful.
    tolerance: f64,
    may_fail: Option<u32>,
    /// Whether a person has to let it begin.
    approval: bool,
    decide_within_seconds: u32,
    gate: GateData,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct GateData {
    /// Whether it decides by itself; `null`: that is a question of its devices.
    decides: Option<bool>,
    /// From about how many devices on.
    clears_at: Option<u32>,
    /// The same for people.
    why: String,
}

/// For programs.
pub fn data(plan: &PlannedWaves) -> WavesData {
    let (all, each) = plan.false_stops;
    WavesData {
        false_stops: all,
        false_stops_of_each: each,
        exposure: plan.most_exposed,
        exposed: ExposedData {
            devices: plan.exposed.devices,
            verdict: plan.exposed.verdict.as_ref().map(ToString::to_string),
            unknown: plan.exposed.unknown.iter().map(ToString::to_string).collect(),
        },
        asks: plan.asks(),
        left_out: plan.left_out.len(),
        waves: plan.waves.iter().map(wave_data).collect(),
    }
}

fn wave_data(planned: &PlannedWave) -> WaveData {
    let PlannedWave { wave, drawn, rate: (first, most), gate } = planned;
    let (decides, from) = match *gate {
        GateAbility::Decides { from } => (Some(true), Some(from)),
        GateAbility::TooFew { from } => (Some(false), Some(from)),
        GateAbility::SizeUnknown { from } => (None, Some(from)),
        GateAbility::Never(_) => (Some(false), None),
    };
    let (targets, query) = match &drawn.targets {
        DrawnTargets::Things(targets) | DrawnTargets::Groups(targets) => {
            (targets.iter().map(|target| target.name().to_owned()).collect(), None)
        }
        DrawnTargets::Query(query) => (Vec::new(), Some(query.to_string())),
    };
    WaveData {
        name: wave.name.to_string(),
        by: wave.targets.key(),
        devices: drawn.devices(),
        targets,
        query,
        first_per_minute: *first,
        most_per_minute: *most,
        bake_seconds: wave.bake,
        tolerance: wave.tolerance,
        may_fail: drawn.devices().map(|devices| allowed(wave.tolerance, devices)),
        approval: wave.approval,
        decide_within_seconds: wave.decide_within,
        gate: GateData { decides, clears_at: from, why: sentence(*gate) },
    }
}

/// How many devices may be unsuccessful, as the gate counts.
fn allowed(tolerance: f64, devices: u32) -> u32 {
    let rules = tripline::gate::Rules {
        tolerance,
        bake: 0,
        decide_within: 0,
        clearance: tripline::gate::Needed::Required,
    };
    rules.allowed(devices)
}
