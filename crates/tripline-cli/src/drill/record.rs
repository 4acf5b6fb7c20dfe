//! What a drill has seen: its steps, how each ended and how long it took.

use std::fmt;
use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::Serialize;

use crate::terminal::table::table;

/// The links of the chain, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    JobEvents,
    Armed,
    Reported,
    Counted,
    InAlarm,
    Stopped,
    Alerted,
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepOutcome {
    /// It was seen.
    Passed(String),
    /// A link is cut, or AWS refused something.
    Failed(String),
    /// It was not seen in time.
    TimedOut(String),
    Interrupted,
}

impl Step {
    pub const ALL: [Self; 7] = [
        Self::JobEvents,
        Self::Armed,
        Self::Reported,
        Self::Counted,
        Self::InAlarm,
        Self::Stopped,
        Self::Alerted,
    ];

    pub fn number(self) -> usize {
        self as usize + 1
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::JobEvents => "job-events",
            Self::Armed => "armed",
            Self::Reported => "reported",
            Self::Counted => "counted",
            Self::InAlarm => "in-alarm",
            Self::Stopped => "stopped",
            Self::Alerted => "alerted",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "step {} ({})", self.number(), self.name())
    }
}

/// The steps that came, in their order.
#[derive(Debug, Default)]
pub struct Record {
    ended: Vec<(Step, StepOutcome, Duration)>,
    current: Option<(Step, Instant)>,
}

impl Record {
    pub fn begin(&mut self, step: Step) {
        self.current = Some((step, Instant::now()));
    }

    /// Notes how the current step ended, and returns its line.
    pub fn end(&mut self, outcome: StepOutcome) -> Option<String> {
        let (step, begun) = self.current.take()?;
        self.ended.push((step, outcome, begun.elapsed()));
        Some(self.row(step).join("  "))
    }

    /// The step at which the drill ended, if it was one: what comes between two steps is none.
    pub fn failed(&self) -> Option<Step> {
        let (step, outcome, _) = self.ended.last()?;
        (!matches!(outcome, StepOutcome::Passed(_))).then_some(*step)
    }

    /// Whether every step was seen.
    pub fn is_whole(&self) -> bool {
        Step::ALL.iter().all(|step| self.has_passed(*step))
    }

    /// Whether a step was seen.
    pub fn has_passed(&self, step: Step) -> bool {
        matches!(self.outcome_of(step), Some((StepOutcome::Passed(_), _)))
    }

    fn outcome_of(&self, step: Step) -> Option<(&StepOutcome, Duration)> {
        let ended = self.ended.iter().find(|(other, ..)| *other == step)?;
        Some((&ended.1, ended.2))
    }

    fn row(&self, step: Step) -> [String; 5] {
        let (result, took, text) = match self.outcome_of(step) {
            None => ("not reached", String::new(), String::new()),
            Some((outcome, took)) => {
                (outcome.word(), format!("{:.1} s", took.as_secs_f64()), outcome.text().to_owned())
            }
        };
        [step.number().to_string(), step.name().to_owned(), result.to_owned(), took, text]
    }

    pub fn text(&self) -> String {
        let rows: Vec<_> = Step::ALL.iter().map(|step| self.row(*step)).collect();
        table(["STEP", "LINK", "RESULT", "TIME", "SEEN"], &rows)
    }

    pub fn data(&self) -> Vec<StepData> {
        let step = |step: &Step| {
            let of = self.outcome_of(*step);
            StepData {
                step: step.number(),
                link: step.name(),
                result: of.map_or("not reached", |(outcome, _)| outcome.word()),
                seconds: of.map(|(_, took)| (took.as_secs_f64() * 1e3).round() / 1e3),
                seen: of.map(|(outcome, _)| outcome.text().to_owned()),
            }
        };
        Step::ALL.iter().map(step).collect()
    }
}

/// A step of a drill, for programs.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StepData {
    /// From 1.
    step: usize,
    /// The link of the chain that it is about.
    link: &'static str,
    /// `ok`, `failed`, `not in time`, `interrupted` or `not reached`.
    result: &'static str,
    seconds: Option<f64>,
    /// What was seen, in words.
    seen: Option<String>,
}

impl StepOutcome {
    fn word(&self) -> &'static str {
        match self {
            Self::Passed(_) => "ok",
            Self::Failed(_) => "failed",
            Self::TimedOut(_) => "not in time",
            Self::Interrupted => "interrupted",
        }
    }

    /// In one line.
    fn text(&self) -> &str {
        match self {
            Self::Passed(text) | Self::Failed(text) | Self::TimedOut(text) => {
                text.split('\n').next().unwrap_or_default()
            }
            Self::Interrupted => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_numbered_from_one_in_their_order() {
        let numbers: Vec<_> = Step::ALL.iter().map(|step| step.number()).collect();
        assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(Step::Alerted.to_string(), "step 7 (alerted)");
    }

    #[test]
    fn a_drill_is_whole_once_every_step_was_seen() {
        let mut record = Record::default();
        for step in Step::ALL {
            assert!(!record.is_whole());
            record.begin(step);
            record.end(StepOutcome::Passed("yes".to_owned()));
            assert_eq!(record.failed(), None);
        }
        assert!(record.is_whole());
        let mut late = Record::default();
        late.begin(Step::JobEvents);
        late.end(StepOutcome::TimedOut("nothing\n  hint: wait".to_owned()));
        assert_eq!(late.failed(), Some(Step::JobEvents));
        let text = late.text();
        assert!(text.contains("1     job-events  not in time  0.0 s  nothing\n"), "{text}");
        assert!(text.ends_with("7     alerted     not reached\n"), "{text}");
        assert_eq!(late.data()[6].seconds, None);
    }
}
