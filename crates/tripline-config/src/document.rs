//! The job document: what devices receive.

use serde_json::{Map, Value};

use tripline::faults::Fault;
use tripline::text::excerpt;

use crate::placeholders::{self, Placeholder};
use crate::values::{FileId, StreamId};

/// Longest document in characters (AWS IoT `CreateJob`, `document`).
pub const MAX_DOCUMENT: usize = 32_768;

/// What is known of the firmware once it has been read.
#[derive(Debug, Clone, PartialEq)]
pub struct Image {
    /// Where devices stream it from, if they do.
    pub stream: Option<(StreamId, FileId)>,
    /// Its size in bytes.
    pub size: u64,
    /// MD5 in hexadecimal digits.
    pub md5: String,
    /// SHA-256 in hexadecimal digits.
    pub sha256: String,
    /// ECDSA signature of its SHA-256, DER in base64. Devices that check it need no MD5.
    pub signature: Option<String>,
    /// What the config calls its version.
    pub version: Option<String>,
    /// The object in S3 that AWS IoT Jobs makes a presigned URL of, if it is to make one.
    pub url: Option<String>,
}

/// A document that AWS IoT Jobs takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobDocument(String);

/// Why there is no document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentFault {
    /// The operator's own document is not JSON.
    #[error("not JSON: {0}")]
    NotJson(String),
    /// It is JSON, and no object.
    #[error("`{0}` is no JSON object (expected {{..}})")]
    NotAnObject(String),
    /// It is longer than AWS takes.
    #[error("{0} characters with what the firmware adds (expected at most {MAX_DOCUMENT})")]
    TooLong(usize),
    /// It asks for a presigned URL, and the config does not say how.
    #[error("has a placeholder for a presigned URL, but usePresignedUrlConfig is not True")]
    Unsigned {
        /// The line of the first such placeholder.
        line: usize,
    },
}

impl DocumentFault {
    /// Where in the operator's own document it is.
    pub fn line(&self) -> Option<usize> {
        match self {
            Self::Unsigned { line } => Some(*line),
            Self::NotJson(_) | Self::NotAnObject(_) | Self::TooLong(_) => None,
        }
    }
}

impl JobDocument {
    /// The operator's own document, if there is one, with what the firmware adds; where both have a
    /// key, the firmware's value stands. `imageVer` is the operator's unless the config names one,
    /// and `1` if nobody does. With `presigned`, a document that has no placeholder of its own gets
    /// one in `url`: without any, nothing would be presigned.
    pub fn new(own: Option<&str>, image: &Image) -> Result<Self, DocumentFault> {
        let mut document = match own {
            None => Map::new(),
            Some(text) => read(text)?,
        };
        let asks = own.and_then(asks_for_a_url);
        let mut set = |key: &str, value: Value| document.insert(key.to_owned(), value);
        set("command", "fota".into());
        if let Some((stream, file)) = &image.stream {
            set("streamId", stream.as_str().into());
            set("fileId", file.get().into());
        }
        set("fileSize", image.size.into());
        set("sha256", image.sha256.as_str().into());
        match &image.signature {
            Some(signature) => set("signature", signature.as_str().into()),
            None => set("md5sum", image.md5.as_str().into()),
        };
        match (&image.url, asks) {
            (None, Some(line)) => return Err(DocumentFault::Unsigned { line }),
            (Some(url), None) => {
                set("url", format!("{}{url}}}", Placeholder::PRESIGNED).into());
            }
            _ => {}
        }
        if let Some(version) = &image.version {
            set("imageVer", version.as_str().into());
        }
        document.entry("imageVer").or_insert_with(|| "1".into());
        if image.signature.is_some() {
            document.remove("md5sum");
        }
        let text = Value::Object(document).to_string();
        match text.chars().count() {
            length if length > MAX_DOCUMENT => Err(DocumentFault::TooLong(length)),
            _ => Ok(Self(text)),
        }
    }

    /// What is wrong with the operator's own document, as far as it shows without the firmware.
    pub fn faults_of(own: &str) -> Vec<Fault> {
        match parse(own) {
            Ok(_) => placeholders::find(own).1,
            Err(fault) => vec![fault],
        }
    }

    /// The document's JSON.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn read(text: &str) -> Result<Map<String, Value>, DocumentFault> {
    match serde_json::from_str(text.trim_start_matches('\u{feff}')) {
        Ok(Value::Object(document)) => Ok(document),
        Ok(_) => Err(DocumentFault::NotAnObject(excerpt(text.trim()))),
        Err(error) => Err(DocumentFault::NotJson(excerpt(&error.to_string()))),
    }
}

/// The same, with the line of a fault and what to do.
fn parse(text: &str) -> Result<(), Fault> {
    match serde_json::from_str::<Value>(text.trim_start_matches('\u{feff}')) {
        Ok(Value::Object(_)) => Ok(()),
        Ok(_) => {
            let text = DocumentFault::NotAnObject(excerpt(text.trim())).to_string();
            Err(Fault { line: None, text, hint: None })
        }
        Err(error) => {
            let said = error.to_string();
            let said = said.rsplit_once(" at line ").map_or(said.as_str(), |(said, _)| said);
            // The end of a file is behind its last line.
            let line = error.line().clamp(1, text.lines().count().max(1));
            let what = format!("not JSON: {} (column {})", excerpt(said), error.column());
            let stands_there = text.lines().nth(line - 1).unwrap_or_default().trim_start();
            Err(Fault::at(line, what).hint(json_meant(stands_there)))
        }
    }
}

