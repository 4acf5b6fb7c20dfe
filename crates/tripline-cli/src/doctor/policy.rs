//! Policies of IAM, as far as the guard depends on them: who may do what with which resource.
//!
//! Read are `Allow` and `Deny`, wildcards, `Not..` elements, and conditions on what is known of a
//! request. A condition with another operator makes the answer [`Decision::Unclear`], never a guess.

use serde_json::{Map, Value};

/// The statements of one or several documents.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Policy {
    statements: Vec<Value>,
}

/// Who asks for what.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The service that asks, such as `iot.amazonaws.com`; `None` in a role's own policies, which have
    /// no principals.
    pub service: Option<&'a str>,
    pub action: &'a str,
    pub resource: &'a str,
    /// What conditions may ask for, such as `aws:SourceArn`.
    pub context: &'a [(&'a str, &'a str)],
}

/// What a policy says to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    Allowed,
    /// A statement denies it.
    Denied,
    /// No statement allows it.
    NotAllowed,
    /// It depends on a condition that is not understood here.
    Unclear,
}

impl Policy {
    /// Reads a document; `None` if it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let mut document: Value = serde_json::from_str(text).ok()?;
        Some(Self { statements: list(document.get_mut("Statement")?.take()) })
    }

    /// Adds the statements of another one.
    pub fn add(&mut self, other: Self) {
        self.statements.extend(other.statements);
    }

    /// Decides as IAM does: a denial goes before all else.
    pub fn decide(&self, request: Request<'_>) -> Decision {
        let mut decision = Decision::NotAllowed;
        for statement in &self.statements {
            let denies = statement.get("Effect").and_then(Value::as_str) == Some("Deny");
            decision = match (applies(statement, request), denies, decision) {
                (Some(true), true, _) => return Decision::Denied,
                (None, true, _) => Decision::Unclear,
                (Some(true), false, Decision::NotAllowed) => Decision::Allowed,
                (None, false, Decision::NotAllowed) => Decision::Unclear,
                // A clear word makes up for an unclear one, unless that may deny.
                (_, _, before) => before,
            };
        }
        decision
    }

    /// The statement (its `Sid`, or nothing if it has none) that allows a request, if it is allowed.
    pub fn allowed_by(&self, request: Request<'_>) -> Option<String> {
        if self.decide(request) != Decision::Allowed {
            return None;
        }
        let allows = |statement: &&Value| {
            statement.get("Effect").and_then(Value::as_str) == Some("Allow")
                && applies(statement, request) == Some(true)
        };
        let statement = self.statements.iter().find(allows)?;
        Some(statement.get("Sid").and_then(Value::as_str).unwrap_or_default().to_owned())
    }

    /// Who else than a service and this account is allowed an action, whatever the conditions, with the
    /// statement (its `Sid`).
    pub fn strangers(
        &self,
        request: Request<'_>,
        account: &str,
    ) -> impl Iterator<Item = (String, String)> {
        let is_own = move |kind: &str, name: &str| match kind {
            "Service" => request.service == Some(name),
            "AWS" => name == account || name.split(':').nth(4) == Some(account),
            _ => false,
        };
        let allows = move |statement: &&Value| {
            statement.get("Effect").and_then(Value::as_str) == Some("Allow")
                && is_about(statement, request)
        };
        self.statements.iter().filter(allows).filter_map(move |statement| {
            let stranger = match statement.get("Principal") {
                Some(Value::Object(kinds)) => kinds
                    .iter()
                    .flat_map(|(kind, names)| {
                        texts(names).into_iter().map(move |name| (kind, name))
                    })
                    .find(|(kind, name)| !is_own(kind, name))
                    .map(|(_, name)| name),
                Some(anybody) => texts(anybody).into_iter().next(),
                None => Some("everybody but some".to_owned()),
            };
            let sid = statement.get("Sid").and_then(Value::as_str).unwrap_or_default();
            Some((stranger?, sid.to_owned()))
        })
    }
}

/// Whether a statement is about an action on a resource.
fn is_about(statement: &Value, request: Request<'_>) -> bool {
    named(statement, "Action", |pattern| {
        matches(&pattern.to_ascii_lowercase(), &request.action.to_ascii_lowercase())
    }) && named(statement, "Resource", |pattern| matches(pattern, request.resource))
}

/// Whether a statement is about a request; `None` if that is unclear.
fn applies(statement: &Value, request: Request<'_>) -> Option<bool> {
    let about = is_about(statement, request)
        && request.service.is_none_or(|service| is_principal(statement, service));
    if !about {
        return Some(false);
    }
    let mut clear = true;
    for (operator, keys) in object(statement.get("Condition")) {
        for (key, wanted) in object(Some(keys)) {
            let context = request.context.iter().find(|(known, _)| known.eq_ignore_ascii_case(key));
            match holds(operator, context.map(|(_, value)| *value), &texts(wanted)) {
                Some(true) => {}
                Some(false) => return Some(false),
                None => clear = false,
            }
        }
    }
    clear.then_some(true)
}

/// Whether an element (or its opposite, `Not..`) names what is asked for. A statement without
/// either, as the resources of a trust policy, is about everything.
fn named(statement: &Value, element: &str, is_it: impl Fn(&str) -> bool) -> bool {
    if let Some(patterns) = statement.get(element) {
        return texts(patterns).iter().any(|pattern| is_it(pattern));
    }
    match statement.get(format!("Not{element}")) {
        Some(patterns) => !texts(patterns).iter().any(|pattern| is_it(pattern)),
        None => true,
    }
}

