//! Queues as workers, people and crashes leave them.

use proptest::prelude::*;

use super::*;
use tripline::job::JobId;
use tripline::time::Timestamp;

const LEASE: u32 = 900;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

fn span(seconds: u32) -> Span {
    Span::from_seconds(seconds).unwrap()
}

/// The n-th entry of a queue, added in second n.
fn entry(n: u32) -> Entry {
    Entry {
        id: EntryId::new(i64::from(n) * 1_000, n, None),
        version: 1,
        state: State::Pending,
        job: JobId::new(&format!("fw-{n}")).unwrap(),
        region: None,
        bucket: "releases".to_owned(),
        files: Vec::new(),
        bake: span(0),
        tolerance: Default::default(),
        alert_only: false,
        default_guard: false,
        accept_uncovered: Default::default(),
        claims: 0,
        failures: 0,
        not_before: None,
        note: None,
    }
}

fn claimed(n: u32, now: i64) -> Entry {
    entry(n).claimed("w".to_owned(), span(LEASE), at(now))
}

fn done(n: u32, outcome: EntryOutcome, bake: u32, ended: i64) -> Entry {
    Entry { bake: span(bake), ..entry(n).ended(outcome, None, at(ended)) }
}

/// What is decided, as `what entry`.
fn decided(entries: &[Entry], now: i64) -> String {
    let number = |entry: &Entry| entry.id.milliseconds() / 1_000;
    match next(entries, at(now)) {
        Decision::Claim(entry) => format!("claim {}", number(entry)),
        Decision::Wait { of, why, until } => {
            let until = until.map_or_else(String::new, |at| format!(" until {}", at.seconds()));
            format!("wait for {why:?} of {}{until}", number(of))
        }
        Decision::Blocked { by, why } => format!("blocked by {}: {why:?}", number(by)),
        Decision::Empty => "empty".to_owned(),
    }
}

#[test]
fn the_oldest_releasable_entry_is_next() {
    use EntryOutcome::{Failed, Skipped, Stopped, Succeeded};
    let failed = |times: u32, now| (0..times).fold(entry(1), |entry, _| entry.failed("e", at(now)));
    let late = Entry { claims: 1, ..entry(2) };
    for (entries, now, expected) in [
        (vec![], 10, "empty"),
        (vec![entry(2), entry(1)], 10, "claim 1"),
        (vec![done(1, Succeeded, 0, 10), entry(2)], 10, "claim 2"),
        (vec![done(1, Succeeded, 60, 10), entry(2)], 69, "wait for Bake of 1 until 70"),
        (vec![done(1, Succeeded, 60, 10), entry(2)], 70, "claim 2"),
        // The longest of several bake times, in whichever order they ended.
        (
            vec![done(1, Succeeded, 500, 10), done(2, Succeeded, 60, 99), entry(3)],
            200,
            "wait for Bake of 1 until 510",
        ),
        (vec![done(1, Skipped, 60, 10), entry(2)], 11, "claim 2"),
        (vec![done(1, Failed, 0, 10), entry(2)], 99, "blocked by 1: Ended(Failed)"),
        (vec![done(1, Stopped, 0, 10), entry(2)], 99, "blocked by 1: Ended(Stopped)"),
        // An unsuccessful one holds up what was added by a clock that is behind, too.
        (vec![entry(1), done(2, Failed, 0, 10)], 99, "blocked by 2: Ended(Failed)"),
        (vec![done(1, Failed, 0, 10)], 99, "empty"),
        (vec![claimed(1, 0), entry(2)], 10, "wait for Lease of 1 until 960"),
        (vec![claimed(1, 0), entry(2)], 959, "wait for Lease of 1 until 960"),
        (vec![claimed(1, 0), entry(2)], 960, "claim 1"),
        // What is under way comes first, wherever it is.
        (vec![entry(1), claimed(2, 0)], 10, "wait for Lease of 2 until 960"),
        (vec![entry(1), claimed(2, 0)], 960, "claim 2"),
        (vec![entry(1), late], 10, "claim 2"),
        (vec![entry(1).deployed(), entry(2)], 10, "wait for Rollout of 1"),
        (vec![claimed(1, 0), entry(2).deployed()], 5_000, "wait for Rollout of 2"),
        (vec![failed(1, 100), entry(2)], 159, "wait for Retry of 1 until 160"),
        (vec![failed(1, 100), entry(2)], 160, "claim 1"),
        (vec![failed(4, 100), entry(2)], 400, "wait for Retry of 1 until 580"),
        (vec![failed(5, 100), entry(2)], 100_000, "blocked by 1: GaveUp"),
        (vec![Entry { failures: 5, ..claimed(1, 0) }, entry(2)], 960, "blocked by 1: GaveUp"),
    ] {
        assert_eq!(decided(&entries, now), expected, "{entries:#?}");
        let mut turned = entries;
        turned.reverse();
        assert_eq!(decided(&turned, now), expected, "in another order");
    }
}

