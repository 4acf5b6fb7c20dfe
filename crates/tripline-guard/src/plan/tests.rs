use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn job(id: &str) -> JobId {
    JobId::new(id).unwrap()
}

fn name(job: &str, alarm: &str) -> String {
    format!("tripline-{job}-{alarm}")
}

fn there(name: &str) -> ObservedAlarm {
    ObservedAlarm {
        name: name.to_owned(),
        as_wanted: true,
        stops: true,
        in_alarm: false,
        owner: Owner::Unknown,
    }
}

fn default(of: &str) -> Source {
    Source::Default(vec![name(of, "default-DownloadTime"), name(of, "default-FailureRate")])
}

fn look(source: &Source, alarms: &[ObservedAlarm]) -> Guarded {
    Guarded::new(job("fw"), Timestamp::from_seconds(0), source, alarms)
}

fn both() -> [ObservedAlarm; 2] {
    [there(&name("fw", "default-DownloadTime")), there(&name("fw", "default-FailureRate"))]
}

/// What is done, in short.
fn short(actions: &[Action]) -> Vec<String> {
    let short = |action: &Action| match action {
        Action::Arm { name, .. } => format!("arm {name}"),
        Action::Repair { name, .. } => format!("repair {name}"),
        Action::Remove { name, .. } => format!("remove {name}"),
        Action::Forget { job } => format!("forget {job}"),
    };
    actions.iter().map(short).collect()
}

#[test]
fn a_job_without_alarms_gets_the_default_guard() {
    let guarded = look(&default("fw"), &[]);
    assert_eq!(guarded.is_guarded(), Some(false));
    assert_eq!(
        short(&plan(&[guarded], &[], 0)),
        ["arm tripline-fw-default-DownloadTime", "arm tripline-fw-default-FailureRate"]
    );
    let armed = look(&default("fw"), &both());
    assert_eq!((armed.is_guarded(), plan(&[armed], &[], 0)), (Some(true), vec![]));
}

#[test]
fn an_altered_alarm_is_repaired_unless_it_is_somebody_else_s() {
    for (owner, stops, expected, guarded) in [
        (Owner::Unknown, false, vec!["repair tripline-fw-default-FailureRate"], false),
        (Owner::Ours, true, vec!["repair tripline-fw-default-FailureRate"], false),
        (Owner::Foreign, false, vec![], false),
        // Another stack's guard guards.
        (Owner::Foreign, true, vec![], true),
    ] {
        let [first, mut second] = both();
        second = ObservedAlarm { as_wanted: false, stops, owner, ..second };
        let found = look(&default("fw"), &[first, second]);
        assert_eq!(found.is_guarded(), Some(guarded), "{owner:?} {stops}");
        assert_eq!(short(&plan(&[found], &[], 0)), expected, "{owner:?} {stops}");
    }
}

#[test]
fn an_alarm_in_alarm_guards_nothing() {
    let [mut first, second] = both();
    first.in_alarm = true;
    let mute = look(&default("fw"), &[first, second]);
    assert_eq!(mute.is_guarded(), Some(false));
    assert_eq!(mute.fault(), Some("an alarm is in ALARM already and will not act again"));
    assert_eq!(plan(&[mute], &[], 0), []);
    // One that only tells people has told them, and the others still stop the rollout.
    let [mut first, second] = both();
    (first.in_alarm, first.stops) = (true, false);
    assert_eq!(look(&default("fw"), &[first, second]).is_guarded(), Some(true));
}

#[test]
fn alarms_of_an_unknown_config_are_a_guard_if_they_stop() {
    let own = there(&name("fw", "slow"));
    let guarded = look(&default("fw"), std::slice::from_ref(&own));
    assert_eq!((guarded.is_guarded(), plan(&[guarded], &[], 0)), (Some(true), vec![]));
    let mute = look(&default("fw"), &[ObservedAlarm { in_alarm: true, ..own.clone() }]);
    assert_eq!(mute.is_guarded(), Some(false));
    // It only tells people, or its actions are off.
    let tells = look(&default("fw"), &[ObservedAlarm { stops: false, ..own }]);
    assert_eq!(plan(&[tells], &[], 0).len(), 2);
}

#[test]
fn the_default_guard_goes_once_the_job_s_own_stands() {
    let own = Source::Own(vec![name("fw", "slow")]);
    let before = look(&own, &both());
    assert_eq!(short(&plan(&[before], &[], 0)), ["arm tripline-fw-slow"]);
    let [first, second] = both();
    let foreign = ObservedAlarm { owner: Owner::Foreign, ..second };
    let after = look(&own, &[there(&name("fw", "slow")), first, foreign]);
    assert_eq!(after.is_guarded(), Some(true));
    assert_eq!(short(&plan(&[after], &[], 0)), ["remove tripline-fw-default-DownloadTime"]);
}

#[test]
fn a_job_that_opted_out_loses_the_default_guard_and_nothing_else() {
    let [first, second] = both();
    let out = look(&Source::OptedOut, &[first, second, there(&name("fw", "slow"))]);
    assert_eq!(out.is_guarded(), None);
    let removed = short(&plan(&[out], &[], 0));
    assert_eq!(
        removed,
        ["remove tripline-fw-default-DownloadTime", "remove tripline-fw-default-FailureRate"]
    );
}

