//! For a drill: which link of a part of the chain is cut, by the checks whose findings cut it.

use super::ask::{Clients, Question};
use super::check::Check;
use super::checks::{checks, is_observing};
use super::result::NotProven;
use crate::aws::connect::Connection;

/// A part of the chain, between two things that a drill sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChainPart {
    /// From a report to its metric.
    Counting,
    /// From an alarm to the stop.
    Stopping,
    /// From an alarm and a stop to people.
    Alerting,
}

/// A finding of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainFinding {
    pub check: &'static str,
    pub what: String,
}

impl ChainPart {
    /// Checks that find nothing as long as the part works. Those of what only happens to failures, of
    /// what was an hour ago, or of who else may do something are not among them.
    fn check_names(self) -> &'static [&'static str] {
        match self {
            Self::Counting => &[
                "job-events-enabled",
                "rule-enabled",
                "rule-sql-matches",
                "rule-targets-generator",
                "generator-active",
                "ingest-mapping-enabled",
                "generator-role-sufficient",
                "rule-can-send-to-queues",
                "key-usable",
            ],
            Self::Stopping => &[
                "topics-accept-alarms",
                "topic-keys-usable",
                "key-usable",
                "stopper-subscribed",
                "stopper-active",
                "stop-mode-enforced",
                "stopper-role-sufficient",
            ],
            Self::Alerting => &[
                "topics-accept-alarms",
                "topic-keys-usable",
                "key-usable",
                "stop-mode-enforced",
                "stopper-role-sufficient",
            ],
        }
    }

    fn checks(self) -> Vec<&'static Check> {
        let check = |name: &&str| checks().find(|check| check.name == *name);
        self.check_names().iter().filter_map(check).collect()
    }

    /// The first link that is cut for sure: what cannot be asked is none. Nothing is changed.
    /// `observes`: nothing is to be stopped, and that is no fault.
    pub async fn find_fault(
        self,
        connection: Connection,
        stack: &str,
        observes: bool,
    ) -> Option<ChainFinding> {
        let clients = Clients::new(connection);
        let question = Question { stack, job: None, devices: None, guard: None };
        let checks = self.checks();
        let needs = checks.iter().flat_map(|check| check.needs).copied().collect();
        let facts = clients.ask(&question, &needs).await.ok()?;
        checks.into_iter().find_map(|check| match (check.judge)(&facts) {
            Err(NotProven::Finding { what, .. }) if !(observes && is_observing(&what)) => {
                Some(ChainFinding { check: check.name, what })
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
        for part in [ChainPart::Counting, ChainPart::Stopping, ChainPart::Alerting] {
            assert_eq!(part.checks().len(), part.check_names().len(), "{part:?}");
        }
    }
}
