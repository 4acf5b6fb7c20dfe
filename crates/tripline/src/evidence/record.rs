//! What is kept of a job's evidence beside its state, for whoever asks: the force-stopper before a
//! stop, `watch`, doctor, and the keeper a minute later.

use serde::{Deserialize, Serialize};

use super::limits::Limits;
use super::smallest::Needs;
use super::standing::Standing;
use super::state::State;
use super::verdict::LimitName;
use crate::job::JobId;
use crate::text::clean;

/// What the last tick of a job came to. Times are in seconds since the epoch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Record {
    /// When the job was created. Another job may have its name later.
    pub created: i64,
    /// When AWS IoT was read.
    pub at: i64,
    /// When the minute 0 of its ticks began, in milliseconds.
    pub origin: i64,
    /// The evidence as it is published.
    pub evidence: f64,
    /// The evidence at which the rollout is to be stopped.
    pub threshold: f64,
    /// Since when it has been there, if it is.
    pub breached: Option<i64>,
    /// When its alarm was last set to fire again.
    pub refired: Option<i64>,
    /// How the rollout stands.
    pub standing: Standing,
    /// How surely it is better than twice its limits: log10, at 1.3 the next wave may go. `None` if no
    /// limit can say so.
    pub clearance: Option<f64>,
    /// About how many devices it takes for clearance to open: [`Limits::clears_at`].
    pub clears_at: Option<u32>,
    /// The line for whoever watches.
    pub brief: String,
    /// Why it is to be stopped, in two sentences, if it is.
    pub reason: Option<String>,
    /// The next age of a limit, in minutes, that the devices that began first come to.
    pub next_age: Option<u32>,
    /// For how many minutes its clock has stood still.
    pub stalled: u32,
    /// When the executions in progress were last to be listed.
    pub tried: Option<i64>,
    /// Whether the executions in progress are listed: fixed when the job's first device began.
    pub list: Option<bool>,
    /// When they were last read whole, or none was in progress.
    pub listed: Option<i64>,
    /// What evidence does not see of this rollout, for people.
    pub unseen: Vec<String>,
    /// Whether it stops the rollout, and not only alerts people.
    pub stops: bool,
    /// How often it began again, under other limits or after a hold.
    pub restarts: u8,
    /// It is held: its evidence need not stop it.
    pub is_held: bool,
    /// After how many holds it has begun again.
    pub went_on: u8,
    /// By what it is judged what would be seen of the rollout.
    pub coverage: CoverageFacts,
}

/// What the guard-keeper knows of a rollout, by which everybody judges what would be seen of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CoverageFacts {
    /// How many devices it is to reach, if that is known.
    pub devices: Option<u32>,
    /// What evidence takes.
    pub needs: Option<Needs>,
    /// The least number of devices of which anything can be decided.
    pub least_devices: u32,
    /// AWS IoT counts attempts of it, and devices could not be counted.
    pub attempts_only: bool,
    /// Rejections do not count as failures.
    pub rejections_left_out: bool,
    /// That nothing stops it is meant.
    pub alerts_only: bool,
    /// Executions that ended by themselves, as far as they were counted.
    pub ended: u32,
    /// Of those, the ones that succeeded.
    pub succeeded: u32,
    /// Values of `downloadTime`.
    pub download_times: u32,
    /// Details that could not be used.
    pub invalid: u32,
    /// Executions that ended while no event was counted.
    pub uncounted: u32,
}

impl Record {
    /// How the key of its item in the stack's table begins, before the job's name. No job can be
    /// called so.
    pub const KEY_PREFIX: &str = "evidence#";
    /// The attribute that this is in, as text.
    pub const ATTRIBUTE: &str = "evidence";
    /// The attribute of the state's bytes.
    pub const STATE: &str = "state";
    /// The attribute of the last tick's minute: a write takes the place of the one that was read.
    pub const TICK: &str = "tick";
    /// Longest text in bytes.
    pub const MAX_BYTES: usize = 20_000;
    /// Most characters of a sentence.
    const MAX_SENTENCE: usize = 400;

    /// The key of a job's item.
    pub fn key(job: &JobId) -> String {
        format!("{}{job}", Self::KEY_PREFIX)
    }

    /// Takes in what a state comes to at its minute.
    #[must_use]
    pub fn of_state(self, state: &State, limits: &Limits) -> Self {
        let verdict = state.verdict(limits);
        let now = state.last().unwrap_or(0);
        let followed = limits.names().filter_map(|name| match name {
            LimitName::Rung(age) | LimitName::Timeout(age) => Some(age),
            _ => None,
        });
        let declared = limits.stairs().pairs().iter().map(|(age, _)| *age);
        let ages = followed.chain(declared).filter(|age| *age > verdict.minute);
        Self {
            evidence: verdict.published(limits),
            threshold: limits.threshold(),
            breached: verdict.stop.then(|| self.breached.unwrap_or(self.at)),
            standing: state.standing(limits, now),
            clearance: state.clearance().map(|clearance| clearance.value()),
            brief: verdict.brief(limits).to_string(),
            reason: state.reason(limits).map(|reason| reason.to_string()),
            next_age: ages.min(),
            stalled: verdict.stalled,
            ..self
        }
    }

