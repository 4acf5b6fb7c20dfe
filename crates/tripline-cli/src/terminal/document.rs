//! What every command puts out as JSON: an object with the version of its shape.

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, json_schema};
use serde::Serialize;
use serde_json::{Map, Value};

use super::output::SCHEMA_VERSION;
use super::print::print_json;
use crate::aws::scope;

/// The key of the version.
const VERSION: &str = "schemaVersion";
/// The key of the account, which every command that changes something asks for.
const ACCOUNT: &str = "account";

/// A document: `schemaVersion`, the account if it is known, and the fields of its body.
pub fn document<T: Serialize>(body: &T) -> Value {
    let mut fields = Map::from_iter([(VERSION.to_owned(), SCHEMA_VERSION.into())]);
    fields.extend(scope::account().map(|account| (ACCOUNT.to_owned(), account.into())));
    // Bodies are structs whose keys are text, so that they always are objects.
    if let Ok(Value::Object(body)) = serde_json::to_value(body) {
        fields.extend(body);
    }
    Value::Object(fields)
}

/// Writes a document.
pub fn print_document<T: Serialize>(body: &T) {
    print_json(&document(body));
}

/// The schema of documents with this body.
pub fn schema<T: JsonSchema>() -> Schema {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let settings = settings.with(|it| it.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    // A body that is one of several has its fields there.
    if schema.get("properties").is_none() {
        schema.insert("properties".to_owned(), Value::Object(Map::new()));
    }
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        let version = json_schema!({
            "const": SCHEMA_VERSION,
            "description": "The version of all shapes: a field that is renamed or removed makes another one.",
        });
        properties.insert(VERSION.to_owned(), version.into());
        let account = json_schema!({
            "type": "string",
            "description": "The AWS account that the command asked, if AWS has said it.",
        });
        properties.insert(ACCOUNT.to_owned(), account.into());
    }
    let required =
        schema.ensure_object().entry("required").or_insert_with(|| Value::Array(Vec::new()));
    if let Some(required) = required.as_array_mut() {
        required.insert(0, VERSION.into());
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize, JsonSchema)]
    #[serde(rename_all = "camelCase")]
    struct Body {
        job_id: String,
    }

    #[derive(Serialize, JsonSchema)]
    #[serde(untagged)]
    enum Either {
        One(Body),
    }

    #[test]
    fn a_document_begins_with_its_version() {
        let text = document(&Either::One(Body { job_id: "fw".to_owned() })).to_string();
        assert_eq!(text, format!("{{\"schemaVersion\":{SCHEMA_VERSION},\"jobId\":\"fw\"}}"));
    }

    #[test]
    fn every_schema_has_the_version() {
        for schema in [schema::<Body>(), schema::<Either>()] {
            assert_eq!(schema.get("required").unwrap()[0], VERSION);
            assert_eq!(schema.get("properties").unwrap()[VERSION]["const"], SCHEMA_VERSION);
        }
    }
}
