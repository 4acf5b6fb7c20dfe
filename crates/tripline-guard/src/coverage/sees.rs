//! Which ways to go wrong an alarm sees, and what it takes for it to decide.

use std::collections::BTreeSet;

use tripline::alarm::{AlarmDefinition, Limit, Statistic};
use tripline::evidence::Needs;
use tripline::metric::{KeptMetric, Metric, NAMESPACE, Outcome};
use tripline::rollout::FailureType;

use super::{Devices, Facts, Keeper, Level, Reason, Shape, Way};
use crate::desired::GuardAlarm;

/// Devices that have been in progress far longer than the others needed: from so many on the guard-keeper alerts
/// people by itself.
pub const OVERDUE_FROM: u32 = 5;

/// Whether an alarm is on one way to go wrong, and what keeps it from deciding. The outer `None`: it is not.
pub(super) fn alarm_sees(alarm: &GuardAlarm, way: Way, facts: &Facts) -> Option<Option<Reason>> {
    match alarm {
        GuardAlarm::FailureRate(rate) => {
            is_failing(way).then(|| counts(facts, rate.min_executions.get()))
        }
        GuardAlarm::Config(alarm) => of_config(alarm, way, facts),
    }
}

/// The ways that a config's alarms do not see, at a rollout of this shape: what the default guard fills. Of evidence
/// it is taken that its limits fit; where it only alerts people, a rollout whose devices fail is to be stopped all
/// the same.
pub(super) fn unseen_by(
    alarms: &[GuardAlarm],
    shape: Shape,
    force_stop_topic: &str,
) -> BTreeSet<Way> {
    let has_timeout = shape.timeout.is_some();
    let facts = Facts::of_new(shape, Some(Needs::LEAST), 0);
    let sees = |way: Way| {
        alarms.iter().any(|alarm| {
            let is_enough =
                !alarm.is_on_evidence() || !is_failing(way) || alarm.can_stop(force_stop_topic);
            is_enough && !alarm.is_on_absence() && alarm_sees(alarm, way, &facts) == Some(None)
        })
    };
    let is_needed = |way: &Way| *way != Way::TimesOut || has_timeout;
    Way::ALL.into_iter().filter(is_needed).filter(|way| !sees(*way)).collect()
}

/// The ways in which executions end unsuccessfully.
fn is_failing(way: Way) -> bool {
    matches!(way, Way::Fails | Way::Refuses | Way::TimesOut)
}

fn of_config(alarm: &AlarmDefinition, way: Way, facts: &Facts) -> Option<Option<Reason>> {
    // What another namespace's metric is of, nobody can say.
    if alarm.namespace != NAMESPACE || alarm.limit != Limit::Upper {
        return None;
    }
    let is = |name: &str| alarm.metric == name;
    let ended = |outcome: Outcome| is(Metric::Count(outcome).name());
    if is(KeptMetric::Evidence.name()) {
        return evidence(way, facts);
    }
    let one_by_one = matches!(alarm.statistic, Statistic::Sum | Statistic::SampleCount);
    if is(Metric::DownloadTime.name()) {
        return (way == Way::Slow && !one_by_one)
            .then(|| reported(alarm, facts, 1).or_else(|| slow(alarm, facts)));
    }
    if is(KeptMetric::UnsuccessfulCount.name()) {
        return is_failing(way).then(|| counts(facts, beyond(alarm.threshold)));
    }
    if is(KeptMetric::OverdueCount.name()) {
        return (way == Way::NeverAnswers).then(|| kept(facts, beyond(alarm.threshold)));
    }
    let outcome = match way {
        Way::Fails => Outcome::Failed,
        Way::Refuses => Outcome::Rejected,
        Way::TimesOut => Outcome::TimedOut,
        Way::Slow | Way::NeverAnswers => return None,
    };
    ended(outcome)
        .then(|| reported(alarm, facts, if one_by_one { beyond(alarm.threshold) } else { 1 }))
}

/// How many periods have to be beyond the threshold.
fn points(alarm: &AlarmDefinition) -> u32 {
    alarm.evaluation.datapoints_to_alarm()
}

/// The least whole number that is more, at least 1.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn beyond(threshold: f64) -> u32 {
    // Saturates: a threshold can be anything finite.
    (threshold.max(0.0).floor() as u32).saturating_add(1)
}

fn few(facts: &Facts, needed: u32) -> Option<Reason> {
    match facts.shape.devices {
        Devices::Exactly(devices) if devices < needed => {
            Some(Reason::TooFewDevices { needed, devices })
        }
        Devices::Exactly(_) | Devices::AtLeast(_) | Devices::Unknown => None,
    }
}

