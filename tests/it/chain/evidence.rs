//! An alarm on evidence, from the datum to the stop: whoever may publish metrics can make it fire, and
//! only what the guard-keeper has written down makes it true.

use aws_sdk_cloudwatch::types::{Dimension, MetricDatum, StandardUnit, Statistic};
use serde_json::json;
use tripline::evidence::Record;
use tripline::metric::{DIMENSION, KeptMetric, NAMESPACE};

use super::messages::{alarm, until_stopped};
use super::rollout::Rollout;
use super::stage::{Chain, Reader, Stage, must};

const REASON: &str = "171 of 900 devices (19 %) failed; at most 3 % may (declared). At most 1 in 100 healthy rollouts ever looks like this.";

/// An alarm on the evidence of a rollout, above 2.
async fn arm(chain: &Chain<'_>, rollout: &Rollout<'_>) {
    alarm(rollout, chain)
        .metric_name(KeptMetric::Evidence.name())
        .set_extended_statistic(None)
        .statistic(Statistic::Maximum)
        .evaluation_periods(1)
        .threshold(2.0)
        .send()
        .await
        .unwrap();
}

/// Writes down what the guard-keeper would.
async fn write_down(chain: &Chain<'_>, rollout: &Rollout<'_>, evidence: f64) {
    let created = rollout.job().await.created_at.unwrap().secs();
    let reason = Some(REASON.to_owned());
    let record =
        Record { created, at: created, evidence, threshold: 2.0, reason, ..Record::default() };
    let key = format!("{}{}", Record::KEY_PREFIX, rollout.id);
    let put = json!({
        "TableName": chain.output("GuardsTableName"),
        "Item": {"jobId": {"S": key}, (Record::ATTRIBUTE): {"S": record.to_text()}},
    });
    must(chain.aws.post("dynamodb", "DynamoDB_20120810.PutItem", &put));
}

/// A datum of evidence for each rollout, as anybody can publish it who may publish metrics.
async fn publish(chain: &Chain<'_>, rollouts: &[&Rollout<'_>], evidence: f64) {
    let datum = |rollout: &&Rollout<'_>| {
        let job = Dimension::builder().name(DIMENSION).value(&rollout.id).build();
        let datum = MetricDatum::builder().metric_name(KeptMetric::Evidence.name());
        datum.dimensions(job).value(evidence).unit(StandardUnit::None).build()
    };
    let data = rollouts.iter().map(datum).collect();
    let put = chain.cloudwatch.put_metric_data().namespace(NAMESPACE);
    put.set_metric_data(Some(data)).send().await.unwrap();
}

#[tokio::test]
async fn a_forged_datum_stops_nothing_and_evidence_that_is_written_down_does() {
    // Without minutes of the guard-keeper, which would write down what it sees.
    let (_proxy, stage) = Stage::behind_proxy(&[]).await;
    let chain = stage.chain();
    let forged = Rollout::create(&chain, "evidence-forged", 1).await;
    let below = Rollout::create(&chain, "evidence-below", 1).await;
    let failing = Rollout::create(&chain, "evidence-true", 1).await;
    write_down(&chain, &below, 0.4).await;
    write_down(&chain, &failing, 9.0).await;
    let mut email = Reader::new(chain.mailbox("EmailTopicArn", "true").await, "evidence-true");
    let mut refusal =
        Reader::new(chain.mailbox("EmailTopicArn", "refusal").await, "Tripline refused");
    for rollout in [&forged, &below, &failing] {
        arm(&chain, rollout).await;
    }
    publish(&chain, &[&forged, &below, &failing], 9.0).await;

    until_stopped(&chain, &failing).await;
    let comment = failing.job().await.comment.unwrap();
    assert!(comment.contains(REASON), "{comment}");
    let told = async || email.told().await;
    let told = chain.until("an e-mail about the stop", told, |told| !told.is_empty()).await;
    assert!(told[0].text.contains(&format!("\nevidence {REASON}\n")), "{}", told[0].text);
    for (rollout, why) in
        [(&forged, "no evidence of this rollout"), (&below, "own evidence is 0.400")]
    {
        let name = rollout.alarm();
        let words = ["message_refused", &name, why];
        let refused = async || chain.logged("ForceStopperLogGroup", &words);
        chain.until("the refusal", refused, |lines| !lines.is_empty()).await;
        assert_eq!(rollout.status().await, "IN_PROGRESS");
        assert_eq!(rollout.executions().await, ["QUEUED"]);
    }
    // The second is only counted.
    let told = async || refusal.told().await;
    let told = chain.until("an e-mail about a refusal", told, |told| !told.is_empty()).await;
    assert_eq!(told.len(), 1, "{told:#?}");
}
