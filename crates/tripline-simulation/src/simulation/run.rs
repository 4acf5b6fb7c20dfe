use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::calendar::{Calendar, Entry, Happening, LAST_MINUTE};
use super::conditions::Conditioned;
use super::devices::Devices;
use super::fleet::{Fate, Kind};
use super::guard::GuardPlan;
use super::notices::Notices;
use super::outcome::{Reached, Record, RolloutOutcome};
use super::random::{Random, Stream, random};
use super::store::{Metrics, SampledEnding};
use super::time::{Elapsed, MINUTE};
use super::watch::{Scene, Watches};
use super::{Detail, Scenario};
use tripline::job::{EndedCounts, ExecutionCounts};
use tripline::metric::Outcome;
use tripline::rollout::{Pace, Retried};

/// Simulates rollouts one after another, in the same memory.
pub struct Simulator<'a> {
    scenario: &'a Scenario,
    plans: &'a [&'a dyn GuardPlan],
    calendar: Calendar,
    /// What comes up in the minute that is under way: a device that tries again at once.
    late: BinaryHeap<Reverse<Entry>>,
    devices: Devices,
    metrics: Metrics,
    notices: Notices,
    /// Of the devices that are notified in the minute under way.
    fates: Vec<Fate>,
}

/// One rollout under way.
struct Run {
    minute: u64,
    /// The fleet as it is in this rollout.
    fleet: Conditioned,
    /// Devices whose fate is drawn: those notified by the end of this minute.
    drawn: u32,
    /// Devices, by how the last attempt of each ended.
    endings: EndedCounts,
    /// Attempts, as far as AWS IoT counts them.
    executions: EndedCounts,
    /// Attempts that began and have ended.
    ended: u32,
    canceled: Option<Canceled>,
    last_event: Elapsed,
    retries: Random,
    watches: Watches,
}

/// What a stop has canceled.
#[derive(Debug, Clone, Copy)]
struct Canceled {
    executions: u32,
    /// Attempts and devices that had begun by then.
    begun: (u32, u32),
}

