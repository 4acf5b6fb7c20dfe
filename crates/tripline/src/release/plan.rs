//! A release as it was started: everything that its waves are made from, so that nothing of it is on
//! anybody's machine.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::name::{ReleaseId, WaveName};
use crate::job::JobId;

/// Most waves of a release.
pub const MAX_WAVES: usize = 20;
/// Longest plan in bytes. DynamoDB takes 400 kB an item.
pub const MAX_PLAN: usize = 350_000;

/// A release, worked out beforehand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// What it is called.
    pub release: ReleaseId,
    /// Which attempt it is, from 1.
    pub attempt: u32,
    /// When it was started, in seconds since the epoch.
    pub started: i64,
    /// Who has started it.
    pub by: String,
    /// What messages call its config.
    pub file: String,
    /// The config: rates, retries, alarms and limits are read from it.
    pub config: String,
    /// The baseline that its limits are of, if they are of one.
    pub baseline: Option<String>,
    /// The job document.
    pub document: String,
    /// Tags of its jobs.
    pub tags: BTreeMap<String, String>,
    /// Which share of healthy releases may be stopped, above 0 and below 1: split evenly over the waves.
    pub false_stops: f64,
    /// In their order.
    pub waves: Vec<PlannedWave>,
}

/// A wave, worked out beforehand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedWave {
    /// What it is called.
    pub name: WaveName,
    /// Its job.
    pub job: JobId,
    /// The ARNs of its targets: at most a hundred.
    pub targets: Vec<String>,
    /// The thing group that was made for it, and goes once the release has ended.
    pub group: Option<String>,
    /// How many devices it is.
    pub devices: u32,
    /// Devices a minute; `None`: as the config says for all.
    pub rate: Option<u32>,
    /// How long it is watched after its last device was notified, in seconds.
    pub bake: u32,
    /// Which share of its devices may be unsuccessful, 0 to 1.
    pub tolerance: f64,
    /// How long its gate may take, in seconds, after the bake began, before a person is asked.
    pub decide_within: u32,
    /// A person lets it begin.
    pub approval: bool,
    /// About so many devices decide it.
    pub clears_at: Option<u32>,
}

impl Plan {
    /// The share of healthy rollouts of one wave that may be stopped.
    pub fn false_stops_of_a_wave(&self) -> f64 {
        // Sums stay below the whole: the bound of all waves is at most the sum of theirs.
        self.false_stops / self.waves.len().max(1) as f64
    }

    /// As text: JSON in one line.
    pub fn to_text(&self) -> String {
        // Numbers and words always have a text.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads what was written; `None` if it is none.
    pub fn from_text(text: &str) -> Option<Self> {
        let plan: Self = serde_json::from_str(text).ok().filter(|_| text.len() <= MAX_PLAN)?;
        let is_share = |share: f64| (0.0..=1.0).contains(&share);
        let fits = (1..=MAX_WAVES).contains(&plan.waves.len())
            && is_share(plan.false_stops)
            && plan.waves.iter().all(|wave| is_share(wave.tolerance) && !wave.targets.is_empty());
        fits.then_some(plan)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub fn plan(waves: usize) -> Plan {
        let release = ReleaseId::new("pump-9").unwrap();
        let wave = |number: usize| {
            let name = WaveName::new(&format!("w{number}")).unwrap();
            PlannedWave {
                job: release.job(1, &name).unwrap(),
                targets: vec![format!("arn:aws:iot:us-east-1:111122223333:thing/{number}")],
                group: None,
                devices: 5,
                rate: None,
                bake: 60,
                tolerance: 0.02,
                decide_within: 60,
                approval: false,
                clears_at: None,
                name,
            }
        };
        Plan {
            attempt: 1,
            started: 7,
            by: "Mara".to_owned(),
            file: "dev.ini".to_owned(),
            config: String::new(),
            baseline: None,
            document: "{}".to_owned(),
            tags: BTreeMap::new(),
            false_stops: 0.01,
            waves: (0..waves).map(wave).collect(),
            release,
        }
    }

    #[test]
    fn what_is_written_is_read() {
        for waves in [1, MAX_WAVES] {
            assert_eq!(Plan::from_text(&plan(waves).to_text()), Some(plan(waves)));
        }
    }

    #[test]
    fn what_cannot_be_is_no_plan() {
        let with = |change: fn(&mut Plan)| {
            let mut plan = plan(2);
            change(&mut plan);
            plan.to_text()
        };
        for text in [
            String::new(),
            "{}".to_owned(),
            plan(0).to_text(),
            plan(MAX_WAVES + 1).to_text(),
            with(|plan| plan.false_stops = 1.5),
            with(|plan| plan.waves[0].tolerance = -0.1),
            with(|plan| plan.waves[1].targets.clear()),
            with(|plan| plan.document = "x".repeat(MAX_PLAN)),
        ] {
            assert_eq!(Plan::from_text(&text), None);
        }
    }

    #[test]
    fn the_waves_share_the_false_stops_of_the_release() {
        for waves in 1..=MAX_WAVES {
            let plan = plan(waves);
            let all = plan.false_stops_of_a_wave() * waves as f64;
            assert!((all - plan.false_stops).abs() < 1e-12);
        }
    }
}
