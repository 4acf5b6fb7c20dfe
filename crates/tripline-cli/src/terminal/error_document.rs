//! Why a command failed, for programs.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use tripline::diagnostic::{Diagnostic, Diagnostics};

use super::document::document;

/// What `--output json` puts out when a command fails.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ErrorDocument {
    /// What can be done about it: `usage` and `input` are the user's, the others say what AWS did.
    pub kind: &'static str,
    /// The exit code of the process.
    pub exit_code: u8,
    /// The AWS call that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// AWS's code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The account that was asked, as far as it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The Region that was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// All that is wrong.
    pub diagnostics: Vec<DiagnosticDocument>,
    /// How many more things are wrong than `diagnostics` lists.
    pub more: usize,
}

/// One thing that is wrong.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DiagnosticDocument {
    /// The file it is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// Where in the line, in characters from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
    /// What is wrong, and what was expected.
    pub what: String,
    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Commands that do it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<String>,
}

impl ErrorDocument {
    /// An error of no AWS call.
    pub fn new(kind: &'static str, exit_code: u8, wrong: &Diagnostics) -> Self {
        Self {
            kind,
            exit_code,
            operation: None,
            code: None,
            account: None,
            region: None,
            diagnostics: wrong.list().iter().map(DiagnosticDocument::from).collect(),
            more: wrong.more(),
        }
    }

    /// As it is put out.
    pub fn to_json(&self) -> Value {
        document(&Failed { error: self.clone() })
    }
}

impl From<&Diagnostic> for DiagnosticDocument {
    fn from(diagnostic: &Diagnostic) -> Self {
        let place = diagnostic.place();
        let source = place.and_then(|place| place.source.as_ref());
        Self {
            file: place.map(|place| place.file.clone()),
            line: place.and_then(|place| place.line),
            column: source.map(|source| source.column),
            what: diagnostic.what().to_owned(),
            hint: diagnostic.hint().map(str::to_owned),
            commands: diagnostic.commands().to_vec(),
        }
    }
}

/// Why a command failed: in place of its own document. `drill` and `queue next` have it in theirs.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Failed {
    error: ErrorDocument,
}
