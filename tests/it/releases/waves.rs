use tripline::release::Phase;

use super::stage::{Doing, Fleet, Stage, assert_ended, letters};

/// Three waves, the last two of which need a thing group each when they are large.
const WAVES: [(&str, &str); 3] = [
    ("canary", "devices = 40\nbake = 2s\n"),
    ("early", "devices = 40\nbake = 2s\n"),
    ("rest", "rest = True\nbake = 2s\n"),
];

#[tokio::test]
async fn a_good_release_goes_out_by_itself() {
    let stage = Stage::new().await;
    stage.things("good", 120).await;
    stage.config("good", &WAVES);
    let mut mailbox = stage.mailbox("good").await;
    let ran = stage.start("good").await;
    assert_ended(&ran, 0);
    let mut fleet = Fleet::new(&[]);
    let state = stage.until("good", &mut fleet, |state| state.ended.is_some()).await;
    assert!(state.ended.as_ref().unwrap().well, "{state:#?}");
    assert_eq!(stage.phases("good"), [Phase::Passed; 3]);
    let (status, ran) = stage.status("good").await;
    assert_ended(&ran, 0);
    assert_eq!(status["state"], "out");
    let letters = letters(&mut mailbox, "good").await;
    assert!(letters.iter().any(|letter| letter.text.contains("is out")), "{letters:#?}");
}

#[tokio::test]
async fn a_bad_release_is_stopped_in_its_first_wave() {
    let stage = Stage::new().await;
    stage.things("bad", 120).await;
    stage.config("bad", &WAVES);
    assert_ended(&stage.start("bad").await, 0);
    let mut fleet = Fleet::new(&[("canary", Doing::Badly)]);
    let state = stage.until("bad", &mut fleet, |state| state.ended.is_some()).await;
    assert!(!state.ended.as_ref().unwrap().well);
    assert_eq!(stage.phases("bad"), [Phase::Stopped, Phase::Waiting, Phase::Waiting]);
    assert_eq!(state.exposed(), 40);
    assert!(stage.job("wave-bad-early").await.is_none());
}
