//! A config with waves: the release is simulated, and not one rollout.

use std::path::Path;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;
use tripline::evidence::Limits;
use tripline::gate::{Needed, Rules};
use tripline::metric::Outcome;
use tripline::rollout::Rate;
use tripline_config::{Waves, parse_waves};
use tripline_simulation::simulation::{
    Fleet, GatePlan, ReleasePlan, ReleaseStudy, Runs, Scenario, SimulatedWave, Spread, WaveShare,
};

use super::arguments::Simulate;
use super::fleet::{Fleets, Population};
use super::guard::Guards;
use super::json::{InputsData, ProportionData, SimulateData, SpreadData};
use super::progress::Progress;
use crate::exit::{End, Error};
use crate::input::{limits, source};
use crate::report::format::{count, proportion};
use crate::terminal::document::print_document;
use crate::terminal::output::Output;
use crate::terminal::print::{print, say};
use crate::terminal::table::table;

/// The waves of the config that the command names, if it has any.
pub fn waves_of(arguments: &Simulate) -> Result<Option<Waves>, Error> {
    let path = match (&arguments.config, &arguments.default_guard) {
        (Some(path), _) => path.as_path(),
        (None, None) => Path::new("dev.ini"),
        (None, Some(_)) => return Ok(None),
    };
    // What cannot be read is said where the rest of it is read.
    let Ok(text) = source::read(path) else { return Ok(None) };
    parse_waves(&source::name_of(path), &text).map_err(source::faults_in(&text))
}

/// Simulates a release, and says what it came to.
pub fn run(arguments: &Simulate, waves: &Waves) -> Result<End, Error> {
    if arguments.report.is_some() {
        return Err(Error::input(
            "a release in waves has no page (expected no `--report`)".to_owned(),
        ));
    }
    let guards = Guards::of(arguments)?;
    guards.notes.iter().for_each(|note| say(&format!("note: {note}")));
    let devices = guards.devices(arguments.devices)?;
    let sizes = waves.sizes(&guards.file, devices).map_err(source::faults)?;
    let fleets = Fleets::new(
        &arguments.fleet(),
        arguments.rollout.as_deref(),
        arguments.healthy.as_deref(),
        devices,
    )?;
    let limits = limits_of(arguments, waves)?;
    let runs = arguments.runs(devices);
    let release = Release { arguments, guards: &guards, waves, sizes: &sizes, limits };
    let healthy =
        (!fleets.is_healthy()).then(|| release.study(fleets.healthy, runs, "a healthy fleet"));
    let study = release.study(fleets.given, runs, "this fleet");
    match arguments.output {
        Output::Json => {
            print_document(&SimulateData::Release(Box::new(ReleaseData {
                config: guards.file.clone(),
                seed: study.seed,
                devices,
                false_stops: waves.false_stops,
                false_stops_of_each: waves.false_stops_of_each(),
                healthy: healthy.is_none(),
                release: (&study).into(),
                healthy_release: healthy.as_ref().map(ReleaseStudyData::from),
                inputs: InputsData::of(arguments),
            })));
        }
        Output::Text => print(&text(&study, healthy.as_ref(), waves, &arguments.command())),
    }
    Ok(if study.stopped.count + study.refused.count > study.well.count {
        End::Stopped
    } else {
        End::Done
    })
}

/// The limits of each wave: the permitted false stops of the release are split.
fn limits_of(arguments: &Simulate, waves: &Waves) -> Result<Arc<Limits>, Error> {
    let path = arguments.config.as_deref().unwrap_or(Path::new("dev.ini"));
    let text = source::read(path)?;
    let none = || Error::in_file(&source::name_of(path), "no limits for a gate");
    let limits =
        limits::load_with(path, &text, Some(waves.false_stops_of_each()))?.ok_or_else(none)?.1;
    Ok(Arc::new(limits))
}

struct Release<'a> {
    arguments: &'a Simulate,
    guards: &'a Guards,
    waves: &'a Waves,
    sizes: &'a [u32],
    limits: Arc<Limits>,
}

impl Release<'_> {
    fn study(&self, population: Population, runs: Runs, what: &str) -> ReleaseStudy {
        let Self { arguments, guards, waves, sizes, limits } = self;
        let own = guards.evidence.as_ref();
        let evidence = own.map(|plan| plan.with_limits(Arc::clone(limits)));
        let retries = guards.rollout.retries;
        let retries = [Outcome::Failed, Outcome::TimedOut].iter().any(|it| retries.after(*it) > 0);
        let evidence = evidence.as_ref();
        let wave = |(wave, devices): (&tripline_config::Wave, &u32)| {
            let fleet = Fleet { devices: *devices, ..population.fleet };
            let mut scenario: Scenario =
                guards.scenario(Population { fleet, ..population }, &arguments.open);
            if let Some(rate) = wave.rate {
                scenario.rollout.rate = Rate::Constant(rate);
            }
            SimulatedWave {
                name: wave.name.to_string(),
                scenario,
                guards: guards.plans_with(evidence),
                gate: GatePlan {
                    rules: Rules {
                        tolerance: wave.tolerance,
                        bake: wave.bake,
                        decide_within: wave.decide_within,
                        clearance: Needed::Required,
                    },
                    devices: *devices,
                    limits: Arc::clone(limits),
                    retries,
                    concludes: true,
                },
                approval: wave.approval,
            }
        };
        let plan = ReleasePlan { waves: waves.waves.iter().zip(*sizes).map(wave).collect() };
        let progress = Progress::new(format!("{}, {what}", guards.file), runs.runs);
        ReleaseStudy::new(&plan, runs, &|done| progress.show(done))
    }
}

