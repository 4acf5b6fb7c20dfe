//! Smithy RPC v2 CBOR, which CloudWatch speaks: JSON's values and times.

use ciborium::Value as Cbor;
use serde_json::{Map, Value};

/// Epoch seconds (RFC 8949, 3.4.2).
const TIME: u64 = 1;

/// A body, with numbers as times where the key says that they are: `..Timestamp`.
pub(crate) fn write(value: &Value) -> Vec<u8> {
    let mut body = Vec::new();
    // Writing into memory does not fail.
    ciborium::into_writer(&cbor("", value), &mut body).ok();
    body
}

/// What a body says; an empty one says nothing.
pub(crate) fn read(body: &[u8]) -> Value {
    ciborium::from_reader::<Cbor, _>(body).map_or(Value::Null, |value| json(&value))
}

fn cbor(key: &str, value: &Value) -> Cbor {
    match value {
        Value::Null => Cbor::Null,
        Value::Bool(is) => Cbor::Bool(*is),
        Value::Number(number) if key.ends_with("Timestamp") => {
            let seconds = Cbor::Float(number.as_f64().unwrap_or_default());
            Cbor::Tag(TIME, Box::new(seconds))
        }
        Value::Number(number) => match number.as_i64() {
            Some(whole) => Cbor::Integer(whole.into()),
            None => Cbor::Float(number.as_f64().unwrap_or_default()),
        },
        Value::String(text) => Cbor::Text(text.clone()),
        Value::Array(items) => Cbor::Array(items.iter().map(|item| cbor("", item)).collect()),
        Value::Object(entries) => Cbor::Map(
            entries.iter().map(|(key, of)| (Cbor::Text(key.clone()), cbor(key, of))).collect(),
        ),
    }
}

fn json(value: &Cbor) -> Value {
    match value {
        Cbor::Bool(is) => Value::Bool(*is),
        Cbor::Integer(whole) => i64::try_from(*whole).map_or(Value::Null, Value::from),
        Cbor::Float(number) => Value::from(*number),
        Cbor::Text(text) => Value::from(text.as_str()),
        Cbor::Tag(_, inner) => json(inner),
        Cbor::Array(items) => items.iter().map(json).collect(),
        Cbor::Map(entries) => {
            let text = |key: &Cbor| key.as_text().map(str::to_owned);
            let entries = entries.iter().filter_map(|(key, of)| Some((text(key)?, json(of))));
            Value::Object(entries.collect::<Map<_, _>>())
        }
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let value = json!({"a": [1, "b", true, null, -2.5], "StateUpdatedTimestamp": 7.5});
        assert_eq!(read(&write(&value)), value);
        assert_eq!(read(b""), Value::Null);
    }
}
