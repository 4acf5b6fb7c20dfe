//! Policies as they are written, and what IAM makes of them.

use super::document::matches;
use super::*;

const RULE: &str = "arn:aws:iot:us-east-1:111122223333:rule/tripline_rule";

fn policy(statements: &str) -> Policy {
    Policy::parse(&format!(r#"{{"Version":"2012-10-17","Statement":{statements}}}"#)).unwrap()
}

fn invoke<'a>(context: &'a [(&'a str, &'a str)]) -> Request<'a> {
    Request {
        service: Some("iot.amazonaws.com"),
        action: "lambda:InvokeFunction",
        resource: "arn:aws:lambda:us-east-1:111122223333:function:f",
        context,
    }
}

#[test]
fn a_service_is_let_in_under_its_conditions() {
    let policy = policy(&format!(
        r#"{{"Effect":"Allow","Principal":{{"Service":"iot.amazonaws.com"}},"Action":"lambda:InvokeFunction",
           "Resource":"arn:aws:lambda:us-east-1:111122223333:function:f",
           "Condition":{{"ArnLike":{{"AWS:SourceArn":"{RULE}"}},"StringEquals":{{"AWS:SourceAccount":"111122223333"}}}}}}"#
    ));
    let context = [("aws:SourceArn", RULE), ("aws:SourceAccount", "111122223333")];
    assert_eq!(policy.decide(invoke(&context)), Decision::Allowed);
    let other = [("aws:SourceArn", "arn:aws:iot:us-east-1:111122223333:rule/x"), context[1]];
    assert_eq!(policy.decide(invoke(&other)), Decision::NotAllowed);
    // Nobody said on whose behalf.
    assert_eq!(policy.decide(invoke(&[])), Decision::Unclear);
    let sns = Request { service: Some("sns.amazonaws.com"), ..invoke(&context) };
    assert_eq!(policy.decide(sns), Decision::NotAllowed);
}

#[test]
fn a_denial_goes_before_all_else() {
    let all = r#"{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}"#;
    let insecure = r#"{"Effect":"Deny","Principal":{"AWS":"*"},"Action":"sns:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}"#;
    let publish = |context| Request { action: "SNS:Publish", ..invoke(context) };
    let both = policy(&format!("[{all},{insecure}]"));
    assert_eq!(both.decide(publish(&[("aws:SecureTransport", "true")])), Decision::Allowed);
    assert_eq!(both.decide(publish(&[("aws:SecureTransport", "false")])), Decision::Denied);
    assert_eq!(both.decide(invoke(&[("aws:SecureTransport", "false")])), Decision::Allowed);
}

