//! Faults that need another stack: one that failed, one that is not Tripline's, and one whose guard-keeper
//! has never run.

use std::collections::BTreeSet;

use serde_json::json;
use tripline_tests::stack::Stack;

use super::commands;
use super::seeds::{Role, deny, failed, rule};
use super::stage::Stage;

/// The checks that are proven here.
pub const CHECKS: [&str; 3] = ["stack-complete", "stack-outputs-present", "keeper-running"];

const FOREIGN: &str = "
AWSTemplateFormatVersion: '2010-09-09'
Resources:
  Topic: { Type: AWS::SNS::Topic }
Outputs:
  ForceStopTopicArn: { Value: !Ref Topic }
";

/// A resource that cannot be made: nobody is there to make it.
const NOBODY_THERE: &str = "Custom::Nothing, Properties: { ServiceToken: 'arn:aws:lambda:us-east-1:000000000000:function:nobody' }";

#[tokio::test]
async fn a_stack_that_is_not_tripline_s_is_found_and_nothing_else_is_guessed() {
    let stage = Stage::new(&[("AlarmEmailEndpoint", "ops@example.com")]).await;
    let foreign = Stack::create_from(&stage.aws, "foreign", FOREIGN, &[]).await.unwrap();
    let examined = stage.doctor(&["--stack", foreign.name()]).await;
    assert_eq!(examined.code, Some(1));
    assert_eq!(
        examined.findings().into_iter().collect::<Vec<_>>(),
        ["stack-outputs-present"],
        "{examined:#?}"
    );
    assert!(examined.with("skipped").len() > 20, "{examined:#?}");

    let broken = FOREIGN.replace("AWS::SNS::Topic", NOBODY_THERE);
    assert!(Stack::create_from(&stage.aws, "broken", &broken, &[]).await.is_err());
    let examined = stage.doctor(&["--stack", "broken"]).await;
    assert!(examined.findings().contains("stack-complete"), "{examined:#?}");
    // A stack that failed has no outputs either.
    let others = examined.findings().into_iter().filter(|check| *check != "stack-complete");
    assert!(others.into_iter().all(|check| check == "stack-outputs-present"), "{examined:#?}");
}

#[tokio::test]
async fn a_direct_stack_is_sound_too_and_what_cannot_be_asked_is_not_proven() {
    let stage = Stage::unspoken(&[("AlarmEmailEndpoint", "ops@example.com")]).await;
    // Its schedule begins in a minute.
    let silent = stage.doctor(&[]).await;
    assert_eq!((silent.code, silent.findings().len()), (Some(0), 0), "{silent:#?}");
    let runs = &silent.checks["keeper-running"];
    assert_eq!((&runs["result"], &runs["counts"]), (&"unknown".into(), &false.into()), "{runs}");
    assert!(runs["detail"].as_str().unwrap().starts_with("the stack was deployed "), "{runs}");

    stage.tick().await;
    let sound = stage.doctor(&[]).await;
    assert_eq!((sound.code, sound.findings().len()), (Some(0), 0), "{sound:#?}");

    let denied = |stage: &Stage| {
        stage.proxy.fail_next(
            |call| call.operation.starts_with("GET /rules/"),
            403,
            "AccessDeniedException",
            20,
        );
    };
    denied(&stage);
    let examined = stage.doctor(&[]).await;
    assert_eq!(examined.code, Some(1), "{examined:#?}");
    let unknown: Vec<_> = examined.with("unknown").into_iter().collect();
    assert_eq!(
        unknown,
        [
            "rule-can-send-to-queues",
            "rule-enabled",
            "rule-has-error-action",
            "rule-sql-matches",
            "rule-targets-generator"
        ]
    );
    assert!(
        examined.checks["rule-sql-matches"]["detail"]
            .as_str()
            .unwrap()
            .starts_with("may not be asked")
    );
    denied(&stage);
    let examined = stage.doctor(&["--allow-unknown"]).await;
    assert_eq!(examined.code, Some(0), "{examined:#?}");
}

