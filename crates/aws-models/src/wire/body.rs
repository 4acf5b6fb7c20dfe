//! Bodies in JSON and CBOR, which say of themselves what is a list and what is a number.

use ciborium::Value as Cbor;
use serde_json::Value as Json;

use crate::given::Given;
use crate::model::{Kind, Member, Model};

/// Epoch seconds (RFC 8949, 3.4.2).
const TIME: u64 = 1;

/// An empty body is an input without members.
pub(super) fn json(body: &[u8]) -> Result<Given, String> {
    if body.is_empty() {
        return Ok(Given::Entries(Vec::new()));
    }
    let value =
        serde_json::from_slice(body).map_err(|error| format!("body: {error} (expected JSON)"))?;
    Ok(of_json(value))
}

pub(super) fn cbor(body: &[u8]) -> Result<Given, String> {
    if body.is_empty() {
        return Ok(Given::Entries(Vec::new()));
    }
    let value =
        ciborium::from_reader(body).map_err(|error| format!("body: {error} (expected CBOR)"))?;
    of_cbor(value)
}

fn of_json(value: Json) -> Given {
    match value {
        Json::Null => Given::Nothing,
        Json::Bool(is) => Given::Bool(is),
        Json::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(whole), _) => Given::Whole(whole.into()),
            (_, Some(whole)) => Given::Whole(whole.into()),
            _ => Given::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => Given::Text(text),
        Json::Array(items) => Given::List(items.into_iter().map(of_json).collect()),
        Json::Object(entries) => Given::Entries(
            entries.into_iter().map(|(name, value)| (name, of_json(value))).collect(),
        ),
    }
}

fn of_cbor(value: Cbor) -> Result<Given, String> {
    Ok(match value {
        Cbor::Bool(is) => Given::Bool(is),
        Cbor::Integer(whole) => Given::Whole(whole.into()),
        Cbor::Float(number) => Given::Float(number),
        Cbor::Text(text) => Given::Text(text),
        Cbor::Bytes(bytes) => Given::Bytes(bytes.len()),
        Cbor::Null => Given::Nothing,
        Cbor::Tag(TIME, seconds) => match of_cbor(*seconds)?.number() {
            Some(seconds) => Given::Time(seconds),
            None => return Err("body: a time without a number".to_owned()),
        },
        Cbor::Array(items) => {
            Given::List(items.into_iter().map(of_cbor).collect::<Result<_, _>>()?)
        }
        Cbor::Map(entries) => {
            let entry = |(name, value): (Cbor, Cbor)| {
                let name =
                    name.into_text().map_err(|_| "body: a key that is no text".to_owned())?;
                Ok::<_, String>((name, of_cbor(value)?))
            };
            Given::Entries(entries.into_iter().map(entry).collect::<Result<_, _>>()?)
        }
        other => return Err(format!("body: {other:?}")),
    })
}

/// The same with the model's names of members instead of those in the request. What is `null` in a structure is not given.
pub(super) fn named(model: &Model, member: &Member, given: Given) -> Given {
    let shape = model.shape(member);
    match (shape.kind, given) {
        (Kind::Structure, Given::Entries(entries)) => {
            let entries = entries.into_iter().filter(|(_, value)| *value != Given::Nothing);
            let entry = |(name, value): (String, Given)| {
                let mut members = shape.members.iter();
                match members
                    .find(|(is, member)| member.location.is_none() && member.on_wire(is) == name)
                {
                    Some((is, member)) => (is.clone(), named(model, member, value)),
                    // Which is no member's.
                    None => (name, value),
                }
            };
            Given::Entries(entries.map(entry).collect())
        }
        (Kind::List, Given::List(items)) => match &shape.member {
            Some(of) => Given::List(items.into_iter().map(|item| named(model, of, item)).collect()),
            None => Given::List(items),
        },
        (Kind::Map, Given::Entries(entries)) => match &shape.value {
            Some(of) => {
                let entry = |(name, value)| (name, named(model, of, value));
                Given::Entries(entries.into_iter().map(entry).collect())
            }
            None => Given::Entries(entries),
        },
        (_, given) => given,
    }
}