#[test]
fn strangers_are_whoever_is_neither_the_service_nor_of_the_account() {
    for (principal, stranger) in [
        (r#"{"Service":"iot.amazonaws.com"}"#, None),
        (r#"{"AWS":"arn:aws:iam::111122223333:role/deploys"}"#, None),
        (r#"{"AWS":"111122223333"}"#, None),
        (r#"{"Service":["iot.amazonaws.com","s3.amazonaws.com"]}"#, Some("s3.amazonaws.com")),
        (r#"{"AWS":"arn:aws:iam::999922223333:root"}"#, Some("arn:aws:iam::999922223333:root")),
        (r#"{"AWS":"*"}"#, Some("*")),
        (r#""*""#, Some("*")),
        (
            r#"{"Federated":"cognito-identity.amazonaws.com"}"#,
            Some("cognito-identity.amazonaws.com"),
        ),
    ] {
        for (effect, action, is_meant) in [
            ("Allow", "lambda:InvokeFunction", true),
            ("Allow", "lambda:*", true),
            ("Allow", "lambda:GetFunction", false),
            ("Deny", "lambda:InvokeFunction", false),
        ] {
            let policy = policy(&format!(
                r#"{{"Sid":"s","Effect":"{effect}","Principal":{principal},"Action":"{action}","Resource":"*",
                    "Condition":{{"ArnLike":{{"aws:SourceArn":"{RULE}"}}}}}}"#
            ));
            let found = policy.grants(invoke(&[]), RULE, "111122223333");
            let found: Vec<_> = found.into_iter().filter_map(|grant| grant.beyond).collect();
            let expected = stranger.filter(|_| is_meant);
            let expected = expected.map(|name| format!("`{name}`"));
            assert_eq!(found, Vec::from_iter(expected), "{principal} {effect} {action}");
        }
    }
}

/// A statement on everything with a condition.
fn under(effect: &str, operator: &str, key: &str, value: &str) -> String {
    format!(
        r#"{{"Effect":"{effect}","Principal":"*","Action":"*","Resource":"*","Condition":{{"{operator}":{{"{key}":"{value}"}}}}}}"#
    )
}

const ALL: &str = r#"{"Effect":"Allow","Principal":"*","NotAction":"iam:*","NotResource":"x"}"#;

#[test]
fn an_operator_that_is_not_known_is_unclear() {
    let ip = under("Allow", "IpAddress", "aws:SourceIp", "10.0.0.0/8");
    let no = under("Deny", "IpAddress", "aws:SourceIp", "10.0.0.0/8");
    for (statements, decision) in [
        (format!("[{ip}]"), Decision::Unclear),
        (format!("[{no},{ALL}]"), Decision::Unclear),
        (format!("[{ALL},{no}]"), Decision::Unclear),
        (format!("[{ALL},{ip}]"), Decision::Allowed),
    ] {
        assert_eq!(policy(&statements).decide(invoke(&[])), decision, "{statements}");
    }
}

/// What a request may or may not have is not taken for absent.
#[test]
fn a_key_that_is_not_known_is_unclear_whatever_the_operator() {
    for operator in [
        "StringEquals",
        "StringNotEquals",
        "StringEqualsIfExists",
        "ForAllValues:StringEquals",
        "StringLike",
        "ArnNotLike",
        "Bool",
        "Null",
    ] {
        for key in
            ["aws:SourceIp", "aws:RequestedRegion", "aws:PrincipalTag/team", "aws:SourceOrgID"]
        {
            let [no, yes] = ["Deny", "Allow"].map(|effect| under(effect, operator, key, "true"));
            let decide = |statements: &str| policy(statements).decide(invoke(&[]));
            assert_eq!(decide(&format!("[{ALL},{no}]")), Decision::Unclear, "{operator} {key}");
            assert_eq!(decide(&format!("[{yes}]")), Decision::Unclear, "{operator} {key}");
        }
    }
}

#[test]
fn a_key_that_such_a_request_never_has_is_absent() {
    let key = "AWS:PrincipalOrgID";
    for (operator, decision) in [
        ("StringEquals", Decision::NotAllowed),
        ("StringNotEquals", Decision::Allowed),
        ("StringEqualsIfExists", Decision::Allowed),
        ("ForAllValues:StringEquals", Decision::Allowed),
        ("ForAnyValue:StringEquals", Decision::NotAllowed),
    ] {
        let policy = policy(&format!("[{}]", under("Allow", operator, key, "o-1")));
        assert_eq!(policy.decide(invoke(&[])), decision, "{operator}");
        // A role may be of an organization.
        let of_role = Request { service: None, ..invoke(&[]) };
        assert_eq!(policy.decide(of_role), Decision::Unclear, "{operator}");
    }
}

#[test]
fn a_guard_of_the_region_is_read_where_the_region_is_known() {
    let context = [("aws:RequestedRegion", "us-east-1")];
    for (operator, region, decision) in [
        ("StringEquals", "us-east-1", Decision::Denied),
        ("StringNotEquals", "us-east-1", Decision::Allowed),
        ("StringNotEquals", "eu-west-1", Decision::Denied),
    ] {
        let no = under("Deny", operator, "aws:RequestedRegion", region);
        let decided = policy(&format!("[{ALL},{no}]")).decide(invoke(&context));
        assert_eq!(decided, decision, "{operator} {region}");
    }
}

#[test]
fn a_variable_depends_on_who_asks() {
    let no =
        r#"{"Effect":"Deny","Principal":"*","Action":"*","Resource":"arn:${aws:PrincipalTag/x}"}"#;
    assert_eq!(policy(&format!("[{ALL},{no}]")).decide(invoke(&[])), Decision::Unclear);
    let no = under("Deny", "StringEquals", "aws:SourceArn", "${aws:PrincipalTag/x}");
    let context = [("aws:SourceArn", RULE)];
    assert_eq!(policy(&format!("[{ALL},{no}]")).decide(invoke(&context)), Decision::Unclear);
}

#[test]
fn a_denial_to_all_but_some_denies_those_that_it_does_not_name() {
    for (but, decision) in [
        (r#"{"Service":"iot.amazonaws.com"}"#, Decision::Allowed),
        (r#"{"Service":["s3.amazonaws.com","iot.amazonaws.com"]}"#, Decision::Allowed),
        (r#"{"Service":"s3.amazonaws.com"}"#, Decision::Denied),
        (r#"{"AWS":"arn:aws:iam::111122223333:root"}"#, Decision::Denied),
    ] {
        let no = format!(r#"{{"Effect":"Deny","NotPrincipal":{but},"Action":"*","Resource":"*"}}"#);
        assert_eq!(policy(&format!("[{ALL},{no}]")).decide(invoke(&[])), decision, "{but}");
    }
}

/// Whatever else its conditions say, a statement lets in one source only if it names it and no other.
#[test]
fn a_statement_lets_in_others_unless_it_names_exactly_the_one() {
    for (condition, beyond) in [
        (format!(r#"{{"ArnLike":{{"aws:SourceArn":"{RULE}"}}}}"#), None),
        (format!(r#"{{"StringEquals":{{"AWS:SourceArn":["{RULE}"]}}}}"#), None),
        (format!(r#"{{"ArnLike":{{"aws:SourceArn":["{RULE}","{RULE}2"]}}}}"#), Some("rule2`")),
        (r#"{"ArnLike":{"aws:SourceArn":"arn:*:rule/*"}}"#.to_owned(), Some("others like `arn:*")),
        (r#"{"ArnLike":{"aws:SourceArn":"arn:x"}}"#.to_owned(), Some("`arn:x`")),
        (format!(r#"{{"ArnLikeIfExists":{{"aws:SourceArn":"{RULE}"}}}}"#), Some("others like")),
        (format!(r#"{{"ArnNotLike":{{"aws:SourceArn":"{RULE}"}}}}"#), Some("others like")),
        (r#"{"StringEquals":{"aws:SourceAccount":"111122223333"}}"#.to_owned(), Some("others")),
        ("{}".to_owned(), Some("others like")),
    ] {
        let policy = policy(&format!(
            r#"{{"Sid":"s","Effect":"Allow","Principal":{{"Service":"iot.amazonaws.com"}},"Action":"lambda:*",
               "Resource":"*","Condition":{condition}}}"#
        ));
        let grants = policy.grants(invoke(&[]), RULE, "111122223333");
        let found = grants[0].beyond.as_deref();
        match beyond {
            None => assert_eq!(found, None, "{condition}"),
            Some(part) => assert!(found.unwrap().contains(part), "{condition}: {found:?}"),
        }
    }
}

#[test]
fn wildcards_match_as_in_iam() {
    for (pattern, text, found) in [
        ("*", "", true),
        ("a*c", "abbc", true),
        ("a*c", "abcd", false),
        ("a?c", "abc", true),
        ("a?c", "ac", false),
        ("*b*b", "abab", true),
        ("", "", true),
        ("", "a", false),
    ] {
        assert_eq!(matches(pattern, text), found, "{pattern} {text}");
    }
}

#[test]
fn a_narrow_resource_does_not_cover_everything() {
    let narrow = policy(
        r#"{"Effect":"Allow","Action":["cloudwatch:Describe*"],"Resource":"arn:aws:cloudwatch:*:*:alarm:*"}"#,
    );
    let request =
        Request { service: None, action: "cloudwatch:DescribeAlarms", resource: "*", context: &[] };
    assert_eq!(narrow.decide(request), Decision::NotAllowed);
}

#[test]
fn a_text_that_is_no_policy_is_none() {
    for text in ["", "{}", "[]", "null", "{\"Statement\""] {
        assert_eq!(Policy::parse(text), None, "{text}");
    }
}
