//! Refusals, in the protocol of the request.

use http_body_util::Full;
use hyper::Response;
use hyper::body::Bytes;
use hyper::http::request::Parts;
use serde_json::json;

use super::call::{Call, header, is_form};

/// What is answered to the next calls that match.
pub(super) struct Fault {
    matches: Box<dyn Fn(&Call) -> bool + Send>,
    refusal: Refusal,
    times: usize,
}

impl std::fmt::Debug for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}, {} times", self.refusal, self.times)
    }
}

impl Fault {
    pub(super) fn new(
        matches: impl Fn(&Call) -> bool + Send + 'static,
        status: u16,
        code: &str,
        times: usize,
    ) -> Self {
        let refusal = Refusal::new(status, code, "refused by the proxy");
        Self { matches: Box::new(matches), refusal, times }
    }

    /// The refusal of this call, if there is one.
    pub(super) fn take(faults: &mut Vec<Self>, call: &Call) -> Option<Refusal> {
        faults.retain(|fault| fault.times > 0);
        let fault = faults.iter_mut().find(|fault| (fault.matches)(call))?;
        fault.times -= 1;
        Some(fault.refusal.clone())
    }
}

/// What becomes of a program's call instead of its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mishap {
    /// Not carried out; refused with this status and AWS's code.
    Refused(u16, &'static str),
    /// Carried out, and answered with this status and AWS's code all the same.
    Lost(u16, &'static str),
}

impl Mishap {
    pub(super) fn refusal(self) -> Refusal {
        let (Self::Refused(status, code) | Self::Lost(status, code)) = self;
        Refusal::new(status, code, "a mishap")
    }
}

type Decide = dyn Fn(u64, &Call) -> Option<Mishap> + Send + Sync;

/// Decides what becomes of a program's n-th call, from 1.
pub(super) struct Mishaps(Box<Decide>);

impl std::fmt::Debug for Mishaps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mishaps")
    }
}

impl Mishaps {
    pub(super) fn new(
        decide: impl Fn(u64, &Call) -> Option<Mishap> + Send + Sync + 'static,
    ) -> Self {
        Self(Box::new(decide))
    }

    pub(super) fn none() -> Self {
        Self::new(|_, _| None)
    }

    pub(super) fn of(&self, n: u64, call: &Call) -> Option<Mishap> {
        self.0(n, call)
    }
}

/// An error of an AWS service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(super) status: u16,
    pub(super) code: String,
    pub(super) message: String,
}

impl Refusal {
    pub(crate) fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self { status, code: code.to_owned(), message: message.into() }
    }

    /// As the service would send it.
    pub(crate) fn answer(&self, request: &Parts, service: &str) -> Response<Full<Bytes>> {
        let Self { code, message, .. } = self;
        let named = json!({"__type": code, "message": message});
        let (kind, body) = if header(request, "smithy-protocol").is_some() {
            ("application/cbor", cbor(&[("__type", code), ("message", message)]))
        } else if is_form(request) {
            let error =
                format!("<Type>Sender</Type><Code>{code}</Code><Message>{message}</Message>");
            let body = format!("<ErrorResponse><Error>{error}</Error></ErrorResponse>");
            ("text/xml", body.into_bytes())
        } else if service == "s3" {
            let error = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
            ("application/xml", error.into_bytes())
        } else if header(request, "x-amz-target").is_some() {
            ("application/x-amz-json-1.1", named.to_string().into_bytes())
        } else {
            ("application/json", json!({"message": message}).to_string().into_bytes())
        };
        let mut answer = Response::builder().status(self.status).header("content-type", kind);
        if kind == "application/cbor" {
            answer = answer.header("smithy-protocol", "rpc-v2-cbor");
        }
        answer
            .header("x-amzn-errortype", code)
            .body(Full::new(body.into()))
            .unwrap_or_else(|error| impossible(&error))
    }
}

/// A code or status that HTTP has no way to say: the test's own mistake.
fn impossible(error: &hyper::http::Error) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::new(format!("proxy: {error}").into()));
    *answer.status_mut() = hyper::StatusCode::NOT_IMPLEMENTED;
    answer
}

/// A map of texts in CBOR (RFC 8949): each head is the kind and a length.
fn cbor(pairs: &[(&str, &str)]) -> Vec<u8> {
    let head = |kind: u8, length: usize| {
        // Major type and "two bytes of length follow".
        let [high, low] = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
        [kind << 5 | 25, high, low]
    };
    let mut out = head(5, pairs.len()).to_vec();
    for (key, value) in pairs {
        for text in [key, value] {
            out.extend(head(3, text.len()));
            out.extend(text.as_bytes());
        }
    }
    out
}
