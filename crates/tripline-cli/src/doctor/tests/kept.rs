//! A job that the guard-keeper guards: its alarms as CloudWatch shows them, and as one does that hides
//! metric math.

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::types::{MetricAlarm, MetricDataQuery};
use aws_sdk_iot::types::JobExecutionsRolloutConfig;
use tripline::alarm::Topic;
use tripline::job::JobId;
use tripline::metric::KeptMetric;
use tripline::rollout::Rate;
use tripline_guard::desired::{DefaultGuard, GuardAlarm};

use super::sound::*;
use crate::doctor::check::About;
use crate::doctor::checks::checks;
use crate::doctor::facts::Facts;
use crate::doctor::result::{CheckResult, NotProven};

/// The stack's default guard with some parameters, for a job without a limit to its rate.
fn default_guard(parameters: &[(&str, &str)]) -> Vec<MetricAlarm> {
    guard_for(Rate::QUOTA, parameters)
}

/// The same for a job that comes to so many devices a minute.
fn guard_for(rate: u32, parameters: &[(&str, &str)]) -> Vec<MetricAlarm> {
    let job = JobId::new("fw").unwrap();
    let topics = vec![Topic::Email, Topic::ForceStop];
    let guard = DefaultGuard::new(topics, |key| map(parameters).get(key).cloned()).unwrap();
    let shown = |alarm: &GuardAlarm| {
        let stops = !alarm.is_on_evidence();
        let topics = [EMAIL, STOP].into_iter().take(1 + usize::from(stops));
        shown(alarm, &job, &topics.map(str::to_owned).collect::<Vec<_>>())
    };
    guard.all_alarms(rate, true).iter().map(shown).collect()
}

/// A job with these alarms, which nobody armed, for so many devices a minute.
fn facts(alarms: Vec<MetricAlarm>, per_minute: i32) -> Facts {
    let mut facts = sound();
    let is = facts.job.as_mut().unwrap();
    (is.alarms, is.kept_config, is.plan, is.devices) = (Ok(alarms), Ok(None), None, Some(100_000));
    let rate = JobExecutionsRolloutConfig::builder().maximum_per_minute(per_minute).build();
    is.job.as_mut().unwrap().as_mut().unwrap().job_executions_rollout_config = Some(rate);
    facts
}

/// What came of the checks of a job.
fn judged(facts: &Facts) -> BTreeMap<&'static str, CheckResult> {
    let of_job = checks().filter(|check| check.about == About::Job);
    of_job.map(|check| (check.name, (check.judge)(facts))).collect()
}

#[test]
fn a_job_with_the_default_guard_is_sound() {
    let judged = judged(&facts(default_guard(&[]), 100));
    for (check, judged) in &judged {
        // There is no config.
        assert!(judged.is_ok() || *check == "alarms-match-config", "{check}: {judged:?}");
    }
    assert_eq!(judged["alarm-has-enough-samples"], Ok("2 judged at the job's rate".to_owned()));
    assert_eq!(judged["guarded-by-keeper"], Ok("by the stack's default guard".to_owned()));
}

#[test]
fn where_metric_math_is_not_shown_nothing_is_proven_of_it() {
    let mut alarms = default_guard(&[]);
    for alarm in &mut alarms {
        alarm.metrics = None;
    }
    for (check, judged) in judged(&facts(alarms.clone(), 100)) {
        let not_seen = ["alarm-has-enough-samples", "alarm-fires-in-time", "alarms-match-config"];
        // Words prove nothing: they may stand on an alarm on anything.
        let is_untold =
            ["alarm-dimension-correct", "alarm-metric-published", "alarm-period-whole-minutes"]
                .contains(&check);
        assert_eq!(matches!(judged, Err(NotProven::Untold(_))), is_untold, "{check}: {judged:?}");
        assert!(judged.is_ok() || is_untold || not_seen.contains(&check), "{check}: {judged:?}");
        assert!(
            !matches!(judged, Err(NotProven::Finding { .. } | NotProven::Unknown(_))),
            "{check}"
        );
    }
    // Another job's words are not this job's, whichever comes first.
    alarms[1].alarm_description = Some("Tripline guards rollout fw-2: p97".to_owned());
    let judged = judged(&facts(alarms, 100));
    assert!(matches!(judged["alarm-dimension-correct"], Err(NotProven::Unknown(_))), "{judged:?}");
}

/// The guard-keeper fits its periods to the rate; the simulator agrees.
#[test]
fn at_whatever_rate_the_default_guard_can_decide() {
    for rate in [1, 5, 12, 100, 1_000] {
        let mut facts = facts(guard_for(rate, &[]), i32::try_from(rate).unwrap());
        facts.job.as_mut().unwrap().devices = None;
        let judged = judged(&facts);
        assert_eq!(
            judged["alarm-has-enough-samples"],
            Ok("2 judged at the job's rate".to_owned()),
            "{rate} a minute"
        );
    }
}

