//! A simulation for programs. `docs/guide/simulation.md` documents every field.

use schemars::JsonSchema;
use serde::Serialize;
use tripline_simulation::simulation::{
    Advice, Conditions, EvidencePlan, EvidenceTrace, Firing, Fleet, GuardShare, Lognormal,
    Proportion, Quantile, Reached, Share, Spread, Study,
};

use tripline::alarm::TopicArn;
use tripline::stop::StopMode;

use super::arguments::Simulate;
use super::fleet::HealthySource;
use super::open::OpenData;
use super::plan::ReleaseData;
use super::simulated::Simulated;
use super::table::ComparisonData;
use super::text::name;
use crate::terminal::coverage::CoverageData;

/// What a guard would do.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum SimulateData {
    One(Box<SimulationData>),
    Release(Box<ReleaseData>),
    Comparison(Box<ComparisonData>),
}

/// What a guard would do with one rollout.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SimulationData {
    config: String,
    /// Parameters of the stack that the default guard was simulated with; `null` if it was not.
    default_guard: Option<Vec<String>>,
    /// What all random numbers follow from.
    seed: u64,
    devices: u32,
    /// Whether the fleet is a healthy one.
    healthy: bool,
    fleet: FleetData,
    /// What becomes of the first run.
    state: SimulatedState,
    stopped: bool,
    /// Whether the stop came when every device that the rollout reaches had the firmware.
    too_late: bool,
    stop: Option<StopData>,
    firings: Vec<FiringData>,
    end: EndData,
    /// All runs.
    study: StudyData,
    /// All runs of the healthy fleet; `null` if the fleet is that.
    healthy_study: Option<StudyData>,
    healthy_fleet: FleetData,
    /// The file that says what a healthy fleet is like, or `default`.
    healthy_fleet_from: String,
    evidence: Option<EvidenceData>,
    coverage: CoverageData,
    advice: Vec<AdviceData>,
    #[serde(flatten)]
    inputs: InputsData,
}

/// What becomes of a rollout.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum SimulatedState {
    Stopped,
    /// A guard would stop it when every device that it reaches has the firmware.
    TooLate,
    NotStopped,
}

