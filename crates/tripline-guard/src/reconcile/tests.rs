use std::collections::BTreeMap;

use aws_sdk_cloudwatch::types::{Dimension, StateValue};
use proptest::prelude::*;
use tripline::alarm::{AlarmDefinition, AlarmName, Topic};
use tripline::metric::{DIMENSION, NAMESPACE};

use super::*;
use crate::desired::{DefaultGuard, JobTags, KeptConfig, Known, Policy, Rules};
use crate::ownership::AlarmTags;
use crate::request::{request_for, shows_no_difference};
use crate::testing::shown;

const STOP: &str = "arn:aws:sns:us-east-1:111122223333:stop";
const EMAIL: &str = "arn:aws:sns:us-east-1:111122223333:email";
const STACK: Stack<'_> = Stack { name: "tripline", force_stop_topic: STOP };

fn job(id: &str) -> JobId {
    JobId::new(id).unwrap()
}

fn tags(job: &str, stack: &str) -> AlarmTags {
    AlarmTags { job: Some(job.to_owned()), stack: Some(stack.to_owned()) }
}

fn actions(alarm: &GuardAlarm) -> Vec<String> {
    let arn = |topic: &Topic| if *topic == Topic::ForceStop { STOP } else { EMAIL };
    alarm.topics().iter().map(|topic| arn(topic).to_owned()).collect()
}

fn default_guard() -> DefaultGuard {
    DefaultGuard::new(vec![Topic::Email, Topic::ForceStop], |_| None).unwrap()
}

/// What a job asks for, by kind: it opted out, it has its own config, or nothing.
fn desired(kind: u8) -> Desired {
    let guard = default_guard();
    let slow = match guard.alarms(1_000).remove(0) {
        GuardAlarm::Config(alarm) => alarm,
        other => panic!("{other:?}"),
    };
    let own = ["slow", "late"]
        .map(|name| AlarmDefinition { name: AlarmName::new(name).unwrap(), ..slow.clone() });
    let tags = JobTags::from_text(if kind == 0 { "off" } else { "" });
    let tagged = guard.honoring(&tags, &tags);
    let kept = match kind {
        1 => KeptConfig::Alarms { alarms: &own, evidence: None, alert_only: false, fills: false },
        _ => KeptConfig::None,
    };
    let known = Known {
        kept,
        tagged: Some(&tagged),
        is_greengrass: false,
        rate: 1_000,
        has_evidence: false,
        shape: None,
    };
    let rules = Rules { default_guard: &guard, policy: Policy::default(), force_stop_topic: STOP };
    Desired::new(known, rules)
}

/// The alarms of an account, by their names.
type Alarms = BTreeMap<String, (MetricAlarm, AlarmTags)>;

/// What is seen of one job; of alarms that are not in `known`, the tags are not.
fn reconciled(alarms: &Alarms, id: &str, kind: u8, known: Option<&BTreeSet<String>>) -> Reconciled {
    let job = job(id);
    let prefix = alarm_name_prefix(&job);
    let of_job = alarms.iter().filter(|(name, _)| name.starts_with(&prefix));
    let seen: Vec<_> = of_job
        .map(|(name, (alarm, tags))| {
            let is_known = known.is_none_or(|known| known.contains(name));
            ObservedAlarm::new(alarm, is_known.then(|| tags.clone()))
        })
        .collect();
    let is_as_wanted = |alarm: &MetricAlarm, wanted: &GuardAlarm| {
        shows_no_difference(alarm, &request_for(wanted, &job, &actions(wanted)))
    };
    let observed = Observed {
        job: &job,
        created: Timestamp::from_seconds(0),
        is_sure: true,
        is_described: true,
        alarms: &seen,
        is_taken: &|name| alarms.contains_key(name),
        is_as_wanted: &is_as_wanted,
        stack: STACK,
    };
    Reconciled::new(&desired(kind), &observed)
}

/// Does at most `most` of what is planned, as the keeper does.
fn act(actions_: &[Action], alarms: &mut Alarms, most: usize) {
    for action in actions_.iter().take(most) {
        match action {
            Action::Put { job, put } => {
                assert_eq!(alarms.contains_key(&put.name), !put.is_new, "{}", put.name);
                let request = request_for(&put.alarm, job, &actions(&put.alarm));
                let alarm = shown(&request.alarm_name(&put.name));
                let tags = match alarms.get(&put.name) {
                    Some((_, tags)) => tags.clone(),
                    None => tags(job.as_str(), STACK.name),
                };
                alarms.insert(put.name.clone(), (alarm, tags));
            }
            Action::Remove { name, .. } => drop(alarms.remove(name)),
            Action::Forget { .. } => {}
        }
    }
}

