//! Executions in progress, read once a minute for everybody who needs them: whole or not at all.

use std::collections::BTreeMap;

use tripline::job::JobId;
use tripline_aws::Failure;

use super::case::Case;
use crate::ask::{Ask, Phase, Span};
use crate::clock::{Call, Clock, Minute};
use crate::keeper::Keeper;

/// Until when executions may be listed, in percent of a minute's work.
const LIST: u32 = 93;
/// Most pages of a job's list in a minute.
pub(super) const PAGES: u32 = 40;

/// The lists that were read, whole or in part, by job.
#[derive(Debug, Default)]
pub(crate) struct Lists(BTreeMap<JobId, Vec<Span>>);

impl Lists {
    /// What was read of a job's executions in progress.
    pub fn of(&self, job: &JobId) -> Option<&[Span]> {
        self.0.get(job).map(Vec::as_slice)
    }
}

impl<C: Ask, K: Clock + Sync> Keeper<C, K> {
    /// How many pages there is time for, with half of the time for what else is read.
    pub(super) fn pages_left(&self, minute: &Minute<'_, K>) -> u32 {
        let seconds = u32::try_from(minute.left(LIST).as_secs()).unwrap_or(0);
        seconds.saturating_mul(Call::Executions.a_second()) / 2
    }

    /// Those first whose list was to be read longest ago.
    pub(super) fn in_turn(&self, minute: &Minute<'_, K>, mut cases: Vec<Case>) -> Vec<Case> {
        // A new environment knows of none: then others come first each minute.
        if let Some(by) = minute.turn().checked_rem(cases.len() as u64) {
            cases.rotate_left(usize::try_from(by).unwrap_or(0));
        }
        cases.sort_by_key(|case| case.record.tried);
        cases
    }

    /// Reads a job's executions in progress. `false`: they are too many, or there is no time for all of them.
    pub(super) async fn read_list(
        &self,
        minute: &Minute<'_, K>,
        job: &JobId,
        lists: &mut Lists,
    ) -> Result<bool, Failure> {
        let mut next = None;
        for _ in 0..PAGES {
            if !minute.may(Call::Executions, LIST).await {
                return Ok(false);
            }
            let page = self.client.list_executions(job, Phase::InProgress, next).await?;
            lists.0.entry(job.clone()).or_default().extend(page.items);
            next = page.next;
            if next.is_none() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
