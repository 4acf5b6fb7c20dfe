//! Whether the guards of a recorded rollout had what they watch.

use super::alarm::ReplayedAlarm;
use super::replayed::Replay;
use super::rollout::RecordedRollout;
use tripline::detail::Detail;
use tripline::metric::Metric;
use tripline::reports::{Reported, Reports};

/// Why an alarm on a detail never had a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoValue {
    /// Devices succeeded, and none of them reported the detail.
    NeverReported(Detail, Reports),
    /// None of so many devices that ended succeeded, and none reported the detail. Devices that succeed may, but
    /// nothing looked at these.
    NotReported(Detail, u64),
    /// The recording says when executions began, so that it was made of AWS IoT's list of executions, which has
    /// no details.
    NotRecorded(Detail),
}

impl NoValue {
    /// The detail that the alarm watches.
    pub fn detail(self) -> Detail {
        match self {
            Self::NeverReported(detail, _)
            | Self::NotReported(detail, _)
            | Self::NotRecorded(detail) => detail,
        }
    }

    /// What is so, and what to do, for people.
    pub fn sentence(self) -> String {
        match self {
            Self::NeverReported(detail, reports) => reports.sentence(detail),
            Self::NotReported(detail, ended) => format!(
                "{ended} devices ended, none succeeded and none reported `{detail}`, so no alarm on it saw them fail"
            ),
            Self::NotRecorded(detail) => format!(
                "a recording of `tripline watch --record` has no `{detail}`, since AWS IoT's list of executions has none; replay the job's events"
            ),
        }
    }
}

impl RecordedRollout {
    /// Whether its devices report a detail.
    pub fn reports(&self, detail: Detail) -> Reports {
        let ([succeeded, ..], ended) = (self.outcomes, self.ended());
        Reports::new(Reported {
            succeeded: succeeded.into(),
            ended,
            samples: self.values(detail.metric()),
            invalid: self.values(Metric::InvalidDetailCount),
            // Without a sign of more, what is recorded is all there was.
            executions: (!self.goes_on()).then_some(ended),
        })
    }

    /// Why an alarm on this metric never has a value; `None` if it has one, or may have none in a rollout that
    /// is well.
    pub(super) fn no_value(&self, metric: Metric) -> Option<NoValue> {
        let detail = Detail::of(metric).filter(|_| self.values(metric) == 0)?;
        if self.counts.begun > 0 {
            return Some(NoValue::NotRecorded(detail));
        }
        let reports = self.reports(detail);
        if reports.is_never() {
            return Some(NoValue::NeverReported(detail, reports));
        }
        let [succeeded, ..] = self.outcomes;
        let ended = self.ended();
        let is_enough = succeeded == 0 && ended >= Reports::LEAST;
        is_enough.then_some(NoValue::NotReported(detail, ended))
    }

    /// Executions that ended by themselves.
    fn ended(&self) -> u64 {
        let [succeeded, failed, rejected, timed_out, ..] = self.outcomes.map(u64::from);
        succeeded + failed + rejected + timed_out
    }

    /// How many values a metric has.
    fn values(&self, metric: Metric) -> u64 {
        let end = self.last.seconds().saturating_add(1);
        self.series(metric).count(self.start().seconds(), end)
    }
}

impl ReplayedAlarm {
    /// Whether it had what it watches, and enough of it to decide.
    fn could_decide(&self, rollout: &RecordedRollout) -> bool {
        let is_counted = self.metric.and_then(Detail::of).is_none();
        let least = self.alarm.min_samples.map_or(0, |least| least.get());
        self.has_decided || is_counted && rollout.executions() >= least
    }
}

impl Replay {
    /// Whether no guard looked: an alarm never had a value, and nothing else of the guard had what it watches
    /// and could decide. If such an alarm stops the rollout, only what stops it too makes up for it.
    pub(super) fn looks_at_nothing(&self, rollout: &RecordedRollout) -> bool {
        let mut without = self.alarms.iter().filter(|alarm| alarm.no_value.is_some()).peekable();
        if without.peek().is_none() {
            return false;
        }
        let must_stop = without.any(|alarm| alarm.stops);
        let alarms = self.alarms.iter().any(|alarm| {
            alarm.no_value.is_none() && (alarm.stops || !must_stop) && alarm.could_decide(rollout)
        });
        let executed = rollout.executed().last().map_or(0, |(_, endings)| endings.executed());
        let abort = self.abort.as_ref().is_some_and(|abort| {
            abort.criteria.iter().any(|criterion| criterion.min_executed <= executed)
        });
        let evidence = self.evidence.as_ref().is_some_and(|evidence| evidence.stops || !must_stop);
        !(alarms || abort || evidence)
    }
}
