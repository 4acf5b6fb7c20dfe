//! What people are asked, and what their word does.

use tripline::job::{JobId, JobState};
use tripline::release::Phase;
use tripline::release::hold::{Hold, OnHoldFailed, Proof, Rates};
use tripline::stop::StopMode;

use super::world::{Account, Doing, Place, job_of, plan, settings};
use crate::settings::Settings;

const ASKS: &str = "Tripline asks: may release pump-9 go on after wave canary?";

async fn undecided() -> Account {
    let account = Account::new();
    account.world().clearance.insert("canary".to_owned(), 0.4);
    account.until(|world| world.read.state.waves[0].phase == Phase::Undecided).await;
    account
}

#[tokio::test]
async fn people_are_asked_once_and_again_only_when_it_becomes_undecided() {
    let account = undecided().await;
    account.minutes(60).await;
    assert_eq!(account.subjects(), [ASKS]);
    assert!(account.world().messages[0].1.contains("clearance is 0.4 of 1.3"));
    keep(&account, hold(&account));
    account.minutes(1).await;
    assert_eq!(account.phases()[0], Phase::Running);
    account.world().holds.clear();
    account.minutes(10).await;
    assert_eq!(account.subjects(), [ASKS, ASKS]);
}

#[tokio::test]
async fn a_release_that_waits_for_weeks_is_asked_about_once() {
    let account = undecided().await;
    account.minutes(3 * 24 * 60).await;
    assert!(account.world().execution.tokens >= 4, "each day another token");
    assert_eq!(account.subjects(), [ASKS]);
}

#[tokio::test]
async fn one_that_nobody_looks_at_is_alerted_to() {
    let account = undecided().await;
    account.world().fails = Some(("ListExecutions".to_owned(), 20));
    account.minutes(25).await;
    let subjects = account.subjects();
    assert_eq!(subjects.len(), 2, "{subjects:?}");
    assert_eq!(subjects[1], "Tripline: release pump-9 was not checked for a while");
    assert_eq!(account.world().errors, 20);
}

#[tokio::test]
async fn an_approval_lets_it_through() {
    let account = undecided().await;
    account.approve("canary");
    account.to_the_end().await;
    assert_eq!(account.phases(), [Phase::Passed; 3]);
    assert_eq!(account.world().read.state.waves[0].approved.as_ref().unwrap().by, "Mara");
}

#[tokio::test]
async fn an_approval_neither_overrides_an_alarm_nor_shortens_the_bake() {
    let account = Account::new();
    account.minutes(1).await;
    account.approve("canary");
    account.until(|world| world.jobs.len() == 2).await;
    let wave = account.world().read.state.waves[0].clone();
    assert!(wave.since - wave.bake_began.unwrap() >= 300, "{wave:?}");
    let account = undecided().await;
    account.fire("canary");
    account.approve("canary");
    account.to_the_end().await;
    assert_eq!(account.phases()[0], Phase::Stopped);
    assert_eq!(account.world().jobs.len(), 1);
}

#[tokio::test]
async fn devices_beyond_the_tolerance_have_people_asked() {
    let account = Account::new();
    account.world().doing.insert("early".to_owned(), Doing::Failing(3));
    account.until(|world| world.read.state.waves[1].phase == Phase::Undecided).await;
    assert!(account.world().messages[0].1.contains("3 of 100 devices failed; at most 2 may"));
}

#[tokio::test]
async fn a_wave_with_approval_begins_once_a_person_says_so() {
    let mut plan = plan(&["canary", "early", "rest"]);
    plan.waves[0].approval = true;
    let account = Account::with(settings(), plan);
    account.minutes(26 * 60).await;
    assert_eq!(account.subjects(), ["Tripline asks: may wave canary of release pump-9 begin?"]);
    assert!(account.world().jobs.is_empty());
    // A word on what comes after it is another one.
    account.approve("canary");
    account.minutes(5).await;
    assert!(account.world().jobs.is_empty());
    account.approve("canary#begin");
    account.to_the_end().await;
    assert_eq!(account.phases(), [Phase::Passed; 3]);
}

fn canary() -> JobId {
    JobId::new(&job_of("canary")).unwrap()
}

fn hold(account: &Account) -> Hold {
    let world = account.world();
    Hold {
        created: world.jobs[&job_of("canary")].0.created_at.unwrap(),
        at: world.now,
        by: "Mara".to_owned(),
        is_alarm: false,
        rates: Rates::default(),
        on_failed: OnHoldFailed::Cancel,
        since: None,
        proof: None,
        went_on: None,
        times: 0,
    }
}

