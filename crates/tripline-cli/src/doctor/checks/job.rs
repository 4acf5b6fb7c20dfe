//! A job, and whether its executions are counted.

use std::collections::BTreeMap;

use aws_sdk_iot::types::JobStatus;
use tripline::detail::Detail;
use tripline::release::FALLBACK_TAG;
use tripline::reports::Reports;
use tripline::text::excerpt;
use tripline_aws::iot;
use tripline_config::GuardConfig;
use tripline_guard::coverage::{self, Devices, Shape};
use tripline_guard::desired::{
    DefaultGuard, Desired, JobTags, KeptConfig, Known, Policy, Purpose, Rules, TAG_PREFIX, Tagged,
    variable_of,
};

use crate::aws::commands::quoted;
use crate::doctor::check::{About, Check};
use crate::doctor::facts::{Facts, Need};
use crate::doctor::result::{CheckResult, NotProven, all_right};

use super::alarms::quoted_name;
use super::guarded::{arm_command, described_job, is_default_alarm, job_arn};
use super::keeper::{default_guard, keeper_function};
use super::reported;

pub const CHECKS: &[Check] = &[
    Check {
        name: "job-in-progress",
        about: About::Job,
        proves: "the job exists and still reaches devices",
        why: "there is nothing to guard, or the job has another name",
        needs: &[Need::Job],
        judge: judge_job_in_progress,
        fix: None,
    },
    Check {
        name: "job-has-timeout",
        about: About::Job,
        proves: "the job's own timeout ends an execution that never reports",
        why: "a device that dies during the update never reports, so nothing counts it",
        needs: &[Need::Job],
        judge: judge_job_has_timeout,
        fix: None,
    },
    Check {
        name: "metrics-arriving",
        about: About::Job,
        proves: "Tripline counted the executions that ended, and devices report the details that its alarms watch",
        why: "a link of the chain is cut, or devices do not report: the alarm gets no values and cannot fire",
        needs: &[Need::Job, Need::Counted, Need::Alarms],
        judge: judge_metrics_arriving,
        fix: None,
    },
    Check {
        name: "guarded-by-keeper",
        about: About::Job,
        proves: "the guard-keeper of this stack maintains the job's alarms, as the job's tags say",
        why: "nothing repairs alarms that somebody changes or deletes",
        needs: &[Need::Job, Need::Tags, Need::Kept, Need::Alarms, Need::Keeper],
        judge: judge_guarded_by_keeper,
        fix: None,
    },
];

fn judge_job_in_progress(facts: &Facts) -> CheckResult {
    let id = &facts.job()?.id;
    let Some(job) = facts.job()?.job.as_ref()? else {
        return Err(NotProven::finding(
            format!("there is no job `{id}` in `{}`", facts.region),
            "aws iot list-jobs --status IN_PROGRESS",
        ));
    };
    match job.status() {
        Some(status @ (JobStatus::InProgress | JobStatus::Scheduled)) => {
            Ok(format!("{}{}", status.as_str(), no_fallback(facts)))
        }
        status => {
            let status = status.map_or("of an unknown state", |status| status.as_str());
            Err(NotProven::finding(
                format!("the job is `{status}`: it reaches no more devices"),
                "aws iot list-jobs --status IN_PROGRESS",
            ))
        }
    }
}

/// That the job does not say which one devices can be taken back to, as far as its tags were asked for.
fn no_fallback(facts: &Facts) -> &'static str {
    let tags = facts.job().ok().and_then(|job| job.tags.as_ref().ok());
    match tags {
        Some(tags) if !tags.iter().any(|(key, _)| key == FALLBACK_TAG) => {
            "; it has no tag `tripline:fallback`, so that `tripline revert` needs `--to`"
        }
        _ => "",
    }
}

fn judge_job_has_timeout(facts: &Facts) -> CheckResult {
    let minutes = described_job(facts)?
        .timeout_config()
        .and_then(|config| config.in_progress_timeout_in_minutes());
    match minutes {
        Some(minutes) => Ok(format!("{minutes} minutes")),
        None => Err(NotProven::finding(
            "the job has no timeout",
            format!(
                "tripline deploy {} --stack {}   # a new job, with `inProgressTimeoutInMinutes`: a job's timeout cannot be set later",
                quoted(facts.job()?.config_file()),
                quoted(&facts.stack.name)
            ),
        )),
    }
}

