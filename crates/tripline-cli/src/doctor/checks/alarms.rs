//! The alarms of a job.

use aws_sdk_cloudwatch::types::{Dimension, MetricAlarm, StandardUnit, StateValue};
use tripline::alarm::MissingData;
use tripline::detail::Detail;
use tripline::metric::{DIMENSION, KeptMetric, Metric, NAMESPACE, Unit};
use tripline::text::excerpt;
use tripline_guard::desired::watches_evidence_s_absence;
use tripline_guard::verdict::{Stack, Verdict, Why, WhyNot};

use crate::aws::arming::plan::Change;
use crate::aws::commands::quoted;
use crate::doctor::check::{About, Check, Fix};
use crate::doctor::facts::{Facts, Need};
use crate::doctor::result::{CheckResult, NotProven, all_right};

use super::guarded::{arm_command, is_default_alarm, job_alarms};
use super::job::gets_default_guard;
use super::keeper::keeper_function;
use super::reported::never_reported;

pub const CHECKS: &[Check] = &[
    Check {
        name: "alarms-exist",
        about: About::Job,
        proves: "the job has alarms",
        why: "without alarms nothing watches the rollout",
        needs: &[Need::Alarms, Need::Job, Need::Tags],
        judge: judge_alarms_exist,
        fix: Some(Fix::Config),
    },
    Check {
        name: "alarms-guard-job",
        about: About::Job,
        proves: "this stack's alarms would stop the rollout: the guard-keeper counts the job as `guarded`",
        why: "a muted alarm, or one that never fires, looks healthy but stops nothing",
        needs: &[Need::Alarms, Need::Job, Need::Counted],
        judge: judge_alarms_guard_job,
        fix: None,
    },
    Check {
        name: "alarms-match-config",
        about: About::Job,
        proves: "the job's alarms match the config (`--config`)",
        why: "an alarm that somebody deleted or changed by hand guards something else, or nothing",
        needs: &[Need::Config],
        judge: judge_alarms_match_config,
        fix: Some(Fix::Config),
    },
    Check {
        name: "alarm-actions-enabled",
        about: About::Job,
        proves: "the actions of the job's alarms are enabled",
        why: "an alarm whose actions are disabled fires without any effect",
        needs: &[Need::Alarms],
        judge: judge_alarm_actions_enabled,
        fix: Some(Fix::AlarmActions),
    },
    Check {
        name: "alarm-reaches-stopper",
        about: About::Job,
        proves: "an alarm of the job notifies the force-stop topic",
        why: "the alarms only alert people, and the rollout goes on",
        needs: &[Need::Alarms],
        judge: judge_alarm_reaches_stopper,
        fix: None,
    },
    Check {
        name: "alarm-not-in-alarm",
        about: About::Job,
        proves: "no alarm of the job is in ALARM already",
        why: "an alarm runs its actions when it enters ALARM, and not again while it stays there",
        needs: &[Need::Alarms],
        judge: judge_alarm_not_in_alarm,
        fix: None,
    },
    Check {
        name: "alarm-dimension-correct",
        about: About::Job,
        proves: "the job's alarms have the dimension `jobId` with this job, and no other dimension",
        why: "an alarm with another dimension gets no values and never fires",
        needs: &[Need::Alarms],
        judge: judge_alarm_dimension_correct,
        fix: None,
    },
    Check {
        name: "alarm-metric-published",
        about: About::Job,
        proves: "the job's alarms watch metrics that Tripline publishes, in their units",
        why: "an alarm on a metric that nothing publishes never fires",
        needs: &[Need::Alarms, Need::Job, Need::Counted],
        judge: judge_alarm_metric_published,
        fix: None,
    },
    Check {
        name: "alarm-period-whole-minutes",
        about: About::Job,
        proves: "the periods of the job's alarms are whole minutes",
        why: "Tripline publishes metrics by the minute, so a shorter period is mostly empty",
        needs: &[Need::Alarms],
        judge: judge_alarm_period_whole_minutes,
        fix: None,
    },
    Check {
        name: "alarm-tolerates-missing-data",
        about: About::Job,
        proves: "a minute without reports neither fires nor delays an alarm",
        why: "devices report sparsely: with `breaching` a gap stops a healthy rollout, with `missing` a single value can",
        needs: &[Need::Alarms],
        judge: judge_alarm_tolerates_missing_data,
        fix: None,
    },
];

/// What an alarm watches: each of its metrics, those in metric math too.
struct WatchedMetric<'a> {
    namespace: &'a str,
    metric: &'a str,
    dimensions: &'a [Dimension],
    unit: Option<&'a StandardUnit>,
    period: Option<i32>,
    /// Whose metric, if it says.
    account: Option<&'a str>,
}

