//! A config as the guards of a rollout.

use std::path::Path;

use tripline::alarm::AlarmDefinition;
use tripline::evidence::{Limits, Needs};
use tripline::rollout::RolloutConfig;
use tripline::stop::StopMode;
use tripline_config::{AlarmConfig, EvidenceConfig};
use tripline_guard::coverage::{Coverage, Devices, Facts, Keeper, Watcher};
use tripline_guard::desired::{GuardAlarm, Purpose, evidence_alarm, parameter_of};
use tripline_simulation::simulation::{
    AbortPlan, Advice, AlarmPlan, EvidencePlan, GuardPlan, Scenario,
};

use super::arguments::Simulate;
use super::default_guard::default_alarms;
use super::file::{self, device_count};
use super::fleet::Population;
use super::open::OpenParameters;
use crate::exit::Error;
use crate::input::planned::{shape_of, stop_topic_of};
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
    /// Whether evidence is the default guard's.
    default_evidence: bool,
    /// Whether a stack would arm its default guard too, which nobody asked for here.
    pub lacks_default: bool,
    /// Whether the guard-keeper publishes nothing.
    pub keeper_dead: bool,
    device_count: Option<u32>,
    watched: Watched,
}

/// Who watches the rollout, for what would be seen of it.
struct Watched {
    alarms: Vec<GuardAlarm>,
    /// What evidence takes, if anybody computes it.
    needs: Option<Needs>,
    force_stop_topic: Option<String>,
    /// Nothing is stopped.
    is_observing: bool,
}

/// What is read before anything is planned.
struct Read {
    file: String,
    alarms: Vec<AlarmDefinition>,
    evidence: Option<(EvidenceConfig, Limits)>,
    rollout: RolloutConfig,
    device_count: Option<u32>,
    notes: Vec<String>,
    default_evidence: bool,
    lacks_default: bool,
}

impl Read {
    fn config(path: &Path) -> Result<Self, Error> {
        let file = source::name_of(path);
        let text = source::read(path)?;
        let AlarmConfig { alarms, default_guard: lacks_default, .. } =
            AlarmConfig::parse(&file, &text).map_err(source::faults_in(&text))?;
        let rollout =
            tripline_config::parse_rollout(&file, &text).map_err(source::faults_in(&text))?;
        let evidence = limits::load(path, &text)?;
        if file::is_rollout_file(&text) {
            return Err(Error::in_file(&file, "a rollout file stands where a config is expected")
                .hint("name it with `--rollout`, or with `--against`"));
        }
        let device_count = device_count(&text);
        let (notes, default_evidence) = (Vec::new(), false);
        Ok(Self {
            file,
            alarms,
            evidence,
            rollout,
            device_count,
            notes,
            default_evidence,
            lacks_default,
        })
    }

    /// No config: how AWS IoT rolls a job out that says nothing of it.
    fn nothing() -> Self {
        Self {
            file: NO_CONFIG.to_owned(),
            alarms: Vec::new(),
            evidence: None,
            rollout: RolloutConfig::default(),
            device_count: None,
            notes: Vec::new(),
            default_evidence: false,
            lacks_default: false,
        }
    }

    /// The stack's default guard beside what there is.
    /// `devices`: how many there are, if an option says so.
    fn with_default_guard(
        mut self,
        settings: &[String],
        devices: Option<u32>,
    ) -> Result<Self, Error> {
        let devices = devices.or(self.device_count);
        let default = default_alarms(settings, &self.rollout, devices)?;
        self.alarms.extend(default.alarms);
        // One job has one evidence: by the limits that were declared for it.
        self.default_evidence = self.evidence.is_none();
        self.lacks_default = false;
        self.evidence = self.evidence.or(Some(default.evidence));
        Ok(self)
    }
}

/// What stands where a config's name would, if there is none.
const NO_CONFIG: &str = "the default guard";

impl Guards {
    /// What the command names: a config, the stack's default guard, or both.
    pub fn of(arguments: &Simulate) -> Result<Self, Error> {
        let devices = arguments.devices;
        let read = match (arguments.config.as_deref(), &arguments.default_guard) {
            (config, None) => return Self::load(config.unwrap_or(Path::new("dev.ini")), arguments),
            (None, Some(settings)) => Read::nothing().with_default_guard(settings, devices)?,
            (Some(config), Some(settings)) => {
                let mut read = Read::config(config)?;
                if !read.lacks_default {
                    read.notes.push(format!(
                        "{}: defaultGuard is False, so a stack arms no default guard beside it",
                        read.file
                    ));
                }
                read.with_default_guard(settings, devices)?
            }
        };
        Ok(Self::new(read, arguments))
    }

