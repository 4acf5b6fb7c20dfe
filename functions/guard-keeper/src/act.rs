//! The alarms of all jobs in progress: missing ones are created, altered ones repaired, and what is said of
//! each job. Everything was read before.

use std::collections::BTreeMap;

use tripline::job::JobId;
use tripline::time::Timestamp;
use tripline_aws::FailureKind;
use tripline_guard::coverage::{Coverage, Devices, Status};
use tripline_guard::desired::{Purpose, Tagged};
use tripline_guard::reconcile::{Action, Put, Reconciled, plan};

use crate::ask::Ask;
use crate::cleanup::Removals;
use crate::clock::{Call, Clock, Minute};
use crate::coverage;
use crate::evidence::Weighed;
use crate::failed::Failures;
use crate::finding::Finding;
use crate::findings::findings_of;
use crate::health::memory::Memory;
use crate::keeper::Keeper;
use crate::observe::Account;

/// Until when each kind of work may begin, in percent of a minute's work: so that whatever there is too
/// much of never leaves the rest undone for ever.
pub(crate) const ARM: u32 = 85;
const REPAIR: u32 = 92;
pub(crate) const REMOVE: u32 = 100;
/// For so many seconds it is remembered that a guard was made whole: as long as the alarm on unguarded jobs looks
/// back.
const RESTORED_FOR: i64 = 300;
/// Most jobs that are named in the log as not guarded.
const LOGGED: usize = 10;

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Guarding {
    pub guarded: usize,
    pub partly_guarded: usize,
    pub unguarded: usize,
    pub opted_out: usize,
    /// Jobs whose guard is meant to alert people and to stop nothing.
    pub alert_only: usize,
    /// The jobs' guards, after what was done.
    guards: BTreeMap<JobId, Reconciled>,
    pub done: Done,
    /// Jobs whose configs are of no more use.
    pub forget: Vec<JobId>,
    /// Jobs whose guard was whole again a short time ago, and when.
    pub restored: BTreeMap<JobId, Timestamp>,
    /// What people have to hear.
    pub findings: Vec<Finding>,
    pub failures: Failures,
}

impl Guarding {
    /// Whether a guard that is whole now was not when it was looked at, although it had been made whole a short
    /// time before: then it is there for some seconds of each minute, and being whole now says nothing.
    fn is_undone_again(&mut self, guard: &Reconciled, now: Timestamp) -> bool {
        guard.was_open() && self.restored.insert(guard.job.clone(), now).is_some()
    }

    /// Counts a job, and says what is to be said of it.
    fn count(
        &mut self,
        guard: &Reconciled,
        coverage: &Coverage,
        tagged: Option<&Tagged>,
        now: Timestamp,
    ) {
        let fault = match guard.purpose {
            Purpose::OptedOut => {
                self.opted_out += 1;
                None
            }
            Purpose::Outside => None,
            Purpose::AlertUntilTagsAreRead => Some("its tags cannot be read".to_owned()),
            Purpose::Alert => {
                let fault = guard.fault().map(|why| why.to_string());
                self.alert_only += usize::from(fault.is_none());
                fault
            }
            Purpose::Stop => {
                let fault = match guard.fault() {
                    Some(why) => Some(why.to_string()),
                    None if self.is_undone_again(guard, now) => {
                        Some("its guard was restored minutes ago and undone again".to_owned())
                    }
                    None => None,
                };
                match (coverage.status, &fault) {
                    (Status::Guarded, None) => self.guarded += 1,
                    (Status::Unguarded, None) => {
                        self.unguarded += 1;
                        if self.unguarded <= LOGGED {
                            let why = "nothing that could decide stops it";
                            tracing::warn!(job = %guard.job, why, "job_unguarded");
                        }
                    }
                    (_, None) => self.partly_guarded += 1,
                    (_, Some(_)) => {}
                }
                fault
            }
        };
        let is_kept = matches!(guard.purpose, Purpose::Stop | Purpose::Alert);
        if is_kept && fault.is_none() && coverage.status != Status::TooFewDevices {
            self.findings.extend(coverage::findings_of(&guard.job, coverage));
        }
        if let Some(why) = &fault {
            self.unguarded += 1;
            if self.unguarded <= LOGGED {
                tracing::warn!(job = %guard.job, why, "job_unguarded");
            }
        }
        self.findings.extend(findings_of(guard, fault.as_deref(), tagged));
    }
}