/// One that cannot run is not waited for, however new the stack is.
#[tokio::test]
async fn a_guard_keeper_that_fails_before_it_has_spoken_is_found() {
    let stage = Stage::unspoken(&[("AlarmEmailEndpoint", "ops@example.com")]).await;
    failed(&stage, "GuardKeeperFunctionArn", "Errors").await;
    let examined = stage.doctor(&["--only", "keeper-running"]).await;
    let found: Vec<_> = examined.findings().into_iter().collect();
    assert_eq!((examined.code, found), (Some(1), vec!["keeper-running"]), "{examined:#?}");
    let fix = examined.checks["keeper-running"]["fix"].as_str().unwrap();
    assert!(fix.starts_with("aws logs filter-log-events --region us-east-1 --log-group"), "{fix}");
}

#[tokio::test]
async fn no_stack_is_the_user_s_fault_and_no_aws_is_not() {
    let stage = Stage::new(&[]).await;
    let ran = stage.tripline(&["doctor", "--stack", "none"]).await;
    assert_eq!((ran.status.code(), ran.stdout.as_str()), (Some(2), ""));
    assert!(ran.stderr.starts_with("error: there is no stack `none`"), "{}", ran.stderr);

    stage.proxy.fail_next(|call| call.operation == "DescribeStacks", 403, "AccessDenied", 1);
    let ran = stage.tripline(&["doctor"]).await;
    assert_eq!(ran.status.code(), Some(3), "{}", ran.stderr);

    let ran = stage.tripline(&["doctor", "--only", "alarms-exist"]).await;
    assert_eq!(ran.status.code(), Some(2), "{}", ran.stderr);
    let ran = stage.tripline(&["doctor", "--only", "no-such-check"]).await;
    assert_eq!(ran.status.code(), Some(2), "{}", ran.stderr);

    // Nobody is alerted to anything: allowed, if that is meant.
    let ran = stage.tripline(&["doctor"]).await;
    assert_eq!(ran.status.code(), Some(1), "{}", ran.stderr);
    let ran = stage.tripline(&["doctor", "--allow", "email-has-recipient"]).await;
    assert_eq!(ran.status.code(), Some(0), "{}", ran.stderr);
}

/// What cannot be read of a policy is neither sound nor broken; what can be read is no finding.
#[tokio::test]
async fn a_denial_on_a_condition_that_is_not_known_is_unknown() {
    let stage = Stage::new(&[("AlarmEmailEndpoint", "ops@example.com")]).await;
    let elsewhere = json!({"StringNotEquals": {"aws:RequestedRegion": "us-east-1"}});
    deny(&stage, Role::Stopper, "*", elsewhere).await;
    let sound = stage.doctor(&[]).await;
    assert_eq!((sound.code, sound.findings().len()), (Some(0), 0), "{sound:#?}");

    let untagged = json!({"StringNotEquals": {"aws:PrincipalTag/team": "firmware"}});
    deny(&stage, Role::Stopper, "iot:CancelJob", untagged).await;
    let unclear = stage.doctor(&["--only", "stopper-role-sufficient"]).await;
    assert_eq!(unclear.code, Some(1), "{unclear:#?}");
    let check = &unclear.checks["stopper-role-sufficient"];
    assert_eq!(check["result"], "unknown", "{unclear:#?}");
    assert!(check["detail"].as_str().unwrap().contains("conditions that are not understood here"));
}

/// Without its error action a rule that invokes the function itself names no role.
#[tokio::test]
async fn the_error_action_of_a_direct_stack_comes_back_by_the_command_that_is_said() {
    let stage = Stage::new(&[("AlarmEmailEndpoint", "ops@example.com")]).await;
    rule(&stage, |rule| rule.error_action = None).await;
    let found = stage.doctor(&[]).await;
    let findings: Vec<_> = found.findings().into_iter().collect();
    assert_eq!(findings, ["rule-can-send-to-queues", "rule-has-error-action"], "{found:#?}");
    let fix = found.checks["rule-has-error-action"]["fix"].as_str().unwrap();
    commands::carry_out(&stage, fix).unwrap_or_else(|error| panic!("{error}"));
    let left = commands::sound(&stage, &BTreeSet::new()).await;
    left.unwrap_or_else(|left| panic!("{fix}: {left:#?}"));
}
