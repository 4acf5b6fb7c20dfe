//! The alerts about single rollouts from the guard-keeper, by name.

use aws_sdk_cloudwatch::types::{Dimension, MetricDatum, StandardUnit, StateValue};
use serde_json::Value;
use tripline::metric::{DIMENSION, NAMESPACE, Outcome};

use super::rollout::{GUARDED_FROM, Rollout};
use super::stage::{Chain, Reader, Stage, must};

/// So that every minute of the keeper asks how many events were counted.
const AT_ONCE: (&str, &str) = ("CountedWithinMinutes", "0");

async fn tick(chain: &Chain<'_>) -> Value {
    must(chain.stack.keep(chain.aws).await)
}

fn attention(job: &str) -> String {
    format!("Tripline: rollout {job} needs attention")
}

/// Ended executions of which AWS IoT knows nothing.
async fn forge(chain: &Chain<'_>, job: &str, endings: f64) {
    let datum = MetricDatum::builder()
        .metric_name(tripline::metric::Metric::Count(Outcome::Failed).name())
        .dimensions(Dimension::builder().name(DIMENSION).value(job).build())
        .unit(StandardUnit::Count)
        .value(endings)
        .build();
    let put = chain.cloudwatch.put_metric_data().namespace(NAMESPACE).metric_data(datum);
    put.send().await.unwrap();
}

/// The subjects of what came from the keeper, in the order in which it came.
async fn subjects(email: &mut Reader) -> Vec<String> {
    email.announced().await.into_iter().map(|email| email.subject).collect()
}

#[tokio::test]
async fn endings_that_were_made_up_are_counted_and_their_rollouts_announced_by_name() {
    let stage = Stage::new(&[AT_ONCE]).await;
    let chain = stage.chain();
    let mut email = Reader::new(chain.mailbox("EmailTopicArn", "email").await, "needs attention");
    for job in ["made-up", "made-up-too"] {
        Rollout::create(&chain, job, 1).await;
    }
    tick(&chain).await;
    forge(&chain, "made-up", 25.0).await;
    // Observed once it could be ahead of AWS IoT.
    assert_eq!(tick(&chain).await["overcountedCount"], 0);
    assert_eq!(tick(&chain).await["overcountedCount"], 25);
    let alarm = async || {
        let described = chain.cloudwatch.describe_alarms().send().await.unwrap();
        let all = described.metric_alarms.unwrap_or_default().into_iter();
        let mut of = all.filter(|alarm| alarm.metric_name() == Some("overcountedCount"));
        of.next().and_then(|alarm| alarm.state_value)
    };
    let fired = |state: &Option<StateValue>| *state == Some(StateValue::Alarm);
    chain.until("the alarm on overcounted executions", alarm, fired).await;
    let one = [attention("made-up")];
    chain
        .until("the e-mail", async || subjects(&mut email).await, |announced| *announced == one)
        .await;

    // While the first stands, and its alarm acts no more, the second is announced.
    forge(&chain, "made-up-too", 30.0).await;
    tick(&chain).await;
    let summary = tick(&chain).await;
    assert_eq!((&summary["overcountedCount"], &summary["alerted"]), (&55.into(), &1.into()));
    let both = [attention("made-up"), attention("made-up-too")];
    chain
        .until("the e-mail", async || subjects(&mut email).await, |announced| *announced == both)
        .await;
    // And then nothing more.
    assert_eq!(tick(&chain).await["alerted"], 0);
}

#[tokio::test]
async fn a_second_unguarded_rollout_is_announced_while_the_first_stands() {
    let (proxy, stage) = Stage::behind_proxy(&[]).await;
    let chain = stage.chain();
    let mut email = Reader::new(chain.mailbox("EmailTopicArn", "email").await, "needs attention");
    let jobs = ["muted-1", "muted-2"];
    for job in jobs {
        Rollout::create(&chain, job, GUARDED_FROM).await;
    }
    assert_eq!(tick(&chain).await["guardedJobs"], 2);
    for unguarded in 1..=jobs.len() {
        let job = jobs[unguarded - 1];
        proxy.mute(&format!("rule of {job}"), &[&format!("tripline-{job}-default-FailureRate")]);
        // Once it is announced, it is not again.
        for alerted in [1, 0] {
            let summary = tick(&chain).await;
            let counted = (&summary["unguardedJobs"], &summary["alerted"]);
            assert_eq!(counted, (&unguarded.into(), &alerted.into()));
        }
        let said: Vec<String> = jobs[..unguarded].iter().map(|job| attention(job)).collect();
        chain
            .until(
                "the e-mail",
                async || subjects(&mut email).await,
                |announced| *announced == said,
            )
            .await;
    }
}