/// Alarms of somebody else's, or ours that somebody changed.
fn there(job: &str, name: &str, change: u8) -> MetricAlarm {
    let of = if change == 5 { "another" } else { job };
    let mut alarm = MetricAlarm::builder()
        .alarm_name(format!("tripline-{job}-{name}"))
        .namespace(NAMESPACE)
        .metric_name(if change == 1 { "no-such-metric" } else { "downloadTime" })
        .dimensions(Dimension::builder().name(DIMENSION).value(of).build())
        .threshold(if change == 2 { 1e300 } else { 60.0 })
        .actions_enabled(change != 3)
        .alarm_actions(STOP)
        .build();
    if change == 4 {
        alarm.state_value = Some(StateValue::Alarm);
    }
    alarm
}

fn short(actions: &[Action]) -> Vec<String> {
    let short = |action: &Action| match action {
        Action::Put { put, .. } if put.is_new => format!("arm {}", put.name),
        Action::Put { put, .. } => format!("repair {}", put.name),
        Action::Remove { name, .. } => format!("remove {name}"),
        Action::Forget { job } => format!("forget {job}"),
    };
    // Those on evidence have a test of their own.
    actions.iter().map(short).filter(|action| !action.contains("-Evidence")).collect()
}

fn armed(id: &str, kind: u8) -> Alarms {
    let mut alarms = Alarms::new();
    act(&plan(&[reconciled(&alarms, id, kind, None)], &[], 0), &mut alarms, usize::MAX);
    alarms
}

const DEFAULT: [&str; 2] = ["tripline-fw-default-DownloadTime", "tripline-fw-default-FailureRate"];

#[test]
fn a_job_without_alarms_gets_the_default_guard() {
    let found = reconciled(&Alarms::new(), "fw", 2, None);
    assert_eq!((found.verdict.is_guarded(), found.was_open()), (false, true));
    assert_eq!(short(&plan(&[found], &[], 0)), DEFAULT.map(|name| format!("arm {name}")));
    let again = reconciled(&armed("fw", 2), "fw", 2, None);
    assert_eq!((again.fault(), again.verdict.clone()), (None, Verdict::Guarded));
    assert_eq!(plan(&[again], &[], 0), []);
}

/// An untagged alarm of the job that can never fire, and beside it a default guard that somebody
/// emptied.
#[test]
fn beside_foreign_alarms_a_guard_is_armed_and_an_emptied_one_repaired() {
    let mut alarms = Alarms::new();
    for change in [1, 2] {
        let name = format!("mine{change}");
        let alarm = there("fw", &name, change);
        alarms.insert(format!("tripline-fw-{name}"), (alarm, AlarmTags::default()));
    }
    let planned = plan(&[reconciled(&alarms, "fw", 2, None)], &[], 0);
    assert_eq!(short(&planned), DEFAULT.map(|name| format!("arm {name}")));
    act(&planned, &mut alarms, usize::MAX);
    for change in 1..=5 {
        let emptied = there("fw", "default-DownloadTime", change);
        alarms.get_mut(DEFAULT[0]).unwrap().0 = emptied;
        let found = reconciled(&alarms, "fw", 2, None);
        let fault = Why::Alarm(DEFAULT[0].to_owned(), WhyNot::StopsNothing);
        assert_eq!(found.fault(), Some(fault), "until it is repaired: {change}");
        let planned = plan(&[found], &[], 0);
        assert_eq!(short(&planned), [format!("repair {}", DEFAULT[0])], "{change}");
        act(&planned, &mut alarms, usize::MAX);
    }
}

/// Alarms that only alert wait until those that stop are there, and a job is guarded without them.
#[test]
fn what_stops_goes_before_what_alerts() {
    let jobs =
        [reconciled(&Alarms::new(), "fw", 2, None), reconciled(&Alarms::new(), "old", 2, None)];
    let planned = plan(&jobs, &[], 0);
    let stops: Vec<bool> = planned
        .iter()
        .map(|action| matches!(action, Action::Put { put, .. } if put.stops))
        .collect();
    assert_eq!(stops, [true, true, true, true, false, false]);
    let mut alarms = Alarms::new();
    act(&planned, &mut alarms, 4);
    let again = reconciled(&alarms, "fw", 2, None);
    assert_eq!((again.fault(), again.verdict.is_guarded(), again.puts().len()), (None, true, 1));
}