impl<'a> Simulator<'a> {
    /// For rollouts of this kind under these guards.
    pub fn new(scenario: &'a Scenario, plans: &'a [&'a dyn GuardPlan]) -> Self {
        Self {
            scenario,
            plans,
            calendar: Calendar::default(),
            late: BinaryHeap::new(),
            devices: Devices::default(),
            metrics: Metrics::new(
                scenario.start.minute(),
                scenario.publishing_delay,
                plans.iter().any(|plan| plan.needs_values()),
            ),
            notices: Notices::default(),
            fates: Vec::new(),
        }
    }

    /// Simulates the rollout number `run` of a seed.
    // Inlined into a program that is compiled for size, it would be compiled for size too.
    #[inline(never)]
    pub fn run(&mut self, seed: u64, run: u32, detail: Detail) -> RolloutOutcome {
        self.calendar.clear();
        self.late.clear();
        self.notices.clear();
        self.devices.clear(self.scenario.devices());
        self.metrics.reset(self.plans.iter().flat_map(|plan| plan.metrics()));
        let start = self.scenario.start.minute();
        let mut guards = random(seed, run, Stream::Guards);
        let conditions = random(seed, run, Stream::Conditions);
        let mut rollout = Run {
            minute: 0,
            fleet: Conditioned::new(self.scenario.fleet, self.scenario.conditions, conditions),
            drawn: 0,
            endings: EndedCounts::default(),
            executions: EndedCounts::default(),
            ended: 0,
            canceled: None,
            last_event: Elapsed::default(),
            retries: random(seed, run, Stream::Retries),
            watches: Watches::new(self.plans, start, &mut guards, detail),
        };
        let mut fleet = random(seed, run, Stream::Fleet);
        let mut pace = Pace::new(self.scenario.rollout.rate);
        let mut minutes = Vec::new();
        let (ended_at, end) = loop {
            self.notify(&mut rollout, &mut pace, &mut fleet);
            self.minute(&mut rollout);
            let now = Elapsed::from_millis((rollout.minute + 1) * MINUTE - 1);
            if let Some(notified) = self.notices.last(now) {
                rollout.last_event = rollout.last_event.max(notified);
            }
            let reached = rollout.reached(&self.notices, &mut self.devices, now);
            if detail == Detail::Full {
                minutes.push(reached);
            }
            if let Some(end) = self.end(&rollout, &reached) {
                break (end, reached);
            }
            rollout.minute += 1;
        };
        let record =
            (detail == Detail::Full).then(|| Record { minutes, traces: rollout.watches.traces() });
        let evidence = rollout.watches.evidence().filter(|_| detail == Detail::Full);
        RolloutOutcome {
            devices: self.scenario.devices(),
            end,
            stopped_by: rollout.watches.stopped_by(),
            firings: rollout.watches.into_firings(),
            ended_at,
            record,
            evidence,
        }
    }

    /// When the run is over, if it is by the end of this minute.
    fn end(&self, run: &Run, reached: &Reached) -> Option<Elapsed> {
        let now = Elapsed::from_minutes(run.minute + 1);
        if let Some(at) = run.watches.done() {
            return Some(at);
        }
        let all_notified = run.watches.is_stopped() || run.drawn >= self.scenario.devices();
        // The job is completed, and its alarms with it. A steady load is a part of something longer,
        // so the alarms look at all of it.
        let completed = all_notified && reached.progress.open() == 0;
        if completed && self.scenario.fleet.steady.is_none() && !run.watches.waits() {
            return Some(run.last_event);
        }
        // Nothing happens any more, and no guard will think of something new.
        let quiet = run.last_event.plus(Elapsed::from_seconds(run.watches.looks_back()));
        let forgotten = all_notified && self.calendar.is_empty() && now > quiet;
        let horizon = self.scenario.horizon.is_some_and(|horizon| now >= horizon);
        (forgotten || horizon || run.minute >= LAST_MINUTE).then_some(now)
    }

    /// Notifies the devices of the minute that begins, evenly over it, and enters what becomes of them.
    fn notify(&mut self, run: &mut Run, pace: &mut Pace, fleet: &mut Random) {
        if run.watches.is_stopped() {
            self.notices.begin(run.minute, 1, 0);
            return;
        }
        let steady = self.scenario.fleet.steady;
        let rate =
            steady.unwrap_or_else(|| pace.next_minute(self.notices.all(), run.endings.succeeded));
        let number = rate.min(self.scenario.devices().saturating_sub(run.drawn));
        self.notices.begin(run.minute, rate, number);
        // First all that is drawn and then all that is entered, so that neither waits for the other.
        self.fates.clear();
        let numbers = run.drawn..run.drawn.saturating_add(number);
        self.fates.extend(numbers.map(|device| run.fleet.draw(device, fleet)));
        for place in 0..self.fates.len() {
            let (at, fate) = (self.notices.times().get(place), self.fates.get(place));
            let (Some(at), Some(fate)) = (at.copied(), fate.copied()) else { break };
            let begins = self.enter(&run.fleet, at, run.drawn, fate);
            self.devices.add(begins, fate.download);
            run.drawn += 1;
        }
    }

    /// Enters how an attempt ends of a device that is notified at `notified`; when it begins, if it does.
    #[inline]
    fn enter(
        &mut self,
        fleet: &Conditioned,
        notified: Elapsed,
        device: u32,
        fate: Fate,
    ) -> Option<Elapsed> {
        let steady = self.scenario.fleet.steady.is_some();
        let begins = if steady { notified } else { fleet.reported(notified.plus(fate.start)) };
        let ending = match fate.kind {
            Kind::Unreachable => return None,
            Kind::Rejects => {
                self.calendar.add(begins, device, Happening::Rejects);
                return None;
            }
            Kind::Silent => None,
            Kind::Succeeds => Some(Happening::Succeeds),
            Kind::Fails => Some(Happening::Fails),
        };
        let takes = Elapsed::from_millis(u64::from(fate.download) * 100);
        let timeout = self.scenario.rollout.timeout;
        let timeout = timeout.map(|timeout| Elapsed::from_minutes(timeout.minutes().into()));
        // A device of a steady load has been at it until now.
        let after = |time| if steady { begins } else { begins.plus(time) };
        match (ending, timeout) {
            (Some(ending), timeout) if timeout.is_none_or(|timeout| takes <= timeout) => {
                self.calendar.add(fleet.reported(after(takes)), device, ending);
            }
            (_, Some(timeout)) => self.calendar.add(after(timeout), device, Happening::TimesOut),
            (_, None) => {}
        }
        Some(begins)
    }

    fn minute(&mut self, run: &mut Run) {
        let entries = self.calendar.take(run.minute);
        let begin = run.minute * MINUTE;
        for entry in &entries {
            while let Some(late) = self.late.pop_if_before(*entry) {
                self.happen(run, begin, late);
            }
            self.happen(run, begin, *entry);
        }
        while let Some(Reverse(late)) = self.late.pop() {
            self.happen(run, begin, late);
        }
        // The beginning of the next minute belongs to it.
        if run.watches.done().is_none() {
            self.advance(run, Elapsed::from_millis(begin + MINUTE - 1));
        }
        self.calendar.give_back(entries);
    }

    /// Lets everything come that is due by `now` apart from the devices' doings.
    #[inline]
    fn advance(&mut self, run: &mut Run, now: Elapsed) {
        while let Some(due) = run.watches.due(now) {
            self.come(run, due);
            if run.watches.done().is_some() {
                return;
            }
        }
    }

    #[inline(never)]
    fn come(&mut self, run: &mut Run, due: Elapsed) {
        let Self { metrics, devices, notices, .. } = self;
        let reached = run.reached(notices, devices, due);
        let (endings, executions) = (run.endings, run.executions);
        let scene = Scene { endings, executions, notices, metrics, devices };
        run.watches.come(due, &reached, scene);
        if run.watches.just_stopped() {
            notices.stop(due);
            run.stop(&reached, devices, due);
        }
    }

    fn happen(&mut self, run: &mut Run, begin: u64, entry: Entry) {
        let at = Elapsed::from_millis(begin + entry.within());
        if run.watches.done().is_none() {
            self.advance(run, at);
        }
        if run.watches.done().is_some() {
            return;
        }
        let device = entry.device();
        let (outcome, download) = match entry.what() {
            // It was queued, so the stop has canceled it.
            Happening::Rejects if run.watches.is_stopped() => return,
            Happening::Rejects => (Outcome::Rejected, SampledEnding::NO_DOWNLOAD),
            what => {
                // A stop may have canceled it.
                let Some(download) = self.devices.end(device) else { return };
                run.ended += 1;
                match what {
                    Happening::Succeeds => (Outcome::Succeeded, download),
                    Happening::Fails => (Outcome::Failed, download),
                    _ => (Outcome::TimedOut, SampledEnding::NO_DOWNLOAD),
                }
            }
        };
        run.last_event = at;
        if !self.tries_again(run, at, device, outcome) {
            run.endings.count(outcome);
        } else if self.scenario.parameters.retried == Retried::Hidden {
            return;
        }
        run.executions.count(outcome);
        let reports_retries =
            download != SampledEnding::NO_DOWNLOAD && self.metrics.watches_retries();
        let retries = if reports_retries {
            self.scenario.fleet.draw_retries(&mut run.retries)
        } else {
            SampledEnding::NO_RETRIES
        };
        let minute = u32::try_from(run.minute).unwrap_or(u32::MAX);
        self.metrics.report(SampledEnding { at, minute, outcome, download, retries });
        if run.watches.look_at_ending() {
            let Self { metrics, devices, notices, .. } = self;
            let (endings, executions) = (run.endings, run.executions);
            run.watches.ended(at, Scene { endings, executions, notices, metrics, devices });
        }
    }

    fn tries_again(&mut self, run: &mut Run, at: Elapsed, device: u32, outcome: Outcome) -> bool {
        let allowed = self.scenario.rollout.retries.after(outcome);
        let timed_out = outcome == Outcome::TimedOut;
        if allowed == 0
            || run.watches.is_stopped()
            || !self.devices.try_again(device, timed_out, allowed)
        {
            return false;
        }
        // A device that timed out was silent, or too slow and may be faster now.
        let before = if timed_out { Kind::Silent } else { Kind::Fails };
        let fate = run.fleet.fleet().draw_again(before, &mut run.retries);
        let begins = self.enter(&run.fleet, at, device, fate);
        self.devices.add_again(device, begins, fate.download);
        // What falls into the minute under way was not among its entries.
        let late = self.calendar.take(run.minute);
        self.late.extend(late.iter().copied().map(Reverse));
        self.calendar.give_back(late);
        true
    }
}

impl Run {
    /// How far the rollout is at `now`.
    fn reached(&self, notices: &Notices, devices: &mut Devices, now: Elapsed) -> Reached {
        let notified = notices.until(now);
        let (begun, exposed) =
            self.canceled.map_or_else(|| devices.begun(now), |canceled| canceled.begun);
        let canceled = self.canceled.map_or(0, |canceled| canceled.executions);
        let is_abort = self.canceled.is_some() && self.watches.is_abort();
        let in_progress = if is_abort { 0 } else { begun.saturating_sub(self.ended) };
        let queued = notified.saturating_sub(self.endings.executed() + canceled + in_progress);
        let progress =
            ExecutionCounts { queued, in_progress, ended: self.endings, canceled, removed: 0 };
        Reached { notified, exposed, progress }
    }

    /// What is queued is canceled and, if the stop is an abort, what is in progress too.
    fn stop(&mut self, reached: &Reached, devices: &mut Devices, now: Elapsed) {
        let ExecutionCounts { queued, in_progress, .. } = reached.progress;
        let executions = if self.watches.is_abort() { queued + in_progress } else { queued };
        self.canceled = Some(Canceled { executions, begun: devices.begun(now) });
        if self.watches.is_abort() { devices.cancel_all() } else { devices.cancel_queued(now) }
    }
}

/// Takes the earliest out of a heap.
trait PopIfBefore {
    fn pop_if_before(&mut self, entry: Entry) -> Option<Entry>;
}

impl PopIfBefore for BinaryHeap<Reverse<Entry>> {
    #[inline]
    fn pop_if_before(&mut self, entry: Entry) -> Option<Entry> {
        let earlier = self.peek().is_some_and(|Reverse(late)| *late < entry);
        if earlier { self.pop().map(|Reverse(late)| late) } else { None }
    }
}
