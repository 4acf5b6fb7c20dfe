//! `--fix`: fixes what is safe, says so, and checks again.

use super::stage::{JOB, Stage};

#[tokio::test]
async fn what_is_safe_is_fixed_and_proven() {
    let stage = Stage::new(&[("AlarmEmailEndpoint", "ops@example.com")]).await;
    stage.job(JOB, true).await;
    let file = stage.config_file();
    let arguments = ["--job-id", JOB, "--config", file.as_str()];

    stage.events(false).await;
    let mut rule = stage.rule().await;
    rule.rule_disabled = Some(true);
    stage.set_rule(rule).await;
    for function in
        ["MetricsGeneratorFunctionArn", "ForceStopperFunctionArn", "GuardKeeperFunctionArn"]
    {
        let function = stage.output(function);
        let policy = stage.lambda.get_policy().function_name(function).send().await.unwrap();
        let policy: serde_json::Value = serde_json::from_str(policy.policy().unwrap()).unwrap();
        let remove = stage.lambda.remove_permission().function_name(function);
        let sid = policy["Statement"][0]["Sid"].as_str().unwrap();
        remove.statement_id(sid).send().await.unwrap();
    }
    let before = stage.doctor(&arguments).await;
    let broken = [
        "alarms-exist",
        "job-events-enabled",
        "rule-can-invoke-generator",
        "rule-enabled",
        "schedule-can-invoke-keeper",
        "topic-can-invoke-stopper",
    ];
    assert_eq!(before.findings().into_iter().collect::<Vec<_>>(), broken);

    // What is accepted stays as it is, the account's setting above all.
    let keep = ["--fix", "--allow", "job-events-enabled", "--only", "job-events-enabled"];
    let kept = stage.doctor(&[&keep[..], &["--only", "rule-enabled"]].concat()).await;
    assert_eq!(kept.code, Some(0), "{kept:#?}");
    assert_eq!(kept.findings().into_iter().collect::<Vec<_>>(), ["job-events-enabled"]);
    assert!(kept.checks["rule-enabled"]["fixed"].is_string(), "{kept:#?}");
    let said = "not fixed: job-events-enabled: allowed by `--allow`\n";
    assert!(kept.stderr.contains(said), "{}", kept.stderr);
    let mut rule = stage.rule().await;
    rule.rule_disabled = Some(true);
    stage.set_rule(rule).await;

    let fixed = stage.doctor(&[&arguments[..], &["--fix"]].concat()).await;
    assert_eq!((fixed.code, fixed.findings().len()), (Some(0), 0), "{fixed:#?}");
    for check in broken {
        assert!(fixed.checks[check]["fixed"].is_string(), "{check}");
        assert!(fixed.stderr.contains(&format!("fix: {check}: ")), "{}", fixed.stderr);
    }

    // Alarms whose actions are off, and one that is gone.
    stage
        .cloudwatch
        .disable_alarm_actions()
        .alarm_names("tripline-sound-Failures")
        .send()
        .await
        .unwrap();
    let fixed = stage.doctor(&["--job-id", JOB, "--fix"]).await;
    assert_eq!(fixed.code, Some(0), "{fixed:#?}");
    stage.cloudwatch.delete_alarms().alarm_names("tripline-sound-Failures").send().await.unwrap();
    let fixed = stage.doctor(&[&arguments[..], &["--fix"]].concat()).await;
    assert_eq!(fixed.code, Some(0), "{fixed:#?}");

    // What is not safe stays a finding.
    stage
        .sqs
        .send_message()
        .queue_url(stage.output("UndeliveredQueueUrl"))
        .message_body("{}")
        .send()
        .await
        .unwrap();
    let left = stage.doctor(&["--fix"]).await;
    assert_eq!(
        (left.code, left.findings().into_iter().collect::<Vec<_>>()),
        (Some(1), vec!["undelivered-queue-empty"])
    );
}