fn silent(facts: &Facts) -> Option<Reason> {
    match facts.keeper {
        Keeper::Alive => None,
        Keeper::Silent(minutes) => Some(Reason::KeeperSilent(minutes)),
    }
}

/// On a number that the guard-keeper publishes.
fn kept(facts: &Facts, needed: u32) -> Option<Reason> {
    silent(facts).or_else(|| few(facts, needed))
}

/// On the guard-keeper's counts of devices.
fn counts(facts: &Facts, needed: u32) -> Option<Reason> {
    let is_of_attempts = facts.shape.counts_attempts && !facts.devices_are_counted;
    silent(facts).or(is_of_attempts.then_some(Reason::AttemptsOnly)).or_else(|| few(facts, needed))
}

/// On what devices report as they end: `least` of them in each period that is beyond the threshold.
fn reported(alarm: &AlarmDefinition, facts: &Facts, least: u32) -> Option<Reason> {
    let samples = alarm.min_samples.map_or(1, |samples| samples.get()).max(least);
    let (period, rate) = (alarm.period.seconds(), facts.shape.most_rate);
    let most = u64::from(rate) * u64::from(period.max(60)) / 60;
    let uncounted = facts.counted.uncounted;
    if uncounted > 0 {
        Some(Reason::Uncounted(uncounted))
    } else if u64::from(samples) > most {
        Some(Reason::TooSlow { samples, period, rate })
    } else {
        few(facts, samples.saturating_mul(points(alarm)))
    }
}

/// On how long downloads take.
fn slow(alarm: &AlarmDefinition, facts: &Facts) -> Option<Reason> {
    let counted = facts.counted;
    if counted.reports(facts.shape.devices).is_never() {
        let (succeeded, invalid) = (counted.succeeded, counted.invalid);
        return Some(Reason::NeverReported { succeeded, invalid });
    }
    let minutes = facts.shape.timeout?;
    (f64::from(minutes) * 60.0 <= alarm.threshold).then_some(Reason::TimesOutBefore { minutes })
}

fn evidence(way: Way, facts: &Facts) -> Option<Option<Reason>> {
    let Some(needs) = facts.evidence else { return Some(Some(Reason::NoEvidence)) };
    let needed = match way {
        Way::Fails | Way::Refuses => needs.failing,
        Way::TimesOut => needs.timing_out,
        Way::Slow | Way::NeverAnswers => needs.unfinished,
    };
    // Failures are left to the failure rate where AWS IoT counts attempts.
    let is_of_attempts = facts.shape.counts_attempts && is_failing(way);
    let is_slow = !is_failing(way);
    Some(match needed {
        _ if is_of_attempts => Some(Reason::AttemptsOnly),
        None => Some(Reason::NoLimit),
        Some(_) if is_slow && needs.only_counts && facts.is_late_for_counts() => {
            Some(Reason::CountsSayNoMore(tripline::evidence::Limits::LAST_CHECK))
        }
        Some(needed) => kept(facts, needed),
    })
}

/// What AWS IoT does about a way by itself.
pub(super) fn of_aws(way: Way, facts: &Facts) -> Vec<(String, Level, Option<Reason>)> {
    let of_way = |failure: FailureType| match way {
        Way::Fails => failure.includes(Outcome::Failed),
        Way::Refuses => failure.includes(Outcome::Rejected),
        Way::TimesOut => failure.includes(Outcome::TimedOut),
        Way::Slow | Way::NeverAnswers => false,
    };
    let criteria = facts.shape.abort.iter().filter(|criterion| of_way(criterion.failure));
    criteria
        .map(|criterion| {
            let by = format!(
                "AWS IoT's abort criterion {} {} %",
                criterion.failure.name(),
                criterion.threshold.percent()
            );
            (by, Level::Stops, few(facts, criterion.min_executed))
        })
        .collect()
}

/// How what the guard-keeper counts by itself is called.
pub const OVERDUE_COUNT: &str = "the guard-keeper's count of overdue devices";

/// What the guard-keeper alerts people to by itself.
pub(super) fn of_keeper(way: Way, facts: &Facts) -> Option<(String, Level, Option<Reason>)> {
    let by = OVERDUE_COUNT.to_owned();
    (way == Way::NeverAnswers).then(|| (by, Level::Alerts, kept(facts, OVERDUE_FROM)))
}
