//! Evidence in words. Always the limit, how many of how many, and where the limit comes from; never
//! a p-value, and never that something is so many times likelier.

use std::fmt;

use super::limits::{Limits, Source};
use super::state::State;
use super::verdict::{LimitName, Spoke, Verdict};

/// A share in percent: whole from 10 on, with one decimal below.
pub(super) struct Percent(pub f64);

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = self.0 * 100.0;
        let tenths = if percent < 9.95 { (percent * 10.0).round() / 10.0 } else { percent.round() };
        write!(f, "{tenths} %")
    }
}

/// The share that x is of n.
fn share(spoke: &Spoke) -> Percent {
    Percent(f64::from(spoke.x) / f64::from(spoke.n.max(1)))
}

/// One line for whoever watches a rollout: `evidence 0.9 of 2 · 22 min: 36 % of 610 unfinished,
/// limit 33 %`.
#[derive(Debug, Clone, Copy)]
pub struct Brief<'a> {
    verdict: Verdict,
    limits: &'a Limits,
}

/// Why a rollout is stopped, in one sentence with its limit, and one of what the bound means.
#[derive(Debug, Clone, Copy)]
pub struct Reason<'a> {
    spoke: Spoke,
    limits: &'a Limits,
    /// The share of healthy rollouts that ever look like this, at most.
    bound: f64,
}

impl Verdict {
    /// The line for whoever watches.
    pub fn brief(self, limits: &Limits) -> Brief<'_> {
        Brief { verdict: self, limits }
    }
}

impl State {
    /// Why the rollout is to be stopped; `None` if it is not.
    pub fn reason<'a>(&self, limits: &'a Limits) -> Option<Reason<'a>> {
        let verdict = self.verdict(limits);
        let spoke = verdict.spoke.filter(|_| verdict.stop)?;
        // Each restart spends half of what the one before it did.
        let spent = 2.0 - 0.5_f64.powi(i32::from(self.restarts));
        Some(Reason { spoke, limits, bound: limits.false_stops() * spent })
    }
}

impl fmt::Display for Brief<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { verdict, limits } = self;
        // Rounded down: what reads as the threshold has reached it.
        let evidence = ((verdict.evidence + 1e-9) * 10.0).floor() / 10.0;
        let threshold = (limits.threshold() * 100.0).round() / 100.0;
        write!(f, "evidence {evidence:.1} of {threshold}")?;
        let Some(spoke) = &verdict.spoke else { return Ok(()) };
        let Spoke { limit, n, x, allowed, minute } = spoke;
        let share = share(spoke);
        let of = limits.share_of(*limit).map(Percent);
        match (limit, of) {
            (LimitName::Rung(age), Some(of)) => {
                write!(f, " · {age} min: {share} of {n} unfinished, limit {of}")
            }
            (LimitName::Timeout(age), Some(of)) => {
                write!(f, " · {age} min: {share} of {n} timed out, limit {of}")
            }
            (LimitName::Failed, Some(of)) => write!(f, " · {share} of {n} failed, limit {of}"),
            (LimitName::FailedCurve, _) => {
                write!(f, " · {minute} min: {x} of {n} failed, limit {allowed}")
            }
            _ => write!(f, " · {minute} min: {x} of {n} ended, limit {allowed}"),
        }
    }
}

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Spoke { limit, n, x, allowed, minute } = self.spoke;
        let share = share(&self.spoke);
        let of = self.limits.share_of(limit).map(Percent);
        match (limit, of) {
            (LimitName::Rung(age), Some(of)) => {
                let after = Minutes(age);
                write!(
                    f,
                    "After {after}, {x} of {n} devices ({share}) were unfinished; at most {of} may be"
                )?;
            }
            (LimitName::Timeout(age), Some(of)) => {
                let after = Minutes(age);
                write!(
                    f,
                    "After {after}, {x} of {n} devices ({share}) timed out; at most {of} may"
                )?;
            }
            (LimitName::Failed, Some(of)) => {
                write!(f, "{x} of {n} devices ({share}) failed; at most {of} may")?;
            }
            (LimitName::FailedCurve, _) => write!(
                f,
                "At minute {minute}, {x} of {n} devices had failed; by the limits at most {allowed} may have"
            )?,
            _ => write!(
                f,
                "At minute {minute}, {x} of {n} devices had ended; by the limits at least {allowed} should have"
            )?,
        }
        write!(f, " ({}). {}", self.limits.source(), Bound(self.bound))
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Declared => f.write_str("declared"),
            Self::Baseline { name, rollouts, slower_by } => {
                let plural = if *rollouts == 1 { "" } else { "s" };
                write!(f, "baseline {name} of {rollouts} rollout{plural}, {slower_by} % slack")
            }
        }
    }
}

/// The alarm on evidence above a threshold: `evidence > 2 (1 in 100)`, with the share of healthy rollouts
/// that it may stop.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Above(pub f64);

impl fmt::Display for Above {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(threshold) = self;
        let shown = (threshold * 100.0).round() / 100.0;
        write!(f, "evidence > {shown} ({})", Share(libm::exp10(-threshold)))
    }
}

/// Limits in one line: `evidence > 2 (1 in 100): failed 3 %, 60 min 3 %, 75 min 2 %`.
#[derive(Debug, Clone, Copy)]
pub struct InWords<'a>(&'a Limits);

impl Limits {
    /// The limits in one line.
    pub fn in_words(&self) -> InWords<'_> {
        InWords(self)
    }
}

impl fmt::Display for InWords<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(limits) = self;
        write!(f, "{}: failed {}", Above(limits.threshold()), Percent(limits.failed()))?;
        for limit in limits.names() {
            if let (LimitName::Rung(age) | LimitName::Timeout(age), Some(share)) =
                (limit, limits.share_of(limit))
            {
                write!(f, ", {age} min {}", Percent(share))?;
            }
        }
        match limits.source() {
            Source::Declared => Ok(()),
            source => write!(f, " ({source})"),
        }
    }
}

struct Minutes(u32);

impl fmt::Display for Minutes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 1 { f.write_str("1 minute") } else { write!(f, "{} minutes", self.0) }
    }
}

/// What a share of false stops means.
struct Bound(f64);

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share = Share(self.0);
        match share.one_in() {
            Some(_) => write!(f, "At most {share} healthy rollouts ever looks like this."),
            None => write!(f, "At most {share} of healthy rollouts ever look like this."),
        }
    }
}

/// A share of rollouts: `1 in 100`, or in percent, rounded up.
struct Share(f64);

impl Share {
    fn one_in(&self) -> Option<f64> {
        let one_in = 1.0 / self.0;
        ((one_in - one_in.round()).abs() < 1e-6 * one_in).then(|| one_in.round())
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.one_in() {
            Some(one_in) => write!(f, "1 in {one_in}"),
            // Rounding errors of a logarithm are no part of it.
            None => write!(f, "{} %", (self.0 * 100_000.0 - 1e-6).ceil() / 1_000.0),
        }
    }
}