#[test]
fn a_taken_name_is_said_and_the_guard_has_another() {
    let mut alarms = Alarms::new();
    for name in ["default-FailureRate", "default-FailureRate-2"] {
        let alarm = there("fw", name, 0);
        alarms.insert(format!("tripline-fw-{name}"), (alarm, tags("fw", "another")));
    }
    let found = reconciled(&alarms, "fw", 2, None);
    let instead = format!("{}-3", DEFAULT[1]);
    let taken = |name: String| Taken { name, instead: instead.clone() };
    assert_eq!(found.taken, [taken(DEFAULT[1].to_owned()), taken(format!("{}-2", DEFAULT[1]))]);
    let planned = plan(&[found], &[], 0);
    assert_eq!(short(&planned), [format!("arm {}", DEFAULT[0]), format!("arm {instead}")]);
    act(&planned, &mut alarms, usize::MAX);
    let again = reconciled(&alarms, "fw", 2, None);
    assert_eq!((again.taken.len(), again.fault()), (2, None));
    // The name is free again: what stands, stands.
    alarms.remove(DEFAULT[1]);
    let again = reconciled(&alarms, "fw", 2, None);
    assert_eq!((again.taken.len(), again.fault()), (1, None));
    assert_eq!(plan(&[again], &[], 0), []);
}

#[test]
fn an_alarm_in_alarm_or_muted_guards_nothing_and_is_not_made_again() {
    let mut alarms = armed("fw", 2);
    alarms.get_mut(DEFAULT[0]).unwrap().0.state_value = Some(StateValue::Alarm);
    let found = reconciled(&alarms, "fw", 2, None);
    assert_eq!(found.fault(), Some(Why::Alarm(DEFAULT[0].to_owned(), WhyNot::HasFired)));
    assert_eq!(found.verdict, Verdict::Unguarded(found.fault().unwrap()));
    assert_eq!(plan(&[found], &[], 0), []);
}

#[test]
fn what_was_put_is_done_and_the_rest_is_still_missing() {
    let mut found = reconciled(&Alarms::new(), "fw", 2, None);
    let names = |found: &Reconciled| -> Vec<String> {
        found.puts().iter().map(|put| put.name.clone()).collect()
    };
    let mut expected = names(&found);
    found.done(DEFAULT[0]);
    expected.retain(|name| name != DEFAULT[0]);
    assert_eq!((names(&found), found.fault()), (expected, Some(Why::NoAlarm)));
}

/// Whoever sees an alarm of this stack's takes it for a guard: one that nobody asks for any more is said if it is to
/// stop the rollout and does not act.
#[test]
fn an_alarm_that_nobody_asks_for_is_said_if_it_does_not_act() {
    let fault = |kind: u8, change: u8, stack: &str| {
        let mut alarms = armed("fw", kind);
        let left = (there("fw", "left", change), tags("fw", stack));
        alarms.insert("tripline-fw-left".to_owned(), left);
        let found = reconciled(&alarms, "fw", kind, None);
        assert_eq!(plan(std::slice::from_ref(&found), &[], 0), [], "it is the operator's own");
        found.fault()
    };
    let off = Why::Alarm("tripline-fw-left".to_owned(), WhyNot::ActionsOff);
    let fired = Why::Alarm("tripline-fw-left".to_owned(), WhyNot::HasFired);
    assert_eq!(fault(2, 3, "tripline"), Some(off));
    assert_eq!(fault(2, 4, "tripline"), Some(fired));
    assert_eq!(fault(2, 0, "tripline"), None, "it acts");
    assert_eq!(fault(2, 3, "another"), None, "it is somebody else's");
    assert_eq!(fault(0, 3, "tripline"), None, "the job opted out");
}

#[test]
fn the_default_guard_goes_once_the_job_s_own_stands() {
    let mut alarms = armed("fw", 2);
    let foreign = (there("fw", "default-mine", 0), AlarmTags::default());
    alarms.insert("tripline-fw-default-mine".to_owned(), foreign);
    let planned = plan(&[reconciled(&alarms, "fw", 1, None)], &[], 0);
    assert_eq!(short(&planned), ["arm tripline-fw-slow", "arm tripline-fw-late"]);
    act(&planned, &mut alarms, usize::MAX);
    let planned = plan(&[reconciled(&alarms, "fw", 1, None)], &[], 0);
    assert_eq!(short(&planned), DEFAULT.map(|name| format!("remove {name}")));
}

