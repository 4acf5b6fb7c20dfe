//! What would be seen of each job if it went wrong.

use std::collections::{BTreeMap, BTreeSet};

use tripline::alarm::AlarmDefinition;
use tripline::evidence::{CoverageFacts, Needs};
use tripline::job::{CountRejected, JobId};
use tripline::metric::{Metric, NAMESPACE};
use tripline::time::Timestamp;
use tripline_guard::coverage::{
    Counted, Coverage, Devices, Facts, Keeper as Looks, OVERDUE_COUNT, Reason, Shape, Way,
};
use tripline_guard::desired::{DEFAULT_PREFIX, Desired, Purpose};
use tripline_guard::reconcile::Reconciled;

use crate::ask::Ask;
use crate::clock::{Clock, FIT_A_MINUTE, Minute};
use crate::finding::{
    Finding, NEVER_REPORTED, UNCOVERED_FAILS, UNCOVERED_NEVER_ANSWERS, UNCOVERED_REFUSES,
    UNCOVERED_SLOW, UNCOVERED_TIMES_OUT,
};
use crate::health::memory::Memory;
use crate::keeper::Keeper;
use crate::observe::Account;
use crate::observe::cache::{Attempts, KnownJob};

/// What devices of all jobs have reported, as it was remembered.
pub(crate) type Reports = BTreeMap<JobId, Counted>;

impl<C: Ask, K: Clock + Sync> Keeper<C, K> {
    /// What was remembered of what devices report.
    pub(crate) fn reports(&self, minute: &Minute<'_, K>, account: &Account) -> Reports {
        let text = account.table.as_ref().and_then(|table| table.memory.as_deref());
        let memory = Memory::from_text(text, minute.now());
        let is_its = |job: &JobId, created: i64| {
            account.jobs.get(job).is_some_and(|listed| listed.created.seconds() == created)
        };
        let of_jobs = memory.jobs.into_iter().filter(|(job, is)| is_its(job, is.created));
        of_jobs
            .map(|(job, is)| (job, Counted { uncounted: is.pipeline.uncounted(), ..is.reported }))
            .collect()
    }

    /// What would be seen of a job, by its guard as it is now. `taken`: the jobs whose evidence was computed.
    pub(crate) fn coverage(
        &self,
        minute: &Minute<'_, K>,
        account: &Account,
        guard: &Reconciled,
        known: &KnownJob,
        (reports, taken): (&Reports, &BTreeSet<JobId>),
    ) -> Coverage {
        let job = &guard.job;
        let desired = self.desired(account, job, known);
        let needs = self.needs(account, job, known, &desired);
        let kept = self.coverage_facts(known, needs, &desired, reports.get(job));
        let keeper = match needs.is_some() && !taken.contains(job) {
            true => looks(minute.now(), account, job),
            false => Looks::Alive,
        };
        let life = (guard.created.seconds(), minute.now().seconds());
        let shape = known.shape.clone().unwrap_or_else(Shape::unknown);
        let facts = Facts::of_kept(shape, &kept, life, keeper);
        let observed = self.observed(minute, account, job);
        let watchers = guard.watchers(&observed, self.settings.as_stack());
        let coverage = Coverage::new(&facts, &watchers, guard.purpose);
        if guard.fault().is_some() { coverage.with_fault() } else { coverage }
    }

    /// By what everybody else judges it too.
    pub(crate) fn coverage_facts(
        &self,
        known: &KnownJob,
        needs: Option<Needs>,
        desired: &Desired,
        reported: Option<&Counted>,
    ) -> CoverageFacts {
        let tagged = known.tags.as_ref().map(|(_, tagged)| tagged);
        let guard = tagged.map_or(&self.settings.default_guard, |tagged| &tagged.guard);
        let count_rejected = tagged.and_then(|tagged| tagged.count_rejected);
        let count_rejected = count_rejected.unwrap_or(self.settings.count_rejected);
        let counted = reported.copied().unwrap_or_default();
        let shape = known.shape.as_ref();
        CoverageFacts {
            devices: shape.and_then(|shape| shape.devices.exactly()),
            needs,
            least_devices: guard.least_devices(),
            attempts_only: known.attempts == Some(Attempts::NotCounted),
            rejections_left_out: count_rejected == CountRejected::No,
            alerts_only: desired.purpose == Purpose::Alert,
            ended: counted.ended,
            succeeded: counted.succeeded,
            download_times: counted.download_times,
            invalid: counted.invalid,
            uncounted: counted.uncounted,
        }
    }