/// Jobs in progress whose guard was made whole in the last minutes.
fn restored_before<K: Clock>(
    minute: &Minute<'_, K>,
    account: &Account,
) -> BTreeMap<JobId, Timestamp> {
    let text = account.table.as_ref().and_then(|table| table.memory.as_deref());
    let mut restored = Memory::from_text(text, minute.now()).restored;
    restored.retain(|job, at| {
        account.jobs.contains_key(job) && minute.now().seconds_after(*at) <= RESTORED_FOR
    });
    restored
}

/// How much was done.
#[derive(Debug, Default)]
pub(crate) struct Done {
    pub armed: usize,
    pub repaired: usize,
    pub removed: usize,
}

impl<C: Ask, K: Clock + Sync> Keeper<C, K> {
    /// Does what there is to do, as far as the minute allows: reads, then puts and deletes.
    pub(crate) async fn guard(&self, minute: &Minute<'_, K>, account: &Account) -> Guarding {
        let mut guarding = Guarding::default();
        let mut guards = self.inspect(minute, account, &mut guarding.failures).await;
        // What jobs were at first is written down before anything is armed by it.
        self.keep_first_seen(minute, account, ARM, &mut guarding.failures).await;
        let all: Vec<Reconciled> = guards.values().cloned().collect();
        let mut removals = Removals::new();
        let mut may_put = true;
        for action in plan(&all, &[], minute.turn()) {
            match action {
                // Whose an alarm is that is there has to be certain before it is touched.
                Action::Put { put, .. }
                    if !put.is_new && !self.cache.is_owner_fresh(&put.name, minute.now()) => {}
                Action::Remove { name, .. } if !self.cache.is_owner_fresh(&name, minute.now()) => {}
                Action::Put { job, put } if may_put => {
                    let Some(guard) = guards.get_mut(&job) else { continue };
                    may_put = self.put(minute, guard, &put, &mut guarding).await;
                }
                // Without the table it is not known what the job was armed with.
                Action::Remove { job, name } if account.table.is_some() => {
                    removals.push((name, job));
                }
                _ => {}
            }
        }
        self.remove(minute, removals, &mut guarding).await;
        self.tidy(minute, account, &mut guarding).await;
        guarding.guards = guards;
        self.learn_owners(minute, account, REPAIR).await;
        guarding
    }

    /// Says of each job how it is guarded, once all of the minute's work is done.
    pub(crate) fn count_guards(
        &self,
        minute: &Minute<'_, K>,
        account: &Account,
        guarding: &mut Guarding,
        weighed: &Weighed,
    ) {
        guarding.restored = restored_before(minute, account);
        let Weighed { reports, taken, .. } = weighed;
        for guard in std::mem::take(&mut guarding.guards).values() {
            let known = self.cache.job(&guard.job);
            let coverage = self.coverage(minute, account, guard, &known, (reports, taken));
            if matches!(guard.purpose, Purpose::Stop | Purpose::Alert) {
                let devices = known.shape.as_ref().map_or(Devices::Unknown, |is| is.devices);
                let counted = reports.get(&guard.job).copied().unwrap_or_default();
                let own = account.own(&guard.job).unwrap_or_default();
                let found = coverage::never_reported(&guard.job, counted, devices, own);
                guarding.findings.extend(found);
            }
            let tagged = known.tagged();
            guarding.count(guard, &coverage, tagged.as_ref(), minute.now());
        }
    }

    /// Creates or repairs one alarm. `false`: CloudWatch has enough of it for now.
    async fn put(
        &self,
        minute: &Minute<'_, K>,
        guard: &mut Reconciled,
        put: &Put,
        guarding: &mut Guarding,
    ) -> bool {
        let until = if put.is_new { ARM } else { REPAIR };
        if !minute.may(Call::PutAlarm, until).await {
            return true;
        }
        match self.client.put_alarm(put, &guard.job).await {
            Ok(()) => {
                guard.done(&put.name);
                if put.is_new {
                    guarding.done.armed += 1;
                } else {
                    guarding.done.repaired += 1;
                    tracing::warn!(job = %guard.job, alarm = put.name, "alarm_repaired");
                }
                true
            }
            Err(failure) => {
                let goes_on = failure.kind != FailureKind::Throttled;
                guarding.failures.add(&put.name, failure);
                goes_on
            }
        }
    }
}