#[test]
fn a_rollout_that_is_too_slow_for_the_default_guard_is_found_with_the_tags_that_help() {
    let Err(NotProven::Finding { what, fix }) =
        judged(&facts(default_guard(&[]), 5))["alarm-has-enough-samples"].clone()
    else {
        panic!("five devices a minute");
    };
    assert!(what.contains("`default-DownloadTime`: a period has about "), "{what}");
    assert!(!what.contains("FailureRate"), "{what}");
    assert!(fix.contains("--tags Key=tripline:DownloadTimeMinSamples,Value=.."), "{fix}");
    assert!(!fix.contains("dev.ini"), "{fix}");
}

#[test]
fn a_failure_rate_that_waits_for_more_devices_than_there_are_is_found() {
    for (devices, is_found) in [(49, true), (50, false)] {
        let mut facts = facts(default_guard(&[]), 100);
        facts.job.as_mut().unwrap().devices = Some(devices);
        let judged = judged(&facts);
        let Err(NotProven::Finding { what, fix }) = &judged["alarm-has-enough-samples"] else {
            panic!("{:?}", judged["alarm-has-enough-samples"]);
        };
        assert_eq!(what.contains("it waits for 50 executions"), is_found, "{what}");
        assert_eq!(fix.contains("tripline:FailureRateMinExecutions,"), is_found, "{fix}");
    }
}

#[test]
fn a_failure_rate_that_one_device_decides_is_found() {
    for (limit, least, is_found) in
        [("20", "5", false), ("19.9", "5", true), ("0", "50", true), ("2", "50", false)]
    {
        let parameters = [("FailureRateUpperLimit", limit), ("FailureRateMinExecutions", least)];
        let judged = judged(&facts(default_guard(&parameters), 100));
        let what = match &judged["alarm-has-enough-samples"] {
            Err(NotProven::Finding { what, .. }) => what.as_str(),
            _ => "",
        };
        assert_eq!(
            what.contains("one failing device decides"),
            is_found,
            "{limit} {least}: {what}"
        );
    }
}

/// A query names no metric and no dimension: what it watches is anybody's guess.
#[test]
fn an_alarm_that_names_no_metric_is_never_ok() {
    let mut alarm = default_guard(&[]).remove(0);
    let query = MetricDataQuery::builder()
        .id("q")
        .expression("SELECT MAX(downloadTime) FROM \"IoT:OTA:JobExecution\"")
        .return_data(true);
    alarm.metrics = Some(vec![query.build()]);
    let mut alarms = vec![alarm];
    for check in ["alarm-dimension-correct", "alarm-metric-published", "alarm-period-whole-minutes"]
    {
        let judged = judged(&facts(alarms.clone(), 100));
        assert!(
            matches!(judged[check], Err(NotProven::Unknown(_))),
            "{check}: {:?}",
            judged[check]
        );
    }
    // What is wrong for sure is said all the same.
    let mut wrong = super::sound::alarm();
    wrong.metric_name = Some("failedcount".to_owned());
    alarms.push(wrong);
    let judged = judged(&facts(alarms, 100));
    assert!(
        matches!(judged["alarm-metric-published"], Err(NotProven::Finding { .. })),
        "{judged:?}"
    );
}

#[test]
fn what_the_guard_keeper_publishes_of_a_job_may_be_watched() {
    for metric in KeptMetric::ALL.map(KeptMetric::name) {
        let mut facts = sound();
        let alarm = &mut facts.job.as_mut().unwrap().alarms.as_mut().unwrap()[0];
        alarm.metric_name = Some(metric.to_owned());
        assert!(judged(&facts)["alarm-metric-published"].is_ok(), "{metric}");
        facts.stack.outputs.remove("GuardKeeperFunctionArn");
        let judged = judged(&facts);
        assert!(
            matches!(judged["alarm-metric-published"], Err(NotProven::Finding { .. })),
            "nobody publishes it"
        );
    }
}

#[test]
fn a_job_without_alarms_is_armed_by_whom_it_is() {
    let fix = |facts: &Facts| match &judged(facts)["alarms-exist"] {
        Err(NotProven::Finding { fix, .. }) => fix.clone(),
        other => panic!("{other:?}"),
    };
    let mut facts = facts(Vec::new(), 100);
    assert!(fix(&facts).contains("within two minutes"), "{}", fix(&facts));
    facts.job.as_mut().unwrap().tags = Ok(vec![("tripline:guard".to_owned(), "off".to_owned())]);
    assert!(!fix(&facts).contains("within two minutes"), "{}", fix(&facts));
    facts.job.as_mut().unwrap().tags = Ok(Vec::new());
    facts.stack.outputs.remove("GuardKeeperFunctionArn");
    assert!(!fix(&facts).contains("within two minutes"), "{}", fix(&facts));
}