#[test]
fn alarms_count_of_what_bakes_and_of_what_ended_last() {
    use EntryOutcome::{Failed, Skipped, Succeeded};
    let numbers = |entries: &[Entry], now| -> Vec<i64> {
        let last = ended_last(entries, at(now));
        last.iter().map(|entry| entry.id.milliseconds() / 1_000).collect()
    };
    let three = [
        done(1, Succeeded, 0, 10),
        done(2, Succeeded, 500, 20),
        done(3, Succeeded, 0, 30),
        entry(4),
    ];
    assert_eq!(numbers(&three, 100), [2, 3]);
    assert_eq!(numbers(&three, 520), [3]);
    // A month later CloudWatch knows no more of it.
    assert_eq!(numbers(&three, 30 + 30 * 86_400), [0; 0]);
    assert_eq!(numbers(&[done(1, Failed, 0, 10), done(2, Skipped, 90, 10)], 20), [0; 0]);
}

#[test]
fn a_short_lease_allows_for_less_difference_of_clocks() {
    for (length, free) in [(4, 5), (240, 300), (900, 960), (86_400, 86_460)] {
        let lease =
            Lease { worker: "w".to_owned(), until: at(length), length: span(length as u32) };
        assert_eq!(lease.free_from(), at(free));
    }
}

#[test]
fn steps_count_what_has_to_be_counted() {
    let first = entry(1).claimed("a".to_owned(), span(LEASE), at(0));
    assert_eq!((first.claims, first.failures, first.version), (1, 0, 2));
    let renewed = first.renewed(at(300));
    let State::Claimed(lease) = &renewed.state else { panic!("{renewed:?}") };
    assert_eq!((lease.worker.as_str(), lease.until.seconds(), renewed.version), ("a", 1_200, 3));
    // Interrupted is no failure; a lapsed lease and an error are.
    let back = renewed.given_back();
    assert_eq!((back.claims, back.failures, &back.state), (1, 0, &State::Pending));
    let again = back.claimed("b".to_owned(), span(LEASE), at(0));
    let lapsed = again.claimed("c".to_owned(), span(LEASE), at(960));
    assert_eq!((lapsed.claims, lapsed.failures), (3, 1));
    let failed = lapsed.failed("no\nnetwork\u{7}", at(1_000));
    assert_eq!((failed.failures, failed.not_before), (2, Some(at(1_120))));
    assert_eq!(failed.note.as_deref(), Some("no network?"));
    assert_eq!(failed.renewed(at(5)), failed);
    let ended = failed.ended(EntryOutcome::Failed, Some("why"), at(9));
    assert_eq!((ended.not_before, ended.note.as_deref()), (None, Some("why")));
}

#[test]
fn people_decide_where_no_worker_does() {
    let live = claimed(1, 0);
    assert!(live.declared(EntryOutcome::Skipped, at(959)).is_err());
    let states = [live.clone(), entry(1), entry(1).deployed(), done(1, EntryOutcome::Failed, 0, 5)];
    for entry in states {
        for outcome in EntryOutcome::ALL {
            let declared = entry.declared(outcome, at(960)).unwrap();
            assert_eq!(declared.state, State::Done { outcome, at: at(960) });
            assert!(declared.version > entry.version);
        }
    }
    let failed = (0..5).fold(entry(1), |entry, _| entry.failed("e", at(0)));
    let retried = failed.retried().unwrap();
    assert_eq!((retried.failures, retried.not_before), (0, None));
    for state in [entry(1), live.clone(), entry(1).deployed(), done(1, EntryOutcome::Failed, 0, 5)]
    {
        assert!(state.retried().is_err(), "{state:?}");
    }
    assert!(entry(1).check_removable().is_ok());
    for kept in [live.given_back(), live, entry(1).deployed(), done(1, EntryOutcome::Failed, 0, 5)]
    {
        assert!(kept.check_removable().is_err(), "{kept:?}");
    }
}

