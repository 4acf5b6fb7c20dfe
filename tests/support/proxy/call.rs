//! What a call is: read from its request, in any of AWS's protocols.

use std::time::Instant;

use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use hyper::http::request::Parts;

use super::right::{Asked, Right};

/// Names of operations that change nothing begin like this. What is not known is a write.
const READS: [&str; 11] = [
    "BatchGet",
    "Describe",
    "Estimate",
    "Filter",
    "Get",
    "List",
    "Query",
    "Scan",
    "Search",
    "TransactGet",
    "Validate",
];

/// How much of a body is kept. Firmware is longer, what names something is not.
const MOST_KEPT: usize = 64 << 10;

/// A call that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// When it was complete.
    pub at: Instant,
    /// HTTP's method.
    pub method: String,
    /// Path and query as they came.
    pub path: String,
    /// Whom it was signed for (`iot`, `s3`, `monitoring`, ..); empty if it is not signed.
    pub service: String,
    /// The API's name of it where the request has one (`PutItem`), otherwise method and path
    /// without the query (`PUT /jobs/rollout-1`).
    pub operation: String,
    /// Whether it may change something.
    pub write: bool,
    /// What it was sent with: its first 64 KiB, and what is no text in them replaced.
    pub body: String,
    /// What was answered. None: not (yet) carried out.
    pub status: Option<u16>,
    /// What IAM would be asked about it.
    pub rights: Vec<Right>,
}

impl Call {
    pub(crate) fn of(request: &Parts, body: &[u8]) -> Self {
        let (method, path) = (request.method.as_str(), request.uri.path());
        let (operation, write) = match operation(request, body) {
            Some(name) => {
                let reads = READS.iter().any(|read| name.starts_with(read));
                (name, !reads)
            }
            None => {
                // AWS IoT's searches are posted.
                let reads = matches!(method, "GET" | "HEAD") || path.starts_with("/indices/");
                (format!("{method} {path}"), !reads)
            }
        };
        let name = if operation.contains(' ') { "" } else { &operation };
        let rights = Asked {
            service: service(request).unwrap_or_default(),
            method,
            path: request.uri.path_and_query().map_or(path, |all| all.as_str()),
            operation: name,
            body,
            is_compressed: header(request, "content-encoding").is_some_and(|is| is == "gzip"),
        }
        .rights();
        Self {
            at: Instant::now(),
            method: method.to_owned(),
            path: request.uri.path_and_query().map_or(path, |all| all.as_str()).to_owned(),
            service: service(request).unwrap_or_default().to_owned(),
            operation,
            write,
            body: String::from_utf8_lossy(body.get(..MOST_KEPT).unwrap_or(body)).into_owned(),
            status: None,
            rights,
        }
    }

    /// The API's name of it, also of AWS IoT's calls, which have it in no header.
    pub(crate) fn name(&self) -> &str {
        let path = self.path.split('?').next().unwrap_or_default();
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        match (self.method.as_str(), &segments[..]) {
            ("GET", ["jobs", _]) => "DescribeJob",
            ("PUT", ["jobs", _, "cancel"]) => "CancelJob",
            ("DELETE", ["jobs", _]) => "DeleteJob",
            ("PUT", ["jobs", _]) => "CreateJob",
            ("GET", ["jobs"]) => "ListJobs",
            ("GET", ["tags"]) if self.service == "iot" => "ListTagsForResource",
            ("GET", ["jobs", _, "things"]) => "ListJobExecutionsForJob",
            ("GET", ["thing-groups", _, "things"]) => "ListThingsInThingGroup",
            ("DELETE", ["thing-groups", _]) => "DeleteThingGroup",
            ("GET", ["event-configurations"]) => "DescribeEventConfigurations",
            ("PATCH", ["event-configurations"]) => "UpdateEventConfigurations",
            _ => &self.operation,
        }
    }
}

/// A parameter of a query or a form, decoded.
pub(crate) fn parameter(query: &str, name: &str) -> Option<String> {
    let value = query.split('&').filter_map(|pair| pair.split_once('=')).find(|(n, _)| *n == name);
    let mut bytes = value?.1.bytes();
    let mut decoded = Vec::new();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => decoded.push(b' '),
            b'%' => {
                let code = [bytes.next()?, bytes.next()?];
                decoded.push(u8::from_str_radix(std::str::from_utf8(&code).ok()?, 16).ok()?);
            }
            _ => decoded.push(byte),
        }
    }
    String::from_utf8(decoded).ok()
}