fn judge_metrics_arriving(facts: &Facts) -> CheckResult {
    let ended = iot::job_of(described_job(facts)?).counts.ended.executed();
    if ended == 0 {
        return Err(NotProven::skipped("no execution has ended yet"));
    }
    let counted = facts.job()?.counted.as_ref()?.ended;
    // Counting takes seconds, and a rollout ends hundreds a minute.
    if counted.saturating_mul(2) >= u64::from(ended) {
        return judge_reports(facts, format!("{counted} of {ended}"));
    }
    let stack = quoted(&facts.stack.name);
    Err(NotProven::finding(
        format!("{ended} executions ended and {counted} were counted"),
        format!(
            "tripline doctor --stack {stack}   # the other findings say where it breaks; again in a minute if there is none"
        ),
    ))
}

/// Judges whether devices report what each alarm watches.
fn judge_reports(facts: &Facts, sound: String) -> CheckResult {
    let (mut wrong, mut fixes) = (Vec::<String>::new(), Vec::new());
    let mut notes = Vec::new();
    let mut silent = BTreeMap::<Detail, (Reports, Vec<String>)>::new();
    for alarm in facts.job()?.alarms.as_ref()? {
        match reported::reports(facts, alarm)? {
            Some((detail, reports)) if reports.is_never() => {
                silent.entry(detail).or_insert((reports, Vec::new())).1.push(quoted_name(alarm));
            }
            Some((detail, reports @ Reports::NotOfSuccesses { .. })) => {
                notes.push(reports.sentence(detail));
            }
            _ => {}
        }
    }
    for (detail, (reports, names)) in silent {
        let mut what = format!("{}: {}", names.join(", "), reports.sentence(detail));
        if let Some(misspelled) = reported::misspelled(facts, detail) {
            what = format!("{what}; {misspelled}");
        }
        wrong.push(what);
        fixes.push(reported::show_command(facts, detail)?);
    }
    notes.dedup();
    let sound = std::iter::once(sound).chain(notes).collect::<Vec<_>>().join("; ");
    all_right(sound, wrong, fixes)
}

/// What the job's tags make of the default guard: those of today, and those that it had when the
/// guard-keeper first saw it. `None` where either were not seen, or where there is no guard-keeper.
fn guard_with_tags(facts: &Facts) -> Option<Tagged> {
    let is = facts.job().ok()?;
    let pairs = is.tags.as_ref().ok()?.iter();
    let today = JobTags::read(pairs.map(|(key, value)| (key.as_str(), value.as_str())));
    let created = described_job(facts).ok()?.created_at().map(|at| at.secs());
    // Another job may have had its name before.
    let first = is.first_seen.as_ref().ok()?.as_ref();
    let first = first.filter(|first| Some(first.created) == created);
    let first = first.map_or_else(|| today.usable(), |first| first.tags.clone());
    let runs = facts.keeper.runs.as_ref().ok().and_then(Option::as_ref);
    let usual = || DefaultGuard::new(Vec::new(), |_| None).ok();
    let guard = runs.and_then(|runs| default_guard(runs).ok()).or_else(usual)?;
    Some(guard.honoring(&first, &today))
}

/// What the job is to have, by what it was armed with, the stack's parameters and the job's tags.
pub fn desired(facts: &Facts, kept: KeptConfig<'_>) -> Option<Desired> {
    let tagged = guard_with_tags(facts)?;
    let runs = facts.keeper.runs.as_ref().ok().and_then(Option::as_ref);
    let policy = Policy::read(|name| {
        runs.and_then(|runs| runs.environment.get(&variable_of(name)).cloned())
    });
    let job = iot::job_of(described_job(facts).ok()?);
    let is = facts.job().ok()?;
    // As the operator says, as the guard-keeper counted, or as the job names them.
    let counted = || is.record().ok().flatten().and_then(|record| record.coverage.devices);
    let devices = is.devices.or_else(counted).map(Devices::Exactly);
    let devices = devices.or_else(|| Devices::of_things(&job.setup)).unwrap_or(Devices::Unknown);
    let shape = Shape::of_job(&job, devices);
    let known = Known {
        kept,
        tagged: Some(&tagged),
        is_greengrass: job.is_greengrass,
        rate: job.rate,
        has_evidence: false,
        shape: Some(&shape),
    };
    let force_stop_topic = facts.stack.output("ForceStopTopicArn").unwrap_or_default();
    let rules = Rules { default_guard: &tagged.guard, policy, force_stop_topic };
    Some(coverage::desired(known, rules))
}

