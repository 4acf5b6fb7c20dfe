//! For a drill: which link of a part of the chain is cut, by the checks whose findings cut it.

use super::ask::{Clients, Question};
use super::check::{Check, Not};
use super::judge;
use crate::aws::connect::Connection;

/// A part of the chain, between two things that a drill sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// From a report to its metric.
    Counting,
    /// From an alarm to the stop.
    Stopping,
    /// From an alarm and a stop to people.
    Telling,
}

/// A finding of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CutLink {
    pub check: &'static str,
    pub what: String,
}

impl Part {
    /// Checks that find nothing as long as the part works. Those of what only happens to failures, of
    /// what was an hour ago, or of who else may do something are not among them.
    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Counting => &[
                "job-events-enabled",
                "rule-enabled",
                "rule-sql",
                "rule-delivers",
                "generator-active",
                "ingest-queue",
                "generator-role",
                "rule-may-send",
                "key-policy",
            ],
            Self::Stopping => &[
                "topic-policy",
                "topic-key",
                "key-policy",
                "stopper-subscribed",
                "stopper-active",
                "stop-mode",
                "stopper-role",
            ],
            Self::Telling => {
                &["topic-policy", "topic-key", "key-policy", "stop-mode", "stopper-role"]
            }
        }
    }

    fn checks(self) -> Vec<&'static Check> {
        let check = |name: &&str| judge::checks().find(|check| check.name == *name);
        self.names().iter().filter_map(check).collect()
    }

    /// The first link that is cut for sure: what cannot be asked is none. Nothing is changed.
    /// `observes`: nothing is to be stopped, and that is no fault.
    pub async fn cut(self, connection: Connection, stack: &str, observes: bool) -> Option<CutLink> {
        let clients = Clients::of(connection);
        let question = Question { stack, job: None, devices: None, guard: None };
        let checks = self.checks();
        let needs = checks.iter().flat_map(|check| check.needs).copied().collect();
        let facts = clients.ask(&question, &needs).await.ok()?;
        checks.into_iter().find_map(|check| match (check.judge)(&facts) {
            Err(Not::Finding { what, .. }) if !(observes && judge::is_observing(&what)) => {
                Some(CutLink { check: check.name, what })
            }
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_of_a_part_is_one() {
        for part in [Part::Counting, Part::Stopping, Part::Telling] {
            assert_eq!(part.checks().len(), part.names().len(), "{part:?}");
        }
    }
}