/// What can happen to a queue.
#[derive(Debug, Clone)]
enum Event {
    /// Time passes, in seconds.
    Pass(i64),
    /// A worker reads the queue.
    Read(usize),
    /// It acts on what it has read, however long ago that was.
    Act(usize),
    Renew(usize),
    /// Its deployment ends, or fails.
    End(usize, Option<EntryOutcome>),
    Detach(usize),
    Interrupt(usize),
    Crash(usize),
    Add,
    /// A person decides on the n-th entry.
    Declare(usize, EntryOutcome),
    Remove(usize),
}

#[derive(Debug, Clone, Default)]
struct Worker {
    /// How far its clock is ahead, in seconds.
    ahead: i64,
    /// The version of the queue's head and what it saw.
    seen: Option<(u64, Vec<Entry>)>,
    /// The entry that it believes to have.
    has: Option<EntryId>,
    name: String,
}

/// A table with conditional writes, and workers who know no more of each other.
#[derive(Debug, Default)]
struct Model {
    now: i64,
    head: u64,
    entries: Vec<Entry>,
    workers: Vec<Worker>,
    names: u32,
    added: u32,
}

impl Model {
    fn new(clocks: &[i64]) -> Self {
        let worker = |ahead: &i64| Worker { ahead: *ahead, ..Worker::default() };
        Self { now: 1_000_000, workers: clocks.iter().map(worker).collect(), ..Self::default() }
    }

    fn add(&mut self) {
        self.added += 1;
        let newest = self.entries.iter().map(|entry| &entry.id).max();
        let id = EntryId::new(self.now * 1_000, self.added, newest);
        self.entries.push(Entry { id, bake: span(30), ..entry(self.added) });
        self.head += 1;
    }

    /// A write of a worker to an entry that it has; refused if it has lost it.
    fn own(&mut self, worker: usize, step: impl FnOnce(&Entry, Timestamp) -> Entry) {
        let me = self.workers[worker].clone();
        let now = at(self.now + me.ahead);
        let Some(id) = &me.has else { return };
        let found = self.entries.iter_mut().find(|entry| entry.id == *id);
        match found {
            Some(entry) if matches!(&entry.state, State::Claimed(l) if l.worker == me.name) => {
                *entry = step(entry, now);
                if !matches!(entry.state, State::Claimed(_)) {
                    self.workers[worker].has = None;
                }
            }
            _ => self.workers[worker].has = None,
        }
    }

    fn act(&mut self, worker: usize) {
        let Some((head, seen)) = self.workers[worker].seen.take() else { return };
        let now = at(self.now + self.workers[worker].ahead);
        let Decision::Claim(entry) = next(&seen, now) else { return };
        self.names += 1;
        let name = format!("{worker}-{}", self.names);
        let new = entry.claimed(name.clone(), span(LEASE), now);
        let current = self.entries.iter_mut().find(|current| current.id == entry.id);
        if let Some(current) = current
            && self.head == head
            && current.version == entry.version
            && current.state == entry.state
        {
            *current = new;
            self.head += 1;
            self.workers[worker].name = name;
            self.workers[worker].has = Some(entry.id.clone());
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Pass(seconds) => self.now += seconds,
            Event::Read(worker) => {
                self.workers[worker].seen = Some((self.head, self.entries.clone()));
            }
            Event::Act(worker) => self.act(worker),
            Event::Renew(worker) => self.own(worker, |entry, now| entry.renewed(now)),
            Event::End(worker, Some(outcome)) => {
                self.own(worker, |entry, now| entry.ended(outcome, None, now));
            }
            Event::End(worker, None) => self.own(worker, |entry, now| entry.failed("e", now)),
            Event::Detach(worker) => self.own(worker, |entry, _| entry.deployed()),
            Event::Interrupt(worker) => self.own(worker, |entry, _| entry.given_back()),
            Event::Crash(worker) => {
                let ahead = self.workers[worker].ahead;
                self.workers[worker] = Worker { ahead, ..Worker::default() };
            }
            Event::Add => self.add(),
            Event::Declare(n, outcome) => {
                let now = at(self.now);
                if let Some(entry) = self.entries.get_mut(n)
                    && let Ok(declared) = entry.declared(outcome, now)
                {
                    *entry = declared;
                    self.head += 1;
                }
            }
            Event::Remove(n) => {
                if self.entries.get(n).is_some_and(|entry| entry.check_removable().is_ok()) {
                    self.entries.remove(n);
                    self.head += 1;
                }
            }
        }
    }

    fn under_way(&self) -> usize {
        let is = |entry: &&Entry| matches!(entry.state, State::Claimed(_) | State::Deployed);
        self.entries.iter().filter(is).count()
    }

