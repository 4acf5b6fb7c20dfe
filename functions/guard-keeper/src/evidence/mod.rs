//! Evidence of every job, each minute: from the counts that were read anyway, and from the executions in
//! progress where their list can be read whole.
//!
//! - `minutes`: at which minute of a job something was read; `case`: a job with its limits and its state;
//! - here: the order of a minute. A stop by the counts alone goes first and waits for no list. Of a job whose list
//!   is to be read, what was written before goes out meanwhile. Then lists are read, of other jobs first each minute.
//!
//! The state of a job is written before anything that follows from it is published, on condition that nobody
//! has written since it was read: a device is never counted twice, and the force-stopper finds what it looks for.

mod case;
mod findings;
mod lists;
mod minutes;

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use tripline::evidence::{Ages, Verdict};
use tripline::job::JobId;
use tripline::metric::KeptMetric;
use tripline::stop::StopMode;
use tripline_aws::Failure;
use tripline_guard::desired::{watches_evidence, watches_evidence_s_absence};
use tripline_guard::observed::ObservedAlarm;
use tripline_guard::ownership::{Owner, owner_of};

use self::case::Case;
use crate::ask::{Ask, EvidenceItem, JobGauge, MAX_GAUGES};
use crate::clock::{Call, Clock, Minute};
use crate::coverage::Reports;
use crate::failed::Failures;
use crate::finding::Finding;
use crate::keeper::{Keeper, held};
use crate::observe::{Account, Described, late, name};

pub(crate) use lists::Lists;

/// Until when states may be written, in percent of a minute's work: after the last list.
const WRITE: u32 = 100;
/// So many minutes after a rollout was to be stopped and still runs, its alarm is set to fire again.
const STILL_RUNNING: u32 = 3;

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Weighed {
    /// Jobs whose lists are still to be read.
    open: Vec<Case>,
    /// Jobs whose minute was taken and written down.
    pub taken: BTreeSet<JobId>,
    /// What devices have reported, as it was remembered.
    pub reports: Reports,
    /// What people have to hear.
    pub findings: Vec<Finding>,
    /// Numbers of jobs beside evidence itself.
    pub gauges: Vec<JobGauge>,
    pub failures: Failures,
}

/// A job's minute that was taken.
struct Settled {
    case: Case,
    verdict: Verdict,
    is_written: bool,
    failures: Vec<Failure>,
}

impl<C: Ask, K: Clock + Sync> Keeper<C, K> {
    /// What the counts say. Without the stack's table nothing is known of earlier minutes, and nothing is
    /// published: its absence has an alarm.
    pub(crate) async fn weigh_counts(
        &self,
        minute: &Minute<'_, K>,
        account: Option<&Account>,
        jobs: &[Described],
    ) -> Weighed {
        let mut weighed = Weighed::default();
        let Some(account) = account.filter(|account| account.table.is_some()) else {
            return weighed;
        };
        weighed.reports = self.reports(minute, account);
        // Those to stop wait for nobody.
        let (mut to_stop, mut others) = (Vec::new(), Vec::new());
        let (mut listed, mut at_once) = (Vec::new(), Vec::new());
        for described in jobs {
            match self.case(account, described, &weighed.reports) {
                None => {}
                Some(Ok(case)) => {
                    let nobody_is_at_work = described.now.counts.in_progress == 0;
                    let ages = nobody_is_at_work.then(Ages::default);
                    match (case.is_stopped_by_counts(), case.needs_list()) {
                        (true, _) => to_stop.push((case, ages)),
                        (false, true) => listed.push(case),
                        (false, false) => others.push((case, ages)),
                    }
                }
                Some(Err(error)) => {
                    weighed.findings.push(findings::unusable(&described.id, &error.to_string()));
                }
            }
        }
        let mut pages = self.pages_left(minute);
        for case in self.in_turn(minute, listed) {
            match pages.checked_sub(case.pages()) {
                Some(left) => {
                    pages = left;
                    // What is written down already: more waits for its list, and is written before.
                    at_once.push((case.job.clone(), case.published));
                    weighed.open.push(case);
                }
                // There is no time for its list: it waits.
                None => others.push((case, None)),
            }
        }
        to_stop.append(&mut others);
        at_once.extend(self.settle(minute, account, to_stop, &mut weighed).await);
        if let Err(failure) = self.publish_evidence(minute, &at_once).await {
            weighed.failures.add("evidence", failure);
        }
        weighed
    }

