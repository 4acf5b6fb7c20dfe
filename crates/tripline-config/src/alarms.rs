//! Which alarms guard a job.

use tripline::alarm::AlarmDefinition;
use tripline::faults::{Fault, Faults};
use tripline::job::JobId;
use tripline::release::hold::{OnAlarm, OnHoldFailed};
use tripline::text::excerpt;

use crate::alarm;
use crate::ini::{Ini, Section, read_whole};
use crate::keys::{ALARM_CONFIG, ALARM_PREFIX, DEFAULT, DEFAULT_GUARD, ON_ALARM, ON_HOLD_FAILED};
use crate::near::near;
use crate::reader::{Reader, unknown_keys};
use crate::slips::slip_in_list;

/// Most alarms of a job: far more than anybody can read, and CloudWatch takes three a second.
pub const MAX_ALARMS: usize = 100;

/// What a `dev.ini` says of alarms.
#[derive(Debug, Clone, PartialEq)]
pub struct AlarmConfig {
    /// The alarms in `alarmList`, in its order. None if the section or the list is empty, which is
    /// how a config switches its alarms off.
    pub alarms: Vec<AlarmDefinition>,
    /// `defaultGuard`: whether the stack's default guard watches for what the config's alarms do not see.
    /// True unless the config says otherwise.
    pub default_guard: bool,
    /// `onAlarm`: what is done when an alarm that may stop the rollout fires.
    pub on_alarm: OnAlarm,
    /// `onHoldFailed`: what is done if a hold does not take effect.
    pub on_hold_failed: OnHoldFailed,
    /// `jobId` of `[DEFAULT]`, unless it is missing or cannot be one.
    pub job: Option<JobId>,
    /// `region` of `[DEFAULT]`.
    pub region: Option<String>,
    /// Alarms that are described and not in `alarmList`, so that nothing comes of them.
    pub unlisted: Vec<String>,
}

impl AlarmConfig {
    /// Reads the alarms from the text of a `dev.ini`. `file` is what the errors call it.
    pub fn parse(file: &str, text: &str) -> Result<Self, Faults> {
        read_whole(file, text, read)
    }
}

pub(crate) fn read(ini: &Ini, faults: &mut Vec<Fault>) -> AlarmConfig {
    let mut config = AlarmConfig {
        alarms: Vec::new(),
        default_guard: true,
        on_alarm: OnAlarm::default(),
        on_hold_failed: OnHoldFailed::default(),
        job: None,
        region: None,
        unlisted: Vec::new(),
    };
    if let Some(default) = ini.section(DEFAULT) {
        let value = |key| ini.get(default, key).and_then(Result::ok).map(|entry| entry.value);
        config.job = value("jobId").and_then(|id| JobId::new(&id).ok());
        config.region = value("region").filter(|region| !region.is_empty());
        alarm::unknown_keys_of_default(default, faults);
    }
    let described: Vec<&str> =
        ini.sections().filter_map(|section| section.name.strip_prefix(ALARM_PREFIX)).collect();
    let Some(list) = ini.section(ALARM_CONFIG) else {
        misspelt_section(ini, &described, faults);
        config.unlisted = described.into_iter().map(str::to_owned).collect();
        return config;
    };
    unknown_keys(list, faults);
    let mut read = Reader::new(ini, faults);
    config.default_guard = read.boolean(list, DEFAULT_GUARD).unwrap_or(true);
    (config.on_alarm, config.on_hold_failed) = read.holds(list);
    let entry = match ini.get(list, "alarmList") {
        Some(Ok(entry)) => entry,
        Some(Err(fault)) => {
            faults.push(fault);
            return config;
        }
        None => {
            faults.push(Fault::at(list.line, "`[ALARM_CONFIG]`: missing key `alarmList` (expected names separated by commas, or nothing)".to_owned()));
            return config;
        }
    };
    let mut listed: Vec<&str> = Vec::new();
    for name in entry.value.split([',', '\n']).map(str::trim).filter(|name| !name.is_empty()) {
        if listed.contains(&name) {
            faults.push(Fault::at(
                entry.line,
                format!("alarmList: `{}` is named twice", excerpt(name)),
            ));
            continue;
        }
        if listed.len() == MAX_ALARMS {
            faults.push(Fault::at(entry.line, format!("alarmList: more than {MAX_ALARMS} alarms")));
            break;
        }
        listed.push(name);
        match ini.section(&format!("{ALARM_PREFIX}{name}")) {
            Some(section) => config.alarms.extend(alarm::read(ini, section, name, faults)),
            None => faults.push(
                Fault::at(
                    entry.line,
                    format!("alarmList: `{0}` has no section `[{ALARM_PREFIX}{0}]`", excerpt(name)),
                )
                .hint(of_unknown_alarm(name, &described)),
            ),
        }
    }
    config.unlisted =
        described.into_iter().filter(|name| !listed.contains(name)).map(str::to_owned).collect();
    config
}