    /// As text: JSON in one line.
    pub fn to_text(&self) -> String {
        // Numbers and words always have a text.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads what was written; `None` if it is none, or its numbers cannot be.
    pub fn from_text(text: &str) -> Option<Self> {
        if text.len() > Self::MAX_BYTES {
            return None;
        }
        let record: Self = serde_json::from_str(text).ok()?;
        let is_possible = |number: f64| number.is_finite() && number >= 0.0;
        (is_possible(record.evidence) && is_possible(record.threshold)).then_some(record)
    }

    /// Seconds since AWS IoT was read.
    pub fn age(&self, now: i64) -> i64 {
        now.saturating_sub(self.at)
    }

    /// Whether the rollout was to be stopped longer ago than a stop may take, in seconds.
    pub fn is_overdue(&self, tolerated: i64) -> bool {
        !self.is_held
            && self.breached.is_some_and(|since| self.at.saturating_sub(since) >= tolerated)
    }

    /// The same, counted from when its alarm was last set to fire again.
    pub fn still_runs(&self, tolerated: i64) -> bool {
        let last = self.breached.max(self.refired);
        let is_breached = self.breached.is_some() && !self.is_held;
        is_breached && last.is_some_and(|at| self.at.saturating_sub(at) >= tolerated)
    }

    /// Whether an alarm that fires at this threshold can be true: what is published may have been rounded.
    pub fn reaches(&self, threshold: f64) -> bool {
        const ROUNDING: f64 = 1e-6;
        self.evidence + ROUNDING >= threshold
    }

    /// The same with what people read cut to lengths that fit.
    #[must_use]
    pub fn bounded(self) -> Self {
        let short = |text: &String| clean(text, Self::MAX_SENTENCE);
        Self {
            brief: short(&self.brief),
            reason: self.reason.as_ref().map(short),
            unseen: self.unseen.iter().take(4).map(short).collect(),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{Parameters, Tick};

    fn limits() -> Limits {
        Limits::new(Parameters {
            unfinished: vec![(10, 0.3), (20, 0.1)],
            failed: 0.03,
            false_stops: 0.01,
            list: true,
            ..Parameters::default()
        })
        .unwrap()
    }

    /// After some minutes in each of which fifty devices begin and `failing` fail.
    fn record(minutes: u32, failing: u32) -> Record {
        let limits = limits();
        let mut state = State::new(&limits);
        for t in 1..=minutes {
            let (begun, failed) = (t * 50, t * failing);
            let tick = Tick { t, begun, ended: failed, unsuccessful: failed, ..Tick::default() };
            state.tick(&limits, &tick);
        }
        let before = Record { created: 7, at: 1_790_000_000, ..Record::default() };
        before.of_state(&state, &limits)
    }

    #[test]
    fn a_breach_is_kept_with_its_sentence_and_since_when() {
        let breach = record(9, 10);
        assert_eq!((breach.standing, breach.breached), (Standing::Breach, Some(1_790_000_000)));
        assert!(breach.reaches(2.0) && breach.evidence > 2.0 && breach.threshold == 2.0);
        let reason = breach.reason.clone().unwrap();
        assert!(reason.contains("failed; at most 3 % may (declared)"), "{reason}");
        let later = Record { at: 1_790_000_060, ..breach.clone() };
        assert_eq!(later.of_state(&State::new(&limits()), &limits()).breached, None);
        let healthy = record(9, 1);
        assert_eq!(
            (healthy.breached, healthy.reason.clone(), healthy.next_age),
            (None, None, Some(10))
        );
        assert!(!healthy.reaches(2.0));
    }

    #[test]
    fn what_is_written_is_read() {
        for record in [Record::default(), record(9, 10), record(3, 0)] {
            let read = Record::from_text(&record.to_text()).unwrap();
            assert!((read.evidence - record.evidence).abs() < 1e-9);
            let (evidence, clearance) = (record.evidence, record.clearance);
            assert_eq!(Record { evidence, clearance, ..read }, record);
        }
        // What another version left out is as it is at first.
        let old = Record::from_text(r#"{"created":7,"evidence":1.5,"threshold":2,"new":true}"#);
        let expected = Record { created: 7, evidence: 1.5, threshold: 2.0, ..Record::default() };
        assert_eq!(old, Some(expected));
    }

    #[test]
    fn what_cannot_be_is_no_record() {
        let long = format!("{{\"brief\":\"{}\"}}", "x".repeat(Record::MAX_BYTES));
        for text in
            ["", "7", "{\"evidence\":-1}", "{\"evidence\":\"much\"}", "{\"at\":1e99}", &long]
        {
            assert_eq!(Record::from_text(text), None, "{text}");
        }
    }

    #[test]
    fn it_fits_whatever_people_read_of_it() {
        let long = || "\u{1f600}\"".repeat(9_000);
        let record = Record {
            brief: long(),
            reason: Some(long()),
            unseen: (0..99).map(|_| long()).collect(),
            ..record(9, 10)
        };
        let text = record.bounded().to_text();
        assert!(text.len() < 20_000, "{}", text.len());
    }
}
