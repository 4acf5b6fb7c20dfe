//! What arming a job has changed, or would: for people, and for programs.

use serde_json::json;

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

    pub fn json(&self, guard: &Guard, region: &str) -> serde_json::Value {
        let alarms: Vec<_> = self
            .plan
            .alarms
            .iter()
            .map(|alarm| {
                json!({
                    "name": alarm.name,
                    "alarm": alarm.definition.name.as_str(),
                    "change": match alarm.change {
                        Change::Create => "create",
                        Change::Update(_) => "update",
                        Change::Keep => "keep",
                    },
                    "watches": alarm.watches,
                    "actions": alarm.actions,
                    "does": self.stopping.does(&alarm.actions),
                    "inAlarmAlready": alarm.mute,
                })
            })
            .collect();
        json!({
            "job": guard.job.as_str(), "stack": guard.stack, "region": region,
            "dryRun": guard.dry_run, "alarms": alarms, "removed": self.plan.strays,
            "spared": self.plan.spared,
            "jobEventsWereOn": self.job_events_were_on,
            "stopMode": self.stopping.mode.to_string(), "stops": self.stops(),
            "unconfirmed": self.stopping.unconfirmed,
        })
    }
}