/// What the default guard of the job is for.
fn purpose(facts: &Facts) -> Option<Purpose> {
    desired(facts, KeptConfig::None).map(|desired| desired.purpose)
}

/// Whether the guard-keeper gives the job the stack's default guard if it has no alarms.
pub fn gets_default_guard(facts: &Facts) -> bool {
    let in_progress =
        described_job(facts).is_ok_and(|job| job.status() == Some(&JobStatus::InProgress));
    in_progress
        && keeper_function(facts).is_ok()
        && matches!(purpose(facts), Some(Purpose::Stop | Purpose::Alert))
}

fn judge_guarded_by_keeper(facts: &Facts) -> CheckResult {
    keeper_function(facts)?;
    if described_job(facts)?.status() != Some(&JobStatus::InProgress) {
        return Err(NotProven::elsewhere(
            "the guard-keeper maintains only jobs in progress",
            "job-in-progress",
        ));
    }
    let is = facts.job()?;
    is.tags.as_ref()?;
    is.first_seen.as_ref()?;
    let untag = |tags: &str| -> Result<String, NotProven> {
        Ok(format!(
            "aws iot untag-resource --resource-arn {} --tag-keys {tags}",
            quoted(&job_arn(facts)?)
        ))
    };
    let tagged = guard_with_tags(facts);
    if tagged.as_ref().is_some_and(|tagged| tagged.opted_out) {
        let what = "the job's tag `tripline:guard` is `off`";
        return Err(NotProven::finding(what, untag("tripline:guard")?));
    }
    if tagged.as_ref().is_some_and(|tagged| tagged.opted_out_late) {
        let what = "the job's tag `tripline:guard` was set to `off` after it began, so that its guard stays";
        return Err(NotProven::finding(what, untag("tripline:guard")?));
    }
    if let Some(item) = is.kept_config.as_ref()? {
        return match GuardConfig::parse("the stored config", &item.config) {
            Ok(config) if !config.is_empty() => {
                Ok("by the config that it was armed with".to_owned())
            }
            Ok(_) => Err(NotProven::finding(
                "the stack's default guard, because the stored config has no alarm",
                arm_command(facts)?,
            )),
            Err(faults) => {
                let what = format!("the stack's default guard, since {faults}");
                Err(NotProven::finding(what, arm_command(facts)?))
            }
        };
    }
    // They are this stack's, and the keeper does not know what they are to be: it arms its own beside them.
    let topic = facts.stack.output("ForceStopTopicArn")?;
    let strangers: Vec<String> = is
        .alarms
        .as_ref()?
        .iter()
        .filter(|alarm| {
            !is_default_alarm(alarm, &is.id)
                && alarm.actions_enabled() == Some(true)
                && alarm.alarm_actions().iter().any(|action| action == topic)
        })
        .map(|alarm| format!("`{}`", excerpt(alarm.alarm_name().unwrap_or_default())))
        .collect();
    if !strangers.is_empty() {
        return Err(NotProven::finding(
            format!("the stack does not know the config of {}", strangers.join(", ")),
            arm_command(facts)?,
        ));
    }
    match purpose(facts) {
        Some(Purpose::Outside) => {
            return Err(NotProven::finding(
                "the stack's parameters `GuardedJobs` and `GreengrassDeployments` leave the job without a guard",
                arm_command(facts)?,
            ));
        }
        Some(Purpose::Alert) => {
            return Ok("as a deployment of Greengrass, which people are alerted of; deployments to single things go by a shadow and no job, and are not seen".to_owned());
        }
        _ => {}
    }
    match tagged.as_ref().and_then(|tagged| tagged.faults.first()) {
        None => Ok("by the stack's default guard".to_owned()),
        Some(fault) => Err(NotProven::finding(
            format!("a tag of the job is not used: {fault}"),
            untag(&quoted(&format!(
                "{TAG_PREFIX}{}",
                fault.key.strip_prefix(TAG_PREFIX).unwrap_or(&fault.key)
            )))?,
        )),
    }
}
