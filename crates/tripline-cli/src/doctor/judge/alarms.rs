//! The alarms of a job.

use aws_sdk_cloudwatch::types::{Dimension, MetricAlarm, StandardUnit, StateValue};
use tripline::alarm::MissingData;
use tripline::metric::{DIMENSION, KeptMetric, Metric, NAMESPACE, Unit};
use tripline::text::excerpt;

use crate::aws::arming::plan::Change;
use crate::doctor::check::{About, Check, Judged, Not, all_right, quoted};
use crate::doctor::facts::{Facts, Need, seen};
use crate::doctor::fix::Fix;

use super::job::{gets_default_guard, is_default};
use super::keeper::deployed;

pub const CHECKS: &[Check] = &[
    Check {
        name: "alarms-exist",
        about: About::Job,
        proves: "the job has alarms",
        why: "nothing watches the rollout",
        needs: &[Need::Alarms, Need::Job, Need::Tags],
        judge: exist,
        fix: Some(Fix::Config),
    },
    Check {
        name: "alarms-as-configured",
        about: About::Job,
        proves: "the job's alarms are those of the config (`--config`)",
        why: "an alarm that was deleted or changed by hand guards something else, or nothing",
        needs: &[Need::Config],
        judge: as_configured,
        fix: Some(Fix::Config),
    },
    Check {
        name: "alarm-actions-enabled",
        about: About::Job,
        proves: "the actions of the job's alarms are on",
        why: "an alarm whose actions are off fires, and nothing happens",
        needs: &[Need::Alarms],
        judge: actions_enabled,
        fix: Some(Fix::AlarmActions),
    },
    Check {
        name: "alarm-reaches-stopper",
        about: About::Job,
        proves: "an alarm of the job goes to the force-stop topic",
        why: "people are told, and the rollout goes on",
        needs: &[Need::Alarms],
        judge: reaches,
        fix: None,
    },
    Check {
        name: "alarm-not-in-alarm",
        about: About::Job,
        proves: "no alarm of the job is in ALARM already",
        why: "its actions ran when it got there, and do not run again",
        needs: &[Need::Alarms],
        judge: not_mute,
        fix: None,
    },
    Check {
        name: "alarm-dimension",
        about: About::Job,
        proves: "the job's alarms watch this job: the dimension `jobId`, and no other",
        why: "an alarm with another dimension has no values, and never fires",
        needs: &[Need::Alarms],
        judge: dimension,
        fix: None,
    },
    Check {
        name: "alarm-metric",
        about: About::Job,
        proves: "the job's alarms watch metrics that Tripline publishes, in their units",
        why: "an alarm on a metric that nobody publishes never fires",
        needs: &[Need::Alarms],
        judge: metric,
        fix: None,
    },
    Check {
        name: "alarm-period",
        about: About::Job,
        proves: "the periods of the job's alarms are whole minutes",
        why: "metrics come by the minute: a shorter period is mostly empty",
        needs: &[Need::Alarms],
        judge: period,
        fix: None,
    },
    Check {
        name: "alarm-missing-data",
        about: About::Job,
        proves: "a minute without reports neither fires nor holds up an alarm",
        why: "a rollout reports sparsely: with `breaching` a gap stops a healthy one, with `missing` one value can",
        needs: &[Need::Alarms],
        judge: missing_data,
        fix: None,
    },
];

/// What an alarm watches: each of its metrics, those in metric math too.
struct Watched<'a> {
    namespace: &'a str,
    metric: &'a str,
    dimensions: &'a [Dimension],
    unit: Option<&'a StandardUnit>,
    period: Option<i32>,
    /// Whose metric, if it says.
    account: Option<&'a str>,
}

/// What an alarm watches. One that names no metric, as a query, may watch anything; one that shows
/// nothing at all is not told of, also where its words are those of Tripline's alarms.
fn watched<'a>(facts: &Facts, alarm: &'a MetricAlarm) -> Result<Vec<Watched<'a>>, Not> {
    let all = shown_metrics(alarm);
    if !all.is_empty() {
        return Ok(all);
    }
    // Its rule in words, as the guard-keeper takes it too.
    let words = format!("Tripline guards rollout {}: ", facts.job()?.id);
    let is_worded = alarm.metrics().is_empty()
        && alarm.alarm_description().is_some_and(|text| text.starts_with(&words));
    Err(match is_worded {
        true => Not::Untold(format!("{} shows no metric, only words", shown(alarm))),
        false => Not::Unknown(format!("{} names no metric that it watches", shown(alarm))),
    })
}

