//! What is no longer needed: alarms that a job's own have superseded, and all that ended jobs have left.

use crate::health::memory::{Memory, Remembered};
use tripline::alarm::alarm_name_prefix;
use tripline::job::JobId;
use tripline::time::Timestamp;
use tripline_aws::cloudwatch::MOST_DELETED;
use tripline_aws::{Failure, FailureKind};
use tripline_guard::desired::{DEFAULT_PREFIX, watches_evidence_s_absence};
use tripline_guard::ownership::{Owner, owner_of};
use tripline_guard::reconcile::{Action, Ended, plan};

use crate::act::{Guarding, REMOVE};
use crate::ask::{Ask, MAX_FORGOTTEN};
use crate::clock::{Call, Clock, Minute};
use crate::keeper::Keeper;
use crate::observe::{Account, name};

/// Seconds after which nobody is about to create a job that was armed then.
const ABANDONED: i64 = 7 * 86_400;

/// Alarms that are to be removed, with their jobs.
pub(crate) type Removals = Vec<(String, JobId)>;

/// How a job that is not in progress has ended.
enum JobEnding {
    /// It has not, or nobody knows.
    No,
    Ended {
        at: Timestamp,
        /// All of its alarms may go, and not only those of the default guard.
        whole: bool,
    },
}

impl<C: Ask, K: Clock + Sync> Keeper<C, K> {
    /// Makes sure that an alarm may be removed.
    async fn collect(
        &self,
        minute: &Minute<'_, K>,
        account: &Account,
        job: &JobId,
        alarm: &str,
        removals: &mut Removals,
    ) {
        let there = account.alarms_of(job).iter().find(|there| name(there) == alarm);
        if let Some(there) = there {
            let tags = self.fresh_tags_of(minute, there, REMOVE).await;
            if owner_of(tags.as_ref(), job, &self.settings.stack) == Owner::Ours {
                removals.push((alarm.to_owned(), job.clone()));
            }
        }
    }

    /// Removes alarms; returns jobs of which some are left.
    pub(crate) async fn remove(
        &self,
        minute: &Minute<'_, K>,
        removals: Removals,
        guarding: &mut Guarding,
    ) -> Vec<JobId> {
        let mut left = Vec::new();
        for some in removals.chunks(MOST_DELETED) {
            let names: Vec<String> = some.iter().map(|(name, _)| name.clone()).collect();
            let removed = match minute.may(Call::DeleteAlarms, REMOVE).await {
                true => self.client.delete_alarms(&names).await.map(|()| true),
                false => Ok(false),
            };
            match removed {
                Ok(true) => guarding.done.removed += names.len(),
                Ok(false) => left.extend(some.iter().map(|(_, job)| job.clone())),
                Err(failure) => {
                    left.extend(some.iter().map(|(_, job)| job.clone()));
                    guarding.failures.add("DeleteAlarms", failure);
                }
            }
        }
        left
    }

