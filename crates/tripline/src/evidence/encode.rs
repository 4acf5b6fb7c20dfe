//! A state as bytes, for the item in which it waits for the next tick.
//!
//! One byte of version, eight of the limits' fingerprint, then numbers of variable length: seven bits
//! a byte, the lowest first, the highest bit set in all but the last byte. Fractions are eight bytes.
//! A cohort that began a minute after the one before it is one number, twice twice how many began.

mod bytes;

use super::checks::{Checks, MINUTES};
use super::clock::Clock;
use super::cohorts::{Cohort, Cohorts};
use super::gate::{Cleared, Gate};
use super::limits::Limits;
use super::rungs::Passed;
use super::state::{Counts, State};
use super::verdict::{LimitName, Spoke};
use bytes::{Reader, Writer};

/// The version of this format.
const VERSION: u8 = 1;
/// More cohorts than a state ever has.
const MAX_COHORTS: u32 = 512;

/// Bytes that are no state of these limits. Whoever reads them begins again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidState {
    /// Written by another version.
    #[error("the state is of another version")]
    OtherVersion,
    /// Written for other limits.
    #[error("the state is of other limits")]
    OtherLimits,
    /// Cut, or never a state.
    #[error("the state cannot be read")]
    Malformed,
}

impl State {
    /// Longest state in bytes.
    pub const MAX_BYTES: usize = 2_048;

    /// The state as bytes: at most [`Self::MAX_BYTES`].
    pub fn encode(&self) -> Vec<u8> {
        let mut to = Writer::default();
        to.byte(VERSION);
        to.fixed(self.hash);
        to.optional(self.last);
        to.byte(self.restarts);
        to.byte(u8::from(self.is_stalled));
        let Counts { begun, ended, failed, timed_out } = self.counts;
        for count in [begun, ended, failed, timed_out] {
            to.number(count);
        }
        to.byte(u8::from(self.clock.is_some()));
        if let Some(clock) = self.clock {
            to.number(clock.first);
            to.number(clock.virtual_minute);
            to.number(clock.stalled);
            to.byte(u8::from(clock.was_slow));
        }
        write_cohorts(&mut to, &self.cohorts);
        for passed in &self.passed {
            to.optional(passed.until);
            to.number(passed.n);
            to.number(passed.x);
        }
        for checks in [self.count, self.failures] {
            to.fraction(checks.ln_sum);
            to.number(u32::try_from(checks.made).unwrap_or(u32::MAX));
        }
        to.fraction(self.best);
        write_spoke(&mut to, self.spoke);
        for cleared in self.gate.rungs.iter().chain([&self.gate.failed]) {
            to.number(cleared.n);
            to.number(cleared.x);
            to.fraction(cleared.best);
        }
        to.into_bytes()
    }

    /// The state that these bytes are, if they are one of these limits.
    pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Self, InvalidState> {
        let mut from = Reader::new(bytes);
        if from.byte() != Some(VERSION) {
            return Err(InvalidState::OtherVersion);
        }
        if from.fixed() != Some(limits.hash()) {
            return Err(InvalidState::OtherLimits);
        }
        let state = read(&mut from, limits).filter(|_| from.is_at_end());
        state.ok_or(InvalidState::Malformed)
    }
}

