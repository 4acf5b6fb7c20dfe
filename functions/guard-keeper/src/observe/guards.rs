//! What every job is to have, and what it has: as far as the minute allows, everything that has to be read
//! for that.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_cloudwatch::types::MetricAlarm;
use tripline::job::JobId;
use tripline::rollout::Rate;
use tripline_guard::coverage::desired;
use tripline_guard::desired::{
    DEFAULT_PREFIX, Desired, GuardAlarm, KeptConfig, Known, Purpose, is_named_as_deployment,
};
use tripline_guard::reconcile::{Observed, Reconciled, order};
use tripline_guard::verdict::why_not;

use super::cache::KnownJob;
use super::{Account, name};
use crate::act::ARM;
use crate::ask::{Ask, Listed};
use crate::clock::{Call, Clock, Minute};
use crate::failed::Failures;
use crate::keeper::Keeper;

/// By job.
pub(crate) type Guards = BTreeMap<JobId, Reconciled>;

impl<C: Ask, K: Clock + Sync> Keeper<C, K> {
    /// Compares what jobs are to have with what they have. First with what is known of them; then, those
    /// first that are newest, with what is read of those that have not all of their guard: of no more than
    /// can be armed in this minute.
    pub(crate) async fn inspect(
        &self,
        minute: &Minute<'_, K>,
        account: &Account,
        failures: &mut Failures,
    ) -> Guards {
        let listed: Vec<&Listed> = account.jobs.values().collect();
        let mut guards: Guards = BTreeMap::new();
        for listed in &listed {
            guards.insert(listed.job.clone(), self.reconcile(minute, account, listed));
        }
        let a_put = Duration::from_secs(1) / Call::PutAlarm.a_second();
        let mut puts = 0_u32;
        for listed in order(&listed, minute.turn(), |listed| (Reverse(listed.created), &listed.job))
        {
            let Some(guard) = guards.get(&listed.job) else { continue };
            let needs = guard.fault().is_some()
                || !guard.unread.is_empty()
                || guard.touched().next().is_some();
            if needs && minute.left(ARM) > a_put * puts {
                self.read_of(minute, account, listed, failures).await;
                let guard = self.reconcile(minute, account, listed);
                let guard = match self.read_owners(minute, account, &guard).await {
                    true => self.reconcile(minute, account, listed),
                    false => guard,
                };
                guards.insert(listed.job.clone(), guard);
            }
            // Those that only alert people wait for the others.
            let planned = guards
                .get(&listed.job)
                .map_or(0, |guard| guard.puts().iter().filter(|put| put.stops).count());
            puts = puts.saturating_add(u32::try_from(planned).unwrap_or(u32::MAX));
        }
        guards
    }

    /// Reads what a job's guard follows from, as far as it is not known.
    async fn read_of(
        &self,
        minute: &Minute<'_, K>,
        account: &Account,
        listed: &Listed,
        failures: &mut Failures,
    ) {
        let job = &listed.job;
        if self.cache.job(job).tags.is_none() {
            match self.ask_tags(minute, listed, ARM).await {
                Ok(Some(tagged)) if tagged.opted_out => return,
                Ok(_) => {}
                Err(failure) => failures.add(job.as_str(), failure),
            }
        }
        let known = self.cache.job(job);
        let desired = self.desired(account, job, &known);
        if known.is_described() || !follows_from_setup(account, job, &desired) {
            return;
        }
        if known.setup.is_none() {
            self.read_rate(minute, job, ARM).await;
        }
        if let Some(setup) = self.cache.job(job).setup
            && let Err(failure) = self.count_things(minute, job, &setup, ARM).await
        {
            failures.add(job.as_str(), failure);
        }
    }

    /// Reads whose those alarms are now that have to be touched, or that nobody knows. `false`: there are
    /// none.
    async fn read_owners(
        &self,
        minute: &Minute<'_, K>,
        account: &Account,
        guard: &Reconciled,
    ) -> bool {
        let unread = guard.unread.iter().map(String::as_str);
        let names: Vec<&str> = guard.touched().chain(unread).collect();
        for alarm in account.alarms_of(&guard.job) {
            if names.contains(&name(alarm))
                && self.fresh_tags_of(minute, alarm, ARM).await.is_none()
            {
                self.cache.forget_owner(name(alarm));
            }
        }
        !names.is_empty()
    }

    /// What a job is to have, by what is known of it.
    pub(crate) fn desired(&self, account: &Account, job: &JobId, known: &KnownJob) -> Desired {
        let tagged = known.tags.as_ref().map(|(_, tagged)| tagged);
        let of_it = Known {
            kept: account.kept(job),
            tagged,
            is_greengrass: known.is_greengrass.unwrap_or_else(|| is_named_as_deployment(job)),
            rate: known.rate.unwrap_or(Rate::QUOTA),
            has_evidence: account.has_evidence(job),
            shape: known.shape.as_ref(),
        };
        desired(of_it, self.settings.rules())
    }

    /// What a job is to have, with what it has, by what is known of both.
    fn reconcile(&self, minute: &Minute<'_, K>, account: &Account, listed: &Listed) -> Reconciled {
        let job = &listed.job;
        let known = self.cache.job(job);
        let is_described = known.is_described();
        let is_tried =
            known.undescribed == Some(minute.now()) || known.things_unknown == Some(minute.now());
        let observed = self.observed(minute, account, job);
        let stack = self.settings.as_stack();
        // As long as its tags cannot be read, a guard that stops it stays.
        let stops = observed.iter().any(|alarm| why_not(alarm, job, stack).is_none());
        let are_known = known.tags.is_some() || known.unannounced == Some(minute.now()) && !stops;
        let mut desired = self.desired(account, job, &known);
        if !are_known && desired.purpose == Purpose::AlertUntilTagsAreRead {
            // Until they are read, whatever stops it is taken for its guard.
            desired.purpose = Purpose::Stop;
            let rate = known.rate.unwrap_or(Rate::QUOTA);
            desired.alarms =
                self.settings.default_guard.all_alarms(rate, account.has_evidence(job));
        }
        let follows = follows_from_setup(account, job, &desired);
        let is_sure = are_known && (is_described || is_tried || !follows);
        let is_as_wanted =
            |alarm: &MetricAlarm, wanted: &GuardAlarm| self.client.is_as_wanted(alarm, wanted, job);
        let observed = Observed {
            job,
            created: listed.created,
            is_sure,
            is_described: is_described || !follows,
            alarms: &observed,
            is_taken: &|name| account.taken.contains(name),
            is_as_wanted: &is_as_wanted,
            stack,
        };
        Reconciled::new(&desired, &observed)
    }
}

/// Whether a job's guard follows from what it was created with.
fn follows_from_setup(account: &Account, job: &JobId, desired: &Desired) -> bool {
    let is_filled = matches!(account.kept(job), KeptConfig::Alarms { fills: true, .. });
    is_filled || desired.alarms.iter().any(is_default)
}

/// Whether an alarm is of the stack's default guard.
fn is_default(alarm: &GuardAlarm) -> bool {
    alarm.name().as_str().starts_with(DEFAULT_PREFIX)
}