fn shown_metrics(alarm: &MetricAlarm) -> Vec<Watched<'_>> {
    let mut all = Vec::new();
    if let Some(metric) = alarm.metric_name() {
        all.push(Watched {
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
        all.push(Watched {
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

/// The job's alarms; without any there is nothing to say of them.
pub fn alarms(facts: &Facts) -> Result<&[MetricAlarm], Not> {
    match seen(&facts.job()?.alarms)?.as_slice() {
        [] => Err(Not::elsewhere("the job has no alarms", "alarms-exist")),
        alarms => Ok(alarms),
    }
}

fn name(alarm: &MetricAlarm) -> &str {
    alarm.alarm_name().unwrap_or_default()
}

fn shown(alarm: &MetricAlarm) -> String {
    format!("`{}`", excerpt(name(alarm)))
}

/// The command that arms the job.
pub fn arm(facts: &Facts) -> Result<String, Not> {
    let (stack, job) = (quoted(&facts.stack.name), facts.job()?);
    let file = job.config_file();
    Ok(format!("tripline alarms apply {file} --stack {stack} --job-id {}", job.id))
}

/// Deletes an alarm and arms the job again: an alarm that watches another job is not overwritten.
fn anew(facts: &Facts, alarm: &MetricAlarm) -> Result<String, Not> {
    let delete = format!("aws cloudwatch delete-alarms --alarm-names {}", quoted(name(alarm)));
    Ok(format!("{delete}\n{}", arm(facts)?))
}

/// Judges each alarm on its own.
fn each(
    facts: &Facts,
    sound: &str,
    judge: impl Fn(&MetricAlarm) -> Result<Option<(String, String)>, Not>,
) -> Judged {
    let (mut wrong, mut mends) = (Vec::new(), Vec::new());
    let mut unseen = None;
    for alarm in alarms(facts)? {
        match judge(alarm) {
            Ok(None) => {}
            Ok(Some((what, mend))) => {
                wrong.push(format!("{}: {what}", shown(alarm)));
                mends.extend(mend.lines().map(str::to_owned));
            }
            // What is wrong for sure is said before what cannot be seen.
            // Of that, what counts goes before what AWS does not tell.
            Err(why) => match unseen {
                Some(Not::Untold(_)) | None => unseen = Some(why),
                Some(_) => {}
            },
        }
    }
    match unseen {
        Some(why) if wrong.is_empty() => Err(why),
        _ => all_right(sound, wrong, mends),
    }
}

fn exist(facts: &Facts) -> Judged {
    let alarms = seen(&facts.job()?.alarms)?;
    match alarms.len() {
        0 => {
            let mut mend = arm(facts)?;
            if gets_default_guard(facts) {
                mend.push_str("   # or wait: the guard-keeper gives a new job the stack's default guard within two minutes");
            }
            Err(Not::finding(format!("job `{}` has no alarms", facts.job()?.id), mend))
        }
        1 => Ok("1 alarm".to_owned()),
        more => Ok(format!("{more} alarms")),
    }
}

fn as_configured(facts: &Facts) -> Judged {
    let Some(plan) = &facts.job()?.plan else {
        return Err(Not::skipped("no `--config`"));
    };
    if seen(&facts.job()?.alarms).is_ok_and(Vec::is_empty) {
        return Err(Not::elsewhere("the job has no alarms", "alarms-exist"));
    }
    let plan = seen(plan)?;
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
    all_right(format!("{} alarms", plan.alarms.len()), wrong, vec![arm(facts)?])
}

fn actions_enabled(facts: &Facts) -> Judged {
    each(facts, "on", |alarm| {
        Ok((alarm.actions_enabled() != Some(true)).then(|| {
            let mend = format!(
                "aws cloudwatch enable-alarm-actions --alarm-names {}",
                quoted(name(alarm))
            );
            ("its actions are off".to_owned(), mend)
        }))
    })
}

fn reaches(facts: &Facts) -> Judged {
    let topic = facts.stack.output_seen("ForceStopTopicArn")?;
    let alarms = alarms(facts)?;
    let stops = |alarm: &&MetricAlarm| alarm.alarm_actions().iter().any(|action| action == topic);
    match alarms.iter().filter(stops).count() {
        0 => Err(Not::finding(
            "no alarm of the job goes to the force-stop topic",
            format!("{}   # with `@force-stop` in `snsTopics`", arm(facts)?),
        )),
        some => Ok(format!("{some} of {}", alarms.len())),
    }
}

fn not_mute(facts: &Facts) -> Judged {
    let id = &facts.job()?.id;
    // Not a stop: nobody has said that the rollout is bad.
    let bad = format!("# if the rollout is bad, instead: tripline stop --job-id {id}");
    each(facts, "none", |alarm| {
        if alarm.state_value() != Some(&StateValue::Alarm) {
            return Ok(None);
        }
        let stack = quoted(&facts.stack.name);
        let remove = format!("tripline alarms remove --stack {stack} --job-id {id} --force");
        let mend = match is_default(alarm, id) && deployed(facts).is_ok() {
            true => format!(
                "{remove}   # the guard-keeper makes them anew within a minute, and then they act again\n{bad}"
            ),
            false => format!("{remove}\n{}   # made anew, they act again\n{bad}", arm(facts)?),
        };
        Ok(Some(("is in ALARM".to_owned(), mend)))
    })
}

fn dimension(facts: &Facts) -> Judged {
    let id = &facts.job()?.id;
    each(facts, "this job", |alarm| {
        let watched = watched(facts, alarm)?;
        let wrong = watched.iter().find_map(|watched| match watched.dimensions {
            [one] if one.name() == Some(DIMENSION) && one.value() == Some(id.as_str()) => None,
            dimensions => Some(dimensions.iter().map(said).collect::<Vec<_>>().join(", ")),
        });
        let Some(wrong) = wrong else { return Ok(None) };
        let wrong = if wrong.is_empty() { "none".to_owned() } else { wrong };
        Ok(Some((
            format!("its dimensions are {wrong} (expected `{DIMENSION}` = `{id}`)"),
            anew(facts, alarm)?,
        )))
    })
}

fn said(dimension: &Dimension) -> String {
    let text = |text: Option<&str>| excerpt(text.unwrap_or_default());
    format!("`{}` = `{}`", text(dimension.name()), text(dimension.value()))
}

fn metric(facts: &Facts) -> Judged {
    each(facts, NAMESPACE, |alarm| {
        let watched = watched(facts, alarm)?;
        let wrong = watched.iter().find_map(|watched| unpublished(facts, watched));
        wrong.map(|wrong| Ok((wrong, anew(facts, alarm)?))).transpose()
    })
}

/// Why nobody publishes what is watched.
fn unpublished(facts: &Facts, watched: &Watched<'_>) -> Option<String> {
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
    let by_keeper = by_keeper.into_iter().filter(|_| deployed(facts).is_ok());
    let mut published = by_devices.into_iter().chain(by_keeper);
    let Some((metric, unit)) = published.find(|(name, _)| *name == watched.metric) else {
        return Some(format!("nobody publishes `{}`", excerpt(watched.metric)));
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

fn period(facts: &Facts) -> Judged {
    each(facts, "whole minutes", |alarm| {
        let watched = watched(facts, alarm)?;
        let short = watched.iter().find_map(|watched| watched.period.filter(|period| *period < 60));
        short
            .map(|period| {
                Ok((format!("its period is {period} s (expected 60 or more)"), anew(facts, alarm)?))
            })
            .transpose()
    })
}

fn missing_data(facts: &Facts) -> Judged {
    let good = [MissingData::NotBreaching, MissingData::Ignore].map(MissingData::name);
    each(facts, "does not fire", |alarm| {
        // CloudWatch's own default.
        let found = alarm.treat_missing_data().unwrap_or(MissingData::Missing.name());
        if good.contains(&found) {
            return Ok(None);
        }
        let what = format!("missing data is `{}` (expected `{}`)", excerpt(found), good[0]);
        Ok(Some((what, format!("{}   # with `treatMissingData = {}`", arm(facts)?, good[0]))))
    })
}