/// `AWS4-HMAC-SHA256 Credential=<key>/<date>/<region>/<service>/aws4_request, SignedHeaders=..`
fn service(request: &Parts) -> Option<&str> {
    let credential = header(request, AUTHORIZATION.as_str())?.split_once("Credential=")?.1;
    credential.split(',').next()?.rsplit('/').nth(1)
}

fn operation(request: &Parts, body: &[u8]) -> Option<String> {
    if let Some(target) = header(request, "x-amz-target") {
        return target.rsplit('.').next().map(str::to_owned);
    }
    if header(request, "smithy-protocol").is_some() {
        return request.uri.path().rsplit_once("/operation/").map(|(_, name)| name.to_owned());
    }
    if is_form(request) {
        let fields = std::str::from_utf8(body).ok()?.split('&');
        return fields.filter_map(|field| field.strip_prefix("Action=")).next().map(str::to_owned);
    }
    None
}

/// Whether it is in the query protocol, whose answers are XML.
pub(crate) fn is_form(request: &Parts) -> bool {
    header(request, CONTENT_TYPE.as_str())
        .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"))
}

pub(super) fn header<'a>(request: &'a Parts, name: &str) -> Option<&'a str> {
    request.headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Call {
        let mut request = hyper::Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Call::of(&request.body(()).unwrap().into_parts().0, body.as_bytes())
    }

    #[test]
    fn every_protocol_says_which_operation_it_is() {
        let target = |target| call("POST", "/", &[("X-Amz-Target", target)], "{}");
        let cbor = |path| call("POST", path, &[("smithy-protocol", "rpc-v2-cbor")], "");
        let form = [("content-type", "application/x-www-form-urlencoded; charset=utf-8")];
        let table = [
            (target("DynamoDB_20120810.PutItem"), "PutItem", true),
            (target("DynamoDB_20120810.TransactGetItems"), "TransactGetItems", false),
            (
                cbor("/service/GraniteServiceVersion20100801/operation/PutMetricData"),
                "PutMetricData",
                true,
            ),
            (
                cbor("/service/GraniteServiceVersion20100801/operation/GetMetricData"),
                "GetMetricData",
                false,
            ),
            (
                call("POST", "/", &form, "Version=2010-03-31&Action=Publish&Message=a"),
                "Publish",
                true,
            ),
            (
                call("POST", "/", &form, "Action=DescribeStacks&Version=2010"),
                "DescribeStacks",
                false,
            ),
            (call("PUT", "/jobs/r%201?namespaceId=a", &[], "{}"), "PUT /jobs/r%201", true),
            (call("GET", "/jobs", &[], ""), "GET /jobs", false),
            (call("HEAD", "/bucket/key", &[], ""), "HEAD /bucket/key", false),
            (call("POST", "/indices/search", &[], "{}"), "POST /indices/search", false),
            (call("DELETE", "/jobs/r", &[], ""), "DELETE /jobs/r", true),
        ];
        for (call, operation, write) in table {
            assert_eq!((call.operation.as_str(), call.write), (operation, write));
        }
    }

    #[test]
    fn calls_of_aws_iot_have_names_too() {
        for (method, path, name) in [
            ("GET", "/jobs/r-1", "DescribeJob"),
            ("PUT", "/jobs/r-1/cancel?force=true", "CancelJob"),
            ("GET", "/jobs?maxResults=1", "ListJobs"),
            ("GET", "/jobs/r-1/things?status=FAILED", "ListJobExecutionsForJob"),
            ("GET", "/thing-groups/all/things", "ListThingsInThingGroup"),
            ("DELETE", "/thing-groups/all", "DeleteThingGroup"),
            ("PATCH", "/event-configurations", "UpdateEventConfigurations"),
            ("GET", "/things", "GET /things"),
        ] {
            assert_eq!(call(method, path, &[], "").name(), name);
        }
    }

    #[test]
    fn a_form_is_decoded() {
        assert_eq!(parameter("a=1&b=x+y%26%C3%A4", "b").as_deref(), Some("x y&ä"));
        assert_eq!(parameter("a=1", "b"), None);
    }

    #[test]
    fn the_service_is_in_the_scope_of_the_signature() {
        let scope = "AWS4-HMAC-SHA256 Credential=a/b/20260101/us-east-1/iot-jobs-data/aws4_request, SignedHeaders=host";
        let signed = call("GET", "/a?b=%2F", &[("Authorization", scope)], "");
        assert_eq!((signed.service.as_str(), signed.path.as_str()), ("iot-jobs-data", "/a?b=%2F"));
        for other in ["", "Bearer abc", "AWS4-HMAC-SHA256 Credential="] {
            assert_eq!(call("GET", "/", &[("Authorization", other)], "").service, "");
        }
    }
}