    /// Reads a config.
    pub fn load(path: &Path, arguments: &Simulate) -> Result<Self, Error> {
        Ok(Self::new(Read::config(path)?, arguments))
    }

    fn new(read: Read, arguments: &Simulate) -> Self {
        let Simulate { stop_mode, stop_topic, open, keeper_dead, .. } = arguments;
        let Read { file, alarms, evidence, rollout, device_count, .. } = read;
        let Read { mut notes, default_evidence, lacks_default, .. } = read;
        let topics_of_evidence = evidence.iter().map(|(config, _)| config.topics.as_slice());
        let all = alarms.iter().map(|alarm| alarm.topics.as_slice()).chain(topics_of_evidence);
        notes.extend(stop_topic.notes_of(&file, all.collect()));
        let topics = stop_topic.topics();
        let mut watched: Vec<GuardAlarm> = alarms.iter().cloned().map(GuardAlarm::of).collect();
        let on_evidence = evidence.as_ref().and_then(|(config, _)| evidence_alarm(config));
        watched.extend(on_evidence.map(GuardAlarm::Config));
        let named = watched.iter().flat_map(GuardAlarm::topics);
        let watched = Watched {
            force_stop_topic: stop_topic_of(named, &topics).map(str::to_owned),
            needs: evidence.as_ref().map(|(_, limits)| limits.needs()),
            is_observing: StopMode::from(*stop_mode) == StopMode::Observe,
            alarms: watched,
        };
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
        Self {
            alarms: alarms.collect(),
            evidence,
            abort,
            rollout,
            notes,
            default_evidence,
            lacks_default,
            keeper_dead: *keeper_dead,
            device_count,
            file,
            watched,
        }
    }

    /// What becomes of a rollout to so many devices in each way to go wrong.
    pub fn coverage(&self, devices: u32) -> Coverage {
        let Watched { alarms, needs, force_stop_topic, is_observing } = &self.watched;
        let shape = shape_of(&self.rollout, Devices::Exactly(devices), false);
        // Whatever is not simulated decides nothing.
        let facts = Facts::of_new(shape, *needs, 0);
        let keeper =
            if self.keeper_dead { Keeper::Silent(Keeper::SILENT_FROM) } else { facts.keeper };
        let watcher = |alarm: &GuardAlarm| match is_observing {
            true => Watcher::wanted(&alarm.clone().alert_only(), None),
            false => Watcher::wanted(alarm, force_stop_topic.as_deref()),
        };
        let watchers: Vec<Watcher> = alarms.iter().map(watcher).collect();
        let purpose = if *is_observing { Purpose::Alert } else { Purpose::Stop };
        Coverage::new(&Facts { keeper, ..facts }, &watchers, purpose)
    }

    /// The setting that advice is of: a key of the config, or a parameter of the stack.
    pub fn setting_of(&self, advice: &Advice) -> &'static str {
        match (advice.setting, self.default_evidence && advice.rule == EvidencePlan::NAME) {
            ("unfinishedLimits", true) => "EvidenceUnfinishedLimits",
            ("failedLimit", true) => "EvidenceFailedLimit",
            (setting, _) => parameter_of(&advice.rule, setting).unwrap_or(setting),
        }
    }

    /// How many devices there are: what the option says, or else the config.
    pub fn devices(&self, option: Option<u32>) -> Result<u32, Error> {
        option.or(self.device_count.filter(|count| *count > 0)).ok_or_else(|| {
            let file = &self.file;
            if file == NO_CONFIG {
                return Error::input("how many devices?").hint("give it with `--devices`");
            }
            Error::in_file(
                file,
                "how many devices? `deviceCount` in `[DEFAULT]` is missing or no number",
            )
            .hint("give it with `--devices`")
        })
    }

    /// The guards, the alarms first.
    pub fn plans(&self) -> Vec<&dyn GuardPlan> {
        self.plans_with(self.evidence.as_ref())
    }

    /// The same with other evidence in the place of its own.
    pub fn plans_with<'a>(&'a self, evidence: Option<&'a EvidencePlan>) -> Vec<&'a dyn GuardPlan> {
        let alarms = self.alarms.iter().map(|plan| plan as &dyn GuardPlan);
        let abort = (!self.abort.criteria.is_empty()).then_some(&self.abort as &dyn GuardPlan);
        let evidence = evidence.map(|plan| plan as &dyn GuardPlan);
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