#[test]
fn arming_goes_before_repair_and_repair_before_tidying() {
    let mut altered = both();
    altered[0].as_wanted = false;
    let jobs = [
        Guarded::new(job("fw"), Timestamp::from_seconds(9), &default("fw"), &altered),
        Guarded::new(job("old"), Timestamp::from_seconds(1), &default("old"), &[]),
    ];
    let over = |id: &str| Ended {
        job: job(id),
        alarms: vec![(name(id, "slow"), Owner::Unknown), (name(id, "not-ours"), Owner::Foreign)],
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

/// An account: its alarms by name, each with whether it is as wanted and whose it truly is.
type Alarms = BTreeMap<String, (bool, Owner)>;

fn jobs_of(sources: &[(u8, u32)], alarms: &Alarms, known: &BTreeSet<String>) -> Vec<Guarded> {
    let guarded = |(number, (kind, created)): (usize, &(u8, u32))| {
        let id = format!("job{number:03}");
        let source = match kind {
            0 => Source::OptedOut,
            1 => Source::Own(vec![name(&id, "slow"), name(&id, "late")]),
            _ => default(&id),
        };
        let prefix = alarm_name_prefix(&job(&id));
        let of_job = alarms.iter().filter(|(name, _)| name.starts_with(&prefix));
        let found: Vec<ObservedAlarm> = of_job
            .map(|(name, (as_wanted, owner))| ObservedAlarm {
                as_wanted: *as_wanted,
                stops: *as_wanted,
                owner: if known.contains(name) { *owner } else { Owner::Unknown },
                ..there(name)
            })
            .collect();
        Guarded::new(job(&id), Timestamp::from_seconds(i64::from(*created)), &source, &found)
    };
    sources.iter().enumerate().map(guarded).collect()
}

/// Does at most `most` of what is planned, as the keeper does: it looks at tags before it touches.
fn apply(actions: &[Action], alarms: &mut Alarms, known: &mut BTreeSet<String>, most: usize) {
    for action in actions.iter().take(most) {
        match action {
            Action::Arm { name, .. } => {
                let before = alarms.insert(name.clone(), (true, Owner::Ours));
                assert_eq!(before, None, "an alarm that is there was overwritten");
            }
            Action::Repair { name, .. } | Action::Remove { name, .. } => {
                assert!(!(known.contains(name) && alarms[name].1 == Owner::Foreign));
                known.insert(name.clone());
                if alarms[name].1 == Owner::Foreign {
                    continue;
                }
                match action {
                    Action::Repair { .. } => alarms.get_mut(name).unwrap().0 = true,
                    _ => drop(alarms.remove(name)),
                }
            }
            Action::Forget { .. } => {}
        }
    }
}

fn accounts() -> impl Strategy<Value = (Vec<(u8, u32)>, Alarms)> {
    let sources = proptest::collection::vec((0_u8..4, 0_u32..1_000), 1..30);
    let alarm = prop_oneof!["default-DownloadTime", "default-FailureRate", "slow", "late", "x"];
    let owner = prop_oneof![Just(Owner::Ours), Just(Owner::Foreign)];
    let alarms = proptest::collection::vec((0_usize..30, alarm, any::<bool>(), owner), 0..60);
    (sources, alarms).prop_map(|(sources, alarms)| {
        let named = alarms.into_iter().map(|(number, alarm, as_wanted, owner)| {
            (name(&format!("job{number:03}"), &alarm), (as_wanted, owner))
        });
        (sources, named.collect())
    })
}

proptest! {
    /// Two rounds, because the tags are looked at in the first; then there is nothing left to do,
    /// and what is somebody else's is as it was.
    #[test]
    fn doing_it_again_does_nothing((sources, before) in accounts(), turn in any::<u64>()) {
        let (mut alarms, mut known) = (before.clone(), BTreeSet::new());
        for turn in [turn, turn.wrapping_add(1)] {
            let actions = plan(&jobs_of(&sources, &alarms, &known), &[], turn);
            apply(&actions, &mut alarms, &mut known, usize::MAX);
        }
        let jobs = jobs_of(&sources, &alarms, &known);
        prop_assert_eq!(plan(&jobs, &[], turn), vec![]);
        for (name, is) in before.iter().filter(|(_, is)| is.1 == Owner::Foreign) {
            prop_assert_eq!(alarms.get(name), Some(is), "{} was touched", name);
        }
    }

    /// However little a minute allows, it carries on where it stopped, and comes to an end.
    #[test]
    fn a_few_at_a_time_come_to_the_same((sources, before) in accounts(), most in 1_usize..5) {
        let (mut alarms, mut known) = (before, BTreeSet::new());
        let mut turn = 0;
        loop {
            let actions = plan(&jobs_of(&sources, &alarms, &known), &[], turn);
            if actions.is_empty() {
                break;
            }
            apply(&actions, &mut alarms, &mut known, most);
            turn += 1;
            prop_assert!(turn < 300, "does not end: {:?}", actions);
        }
    }

    /// Jobs that can never be armed, because CloudWatch refuses their alarms, keep no other from it.
    #[test]
    fn nobody_starves(stuck in 1_usize..60, others in 1_usize..20, newer in any::<bool>(), most in 2_usize..8) {
        let create = |number: usize| {
            let is_stuck = number < stuck;
            (2, if is_stuck == newer { 900 } else { 100 })
        };
        let sources: Vec<(u8, u32)> = (0..stuck + others).map(create).collect();
        let (mut alarms, mut known) = (Alarms::new(), BTreeSet::new());
        let is_stuck = |name: &str| (0..stuck).any(|number| name.contains(&format!("job{number:03}-")));
        let mut turns = 0;
        while alarms.len() < others * 2 {
            let mut actions = plan(&jobs_of(&sources, &alarms, &known), &[], turns);
            actions.truncate(most);
            actions.retain(|action| !matches!(action, Action::Arm { name, .. } if is_stuck(name)));
            apply(&actions, &mut alarms, &mut known, most);
            turns += 1;
            prop_assert!(turns < 20 * (stuck + others) as u64, "{} of {others}", alarms.len() / 2);
        }
    }
}
