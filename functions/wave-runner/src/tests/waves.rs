//! From wave to wave, or not.

use tripline::job::JobState;
use tripline::release::Phase;
use tripline::stop::StopMode;

use super::world::{Account, Doing, Place, job_of, new_job, plan, settings};

const OUT: &str = "Tripline: release pump-9 is out";

#[tokio::test]
async fn a_good_release_goes_through_by_itself() {
    let account = Account::new();
    account.to_the_end().await;
    assert_eq!(account.phases(), [Phase::Passed; 3]);
    assert_eq!(account.subjects(), [OUT]);
    let world = account.world();
    assert_eq!(world.created(), ["canary", "early", "rest"].map(job_of));
    assert!(world.read.state.ended.as_ref().unwrap().well && world.groups.is_empty());
    assert!(!world.calls.iter().any(|call| call.starts_with("CancelJob")));
    assert_eq!(world.errors, 0);
}

#[tokio::test]
async fn no_job_is_there_before_its_guard() {
    let account = Account::new();
    account.to_the_end().await;
    let world = account.world();
    for job in ["canary", "early", "rest"].map(job_of) {
        let place = |call: &str| {
            let call = format!("{call} {job}");
            world.calls.iter().position(|it| *it == call).unwrap_or_else(|| panic!("no {call}"))
        };
        let calls = ["Keep", "PutMetricAlarm", "DescribeAlarms", "CreateJob"].map(place);
        assert!(calls.is_sorted(), "{job}: {calls:?}");
    }
}

/// A release whose second wave is rolled out while the first still has devices at work.
async fn two_at_work(mode: StopMode) -> Account {
    let account = Account::with(
        crate::settings::Settings { mode, ..settings() },
        plan(&["canary", "early", "rest"]),
    );
    account.world().doing.insert("canary".to_owned(), Doing::Busy);
    account.world().doing.insert("early".to_owned(), Doing::Busy);
    account.until(|world| world.jobs.len() == 2).await;
    account.minutes(2).await;
    account
}

fn assert_stopped(account: &Account, wave: &str, jobs: usize) {
    let world = account.world();
    let stopped = format!("Tripline stopped release pump-9 at wave {wave}");
    assert_eq!(world.messages.len(), 1, "{:?}", world.messages);
    assert_eq!(world.messages[0].0, stopped);
    assert_eq!(world.created().len(), jobs);
    assert_eq!(world.execution.place, Place::Done(false));
    assert!(!world.read.state.ended.as_ref().unwrap().well && world.groups.is_empty());
}

#[tokio::test]
async fn an_alarm_stops_every_rollout_of_the_release_and_no_further_one_begins() {
    for fires in ["canary", "early"] {
        let account = two_at_work(StopMode::Cancel).await;
        account.fire(fires);
        account.to_the_end().await;
        assert_stopped(&account, "early", 2);
        assert_eq!(["canary", "early"].map(|wave| account.job(wave)), [JobState::Canceled; 2]);
        let body = account.world().messages[0].1.clone();
        assert!(body.contains(&format!("alarm `tripline-{}-", job_of(fires))), "{body}");
        for wave in ["canary", "early"].map(job_of) {
            assert!(body.contains(&format!("stopped  job {wave}\n")), "{body}");
        }
    }
}

#[tokio::test]
async fn under_observe_the_release_stops_and_no_rollout_does() {
    let account = two_at_work(StopMode::Observe).await;
    account.fire("early");
    account.to_the_end().await;
    assert_stopped(&account, "early", 2);
    assert_eq!(account.job("early"), JobState::Active);
    assert!(account.world().messages[0].1.contains("goes on: job"));
}

#[tokio::test]
async fn an_alarm_that_only_alerts_stops_the_release_and_no_rollout() {
    let account = two_at_work(StopMode::Cancel).await;
    account.world().alarms.values_mut().for_each(|alarm| alarm.actions.truncate(1));
    account.fire("early");
    account.to_the_end().await;
    assert_stopped(&account, "early", 2);
    assert_eq!(account.job("early"), JobState::Active);
}

#[tokio::test]
async fn an_alarm_during_the_bake_and_one_long_over_stop_the_release_by_name() {
    for is_over in [false, true] {
        let account = Account::new();
        account.until(|world| world.jobs.values().any(|(job, _)| job.ended_at.is_some())).await;
        account.fire("canary");
        if is_over {
            account.world().now += 5;
            account.calm("canary");
        }
        account.to_the_end().await;
        assert_stopped(&account, "canary", 1);
        let body = account.world().messages[0].1.clone();
        assert!(body.contains("alarm `tripline-wave-pump-9-canary-"), "{body}");
    }
}

#[tokio::test]
async fn an_alarm_of_a_wave_that_has_passed_stops_a_later_one() {
    for at in [Phase::Beginning, Phase::Running] {
        let account = Account::new();
        account.world().doing.insert("early".to_owned(), Doing::Busy);
        if at == Phase::Beginning {
            // Making the second job fails for a while.
            account.until(|world| world.jobs.len() == 1).await;
            account.world().fails = Some(("ListTags".to_owned(), 4));
        }
        account.until(|world| world.read.state.waves[1].phase == at).await;
        account.fire("canary");
        account.to_the_end().await;
        assert_stopped(&account, "early", 2);
        assert_eq!(account.job("early"), JobState::Canceled, "{at}");
    }
}

#[tokio::test]
async fn an_alarm_of_an_earlier_wave_stops_one_that_waits_for_approval() {
    let mut plan = plan(&["canary", "early", "rest"]);
    plan.waves[1].approval = true;
    let account = Account::with(settings(), plan);
    account.until(|world| world.read.state.waves[1].asked.is_some()).await;
    account.minutes(100).await;
    let kept = account.world().configs[&job_of("canary")];
    assert!(account.world().now - kept < 3_600, "its alarms would have been removed");
    account.world().messages.clear();
    account.fire("canary");
    account.approve("early#begin");
    account.to_the_end().await;
    assert_stopped(&account, "early", 1);
}

#[tokio::test]
async fn a_canceled_and_a_deleted_job_stop_the_release() {
    for is_deleted in [false, true] {
        let account = two_at_work(StopMode::Cancel).await;
        if is_deleted {
            account.world().jobs.remove(&job_of("early"));
        } else {
            account.world().jobs.get_mut(&job_of("early")).unwrap().0.state = JobState::Canceled;
        }
        account.to_the_end().await;
        assert_stopped(&account, "early", 2);
        assert_eq!(account.job("canary"), JobState::Canceled);
    }
}

#[tokio::test]
async fn a_job_of_somebody_else_with_a_waves_name_is_refused_loudly() {
    let account = Account::new();
    let tags = vec![("tripline:release".to_owned(), "pump-8-a1".to_owned())];
    let now = account.world().now;
    account.world().jobs.insert(job_of("canary"), (new_job(now), tags));
    account.to_the_end().await;
    let world = account.world();
    assert_eq!(world.messages[0].0, "Tripline could NOT go on with release pump-9");
    assert!(world.messages[0].1.contains("another's job"), "{}", world.messages[0].1);
    assert!(!world.messages[0].1.contains("errorMessage"), "{}", world.messages[0].1);
    assert!(world.created().is_empty() && world.alarms.is_empty());
    assert_eq!(world.jobs[&job_of("canary")].0.state, JobState::Active);
}
