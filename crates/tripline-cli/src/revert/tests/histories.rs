//! Whatever devices went through, those are taken back whose latest execution succeeded.

use std::collections::BTreeMap;

use fake_aws::Execution;
use proptest::prelude::*;

use super::*;

/// How an execution that is not the last one ended, or the last one.
const ENDED: [&str; 6] = ["SUCCEEDED", "FAILED", "TIMED_OUT", "REJECTED", "CANCELED", "REMOVED"];
const OPEN: [&str; 2] = ["IN_PROGRESS", "QUEUED"];

/// A device's executions of the bad job, and what becomes of it if it is open still.
type History = (Vec<&'static str>, &'static str);

fn history() -> impl Strategy<Value = History> {
    let before = prop::collection::vec(prop::sample::select(&ENDED[..]), 0..4);
    let last = prop_oneof![prop::sample::select(&ENDED[..]), prop::sample::select(&OPEN[..])];
    (before, last, prop::sample::select(&ENDED[..])).prop_map(|(mut before, last, becomes)| {
        before.push(last);
        (before, becomes)
    })
}

fn put(fake: &Fake, thing: &str, number: u32, status: &str) {
    let execution = Execution { thing: thing.to_owned(), began: 0, changed: 0, number };
    let of = ("fw".to_owned(), status.to_owned());
    let mut world = fake.world();
    // A listing has no order to rely on.
    let all = world.iot.executions.entry(of).or_default();
    all.insert(number as usize % (all.len() + 1), execution);
}

/// Whom all jobs of these names are for, each device once.
fn taken(fake: &Fake, jobs: &[&str]) -> BTreeMap<String, usize> {
    let world = fake.world();
    let mut taken = BTreeMap::new();
    for job in jobs.iter().filter(|job| world.iot.jobs.contains_key(**job)) {
        for target in world.iot.targets(job) {
            let members = world.iot.groups.get(target).cloned();
            for thing in members.unwrap_or_else(|| [target.to_owned()].into()) {
                *taken.entry(thing).or_default() += 1;
            }
        }
    }
    taken
}

async fn check(histories: &[History], includes: bool) {
    let things: Vec<_> = (0..histories.len()).map(|n| format!("d{n:03}")).collect();
    let fake = stopped(&things);
    for (thing, (executions, _)) in things.iter().zip(histories) {
        for (number, status) in (1..).zip(executions) {
            put(&fake, thing, number, status);
        }
    }
    let is_taken_first = |(executions, _): &History| {
        let last = *executions.last().unwrap();
        last == "SUCCEEDED" || includes && last == "IN_PROGRESS"
    };
    let revert = Revert { include_in_progress: includes, ..revert() };
    run(&fake, &revert).await.unwrap();
    let of = |is: &dyn Fn(&History) -> bool| -> BTreeMap<String, usize> {
        let those = things.iter().zip(histories).filter(|(_, history)| is(history));
        those.map(|(thing, _)| (thing.clone(), 1)).collect()
    };
    let first = of(&is_taken_first);
    assert_eq!(taken(&fake, &["fw-back"]), first);

    // Those that are open come to their ends.
    for (thing, (executions, becomes)) in things.iter().zip(histories) {
        if OPEN.contains(executions.last().unwrap()) {
            let mut world = fake.world();
            let of = ("fw".to_owned(), (*executions.last().unwrap()).to_owned());
            world.iot.executions.get_mut(&of).unwrap().retain(|one| one.thing != *thing);
            drop(world);
            put(&fake, thing, u32::try_from(executions.len()).unwrap(), becomes);
        }
    }
    run(&fake, &revert).await.unwrap();
    let is_late = |history: &History| {
        let is_open = OPEN.contains(history.0.last().unwrap());
        !is_taken_first(history) && is_open && history.1 == "SUCCEEDED"
    };
    let late = of(&is_late);
    // The first may have had nobody to take: then it is the second that has the name.
    let (jobs, all): (&[&str], _) = match first.is_empty() {
        true => (&["fw-back"], late),
        false => (&["fw-back-2"], late),
    };
    assert_eq!(taken(&fake, jobs), all);
    let before = fake.end();
    run(&fake, &revert).await.unwrap();
    assert_eq!(fake.end(), before, "a third has nothing to do");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    #[test]
    fn exactly_those_are_taken_back_whose_latest_execution_succeeded(
        histories in prop::collection::vec(history(), 1..130),
        includes: bool,
    ) {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().start_paused(true).build().unwrap();
        runtime.block_on(check(&histories, includes));
    }
}
