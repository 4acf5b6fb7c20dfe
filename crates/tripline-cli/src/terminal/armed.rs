//! What arming a job has changed, or would: for people, and for programs.

use serde_json::json;

use super::alarm::topics;
use super::table::table;
use crate::aws::arming::guard::{Guard, Report};
use crate::aws::arming::plan::{Change, Planned};

impl Planned {
    fn change(&self, dry_run: bool) -> &'static str {
        match (&self.change, dry_run) {
            (Change::Create, false) => "created",
            (Change::Create, true) => "would be created",
            (Change::Update(_), false) => "updated",
            (Change::Update(_), true) => "would be updated",
            (Change::Keep, _) => "unchanged",
        }
    }
}

impl Report {
    pub fn text(&self, dry_run: bool) -> String {
        let mut rows: Vec<_> = self
            .plan
            .alarms
            .iter()
            .map(|alarm| {
                let notified = topics(&alarm.definition);
                let does = self.stopping.does(&alarm.actions);
                [
                    alarm.name.clone(),
                    alarm.change(dry_run).to_owned(),
                    alarm.watches.clone(),
                    notified,
                    does,
                ]
            })
            .collect();
        let removed = if dry_run { "would be removed" } else { "removed" };
        rows.extend(self.plan.strays.iter().map(|name| {
            let why = "no longer in the config".to_owned();
            [name.clone(), removed.to_owned(), why, String::new(), String::new()]
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
