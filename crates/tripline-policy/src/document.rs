//! A policy's document, and what it says to a request.
//!
//! Read are `Allow` and `Deny`, wildcards, `Not..` elements, and conditions on what is known of a
//! request ([`Request::known`]). Another operator, key or variable makes the answer [`Decision::Unclear`], never a
//! guess.

use serde_json::{Map, Value};
use tripline::text::excerpt;

use super::request::{Known, Request};

/// The statements of one or several documents.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Policy {
    statements: Vec<Value>,
}

/// What a policy says to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// A statement allows it, and none denies it.
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

    /// The statements that allow a service's request, each with whom it lets in beside the service on
    /// behalf of this resource, and beside the account's own users and roles.
    pub fn grants(&self, request: Request<'_>, source: &str, account: &str) -> Vec<Grant> {
        let allows = |statement: &&Value| {
            statement.get("Effect").and_then(Value::as_str) == Some("Allow")
                && is_about(statement, request)
        };
        let grant = |statement| Grant {
            statement: sid(statement),
            suffices: applies(statement, request) == Some(true),
            beyond: stranger(statement, request, account)
                .or_else(|| other_source(statement, source)),
        };
        self.statements.iter().filter(allows).map(grant).collect()
    }

    /// The resources among these (a pattern) that a denial of an action names, whether it applies or not.
    pub fn denied_among(&self, action: &str, resources: &str) -> Vec<String> {
        let denies = |statement: &&Value| {
            statement.get("Effect").and_then(Value::as_str) == Some("Deny")
                && is_action(statement, action)
        };
        let (head, _) = split_name(resources);
        let denials = self.statements.iter().filter(denies);
        let named = denials.filter_map(|statement| statement.get("Resource")).flat_map(texts);
        // What stands before the name may have wildcards of its own.
        let named = named.map(|resource| format!("{head}{}", split_name(&resource).1));
        named.filter(|resource| matches(resources, resource)).collect()
    }
}

/// An ARN, up to the name and from there on.
fn split_name(arn: &str) -> (&str, &str) {
    arn.split_at(arn.rfind([':', '/']).map_or(0, |at| at + 1))
}

/// A statement that allows an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Its `Sid`; empty if it has none.
    pub statement: String,
    /// Whether it allows the request for sure.
    pub suffices: bool,
    /// Whom it lets in that is not meant.
    pub beyond: Option<String>,
}

fn sid(statement: &Value) -> String {
    statement.get("Sid").and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// A principal of a statement that is neither the service nor of this account.
fn stranger(statement: &Value, request: Request<'_>, account: &str) -> Option<String> {
    let is_own = |kind: &str, name: &str| match kind {
        "Service" => request.service == Some(name),
        "AWS" => name == account || name.split(':').nth(4) == Some(account),
        _ => false,
    };
    let name = match statement.get("Principal") {
        Some(Value::Object(kinds)) => kinds
            .iter()
            .flat_map(|(kind, names)| texts(names).into_iter().map(move |name| (kind, name)))
            .find(|(kind, name)| !is_own(kind, name))
            .map(|(_, name)| name),
        Some(anybody) => texts(anybody).into_iter().next(),
        None => Some("everybody but some".to_owned()),
    };
    name.map(|name| format!("`{}`", excerpt(&name)))
}

/// On behalf of which other resource a statement lets a service in.
fn other_source(statement: &Value, source: &str) -> Option<String> {
    statement.get("Principal")?.get("Service")?;
    let mut other = Some(format!("others like `{source}-other`"));
    for (operator, keys) in object(statement.get("Condition")) {
        // With `..IfExists` it lets in whoever does not say for whom he asks.
        if !["ArnLike", "ArnEquals", "StringEquals", "StringLike"].contains(&operator.as_str()) {
            continue;
        }
        for (_, sources) in
            object(Some(keys)).filter(|(key, _)| key.eq_ignore_ascii_case("aws:SourceArn"))
        {
            other = match texts(sources).into_iter().find(|found| found != source) {
                None => return None,
                Some(found) if found.contains(['*', '?']) => {
                    Some(format!("others like `{}`", excerpt(&found)))
                }
                Some(found) => Some(format!("`{}`", excerpt(&found))),
            };
        }
    }
    other
}

fn is_action(statement: &Value, action: &str) -> bool {
    named(statement, "Action", |pattern| {
        matches(&pattern.to_ascii_lowercase(), &action.to_ascii_lowercase())
    })
}

/// Whether a statement is about an action on a resource.
fn is_about(statement: &Value, request: Request<'_>) -> bool {
    is_action(statement, request.action)
        && (has_variable(statement)
            || named(statement, "Resource", |pattern| matches(pattern, request.resource)))
}

/// Whether it depends on who asks which resource a statement is about.
fn has_variable(statement: &Value) -> bool {
    let resources = ["Resource", "NotResource"].into_iter().filter_map(|is| statement.get(is));
    resources.flat_map(texts).any(|resource| resource.contains("${"))
}

/// Whether a statement is about a request; `None` if that is unclear.
fn applies(statement: &Value, request: Request<'_>) -> Option<bool> {
    let about = is_about(statement, request)
        && request.service.is_none_or(|service| is_principal(statement, service));
    if !about {
        return Some(false);
    }
    let mut clear = !has_variable(statement);
    for (operator, keys) in object(statement.get("Condition")) {
        for (key, wanted) in object(Some(keys)) {
            match holds(operator, request.known(key), &texts(wanted)) {
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
    match (statement.get("Principal"), statement.get("NotPrincipal")) {
        (Some(principal), _) => names_service(principal, service),
        (None, Some(principal)) => !names_service(principal, service),
        (None, None) => false,
    }
}

fn names_service(principal: &Value, service: &str) -> bool {
    let anybody = |value: &Value| texts(value).iter().any(|text| text == "*");
    anybody(principal)
        // What SNS gives a topic by default says so, and lets alarms through.
        || principal.get("AWS").is_some_and(anybody)
        || principal
            .get("Service")
            .is_some_and(|services| texts(services).iter().any(|text| text == service || text == "*"))
}

/// Whether a condition holds for a key; `None` if the operator or the key is not known here, or if what is
/// wanted depends on who asks.
fn holds(operator: &str, known: Known<'_>, wanted: &[String]) -> Option<bool> {
    let value = match known {
        Known::Is(value) => Some(value),
        Known::Absent => None,
        Known::Unclear => return None,
    };
    if wanted.iter().any(|wanted| wanted.contains("${")) {
        return None;
    }
    // What is asked for here has one value of a key, of which all and any are the same; `ForAllValues`
    // holds for none as well.
    let of_all = operator.strip_prefix("ForAllValues:");
    let operator = of_all.or(operator.strip_prefix("ForAnyValue:")).unwrap_or(operator);
    let plain = operator.strip_suffix("IfExists").or(of_all);
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
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
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
