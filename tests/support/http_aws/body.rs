//! Bodies of answers, whole and otherwise.

use std::pin::Pin;
use std::task::{Context, Poll};

use http_body_util::Full;
use hyper::Response;
use hyper::body::{Bytes, Frame, SizeHint};
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use serde_json::Value;

use super::Unanswered;

/// What is sent, and what comes after it.
#[derive(Debug)]
pub(super) struct Body {
    rest: Option<Bytes>,
    length: u64,
    end: End,
    is_flushed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// All is sent.
    Whole,
    /// Half is sent, and then nothing happens.
    Hang,
    /// Half is sent, and then the connection is closed.
    Cut,
}

impl Body {
    /// A body that comes whole.
    pub(super) fn whole(body: Full<Bytes>) -> Self {
        let length = hyper::body::Body::size_hint(&body).exact().unwrap_or_default();
        // A full body has no more than one frame, and is there at once.
        let mut body = body;
        let mut context = Context::from_waker(std::task::Waker::noop());
        let rest = match hyper::body::Body::poll_frame(Pin::new(&mut body), &mut context) {
            Poll::Ready(Some(Ok(frame))) => frame.into_data().ok(),
            _ => None,
        };
        Self { rest, length, end: End::Whole, is_flushed: false }
    }

    /// The same, of which half comes.
    pub(super) fn hanging(self) -> Self {
        self.half(End::Hang)
    }

    /// The same, of which half comes before the connection is closed.
    pub(super) fn cut(self) -> Self {
        self.half(End::Cut)
    }

    /// What is promised is at least one byte longer than what is sent.
    fn half(self, end: End) -> Self {
        let whole = self.rest.unwrap_or_default();
        let half = whole.slice(..whole.len() / 2);
        let rest = Some(half).filter(|half| !half.is_empty());
        Self { rest, length: self.length.max(1), end, is_flushed: false }
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = Unanswered;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Unanswered>>> {
        if let Some(bytes) = self.rest.take() {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        match self.end {
            End::Whole => Poll::Ready(None),
            End::Hang => Poll::Pending,
            End::Cut if self.is_flushed => Poll::Ready(Some(Err(Unanswered))),
            // What was given so far is sent before the body is asked again.
            End::Cut => {
                self.is_flushed = true;
                context.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_none() && self.end == End::Whole
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }
}

fn answer(status: u16, kind: &'static str, body: impl Into<Bytes>) -> Response<Body> {
    let body: Bytes = body.into();
    let length = body.len();
    let mut answer = Response::new(Body::whole(Full::new(body)));
    if let Ok(status) = status.try_into() {
        *answer.status_mut() = status;
    }
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    if length == 0 {
        answer.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    answer
}

/// A good answer in JSON.
pub(super) fn json(value: &Value) -> Response<Body> {
    answer(200, "application/json", value.to_string())
}

/// DynamoDB's refusal with an item, which is JSON.
pub(super) fn refused_with(status: u16, code: &str, item: &str) -> Response<Body> {
    let kind = format!("com.amazonaws.dynamodb.v20120810#{code}");
    let text = format!("{{\"__type\":\"{kind}\",\"Item\":{item}}}");
    answer(status, "application/x-amz-json-1.0", text)
}

/// A good answer in XML.
pub(super) fn xml(text: String) -> Response<Body> {
    answer(200, "text/xml", text)
}

/// A good answer in CBOR, with the header without which it is none.
pub(super) fn cbor(bytes: Vec<u8>) -> Response<Body> {
    let mut answer = answer(200, "application/cbor", bytes);
    answer.headers_mut().insert("smithy-protocol", HeaderValue::from_static("rpc-v2-cbor"));
    answer
}

/// A page for people.
pub(super) fn html(status: u16) -> Response<Body> {
    answer(status, "text/html", format!("<html><body><h1>{status}</h1></body></html>"))
}

/// Status 200 and whatever this is.
pub(super) fn junk(text: &'static str) -> Response<Body> {
    answer(200, "text/html", text)
}