fn is_principal(statement: &Value, service: &str) -> bool {
    let anybody = |value: &Value| texts(value).iter().any(|text| text == "*");
    let principal = match statement.get("Principal") {
        Some(principal) => principal,
        None => return false,
    };
    anybody(principal)
        // What SNS gives a topic by default says so, and lets alarms through.
        || principal.get("AWS").is_some_and(anybody)
        || principal
            .get("Service")
            .is_some_and(|services| texts(services).iter().any(|text| text == service || text == "*"))
}

/// Whether a condition holds for a value; `None` if the operator is not known here.
fn holds(operator: &str, value: Option<&str>, wanted: &[String]) -> Option<bool> {
    let plain = operator.strip_suffix("IfExists");
    let one = |is_it: fn(&str, &str) -> bool, negated: bool| match value {
        // A key that a request does not have fails, unless the operator says otherwise.
        None => plain.is_some() || negated,
        Some(value) => wanted.iter().any(|wanted| is_it(wanted, value)) != negated,
    };
    Some(match plain.unwrap_or(operator) {
        "StringEquals" => one(|wanted, value| wanted == value, false),
        "StringNotEquals" => one(|wanted, value| wanted == value, true),
        "StringEqualsIgnoreCase" => one(str::eq_ignore_ascii_case, false),
        "StringLike" | "ArnLike" | "ArnEquals" => one(matches, false),
        "StringNotLike" | "ArnNotLike" | "ArnNotEquals" => one(matches, true),
        "Bool" => one(str::eq_ignore_ascii_case, false),
        "Null" => {
            one(|wanted, _| wanted.eq_ignore_ascii_case("false"), false)
                || (value.is_none()
                    && wanted.iter().any(|wanted| wanted.eq_ignore_ascii_case("true")))
        }
        _ => return None,
    })
}

/// Whether a text matches a pattern with `*` (anything) and `?` (one character).
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut position) = (0, 0);
    // Where to go on when it does not fit: behind the last `*`, one character further.
    let mut back: Option<(usize, usize)> = None;
    while position < text.len() {
        match pattern.get(at) {
            Some('*') => {
                back = Some((at + 1, position));
                at += 1;
            }
            Some(c) if *c == '?' || Some(c) == text.get(position) => {
                at += 1;
                position += 1;
            }
            _ => match back {
                None => return false,
                Some((star, from)) => {
                    back = Some((star, from + 1));
                    (at, position) = (star, from + 1);
                }
            },
        }
    }
    pattern.iter().skip(at).all(|c| *c == '*')
}

/// IAM takes one thing where it takes a list of them.
fn list(value: Value) -> Vec<Value> {
    match value {
        Value::Array(values) => values,
        value => vec![value],
    }
}

fn texts(value: &Value) -> Vec<String> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        _ => None,
    };
    match value {
        Value::Array(values) => values.iter().filter_map(text).collect(),
        value => text(value).into_iter().collect(),
    }
}

fn object(value: Option<&Value>) -> impl Iterator<Item = (&String, &Value)> {
    value.and_then(Value::as_object).into_iter().flat_map(Map::iter)
}

#[cfg(test)]
mod tests {
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
        assert_eq!(policy.decide(invoke(&[])), Decision::NotAllowed);
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
                    r#"{{"Sid":"s","Effect":"{effect}","Principal":{principal},"Action":"{action}","Resource":"*"}}"#
                ));
                let found: Vec<_> = policy.strangers(invoke(&[]), "111122223333").collect();
                let expected = stranger.filter(|_| is_meant);
                let expected = expected.map(|name| (name.to_owned(), "s".to_owned()));
                assert_eq!(found, Vec::from_iter(expected), "{principal} {effect} {action}");
            }
        }
    }

    #[test]
    fn what_is_not_understood_is_unclear() {
        let statement = |effect, operator| {
            format!(
                r#"{{"Effect":"{effect}","Principal":"*","Action":"*","Resource":"*","Condition":{{"{operator}":{{"aws:SourceIp":"10.0.0.0/8"}}}}}}"#
            )
        };
        let all = r#"{"Effect":"Allow","Principal":"*","NotAction":"iam:*","NotResource":"x"}"#;
        let ip = statement("Allow", "IpAddress");
        let no = statement("Deny", "IpAddress");
        for (statements, decision) in [
            (format!("[{ip}]"), Decision::Unclear),
            (format!("[{no},{all}]"), Decision::Unclear),
            (format!("[{all},{no}]"), Decision::Unclear),
            (format!("[{all},{ip}]"), Decision::Allowed),
            (format!("[{}]", statement("Allow", "StringEqualsIfExists")), Decision::Allowed),
            (format!("[{}]", statement("Allow", "StringEquals")), Decision::NotAllowed),
            (format!("[{}]", statement("Allow", "StringNotEquals")), Decision::Allowed),
        ] {
            assert_eq!(policy(&statements).decide(invoke(&[])), decision, "{statements}");
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
        let request = Request {
            service: None,
            action: "cloudwatch:DescribeAlarms",
            resource: "*",
            context: &[],
        };
        assert_eq!(narrow.decide(request), Decision::NotAllowed);
    }

    #[test]
    fn a_text_that_is_no_policy_is_none() {
        for text in ["", "{}", "[]", "null", "{\"Statement\""] {
            assert_eq!(Policy::parse(text), None, "{text}");
        }
    }
}
