//! The alarms of all jobs in progress: missing ones are created, altered ones repaired.

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::types::{MetricAlarm, StateValue};
use tripline::job::JobId;
use tripline::rollout::Rate;
use tripline::time::Timestamp;
use tripline_aws::{Failure, FailureKind};
use tripline_guard::guard::{GuardAlarm, Tagged};
use tripline_guard::owner::watches_what_is_published;
use tripline_guard::plan::{Action, Guarded, ObservedAlarm, Owner, Source, plan};

use crate::ask::{Ask, Listed};
use crate::cleanup::Removals;
use crate::clock::{Call, Clock, Minute};
use crate::failed::Trouble;
use crate::finding::{Finding, UNGUARDED};
use crate::health::memory::Memory;
use crate::keeper::Keeper;
use crate::observe::cache::Tags;
use crate::observe::{Account, name};

/// Until when each kind of work may begin, in percent of a minute's work: so that whatever there is too
/// much of never leaves the rest undone for ever.
const ARM: u32 = 85;
const REPAIR: u32 = 92;
pub(crate) const REMOVE: u32 = 100;
/// For so many seconds it is remembered that a guard was made whole: as long as the alarm on unguarded jobs looks
/// back.
const RESTORED_FOR: i64 = 300;
/// Most pages of a job's tags, of which there are 50 at most.
const TAG_PAGES: usize = 2;
/// Most jobs that are named in the log as not guarded.
const LOGGED: usize = 10;

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Guarding {
    pub guarded: usize,
    pub unguarded: usize,
    pub opted_out: usize,
    pub done: Done,
    /// Jobs whose configs are of no more use.
    pub forget: Vec<JobId>,
    /// Jobs whose guard was whole again a short time ago, and when.
    pub restored: BTreeMap<JobId, Timestamp>,
    /// What people have to hear of single jobs.
    pub findings: Vec<Finding>,
    pub trouble: Trouble,
}

impl Guarding {
    /// Whether a guard that is whole now was not when it was looked at, although it had been made whole a short
    /// time before: then it is there for some seconds of each minute, and being whole now says nothing.
    fn is_undone_again(&mut self, guarded: &Guarded, now: Timestamp) -> bool {
        guarded.was_open() && self.restored.insert(guarded.job.clone(), now).is_some()
    }

