//! A hold: the rollout goes on at its least rate until somebody has looked, and can go on as before.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The key of the item of the guards table that holds are in, one attribute a job. No job can be called so.
pub const HOLDS: &str = "$holds";
/// The tag that says what an alarm does to a job: [`OnAlarm`].
pub const ON_ALARM_TAG: &str = "tripline:onAlarm";
/// The tag that says what is done if a job that is held goes on: [`OnHoldFailed`].
pub const ON_HOLD_FAILED_TAG: &str = "tripline:onHoldFailed";
/// Devices a minute of a rollout that is held (AWS IoT `maximumPerMinute`: 1 at least).
pub const HELD_RATE: u32 = 1;
/// A rollout is held if it grew by no more than so many devices a minute ..
pub const MOST_A_MINUTE: u32 = 2;
/// .. over so many minutes ..
const PROOF: i64 = 3;
/// .. that begin so many after the rate was lowered: what AWS IoT had begun to send is sent.
const SETTLED_AFTER: i64 = 1;

/// Longest hold in bytes.
const MAX_BYTES: usize = 4_000;

/// What an alarm that asks for a stop does to a rollout.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OnAlarm {
    /// It is stopped.
    #[default]
    Cancel,
    /// It is held until a person has decided.
    Hold,
}

/// What is done if a rollout that should be held goes on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OnHoldFailed {
    /// It is stopped.
    #[default]
    Cancel,
    /// People are alerted, and nothing else.
    Alert,
}

/// A text that is neither.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is unknown (expected {1})")]
pub struct Unknown(String, &'static str);

impl FromStr for OnAlarm {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "cancel" => Ok(Self::Cancel),
            "hold" => Ok(Self::Hold),
            other => Err(Unknown(crate::text::excerpt(other), "`cancel` or `hold`")),
        }
    }
}

impl FromStr for OnHoldFailed {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "cancel" => Ok(Self::Cancel),
            "alert" => Ok(Self::Alert),
            other => Err(Unknown(crate::text::excerpt(other), "`cancel` or `alert`")),
        }
    }
}

impl fmt::Display for OnAlarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cancel => "cancel",
            Self::Hold => "hold",
        })
    }
}

impl fmt::Display for OnHoldFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cancel => "cancel",
            Self::Alert => "alert",
        })
    }
}

/// How fast a rollout was, to be so again. All `None`: as AWS IoT does by itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Rates {
    /// Devices a minute at most.
    pub maximum: Option<u32>,
    /// A rate that rises.
    pub exponential: Option<Exponential>,
}

/// A rate that rises (AWS IoT `ExponentialRolloutRate`).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Exponential {
    /// Devices a minute at first.
    pub base: u32,
    /// By what it is multiplied.
    pub factor: f64,
    /// Each time so many were notified ..
    pub notified: Option<u32>,
    /// .. or so many succeeded.
    pub succeeded: Option<u32>,
}

/// A rollout that is, or was, held.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hold {
    /// When its job was created: another one may have its name later.
    pub created: i64,
    /// When it was held, in seconds since the epoch.
    pub at: i64,
    /// Who holds it: an alarm's name, or a person.
    pub by: String,
    /// It was an alarm.
    pub is_alarm: bool,
    /// How fast it was before.
    pub rates: Rates,
    /// What is done if it goes on all the same.
    pub on_failed: OnHoldFailed,
    /// When the proof began, and how many devices had been notified.
    pub since: Option<(i64, u32)>,
    /// How the proof ended.
    pub proof: Option<Proof>,
    /// When it went on, if it has.
    pub went_on: Option<i64>,
    /// How often it went on: the permitted false stops are spent by half each time.
    pub times: u8,
}

/// A hold as far as evidence goes by it: what the guard-keeper reads of a [`Hold`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HeldBriefly {
    /// When its job was created: another one may have its name later.
    pub created: i64,
    /// When it went on, if it has.
    pub went_on: Option<i64>,
    /// How often it went on.
    pub times: u8,
}

