//! What would be seen of the job if it went wrong.

use tripline::evidence::Record;
use tripline_aws::iot;
use tripline_guard::coverage::{Coverage, Reason, Shortfall, Status, Watcher};
use tripline_guard::desired::{watches_evidence, watches_evidence_s_absence};
use tripline_guard::observed::ObservedAlarm;
use tripline_guard::verdict::{Stack, Verdict, Why};

use crate::aws::coverage::{KnownJob, shape_of};
use crate::aws::evidence::BLIND;
use crate::doctor::check::{About, Check};
use crate::doctor::facts::{Facts, Need};
use crate::doctor::result::{CheckResult, NotProven, all_right};

use super::guarded::described_job;
use super::keeper::keeper_function;
use super::limits::job_limits;

pub const CHECKS: &[Check] = &[Check {
    name: "coverage",
    about: About::Job,
    proves: "every way to go wrong stops the rollout or alerts people",
    why: "otherwise devices fail, refuse, time out, are slow or never answer, and nobody notices",
    needs: &[Need::Job, Need::Tags, Need::Kept, Need::Keeper, Need::Alarms, Need::Evidence],
    judge: judge_coverage,
    fix: None,
}];

/// What becomes of the job in each way to go wrong, as `watch` says it too; whether its alarms guard it, and what
/// they watch.
fn known(facts: &Facts) -> Result<(Coverage, Verdict, Vec<Watcher>), NotProven> {
    keeper_function(facts)?;
    let job = iot::job_of(described_job(facts)?);
    if job.state.has_ended() {
        return Err(NotProven::elsewhere("the job has ended", "job-in-progress"));
    }
    let (is, stack) = (facts.job()?, stack_of(facts)?);
    let seen = is.observed(stack.name)?;
    let verdict = Verdict::new(&seen, &is.id, stack);
    let watchers = seen.iter().filter_map(|alarm| Watcher::observed(alarm, &is.id, stack));
    let watchers: Vec<Watcher> = watchers.collect();
    let shape = shape_of(&job);
    let record = is.record()?;
    let known = KnownJob { shape: &shape, created: job.created_at, record, now: is.asked_at };
    Ok((known.coverage(&watchers, &verdict), verdict, watchers))
}

fn stack_of(facts: &Facts) -> Result<Stack<'_>, NotProven> {
    let force_stop_topic = facts.stack.output("ForceStopTopicArn")?;
    Ok(Stack { name: &facts.stack.name, force_stop_topic })
}

/// The same for programs, whatever the checks make of it; `None` where it is not known.
pub fn shown(facts: &Facts) -> Option<Coverage> {
    known(facts).ok().map(|(coverage, ..)| coverage)
}

/// The same, unless another check says why it is as it is.
fn coverage(facts: &Facts) -> Result<Coverage, NotProven> {
    let (coverage, verdict, watchers) = known(facts)?;
    match &verdict {
        Verdict::Guarded => {}
        Verdict::Unguarded(Why::NoAlarm) => {
            return Err(NotProven::elsewhere(verdict_text(&verdict), "alarms-exist"));
        }
        Verdict::Unguarded(_) => {
            return Err(NotProven::elsewhere(verdict_text(&verdict), "alarms-guard-job"));
        }
    }
    let is = facts.job()?;
    let is_expected = watchers.iter().any(Watcher::is_on_evidence);
    let is_blind = |record: &Record| record.age(is.asked_at) >= BLIND;
    let created = is.created_at()?;
    let is_old = created.is_some_and(|at| is.asked_at.saturating_sub(at) >= BLIND);
    if is.record()?.map_or(is_old && is_expected, is_blind) {
        let why = "the guard-keeper has not checked the job for five minutes";
        return Err(NotProven::elsewhere(why, "evidence-published"));
    }
    Ok(coverage)
}

fn verdict_text(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Guarded => "guarded".to_owned(),
        Verdict::Unguarded(why) => why.to_string(),
    }
}

/// An alarm on evidence that is not there, or does not act, is the word of another check.
fn lacks_evidence(facts: &Facts, coverage: &Coverage) -> Result<bool, NotProven> {
    if job_limits(facts).is_err() {
        return Ok(false);
    }
    let seen = facts.job()?.observed(&facts.stack.name)?;
    let is_it = |alarm: &&ObservedAlarm<'_>| {
        watches_evidence(alarm.alarm) && !watches_evidence_s_absence(alarm.alarm)
    };
    let Some(alarm) = seen.iter().find(is_it) else { return Ok(true) };
    let is_inactive = |shortfall: &Shortfall| {
        let is_its = shortfall.by.as_deref().is_some_and(|by| alarm.name().ends_with(by));
        is_its && matches!(shortfall.reason, Reason::Inactive(_))
    };
    let mut unseen = coverage.uncovered();
    Ok(unseen.any(|way| coverage.of(way).shortfalls.iter().any(is_inactive)))
}

fn judge_coverage(facts: &Facts) -> CheckResult {
    let coverage = coverage(facts)?;
    let unseen = coverage.uncovered().filter(|way| !coverage.lacks_only_devices(*way));
    let unseen: Vec<_> = unseen.collect();
    if unseen.is_empty() || coverage.status == Status::TooFewDevices {
        return Ok(coverage.line());
    }
    if lacks_evidence(facts, &coverage)? {
        return Err(NotProven::elsewhere("no alarm on evidence acts", "evidence-alarm"));
    }
    let job = facts.job()?.id.as_str();
    let (mut wrong, mut fixes) = (Vec::new(), Vec::new());
    for way in unseen {
        let shortfalls = &coverage.of(way).shortfalls;
        let reasons: Vec<String> = shortfalls.iter().map(ToString::to_string).collect();
        wrong.push(format!("nothing covers {}: {}", way.devices(), reasons.join("; ")));
        fixes.extend(shortfalls.iter().filter_map(|shortfall| shortfall.reason.fix(Some(job))));
    }
    all_right("", wrong, fixes)
}
