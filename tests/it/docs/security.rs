//! SECURITY.md: the tests that it names are there, and its policy does what it says.

use tripline_policy::{Decision, Policy, Request};
use tripline_tests::workspace::root;

use super::{blocks, read};

const DOCUMENT: &str = "SECURITY.md";

/// The role by which CloudFormation deploys the stack.
const SERVICE_ROLE: &str = "platform-deployer-cloudformation";

#[test]
fn every_test_that_security_names_is_there() {
    let mut found = 0;
    for word in super::words(DOCUMENT) {
        let Some((path, test)) = word.split_once(".rs::") else { continue };
        let path = format!("{path}.rs");
        assert!(root().join(&path).is_file(), "{DOCUMENT}: there is no {path}");
        let function = format!("fn {test}(");
        let source = read(&path);
        let (before, _) = source.split_once(&function).unwrap_or_else(|| {
            panic!("{DOCUMENT}: there is no test `{test}` in {path}");
        });
        let mut above = before.trim_end_matches("async ").trim_end().lines().rev().map(str::trim);
        let is_test = above
            .find(|line| {
                line.starts_with("#[test")
                    || line.starts_with("#[tokio::test")
                    || line.ends_with('}')
            })
            .is_some_and(|line| line.starts_with('#'));
        assert!(is_test, "{DOCUMENT}: `{test}` in {path} is no test");
        found += 1;
    }
    assert!(found >= 25, "only {found} tests found");
}

/// Each threat has one, so that a claim without a test is seen.
#[test]
fn every_threat_names_its_test() {
    let page = read(DOCUMENT);
    let (_, threats) = page.split_once("| who | can |").expect("the table of threats");
    let rows: Vec<&str> = threats.lines().skip(2).take_while(|row| row.starts_with('|')).collect();
    assert!(rows.len() >= 12, "{}", rows.len());
    for row in rows {
        assert!(row.contains(".rs::"), "{DOCUMENT}: no test in {row}");
    }
}

#[test]
fn security_is_short() {
    let lines = read(DOCUMENT).lines().count();
    assert!(lines <= 200, "{DOCUMENT} has {lines} lines (expected at most 200)");
}

/// A role that the policy does not exempt could deploy nothing.
#[test]
fn the_service_role_has_one_name_on_both_pages() {
    let advised = format!("role/{SERVICE_ROLE}");
    for page in [DOCUMENT, "docs/guide/install.md"] {
        assert!(read(page).contains(&advised), "{page} has no {advised}");
    }
}

/// The service control policy beside the one that an organization has by default.
fn with_the_policy() -> Policy {
    let [shown] = blocks(DOCUMENT, "json").try_into().expect("one policy");
    let json: serde_json::Value = serde_json::from_str(&shown).expect("JSON");
    // As AWS counts, without blanks.
    assert!(json.to_string().len() <= 5_120, "{}", json.to_string().len());
    let mut policy = Policy::parse(&shown).expect("a policy");
    let all = r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
    policy.add(Policy::parse(all).expect("a policy"));
    policy
}

