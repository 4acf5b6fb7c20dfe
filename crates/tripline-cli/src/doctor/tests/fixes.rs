//! The commands that fix what was found: what is in them, and in which order.

use super::sound::*;
use crate::doctor::checks::checks;
use crate::doctor::facts::Facts;
use crate::doctor::result::NotProven;

/// What a check finds, and the lines that fix it.
fn found(facts: &Facts, check: &str) -> (String, Vec<String>) {
    let check = checks().find(|one| one.name == check).unwrap();
    match (check.judge)(facts) {
        Err(NotProven::Finding { what, fix }) => (what, fix.lines().map(str::to_owned).collect()),
        other => panic!("{other:?}"),
    }
}

/// Gives the stopper's role exactly these rights.
fn stopper_may(facts: &mut Facts, statements: &str) {
    facts.stopper_role.as_mut().unwrap().as_mut().unwrap().policy = policy(statements);
}

/// The policy of a command `put-role-policy`.
fn document_of(fix: &str) -> String {
    let (_, document) = fix.split_once("--policy-document '").unwrap();
    document.trim_end_matches('\'').to_owned()
}

#[test]
fn what_a_role_lacks_is_given_to_it_for_every_job() {
    let mut facts = sound();
    stopper_may(&mut facts, r#"{"Effect":"Allow","NotAction":"iot:CancelJob","Resource":"*"}"#);
    let (what, fix) = found(&facts, "stopper-role-sufficient");
    assert!(what.contains("`iot:CancelJob` on `arn:aws:iot:us-east-1:111122223333:job/*`"));
    let document = document_of(&fix[0]);
    assert!(document.contains(r#""Resource":"arn:aws:iot:us-east-1:111122223333:job/*""#));
    // It fixes.
    let role = facts.stopper_role.as_mut().unwrap().as_mut().unwrap();
    role.policy.add(tripline_policy::Policy::parse(&document).unwrap());
    let check = checks().find(|check| check.name == "stopper-role-sufficient").unwrap();
    assert!((check.judge)(&facts).is_ok());
}

/// A right to one job's evidence is none to every job's.
#[test]
fn evidence_has_to_be_readable_of_every_job() {
    let statements = |operator: &str, key: &str| {
        format!(
            r#"{{"Effect":"Allow","NotAction":"dynamodb:GetItem","Resource":"*"}},{{"Effect":"Allow","Action":"dynamodb:GetItem","Resource":"*","Condition":{{"{operator}":{{"dynamodb:LeadingKeys":["{key}","$holds"]}}}}}}"#
        )
    };
    let check = checks().find(|check| check.name == "stopper-role-sufficient").unwrap();
    for (operator, key, is_enough) in [
        ("ForAllValues:StringLike", "evidence#*", true),
        ("ForAllValues:StringEquals", "evidence#*", false),
        ("ForAllValues:StringLike", "evidence#any", false),
        ("ForAllValues:StringLike", "$force-stopper", false),
    ] {
        let mut facts = sound();
        stopper_may(&mut facts, &statements(operator, key));
        assert_eq!((check.judge)(&facts).is_ok(), is_enough, "{operator} {key}");
        if is_enough {
            continue;
        }
        let (what, fix) = found(&facts, "stopper-role-sufficient");
        assert!(what.contains("`dynamodb:GetItem` on `arn:aws:dynamodb:"), "{what}");
        let condition = r#""Condition":{"StringLike":{"dynamodb:LeadingKeys":"evidence#*"}}"#;
        let document = document_of(&fix[0]);
        assert!(document.contains(condition), "{document}");
        let role = facts.stopper_role.as_mut().unwrap().as_mut().unwrap();
        role.policy.add(tripline_policy::Policy::parse(&document).unwrap());
        assert!((check.judge)(&facts).is_ok());
    }
}

#[test]
fn what_was_fixed_before_stays() {
    let name = |action: &str| {
        let mut facts = sound();
        let but = format!(r#"{{"Effect":"Allow","NotAction":"{action}","Resource":"*"}}"#);
        stopper_may(&mut facts, &but);
        let (_, fix) = found(&facts, "stopper-role-sufficient");
        fix[0]
            .split_whitespace()
            .skip_while(|word| *word != "--policy-name")
            .nth(1)
            .map(str::to_owned)
    };
    assert_eq!(name("iot:CancelJob"), name("iot:CancelJob"));
    assert_ne!(name("iot:CancelJob"), name("iot:DescribeJob"));
}

#[test]
fn the_right_to_publish_metrics_stays_one_for_their_namespace() {
    let mut facts = sound();
    facts.generator_role.as_mut().unwrap().as_mut().unwrap().policy =
        policy(r#"{"Effect":"Allow","NotAction":"cloudwatch:*","Resource":"*"}"#);
    let (_, fix) = found(&facts, "generator-role-sufficient");
    let condition =
        r#""Condition":{"StringEquals":{"cloudwatch:namespace":"IoT:OTA:JobExecution"}}"#;
    assert!(fix[0].contains(condition), "{fix:?}");
}

#[test]
fn a_function_that_runs_under_another_role_gets_its_own_again() {
    let mut facts = sound();
    facts.stopper.runs.as_mut().unwrap().as_mut().unwrap().role = "arn:x:role/other".to_owned();
    let (what, fix) = found(&facts, "stopper-role-sufficient");
    assert_eq!(what, "it runs under the role `other`, and not under the stack's `stopper`");
    assert_eq!(
        fix,
        [
            "aws lambda update-function-configuration --function-name stopper --role arn:aws:iam::111122223333:role/stopper"
        ]
    );
}

/// Nothing could be stopped in between.
#[test]
fn a_source_is_let_in_before_a_wider_right_is_taken_away() {
    let mut facts = sound();
    let wide = r#"{"Sid":"wide","Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"*"}"#;
    facts.stopper.policy = Ok(Some(policy(wide)));
    let (_, fix) = found(&facts, "topic-can-invoke-stopper");
    let verbs: Vec<_> = fix.iter().filter_map(|line| line.split(' ').nth(2)).collect();
    assert_eq!(verbs, ["add-permission", "remove-permission"]);
    // Where the narrow one is there, only the wide one goes.
    let mut both = invoked_by("sns.amazonaws.com", STOPPER, STOP);
    both.add(policy(wide));
    facts.stopper.policy = Ok(Some(both));
    let (_, fix) = found(&facts, "topic-can-invoke-stopper");
    assert_eq!(
        fix,
        [format!("aws lambda remove-permission --function-name {STOPPER} --statement-id wide")]
    );
}

/// A statement's id cannot be used twice: neither that of a stale statement nor that of another source.
#[test]
fn a_stale_permission_is_named_and_not_met_with() {
    let mut facts = sound();
    facts.stopper.policy = Ok(Some(invoked_by("sns.amazonaws.com", STOPPER, EMAIL)));
    let (what, fix) = found(&facts, "topic-can-invoke-stopper");
    assert!(what.contains(&format!("`{STOP}` may not invoke `{STOPPER}`")), "{what}");
    assert!(what.contains(&format!("but `{EMAIL}` may invoke")), "{what}");
    assert!(fix[1].ends_with("remove-permission --function-name arn:aws:lambda:us-east-1:111122223333:function:stopper --statement-id s"), "{fix:?}");
    let id = |fix: &str| {
        fix.split("--statement-id ").nth(1).unwrap().split(' ').next().unwrap().to_owned()
    };
    let before = id(&fix[0]);
    facts.stack.outputs.insert("ForceStopTopicArn".to_owned(), format!("{STOP}-2"));
    let (_, fix) = found(&facts, "topic-can-invoke-stopper");
    assert_ne!(id(&fix[0]), before);
    assert!(before.starts_with("tripline-force-stop-"), "{before}");
}

#[test]
fn the_rule_gets_its_error_action_by_the_stack_s_role() {
    let mut facts = sound();
    let rule = facts.rule.as_mut().unwrap().as_mut().unwrap();
    rule.error_action = None;
    rule.actions = vec![crate::doctor::facts::Action::Lambda(GENERATOR.to_owned())];
    facts.ingest = Ok(crate::doctor::facts::Ingest::Direct);
    let (_, fix) = found(&facts, "rule-has-error-action");
    let role = r#""roleArn":"arn:aws:iam::111122223333:role/rule""#;
    assert!(fix[0].contains(role), "{fix:?}");
    // Where the resources cannot be seen, no command is said that cannot be run.
    facts.resources = Err(crate::doctor::facts::NoAnswer::NotAsked);
    let (_, fix) = found(&facts, "rule-has-error-action");
    assert!(fix[0].contains("describe-stack-resource"), "{fix:?}");
}

#[test]
fn what_is_dropped_is_kept_as_the_template_keeps_it() {
    let mut facts = sound();
    facts.stopper.on_failure = Ok(None);
    let (_, fix) = found(&facts, "stopper-has-failure-destination");
    let expected = format!(
        r#"aws lambda put-function-event-invoke-config --function-name stopper --qualifier '$LATEST' --maximum-retry-attempts 2 --maximum-event-age-in-seconds 3600 --destination-config '{{"OnFailure":{{"Destination":"{UNDELIVERED}"}}}}'"#
    );
    assert_eq!(fix, [expected]);
}