impl HeldBriefly {
    /// Whether it is held at this moment.
    pub fn is_on(&self) -> bool {
        self.went_on.is_none()
    }

    /// Reads what a [`Hold`] is written as; `None` if it is none.
    pub fn from_text(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok().filter(|_| text.len() <= MAX_BYTES)
    }
}

/// Whether a rollout that was to be held is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Proof {
    /// It is held.
    Held,
    /// It went on.
    Failed,
}

impl Hold {
    /// Whether it is held at this moment.
    pub fn is_on(&self) -> bool {
        self.went_on.is_none()
    }

    /// Checks it, by how many devices have been notified by now. `Some` once that proves anything. `minute`: how
    /// many seconds one has, 60 but for tests.
    pub fn prove(&mut self, now: i64, notified: u32, minute: i64) -> Option<Proof> {
        let minutes = |since: i64| now.saturating_sub(since) / minute.max(1);
        if !self.is_on() || self.proof.is_some() {
            return None;
        }
        match self.since {
            None if minutes(self.at) >= SETTLED_AFTER => {
                self.since = Some((now, notified));
                None
            }
            Some((since, before)) if minutes(since) >= PROOF => {
                let minutes = u32::try_from(minutes(since)).unwrap_or(u32::MAX);
                let most = MOST_A_MINUTE.saturating_mul(minutes);
                let grew = notified.saturating_sub(before);
                let proof = if grew <= most { Proof::Held } else { Proof::Failed };
                self.proof = Some(proof);
                Some(proof)
            }
            _ => None,
        }
    }

    /// As text: JSON in one line.
    pub fn to_text(&self) -> String {
        // Numbers and words always have a text.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads what was written; `None` if it is none.
    pub fn from_text(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok().filter(|_| text.len() <= MAX_BYTES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hold() -> Hold {
        Hold {
            created: 1,
            at: 1_000,
            by: "an alarm".to_owned(),
            is_alarm: true,
            rates: Rates { maximum: Some(50), exponential: None },
            on_failed: OnHoldFailed::Cancel,
            since: None,
            proof: None,
            went_on: None,
            times: 0,
        }
    }

    #[test]
    fn a_rollout_is_held_if_it_grew_by_two_a_minute_at_most() {
        for (after, expected) in [(100, Proof::Held), (106, Proof::Held), (107, Proof::Failed)] {
            let mut hold = hold();
            assert_eq!(hold.prove(1_030, 80, 60), None, "what was begun is sent");
            assert_eq!(hold.prove(1_060, 100, 60), None);
            assert_eq!(hold.prove(1_120, 104, 60), None);
            assert_eq!(hold.prove(1_240, after, 60), Some(expected));
            assert_eq!(hold.prove(1_300, 900, 60), None, "it is proved once");
        }
    }

    #[test]
    fn a_rollout_that_went_on_is_not_looked_at() {
        let mut hold = Hold { since: Some((1_060, 9)), went_on: Some(1_100), ..hold() };
        assert_eq!(hold.prove(1_300, 900, 60), None);
        assert!(!hold.is_on());
    }

    #[test]
    fn what_is_written_is_read() {
        let exponential = Exponential { base: 5, factor: 1.5, notified: Some(9), succeeded: None };
        let hold = Hold {
            rates: Rates { maximum: None, exponential: Some(exponential) },
            proof: Some(Proof::Failed),
            ..hold()
        };
        let brief = HeldBriefly { created: 1, went_on: None, times: 0 };
        assert_eq!(HeldBriefly::from_text(&hold.to_text()), Some(brief));
        assert!(brief.is_on() && HeldBriefly::from_text("{}").is_none());
        assert_eq!(Hold::from_text(&hold.to_text()), Some(hold));
        assert_eq!(Hold::from_text("{}"), None);
        assert_eq!(Hold::from_text(&"x".repeat(5_000)), None);
    }
}