    /// What evidence of a job takes; `None` if its limits are none.
    fn needs(
        &self,
        account: &Account,
        job: &JobId,
        known: &KnownJob,
        desired: &Desired,
    ) -> Option<Needs> {
        let config = desired.evidence.as_ref()?;
        let timeout = known.shape.as_ref().and_then(|shape| shape.timeout);
        let kept = account.table.as_ref().and_then(|table| table.evidence.get(job));
        let list = kept.and_then(|kept| kept.record.list).unwrap_or(true);
        let baseline = account.baseline(job);
        let limits = self.cache.limits(job, config, baseline, (timeout, list));
        limits.ok().map(|limits| limits.needs)
    }
}

/// Whether this function has looked at a job with evidence lately.
fn looks(now: Timestamp, account: &Account, job: &JobId) -> Looks {
    let (Some(table), Some(listed)) = (&account.table, account.jobs.get(job)) else {
        return Looks::Alive;
    };
    let created = listed.created.seconds();
    let record = table.evidence.get(job).map(|kept| &kept.record);
    let at = record.filter(|record| record.created == created).map_or(created, |it| it.at);
    // Of more jobs than fit a minute each has its turn.
    let round = i64::try_from(account.jobs.len() / FIT_A_MINUTE).unwrap_or(0) * 60;
    Looks::last_seen(at, now.seconds().saturating_sub(round))
}

/// What people are alerted to, of a job whose devices report no value: if its own alarms wait for one, or if what
/// devices send cannot be used. A fleet that never reports any is as the default guard expects some to be.
pub(crate) fn never_reported(
    job: &JobId,
    counted: Counted,
    devices: Devices,
    own: &[AlarmDefinition],
) -> Option<Finding> {
    let is_on_it = |alarm: &AlarmDefinition| {
        alarm.namespace == NAMESPACE && alarm.metric == Metric::DownloadTime.name()
    };
    let is_of_interest = own.iter().any(is_on_it) || counted.invalid >= counted.succeeded;
    (is_of_interest && counted.reports(devices).is_never()).then(|| {
        let Counted { succeeded, invalid, .. } = counted;
        let reason = Reason::NeverReported { succeeded, invalid };
        let fix = in_words(reason.fix(None));
        Finding::new(job, NEVER_REPORTED, format!("Its alarm on downloadTime {reason}.{fix}"))
    })
}

/// What people are alerted to, of ways to go wrong that nothing covers.
pub(crate) fn findings_of(job: &JobId, coverage: &Coverage) -> Vec<Finding> {
    let of_way = |way: Way| {
        let seen = coverage.of(way);
        let why: Vec<String> = seen.shortfalls.iter().take(2).map(ToString::to_string).collect();
        let mut shortfalls = seen.shortfalls.iter();
        let fix = in_words(shortfalls.find_map(|it| it.reason.fix(Some(job.as_str()))));
        let text = format!("Nothing covers {}: {}.{fix}", way.devices(), why.join("; "));
        // People are alerted to it again once it is so for another reason.
        let size = seen.shortfalls.first().map_or(0, |it| it.reason.kind());
        Finding { size, ..Finding::new(job, case_of(way), text) }
    };
    // Nobody can change that there are fewer devices than the stack's own guard takes.
    let is_too_few = |way: &Way| {
        let is_of_stack = |by: &Option<String>| {
            by.as_ref().is_some_and(|by| by.starts_with(DEFAULT_PREFIX) || *by == OVERDUE_COUNT)
        };
        let shortfalls = &coverage.of(*way).shortfalls;
        coverage.lacks_only_devices(*way)
            || !shortfalls.is_empty()
                && shortfalls.iter().all(|it| {
                    matches!(it.reason, Reason::TooFewDevices { .. }) && is_of_stack(&it.by)
                })
    };
    // That nobody looks is a case of its own.
    let is_blind = |way: &Way| {
        let mut shortfalls = coverage.of(*way).shortfalls.iter();
        shortfalls.any(|it| matches!(it.reason, Reason::KeeperSilent(_)))
    };
    coverage.uncovered().filter(|way| !is_blind(way) && !is_too_few(way)).map(of_way).collect()
}

/// What helps, as a sentence behind another.
fn in_words(fix: Option<String>) -> String {
    fix.map_or_else(String::new, |fix| format!(" To change that: {fix}"))
}

fn case_of(way: Way) -> &'static str {
    match way {
        Way::Fails => UNCOVERED_FAILS,
        Way::Refuses => UNCOVERED_REFUSES,
        Way::TimesOut => UNCOVERED_TIMES_OUT,
        Way::Slow => UNCOVERED_SLOW,
        Way::NeverAnswers => UNCOVERED_NEVER_ANSWERS,
    }
}