/// What an alarm watches. One that names no metric, as a query, may watch anything; one that shows
/// nothing at all is not reported, also where its words are those of Tripline's alarms.
fn watched_metrics<'a>(
    facts: &Facts,
    alarm: &'a MetricAlarm,
) -> Result<Vec<WatchedMetric<'a>>, NotProven> {
    let all = shown_metrics(alarm);
    if !all.is_empty() {
        return Ok(all);
    }
    // Its rule in words, as the guard-keeper takes it too.
    let words = format!("Tripline guards rollout {}: ", facts.job()?.id);
    let is_worded = alarm.metrics().is_empty()
        && alarm.alarm_description().is_some_and(|text| text.starts_with(&words));
    Err(match is_worded {
        true => NotProven::Untold(format!("{} shows no metric, only words", quoted_name(alarm))),
        false => {
            NotProven::Unknown(format!("{} names no metric that it watches", quoted_name(alarm)))
        }
    })
}

fn shown_metrics(alarm: &MetricAlarm) -> Vec<WatchedMetric<'_>> {
    let mut all = Vec::new();
    if let Some(metric) = alarm.metric_name() {
        all.push(WatchedMetric {
            namespace: alarm.namespace().unwrap_or_default(),
            metric,
            dimensions: alarm.dimensions(),
            unit: alarm.unit(),
            period: alarm.period(),
            account: None,
        });
    }
    for query in alarm.metrics() {
        let Some(stat) = query.metric_stat() else { continue };
        let Some(metric) = stat.metric() else { continue };
        all.push(WatchedMetric {
            namespace: metric.namespace().unwrap_or_default(),
            metric: metric.metric_name().unwrap_or_default(),
            dimensions: metric.dimensions(),
            unit: stat.unit(),
            period: stat.period(),
            account: query.account_id(),
        });
    }
    all
}

/// The details that an alarm watches.
pub fn details_watched(alarm: &MetricAlarm) -> impl Iterator<Item = Detail> {
    let shown = shown_metrics(alarm);
    let watches = move |detail: &Detail| {
        let is_it =
            |one: &WatchedMetric<'_>| one.namespace == NAMESPACE && one.metric == detail.name();
        shown.iter().any(is_it)
    };
    Detail::ALL.into_iter().filter(watches)
}

fn name_of_alarm(alarm: &MetricAlarm) -> &str {
    alarm.alarm_name().unwrap_or_default()
}

pub fn quoted_name(alarm: &MetricAlarm) -> String {
    format!("`{}`", excerpt(name_of_alarm(alarm)))
}

/// Deletes an alarm and arms the job again: an alarm that watches another job is not overwritten.
fn recreate_command(facts: &Facts, alarm: &MetricAlarm) -> Result<String, NotProven> {
    let delete =
        format!("aws cloudwatch delete-alarms --alarm-names {}", quoted(name_of_alarm(alarm)));
    Ok(format!("{delete}\n{}", arm_command(facts)?))
}

/// Judges each alarm on its own.
fn judge_each_alarm(
    facts: &Facts,
    sound: &str,
    judge: impl Fn(&MetricAlarm) -> Result<Option<(String, String)>, NotProven>,
) -> CheckResult {
    let (mut wrong, mut fixes) = (Vec::new(), Vec::new());
    let mut unseen = None;
    for alarm in job_alarms(facts)? {
        match judge(alarm) {
            Ok(None) => {}
            Ok(Some((what, fix))) => {
                wrong.push(format!("{}: {what}", quoted_name(alarm)));
                fixes.extend(fix.lines().map(str::to_owned));
            }
            // What is wrong for sure is said before what cannot be seen.
            // Of that, what counts goes before what AWS does not show.
            Err(why) => match unseen {
                Some(NotProven::Untold(_)) | None => unseen = Some(why),
                Some(_) => {}
            },
        }
    }
    match unseen {
        Some(why) if wrong.is_empty() => Err(why),
        _ => all_right(sound, wrong, fixes),
    }
}

fn judge_alarms_exist(facts: &Facts) -> CheckResult {
    let alarms = facts.job()?.alarms.as_ref()?;
    match alarms.len() {
        0 => {
            let mut fix = arm_command(facts)?;
            if gets_default_guard(facts) {
                fix.push_str("   # or wait: the guard-keeper gives a new job the stack's default guard within two minutes");
            }
            let mut what = format!("job `{}` has no alarms", facts.job()?.id);
            // Whatever they are, they guard nothing.
            if let Ok([(name, whose), ..]) = facts.job()?.foreign.as_deref() {
                what = format!("{what} of this stack's: `{}` {whose}", excerpt(name));
            }
            Err(NotProven::finding(what, fix))
        }
        1 => Ok("1 alarm".to_owned()),
        more => Ok(format!("{more} alarms")),
    }
}

