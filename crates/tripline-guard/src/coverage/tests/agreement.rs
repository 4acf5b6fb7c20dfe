//! An alarm that is wanted, and the same as CloudWatch shows it, say the same; whatever anything is, nothing panics.

use aws_sdk_cloudwatch::types::StateValue;
use proptest::prelude::*;
use tripline::evidence::{CoverageFacts, Record};
use tripline::job::JobId;

use super::*;
use crate::observed::ObservedAlarm;
use crate::ownership::AlarmTags;
use crate::request::request_for;
use crate::testing::shown;
use crate::verdict::Stack;

const STACK: Stack<'_> = Stack { name: "tripline", force_stop_topic: STOP };

fn job() -> JobId {
    JobId::new("fw-2").unwrap()
}

fn ours() -> Option<AlarmTags> {
    Some(AlarmTags { job: Some("fw-2".to_owned()), stack: Some("tripline".to_owned()) })
}

/// An alarm as CloudWatch has it once it was put.
fn observed(alarm: &GuardAlarm, change: impl FnOnce(&mut ObservedAlarm<'_>)) -> Option<Watcher> {
    let actions: Vec<String> = alarm.topics().iter().map(ToString::to_string).collect();
    let there = shown(&request_for(alarm, &job(), &actions));
    let mut observed = ObservedAlarm::new(&there, ours());
    change(&mut observed);
    Watcher::observed(&observed, &job(), STACK)
}

fn numbers() -> impl Strategy<Value = f64> {
    prop_oneof![
        proptest::num::f64::NORMAL,
        0.0..100.0_f64,
        Just(0.0),
        Just(604_800.0),
        Just(1e300),
        Just(-1e300),
    ]
}

fn configs() -> impl Strategy<Value = GuardAlarm> {
    let metric = prop_oneof![
        Just("downloadTime"),
        Just("retryCount"),
        Just("failedCount"),
        Just("rejectedCount"),
        Just("timedOutCount"),
        Just("succeededCount"),
        Just("evidence"),
        Just("overdueCount"),
        Just("unsuccessfulCount"),
        Just("madeUp"),
    ];
    let namespace = prop_oneof![4 => Just(NAMESPACE), 1 => Just("Their:Namespace")];
    let statistic = prop_oneof![
        Just("SampleCount"),
        Just("Average"),
        Just("Sum"),
        Just("Maximum"),
        Just("p97.5")
    ];
    let limit = prop_oneof![3 => Just(Limit::Upper), 1 => Just(Limit::Lower)];
    let period = prop_oneof![Just(10_u32), Just(60), Just(600), Just(3_600)];
    let missing = prop_oneof![Just(MissingData::NotBreaching), Just(MissingData::Breaching)];
    let samples = proptest::option::of(1_u32..2_000);
    let topics = prop_oneof![
        Just(vec![topic(STOP)]),
        Just(vec![topic(EMAIL), topic(STOP)]),
        Just(vec![topic(EMAIL)]),
        Just(Vec::new()),
    ];
    let what = (metric, namespace, statistic, limit, numbers());
    (what, period, missing, samples, topics, (1_u32..=24, 1_u32..=24)).prop_map(
        |(
            (metric, namespace, statistic, limit, threshold),
            period,
            missing,
            samples,
            topics,
            (m, n),
        )| {
            let period = Period::new(period).unwrap();
            GuardAlarm::Config(AlarmDefinition {
                namespace: namespace.to_owned(),
                period,
                limit,
                evaluation: Evaluation::new(m.min(n), n, period).unwrap(),
                missing_data: missing,
                min_samples: samples.and_then(|it| MinSamples::new(it).ok()),
                topics,
                ..alarm(metric, statistic, threshold)
            })
        },
    )
}

fn guards() -> impl Strategy<Value = Vec<GuardAlarm>> {
    let rate = (1_u32..2_000).prop_map(failure_rate);
    proptest::collection::vec(prop_oneof![3 => configs(), 1 => rate], 0..6)
}

fn shapes() -> impl Strategy<Value = Shape> {
    let devices = prop_oneof![
        Just(Devices::Unknown),
        (0_u32..5_000).prop_map(Devices::AtLeast),
        (0_u32..5_000).prop_map(Devices::Exactly),
        Just(Devices::Exactly(u32::MAX)),
    ];
    let failure = prop_oneof![Just(FailureType::Failed), Just(FailureType::All)];
    let criterion = (failure, 1_u32..5_000).prop_map(|(failure, least)| abort(failure, least));
    let abort = proptest::collection::vec(criterion, 0..3);
    let timeout = proptest::option::of(prop_oneof![1_u32..200, Just(u32::MAX)]);
    let rate = prop_oneof![0_u32..1_000, Just(u32::MAX)];
    (devices, rate, timeout, abort, any::<bool>()).prop_map(
        |(devices, most_rate, timeout, abort, counts_attempts)| Shape {
            devices,
            most_rate,
            timeout,
            abort,
            counts_attempts,
        },
    )
}

fn records() -> impl Strategy<Value = Record> {
    let number = || prop_oneof![0_u32..400, Just(u32::MAX)];
    let time = || prop_oneof![0_i64..40_000, Just(i64::MIN), Just(i64::MAX)];
    let needs = proptest::option::of((
        proptest::option::of(number()),
        proptest::option::of(number()),
        proptest::option::of(number()),
        any::<bool>(),
    ));
    let needs = needs.prop_map(|needs| {
        needs.map(|(failing, timing_out, unfinished, only_counts)| Needs {
            failing,
            timing_out,
            unfinished,
            only_counts,
        })
    });
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    let numbers = (number(), number(), number(), number(), number());
    ((time(), time()), proptest::option::of(number()), needs, flags, numbers).prop_map(
        |((created, at), devices, needs, flags, numbers)| {
            let (attempts_only, rejections_left_out, alerts_only) = flags;
            let (least_devices, succeeded, download_times, invalid, uncounted) = numbers;
            let coverage = CoverageFacts {
                devices,
                needs,
                least_devices,
                attempts_only,
                rejections_left_out,
                alerts_only,
                ended: succeeded,
                succeeded,
                download_times,
                invalid,
                uncounted,
            };
            Record { created, at, coverage, ..Record::default() }
        },
    )
}

proptest! {
    #[test]
    fn what_is_wanted_and_what_is_there_say_the_same(
        alarms in guards(), shape in shapes(), record in records(), now in 0_i64..50_000,
    ) {
        let facts = Facts::of_record(shape, &record, now);
        let to_be: Vec<Watcher> = alarms.iter().map(wanted).collect();
        let there: Vec<Watcher> =
            alarms.iter().filter_map(|alarm| observed(alarm, |_| ())).collect();
        let (to_be, there) = (coverage(&facts, &to_be), coverage(&facts, &there));
        prop_assert_eq!(&to_be, &there);
    }

    /// No number in a record, a job or an alarm makes it panic, and it always answers in full.
    #[test]
    fn whatever_is_known_every_way_has_its_answer(
        alarms in guards(), shape in shapes(), record in records(), now in any::<i64>(),
    ) {
        let facts = Facts::of_record(shape, &record, now);
        let watchers: Vec<Watcher> = alarms.iter().map(wanted).collect();
        let coverage = coverage(&facts, &watchers);
        for way in Way::ALL {
            let seen = coverage.of(way);
            prop_assert!(seen.shortfalls.len() <= WayCoverage::MAX_SHORTFALLS);
            prop_assert_eq!(seen.by.is_some(), matches!(seen.level, Level::Alerts | Level::Stops));
            // Where nothing covers a way, the reason is named.
            prop_assert!(seen.level != Level::Nobody || !seen.shortfalls.is_empty());
        }
        prop_assert!(!coverage.line().is_empty() && coverage.table("").lines().count() == 5);
        let is_guarded = coverage.status == Status::Guarded;
        prop_assert!(!is_guarded || coverage.uncovered().next().is_none());
    }
}

#[test]
fn an_alarm_that_does_not_act_sees_nothing() {
    let rate = failure_rate(50);
    let fails = |watcher: Option<Watcher>| {
        let watchers: Vec<Watcher> = watcher.into_iter().collect();
        coverage(&facts(1_000), &watchers).of(Way::Fails).level
    };
    assert_eq!(fails(observed(&rate, |_| ())), Level::Stops);
    assert_eq!(
        fails(observed(&rate, |alarm| alarm.muted_by = Some("night".into()))),
        Level::Nobody
    );
    assert_eq!(fails(observed(&rate, |alarm| alarm.tags = None)), Level::Nobody);
    let foreign = |alarm: &mut ObservedAlarm<'_>| alarm.tags = Some(AlarmTags::default());
    assert_eq!(fails(observed(&rate, foreign)), Level::Nobody);
    let mut there = shown(&request_for(&rate, &job(), &[STOP.to_owned()]));
    let seen =
        |there: &_| fails(Watcher::observed(&ObservedAlarm::new(there, ours()), &job(), STACK));
    there.actions_enabled = Some(false);
    assert_eq!(seen(&there), Level::Nobody);
    there.actions_enabled = Some(true);
    there.alarm_actions = Some(vec![EMAIL.to_owned()]);
    assert_eq!(seen(&there), Level::Alerts);
    there.alarm_actions = None;
    assert_eq!(seen(&there), Level::Nobody);
    there.alarm_actions = Some(vec![STOP.to_owned()]);
    there.state_value = Some(StateValue::Alarm);
    assert_eq!(seen(&there), Level::Nobody);
}

/// Anybody can give an alarm any name.
#[test]
fn an_alarm_s_name_cannot_draw_on_the_screen() {
    let rate = failure_rate(50);
    let mut there = shown(&request_for(&rate, &job(), &[STOP.to_owned()]));
    there.alarm_name = Some(format!("tripline-fw-2-\u{1b}[2J\n{}", "x".repeat(900)));
    there.actions_enabled = Some(false);
    let watcher = Watcher::observed(&ObservedAlarm::new(&there, ours()), &job(), STACK);
    let watchers: Vec<Watcher> = watcher.into_iter().collect();
    let coverage = coverage(&facts(8), &watchers);
    let text = coverage.table("") + &coverage.line();
    assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text}");
    assert_eq!(coverage.table("").lines().count(), 5);
}