#[test]
fn a_job_that_opted_out_loses_the_default_guard_and_nothing_else() {
    let mut alarms = armed("fw", 2);
    alarms.extend(armed("fw", 1));
    let found = reconciled(&alarms, "fw", 0, None);
    assert_eq!((found.purpose, found.fault()), (Purpose::OptedOut, None));
    assert_eq!(short(&plan(&[found], &[], 0)), DEFAULT.map(|name| format!("remove {name}")));
}

/// Whose an alarm is that is not as it is wanted has to be read first; one that is, guards meanwhile.
#[test]
fn nothing_is_touched_whose_owner_is_not_known() {
    let none = BTreeSet::new();
    let mut alarms = armed("fw", 2);
    let found = reconciled(&alarms, "fw", 2, Some(&none));
    assert_eq!((found.unread.len(), found.fault()), (0, None));
    alarms.get_mut(DEFAULT[0]).unwrap().0.threshold = Some(60.0);
    let found = reconciled(&alarms, "fw", 2, Some(&none));
    assert_eq!(found.unread, [DEFAULT[0]]);
    assert_eq!(found.fault(), Some(Why::Alarm(DEFAULT[0].to_owned(), WhyNot::OwnerNotKnown)));
    assert_eq!(plan(&[found], &[], 0), []);
}

#[test]
fn arming_goes_before_repair_and_repair_before_tidying() {
    let mut alarms = armed("fw", 2);
    alarms.get_mut(DEFAULT[0]).unwrap().0.threshold = Some(60.0);
    let mut jobs = [reconciled(&alarms, "fw", 2, None), reconciled(&alarms, "old", 2, None)];
    jobs[0].created = Timestamp::from_seconds(9);
    let over = |id: &str| Ended {
        job: job(id),
        alarms: vec![format!("tripline-{id}-slow")],
        is_stored: true,
    };
    assert_eq!(
        short(&plan(&jobs, &[over("a"), over("b")], 0)),
        [
            "arm tripline-old-default-DownloadTime",
            "arm tripline-old-default-FailureRate",
            "repair tripline-fw-default-DownloadTime",
            "remove tripline-a-slow",
            "forget a",
            "remove tripline-b-slow",
            "forget b",
        ]
    );
}

fn id(number: usize) -> String {
    format!("job{number:03}")
}

fn looks(kinds: &[u8], alarms: &Alarms) -> Vec<Reconciled> {
    let look = |(number, kind): (usize, &u8)| {
        let mut found = reconciled(alarms, &id(number), *kind, None);
        found.created = Timestamp::from_seconds(i64::try_from(number % 7).unwrap());
        found
    };
    kinds.iter().enumerate().map(look).collect()
}

fn accounts() -> impl Strategy<Value = (Vec<u8>, Alarms)> {
    let name = prop_oneof![
        Just("default-DownloadTime"),
        Just("default-FailureRate"),
        Just("default-FailureRate-2"),
        Just("slow"),
        Just("slow-2"),
        Just("x")
    ];
    let owner = prop_oneof![Just(None), Just(Some("tripline")), Just(Some("another")),];
    let alarms = proptest::collection::vec((0_usize..12, name, 0_u8..6, owner), 0..30);
    (proptest::collection::vec(0_u8..4, 1..12), alarms).prop_map(|(kinds, alarms)| {
        let named = alarms.into_iter().map(|(number, name, change, owner)| {
            let job = id(number);
            let tags = owner.map_or_else(AlarmTags::default, |stack| tags(&job, stack));
            (format!("tripline-{job}-{name}"), (there(&job, name, change), tags))
        });
        (kinds, named.collect())
    })
}

/// What guards a job, whatever it is called: rules and actions.
fn rules(alarms: &Alarms, job: &str) -> BTreeSet<String> {
    let prefix = format!("tripline-{job}-");
    let ours = alarms
        .iter()
        .filter(|(name, (_, is))| name.starts_with(&prefix) && *is == tags(job, STACK.name));
    let rule = |alarm: &MetricAlarm| {
        format!("{:?} {:?}", alarm.alarm_description(), alarm.alarm_actions())
    };
    ours.map(|(_, (alarm, _))| rule(alarm)).collect()
}

