//! Alerts to people that name rollouts. An alarm acts only when its state changes, so that a case that stands
//! would hide the next one; here each is announced by name.

pub(crate) mod announced;
mod email;

use std::collections::BTreeSet;

use tripline_aws::Failure;

use crate::announce::announced::{Announced, REPEAT};
use crate::announce::email::{MAX_NAMED, email};
use crate::ask::Ask;
use crate::clock::{Clock, Minute};
use crate::finding::{CaseOf, Finding};
use crate::keeper::Keeper;
use crate::observe::{Account, late};

impl<C: Ask, K: Clock + Sync> Keeper<C, K> {
    /// Sends at most one e-mail with everything that is new, and returns how many cases it names or counts.
    /// What cannot be sent is due again the next minute. Without the stack's table nothing is sent: what people
    /// heard already is not known then, and they would hear it every minute; the failure itself has an alarm.
    pub(crate) async fn announce(
        &self,
        minute: &Minute<'_, K>,
        account: &Account,
        findings: &[Finding],
        announced: Option<&mut Announced>,
    ) -> Result<usize, Failure> {
        let Some(announced) = announced else { return Ok(0) };
        let now = minute.now();
        let mut due = announced.due(findings, now);
        // The table may not have taken what this environment has sent.
        let (sent, mut new): (Vec<&Finding>, Vec<&Finding>) = due.drain(..).partition(|finding| {
            let at = self.cache.alerted(&finding.alert());
            at.is_some_and(|at| now.seconds_after(at) < REPEAT)
        });
        announced.remember(&sent, now);
        let result = match new.is_empty() {
            true => Ok(0),
            false if !minute.may_alert() => Err(late("Publish")),
            false => {
                // The others are due the next minute.
                let mut named = BTreeSet::new();
                new.retain(|finding| {
                    named.contains(&finding.job)
                        || named.len() < MAX_NAMED && named.insert(finding.job.clone())
                });
                for finding in &new {
                    tracing::warn!(job = %finding.job, case = finding.case, "case_announced");
                }
                let (subject, body) = email(&self.settings.stack, &new);
                self.client.alert(&subject, &body).await.map(|()| new.len())
            }
        };
        if result.is_ok() {
            announced.remember(&new, now);
            let cases: Vec<CaseOf> = new.iter().map(|finding| finding.alert()).collect();
            self.cache.learn_alerted(cases, now, REPEAT);
        }
        announced.forget(|job| account.jobs.contains_key(job), now);
        result
    }
}