#[test]
fn the_service_control_policy_keeps_others_out_and_lets_tripline_work() {
    const ALARM: &str =
        "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:tripline-fw-2-1-default-failures";
    const OTHER_ALARM: &str = "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:pipeline";
    const TOPIC: &str = "arn:aws:sns:eu-west-1:123456789012:tripline-ForceStopTopic-AbC";
    const OTHER_TOPIC: &str = "arn:aws:sns:eu-west-1:123456789012:pagers";
    const ROLE: &str = "arn:aws:iam::123456789012:role/tripline-GuardKeeperRole-AbC";
    const NAMESPACE: &str = "cloudwatch:namespace";
    const ACTIONS: &str = "cloudwatch:AlarmActions";
    let (yes, no) = (Decision::Allowed, Decision::Denied);
    let policy = with_the_policy();
    let put = "cloudwatch:PutMetricAlarm";
    for (who, action, on, context, expected) in [
        ("developer", "cloudwatch:PutMetricData", "*", (NAMESPACE, "IoT:OTA:JobExecution"), no),
        ("developer", "cloudwatch:PutMetricData", "*", (NAMESPACE, "Tripline"), no),
        ("developer", "cloudwatch:PutMetricData", "*", (NAMESPACE, "Shop"), yes),
        ("firmware-operator", "cloudwatch:PutMetricData", "*", (NAMESPACE, "Tripline"), no),
        (
            "tripline-GuardKeeperRole-AbC",
            "cloudwatch:PutMetricData",
            "*",
            (NAMESPACE, "Tripline"),
            yes,
        ),
        (
            "tripline-MetricsGeneratorRole-AbC",
            "cloudwatch:PutMetricData",
            "*",
            (NAMESPACE, "IoT:OTA:JobExecution"),
            yes,
        ),
        (
            "tripline-ForceStopperRole-AbC",
            "cloudwatch:PutMetricData",
            "*",
            (NAMESPACE, "Tripline"),
            no,
        ),
        ("developer", put, ALARM, (ACTIONS, OTHER_TOPIC), no),
        ("developer", put, OTHER_ALARM, (ACTIONS, OTHER_TOPIC), yes),
        // Whatever it is called, it would stop rollouts.
        ("developer", put, OTHER_ALARM, (ACTIONS, TOPIC), no),
        ("developer", "cloudwatch:PutCompositeAlarm", OTHER_ALARM, (ACTIONS, TOPIC), no),
        ("tripline-GuardKeeperRole-AbC", put, ALARM, (ACTIONS, TOPIC), yes),
        ("tripline-WaveRunnerRole-AbC", put, ALARM, (ACTIONS, TOPIC), yes),
        ("firmware-operator", put, ALARM, (ACTIONS, TOPIC), yes),
        // The stack's own alarms are called as the stack is.
        ("platform-deployer", put, ALARM, (ACTIONS, OTHER_TOPIC), yes),
        ("platform-deployer", put, OTHER_ALARM, (ACTIONS, TOPIC), no),
        // So they are for CloudFormation, if it acts by a service role.
        (SERVICE_ROLE, put, ALARM, (ACTIONS, OTHER_TOPIC), yes),
        (SERVICE_ROLE, put, OTHER_ALARM, (ACTIONS, TOPIC), no),
        (SERVICE_ROLE, "cloudwatch:DeleteAlarms", ALARM, ("", ""), yes),
        (SERVICE_ROLE, "cloudwatch:PutMetricData", "*", (NAMESPACE, "Tripline"), no),
        (SERVICE_ROLE, "cloudwatch:PutAlarmMuteRule", "*", ("", ""), no),
        ("developer", "cloudwatch:DeleteAlarms", ALARM, ("", ""), no),
        ("developer", "cloudwatch:DisableAlarmActions", ALARM, ("", ""), no),
        ("developer", "cloudwatch:SetAlarmState", ALARM, ("", ""), no),
        ("developer", "cloudwatch:UntagResource", ALARM, ("", ""), no),
        ("developer", "cloudwatch:DeleteAlarms", OTHER_ALARM, ("", ""), yes),
        ("developer", "cloudwatch:DescribeAlarms", "*", ("", ""), yes),
        ("developer", "cloudwatch:PutAlarmMuteRule", "*", ("", ""), no),
        ("firmware-operator", "cloudwatch:PutAlarmMuteRule", "*", ("", ""), yes),
        ("developer", "iam:CreateRole", ROLE, ("", ""), no),
        ("developer", "iam:PassRole", ROLE, ("", ""), no),
        ("firmware-operator", "iam:PutRolePolicy", ROLE, ("", ""), no),
        ("platform-deployer", "iam:CreateRole", ROLE, ("", ""), yes),
        (SERVICE_ROLE, "iam:CreateRole", ROLE, ("", ""), yes),
        (SERVICE_ROLE, "iam:PutRolePolicy", ROLE, ("", ""), yes),
        (SERVICE_ROLE, "iam:PassRole", ROLE, ("", ""), yes),
        // A role that is only called as the stack's are.
        ("tripline-deployer", "iam:PassRole", ROLE, ("", ""), no),
        ("developer", "iam:PassRole", "arn:aws:iam::123456789012:role/pump-ota", ("", ""), yes),
    ] {
        let who = format!("arn:aws:iam::123456789012:role/{who}");
        // A key that a call does not have: nobody's namespace, no action.
        let context = [("aws:PrincipalArn", who.as_str()), context];
        let decided =
            policy.decide(Request { service: None, action, resource: on, context: &context });
        // An alarm whose actions are not given may have any.
        let unclear = decided == Decision::Unclear && context[1].0.is_empty() && expected == yes;
        assert!(decided == expected || unclear, "{who} {action} on {on} {context:?}: {decided:?}");
    }
}

