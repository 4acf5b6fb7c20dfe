use std::collections::BTreeSet;

use super::{EvidenceRule, FailureRateRule};
use crate::notification::{AlarmState, Watched};

/// An alarm as CloudWatch knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownAlarm {
    /// Its name.
    pub name: String,
    /// Its state now.
    pub state: AlarmState,
    /// Why it is in its state, in CloudWatch's words; may be empty.
    pub reason: String,
    /// Since when it has been in its state, in seconds since the epoch, if CloudWatch says so.
    pub since: Option<i64>,
    /// What it watches.
    pub subject: KnownSubject,
    /// The ARNs that it notifies when it goes to ALARM; none if its actions are disabled.
    pub actions: BTreeSet<String>,
    /// Its rule in words; a composite alarm has none.
    pub rule: Option<String>,
    /// Its rule, if it is Tripline's own on the failure rate.
    pub failure_rate: Option<FailureRateRule>,
    /// What it says of the rollout's evidence, if it watches that.
    pub evidence: Option<EvidenceRule>,
}

/// That an alarm fired, as CloudWatch reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Firing {
    /// Why, in CloudWatch's words; may be empty.
    pub reason: String,
    /// When, in seconds since the epoch, if CloudWatch says so.
    pub at: Option<i64>,
}

impl KnownAlarm {
    /// What it fired for since `created_at`, as far as its state now can say: an alarm that was in
    /// ALARM before the job existed did not fire for it.
    pub fn firing_since(&self, created_at: Option<i64>) -> Option<Firing> {
        let older = self.since.zip(created_at).is_some_and(|(since, created)| since < created);
        (self.state == AlarmState::Alarm && !older)
            .then(|| Firing { reason: self.reason.clone(), at: self.since })
    }
}

/// What an alarm watches, as CloudWatch knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KnownSubject {
    /// Metrics: one, or those of its metric math.
    Metrics(Watched),
    /// Other alarms, by this rule.
    Composite {
        /// CloudWatch's rule expression.
        rule: String,
    },
}