    /// What the executions in progress say, as far as their lists can be read whole in this minute.
    pub(crate) async fn weigh_lists(
        &self,
        minute: &Minute<'_, K>,
        account: &Account,
        weighed: &mut Weighed,
    ) -> Lists {
        let mut lists = Lists::default();
        let open = std::mem::take(&mut weighed.open);
        for mut case in open {
            case.record.tried = Some(case.record.at);
            let ages = match self.read_list(minute, &case.job, &mut lists).await {
                Ok(is_whole) => lists.of(&case.job).filter(|_| is_whole).map(|all| case.ages(all)),
                Err(failure) => {
                    weighed.failures.add(case.job.as_str(), failure);
                    None
                }
            };
            let before = case.published;
            let settled = self.settle(minute, account, vec![(case, ages)], weighed).await;
            // What it was before is published already.
            let risen: Vec<_> = settled.into_iter().filter(|(_, now)| *now > before).collect();
            if let Err(failure) = self.publish_evidence(minute, &risen).await {
                weighed.failures.add("evidence", failure);
            }
        }
        self.add_blind(minute, account, weighed);
        lists
    }

    /// Takes the ticks of these jobs and writes their states down. Returns what is to be published.
    async fn settle(
        &self,
        minute: &Minute<'_, K>,
        account: &Account,
        cases: Vec<(Case, Option<Ages>)>,
        weighed: &mut Weighed,
    ) -> Vec<(JobId, f64)> {
        let waiting = Mutex::new(VecDeque::from(cases));
        let settled = Mutex::new(Vec::new());
        let lane = || async {
            loop {
                let Some((case, ages)) = held(&waiting).pop_front() else { return };
                let done = self.settle_one(minute, account, case, ages).await;
                held(&settled).push(done);
            }
        };
        // One answer that is slow does not hold up the others.
        tokio::join!(lane(), lane(), lane(), lane());
        let settled = settled.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut publish = Vec::new();
        for Settled { case, verdict, is_written, failures } in settled {
            for failure in failures {
                weighed.failures.add(case.job.as_str(), failure);
            }
            if is_written && !verdict.stop {
                publish.push((case.job.clone(), case.record.evidence));
            }
            self.take_note(case, &verdict, is_written, weighed);
        }
        publish
    }

    async fn settle_one(
        &self,
        minute: &Minute<'_, K>,
        account: &Account,
        mut case: Case,
        ages: Option<Ages>,
    ) -> Settled {
        let verdict = case.tick(ages);
        let mut failures = Vec::new();
        let fired = self.fired_in_vain(minute, account, &case).await;
        let before = case.record.refired;
        if fired.is_some() {
            case.record.refired = Some(case.record.at);
        }
        // Where somebody else has written since it was read, or there is no time, nothing is published of it.
        let written = self.write_item(minute, &case.job, &case.item()).await;
        let is_written = written.as_ref().is_ok_and(|is_written| *is_written);
        failures.extend(written.err());
        if let Some(alarm) = fired.filter(|_| is_written) {
            tracing::error!(job = %case.job, alarm, "stop_did_not_come");
            if let Err(failure) = self.client.fire_again(&alarm).await {
                failures.push(failure);
                // A try that failed is none: the next minute tries again.
                case.record.refired = before;
                let item = case.item();
                let item = EvidenceItem { instead_of: Some(item.tick), ..item };
                failures.extend(self.write_item(minute, &case.job, &item).await.err());
            }
        }
        if is_written && verdict.stop {
            // At once: the alarm waits for it.
            let stop = [(case.job.clone(), case.record.evidence)];
            failures.extend(self.publish_evidence(minute, &stop).await.err());
        }
        Settled { case, verdict, is_written, failures }
    }

