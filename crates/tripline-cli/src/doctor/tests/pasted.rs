//! What the commands of a finding do to whoever pastes them.

use aws_sdk_cloudwatch::types::StateValue;

use super::sound::*;
use crate::doctor::checks::checks;
use crate::doctor::facts::Facts;
use crate::doctor::result::NotProven;

fn fix(facts: &Facts, name: &str) -> String {
    let check = checks().find(|check| check.name == name).unwrap();
    match (check.judge)(facts) {
        Err(NotProven::Finding { fix, .. }) => fix,
        other => panic!("{name}: {other:?}"),
    }
}

/// The lines that a shell carries out.
fn commands(fix: &str) -> Vec<&str> {
    fix.lines().filter(|line| !line.starts_with('#')).collect()
}

#[test]
fn a_rollout_goes_on_when_its_mute_alarm_is_fixed() {
    let mut facts = sound();
    let alarm = &mut facts.job.as_mut().unwrap().alarms.as_mut().unwrap()[0];
    alarm.state_value = Some(StateValue::Alarm);
    let configured = fix(&facts, "alarm-not-in-alarm");
    assert_eq!(
        commands(&configured),
        [
            "tripline alarms remove --stack tripline --job-id fw --force",
            "tripline alarms apply dev.ini --stack tripline --job-id fw   # made again, they act again",
        ]
    );
    assert!(configured.ends_with("# if the rollout is bad, instead: tripline stop --job-id fw"));

    let alarm = &mut facts.job.as_mut().unwrap().alarms.as_mut().unwrap()[0];
    alarm.alarm_name = Some("tripline-fw-default-FailureRate".to_owned());
    let kept = fix(&facts, "alarm-not-in-alarm");
    let [only] = commands(&kept)[..] else { panic!("{kept}") };
    assert!(
        only.starts_with("tripline alarms remove --stack tripline --job-id fw --force   # the")
    );
}

/// The file that was given, and the stack, wherever they matter.
#[test]
fn what_arms_a_job_is_said_for_its_file_and_its_stack() {
    let mut facts = sound();
    facts.stack.name = "other".to_owned();
    let job = facts.job.as_mut().unwrap();
    job.file = Some("release 2/dev.ini".to_owned());
    job.job.as_mut().unwrap().as_mut().unwrap().timeout_config = None;
    job.kept_config = Ok(None);
    // One failure in five is far over the limit, and decides.
    job.alarms.as_mut().unwrap()[0].period = Some(10);
    let apply = "tripline alarms apply 'release 2/dev.ini' --stack other --job-id fw";
    for check in ["guarded-by-keeper", "alarm-period-whole-minutes"] {
        let fix = fix(&facts, check);
        assert!(fix.ends_with(apply), "{check}: {fix}");
    }
    let deploy = "tripline deploy 'release 2/dev.ini' --stack other   # a new job";
    assert!(
        fix(&facts, "job-has-timeout").starts_with(deploy),
        "{}",
        fix(&facts, "job-has-timeout")
    );
    let id = |alarm: &str| alarm.to_owned();
    let job = facts.job.as_mut().unwrap();
    let alarm = &mut job.alarms.as_mut().unwrap()[0];
    (alarm.period, alarm.statistic) = (Some(60), None);
    (alarm.metric_name, alarm.extended_statistic) = (Some(id("downloadTime")), Some(id("p99.9")));
    let fix = fix(&facts, "alarm-has-enough-samples");
    assert!(fix.contains("tripline simulate 'release 2/dev.ini'   # tries it"), "{fix}");
    assert!(fix.ends_with(apply), "{fix}");
}

#[test]
fn a_changed_alarm_on_the_guard_is_put_back_with_what_else_it_has() {
    let mut facts = sound();
    let alarm = &mut facts.own_alarms.as_mut().unwrap()[0];
    alarm.threshold = Some(1e9);
    alarm.alarm_actions = Some(vec!["arn:aws:sns:us-east-1:111122223333:pager".to_owned()]);
    assert_eq!(
        fix(&facts, "health-alarms-ok"),
        "aws cloudwatch put-metric-alarm --alarm-name tripline-UndeliveredAlarm-1 \
         --alarm-description 'Tripline: it'\\''s undelivered' --namespace AWS/SQS \
         --metric-name ApproximateNumberOfMessagesVisible --dimensions '[{\"Name\":\"QueueName\",\"Value\":\"undelivered\"}]' \
         --statistic Maximum --period 60 --evaluation-periods 1 --datapoints-to-alarm 1 --threshold 1 \
         --comparison-operator GreaterThanOrEqualToThreshold --treat-missing-data notBreaching \
         --alarm-actions arn:aws:sns:us-east-1:111122223333:email arn:aws:sns:us-east-1:111122223333:pager"
    );
}
