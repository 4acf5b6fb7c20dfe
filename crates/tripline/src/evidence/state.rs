//! What is remembered of a job between two ticks, and the order of a tick.

use std::f64::consts::LN_10;

use super::bernoulli::ln_bernoulli;
use super::checks::{Checks, expected_endings, expected_failures};
use super::clock::{Clock, Progress};
use super::cohorts::{Cohort, Cohorts};
use super::gate::Gate;
use super::limits::Limits;
use super::rungs::Passed;
use super::tick::Tick;
use super::verdict::{LimitName, Spoke, Verdict};

/// What AWS IoT counted, each at its highest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub begun: u32,
    pub ended: u32,
    pub failed: u32,
    pub timed_out: u32,
}

/// What is remembered of a job, of one version of its [`Limits`]. A state that was lost begins again:
/// then the devices that have begun count as having begun just now, which lowers the evidence.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    pub(super) hash: u64,
    pub(super) last: Option<u32>,
    pub(super) clock: Option<Clock>,
    pub(super) counts: Counts,
    pub(super) cohorts: Cohorts,
    pub(super) passed: Vec<Passed>,
    pub(super) count: Checks,
    pub(super) failures: Checks,
    pub(super) best: f64,
    pub(super) spoke: Option<Spoke>,
    pub(super) gate: Gate,
    pub(super) restarts: u8,
    pub(super) is_stalled: bool,
}

/// log10 of the e-value of each part, without its weight.
#[derive(Debug, Clone, PartialEq)]
pub struct Parts {
    /// Each followed age: devices that passed it, how many of them were unfinished, log10 E.
    pub rungs: Vec<(u32, u32, f64)>,
    /// All endings; `None` before the first check.
    pub count: Option<f64>,
    /// Failures.
    pub failed: f64,
    /// Failures by age; `None` before the first check, and without a failure curve.
    pub failed_curve: Option<f64>,
}

impl State {
    /// What is known of a job before its first tick.
    pub fn new(limits: &Limits) -> Self {
        Self {
            hash: limits.hash(),
            last: None,
            clock: None,
            counts: Counts::default(),
            cohorts: Cohorts::default(),
            passed: vec![Passed::default(); limits.rungs().len()],
            count: Checks::default(),
            failures: Checks::default(),
            best: 0.0,
            spoke: None,
            gate: Gate::new(limits),
            restarts: 0,
            is_stalled: false,
        }
    }

    /// The job begins again under other limits, with half the weight that it had. Each time the
    /// permitted false stops are spent once more: half of them, a quarter, and so on.
    #[must_use]
    pub fn restarted(&self, limits: &Limits) -> Self {
        Self { restarts: self.restarts.saturating_add(1), ..Self::new(limits) }
    }

    /// Whether the state is one of these limits. With a state of others, a tick changes nothing.
    pub fn belongs_to(&self, limits: &Limits) -> bool {
        self.hash == limits.hash()
    }

    /// The minute of the last tick.
    pub fn last(&self) -> Option<u32> {
        self.last
    }

    /// Takes what AWS IoT says at a minute. A tick that is not after the last one changes nothing, so
    /// that a device is never counted twice.
    pub fn tick(&mut self, limits: &Limits, tick: &Tick) -> Verdict {
        self.tick_merging(limits, tick, limits.merges())
    }

    /// The same, with or without merging old cohorts.
    pub(super) fn tick_merging(&mut self, limits: &Limits, tick: &Tick, merges: bool) -> Verdict {
        if self.belongs_to(limits) && self.last.is_none_or(|last| tick.t > last) {
            self.take(limits, tick, merges);
            self.last = Some(tick.t);
        }
        self.verdict(limits)
    }

