//! An alarm on evidence, from the datum to the stop: whoever may publish metrics can make it fire, and
//! only what the guard-keeper has written down makes it true.

use std::time::Duration;

use aws_sdk_cloudwatch::types::{Dimension, MetricDatum, StandardUnit, Statistic};
use aws_sdk_iotjobsdataplane::types::JobExecutionStatus;
use aws_sdk_lambda::types::Environment;
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
    let announced = async || email.announced().await;
    let announced =
        chain.until("an e-mail about the stop", announced, |announced| !announced.is_empty()).await;
    assert!(announced[0].text.contains(&format!("\nevidence {REASON}\n")), "{}", announced[0].text);
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
    let announced = async || refusal.announced().await;
    let announced = chain
        .until("an e-mail about a refusal", announced, |announced| !announced.is_empty())
        .await;
    assert_eq!(announced.len(), 1, "{announced:#?}");
}

/// How long a minute of evidence is here.
const MINUTE: Duration = Duration::from_secs(2);

/// Shortens the guard-keeper's minutes, which no template does.
async fn shorten_minutes(chain: &Chain<'_>) {
    let lambda = aws_sdk_lambda::Client::new(&chain.aws.config());
    let function = chain.output("GuardKeeperFunctionArn").rsplit(':').next().unwrap();
    let now = lambda.get_function_configuration().function_name(function).send().await.unwrap();
    let mut variables = now.environment.unwrap().variables.unwrap();
    variables.insert("EVIDENCE_MINUTE_SECONDS".to_owned(), MINUTE.as_secs().to_string());
    let environment = Environment::builder().set_variables(Some(variables)).build();
    let update = lambda.update_function_configuration().function_name(function);
    update.environment(environment).send().await.unwrap();
}

/// What the guard-keeper has written down of a rollout.
fn written(chain: &Chain<'_>, rollout: &Rollout<'_>) -> Record {
    let get = json!({
        "TableName": chain.output("GuardsTableName"),
        "Key": {"jobId": {"S": format!("{}{}", Record::KEY_PREFIX, rollout.id)}},
    });
    let answer = must(chain.aws.post("dynamodb", "DynamoDB_20120810.GetItem", &get));
    let text = answer["Item"][Record::ATTRIBUTE]["S"].as_str().unwrap();
    Record::from_text(text).unwrap()
}

/// Their jobs have no timeout, no abort criteria and no `downloadTime`: the devices of one begin and are
/// never heard of again, those of the other end.
#[tokio::test]
async fn devices_that_hang_are_stopped_and_a_healthy_rollout_completes() {
    const DEVICES: usize = 30;
    let parameters = [
        ("EvidenceAction", "stop"),
        ("EvidenceUnfinishedLimits", "4:30 8:5"),
        ("KeeperConcurrency", "shared"),
    ];
    let (_proxy, stage) = Stage::behind_proxy(&parameters).await;
    let chain = stage.chain();
    shorten_minutes(&chain).await;
    let hanging = Rollout::create(&chain, "hanging", DEVICES).await;
    let healthy = Rollout::create(&chain, "healthy", DEVICES).await;
    let mut email = Reader::new(chain.mailbox("EmailTopicArn", "hanging").await, "hanging");
    for device in 0..DEVICES {
        hanging.begins(device).await;
        healthy.begins(device).await;
    }
    // The schedule is off; this one has shorter minutes.
    let mut schedule = tokio::time::interval(MINUTE);
    let mut minutes = 0;
    while hanging.status().await == "IN_PROGRESS" {
        schedule.tick().await;
        must(chain.stack.keep(chain.aws).await);
        // All of them end between two looks, however long these take here.
        for device in (0..DEVICES).filter(|_| minutes == 0) {
            healthy.reports(device, JobExecutionStatus::Succeeded, &[]).await;
        }
        minutes += 1;
        assert!(minutes < 40, "{:?}", written(&chain, &hanging));
    }
    let record = written(&chain, &hanging);
    assert!(record.stops && record.reaches(record.threshold), "{record:?}");
    let comment = hanging.job().await.comment.unwrap();
    // A minute later the sentence may be another.
    assert!(comment.contains(" of 30 devices"), "{comment}");
    let said = async || email.announced().await;
    let said = chain.until("an e-mail about the stop", said, |said| !said.is_empty()).await;
    assert!(said.iter().any(|email| email.text.contains(" of 30 devices")), "{said:#?}");
    let status = async || healthy.status().await;
    chain.until("the healthy one to complete", status, |is| is == "COMPLETED").await;
    assert_eq!(healthy.executions().await, ["SUCCEEDED"; DEVICES]);
}
