//! Runs checks, fixes what may be fixed, and runs them again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::ask::{Clients, Question};
use super::check::{About, Check};
use super::checks::{coverage_of, has_releases};
use super::facts::{Facts, Need};
use super::report::{Checked, Report};
use super::result::{CheckResult, NotProven};
use crate::aws::arming::guard::Guard;
use crate::exit::Error;

/// What was changed may be seen a moment later.
const PROOF_PAUSE: Duration = Duration::from_millis(500);
const PROOFS: u32 = 4;

/// Checks, and what came of them.
#[derive(Debug)]
pub struct Examination {
    checks: Vec<&'static Check>,
    facts: Facts,
    /// What was done about which check.
    fixed: BTreeMap<&'static str, String>,
}

impl Examination {
    /// Asks for what the checks need. What is about releases is left out on a stack that takes none out, unless
    /// the checks were `named`.
    pub async fn new(
        clients: &Clients,
        question: &Question<'_>,
        mut checks: Vec<&'static Check>,
        named: bool,
    ) -> Result<Self, Error> {
        let facts = clients.ask(question, &needs(&checks)).await?;
        checks.retain(|check| named || check.about != About::Releases || has_releases(&facts));
        Ok(Self { checks, facts, fixed: BTreeMap::new() })
    }

    /// Fixes what the findings allow, unless it is accepted as it is, and asks again.
    pub async fn fix(
        &mut self,
        clients: &Clients,
        question: &Question<'_>,
        accepted: &[String],
    ) -> Result<(), Error> {
        let guard = question.guard.map(|guard| Guard {
            file: guard.file.clone(),
            stack: guard.stack.clone(),
            job: guard.job.clone(),
            alarms: guard.alarms.clone(),
            default_guard: guard.default_guard,
            evidence: guard.evidence.clone(),
            alert_only: guard.alert_only,
            dry_run: false,
        });
        let mut done = Vec::new();
        for check in &self.checks {
            let (Some(fix), Err(NotProven::Finding { .. })) =
                (check.fix, (check.judge)(&self.facts))
            else {
                continue;
            };
            if accepted.iter().any(|name| name == check.name) {
                eprintln!("not fixed: {}: allowed by `--allow`", check.name);
                continue;
            }
            if let Some((_, said)) = done.iter().find(|(before, _)| *before == fix) {
                self.fixed.insert(check.name, String::clone(said));
                continue;
            }
            match fix.apply(clients, &self.facts, guard.as_ref()).await {
                Ok(Some(said)) => {
                    eprintln!("fix: {}: {said}", check.name);
                    done.push((fix, said.clone()));
                    self.fixed.insert(check.name, said);
                }
                Ok(None) => {}
                Err(error) => eprintln!("warning: {}: not fixed: {error}", check.name),
            }
        }
        for proof in 0..PROOFS {
            if self.fixed.is_empty() {
                break;
            }
            if proof > 0 {
                tokio::time::sleep(PROOF_PAUSE).await;
            }
            self.facts = clients.ask(question, &needs(&self.checks)).await?;
            if self
                .checks
                .iter()
                .all(|check| !self.fixed.contains_key(check.name) || self.judge(check).is_ok())
            {
                break;
            }
        }
        Ok(())
    }

    fn judge(&self, check: &Check) -> CheckResult {
        let judged = (check.judge)(&self.facts);
        judged.map_err(|not| {
            not.beside(|name| self.checks.iter().any(|check| check.name == name))
                .in_region(&self.facts.region)
        })
    }

    /// What came of the checks.
    pub fn report(&self, allow: &[String], allow_unknown: bool) -> Report {
        let checked = self.checks.iter().map(|check| {
            let judged = self.judge(check);
            let unknown = matches!(judged, Err(NotProven::Unknown(_)));
            Checked {
                check,
                allowed: (unknown && allow_unknown) || allow.iter().any(|name| name == check.name),
                judged,
                fixed: self.fixed.get(check.name).cloned(),
            }
        });
        Report {
            stack: self.facts.stack.name.clone(),
            region: self.facts.region.clone(),
            job: self.facts.job.as_ref().map(|job| job.id.to_string()),
            coverage: coverage_of(&self.facts),
            checked: checked.collect(),
        }
    }
}

fn needs(checks: &[&Check]) -> BTreeSet<Need> {
    checks.iter().flat_map(|check| check.needs).copied().collect()
}