/// The one answer that everybody gives; what another check says in more words is left to that.
fn judge_alarms_guard_job(facts: &Facts) -> CheckResult {
    let job = facts.job()?;
    let (name, topic) = (&facts.stack.name, facts.stack.output("ForceStopTopicArn")?);
    let seen = job.observed(name)?;
    let stack = Stack { name, force_stop_topic: topic };
    let why = match Verdict::new(&seen, &job.id, stack) {
        Verdict::Guarded => {
            // One whose metric never comes guards nothing.
            let mut alive = Vec::new();
            for (alarm, seen) in job.alarms.as_ref()?.iter().zip(seen) {
                if never_reported(facts, alarm)?.is_none() {
                    alive.push(seen);
                }
            }
            return match Verdict::new(&alive, &job.id, stack) {
                Verdict::Guarded => Ok("guarded".to_owned()),
                Verdict::Unguarded(_) => Err(NotProven::elsewhere(
                    "devices never report what the alarms that stop it watch",
                    "metrics-arriving",
                )),
            };
        }
        Verdict::Unguarded(why) => why,
    };
    let what = why.to_string();
    Err(match why {
        Why::NoAlarm => NotProven::elsewhere(what, "alarms-exist"),
        Why::NothingStops => NotProven::elsewhere(what, "alarm-reaches-stopper"),
        Why::Alarm(_, why) => match (why.fix(), &why) {
            (Some(fix), _) => NotProven::finding(what, fix),
            (None, WhyNot::ActionsOff) => NotProven::elsewhere(what, "alarm-actions-enabled"),
            (None, WhyNot::HasFired) => NotProven::elsewhere(what, "alarm-not-in-alarm"),
            (None, WhyNot::NotPublished) => NotProven::elsewhere(what, "alarm-metric-published"),
            (None, WhyNot::WatchesElsewhere) => {
                NotProven::elsewhere(what, "alarm-dimension-correct")
            }
            _ => NotProven::finding(what, arm_command(facts)?),
        },
    })
}

fn judge_alarms_match_config(facts: &Facts) -> CheckResult {
    let Some(plan) = &facts.job()?.plan else {
        return Err(NotProven::skipped("no `--config`"));
    };
    if facts.job()?.alarms.as_ref().is_ok_and(Vec::is_empty) {
        return Err(NotProven::elsewhere("the job has no alarms", "alarms-exist"));
    }
    let plan = plan.as_ref()?;
    let mut wrong: Vec<String> = plan
        .alarms
        .iter()
        .filter_map(|planned| match planned.change {
            Change::Create => Some(format!("`{}` is missing", excerpt(&planned.name))),
            Change::Update(_) => {
                Some(format!("`{}` is otherwise than in the config", excerpt(&planned.name)))
            }
            Change::Keep => None,
        })
        .collect();
    wrong.extend(
        plan.strays.iter().map(|stray| format!("`{}` is not in the config", excerpt(stray))),
    );
    all_right(format!("{} alarms", plan.alarms.len()), wrong, vec![arm_command(facts)?])
}

fn judge_alarm_actions_enabled(facts: &Facts) -> CheckResult {
    judge_each_alarm(facts, "on", |alarm| {
        Ok((alarm.actions_enabled() != Some(true)).then(|| {
            let fix = format!(
                "aws cloudwatch enable-alarm-actions --alarm-names {}",
                quoted(name_of_alarm(alarm))
            );
            ("its actions are off".to_owned(), fix)
        }))
    })
}

fn judge_alarm_reaches_stopper(facts: &Facts) -> CheckResult {
    let topic = facts.stack.output("ForceStopTopicArn")?;
    let alarms = job_alarms(facts)?;
    let stops = |alarm: &&MetricAlarm| alarm.alarm_actions().iter().any(|action| action == topic);
    match alarms.iter().filter(stops).count() {
        0 => Err(NotProven::finding(
            "no alarm of the job goes to the force-stop topic",
            format!("{}   # with `@force-stop` in `snsTopics`", arm_command(facts)?),
        )),
        some => Ok(format!("{some} of {}", alarms.len())),
    }
}

fn judge_alarm_not_in_alarm(facts: &Facts) -> CheckResult {
    let id = &facts.job()?.id;
    // Not a stop: nobody has said that the rollout is bad.
    let bad = format!("# if the rollout is bad, instead: tripline stop --job-id {id}");
    judge_each_alarm(facts, "none", |alarm| {
        if alarm.state_value() != Some(&StateValue::Alarm) {
            return Ok(None);
        }
        let stack = quoted(&facts.stack.name);
        let remove = format!("tripline alarms remove --stack {stack} --job-id {id} --force");
        let fix = match is_default_alarm(alarm, id) && keeper_function(facts).is_ok() {
            true => format!(
                "{remove}   # the guard-keeper makes them again within a minute, and then they act again\n{bad}"
            ),
            false => {
                format!("{remove}\n{}   # made again, they act again\n{bad}", arm_command(facts)?)
            }
        };
        Ok(Some(("is in ALARM".to_owned(), fix)))
    })
}

