//! Rollouts that ask to be held instead of being stopped.

use tripline::release::hold::{OnAlarm, OnHoldFailed};

use super::*;

const HELD: [&str; 3] = [
    "hold fw-2-1 by tripline-fw-2-1-slow",
    "email: Tripline holds rollout fw-2-1",
    "sms: Tripline holds fw-2-1: slow. 12 ok, 3 failed, 4 running. Decide: tripline release go-on, or stop",
];

fn asks(on_failed: OnHoldFailed) -> Scripted {
    Scripted { on_alarm: Ok((OnAlarm::Hold, on_failed)), ..sound() }
}

async fn of(aws: Scripted, holds: bool, mode: StopMode) -> (Vec<String>, Option<String>) {
    let Stopper { client, settings, alerts } = stopper(aws, mode);
    let stopper = Stopper { client, settings: Settings { holds, ..settings }, alerts };
    run(&stopper, event("sns/alarm")).await
}

#[tokio::test]
async fn a_rollout_that_asks_for_it_is_held_and_people_read_how_to_decide() {
    for mode in [StopMode::Cancel, StopMode::Abort] {
        let (done, failed) = of(asks(OnHoldFailed::Cancel), true, mode).await;
        assert_eq!((&done[..], failed), (&HELD.map(str::to_owned)[..], None));
    }
}

/// Where nobody proves a hold, what cannot be verified or read, and under `observe`.
#[tokio::test]
async fn a_hold_takes_the_place_of_a_verified_stop_only() {
    let held = |done: &[String]| done.iter().any(|what| what.starts_with("hold "));
    let (done, _) = of(asks(OnHoldFailed::Cancel), false, StopMode::Cancel).await;
    assert!(stops(&done) && !held(&done), "{done:?}");
    let unread = Scripted { on_alarm: Err(unreachable("ListTagsForResource")), ..sound() };
    let (done, _) = of(unread, true, StopMode::Cancel).await;
    assert!(stops(&done) && !held(&done), "{done:?}");
    let (done, _) = of(asks(OnHoldFailed::Cancel), true, StopMode::Observe).await;
    assert!(!stops(&done) && !held(&done), "{done:?}");
    for open in open() {
        let on_alarm = Ok((OnAlarm::Hold, OnHoldFailed::Cancel));
        let late = Scripted { on_alarm, now: SENT + 170, ..open };
        let (done, _) = of(late, true, StopMode::Cancel).await;
        assert!(stops(&done) && !held(&done), "{done:?}");
    }
}

#[tokio::test]
async fn a_hold_that_fails_is_a_stop_unless_people_are_to_decide() {
    let fails = |on_failed| Scripted { hold: Err(unreachable("UpdateJob")), ..asks(on_failed) };
    let (done, failed) = of(fails(OnHoldFailed::Cancel), true, StopMode::Cancel).await;
    assert!(stops(&done), "{done:?}");
    assert_eq!(failed, None);
    let (done, failed) = of(fails(OnHoldFailed::Alert), true, StopMode::Cancel).await;
    assert!(!stops(&done), "{done:?}");
    assert!(
        done.iter().any(|what| what == "email: Tripline could NOT hold rollout fw-2-1"),
        "{done:?}"
    );
    assert_eq!(failed.as_deref(), Some("Tripline.Unavailable"), "Lambda tries again");
}

#[tokio::test]
async fn an_ended_job_is_not_held() {
    let ended = Mutex::new(vec![Ok(job(JobState::Completed))]);
    let aws = Scripted { job: ended, ..asks(OnHoldFailed::Cancel) };
    let (done, failed) = of(aws, true, StopMode::Cancel).await;
    assert_eq!((done, failed), (Vec::new(), None));
}
