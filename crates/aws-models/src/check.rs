//! A request against its model.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::given::Given;
use crate::model::{Kind, Member, Model, Operation, Shape};

/// Adds what is wrong with the input of an operation.
pub(crate) fn input(model: &Model, operation: &Operation, given: &Given, faults: &mut Vec<String>) {
    match &operation.input {
        Some(member) => value(model, member, given, "", faults),
        None if given.entries().is_empty() => {}
        None => faults.push("takes no input".to_owned()),
    }
}

fn value(model: &Model, member: &Member, given: &Given, path: &str, faults: &mut Vec<String>) {
    let shape = model.shape(member);
    let mut fault = |what: String| faults.push(format!("{path}: {what}"));
    if !is_of(shape.kind, given) {
        let kind = format!("{:?}", shape.kind).to_lowercase();
        return fault(format!("{} (expected {kind})", given.kind()));
    }
    if let Some(wrong) = out_of_bounds(shape, given) {
        fault(wrong);
    }
    if let (Kind::String, Some(text)) = (shape.kind, given.text()) {
        if let Some(values) =
            shape.values.as_ref().filter(|values| !values.iter().any(|is| is == text))
        {
            let values = values.iter().take(8).cloned().collect::<Vec<_>>().join(", ");
            fault(format!("{} (expected one of {values})", shown(text)));
        }
        // A pattern that gives up is not held against the text.
        if let Some(regex) = shape.regex()
            && !regex.is_match(text).unwrap_or(true)
        {
            let pattern = shape.pattern.as_deref().unwrap_or_default();
            fault(format!("{} does not match {pattern}", shown(text)));
        }
    }
    match shape.kind {
        Kind::Structure => structure(model, shape, given, path, faults),
        Kind::List => {
            let of = shape.member.as_ref().expect("a list's member");
            for (at, item) in given.items().iter().enumerate() {
                value(model, of, item, &format!("{path}[{at}]"), faults);
            }
        }
        Kind::Map => {
            let (key, of) =
                (shape.key.as_ref().expect("a key"), shape.value.as_ref().expect("a value"));
            for (name, item) in given.entries() {
                let path = format!("{path}.{}", shown(name));
                value(model, key, &Given::Written(name.clone()), &path, faults);
                value(model, of, item, &path, faults);
            }
        }
        _ => {}
    }
}

fn structure(model: &Model, shape: &Shape, given: &Given, path: &str, faults: &mut Vec<String>) {
    let at = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    for name in &shape.required {
        if given.get(name).is_none() {
            faults.push(format!("{}: missing", at(name)));
        }
    }
    if shape.union && given.entries().len() != 1 {
        faults.push(format!("{path}: {} members (expected one)", given.entries().len()));
    }
    for (name, item) in given.entries() {
        match shape.members.get(name) {
            Some(member) => value(model, member, item, &at(name), faults),
            None => faults.push(format!("{}: no such member", at(&shown(name)))),
        }
    }
}

fn is_of(kind: Kind, given: &Given) -> bool {
    match (kind, given) {
        (Kind::Structure | Kind::Map, Given::Entries(_))
        | (Kind::List, Given::List(_))
        | (Kind::String | Kind::Character, Given::Text(_) | Given::Written(_))
        | (Kind::Boolean, Given::Bool(_))
        | (Kind::Float | Kind::Double, Given::Whole(_) | Given::Float(_))
        | (Kind::Blob, Given::Bytes(_))
        // Where a time is no number, it has one of three formats, all of them of the SDK's own making.
        | (Kind::Timestamp, Given::Time(_) | Given::Whole(_) | Given::Float(_) | Given::Written(_)) => true,
        (Kind::Integer, Given::Whole(whole)) => i32::try_from(*whole).is_ok(),
        (Kind::Long, Given::Whole(whole)) => i64::try_from(*whole).is_ok(),
        (Kind::Integer, Given::Written(text)) => text.parse::<i32>().is_ok(),
        (Kind::Long, Given::Written(text)) => text.parse::<i64>().is_ok(),
        (Kind::Float | Kind::Double, Given::Written(text)) => text.parse::<f64>().is_ok(),
        (Kind::Float | Kind::Double, Given::Text(text)) => {
            matches!(text.as_str(), "NaN" | "Infinity" | "-Infinity")
        }
        (Kind::Boolean, Given::Written(text)) => matches!(text.as_str(), "true" | "false"),
        (Kind::Blob, Given::Text(text) | Given::Written(text)) => BASE64_STANDARD.decode(text).is_ok(),
        _ => false,
    }
}

/// Why a length or a number is none that is expected.
fn out_of_bounds(shape: &Shape, given: &Given) -> Option<String> {
    if shape.min.is_none() && shape.max.is_none() {
        return None;
    }
    let (size, of) = match shape.kind {
        Kind::String => (given.text()?.chars().count() as f64, "characters"),
        Kind::Blob => match given {
            Given::Bytes(bytes) => (*bytes as f64, "bytes"),
            _ => (BASE64_STANDARD.decode(given.text()?).ok()?.len() as f64, "bytes"),
        },
        Kind::List => (given.items().len() as f64, "items"),
        Kind::Map => (given.entries().len() as f64, "entries"),
        Kind::Integer | Kind::Long | Kind::Float | Kind::Double => {
            (given.number()?, "as its value")
        }
        _ => return None,
    };
    let (min, max) = (shape.min.unwrap_or(f64::MIN), shape.max.unwrap_or(f64::MAX));
    if (min..=max).contains(&size) {
        return None;
    }
    let end = |end: Option<f64>, none: &str| end.map_or(none.to_owned(), |end| end.to_string());
    Some(format!("{size} {of} (expected {} to {})", end(shape.min, "any"), end(shape.max, "any")))
}

/// A text, as a fault shows it.
pub(crate) fn shown(text: &str) -> String {
    let short: String = text.chars().take(100).collect();
    let rest = if short.len() < text.len() { ".." } else { "" };
    format!("`{}{rest}`", short.escape_debug())
}
