//! Alarm mute rules: a muted alarm is no guard, people are alerted, and nothing is made again.

use serde_json::{Value, json};
use tripline_tests::proxy::Proxy;

use super::rollout::{GUARDED_FROM, Rollout};
use super::stage::{Chain, Reader, STACK, Stage, must};

/// A quotation mark within quotation marks, for a shell.
const RULE: &str = "the night's shift";
const NAMED: &str = r"--alarm-mute-rule-name 'the night'\''s shift'";

async fn tick(chain: &Chain<'_>) -> Value {
    must(chain.stack.keep(chain.aws).await)
}

/// What the doctor says of a job's alarms.
async fn diagnosis(proxy: &Proxy, job: &str) -> Value {
    let mut doctor = must(proxy.tripline());
    doctor.args(["doctor", "--output", "json", "--stack", STACK, "--job-id", job]);
    let ran = must(proxy.run(&mut doctor, None).await);
    let mut report: Value = serde_json::from_str(&ran.stdout)
        .unwrap_or_else(|error| panic!("{error}\n{}\n{}", ran.stdout, ran.stderr));
    let mut checks = report["checks"].as_array_mut().unwrap().iter_mut();
    checks.find(|check| check["name"] == "alarms-guard-job").unwrap().take()
}

#[tokio::test]
async fn a_job_is_unguarded_while_a_rule_mutes_its_alarm_and_guarded_once_it_is_lifted() {
    let (proxy, stage) = Stage::behind_proxy(&[]).await;
    let chain = stage.chain();
    let mut email = Reader::new(chain.mailbox("EmailTopicArn", "email").await, "needs attention");
    Rollout::create(&chain, "fw", GUARDED_FROM).await;
    assert_eq!(tick(&chain).await["guardedJobs"], 1);
    // Until the alarm on the absence of evidence is there too.
    tick(&chain).await;
    tick(&chain).await;
    let alarms = async || {
        let described = chain.cloudwatch.describe_alarms().alarm_name_prefix("tripline-fw-");
        let mut alarms = described.send().await.unwrap().metric_alarms.unwrap();
        // Those on evidence have tests of their own.
        alarms.retain(|alarm| alarm.metric_name() != Some("evidence"));
        alarms
    };
    let armed = alarms().await;
    assert_eq!(armed.len(), 2);
    assert_eq!(diagnosis(&proxy, "fw").await["result"], "ok");
    proxy.clear();

    proxy.mute(RULE, &["tripline-fw-default-FailureRate"]);
    for alerted in [1, 0] {
        let summary = tick(&chain).await;
        let counted = json!([summary["guardedJobs"], summary["unguardedJobs"], summary["alerted"]]);
        assert_eq!(counted, json!([0, 1, alerted]), "{summary}");
    }
    let announced = chain
        .until("the e-mail", async || email.announced().await, |announced| !announced.is_empty())
        .await;
    let [email] = &announced[..] else { panic!("{announced:#?}") };
    assert_eq!(email.subject, "Tripline: rollout fw needs attention");
    let why = format!("its alarm `tripline-fw-default-FailureRate` is muted by the rule `{RULE}`");
    for part in [&why, &format!("aws cloudwatch delete-alarm-mute-rule {NAMED}")] {
        assert!(email.text.contains(part), "`{part}` is not in:\n{}", email.text);
    }
    let found = diagnosis(&proxy, "fw").await;
    assert_eq!((&found["result"], &found["detail"]), (&json!("finding"), &json!(why)));
    let fix = format!("aws cloudwatch delete-alarm-mute-rule --region us-east-1 {NAMED}");
    assert_eq!(found["fix"], fix);

    assert!(proxy.lift(RULE));
    let summary = tick(&chain).await;
    assert_eq!((&summary["guardedJobs"], &summary["unguardedJobs"]), (&json!(1), &json!(0)));
    assert_eq!(diagnosis(&proxy, "fw").await["result"], "ok");
    // Nothing was put again meanwhile, by whom the mute rules were asked for.
    let calls = proxy.calls();
    let named = |name: &str| calls.iter().filter(|call| call.operation == name).count();
    assert!(named("ListAlarmMuteRules") >= 3 && named("GetAlarmMuteRule") >= 1);
    assert_eq!((named("PutMetricAlarm"), named("DeleteAlarms")), (0, 0));
    assert_eq!(alarms().await, armed);
}