fn keep(account: &Account, hold: Hold) {
    account.world().holds.insert(canary(), hold);
}

#[tokio::test]
async fn a_held_wave_waits_and_go_on_goes_on() {
    let account = Account::new();
    account.until(|world| world.jobs.len() == 1).await;
    keep(&account, hold(&account));
    account.minutes(60).await;
    assert_eq!(account.phases()[0], Phase::Running);
    assert!(account.world().read.state.waves[0].reasons[0].contains("held"));
    assert!(account.subjects().is_empty());
    let now = account.world().now;
    account.world().holds.get_mut(&canary()).unwrap().went_on = Some(now);
    account.to_the_end().await;
    assert_eq!(account.phases(), [Phase::Passed; 3]);
}

#[tokio::test]
async fn a_held_wave_that_has_passed_keeps_back_what_comes_next() {
    let account = Account::new();
    account.world().doing.insert("canary".to_owned(), Doing::Busy);
    account.until(|world| world.jobs.len() == 2).await;
    keep(&account, hold(&account));
    account.minutes(60).await;
    assert_eq!(account.world().jobs.len(), 2);
}

/// The force-stopper holds what the job's tags say, and takes a moment for it.
#[tokio::test]
async fn an_alarm_that_is_to_hold_the_rollout_does_not_stop_it() {
    for is_held in [true, false] {
        let mut plan = plan(&["canary", "early", "rest"]);
        plan.config += "[ALARM_CONFIG]\nalarmList =\nonAlarm = hold\n";
        let account = Account::with(settings(), plan);
        account.world().doing.insert("canary".to_owned(), Doing::Busy);
        account.until(|world| world.jobs.len() == 1).await;
        account.fire("canary");
        account.minutes(1).await;
        if is_held {
            let hold = Hold { is_alarm: true, ..hold(&account) };
            keep(&account, hold);
        }
        account.minutes(8).await;
        let expected = if is_held { JobState::Active } else { JobState::Canceled };
        assert_eq!(account.job("canary"), expected);
    }
}

/// A held job whose devices go on all the same.
async fn fast(on_failed: OnHoldFailed, mode: StopMode) -> Account {
    let account = Account::with(Settings { mode, ..settings() }, plan(&["canary", "early"]));
    account.world().doing.insert("canary".to_owned(), Doing::Busy);
    account.until(|world| world.jobs.len() == 1).await;
    account.minutes(1).await;
    keep(&account, Hold { on_failed, ..hold(&account) });
    account.minutes(2).await;
    account.world().plan.waves[0].devices = 99;
    account
}

#[tokio::test]
async fn a_hold_that_fails_is_alerted_to_and_canceled() {
    for (on_failed, mode, is_canceled) in [
        (OnHoldFailed::Cancel, StopMode::Cancel, true),
        (OnHoldFailed::Cancel, StopMode::Observe, false),
        (OnHoldFailed::Alert, StopMode::Cancel, false),
    ] {
        let account = fast(on_failed, mode).await;
        account.minutes(5).await;
        let could_not = "Tripline could NOT hold rollout wave-pump-9-canary";
        assert_eq!(account.subjects()[0], could_not);
        assert_eq!(account.subjects().iter().filter(|it| *it == could_not).count(), 1);
        assert_eq!(account.job("canary") == JobState::Canceled, is_canceled);
        assert_eq!(account.world().holds[&canary()].proof, Some(Proof::Failed));
        assert_eq!(account.world().execution.place == Place::Done(false), is_canceled);
    }
}

#[tokio::test]
async fn a_hold_that_fails_is_so_wherever_the_function_is_killed() {
    let clean = fast(OnHoldFailed::Cancel, StopMode::Cancel).await;
    let before = clean.world().calls.len();
    clean.minutes(5).await;
    let calls = clean.world().calls.len();
    for call in before + 1..=calls {
        let account = fast(OnHoldFailed::Cancel, StopMode::Cancel).await;
        account.world().kill = Some(call);
        account.minutes(25).await;
        assert_eq!(account.job("canary"), JobState::Canceled, "{call}");
        let subjects = account.subjects();
        assert!(subjects.iter().any(|it| it.contains("could NOT hold")), "{call}");
        assert!(subjects.iter().any(|it| it.contains("stopped release")), "{call}");
    }
}