proptest! {
    /// Twice, because what is superseded goes last; then there is nothing left to do, and what is
    /// somebody else's is as it was.
    #[test]
    fn doing_it_again_does_nothing((kinds, before) in accounts(), turn in any::<u64>()) {
        let mut alarms = before.clone();
        for turn in [turn, turn.wrapping_add(1)] {
            act(&plan(&looks(&kinds, &alarms), &[], turn), &mut alarms, usize::MAX);
        }
        prop_assert_eq!(plan(&looks(&kinds, &alarms), &[], turn), vec![]);
        let is_ours = |is: &AlarmTags| is.stack.as_deref() == Some(STACK.name);
        for (name, is) in before.iter().filter(|(_, (_, is))| !is_ours(is)) {
            prop_assert_eq!(alarms.get(name), Some(is), "{} was touched", name);
        }
    }

    /// However little a minute allows, it carries on where it stopped, and comes to an end.
    #[test]
    fn a_few_at_a_time_come_to_the_same((kinds, before) in accounts(), most in 1_usize..5) {
        let mut alarms = before;
        let mut turn = 0;
        loop {
            let actions = plan(&looks(&kinds, &alarms), &[], turn);
            if actions.is_empty() {
                break;
            }
            act(&actions, &mut alarms, most);
            turn += 1;
            prop_assert!(turn < 300, "does not end: {:?}", actions);
        }
    }

    /// No set of foreign alarms changes what is armed for a job, but for the names.
    #[test]
    fn foreign_alarms_change_nothing_of_what_is_armed((kinds, all) in accounts()) {
        let is_ours = |(_, (_, is)): &(&String, &(MetricAlarm, AlarmTags))| {
            is.stack.as_deref() == Some(STACK.name)
        };
        let own: Alarms = all.iter().filter(is_ours).map(|(n, is)| (n.clone(), is.clone())).collect();
        let settled = |mut alarms: Alarms| {
            for turn in 0..3 {
                act(&plan(&looks(&kinds, &alarms), &[], turn), &mut alarms, usize::MAX);
            }
            alarms
        };
        let (with, without) = (settled(all), settled(own));
        for number in 0..kinds.len() {
            prop_assert_eq!(rules(&with, &id(number)), rules(&without, &id(number)));
        }
    }

    /// Jobs that can never be armed, because CloudWatch refuses their alarms, keep no other from it.
    #[test]
    fn nobody_starves(stuck in 1_usize..20, others in 1_usize..10, most in 2_usize..8) {
        let kinds = vec![2; stuck + others];
        let mut alarms = Alarms::new();
        let is_stuck = |name: &str| (0..stuck).any(|number| name.contains(&format!("{}-", id(number))));
        let mut turns = 0;
        while alarms.len() < others * 2 {
            let mut actions = plan(&looks(&kinds, &alarms), &[], turns);
            actions.truncate(most);
            actions.retain(|action| !matches!(action, Action::Put { put, .. } if is_stuck(&put.name)));
            act(&actions, &mut alarms, most);
            turns += 1;
            prop_assert!(turns < 20 * (stuck + others) as u64, "{} of {others}", alarms.len() / 2);
        }
    }
}

/// A new environment may not know yet how few devices a job has: the rule that the alarm has is what it sees by.
#[test]
fn who_watches_is_read_from_the_alarms_that_are_there() {
    use crate::coverage::{Coverage, Devices, Facts, Shape, Status};
    use crate::desired::Reach;

    let job = job("fw");
    let small = Reach { rate: 1_000, devices: Some(8) };
    let armed = default_guard().alarms(small);
    let there: Vec<MetricAlarm> =
        armed.iter().map(|alarm| shown(&request_for(alarm, &job, &actions(alarm)))).collect();
    let seen: Vec<_> =
        there.iter().map(|it| ObservedAlarm::new(it, Some(tags("fw", "tripline")))).collect();
    let facts = Facts::of_new(
        Shape { devices: Devices::Exactly(8), ..Shape::unknown() },
        None,
        default_guard().least_devices(),
    );
    let level = |is_sure: bool| {
        let observed = Observed {
            job: &job,
            created: Timestamp::from_seconds(0),
            is_sure,
            is_described: true,
            alarms: &seen,
            is_taken: &|name| there.iter().any(|alarm| alarm.alarm_name() == Some(name)),
            is_as_wanted: &|_, _| false,
            stack: STACK,
        };
        // What is wanted of a job of which nothing is known waits for fifty devices.
        let mut guard = Reconciled::new(&desired(2), &observed);
        let names: Vec<String> = guard.puts().iter().map(|put| put.name.clone()).collect();
        let before = Coverage::new(&facts, &guard.watchers(&seen, STACK), Purpose::Stop).status;
        names.iter().for_each(|name| guard.done(name));
        (before, Coverage::new(&facts, &guard.watchers(&seen, STACK), Purpose::Stop).status)
    };
    assert_eq!(level(false), (Status::PartlyGuarded, Status::PartlyGuarded));
    assert_eq!(level(true), (Status::Unguarded, Status::Unguarded), "it was put as it is wanted");
}