/// What to do about a name that no section has.
fn of_unknown_alarm(name: &str, described: &[&str]) -> Option<String> {
    slip_in_list(name, |part| described.contains(&part))
        .or_else(|| near(name, described).map(|near| format!("did you mean `{}`?", excerpt(near))))
}

impl Reader<'_> {
    /// What is done when an alarm fires, and if a hold does not take effect.
    fn holds(&mut self, list: &Section) -> (OnAlarm, OnHoldFailed) {
        let on_alarm =
            self.optional(list, ON_ALARM, "`cancel` or `hold`", |text| text.parse().ok());
        let on_hold_failed =
            self.optional(list, ON_HOLD_FAILED, "`cancel` or `alert`", |text| text.parse().ok());
        (on_alarm.unwrap_or_default(), on_hold_failed.unwrap_or_default())
    }
}

/// A config without a guard of its own cannot keep the default guard away: the guard-keeper arms that for
/// every job that brings none, unless the job opts out by its tag. `is_empty`: it guards by nothing.
pub(crate) fn guards_by_nothing(ini: &Ini, is_empty: bool, faults: &mut Vec<Fault>) {
    let Some(section) = ini.section(ALARM_CONFIG).filter(|_| is_empty && faults.is_empty()) else {
        return;
    };
    let mut read = Reader::new(ini, faults);
    if read.boolean(section, DEFAULT_GUARD) == Some(false) {
        let line = read.line_of(section, DEFAULT_GUARD);
        let text = "`[ALARM_CONFIG]`: defaultGuard is False, and nothing else guards the job (expected alarms in `alarmList`, or limits in `[EVIDENCE_CONFIG]`)";
        let hint =
            "a job goes without any guard if its tag `tripline:guard` is `off` from the beginning";
        faults.push(Fault::at(line, text.to_owned()).hint(Some(hint.to_owned())));
    }
}

/// Without `[ALARM_CONFIG]` a config has no alarms. That must not come from a slip of the pen.
fn misspelt_section(ini: &Ini, described: &[&str], faults: &mut Vec<Fault>) {
    if let Some(section) = ini.sections().find(|section| {
        // A neighbor in spelling, and a section of its own.
        section.name != "ABORT_CONFIG"
            && !section.name.starts_with(ALARM_PREFIX)
            && near(&section.name, &[ALARM_CONFIG]).is_some()
    }) {
        faults.push(
            Fault::at(section.line, format!("unknown section `[{}]`", excerpt(&section.name)))
                .hint(Some(format!("did you mean `[{ALARM_CONFIG}]`?"))),
        );
    } else if let (Some(name), Some(section)) =
        (described.first(), ini.sections().find(|section| section.name.starts_with(ALARM_PREFIX)))
    {
        faults.push(
            Fault::at(section.line, format!("alarm `{}` is described, but there is no `[{ALARM_CONFIG}]` section that lists it", excerpt(name)))
                .hint(Some(format!("add `[{ALARM_CONFIG}]` with `alarmList = {}`, or with an empty list to arm nothing", excerpt(name)))),
        );
    }
}
