//! A job with its limits, its state, and what was read of it this minute.

use std::collections::BTreeSet;
use std::time::Duration;

use tripline::evidence::{Ages, InvalidState, Limits, Record, Standing, State, Tick, Verdict};
use tripline::job::{CountRejected, Job, JobId};
use tripline::release::hold::HeldBriefly;
use tripline_config::NoLimits;

use super::lists::PAGES;
use super::minutes::{Minutes, Reading};
use crate::ask::{Ask, EvidenceItem, PAGE, Span};
use crate::clock::Clock;
use crate::coverage::Reports;
use crate::keeper::Keeper;
use crate::observe::cache::JobLimits;
use crate::observe::{Account, Described, KeptEvidence};

/// From so many seconds without a whole list on, people are to know.
const LONG_UNLISTED: i64 = 600;

/// One job's minute.
#[derive(Debug)]
pub(super) struct Case {
    pub job: JobId,
    pub record: Record,
    limits: Limits,
    state: State,
    tick: Tick,
    minutes: Minutes,
    reading: Reading,
    minute: Duration,
    in_progress: u32,
    has_retries: bool,
    instead_of: Option<u32>,
    /// What is published of it already.
    pub published: f64,
}

impl<C: Ask, K: Clock + Sync> Keeper<C, K> {
    /// A job's minute; `None` if nobody wants evidence of it, or AWS IoT did not say how far it is.
    pub(super) fn case(
        &self,
        account: &Account,
        described: &Described,
        reports: &Reports,
    ) -> Option<Result<Case, NoLimits>> {
        let Described { id, now, at } = described;
        let known = self.cache.job(id);
        let desired = self.desired(account, id, &known);
        let config = desired.evidence.as_ref().filter(|_| now.is_counted)?;
        // Other limits would begin it again: without its own, those of its first tags are waited for.
        let are_tags_known = known.tags.is_some() && known.is_recalled;
        if !are_tags_known && !account.declares_limits(id) {
            return None;
        }
        let created = now.created_at?;
        let there = account.table.as_ref()?.evidence.get(id);
        let minute = self.settings.minute;
        let is_its = |kept: &&KeptEvidence| {
            let Record { created: of, origin, .. } = kept.record;
            // A clock that was ahead has dated it into the future.
            of == created && origin > 0 && kept.tick <= Minutes { origin }.read(*at, minute).t + 1
        };
        let kept = there.filter(is_its);
        let mut record = kept.map(|kept| kept.record.clone()).unwrap_or_default();
        let minutes = match kept {
            None => Minutes::from_first(*at, minute),
            Some(_) => Minutes { origin: record.origin },
        };
        let reading = minutes.read(*at, minute);
        // Until it is known whether rejections count, they do not: what has been counted stays.
        let rejected = match known.clone().tagged() {
            Some(tagged) if are_tags_known => {
                tagged.count_rejected.unwrap_or(self.settings.count_rejected)
            }
            _ => CountRejected::No,
        };
        let tick = tick_of(now, reading.t, rejected);
        // A list that becomes too long later only makes its limits wait: weights never move after looking.
        record.list = record
            .list
            .or_else(|| (tick.begun > 0).then_some(now.counts.in_progress <= PAGES * PAGE));
        let list = record.list.unwrap_or(true);
        let limits = match self.cache.limits(id, config, account.baseline(id), (now.timeout, list))
        {
            Ok(JobLimits { limits, needs, clears_at }) => {
                record.coverage =
                    self.coverage_facts(&known, Some(needs), &desired, reports.get(id));
                // By what is not counted nothing is ever cleared.
                record.clears_at = clears_at.filter(|_| !now.setup.counts_attempts());
                limits
            }
            Err(error) => return Some(Err(error)),
        };
        let published = record.evidence;
        let mut state = state_of(kept, &limits, &mut record.restarts);
        let hold = account.hold(id, created);
        record.is_held = hold.is_some_and(HeldBriefly::is_on);
        // A hold that is over is no second chance at the permitted false stops. Without its item it did not end.
        let went_on = hold.map_or(record.went_on, |hold| hold.times);
        if went_on > record.went_on && record.list.is_some() {
            let times = went_on - record.went_on;
            record.restarts = record.restarts.saturating_add(times);
            state = (0..record.restarts).fold(State::new(&limits), |it, _| it.restarted(&limits));
            (record.breached, record.refired) = (None, None);
        }
        record.went_on = went_on;
        record.created = created;
        record.origin = minutes.origin;
        record.at = i64::try_from(at.as_secs()).unwrap_or(i64::MAX);
        record.stops = desired.evidence_stops(&self.settings.force_stop_topic);
        record.unseen = unseen(now, &record, &limits, &state);
        Some(Ok(Case {
            job: id.clone(),
            record,
            limits,
            state,
            tick,
            minutes,
            reading,
            minute,
            in_progress: now.counts.in_progress,
            has_retries: now.setup.counts_attempts(),
            instead_of: there.map(|there| there.tick),
            published,
        }))
    }
}

