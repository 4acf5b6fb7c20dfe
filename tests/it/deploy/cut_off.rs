//! Deployments that are killed at every call to AWS in turn, and go on.

use tripline_tests::proxy::Cut;

use super::devices::Devices;
use super::stage::{SHORT, Stage, assert_ended};

/// More calls than a deployment makes.
const MANY: usize = 300;
/// How many are cut at a time.
const AT_ONCE: usize = 3;

#[tokio::test]
async fn killed_after_any_call_it_goes_on_to_the_same_end() {
    killed_at_any_call(Cut::after, "after").await;
}

#[tokio::test]
async fn killed_before_any_call_it_goes_on_to_the_same_end() {
    killed_at_any_call(Cut::before, "before").await;
}

async fn killed_at_any_call(cut: fn(usize) -> Cut, name: &str) {
    let stage = Stage::new().await;
    stage.things(&["a", "b"]).await;
    let devices = Devices::start(&stage.aws, &["a", "b"], None);
    let mut first = 1;
    loop {
        let numbers = first..first + AT_ONCE;
        let runs = numbers
            .map(|number| killed_at(&stage, &devices, cut(number), format!("{name}-{number}")));
        if futures_all(runs).await.contains(&false) {
            break;
        }
        first += AT_ONCE;
        assert!(first < MANY, "it never ended");
    }
    assert!(first > 30, "only {first} calls");
}

/// Whether it was killed; false if the deployment ended before.
async fn killed_at(stage: &Stage, devices: &Devices, cut: Cut, job: String) -> bool {
    stage.config(&SHORT.replace("rounds = 1", "rounds = 2"), &job);
    let mut ran = stage.deploy_until(&job, &[], cut).await;
    let was_cut = ran.cut;
    if was_cut {
        ran = stage.deploy(&job, &["--resume", "--output", "json"]).await;
    }
    assert_ended(&ran, 0);
    assert_eq!(devices.reports(&job), 4, "{job}: two rounds of two devices\n{}", ran.stderr);
    stage.assert_nothing_is_left(&job).await;
    let keys = stage.keys(&format!("{job}/")).await;
    assert_eq!(keys.len(), 5, "{keys:?}");
    let record = keys.iter().find(|key| key.ends_with("rounds.json")).unwrap();
    let record: serde_json::Value = serde_json::from_str(&stage.object(record).await).unwrap();
    let rounds: Vec<_> =
        record["ended"].as_array().unwrap().iter().map(|round| &round["round"]).collect();
    assert_eq!(rounds, [1, 2], "{job}");
    was_cut
}

async fn futures_all(runs: impl Iterator<Item = impl Future<Output = bool>>) -> Vec<bool> {
    let mut runs: Vec<_> = runs.map(Box::pin).collect();
    let mut ended = vec![None; runs.len()];
    std::future::poll_fn(|context| {
        for (run, ended) in runs.iter_mut().zip(&mut ended) {
            if ended.is_none()
                && let std::task::Poll::Ready(was_cut) = run.as_mut().poll(context)
            {
                *ended = Some(was_cut);
            }
        }
        match ended.iter().copied().collect::<Option<Vec<bool>>>() {
            Some(all) => std::task::Poll::Ready(all),
            None => std::task::Poll::Pending,
        }
    })
    .await
}