    fn take_note(&self, case: Case, verdict: &Verdict, is_written: bool, weighed: &mut Weighed) {
        let Case { job, record, .. } = case;
        if verdict.is_stalled {
            let stalled = f64::from(verdict.stalled);
            weighed.gauges.push((job.clone(), KeptMetric::StalledMinutes, stalled));
        }
        weighed.findings.extend(findings::of_record(&job, &record, verdict, self.tolerated()));
        if is_written {
            weighed.taken.insert(job);
        }
    }

    async fn write_item(
        &self,
        minute: &Minute<'_, K>,
        job: &JobId,
        item: &EvidenceItem,
    ) -> Result<bool, Failure> {
        if !minute.may(Call::Table, WRITE).await {
            // A minute that is missing lowers evidence; many of them are a case of their own.
            tracing::warn!(%job, "evidence_late");
            return Ok(false);
        }
        self.client.write_evidence(job, item).await
    }

    async fn publish_evidence(
        &self,
        minute: &Minute<'_, K>,
        evidence: &[(JobId, f64)],
    ) -> Result<(), Failure> {
        for some in evidence.chunks(MAX_GAUGES) {
            if !minute.may_publish() {
                return Err(late("PutMetricData"));
            }
            self.client.publish_evidence(some, minute.now()).await?;
        }
        Ok(())
    }

    /// A message can be lost, and an alarm acts only when its state changes. Where a rollout that was to be
    /// stopped still runs some minutes later, its alarm is set to OK, so that the next number makes it fire.
    /// This is the alarm, if it is time.
    async fn fired_in_vain(
        &self,
        minute: &Minute<'_, K>,
        account: &Account,
        case: &Case,
    ) -> Option<String> {
        let is_due = case.record.still_runs(self.tolerated());
        if !is_due || !case.record.stops || self.settings.mode == StopMode::Observe {
            return None;
        }
        let stack = self.settings.as_stack();
        let candidates = account.alarms_of(&case.job).iter().filter(|alarm| {
            let observed = ObservedAlarm::new(alarm, None);
            watches_evidence(alarm)
                && !watches_evidence_s_absence(alarm)
                && observed.goes_to(stack.force_stop_topic)
                && observed.has_fired()
        });
        for alarm in candidates {
            let tags = self.fresh_tags_of(minute, alarm, WRITE).await;
            if owner_of(tags.as_ref(), &case.job, stack.name) == Owner::Ours {
                return Some(name(alarm).to_owned());
            }
        }
        None
    }

    /// Seconds that a stop may take.
    fn tolerated(&self) -> i64 {
        i64::try_from((self.settings.minute * STILL_RUNNING).as_secs()).unwrap_or(i64::MAX)
    }

    /// Jobs of which no minute was taken for a while, whatever the cause.
    fn add_blind(&self, minute: &Minute<'_, K>, account: &Account, weighed: &mut Weighed) {
        let Some(table) = &account.table else { return };
        for (job, listed) in account.jobs.iter().filter(|(job, _)| !weighed.taken.contains(*job)) {
            let is_wanted = self.desired(account, job, &self.cache.job(job)).evidence.is_some();
            let created = listed.created.seconds();
            let kept = table.evidence.get(job).map(|kept| &kept.record);
            let last = kept.filter(|record| record.created == created).map_or(created, |it| it.at);
            let age = minute.now().seconds() - last;
            weighed
                .findings
                .extend(findings::blind(job, age, self.settings.minute).filter(|_| is_wanted));
        }
    }
}
