//! What befalls a rollout as a whole.

use super::*;
use tripline::job::ExecutionCounts;

fn run(scenario: &Scenario, number: u32) -> Vec<ExecutionCounts> {
    let outcome = Simulator::new(scenario, &[]).run(1, number, Detail::Full);
    outcome.record.unwrap().minutes.iter().map(|minute| minute.progress).collect()
}

fn with(fleet: Fleet, conditions: Conditions) -> Scenario {
    Scenario { conditions, ..at_rate(fleet, 100) }
}

/// The minute by which half of the devices have ended.
fn half_ended(minutes: &[ExecutionCounts], devices: u32) -> usize {
    minutes.iter().position(|counts| 2 * counts.ended.executed() >= devices).unwrap()
}

#[test]
fn nothing_is_reported_in_an_outage_and_everything_after_it() {
    let (from, to) = (Elapsed::from_minutes(5), Elapsed::from_minutes(12));
    let outage = Some(Outage { from, to });
    let minutes =
        run(&with(Fleet::healthy(2_000), Conditions { outage, ..Conditions::default() }), 0);
    let usual = run(&with(Fleet::healthy(2_000), Conditions::default()), 0);
    assert_eq!(minutes[..5], usual[..5]);
    assert_eq!(minutes[5].ended, minutes[11].ended);
    assert_eq!(minutes[5].in_progress, minutes[11].in_progress);
    assert!(minutes[12].ended.executed() > 100 + minutes[11].ended.executed());
    assert_eq!(minutes.last().unwrap().ended, usual.last().unwrap().ended);
}

#[test]
fn rollouts_drift_within_their_range() {
    let fleet = Fleet { failing: share(0.5), ..Fleet::healthy(2_000) };
    let drift = Drift {
        time: Some((2.0, 3.0)),
        failing: Some((share(0.1), share(0.2))),
        silent: Some((share(0.05), share(0.1))),
    };
    let usual = half_ended(&run(&with(fleet, Conditions::default()), 0), 2_000);
    let horizon = Some(Elapsed::from_minutes(300));
    let mut failed = Vec::new();
    for number in 0..5 {
        let scenario = with(fleet, Conditions { drift, ..Conditions::default() });
        let minutes = run(&Scenario { horizon, ..scenario }, number);
        assert!(half_ended(&minutes, 1_800) > usual);
        let end = minutes.last().unwrap();
        assert!((150..450).contains(&end.ended.failed), "{end:?}");
        assert!((60..240).contains(&end.in_progress), "{end:?}");
        failed.push(end.ended.failed);
    }
    failed.dedup();
    assert_eq!(failed.len(), 5, "each rollout is another one");
}

#[test]
fn failures_come_at_an_age_of_their_own() {
    let fleet = Fleet { failing: share(0.3), ..Fleet::healthy(1_000) };
    let failing_after = Some(Lognormal::new(20.0, 0.1).unwrap());
    let early = run(&with(fleet, Conditions { failing_after, ..Conditions::default() }), 0);
    let usual = run(&with(fleet, Conditions::default()), 0);
    assert!(early[2].ended.failed > 40 && usual[2].ended.failed < 20);
    assert_eq!(early.last().unwrap().ended, usual.last().unwrap().ended);
}

#[test]
fn rejections_come_at_once_or_at_an_age_of_their_own() {
    let fleet = Fleet { rejecting: share(0.3), ..Fleet::healthy(1_000) };
    let rejecting_after = Some(Lognormal::new(1_200.0, 0.1).unwrap());
    let late = run(&with(fleet, Conditions { rejecting_after, ..Conditions::default() }), 0);
    let usual = run(&with(fleet, Conditions::default()), 0);
    assert!(usual[10].ended.rejected > 250 && late[10].ended.rejected == 0);
    assert_eq!(late.last().unwrap().ended, usual.last().unwrap().ended);
}

#[test]
fn devices_that_are_offline_for_long_end_late() {
    let offline =
        Some(Offline { share: share(0.1), seconds: Lognormal::new(7_200.0, 0.1).unwrap() });
    let minutes =
        run(&with(Fleet::healthy(1_000), Conditions { offline, ..Conditions::default() }), 0);
    assert!((60..140).contains(&minutes[80].in_progress), "{:?}", minutes[80]);
    assert_eq!(minutes.last().unwrap().ended.succeeded, 1_000);
}

#[test]
fn slow_devices_may_come_first() {
    let fleet = Fleet { slow: share(0.5), ..Fleet::healthy(2_000) };
    let first = run(&with(fleet, Conditions { slow_first: true, ..Conditions::default() }), 0);
    let mixed = run(&with(fleet, Conditions::default()), 0);
    assert!(first[12].ended.executed() < 10, "{:?}", first[12]);
    assert!(mixed[12].ended.executed() > 200, "{:?}", mixed[12]);
}