/// Names as CloudFormation makes them of the template's.
#[test]
fn only_the_deployers_change_the_stack() {
    const HERE: &str = "eu-west-1:123456789012";
    const GENERATOR: &str = "tripline-MetricsGeneratorFunction-AbC";
    const ANY_ROLE: &str = "tripline-ForceStopperRole-AbC";
    let arn = |service: &str, resource: &str| format!("arn:aws:{service}:{HERE}:{resource}");
    let role = format!("arn:aws:iam::123456789012:role/{ANY_ROLE}");
    let function = arn("lambda", &format!("function:{GENERATOR}"));
    let schedule = arn("events", "rule/tripline-GuardKeeperSchedule-AbC");
    // CloudFormation's documentation has the first form.
    let rule = arn("iot", "rule/triplineJobExecutionRule12ABC");
    let other_rule = arn("iot", "rule/tripline_JobExecutionRule_12abc");
    let topic = arn("sns", "tripline-ForceStopTopic-AbC");
    let ingest = arn("sqs", "tripline-IngestQueue-AbC");
    let guards = arn("dynamodb", "table/tripline-GuardsTable-AbC");
    let logs = arn("logs", "log-group:/aws/lambda/tripline/force-stopper");
    let stack = arn("cloudformation", "stack/tripline/0a1b2c3d");
    let policy = with_the_policy();
    let decide = |who: &str, action: &str, resource: &str| {
        let who = format!("arn:aws:iam::123456789012:role/{who}");
        let context = [("aws:PrincipalArn", who.as_str())];
        policy.decide(Request { service: None, action, resource, context: &context })
    };
    // What only whoever deploys the stack may do.
    for (action, on) in [
        ("iam:CreateRole", &role),
        ("iam:DeleteRole", &role),
        ("iam:PutRolePolicy", &role),
        ("iam:DeleteRolePolicy", &role),
        ("iam:AttachRolePolicy", &role),
        ("iam:DetachRolePolicy", &role),
        ("iam:PutRolePermissionsBoundary", &role),
        ("iam:DeleteRolePermissionsBoundary", &role),
        ("iam:UpdateAssumeRolePolicy", &role),
        ("iam:PassRole", &role),
        ("cloudformation:CreateChangeSet", &stack),
        ("cloudformation:ExecuteChangeSet", &stack),
        ("cloudformation:UpdateStack", &stack),
        ("cloudformation:DeleteStack", &stack),
        ("lambda:UpdateFunctionCode", &function),
        ("lambda:UpdateFunctionConfiguration", &function),
        ("lambda:PutFunctionConcurrency", &function),
        ("lambda:PutFunctionEventInvokeConfig", &function),
        ("lambda:DeleteFunction", &function),
        ("lambda:RemovePermission", &function),
        ("events:PutRule", &schedule),
        ("events:DisableRule", &schedule),
        ("events:RemoveTargets", &schedule),
        ("iot:ReplaceTopicRule", &rule),
        ("iot:DisableTopicRule", &rule),
        ("iot:DisableTopicRule", &other_rule),
        ("sns:SetTopicAttributes", &topic),
        ("sns:AddPermission", &topic),
        ("sns:DeleteTopic", &topic),
        ("sqs:PurgeQueue", &ingest),
        ("sqs:SetQueueAttributes", &ingest),
        ("dynamodb:DeleteTable", &guards),
        ("logs:DeleteLogGroup", &logs),
    ] {
        for who in ["developer", "firmware-operator", "tripline-deployer", ANY_ROLE] {
            assert_eq!(decide(who, action, on), Decision::Denied, "{who} {action} on {on}");
        }
        for who in ["platform-deployer", SERVICE_ROLE] {
            assert_eq!(decide(who, action, on), Decision::Allowed, "{who} {action} on {on}");
        }
    }
    // What Tripline itself and its operators do.
    for (action, on) in [
        ("lambda:InvokeFunction", &function),
        ("lambda:InvokeFunctionUrl", &function),
        ("lambda:AddPermission", &function),
        ("sqs:SendMessage", &ingest),
        ("dynamodb:PutItem", &guards),
        ("dynamodb:UpdateItem", &guards),
        ("dynamodb:DeleteItem", &guards),
        ("dynamodb:PartiQLUpdate", &guards),
    ] {
        for who in ["developer", "tripline-deployer"] {
            assert_eq!(decide(who, action, on), Decision::Denied, "{who} {action} on {on}");
        }
        for who in ["firmware-operator", SERVICE_ROLE, ANY_ROLE] {
            assert_eq!(decide(who, action, on), Decision::Allowed, "{who} {action} on {on}");
        }
    }
    // What it takes from nobody: the last table of the page, whoever reads, and what is not the stack's.
    for (action, on) in [
        ("iot:CancelJob", arn("iot", "job/fw")),
        ("iot:UpdateJob", arn("iot", "job/fw")),
        ("iot:UpdateEventConfigurations", "*".to_owned()),
        ("sns:Unsubscribe", "*".to_owned()),
        ("sns:Subscribe", arn("sns", "tripline-EmailTopic-AbC")),
        ("kms:DisableKey", arn("kms", "key/0a1b2c3d")),
        ("dynamodb:PutItem", arn("dynamodb", "table/tripline-QueueTable-AbC")),
        ("dynamodb:GetItem", guards.clone()),
        ("sqs:DeleteMessage", arn("sqs", "tripline-UndeliveredQueue-AbC")),
        ("lambda:GetFunction", function.clone()),
        ("iam:GetRolePolicy", role.clone()),
        ("cloudformation:DescribeStacks", stack.clone()),
        // A drill's queue.
        ("sqs:DeleteQueue", arn("sqs", "tripline-drill-abcdefghijkl")),
        ("lambda:UpdateFunctionCode", arn("lambda", "function:shop")),
        ("events:DisableRule", arn("events", "rule/nightly")),
        ("iot:ReplaceTopicRule", arn("iot", "rule/telemetry")),
        ("iam:PutRolePolicy", "arn:aws:iam::123456789012:role/pump-ota".to_owned()),
    ] {
        let decided = decide("developer", action, &on);
        assert_eq!(decided, Decision::Allowed, "developer {action} on {on}");
    }
}
