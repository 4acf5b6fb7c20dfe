//! What the commands of a finding do to whoever pastes them.

use aws_sdk_cloudwatch::types::StateValue;

use super::sound::*;
use crate::doctor::check::Not;
use crate::doctor::facts::Facts;
use crate::doctor::judge::checks;

fn mend(facts: &Facts, name: &str) -> String {
    let check = checks().find(|check| check.name == name).unwrap();
    match (check.judge)(facts) {
        Err(Not::Finding { mend, .. }) => mend,
        other => panic!("{name}: {other:?}"),
    }
}

/// The lines that a shell carries out.
fn commands(mend: &str) -> Vec<&str> {
    mend.lines().filter(|line| !line.starts_with('#')).collect()
}

#[test]
fn a_rollout_goes_on_when_its_mute_alarm_is_mended() {
    let mut facts = sound();
    let alarm = &mut facts.job.as_mut().unwrap().alarms.as_mut().unwrap()[0];
    alarm.state_value = Some(StateValue::Alarm);
    let configured = mend(&facts, "alarm-not-in-alarm");
    assert_eq!(
        commands(&configured),
        [
            "tripline alarms remove --stack tripline --job-id fw --force",
            "tripline alarms apply dev.ini --stack tripline --job-id fw   # made anew, they act again",
        ]
    );
    assert!(configured.ends_with("# if the rollout is bad, instead: tripline stop --job-id fw"));

    let alarm = &mut facts.job.as_mut().unwrap().alarms.as_mut().unwrap()[0];
    alarm.alarm_name = Some("tripline-fw-default-FailureRate".to_owned());
    let kept = mend(&facts, "alarm-not-in-alarm");
    let [only] = commands(&kept)[..] else { panic!("{kept}") };
    assert!(
        only.starts_with("tripline alarms remove --stack tripline --job-id fw --force   # the")
    );
}