fn read(from: &mut Reader<'_>, limits: &Limits) -> Option<State> {
    let mut state = State::new(limits);
    state.last = from.optional()?;
    state.restarts = from.byte()?;
    state.is_stalled = from.flag()?;
    let Counts { begun, ended, failed, timed_out } = &mut state.counts;
    for count in [begun, ended, failed, timed_out] {
        *count = from.number()?;
    }
    if from.flag()? {
        state.clock = Some(Clock {
            first: from.number()?,
            virtual_minute: from.number()?,
            stalled: from.number()?,
            was_slow: from.flag()?,
        });
    }
    state.cohorts = read_cohorts(from)?;
    for passed in &mut state.passed {
        *passed = Passed { until: from.optional()?, n: from.number()?, x: from.number()? };
        (passed.x <= passed.n).then_some(())?;
    }
    for checks in [&mut state.count, &mut state.failures] {
        let ln_sum = from.fraction()?;
        let made = usize::try_from(from.number()?).ok()?;
        (made <= MINUTES.len() && ln_sum < f64::INFINITY).then_some(())?;
        *checks = Checks { ln_sum, made };
    }
    state.best = from.fraction().filter(|best| (0.0..f64::INFINITY).contains(best))?;
    state.spoke = read_spoke(from)?;
    let Gate { rungs, failed } = &mut state.gate;
    for cleared in rungs.iter_mut().chain([failed]) {
        let (n, x) = (from.number()?, from.number()?);
        let best = from.fraction().filter(|best| (0.0..f64::INFINITY).contains(best))?;
        *cleared = Cleared { n, x, best };
    }
    let counted = state.cohorts.list.last().map_or(state.cohorts.older, |cohort| cohort.total);
    let begun = state.clock.map_or(0, |_| state.counts.begun);
    (counted == begun).then_some(state)
}

fn write_cohorts(to: &mut Writer, cohorts: &Cohorts) {
    to.number(cohorts.older);
    to.optional(cohorts.before);
    to.number(u32::try_from(cohorts.list.len()).unwrap_or(u32::MAX));
    let (mut minute, mut virtual_minute) = (0, 0);
    for cohort in &cohorts.list {
        let minutes = cohort.minute.saturating_sub(minute);
        let virtual_minutes = cohort.virtual_minute.saturating_sub(virtual_minute);
        let is_next = minutes == 1;
        let runs = minutes == virtual_minutes;
        to.number_with_flags(cohort.begun, [is_next, runs]);
        if !is_next {
            to.number(minutes);
        }
        if !runs {
            to.number(virtual_minutes);
        }
        (minute, virtual_minute) = (cohort.minute, cohort.virtual_minute);
    }
}

fn read_cohorts(from: &mut Reader<'_>) -> Option<Cohorts> {
    let older = from.number()?;
    let before = from.optional()?;
    let length = from.number().filter(|length| *length <= MAX_COHORTS)?;
    let (mut minute, mut virtual_minute, mut total) = (0_u32, 0_u32, older);
    let mut list = Vec::new();
    for _ in 0..length {
        let (begun, [is_next, runs]) = from.number_with_flags()?;
        let minutes = if is_next { 1 } else { from.number()? };
        let virtual_minutes = if runs { minutes } else { from.number()? };
        minute = minute.checked_add(minutes)?;
        virtual_minute = virtual_minute.checked_add(virtual_minutes)?;
        total = total.checked_add(begun)?;
        list.push(Cohort { minute, virtual_minute, begun, total });
    }
    Some(Cohorts { list, before, older })
}

fn write_spoke(to: &mut Writer, spoke: Option<Spoke>) {
    let Some(Spoke { limit, n, x, allowed, minute }) = spoke else { return to.byte(0) };
    let (kind, age) = match limit {
        LimitName::Rung(age) => (1, age),
        LimitName::Timeout(age) => (2, age),
        LimitName::Count => (3, 0),
        LimitName::Failed => (4, 0),
        LimitName::FailedCurve => (5, 0),
    };
    to.byte(kind);
    for number in [age, n, x, allowed, minute] {
        to.number(number);
    }
}

fn read_spoke(from: &mut Reader<'_>) -> Option<Option<Spoke>> {
    let kind = from.byte()?;
    if kind == 0 {
        return Some(None);
    }
    let age = from.number()?;
    let limit = match kind {
        1 => LimitName::Rung(age),
        2 => LimitName::Timeout(age),
        3 => LimitName::Count,
        4 => LimitName::Failed,
        5 => LimitName::FailedCurve,
        _ => return None,
    };
    let (n, x, allowed, minute) = (from.number()?, from.number()?, from.number()?, from.number()?);
    Some(Some(Spoke { limit, n, x, allowed, minute }))
}