    fn take(&mut self, limits: &Limits, tick: &Tick, merges: bool) {
        let old = self.counts;
        let counts = Counts {
            begun: old.begun.max(tick.begun),
            ended: old.ended.max(tick.ended),
            failed: old.failed.max(tick.unsuccessful),
            timed_out: old.timed_out.max(tick.timed_out),
        };
        self.counts = counts;
        if counts.begun == 0 {
            return;
        }
        let mut clock = self.clock.unwrap_or_else(|| Clock::starting(tick.t));
        if self.clock.is_some() {
            let minutes = self.last.map_or(1, |last| tick.t.saturating_sub(last));
            let gone = i64::from(counts.ended).saturating_add(i64::from(counts.timed_out));
            let progress = Progress {
                newly_ended: counts.ended.saturating_sub(old.ended),
                ended: counts.ended,
                in_progress: i64::from(counts.begun).saturating_sub(gone),
                evidence: self.best,
            };
            self.is_stalled = clock.advance(minutes, limits.stairs(), &self.cohorts, &progress);
        } else {
            self.cohorts.before = self.last;
        }
        self.clock = Some(clock);
        self.cohorts.push(Cohort {
            minute: tick.t,
            virtual_minute: clock.virtual_minute,
            begun: counts.begun.saturating_sub(old.begun),
            total: counts.begun,
        });
        for (rung, passed) in limits.rungs().iter().zip(&mut self.passed) {
            if rung.is_timeout {
                passed.read_timed_out(rung, tick.t, counts.timed_out, &self.cohorts);
            } else {
                passed.read(rung, tick, clock.virtual_minute, &self.cohorts, limits);
            }
        }
        self.count.count(&clock, counts.ended, &self.cohorts, limits);
        self.failures.failures(&clock, tick.t, counts.failed, &self.cohorts, limits);
        if !self.is_stalled {
            self.gate.read(tick, counts.failed, &self.cohorts, limits);
        }
        self.cohorts.forget(clock.virtual_minute, limits);
        if merges {
            self.cohorts.merge(clock.virtual_minute);
        }
        self.raise(limits, tick.t, clock.virtual_minute);
    }

    /// The evidence becomes that of the limit with the most, if it has more than there was.
    fn raise(&mut self, limits: &Limits, t: u32, minute: u32) {
        let weights = limits.weights();
        let halved = f64::from(self.restarts) * libm::log10(2.0);
        let Counts { begun, ended, failed, .. } = self.counts;
        let spoke = |limit, n, x| Spoke { limit, n, x, allowed: 0, minute };
        let rungs = limits.rungs().iter().zip(&self.passed).map(|(rung, passed)| {
            (weights.rung, passed.ln_evidence(rung), spoke(rung.name(), passed.n, passed.x))
        });
        let counters = [
            (weights.count, self.count.ln_sum, spoke(LimitName::Count, begun, ended)),
            (
                weights.failed,
                self.ln_failed(limits),
                spoke(LimitName::Failed, begun, failed.min(begun)),
            ),
            (
                weights.failed_curve,
                self.failures.ln_sum,
                spoke(LimitName::FailedCurve, begun, failed.min(begun)),
            ),
        ];
        let mut raised = None;
        for (weight, ln, spoke) in rungs.chain(counters) {
            let evidence = weight - halved + ln / LN_10;
            if evidence > raised.map_or(self.best, |(best, _)| best) {
                raised = Some((evidence, spoke));
            }
        }
        if let Some((best, mut spoke)) = raised {
            spoke.allowed = match spoke.limit {
                LimitName::Count => expected_endings(minute, &self.cohorts, limits),
                LimitName::FailedCurve => expected_failures(t, &self.cohorts, limits),
                _ => 0,
            };
            self.best = best;
            self.spoke = Some(spoke);
        }
    }

    fn ln_failed(&self, limits: &Limits) -> f64 {
        let Counts { begun, failed, .. } = self.counts;
        ln_bernoulli(failed.min(begun), begun, limits.failed())
    }

    /// What the ticks so far come to.
    pub fn verdict(&self, limits: &Limits) -> Verdict {
        Verdict {
            evidence: self.best,
            spoke: self.spoke,
            minute: self.clock.map_or(0, |clock| clock.virtual_minute),
            stalled: self.clock.map_or(0, |clock| clock.stalled),
            is_stalled: self.is_stalled,
            stop: self.best + ROUNDING >= limits.threshold(),
        }
    }

    /// What each limit comes to, for pictures and for comparing with other programs.
    pub fn parts(&self, limits: &Limits) -> Parts {
        let checked = |ln: f64| (ln > f64::NEG_INFINITY).then_some(ln / LN_10);
        let rungs = limits.rungs().iter().zip(&self.passed);
        Parts {
            rungs: rungs
                .map(|(rung, passed)| (passed.n, passed.x, passed.ln_evidence(rung) / LN_10))
                .collect(),
            count: checked(self.count.ln_sum),
            failed: self.ln_failed(limits) / LN_10,
            failed_curve: checked(self.failures.ln_sum),
        }
    }
}

/// What evidence may lack for a stop, so that a threshold that is a whole number is reached in spite
/// of rounding.
const ROUNDING: f64 = 1e-9;