/// The state as it was kept. What cannot be read begins again; with other limits the permitted false stops
/// are spent once more, by half.
fn state_of(kept: Option<&KeptEvidence>, limits: &Limits, restarts: &mut u8) -> State {
    let new = |times: u8| (0..times).fold(State::new(limits), |state, _| state.restarted(limits));
    let Some(kept) = kept else { return State::new(limits) };
    match State::decode(&kept.state, limits) {
        Ok(state) => state,
        // Nothing had been looked at yet.
        Err(InvalidState::OtherLimits) if kept.record.list.is_none() => State::new(limits),
        Err(InvalidState::OtherLimits) => {
            *restarts = restarts.saturating_add(1);
            new(*restarts)
        }
        Err(InvalidState::OtherVersion | InvalidState::Malformed) => new(*restarts),
    }
}

fn tick_of(now: &Job, t: u32, rejected: CountRejected) -> Tick {
    let counts = &now.counts;
    let timed_out = counts.ended.timed_out;
    let gone = counts.canceled.saturating_add(counts.removed);
    let ended = counts.ended.executed().saturating_sub(timed_out).saturating_add(gone);
    let unsuccessful = match now.setup.counts_attempts() {
        // AWS counts each attempt.
        true => 0,
        false => counts.ended.unsuccessful_with(rejected).saturating_sub(timed_out),
    };
    Tick {
        t,
        begun: ended.saturating_add(timed_out).saturating_add(counts.in_progress),
        ended,
        unsuccessful,
        timed_out: if now.setup.counts_attempts() { 0 } else { timed_out },
        in_progress: None,
    }
}

/// What evidence does not see of a rollout.
fn unseen(now: &Job, record: &Record, limits: &Limits, state: &State) -> Vec<String> {
    let mut unseen = Vec::new();
    if now.setup.counts_attempts() {
        unseen.push(
            "failures and timeouts: AWS IoT counts attempts of this job, not devices".to_owned(),
        );
    }
    let is_late = state.verdict(limits).minute > Limits::LAST_CHECK;
    // A new one has not been listed yet.
    let listed = record.listed.or(record.tried).unwrap_or(record.at);
    if limits.uses_list()
        && now.counts.in_progress > 0
        && record.at.saturating_sub(listed) >= LONG_UNLISTED
    {
        unseen.push(format!(
            "when single devices are slow, for {} minutes: their list is too long, or there are too many rollouts",
            record.at.saturating_sub(listed) / 60
        ));
    }
    if !limits.uses_list() && is_late {
        unseen.push(format!(
            "slow and silent devices: after {} minutes counts alone do not show them",
            Limits::LAST_CHECK
        ));
    }
    unseen
}

impl Case {
    /// Whether the counts alone would stop the rollout.
    pub fn is_stopped_by_counts(&self) -> bool {
        self.state.clone().tick(&self.limits, &self.tick).stop
    }

    /// Whether the executions in progress are to be listed: a reading that came too late has no ages, and
    /// once the rollout is to be stopped nothing more is asked.
    pub fn needs_list(&self) -> bool {
        self.limits.uses_list()
            && self.reading.is_timely
            && self.tick.begun > 0
            && self.in_progress > 0
            && self.pages() <= PAGES
            && self.record.breached.is_none()
    }

    /// How many pages its list has, about.
    pub fn pages(&self) -> u32 {
        self.in_progress.div_ceil(PAGE).max(1)
    }

    /// The ages of executions in progress. Only a device's first one counts, so that it is counted once.
    pub fn ages(&self, spans: &[Span]) -> Ages {
        // One that has moved between two pages is listed twice.
        let mut things = BTreeSet::new();
        let first = spans.iter().filter(|span| !span.is_retry && things.insert(span.thing));
        Ages::of_devices(
            first.filter_map(|span| {
                self.minutes.age(span.began.seconds(), self.reading.t, self.minute)
            }),
        )
    }

    /// Takes the minute, with the list of executions in progress if it was read whole.
    pub fn tick(&mut self, in_progress: Option<Ages>) -> Verdict {
        if in_progress.is_some() {
            self.record.listed = Some(self.record.at);
        }
        let tick = Tick { in_progress, ..self.tick.clone() };
        let verdict = self.state.tick(&self.limits, &tick);
        let record = std::mem::take(&mut self.record);
        self.record = record.of_state(&self.state, &self.limits);
        if self.has_retries {
            // Nothing is cleared by what is not counted.
            self.record.clearance = None;
            if self.record.standing == Standing::Healthy {
                self.record.standing = Standing::Undecided;
            }
        }
        verdict
    }

    /// As it is kept.
    pub fn item(&self) -> EvidenceItem {
        EvidenceItem {
            text: self.record.clone().bounded().to_text(),
            state: self.state.encode(),
            tick: self.reading.t,
            instead_of: self.instead_of,
        }
    }
}
