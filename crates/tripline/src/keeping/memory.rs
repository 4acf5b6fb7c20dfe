//! What the keeper has to know from minute to minute, whichever environment it runs in.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::pipeline::Pipeline;
use crate::job::JobId;
use crate::time::Timestamp;

/// Most jobs that are remembered: what DynamoDB takes in one item, with room.
pub const MAX_JOBS: usize = 2_000;

/// What is remembered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// Since when job events have been on and somebody has looked, in seconds since the epoch.
    #[serde(default)]
    pub since: i64,
    /// By job.
    #[serde(default)]
    pub jobs: BTreeMap<String, Remembered>,
}

/// What is remembered of a job.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// Whether its endings are counted.
    #[serde(flatten)]
    pub pipeline: Pipeline,
    /// Devices that may have died at work.
    #[serde(default)]
    pub suspects: u32,
    /// Whether these are enough for people to look.
    #[serde(default)]
    pub worry: bool,
}

impl Memory {
    /// Reads what was written; what cannot be read is forgotten, and the watch begins anew.
    pub fn from_text(text: Option<&str>, now: Timestamp) -> Self {
        text.and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_else(|| Self { since: now.seconds(), jobs: BTreeMap::new() })
    }

    /// As text, with at most [`MAX_JOBS`] jobs.
    pub fn to_text(&self) -> String {
        let jobs = self.jobs.iter().take(MAX_JOBS).map(|(job, is)| (job.clone(), *is)).collect();
        serde_json::to_string(&Self { since: self.since, jobs }).unwrap_or_default()
    }

    /// Whether a job's whole life lies within what was watched.
    pub fn saw_beginning(&self, created: Timestamp) -> bool {
        created.seconds() >= self.since
    }

    /// What is remembered of a job.
    pub fn of(&self, job: &JobId) -> Option<Remembered> {
        self.jobs.get(job.as_str()).copied()
    }

    /// Executions that ended while no event was counted, of all jobs.
    pub fn uncounted(&self) -> u64 {
        self.jobs.values().map(|job| u64::from(job.pipeline.uncounted())).sum()
    }

    /// Jobs with so many suspect devices that people should look.
    pub fn worrying(&self) -> usize {
        self.jobs.values().filter(|job| job.worry).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut memory = Memory { since: 1_790_000_000, jobs: BTreeMap::new() };
        let mut pipeline = Pipeline::seen(7, 7);
        let _ = pipeline.needs_count(9, Timestamp::from_seconds(60), 600);
        let job = Remembered { pipeline, suspects: 6, worry: true };
        memory.jobs.insert("fw".to_owned(), job);
        let now = Timestamp::from_seconds(1);
        assert_eq!(Memory::from_text(Some(&memory.to_text()), now), memory);
        assert_eq!((memory.worrying(), memory.uncounted()), (1, 0));
        for unreadable in [None, Some(""), Some("{\"since\": true}")] {
            let fresh = Memory { since: 1, jobs: BTreeMap::new() };
            assert_eq!(Memory::from_text(unreadable, now), fresh);
        }
    }

    #[test]
    fn it_fits_into_one_item() {
        let mut memory = Memory { since: i64::MAX, jobs: BTreeMap::new() };
        for job in 0..MAX_JOBS + 1 {
            let mut pipeline = Pipeline::seen(u32::MAX - 1, u32::MAX - 1);
            let _ = pipeline.needs_count(u32::MAX, Timestamp::from_seconds(1_790_000_000), 0);
            let is = Remembered { pipeline, suspects: u32::MAX, worry: true };
            memory.jobs.insert(format!("{job:x<64}"), is);
        }
        let text = memory.to_text();
        assert!(text.len() < 400_000, "{}", text.len());
        assert_eq!(Memory::from_text(Some(&text), Timestamp::from_seconds(0)).jobs.len(), MAX_JOBS);
    }
}
