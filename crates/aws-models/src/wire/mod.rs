//! Requests, read back into the input of an operation: which it is, and what each member is given.

mod body;
mod form;
mod rest;
mod xml;

use std::borrow::Cow;
use std::io::Read;

use crate::check::shown;
use crate::given::Given;
use crate::model::{Model, Operation};

/// A request, as it came.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// HTTP's method.
    pub method: &'a str,
    /// Path and query.
    pub target: &'a str,
    /// Names in any case.
    pub headers: &'a [(String, String)],
    /// What was sent.
    pub body: &'a [u8],
    /// Now, in seconds since the epoch, if whoever sends it has a true clock.
    pub now: Option<f64>,
}

/// A request, understood.
pub(crate) struct Asked {
    pub model: &'static Model,
    pub operation: &'static Operation,
    pub input: Given,
    /// What has no place in the input.
    pub unknown: Vec<String>,
}

impl Request<'_> {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(is, _)| is.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// `AWS4-HMAC-SHA256 Credential=<key>/<date>/<region>/<service>/aws4_request, SignedHeaders=..`
    fn signed_for(&self) -> Option<&str> {
        let credential = self.header("authorization")?.split_once("Credential=")?.1;
        credential.split(',').next()?.rsplit('/').nth(1)
    }

    fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    fn query(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }

    /// What was sent, out of its compression.
    fn plain(&self) -> Result<Cow<'_, [u8]>, String> {
        match self.header("content-encoding") {
            Some("gzip") => {
                let mut plain = Vec::new();
                let read = flate2::read::GzDecoder::new(self.body).read_to_end(&mut plain);
                read.map_err(|error| format!("body: {error} (expected gzip)"))?;
                Ok(plain.into())
            }
            _ => Ok(self.body.into()),
        }
    }
}

/// The operation and its input; none if the request is nobody's (it is neither signed nor in a protocol that names its
/// service).
pub(crate) fn read(request: &Request) -> Result<Option<Asked>, String> {
    let signed = request.signed_for();
    let unknown =
        || format!("{} {}: no service is known by this", request.method, shown(request.target));
    let of = |model: &'static Model, name: &str| {
        let operation = model.operations.get(name);
        operation.ok_or_else(|| format!("{} {}: no such operation", model.name, shown(name)))
    };
    let at = |operation: &Operation, model: &Model| format!("{} {}: ", model.name, operation.name);
    let model = signed.and_then(Model::of);
    // The one that it is signed for is at hand; to look for another one, all are read.
    let of_target = |prefix: &str| {
        let is_of =
            |model: &&'static Model| model.metadata.target_prefix.as_deref() == Some(prefix);
        model.filter(is_of).or_else(|| Model::of_target(prefix))
    };
    if request.header("smithy-protocol").is_some() {
        // `/service/<name>/operation/<operation>`
        let mut rest = request.path().rsplit('/');
        let (name, prefix) = (rest.next().unwrap_or_default(), rest.nth(1).unwrap_or_default());
        let model = of_target(prefix).ok_or_else(unknown)?;
        let operation = of(model, name)?;
        let input = body::cbor(&request.plain()?).map_err(|error| at(operation, model) + &error)?;
        return Ok(Some(named(model, operation, input)));
    }
    if let Some(target) = request.header("x-amz-target") {
        let (prefix, name) = target.split_once('.').ok_or_else(unknown)?;
        let model = of_target(prefix).ok_or_else(unknown)?;
        let operation = of(model, name)?;
        let input = body::json(&request.plain()?).map_err(|error| at(operation, model) + &error)?;
        return Ok(Some(named(model, operation, input)));
    }
    let Some(signed) = signed else { return Ok(None) };
    let model = model.ok_or_else(|| format!("{signed}: no model is read of this service"))?;
    let is_form = |kind: &str| kind.starts_with("application/x-www-form-urlencoded");
    if request.header("content-type").is_some_and(is_form) && request.path() == "/" {
        let plain = request.plain()?;
        let form = pairs(&String::from_utf8_lossy(&plain));
        let field =
            |name: &str| form.iter().find(|(is, _)| is == name).map(|(_, value)| value.as_str());
        let operation = of(model, field("Action").unwrap_or_default())?;
        if field("Version") != Some(&model.metadata.api_version) {
            return Err(at(operation, model) + "Version: not the model's");
        }
        return Ok(Some(form::read(model, operation, form)));
    }
    rest::read(model, request).map(Some)
}

fn named(model: &'static Model, operation: &'static Operation, input: Given) -> Asked {
    let input = match &operation.input {
        Some(member) => body::named(model, member, input),
        None => input,
    };
    Asked { model, operation, input, unknown: Vec::new() }
}

/// The pairs of a query or a form, decoded, in their order.
fn pairs(text: &str) -> Vec<(String, String)> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs
        .map(|(name, value)| (decoded(&name.replace('+', " ")), decoded(&value.replace('+', " "))))
        .collect()
}

/// Percent-encoding, read.
fn decoded(text: &str) -> String {
    let (mut rest, mut out) = (text.as_bytes(), Vec::with_capacity(text.len()));
    while let Some((byte, after)) = rest.split_first() {
        let code = after
            .get(..2)
            .filter(|_| *byte == b'%')
            .and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(code) => {
                out.push(code);
                rest = &after[2..];
            }
            None => {
                out.push(*byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
