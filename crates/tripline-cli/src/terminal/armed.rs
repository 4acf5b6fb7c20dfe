//! What arming a job has changed, or would: for people, and for programs.

use schemars::JsonSchema;
use serde::Serialize;

use super::alarm::topics;
use super::table::table;
use crate::aws::arming::guard::{Guard, Report};
use crate::aws::arming::plan::{Change, Planned};

/// Whether a change was made, is going to be made, or would be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tense {
    Was,
    Will,
    Would,
}

impl Tense {
    /// That of what a guard does.
    pub fn of(guard: &Guard) -> Self {
        if guard.dry_run { Self::Would } else { Self::Was }
    }

    /// `created`, `will be created`, `would be created`
    pub fn put(self, done: &str) -> String {
        match self {
            Self::Was => done.to_owned(),
            Self::Will => format!("will be {done}"),
            Self::Would => format!("would be {done}"),
        }
    }
}

impl Planned {
    fn change(&self, tense: Tense) -> String {
        match &self.change {
            Change::Create => tense.put("created"),
            Change::Update(_) => tense.put("updated"),
            Change::Keep => "unchanged".to_owned(),
        }
    }
}

impl Report {
    pub fn text(&self, tense: Tense) -> String {
        let mut rows: Vec<_> = self
            .plan
            .alarms
            .iter()
            .map(|alarm| {
                let notified = topics(&alarm.definition);
                let does = self.stopping.does(&alarm.actions);
                [alarm.name.clone(), alarm.change(tense), alarm.watches.clone(), notified, does]
            })
            .collect();
        let removed = tense.put("removed");
        rows.extend(self.plan.strays.iter().map(|name| {
            let why = "no longer in the config".to_owned();
            [name.clone(), removed.clone(), why, String::new(), String::new()]
        }));
        table(["ALARM", "CHANGE", "WATCHES", "ALERTS", "DOES"], &rows)
    }

    pub fn data(&self, guard: &Guard, region: &str) -> ArmedData {
        let alarm = |alarm: &Planned| ArmedAlarm {
            name: alarm.name.clone(),
            alarm: alarm.definition.name.to_string(),
            change: match alarm.change {
                Change::Create => ChangeData::Create,
                Change::Update(_) => ChangeData::Update,
                Change::Keep => ChangeData::Keep,
            },
            watches: alarm.watches.clone(),
            actions: alarm.actions.clone(),
            does: self.stopping.does(&alarm.actions),
            in_alarm_already: alarm.mute,
        };
        ArmedData {
            job_id: guard.job.to_string(),
            stack: guard.stack.clone(),
            region: region.to_owned(),
            dry_run: guard.dry_run,
            alarms: self.plan.alarms.iter().map(alarm).collect(),
            removed: self.plan.strays.clone(),
            spared: self.plan.spared.clone(),
            job_events_were_on: self.job_events_were_on,
            stop_mode: self.stopping.mode.to_string(),
            stops: self.stops(),
            unconfirmed: self.stopping.unconfirmed.clone(),
        }
    }
}

/// How a job was armed, or would be, for programs.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ArmedData {
    job_id: String,
    stack: String,
    region: String,
    dry_run: bool,
    alarms: Vec<ArmedAlarm>,
    /// Names of alarms that are no longer in the config.
    removed: Vec<String>,
    /// Names of alarms that stay, since no alarm of the config can stop the rollout.
    spared: Vec<String>,
    job_events_were_on: bool,
    stop_mode: String,
    /// Whether any alarm stops the rollout.
    stops: bool,
    /// E-mail addresses that nothing is sent to, since they were not confirmed.
    unconfirmed: Vec<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ArmedAlarm {
    /// Its name in CloudWatch.
    name: String,
    /// Its name in the config.
    alarm: String,
    change: ChangeData,
    /// What it watches, in words.
    watches: String,
    /// ARNs of its topics.
    actions: Vec<String>,
    /// What follows when it fires.
    does: String,
    /// It is in ALARM, so that its actions do not run again.
    in_alarm_already: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum ChangeData {
    Create,
    Update,
    Keep,
}