    fn unguarded(&mut self, guarded: &Guarded, why: &str) {
        self.unguarded += 1;
        if self.unguarded <= LOGGED {
            tracing::warn!(job = %guarded.job, why, "job_unguarded");
        }
        let text = format!("Not guarded: {why}. Watch it by hand until it is over.");
        self.findings.push(Finding { job: guarded.job.clone(), case: UNGUARDED, text });
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
    /// Does what there is to do, as far as the minute allows.
    pub(crate) async fn guard(&self, minute: &Minute<'_, K>, account: &Account) -> Guarding {
        let mut guarding = Guarding::default();
        // In the order of their names.
        let mut jobs: Vec<Guarded> =
            account.jobs.values().map(|listed| self.compare(minute, account, listed)).collect();
        let all = jobs.clone();
        let mut removals = Removals::new();
        let mut may_put = true;
        for action in plan(&all, &[], minute.turn()) {
            match action {
                Action::Arm { job, name } | Action::Repair { job, name } if may_put => {
                    let place = jobs.binary_search_by(|guarded| guarded.job.cmp(&job));
                    let found = place.ok().and_then(|place| jobs.get_mut(place));
                    let Some(guarded) = found else { continue };
                    let put = self.put(minute, account, guarded, &name, &mut guarding);
                    may_put = put.await;
                }
                Action::Remove { job, name } => {
                    self.collect(minute, account, &job, &name, &mut removals).await;
                }
                _ => {}
            }
        }
        self.remove(minute, removals, &mut guarding).await;
        self.ask_what_they_want(minute, account, &mut jobs).await;
        self.tidy(minute, account, &mut guarding).await;
        guarding.restored = restored_before(minute, account);
        for guarded in &jobs {
            match guarded.is_guarded() {
                None => guarding.opted_out += 1,
                Some(true) if guarding.is_undone_again(guarded, minute.now()) => {
                    guarding
                        .unguarded(guarded, "its guard was restored minutes ago and undone again");
                }
                Some(true) => guarding.guarded += 1,
                Some(false) => guarding.unguarded(guarded, guarded.fault().unwrap_or_default()),
            }
        }
        guarding
    }

    /// Jobs that look unguarded may have opted out: nobody is told of them before their tags are read.
    async fn ask_what_they_want(
        &self,
        minute: &Minute<'_, K>,
        account: &Account,
        jobs: &mut [Guarded],
    ) {
        for guarded in jobs.iter_mut().filter(|guarded| guarded.is_guarded() == Some(false)) {
            let Some(listed) = account.jobs.get(&guarded.job) else { continue };
            let known = self.cache.job(&guarded.job).tagged();
            let tagged = match known {
                None => self.read_tags(minute, listed, REMOVE).await,
                known => known,
            };
            if tagged.is_some_and(|tagged| tagged.opted_out) {
                guarded.opt_out();
            }
            let job = guarded.job.clone();
            if account.own(&job).is_none()
                && self.is_armed_elsewhere(minute, account, &job, REMOVE).await == Some(true)
            {
                guarded.armed_elsewhere();
            }
        }
    }

    /// What a job is to have, with what it has.
    fn compare(&self, minute: &Minute<'_, K>, account: &Account, listed: &Listed) -> Guarded {
        let job = &listed.job;
        let known = self.cache.job(job);
        let is_sure = account.own(job).is_some() || known.tags.is_some() && known.rate.is_some();
        let wanted = self.wanted(account, job);
        let tagged = known.tagged();
        let source = source_of(account, job, tagged.as_ref(), &wanted);
        let mut there: Vec<ObservedAlarm> = account
            .alarms_of(job)
            .iter()
            .map(|alarm| {
                let stops = self.stops(alarm);
                let wanted = wanted.iter().find(|wanted| wanted.name_for(job) == name(alarm));
                let as_wanted = match wanted {
                    // What its tags and its rate change is not known yet.
                    Some(_) if !is_sure && stops => true,
                    Some(wanted) => self.client.is_as_wanted(alarm, wanted, job),
                    None => false,
                };
                let tags = self.cache.owner(name(alarm), minute.now());
                ObservedAlarm {
                    name: name(alarm).to_owned(),
                    as_wanted,
                    stops,
                    in_alarm: alarm.state_value() == Some(&StateValue::Alarm),
                    owner: self.owner(job, tags.as_ref()),
                }
            })
            .collect();
        // Alarms of these names that watch something else are somebody else's.
        let names = wanted.iter().map(|alarm| alarm.name_for(job));
        let is_taken = |name: &String| {
            !there.iter().any(|there| there.name == *name) && account.taken.contains(name)
        };
        let foreign: Vec<ObservedAlarm> =
            names.filter(is_taken).map(ObservedAlarm::foreign).collect();
        there.extend(foreign);
        Guarded::new(job.clone(), listed.created, &source, &there)
    }

    /// The alarms that a job is to have, by what is known of it.
    pub(crate) fn wanted(&self, account: &Account, job: &JobId) -> Vec<GuardAlarm> {
        if let Some(own) = account.own(job) {
            return own.iter().cloned().map(GuardAlarm::Config).collect();
        }
        let known = self.cache.job(job);
        let rate = known.rate.unwrap_or(Rate::QUOTA);
        match known.tagged() {
            Some(tagged) => tagged.guard.alarms(rate),
            None => self.settings.default_guard.alarms(rate),
        }
    }

    /// Whether an alarm gets to the topic that stops rollouts, once it fires.
    fn stops(&self, alarm: &MetricAlarm) -> bool {
        alarm.actions_enabled() == Some(true)
            && watches_what_is_published(alarm)
            && alarm.alarm_actions().contains(&self.settings.force_stop_topic)
    }

    /// Whose an alarm is, by its tags as far as they are known.
    pub(crate) fn owner(&self, job: &JobId, tags: Option<&Tags>) -> Owner {
        match tags {
            None => Owner::Unknown,
            Some(Tags { job: Some(of), stack: Some(stack) })
                if of == job.as_str() && *stack == self.settings.stack =>
            {
                Owner::Ours
            }
            Some(_) => Owner::Foreign,
        }
    }

    /// Whether another stack has armed a job and looks after it: an alarm with that stack's tag acts on
    /// something that is not this stack's, and that stack's keeper has spoken lately. `None`: not known.
    async fn is_armed_elsewhere(
        &self,
        minute: &Minute<'_, K>,
        account: &Account,
        job: &JobId,
        percent: u32,
    ) -> Option<bool> {
        let acts = |alarm: &&MetricAlarm| {
            alarm.actions_enabled() == Some(true)
                && alarm.state_value() != Some(&StateValue::Alarm)
                && !alarm.alarm_actions().is_empty()
                && !self.stops(alarm)
        };
        for alarm in account.alarms_of(job).iter().filter(acts) {
            let tags = self.tags_of(minute, alarm, percent).await?;
            let is_of_it = tags.job.as_deref() == Some(job.as_str());
            if let Some(stack) = tags.stack
                && is_of_it
                && stack != self.settings.stack
                && self.is_alive(minute, &stack, percent).await?
            {
                return Some(true);
            }
        }
        Some(false)
    }

    /// Whether another stack's keeper has spoken lately. Its alarms outlive it.
    async fn is_alive(&self, minute: &Minute<'_, K>, stack: &str, percent: u32) -> Option<bool> {
        if let Some(is_alive) = self.cache.stack(stack, minute.now()) {
            return Some(is_alive);
        }
        if !minute.may(Call::Metrics, percent).await {
            return None;
        }
        match self.client.keeps(stack, minute.now()).await {
            Ok(is_alive) => {
                self.cache.learn_stack(stack, minute.now(), is_alive);
                Some(is_alive)
            }
            Err(failure) => {
                tracing::warn!(stack, %failure, "other_stack_unknown");
                None
            }
        }
    }

    /// Creates or repairs one alarm. `false`: CloudWatch has enough of it for now.
    async fn put(
        &self,
        minute: &Minute<'_, K>,
        account: &Account,
        guarded: &mut Guarded,
        alarm: &str,
        guarding: &mut Guarding,
    ) -> bool {
        let job = guarded.job.clone();
        let there = account.alarms_of(&job).iter().find(|there| name(there) == alarm);
        let until = if there.is_some() { REPAIR } else { ARM };
        let mut tagged = self.cache.job(&job).tagged();
        if tagged.is_none()
            && let Some(listed) = account.jobs.get(&job)
        {
            tagged = self.read_tags(minute, listed, until).await;
        }
        if tagged.as_ref().is_some_and(|tagged| tagged.opted_out) {
            guarded.opt_out();
            return true;
        }
        if account.own(&job).is_none() {
            match self.is_armed_elsewhere(minute, account, &job, until).await {
                Some(false) => {}
                Some(true) => {
                    guarded.armed_elsewhere();
                    return true;
                }
                // Whose they are is not known: the next minute.
                None => return true,
            }
            if self.cache.job(&job).rate.is_none() {
                self.read_rate(minute, &job, until).await;
            }
        }
        let wanted = self.wanted(account, &job);
        let Some(wanted) = wanted.iter().find(|wanted| wanted.name_for(&job) == alarm) else {
            return true;
        };
        if let Some(there) = there {
            let tags = self.fresh_tags_of(minute, there, until).await;
            match self.owner(&job, tags.as_ref()) {
                Owner::Ours => {}
                Owner::Foreign => {
                    guarded.blocked(alarm, self.stops(there));
                    return true;
                }
                Owner::Unknown => return true,
            }
        }
        if !minute.may(Call::PutAlarm, until).await {
            return true;
        }
        match self.client.put_alarm(wanted, &job, there.is_none()).await {
            Ok(()) => {
                guarded.done(alarm);
                let done = &mut guarding.done;
                if there.is_none() {
                    done.armed += 1
                } else {
                    done.repaired += 1
                }
                if there.is_some() {
                    tracing::warn!(%job, alarm, "alarm_repaired");
                }
                true
            }
            Err(failure) => {
                let goes_on = failure.kind != FailureKind::Throttled;
                guarding.trouble.add(alarm, failure);
                goes_on
            }
        }
    }

    /// A job's tags; if they cannot be had, it gets the stack's own guard until they can.
    pub(crate) async fn read_tags(
        &self,
        minute: &Minute<'_, K>,
        listed: &Listed,
        percent: u32,
    ) -> Option<Tagged> {
        let job = &listed.job;
        match self.all_tags(minute, &listed.arn, percent).await {
            // Half of them say as little as none: what is missing may be that it wants no guard.
            Ok(None) => None,
            Ok(Some(tags)) => {
                let pairs = tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
                let tagged = self.settings.default_guard.with_tags(pairs);
                let before = self.cache.job(job).tagged();
                if before.is_none_or(|before| before.faults != tagged.faults) {
                    for fault in &tagged.faults {
                        tracing::warn!(%job, %fault, "tag_invalid");
                    }
                }
                let known = (minute.now(), tagged.clone());
                self.cache.learn(job, |job| job.tags = Some(known));
                Some(tagged)
            }
            Err(failure) => {
                tracing::warn!(%job, %failure, "job_tags_unknown");
                None
            }
        }
    }

    /// All of a job's tags; `None` if they are not there in time.
    async fn all_tags(
        &self,
        minute: &Minute<'_, K>,
        arn: &str,
        percent: u32,
    ) -> Result<Option<Vec<(String, String)>>, Failure> {
        let (mut tags, mut next) = (Vec::new(), None);
        for _ in 0..TAG_PAGES {
            if !minute.may(Call::JobTags, percent).await {
                return Ok(None);
            }
            let page = self.client.job_tags(arn, next).await?;
            tags.extend(page.items);
            next = page.next;
            if next.is_none() {
                break;
            }
        }
        Ok(Some(tags))
    }

    /// How fast a job is; if that cannot be had, it gets the usual guard until it can.
    async fn read_rate(&self, minute: &Minute<'_, K>, job: &JobId, percent: u32) {
        if !minute.may(Call::DescribeNewJob, percent).await {
            return;
        }
        match self.client.describe_job(job).await {
            Ok(now) => self.cache.learn(job, |job| job.rate = Some(now.rate)),
            Err(failure) => tracing::warn!(%job, %failure, "job_rate_unknown"),
        }
    }
}

fn source_of(
    account: &Account,
    job: &JobId,
    tagged: Option<&Tagged>,
    wanted: &[GuardAlarm],
) -> Source {
    if tagged.is_some_and(|tagged| tagged.opted_out) {
        return Source::OptedOut;
    }
    let names = wanted.iter().map(|alarm| alarm.name_for(job)).collect();
    if account.own(job).is_some() { Source::Own(names) } else { Source::Default(names) }
}
