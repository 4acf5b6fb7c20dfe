//! How tests run a program: with nothing of the caller's environment, so that no credentials, Region,
//! proxy or time zone of a developer decides what a test sees.
//!
//! `crates/tripline-cli/tests/it` has this file too, since this package would link all SDKs into it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::ffi::OsStr;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// A program in a folder, which is its home too. It finds other programs, and no AWS.
pub fn command(program: impl AsRef<OsStr>, folder: impl AsRef<Path>) -> Command {
    let folder = folder.as_ref();
    let mut command = Command::new(program);
    command
        .env_clear()
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
        .env("HOME", folder)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .current_dir(folder);
    command
}

/// Runs a program to its end, without input. What it puts out as JSON fits its schema.
pub fn run(command: &mut Command) -> Ran {
    let ran = Ran::of(&command.output().unwrap());
    assert_fits_schema(command, &ran);
    ran
}

/// Runs a program to its end with this input.
pub fn run_with(command: &mut Command, stdin: &[u8]) -> Ran {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A program that ends early does not read on.
    child.stdin.take().unwrap().write_all(stdin).ok();
    let ran = Ran::of(&child.wait_with_output().unwrap());
    assert_fits_schema(command, &ran);
    ran
}

/// Holds what `tripline .. --output json` has put out against the schema of its command.
#[track_caller]
fn assert_fits_schema(command: &Command, ran: &Ran) {
    let words: Vec<&str> = command.get_args().filter_map(OsStr::to_str).collect();
    let asks = words.windows(2).any(|pair| pair == ["--output", "json"]);
    let asks_for_help = words.iter().any(|word| ["-h", "--help"].contains(word));
    if !asks
        || asks_for_help
        || Path::new(command.get_program()).file_stem() != Some(OsStr::new("tripline"))
    {
        return;
    }
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut schemas = here.ancestors().map(|folder| folder.join("docs/reference/schemas"));
    let schemas = schemas.find(|folder| folder.is_dir()).unwrap();
    let read = |name: String| std::fs::read_to_string(schemas.join(format!("{name}.json"))).ok();
    let name = |count: usize| words.iter().take(count).copied().collect::<Vec<_>>().join("-");
    for document in serde_json::Deserializer::from_str(&ran.stdout).into_iter::<Value>() {
        let document = document.unwrap_or_else(|fault| panic!("{words:?}: {fault}\n{ran:?}"));
        // A failure has a shape of its own, unless it stands in the command's own document.
        let of_failure = ["schemaVersion", "account", "error"];
        let has_failed = document.get("error").is_some()
            && document.as_object().unwrap().keys().all(|key| of_failure.contains(&key.as_str()));
        let schema = match has_failed {
            true => read("error".to_owned()),
            false => read(name(2)).or_else(|| read(name(1))),
        };
        let schema = schema.unwrap_or_else(|| panic!("{words:?}: no schema in {schemas:?}"));
        let mut schema: Value = serde_json::from_str(&schema).unwrap();
        close(&mut schema, true);
        let validator = jsonschema::validator_for(&schema).unwrap();
        let faults: Vec<String> = validator
            .iter_errors(&document)
            .map(|fault| format!("{}: {fault}", fault.instance_path()))
            .collect();
        assert!(faults.is_empty(), "{words:?}: {faults:#?}\n{document:#}");
    }
}

/// Lets an object have no other fields than those of its schema: what is put out is documented. At the top, the
/// fields of a document may be those of one of several shapes.
fn close(schema: &mut Value, is_top: bool) {
    let Some(fields) = schema.as_object_mut() else { return };
    let is_object = fields.contains_key("properties");
    for (key, value) in fields.iter_mut() {
        match (key.as_str(), value) {
            ("properties", Value::Object(properties)) => {
                properties.values_mut().for_each(|value| close(value, false));
            }
            ("anyOf" | "oneOf" | "allOf", Value::Array(shapes)) if is_top => {
                for shape in shapes {
                    let properties = shape.get_mut("properties").and_then(Value::as_object_mut);
                    properties.into_iter().flatten().for_each(|(_, value)| close(value, false));
                }
            }
            ("anyOf" | "oneOf" | "allOf", Value::Array(shapes)) => {
                shapes.iter_mut().for_each(|shape| close(shape, false));
            }
            ("items" | "additionalProperties", value) => close(value, false),
            _ => {}
        }
    }
    if is_object {
        let closed = if is_top { "unevaluatedProperties" } else { "additionalProperties" };
        fields.insert(closed.to_owned(), false.into());
    }
}

/// A program that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// The exit code; -1 if a signal ended it.
    pub code: i32,
    /// What it wrote.
    pub stdout: String,
    /// What it printed for people.
    pub stderr: String,
}

impl Ran {
    /// Takes an output apart, which has to be text.
    pub fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }

    /// Its stdout in JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|_| panic!("{self:?}"))
    }
}

/// For snapshots: the exit code and both outputs.
impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "exit {}\n--- stdout\n{}--- stderr\n{}", self.code, self.stdout, self.stderr)
    }
}