fn judge_alarm_dimension_correct(facts: &Facts) -> CheckResult {
    let id = &facts.job()?.id;
    judge_each_alarm(facts, "this job", |alarm| {
        let watched = watched_metrics(facts, alarm)?;
        let wrong = watched.iter().find_map(|watched| match watched.dimensions {
            [one] if one.name() == Some(DIMENSION) && one.value() == Some(id.as_str()) => None,
            dimensions => {
                Some(dimensions.iter().map(dimension_text).collect::<Vec<_>>().join(", "))
            }
        });
        let Some(wrong) = wrong else { return Ok(None) };
        let wrong = if wrong.is_empty() { "none".to_owned() } else { wrong };
        Ok(Some((
            format!("its dimensions are {wrong} (expected `{DIMENSION}` = `{id}`)"),
            recreate_command(facts, alarm)?,
        )))
    })
}

fn dimension_text(dimension: &Dimension) -> String {
    let text = |text: Option<&str>| excerpt(text.unwrap_or_default());
    format!("`{}` = `{}`", text(dimension.name()), text(dimension.value()))
}

fn judge_alarm_metric_published(facts: &Facts) -> CheckResult {
    judge_each_alarm(facts, NAMESPACE, |alarm| {
        let watched = watched_metrics(facts, alarm)?;
        if let Some(wrong) = watched.iter().find_map(|watched| why_not_published(facts, watched)) {
            return Ok(Some((wrong, recreate_command(facts, alarm)?)));
        }
        // Without a count `metrics-arriving` is unknown, and this is as it was.
        match never_reported(facts, alarm).ok().flatten() {
            Some((detail, _)) => Err(NotProven::elsewhere(
                format!("{}: no device reports `{detail}`", quoted_name(alarm)),
                "metrics-arriving",
            )),
            None => Ok(None),
        }
    })
}

/// Why nobody publishes what is watched.
fn why_not_published(facts: &Facts, watched: &WatchedMetric<'_>) -> Option<String> {
    if let Some(other) = watched.account.filter(|account| *account != facts.stack.account()) {
        return Some(format!("its metric is of the account `{}`", excerpt(other)));
    }
    if watched.namespace != NAMESPACE {
        return Some(format!(
            "its namespace is `{}` (expected `{NAMESPACE}`)",
            excerpt(watched.namespace)
        ));
    }
    let by_devices = Metric::ALL.map(|metric| (metric.name(), metric.unit()));
    let by_keeper = KeptMetric::ALL.map(|metric| (metric.name(), Unit::Count));
    // Without a guard-keeper nobody says what it counts.
    let by_keeper = by_keeper.into_iter().filter(|_| keeper_function(facts).is_ok());
    let mut published = by_devices.into_iter().chain(by_keeper);
    let Some((metric, unit)) = published.find(|(name, _)| *name == watched.metric) else {
        return Some(format!("Tripline does not publish `{}`", excerpt(watched.metric)));
    };
    let unit = match unit {
        Unit::Seconds => StandardUnit::Seconds,
        Unit::Count => StandardUnit::Count,
    };
    match watched.unit {
        Some(found) if *found != unit => Some(format!(
            "its unit is `{}`, and `{metric}` comes in `{}`",
            excerpt(found.as_str()),
            unit.as_str()
        )),
        _ => None,
    }
}

fn judge_alarm_period_whole_minutes(facts: &Facts) -> CheckResult {
    judge_each_alarm(facts, "whole minutes", |alarm| {
        let watched = watched_metrics(facts, alarm)?;
        let short = watched.iter().find_map(|watched| watched.period.filter(|period| *period < 60));
        short
            .map(|period| {
                Ok((
                    format!("its period is {period} s (expected 60 or more)"),
                    recreate_command(facts, alarm)?,
                ))
            })
            .transpose()
    })
}

fn judge_alarm_tolerates_missing_data(facts: &Facts) -> CheckResult {
    let good = [MissingData::NotBreaching, MissingData::Ignore].map(MissingData::name);
    judge_each_alarm(facts, "does not fire", |alarm| {
        if watches_evidence_s_absence(alarm) {
            return Ok(None);
        }
        // CloudWatch's own default.
        let found = alarm.treat_missing_data().unwrap_or(MissingData::Missing.name());
        if good.contains(&found) {
            return Ok(None);
        }
        let what = format!("missing data is `{}` (expected `{}`)", excerpt(found), good[0]);
        Ok(Some((
            what,
            format!("{}   # with `treatMissingData = {}`", arm_command(facts)?, good[0]),
        )))
    })
}