fn text(
    study: &ReleaseStudy,
    healthy: Option<&ReleaseStudy>,
    waves: &Waves,
    command: &str,
) -> String {
    let mut text = format!(
        "{} waves, {} runs; at most {} % of healthy releases may be stopped\n\n",
        waves.waves.len(),
        study.runs,
        waves.false_stops * 100.0
    );
    let title = if healthy.is_some() { "this fleet" } else { "a healthy fleet" };
    text += &of_study(title, study);
    if let Some(healthy) = healthy {
        text += &format!("\n{}", of_study("a healthy fleet", healthy));
    }
    text + &format!("\n{command}\n")
}

fn of_study(title: &str, study: &ReleaseStudy) -> String {
    let rows: Vec<[String; 6]> = study
        .waves
        .iter()
        .map(|wave| {
            let [opened, asked, over, stopped] =
                [wave.opened, wave.asked, wave.over, wave.stopped].map(proportion);
            [
                format!("{} ({} devices)", wave.name, wave.devices),
                opened,
                asked,
                over,
                stopped,
                wave.opened.of.to_string(),
            ]
        })
        .collect();
    let mut text = format!("{title}\n");
    text += &table(["WAVE", "GATE OPENS", "ASKS", "ASKS: TOO MANY FAIL", "STOPPED", "OF"], &rows);
    let spread = |name: &str, spread: Option<Spread>, of: fn(f64) -> String| {
        let said = spread.map_or_else(
            || "never".to_owned(),
            |it| format!("{} ({} to {})", of(it.p50.value), of(it.p5.value), of(it.p95.value)),
        );
        format!("{name:<42} {said}\n")
    };
    for (name, share) in [
        ("all waves let through", study.well),
        ("stopped by a guard", study.stopped),
        ("stopped by a person: too many fail", study.refused),
        ("a gate opened by itself", study.opened),
    ] {
        text += &format!("{name:<42} {}\n", proportion(share));
    }
    text += &format!("{:<42} {:.1} times a release\n", "a person is asked", study.asked);
    text += &spread("devices that had it when it was stopped", study.exposed, count::<f64>);
    text + &spread("time to the end of one let through", study.minutes, hours)
}

/// What guards and gates would do with a release in waves.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseData {
    config: String,
    /// What all random numbers follow from.
    seed: u64,
    devices: u32,
    /// The share of healthy releases that may be stopped.
    false_stops: f64,
    false_stops_of_each: f64,
    /// Whether the fleet is a healthy one.
    healthy: bool,
    release: ReleaseStudyData,
    /// The same of a healthy fleet; `null` if the fleet is that.
    healthy_release: Option<ReleaseStudyData>,
    #[serde(flatten)]
    inputs: InputsData,
}

/// Many runs.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ReleaseStudyData {
    runs: u32,
    let_through: ProportionData,
    stopped: ProportionData,
    stopped_by_person: ProportionData,
    /// A gate opened by itself.
    opened: ProportionData,
    /// How often a person is asked.
    asked: f64,
    exposed_at_stop: Option<SpreadData>,
    minutes: Option<SpreadData>,
    waves: Vec<WaveData>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct WaveData {
    name: String,
    devices: u32,
    opened: ProportionData,
    asked: ProportionData,
    over_tolerance: ProportionData,
    stopped: ProportionData,
}

impl From<&ReleaseStudy> for ReleaseStudyData {
    fn from(study: &ReleaseStudy) -> Self {
        let wave = |wave: &WaveShare| WaveData {
            name: wave.name.clone(),
            devices: wave.devices,
            opened: wave.opened.into(),
            asked: wave.asked.into(),
            over_tolerance: wave.over.into(),
            stopped: wave.stopped.into(),
        };
        Self {
            runs: study.runs,
            let_through: study.well.into(),
            stopped: study.stopped.into(),
            stopped_by_person: study.refused.into(),
            opened: study.opened.into(),
            asked: study.asked,
            exposed_at_stop: study.exposed.map(SpreadData::from),
            minutes: study.minutes.map(SpreadData::from),
            waves: study.waves.iter().map(wave).collect(),
        }
    }
}

/// `45 min`, `3.2 h`
fn hours(minutes: f64) -> String {
    if minutes < 120.0 { format!("{minutes:.0} min") } else { format!("{:.1} h", minutes / 60.0) }
}