/// What to do about a line that is no JSON, as people write it.
fn json_meant(line: &str) -> Option<String> {
    let hint = match line.chars().next()? {
        '/' | '#' => "JSON has no comments",
        '\'' => "in JSON text stands between double quotes",
        '}' | ']' => "leave out the comma before it, if there is one",
        _ => return None,
    };
    Some(hint.to_owned())
}

/// The line of the first placeholder that a presigned URL takes the place of.
fn asks_for_a_url(text: &str) -> Option<usize> {
    let (placeholders, _) = placeholders::find(text);
    placeholders.iter().find(|it| it.is_presigned()).map(|it| it.line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image() -> Image {
        Image {
            stream: Some((StreamId::new("fw-stream").unwrap(), FileId::new(7))),
            size: 27_434,
            md5: "0f343b0931126a20f133d67c2b018a3b".to_owned(),
            sha256: "5f70bf18a0860".to_owned(),
            signature: None,
            version: None,
            url: None,
        }
    }

    fn document(own: Option<&str>, image: &Image) -> String {
        JobDocument::new(own, image).unwrap().as_str().to_owned()
    }

    /// Without regard to the order of keys.
    fn is(own: Option<&str>, image: &Image, expected: &str) {
        let value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        assert_eq!(value(&document(own, image)), value(expected));
    }

    #[test]
    fn the_firmware_adds_what_devices_need() {
        is(
            None,
            &image(),
            r#"{"command":"fota","fileId":7,"fileSize":27434,"imageVer":"1","md5sum":"0f343b0931126a20f133d67c2b018a3b","sha256":"5f70bf18a0860","streamId":"fw-stream"}"#,
        );
        let own = r#"{"Info1": "123", "fileSize": 1, "imageVer": "2.1"}"#;
        is(
            Some(own),
            &image(),
            r#"{"Info1":"123","command":"fota","fileId":7,"fileSize":27434,"imageVer":"2.1","md5sum":"0f343b0931126a20f133d67c2b018a3b","sha256":"5f70bf18a0860","streamId":"fw-stream"}"#,
        );
        let version = Image { version: Some("3".to_owned()), stream: None, ..image() };
        is(
            Some(own),
            &version,
            r#"{"Info1":"123","command":"fota","fileSize":27434,"imageVer":"3","md5sum":"0f343b0931126a20f133d67c2b018a3b","sha256":"5f70bf18a0860"}"#,
        );
    }

    #[test]
    fn a_signature_takes_the_place_of_md5() {
        let signed = Image { signature: Some("MEUC".to_owned()), ..image() };
        let text = document(Some(r#"{"md5sum": "old"}"#), &signed);
        assert!(text.contains(r#""signature":"MEUC""#) && !text.contains("md5sum"), "{text}");
    }

    #[test]
    fn a_presigned_url_is_asked_for_once() {
        let image = Image { url: Some("https://s3.example/b/k".to_owned()), ..image() };
        let text = document(None, &image);
        assert!(
            text.contains(r#""url":"${aws:iot:s3-presigned-url:https://s3.example/b/k}""#),
            "{text}"
        );
        let own = r#"{"files": ["${aws:iot:s3-presigned-url:https://s3.example/b/own}"]}"#;
        assert!(!document(Some(own), &image).contains(r#""url""#));
        let without = Image { url: None, ..image };
        assert_eq!(JobDocument::new(Some(own), &without), Err(DocumentFault::Unsigned { line: 1 }));
    }

    #[test]
    fn what_is_no_document_is_refused() {
        let fault = |own: &str| JobDocument::new(Some(own), &image()).unwrap_err().to_string();
        assert_eq!(fault("{\"a\": 1,\n}"), "not JSON: trailing comma at line 2 column 1");
        assert_eq!(fault("[1]"), "`[1]` is no JSON object (expected {..})");
        let long = format!("{{\"a\": \"{}\"}}", "x".repeat(MAX_DOCUMENT));
        assert!(fault(&long).ends_with("(expected at most 32768)"));
        for (own, said) in [
            ("{\n  \"a\": 1,\n}\n", "3: not JSON: trailing comma (column 1) / leave out the comma"),
            ("{\n  'a': 1\n}", "2: not JSON: key must be a string (column 3) / in JSON text"),
            ("{\n  // a\n}", "2: not JSON: key must be a string (column 3) / JSON has no comments"),
            ("{\n\"a\": {\n", "2: not JSON: EOF while parsing"),
            ("", "1: not JSON: EOF while parsing"),
        ] {
            let found = JobDocument::faults_of(own);
            let text = |fault: &Fault| {
                let hint = fault.hint.clone().unwrap_or_default();
                format!("{}: {} / {hint}", fault.line.unwrap(), fault.text)
            };
            assert!(text(&found[0]).starts_with(said), "{own}: {found:?}");
        }
        let wrong = "{\n\"a\": \"${aws:iot:parameter:x}\"}";
        assert_eq!(JobDocument::faults_of(wrong)[0].line, Some(2));
        assert_eq!(JobDocument::faults_of("[1]")[0].line, None);
        assert_eq!(JobDocument::faults_of("{}"), []);
        let deep = "[".repeat(100_000);
        assert!(fault(&deep).starts_with("not JSON: recursion limit"));
    }
}
