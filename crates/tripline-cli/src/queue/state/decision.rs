//! What a worker is to do now.

use super::entry::{Entry, EntryOutcome, MAX_FAILURES, State};
use tripline::time::Timestamp;

/// What a worker is to do now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision<'a> {
    /// Claim this one.
    Claim(&'a Entry),
    /// Come back later.
    Wait {
        /// What is waited for.
        of: &'a Entry,
        /// Why.
        why: Waiting,
        /// When to look again, if that is known.
        until: Option<Timestamp>,
    },
    /// Nothing is released until a person has decided on an entry.
    Blocked {
        /// Which.
        by: &'a Entry,
        /// Why.
        why: Blocking,
    },
    /// Nothing is left to do.
    Empty,
}

/// Why nothing is released yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// A worker deploys it.
    Lease,
    /// Its rollout goes on.
    Rollout,
    /// It ended well a short while ago.
    Bake,
    /// It failed a short while ago.
    Retry,
}

/// Why nothing is released until a person has decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blocking {
    /// It was unsuccessful.
    Ended(EntryOutcome),
    /// It failed too often.
    GaveUp,
}

/// What is to be done with a queue. `entries` may be in any order.
///
/// What is under way comes first, wherever it is in the queue: there is never more than one rollout
/// at a time. Then what was begun, because something of it may exist, and then the oldest. Any entry
/// that was unsuccessful holds up all others, not only those behind it: entries may be added by machines
/// whose clocks differ, and what counts is what happened before now.
pub fn next(entries: &[Entry], now: Timestamp) -> Decision<'_> {
    let mut sorted: Vec<&Entry> = entries.iter().collect();
    sorted.sort_by(|a, b| a.id.cmp(&b.id));
    under_way(&sorted, now).unwrap_or_else(|| waiting(&sorted, now))
}

/// CloudWatch keeps the history of alarms so many seconds: 30 days.
const HISTORY: i64 = 30 * 86_400;

/// The entries that ended well and whose alarms still count: those that bake, and the last one, as
/// nothing has begun since.
pub fn ended_last(entries: &[Entry], now: Timestamp) -> Vec<&Entry> {
    let ended = |entry: &Entry| match entry.state {
        State::Done { outcome: EntryOutcome::Succeeded, at } => Some(at),
        _ => None,
    };
    let last = entries.iter().filter_map(ended).max();
    let counts = |entry: &&Entry| {
        ended(entry).is_some_and(|at| {
            let since = now.seconds_after(at);
            let bakes = since < i64::from(entry.bake.seconds());
            bakes || (last == Some(at) && since < HISTORY)
        })
    };
    entries.iter().filter(counts).collect()
}

fn under_way<'a>(entries: &[&'a Entry], now: Timestamp) -> Option<Decision<'a>> {
    let mut lapsed = None;
    for &entry in entries {
        match &entry.state {
            State::Claimed(lease) if now < lease.free_from() => {
                let until = Some(lease.free_from());
                return Some(Decision::Wait { of: entry, why: Waiting::Lease, until });
            }
            State::Deployed => {
                return Some(Decision::Wait { of: entry, why: Waiting::Rollout, until: None });
            }
            State::Claimed(_) => lapsed = lapsed.or(Some(entry)),
            State::Pending | State::Done { .. } => {}
        }
    }
    lapsed.map(unless_given_up)
}

fn unless_given_up(entry: &Entry) -> Decision<'_> {
    if entry.failures >= MAX_FAILURES {
        Decision::Blocked { by: entry, why: Blocking::GaveUp }
    } else {
        Decision::Claim(entry)
    }
}

fn waiting<'a>(entries: &[&'a Entry], now: Timestamp) -> Decision<'a> {
    let pending = || entries.iter().copied().filter(|entry| entry.state == State::Pending);
    let Some(first) = pending().find(|entry| entry.is_begun()).or_else(|| pending().next()) else {
        return Decision::Empty;
    };
    let mut baking: Option<(&Entry, Timestamp)> = None;
    for &entry in entries {
        let State::Done { outcome, at } = entry.state else { continue };
        if !outcome.is_well() {
            return Decision::Blocked { by: entry, why: Blocking::Ended(outcome) };
        }
        let bake = i64::from(entry.bake.seconds());
        let until = Timestamp::from_seconds(at.seconds().saturating_add(bake));
        if outcome == EntryOutcome::Succeeded
            && now < until
            && baking.is_none_or(|(_, latest)| latest < until)
        {
            baking = Some((entry, until));
        }
    }
    if let Some((of, until)) = baking {
        return Decision::Wait { of, why: Waiting::Bake, until: Some(until) };
    }
    match first.not_before {
        _ if first.failures >= MAX_FAILURES => unless_given_up(first),
        Some(until) if now < until => {
            Decision::Wait { of: first, why: Waiting::Retry, until: Some(until) }
        }
        _ => Decision::Claim(first),
    }
}