/// What else it takes to come to the same.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InputsData {
    /// The command, with its seed.
    command: String,
    stop_mode: String,
    /// The topic that stops, if it was named.
    stop_topic: Option<String>,
    keeper_dead: bool,
    open: OpenData,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct StopData {
    guard: String,
    reason: String,
    fired_minute: f64,
    /// When the stop took effect.
    minute: f64,
    /// Devices that got the firmware.
    exposed: u32,
    spared: u32,
    reached: ReachedData,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct FiringData {
    guard: String,
    minute: f64,
    reason: String,
    /// When its stop took effect, or would have.
    effect_minute: Option<f64>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct EndData {
    minute: f64,
    reached: ReachedData,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ReachedData {
    notified: u32,
    exposed: u32,
    queued: u32,
    in_progress: u32,
    succeeded: u32,
    failed: u32,
    rejected: u32,
    timed_out: u32,
    canceled: u32,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct EvidenceData {
    /// From which evidence on the rollout is stopped.
    threshold: f64,
    stops: bool,
    highest: f64,
    brief: String,
    /// The evidence at each minute.
    minutes: Vec<f64>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct AdviceData {
    rule: String,
    problem: String,
    setting: &'static str,
    hint: String,
}

/// What devices are like: shares, and times in seconds.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct FleetData {
    failed: f64,
    rejected: f64,
    silent: f64,
    unreachable: f64,
    slow: f64,
    start: TimeData,
    download: TimeData,
    slow_download: TimeData,
    lasting: f64,
    retries: f64,
    steady: Option<u32>,
    failed_after: Option<TimeData>,
    rejected_after: Option<TimeData>,
    offline: Option<OfflineData>,
    /// In minutes.
    outage: Option<RangeData>,
    drift: DriftData,
    slow_first: bool,
}

/// A lognormal time.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct TimeData {
    median: f64,
    sigma: f64,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct OfflineData {
    share: f64,
    time: TimeData,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct RangeData {
    from: f64,
    to: f64,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct DriftData {
    time: Option<RangeData>,
    failed: Option<RangeData>,
    silent: Option<RangeData>,
}

/// Many runs.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StudyData {
    runs: u32,
    stopped: ProportionData,
    fired: ProportionData,
    guards: Vec<GuardData>,
    exposed: Option<SpreadData>,
    exposed_at_stop: Option<SpreadData>,
    minutes_to_stop: Option<SpreadData>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct GuardData {
    name: String,
    fired: ProportionData,
    stopped: ProportionData,
}

/// A share of runs with its 95 % interval.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProportionData {
    runs: u32,
    share: f64,
    low: f64,
    high: f64,
}

/// How a number is spread over runs.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SpreadData {
    p5: QuantileData,
    p50: QuantileData,
    p95: QuantileData,
}

/// A quantile with its 95 % interval.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct QuantileData {
    value: f64,
    low: f64,
    high: f64,
}

/// Everything but the pictures.
pub fn simulation_data(simulated: &Simulated, arguments: &Simulate) -> SimulateData {
    let Simulated { guards, scenario, outcome, .. } = simulated;
    let stop = outcome.stop().map(|(firing, effect)| StopData {
        guard: name(simulated, firing),
        reason: firing.reason.clone(),
        fired_minute: firing.at.minutes(),
        minute: effect.at.minutes(),
        exposed: outcome.exposed(),
        spared: outcome.spared(),
        reached: effect.reached.into(),
    });
    let evidence = |trace: &EvidenceTrace| EvidenceData {
        threshold: trace.threshold,
        stops: guards.evidence.as_ref().is_some_and(EvidencePlan::stops),
        highest: trace.minutes.iter().copied().fold(0.0, f64::max),
        brief: trace.brief.clone(),
        minutes: trace.minutes.clone(),
    };
    SimulateData::One(Box::new(SimulationData {
        config: guards.file.clone(),
        default_guard: arguments.default_guard.clone(),
        seed: simulated.study.seed,
        devices: outcome.devices,
        healthy: simulated.is_healthy,
        fleet: FleetData::new(&scenario.fleet, &scenario.conditions),
        state: match stop {
            None => SimulatedState::NotStopped,
            Some(_) if simulated.is_too_late => SimulatedState::TooLate,
            Some(_) => SimulatedState::Stopped,
        },
        stopped: stop.is_some() && !simulated.is_too_late,
        too_late: simulated.is_too_late,
        stop,
        firings: outcome.firings.iter().map(|firing| of_firing(simulated, firing)).collect(),
        end: EndData { minute: outcome.ended_at.minutes(), reached: outcome.end.into() },
        study: (&simulated.study).into(),
        healthy_study: simulated.healthy.as_ref().map(StudyData::from),
        healthy_fleet: FleetData::new(&simulated.healthy_fleet, &simulated.healthy_conditions),
        healthy_fleet_from: match &simulated.healthy_source {
            HealthySource::File(file) => file.clone(),
            HealthySource::Default => "default".to_owned(),
        },
        evidence: outcome.evidence.as_ref().map(evidence),
        coverage: (&guards.coverage(outcome.devices)).into(),
        advice: simulated.advice.iter().map(AdviceData::from).collect(),
        inputs: InputsData::of(arguments),
    }))
}

impl InputsData {
    /// Of a command.
    pub fn of(arguments: &Simulate) -> Self {
        let topics = arguments.stop_topic.topics();
        Self {
            command: arguments.command(),
            stop_mode: StopMode::from(arguments.stop_mode).to_string(),
            stop_topic: topics.named().map(TopicArn::as_str).map(str::to_owned),
            keeper_dead: arguments.keeper_dead,
            open: arguments.open.data(),
        }
    }
}

fn of_firing(simulated: &Simulated, firing: &Firing) -> FiringData {
    FiringData {
        guard: name(simulated, firing),
        minute: firing.at.minutes(),
        reason: firing.reason.clone(),
        effect_minute: firing.effect.map(|effect| effect.at.minutes()),
    }
}

impl From<Reached> for ReachedData {
    fn from(reached: Reached) -> Self {
        let progress = reached.progress;
        Self {
            notified: reached.notified,
            exposed: reached.exposed,
            queued: progress.queued,
            in_progress: progress.in_progress,
            succeeded: progress.ended.succeeded,
            failed: progress.ended.failed,
            rejected: progress.ended.rejected,
            timed_out: progress.ended.timed_out,
            canceled: progress.canceled,
        }
    }
}

impl From<&Advice> for AdviceData {
    fn from(advice: &Advice) -> Self {
        Self {
            rule: advice.rule.clone(),
            problem: advice.problem.clone(),
            setting: advice.setting,
            hint: advice.hint.clone(),
        }
    }
}

impl From<Lognormal> for TimeData {
    fn from(time: Lognormal) -> Self {
        Self { median: time.median(), sigma: time.sigma() }
    }
}

impl FleetData {
    fn new(fleet: &Fleet, conditions: &Conditions) -> Self {
        let Conditions { drift, outage, offline, failing_after, rejecting_after, slow_first } =
            *conditions;
        let shares = |(from, to): (Share, Share)| RangeData { from: from.get(), to: to.get() };
        Self {
            failed: fleet.failing.get(),
            rejected: fleet.rejecting.get(),
            silent: fleet.silent.get(),
            unreachable: fleet.unreachable.get(),
            slow: fleet.slow.get(),
            start: fleet.start.into(),
            download: fleet.download.into(),
            slow_download: fleet.slow_download.into(),
            lasting: fleet.lasting.get(),
            retries: fleet.reported_retries,
            steady: fleet.steady,
            failed_after: failing_after.map(TimeData::from),
            rejected_after: rejecting_after.map(TimeData::from),
            offline: offline.map(|offline| OfflineData {
                share: offline.share.get(),
                time: offline.seconds.into(),
            }),
            outage: outage
                .map(|outage| RangeData { from: outage.from.minutes(), to: outage.to.minutes() }),
            drift: DriftData {
                time: drift.time.map(|(from, to)| RangeData { from, to }),
                failed: drift.failing.map(shares),
                silent: drift.silent.map(shares),
            },
            slow_first,
        }
    }
}

impl From<&Study> for StudyData {
    fn from(study: &Study) -> Self {
        let guard = |guard: &GuardShare| GuardData {
            name: guard.name.clone(),
            fired: guard.fired.into(),
            stopped: guard.stopped.into(),
        };
        Self {
            runs: study.runs,
            stopped: study.stopped.into(),
            fired: study.fired.into(),
            guards: study.guards.iter().map(guard).collect(),
            exposed: study.exposed.map(SpreadData::from),
            exposed_at_stop: study.exposed_at_stop.map(SpreadData::from),
            minutes_to_stop: study.minutes_to_stop.map(SpreadData::from),
        }
    }
}

impl From<Proportion> for ProportionData {
    fn from(share: Proportion) -> Self {
        let (low, high) = share.interval();
        Self { runs: share.count, share: share.estimate(), low, high }
    }
}

impl From<Spread> for SpreadData {
    fn from(spread: Spread) -> Self {
        Self { p5: spread.p5.into(), p50: spread.p50.into(), p95: spread.p95.into() }
    }
}

impl From<Quantile> for QuantileData {
    fn from(quantile: Quantile) -> Self {
        Self { value: quantile.value, low: quantile.low, high: quantile.high }
    }
}
