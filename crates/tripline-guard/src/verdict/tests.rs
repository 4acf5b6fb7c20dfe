use aws_sdk_cloudwatch::types::{Dimension, MetricAlarm, StateValue};
use proptest::prelude::*;
use tripline::metric::{DIMENSION, NAMESPACE};

use super::*;
use crate::ownership::AlarmTags;

const STOP: &str = "arn:aws:sns:us-east-1:111122223333:stop";
const STACK: Stack<'_> = Stack { name: "tripline", force_stop_topic: STOP };

fn job() -> JobId {
    JobId::new("fw").unwrap()
}

fn ours() -> Option<AlarmTags> {
    Some(AlarmTags { job: Some("fw".to_owned()), stack: Some("tripline".to_owned()) })
}

fn alarm(name: &str) -> MetricAlarm {
    MetricAlarm::builder()
        .alarm_name(name)
        .namespace(NAMESPACE)
        .metric_name("downloadTime")
        .dimensions(Dimension::builder().name(DIMENSION).value("fw").build())
        .extended_statistic("p97")
        .period(600)
        .evaluation_periods(3)
        .datapoints_to_alarm(3)
        .threshold(3_600.0)
        .comparison_operator(aws_sdk_cloudwatch::types::ComparisonOperator::GreaterThanThreshold)
        .treat_missing_data("notBreaching")
        .actions_enabled(true)
        .alarm_actions(STOP)
        .state_value(StateValue::Ok)
        .build()
}

#[test]
fn an_alarm_counts_if_it_is_ours_and_acts_and_for_each_other_it_is_said_why_not() {
    let sound = alarm("tripline-fw-slow");
    let observed = ObservedAlarm::new(&sound, ours());
    assert_eq!(why_not(&observed, &job(), STACK), None);
    let untagged = ObservedAlarm::new(&sound, Some(AlarmTags::default()));
    assert_eq!(why_not(&untagged, &job(), STACK), Some(WhyNot::Foreign(Foreign::Untagged)));
    let unknown = ObservedAlarm::new(&sound, None);
    assert_eq!(why_not(&unknown, &job(), STACK), Some(WhyNot::OwnerNotKnown));
    let muted = ObservedAlarm { muted_by: Some("night".to_owned()), ..observed.clone() };
    let why = why_not(&muted, &job(), STACK).unwrap();
    assert_eq!(
        why.fix().as_deref(),
        Some("aws cloudwatch delete-alarm-mute-rule --alarm-mute-rule-name 'night'")
    );
    type Change = fn(&mut MetricAlarm);
    let changes: [(Change, WhyNot); 6] = [
        (|alarm| alarm.dimensions = None, WhyNot::WatchesElsewhere),
        (|alarm| alarm.metric_name = Some("toldCount".to_owned()), WhyNot::NotPublished),
        (|alarm| alarm.threshold = Some(1e300), WhyNot::NeverFires),
        (|alarm| alarm.actions_enabled = Some(false), WhyNot::ActionsOff),
        (|alarm| alarm.alarm_actions = None, WhyNot::StopsNothing),
        (|alarm| alarm.state_value = Some(StateValue::Alarm), WhyNot::HasFired),
    ];
    for (change, expected) in changes {
        let mut changed = sound.clone();
        change(&mut changed);
        let observed = ObservedAlarm::new(&changed, ours());
        assert_eq!(why_not(&observed, &job(), STACK), Some(expected.clone()));
        assert!(expected.fix().is_none());
    }
}

#[test]
fn alarms_that_only_alert_neither_guard_a_job_nor_keep_it_from_being_guarded() {
    let stops = alarm("tripline-fw-slow");
    let mut alerts = alarm("tripline-fw-count");
    alerts.alarm_actions = None;
    let [stops, alerts] = [&stops, &alerts].map(|alarm| ObservedAlarm::new(alarm, ours()));
    let verdict = |alarms: &[ObservedAlarm<'_>]| Verdict::new(alarms, &job(), STACK);
    assert_eq!(verdict(&[]), Verdict::Unguarded(Why::NoAlarm));
    assert_eq!(verdict(std::slice::from_ref(&alerts)), Verdict::Unguarded(Why::NothingStops));
    assert_eq!(verdict(&[alerts, stops]), Verdict::Guarded);
}

/// The default guard is one: it stops by all of its alarms, or alerts by all of them.
#[test]
fn a_default_alarm_without_the_topic_leaves_a_hole_where_another_has_it() {
    let [stops, mut emptied, other] = ["default-DownloadTime", "default-FailureRate", "slow"]
        .map(|name| alarm(&format!("tripline-fw-{name}")));
    emptied.alarm_actions = None;
    let [stops, emptied, other] =
        [&stops, &emptied, &other].map(|alarm| ObservedAlarm::new(alarm, ours()));
    let verdict = |alarms: &[&ObservedAlarm<'_>]| {
        let alarms: Vec<_> = alarms.iter().map(|alarm| (*alarm).clone()).collect();
        Verdict::new(&alarms, &job(), STACK)
    };
    let hole = Why::Alarm("tripline-fw-default-FailureRate".to_owned(), WhyNot::StopsNothing);
    for alarms in [[&stops, &emptied], [&emptied, &stops]] {
        assert_eq!(verdict(&alarms), Verdict::Unguarded(hole.clone()));
    }
    assert_eq!(verdict(&[&emptied]), Verdict::Unguarded(Why::NothingStops));
    assert_eq!(verdict(&[&emptied, &other]), Verdict::Guarded);
    let foreign = ObservedAlarm { tags: Some(AlarmTags::default()), ..emptied.clone() };
    assert_eq!(verdict(&[&stops, &foreign]), Verdict::Guarded);
    let foreign = ObservedAlarm { tags: Some(AlarmTags::default()), ..stops.clone() };
    assert_eq!(verdict(&[&foreign, &emptied, &other]), Verdict::Guarded);
}

proptest! {
    /// Whoever puts alarms beside ours, whatever they are: the verdict is the same.
    #[test]
    fn foreign_alarms_change_no_verdict(
        is_guarded in any::<bool>(),
        others in proptest::collection::vec((0_usize..3, any::<bool>(), any::<bool>()), 0..6),
    ) {
        let mut own = alarm("tripline-fw-slow");
        own.actions_enabled = Some(is_guarded);
        let there = alarm("tripline-fw-mine");
        let mut fired = there.clone();
        fired.state_value = Some(StateValue::Alarm);
        let mut all = vec![ObservedAlarm::new(&own, ours())];
        for (whose, has_fired, first) in others {
            let tags = match whose {
                0 => AlarmTags::default(),
                1 => AlarmTags { stack: Some("other".to_owned()), ..ours().unwrap() },
                _ => AlarmTags { job: Some("fw-1".to_owned()), ..ours().unwrap() },
            };
            let foreign = ObservedAlarm::new(if has_fired { &fired } else { &there }, Some(tags));
            all.insert(if first { 0 } else { all.len() }, foreign);
        }
        prop_assert_eq!(Verdict::new(&all, &job(), STACK).is_guarded(), is_guarded);
    }
}
