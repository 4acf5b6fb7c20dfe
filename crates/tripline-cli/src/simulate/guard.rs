//! A config as the guards of a rollout.

use std::path::Path;

use tripline::alarm::AlarmDefinition;
use tripline::rollout::RolloutConfig;
use tripline::stop::StopMode;
use tripline_config::AlarmConfig;
use tripline_simulation::simulation::{AbortPlan, AlarmPlan, EvidencePlan, GuardPlan, Scenario};

use super::arguments::Simulate;
use super::file::{self, device_count};
use super::fleet::Population;
use super::open::OpenParameters;
use crate::exit::Error;
use crate::input::{limits, source};

/// A config: how a job is rolled out, and who watches it.
pub struct Guards {
    /// The file, as messages call it.
    pub file: String,
    /// How the job is rolled out.
    pub rollout: RolloutConfig,
    /// Its alarms.
    pub alarms: Vec<AlarmPlan>,
    /// Evidence, if it declares limits and the guard-keeper publishes it.
    pub evidence: Option<EvidencePlan>,
    /// Its abort criteria.
    pub abort: AbortPlan,
    /// What its topics were taken for.
    pub notes: Vec<String>,
    /// Whether the guard-keeper publishes nothing.
    pub keeper_dead: bool,
    device_count: Option<u32>,
}

impl Guards {
    /// Reads a config.
    pub fn load(path: &Path, arguments: &Simulate) -> Result<Self, Error> {
        let Simulate { stop_mode, stop_topic, open, keeper_dead, .. } = arguments;
        let file = source::name_of(path);
        let text = source::read(path)?;
        let alarms = AlarmConfig::parse(&file, &text).map_err(source::faults)?.alarms;
        let rollout = tripline_config::parse_rollout(&file, &text).map_err(source::faults)?;
        let evidence = limits::load(path, &text)?;
        let topics_of_evidence = evidence.iter().map(|(config, _)| config.topics.as_slice());
        let all = alarms.iter().map(|alarm| alarm.topics.as_slice()).chain(topics_of_evidence);
        let notes = stop_topic.notes_of(&file, all.collect());
        let topics = stop_topic.topics();
        let evidence = evidence.filter(|_| !keeper_dead).map(|(config, limits)| {
            let stops = topics.are_among(&config.topics);
            EvidencePlan::new(limits, if stops { (*stop_mode).into() } else { StopMode::Observe })
        });
        // A dead guard-keeper counts no devices.
        let is_seen = |alarm: &AlarmDefinition| !(*keeper_dead && alarm.is_on_unsuccessful_rate());
        let alarms = alarms.into_iter().filter(is_seen).map(|alarm| {
            let mut plan = AlarmPlan::with_topics(alarm, (*stop_mode).into(), &topics);
            open.set_alarm(&mut plan);
            plan
        });
        let mut abort = AbortPlan::new(rollout.abort.clone());
        open.set_abort(&mut abort);
        if file::is_rollout_file(&text) {
            return Err(Error::Input(format!(
                "{file}: a rollout file stands where a config is expected\n\n  hint: name it with `--rollout`, or with `--against`"
            )));
        }
        Ok(Self {
            alarms: alarms.collect(),
            evidence,
            abort,
            rollout,
            notes,
            keeper_dead: *keeper_dead,
            device_count: device_count(&text),
            file,
        })
    }

    /// How many devices there are: what the option says, or else the config.
    pub fn devices(&self, option: Option<u32>) -> Result<u32, Error> {
        option.or(self.device_count.filter(|count| *count > 0)).ok_or_else(|| {
            let file = &self.file;
            Error::Input(format!("{file}: how many devices? `deviceCount` in `[DEFAULT]` is missing or no number\n\n  hint: give it with `--devices`"))
        })
    }

    /// The guards, the alarms first.
    pub fn plans(&self) -> Vec<&dyn GuardPlan> {
        let alarms = self.alarms.iter().map(|plan| plan as &dyn GuardPlan);
        let abort = (!self.abort.criteria.is_empty()).then_some(&self.abort as &dyn GuardPlan);
        let evidence = self.evidence.as_ref().map(|plan| plan as &dyn GuardPlan);
        alarms.chain(evidence).chain(abort).collect()
    }

    /// A rollout to a fleet.
    pub fn scenario(&self, population: Population, open: &OpenParameters) -> Scenario {
        let Population { fleet, conditions } = population;
        let usual = Scenario::new(fleet, self.rollout.clone(), open.start());
        let mut scenario = Scenario { conditions, ..usual };
        open.set_scenario(&mut scenario);
        scenario
    }
}
