//! How many devices a job is to reach: its things, and those of its groups.

use std::collections::BTreeSet;

use tripline::job::{JobId, Setup};
use tripline_aws::Failure;
use tripline_guard::coverage::Devices;

use crate::ask::Ask;
use crate::clock::{Call, Clock, Minute};
use crate::keeper::Keeper;

/// Most pages of things, of 250 each: whether a rollout is small is to be known, and no more.
const PAGES: usize = 2;
/// A continuous job with fewer devices than this is only beginning.
const FEW: u32 = 5;
/// For so many seconds a continuous job's groups are believed to have as many.
const FOR: i64 = 600;

impl<C: Ask, K: Clock + Sync> Keeper<C, K> {
    /// Counts the things of a job's groups, where they are not known.
    ///
    /// # Errors
    /// That of the call: it is remembered that they could not be counted this minute.
    pub(crate) async fn count_things(
        &self,
        minute: &Minute<'_, K>,
        job: &JobId,
        setup: &Setup,
        percent: u32,
    ) -> Result<(), Failure> {
        let is_old = |at| setup.is_continuous && minute.now().seconds_after(at) >= FOR;
        let is_known = || self.cache.job(job).devices.is_some_and(|(at, _)| !is_old(at));
        if setup.groups.is_empty() || is_known() {
            return Ok(());
        }
        match self.list_things(minute, setup, percent).await {
            Ok(Some(devices)) => self.cache.learn_devices(job, minute.now(), devices),
            // The next minute.
            Ok(None) => {}
            Err(failure) => {
                self.cache.learn(job, |job| job.things_unknown = Some(minute.now()));
                return Err(failure);
            }
        }
        Ok(())
    }

    /// `None`: there is no time for it.
    async fn list_things(
        &self,
        minute: &Minute<'_, K>,
        setup: &Setup,
        percent: u32,
    ) -> Result<Option<Devices>, Failure> {
        let (mut things, mut pages, mut is_whole) = (BTreeSet::new(), 0, setup.things == 0);
        for group in &setup.groups {
            let mut next = None;
            loop {
                if pages == PAGES {
                    is_whole = false;
                    break;
                }
                if !minute.may(Call::Things, percent).await {
                    return Ok(None);
                }
                pages += 1;
                let page = self.client.list_things(group, next).await?;
                things.extend(page.items);
                next = page.next;
                if next.is_none() {
                    break;
                }
            }
        }
        let count = u32::try_from(things.len()).unwrap_or(u32::MAX);
        // A thing that is named may be in a group too.
        Ok(Some(match is_whole {
            // A group of a continuous job that has next to nobody waits for more.
            true if !setup.is_continuous || count >= FEW => Devices::Exactly(count),
            true => Devices::AtLeast(count),
            false => Devices::AtLeast(count.max(setup.things)),
        }))
    }
}
