//! Botocore's models.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use fancy_regex::Regex;
use serde::Deserialize;

use crate::pattern;

/// The services that are called, by the name that requests are signed for, and botocore's name of each.
pub(crate) const SERVICES: [(&str, &str); 15] = [
    ("monitoring", "cloudwatch"),
    ("iot", "iot"),
    ("iot-jobs-data", "iot-jobs-data"),
    ("cloudformation", "cloudformation"),
    ("dynamodb", "dynamodb"),
    ("events", "events"),
    ("iam", "iam"),
    ("kms", "kms"),
    ("lambda", "lambda"),
    ("logs", "logs"),
    ("s3", "s3"),
    ("sns", "sns"),
    ("sqs", "sqs"),
    ("states", "stepfunctions"),
    ("sts", "sts"),
];

/// A service.
#[derive(Debug, Deserialize)]
pub(crate) struct Model {
    /// Botocore's name of it.
    #[serde(skip)]
    pub name: String,
    pub metadata: Metadata,
    pub operations: BTreeMap<String, Operation>,
    pub shapes: BTreeMap<String, Shape>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Metadata {
    pub api_version: String,
    pub target_prefix: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Operation {
    pub name: String,
    pub http: Http,
    pub input: Option<Member>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Http {
    pub method: String,
    pub request_uri: String,
}

/// What is expected of a value.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Shape {
    #[serde(rename = "type")]
    pub kind: Kind,
    #[serde(default)]
    pub required: Vec<String>,
    #[serde(default)]
    pub members: BTreeMap<String, Member>,
    /// Of a list.
    pub member: Option<Member>,
    /// Of a map.
    pub key: Option<Member>,
    pub value: Option<Member>,
    pub min: Option<f64>,
    pub max: Option<f64>,
    pub pattern: Option<String>,
    #[serde(rename = "enum")]
    pub values: Option<Vec<String>>,
    /// The member that is the whole body.
    pub payload: Option<String>,
    #[serde(default)]
    pub flattened: bool,
    #[serde(default)]
    pub union: bool,
    /// Compiled when it is needed first.
    #[serde(skip)]
    regex: OnceLock<Option<Regex>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Structure,
    List,
    Map,
    String,
    Character,
    Boolean,
    Integer,
    Long,
    Float,
    Double,
    Blob,
    Timestamp,
}

/// A use of a shape.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Member {
    pub shape: String,
    pub location: Option<Location>,
    pub location_name: Option<String>,
    #[serde(default)]
    pub flattened: bool,
}

/// Where a member stands in a request, if it is not in the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Location {
    Uri,
    Querystring,
    Header,
    /// A map, by what its headers begin with.
    Headers,
    #[serde(rename = "statusCode")]
    StatusCode,
}

impl Model {
    /// The model of the service that requests are signed for by this name. It is read once.
    pub(crate) fn of(signed_for: &str) -> Option<&'static Self> {
        static MODELS: [OnceLock<Model>; SERVICES.len()] = [const { OnceLock::new() }; _];
        let at = SERVICES.iter().position(|(signed, _)| *signed == signed_for)?;
        Some(MODELS[at].get_or_init(|| Self::read(SERVICES[at].1)))
    }

    /// The model of the service whose targets begin like this.
    pub(crate) fn of_target(prefix: &str) -> Option<&'static Self> {
        let all = SERVICES.iter().filter_map(|(signed, _)| Self::of(signed));
        all.into_iter().find(|model| model.metadata.target_prefix.as_deref() == Some(prefix))
    }

    fn read(name: &str) -> Self {
        let file = newest(name).unwrap_or_else(|| {
            let folder = environment();
            panic!(
                "{}: no model of {name} (expected botocore)\n\n  hint: make setup",
                folder.display()
            )
        });
        let read = || -> std::io::Result<Self> {
            let mut text = Vec::new();
            flate2::read::GzDecoder::new(std::fs::File::open(&file)?).read_to_end(&mut text)?;
            Ok(serde_json::from_slice(&text)?)
        };
        let model = read().unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        Self { name: name.to_owned(), ..model }
    }

    /// What is expected of a member.
    pub(crate) fn shape(&self, member: &Member) -> &Shape {
        &self.shapes[&member.shape]
    }
}

impl Shape {
    /// Its pattern; none if it has none, or one that does not translate.
    pub(crate) fn regex(&self) -> Option<&Regex> {
        let pattern = self.pattern.as_deref()?;
        self.regex.get_or_init(|| pattern::compile(pattern).ok()).as_ref()
    }
}

impl Member {
    /// What a member is called in a request.
    pub(crate) fn on_wire<'a>(&'a self, name: &'a str) -> &'a str {
        self.location_name.as_deref().unwrap_or(name)
    }
}

/// Where the local AWS's Python has its packages.
fn environment() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.local/local-aws/lib")
}

/// The newest model of a service.
fn newest(name: &str) -> Option<PathBuf> {
    let pythons = std::fs::read_dir(environment()).ok()?.flatten();
    let data = |python: PathBuf| python.join("site-packages/botocore/data").join(name);
    let folder = pythons.map(|python| data(python.path())).find(|folder| folder.is_dir())?;
    let versions = std::fs::read_dir(folder).ok()?.flatten();
    versions.map(|version| version.path().join("service-2.json.gz")).max()
}
