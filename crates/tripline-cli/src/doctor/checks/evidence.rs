//! Whether evidence of a job is computed, and its alarms would act.

use tripline::alarm::alarm_name_prefix;
use tripline::text::excerpt;
use tripline_aws::iot;
use tripline_guard::desired::{DEFAULT_PREFIX, watches_evidence, watches_evidence_s_absence};
use tripline_guard::observed::ObservedAlarm;
use tripline_guard::verdict::lift_command;

use crate::aws::commands::quoted;
use crate::aws::evidence::BLIND;
use crate::doctor::check::{About, Check};
use crate::doctor::facts::{Facts, Need};
use crate::doctor::result::{CheckResult, NotProven};

use super::guarded::{arm_command, described_job, job_alarms};
use super::limits::{JobLimits, job_limits};

const NEEDS: &[Need] =
    &[Need::Job, Need::Tags, Need::Kept, Need::Keeper, Need::Alarms, Need::Evidence];

pub const CHECKS: &[Check] = &[
    Check {
        name: "evidence-published",
        about: About::Job,
        proves: "the guard-keeper computed the job's evidence in the last five minutes",
        why: "without evidence, nothing notices slow, silent and failing devices",
        needs: NEEDS,
        judge: judge_published,
        fix: None,
    },
    Check {
        name: "evidence-alarm",
        about: About::Job,
        proves: "the job's alarms on evidence and on missing evidence exist and act",
        why: "without these alarms nothing acts on evidence",
        needs: NEEDS,
        judge: judge_alarms,
        fix: None,
    },
];

/// So many seconds after its first minute a job has all that the guard-keeper gives it.
const FRESH: i64 = 300;

/// The guard-keeper does it within a minute, unless it fails.
fn keeper_command(facts: &Facts) -> String {
    let stack = quoted(&facts.stack.name);
    format!(
        "tripline doctor --stack {stack}   # the guard-keeper does it within a minute: the other findings say why not"
    )
}

fn judge_published(facts: &Facts) -> CheckResult {
    job_limits(facts)?;
    let job = described_job(facts)?;
    let is = facts.job()?;
    if iot::job_of(job).state.has_ended() {
        return Err(NotProven::elsewhere("the job has ended", "job-in-progress"));
    }
    let counts = iot::job_of(job).counts;
    if counts.ended.executed() == 0 && counts.in_progress == 0 {
        return Err(NotProven::skipped("no device has begun yet"));
    }
    let record = is.record()?;
    if let Some(record) = record.filter(|record| record.age(is.asked_at) < BLIND) {
        return Ok(excerpt(&record.brief));
    }
    let age = is.created_at()?.map(|created| is.asked_at.saturating_sub(created));
    match (record, age) {
        (Some(record), _) => {
            let what =
                format!("the job's evidence was computed {} min ago", record.age(is.asked_at) / 60);
            Err(NotProven::finding(what, keeper_command(facts)))
        }
        (None, Some(age)) if (0..FRESH).contains(&age) => Err(NotProven::Untold(format!(
            "the job was created {age} s ago: ask again in five minutes"
        ))),
        (None, _) => Err(NotProven::finding(
            "the guard-keeper has computed no evidence of the job",
            keeper_command(facts),
        )),
    }
}

fn judge_alarms(facts: &Facts) -> CheckResult {
    let limits = job_limits(facts)?;
    job_alarms(facts)?;
    if iot::job_of(described_job(facts)?).state.has_ended() {
        return Err(NotProven::elsewhere("the job has ended", "job-in-progress"));
    }
    let is = facts.job()?;
    let seen = is.observed(&facts.stack.name)?;
    let (absence, breach): (Vec<_>, Vec<_>) = seen
        .iter()
        .filter(|alarm| watches_evidence(alarm.alarm))
        .partition(|alarm| watches_evidence_s_absence(alarm.alarm));
    let default = format!("{}{DEFAULT_PREFIX}", alarm_name_prefix(&is.id));
    let is_own = |alarm: &ObservedAlarm<'_>| !alarm.name().starts_with(&default);
    if breach.is_empty() && !limits.is_own && seen.iter().any(is_own) {
        let what = "the stack does not know the config of the job's own alarms";
        return Err(NotProven::elsewhere(what, "guarded-by-keeper"));
    }
    let Some(alarm) = breach.first() else {
        return Err(NotProven::finding("the job has no alarm on evidence", put(facts, &limits)?));
    };
    judge_acting(facts, alarm, &put(facts, &limits)?)?;
    judge_rule(facts, alarm, &limits, &seen)?;
    let began = is.record()?.map(|record| record.origin / 1_000);
    match absence.first() {
        Some(alarm) => judge_acting(facts, alarm, &keeper_command(facts))?,
        // It is put once there is evidence.
        None if began.is_some_and(|began| is.asked_at.saturating_sub(began) >= FRESH) => {
            return Err(NotProven::finding(
                "no alarm of the job goes off when evidence is missing",
                keeper_command(facts),
            ));
        }
        None => {}
    }
    Ok(format!("{} of 2", 1 + usize::from(!absence.is_empty())))
}

/// Whoever puts the alarm on evidence.
fn put(facts: &Facts, limits: &JobLimits) -> Result<String, NotProven> {
    if limits.is_own { arm_command(facts) } else { Ok(keeper_command(facts)) }
}

/// Whether an alarm acts when it fires. What of that stops the rollout, other checks say.
fn judge_acting(facts: &Facts, alarm: &ObservedAlarm<'_>, put: &str) -> Result<(), NotProven> {
    let name = excerpt(alarm.name());
    if let Some(rule) = &alarm.muted_by {
        let what = format!("`{name}` is muted by the rule `{}`", excerpt(rule));
        return Err(match alarm.goes_to(facts.stack.output("ForceStopTopicArn")?) {
            true => NotProven::elsewhere(what, "alarms-guard-job"),
            false => NotProven::finding(what, lift_command(rule)),
        });
    }
    if !alarm.is_enabled() {
        let what = format!("the actions of `{name}` are off");
        return Err(NotProven::elsewhere(what, "alarm-actions-enabled"));
    }
    if alarm.alarm.alarm_actions().is_empty() {
        return Err(NotProven::finding(format!("`{name}` has no actions"), put));
    }
    Ok(())
}

/// Whether the alarm on evidence fires where the limits say, and stops if they say so.
fn judge_rule(
    facts: &Facts,
    alarm: &ObservedAlarm<'_>,
    limits: &JobLimits,
    all: &[ObservedAlarm<'_>],
) -> Result<(), NotProven> {
    let name = excerpt(alarm.name());
    let wanted = limits.limits()?.threshold();
    let found = alarm.alarm.threshold().unwrap_or_default();
    if (found - wanted).abs() > 1e-6 {
        let what = format!("`{name}` fires above {found} (expected {wanted})");
        return Err(NotProven::finding(what, put(facts, limits)?));
    }
    let topic = facts.stack.output("ForceStopTopicArn")?;
    if limits.stops && !alarm.goes_to(topic) {
        let what = format!("`{name}` does not go to the force-stop topic");
        return Err(match all.iter().any(|other| other.goes_to(topic)) {
            true => NotProven::finding(what, put(facts, limits)?),
            false => NotProven::elsewhere(what, "alarm-reaches-stopper"),
        });
    }
    Ok(())
}