    /// Believes to have an entry, within its lease by its own clock.
    fn at_work(&self) -> usize {
        let live = |worker: &&Worker| {
            self.entries.iter().any(|entry| {
                worker.has.as_ref() == Some(&entry.id)
                    && matches!(&entry.state, State::Claimed(lease)
                        if lease.worker == worker.name && self.now + worker.ahead < lease.until.seconds())
            })
        };
        self.workers.iter().filter(live).count()
    }
}

fn event() -> impl Strategy<Value = Event> {
    let worker = || 0..3_usize;
    let outcome = || prop::sample::select(EntryOutcome::ALL.to_vec());
    prop_oneof![
        3 => (1..2_000_i64).prop_map(Event::Pass),
        4 => worker().prop_map(Event::Read),
        6 => worker().prop_map(Event::Act),
        2 => worker().prop_map(Event::Renew),
        3 => (worker(), prop::option::of(outcome())).prop_map(|(w, o)| Event::End(w, o)),
        1 => worker().prop_map(Event::Detach),
        1 => worker().prop_map(Event::Interrupt),
        1 => worker().prop_map(Event::Crash),
        2 => Just(Event::Add),
        1 => (0..6_usize, outcome()).prop_map(|(n, o)| Event::Declare(n, o)),
        1 => (0..6_usize).prop_map(Event::Remove),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Workers whose clocks differ by up to a minute, who act on what they read long ago, who
    /// crash and are interrupted: never is more than one entry under way, and never do two of them
    /// hold a lease.
    #[test]
    fn never_are_two_rollouts_under_way(
        events in prop::collection::vec(event(), 1..120),
        clocks in prop::array::uniform3(-30..=30_i64),
    ) {
        let mut queue = Model::new(&clocks);
        for event in events {
            queue.happen(event);
            prop_assert!(queue.under_way() <= 1, "{queue:#?}");
            prop_assert!(queue.at_work() <= 1, "{queue:#?}");
        }
    }

    /// Whatever has happened, every entry comes to an end with one healthy worker and a person who
    /// decides where the queue asks for it; and those that are released from now on are in order.
    #[test]
    fn nothing_is_lost_whatever_has_happened(
        events in prop::collection::vec(event(), 1..120),
    ) {
        let mut queue = Model::new(&[0, 0, 0]);
        events.into_iter().for_each(|event| queue.happen(event));
        for worker in 0..3 {
            queue.happen(Event::Crash(worker));
        }
        let mut released: Vec<EntryId> = Vec::new();
        for _ in 0..200 {
            match next(&queue.entries, at(queue.now)) {
                Decision::Empty => break,
                Decision::Claim(entry) => {
                    if !entry.is_begun() {
                        released.push(entry.id.clone());
                    }
                    queue.happen(Event::Read(0));
                    queue.happen(Event::Act(0));
                    queue.happen(Event::End(0, Some(EntryOutcome::Succeeded)));
                }
                Decision::Wait { until: Some(until), .. } => queue.now = until.seconds(),
                Decision::Wait { of, until: None, .. } | Decision::Blocked { by: of, .. } => {
                    let n = queue.entries.iter().position(|entry| entry.id == of.id).unwrap();
                    queue.happen(Event::Declare(n, EntryOutcome::Skipped));
                }
            }
        }
        prop_assert_eq!(next(&queue.entries, at(queue.now)), Decision::Empty);
        let is_done = |entry: &Entry| matches!(entry.state, State::Done { .. });
        prop_assert!(queue.entries.iter().all(is_done));
        prop_assert!(released.is_sorted(), "{released:?}");
    }

    /// A worker that renews in time keeps its entry, and one that has lost it cannot write.
    #[test]
    fn a_lost_lease_writes_nothing(events in prop::collection::vec(event(), 1..60)) {
        let mut queue = Model::new(&[0, 0, 0]);
        queue.add();
        queue.happen(Event::Read(0));
        queue.happen(Event::Act(0));
        let first = queue.workers[0].clone();
        prop_assert!(first.has.is_some());
        queue.now += 2_000;
        queue.happen(Event::Read(1));
        queue.happen(Event::Act(1));
        prop_assert_eq!(&queue.workers[1].has, &first.has);
        let before = queue.entries.clone();
        for event in events {
            if matches!(event, Event::Renew(0) | Event::End(0, _) | Event::Detach(0) | Event::Interrupt(0)) {
                queue.workers[0] = first.clone();
                queue.happen(event);
                prop_assert_eq!(&queue.entries, &before);
            }
        }
    }
}