    /// Takes away what ended jobs have left, once their grace is over.
    pub(crate) async fn tidy(
        &self,
        minute: &Minute<'_, K>,
        account: &Account,
        guarding: &mut Guarding,
    ) {
        // Without it nobody knows what a job was armed with before it was created.
        let Some(table) = &account.table else { return };
        let memory = Memory::from_text(table.memory.as_deref(), minute.now());
        let has_left = |job: &&JobId| self.may_have_left(minute, account, job);
        let is_new = |job: &&JobId| !has_left(job);
        let without_alarms = table.configs.keys().filter(is_new);
        let mut candidates: Vec<&JobId> =
            account.alarms.keys().filter(has_left).chain(without_alarms).collect();
        candidates.retain(|job| !account.jobs.contains_key(*job));
        let mut ended = Vec::new();
        // Jobs that never get described must not keep the others from it.
        if !candidates.is_empty() {
            let by = minute.turn() % candidates.len() as u64;
            candidates.rotate_left(usize::try_from(by).unwrap_or(0));
        }
        for job in candidates {
            let armed = table.configs.get(job).map(|config| config.armed);
            let ending = self.ending(minute, job, armed, &memory, guarding).await;
            let JobEnding::Ended { at, whole } = ending else { continue };
            // Whoever arms an ended job again is about to create it again.
            let at = armed.map_or(at, |armed| armed.max(at));
            let is_within_grace = minute.now().seconds_after(at) < self.settings.grace;
            // Nobody publishes evidence any more.
            let is_on_absence = |alarm: &str| {
                let mut alarms = account.alarms_of(job).iter();
                alarms.any(|it| name(it) == alarm && watches_evidence_s_absence(it))
            };
            let default = format!("{}{DEFAULT_PREFIX}", alarm_name_prefix(job));
            let alarms = account.alarms_of(job).iter().map(name);
            let own: Vec<String> =
                account.own(job).unwrap_or_default().iter().map(|own| own.name_for(job)).collect();
            let is_default =
                |alarm: &str| alarm.starts_with(&default) && !own.iter().any(|own| own == alarm);
            let alarms = alarms.filter(|alarm| whole || is_default(alarm));
            let alarms = alarms.filter(|alarm| !is_within_grace || is_on_absence(alarm));
            let alarms = alarms.map(str::to_owned);
            ended.push(Ended {
                job: job.clone(),
                alarms: alarms.collect(),
                is_stored: !is_within_grace && whole && table.configs.contains_key(job),
            });
        }
        let mut removals = Removals::new();
        let mut forget = Vec::new();
        for action in plan(&[], &ended, minute.turn()) {
            match action {
                Action::Remove { job, name } => {
                    self.collect(minute, account, &job, &name, &mut removals).await;
                }
                Action::Forget { job } => forget.push(job),
                Action::Put { .. } => {}
            }
        }
        let left = self.remove(minute, removals, guarding).await;
        forget.retain(|job| !left.contains(job));
        forget.truncate(MAX_FORGOTTEN);
        guarding.forget = forget;
    }

    /// Whether any alarm of a job may be this stack's: as long as all are known to be somebody else's, nobody
    /// is asked about the job again.
    pub(crate) fn may_have_left(
        &self,
        minute: &Minute<'_, K>,
        account: &Account,
        job: &JobId,
    ) -> bool {
        let is_foreign = |owner| matches!(owner, Owner::Foreign(_));
        let mut alarms = account.alarms_of(job).iter();
        alarms.any(|alarm| !is_foreign(self.owner(minute, job, name(alarm))))
    }

    /// Whether and when a job ended that is not in progress.
    async fn ending(
        &self,
        minute: &Minute<'_, K>,
        job: &JobId,
        armed: Option<Timestamp>,
        memory: &Memory,
        guarding: &mut Guarding,
    ) -> JobEnding {
        // Within its grace nobody has to be asked again.
        let known = self.cache.job(job);
        if known.is_absent(minute.now()) {
            return JobEnding::No;
        }
        if let Some(at) =
            known.ended.filter(|at| minute.now().seconds_after(*at) < self.settings.grace)
        {
            return JobEnding::Ended { at, whole: true };
        }
        if !minute.may(Call::DescribeJob, REMOVE).await {
            return JobEnding::No;
        }
        match self.client.describe_job(job).await {
            Ok(now) => match now.ended() {
                Some(at) => {
                    self.cache.learn(job, |job| job.ended = Some(at));
                    JobEnding::Ended { at, whole: true }
                }
                None => JobEnding::No,
            },
            // Deleted, or armed before it is created: only of a job that was seen and not armed since,
            // or that was armed long ago, may all go. A default guard is made only for jobs that are
            // there.
            Err(Failure { kind: FailureKind::NotFound, .. }) => {
                let is_of_it =
                    |seen: Remembered| armed.is_none_or(|armed| armed.seconds() <= seen.created);
                let is_old = |armed| minute.now().seconds_after(armed) > ABANDONED;
                let whole = memory.job(job).is_some_and(is_of_it) || armed.is_some_and(is_old);
                if !whole {
                    self.cache.learn(job, |job| job.absent = Some(minute.now()));
                }
                JobEnding::Ended { at: Timestamp::from_seconds(0), whole }
            }
            Err(failure) => {
                guarding.failures.add(job.as_str(), failure);
                JobEnding::No
            }
        }
    }
}
