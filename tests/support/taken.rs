//! Whether AWS would take a request: what the stand-ins ask before they answer one.

use hyper::http::request::Parts;

use crate::http_aws::now;

/// What AWS would refuse of it.
pub(crate) fn faults(request: &Parts, body: &[u8]) -> Vec<String> {
    let headers: Vec<(String, String)> = request
        .headers
        .iter()
        .map(|(name, value)| {
            (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        })
        .collect();
    aws_models::faults(&aws_models::Request {
        method: request.method.as_str(),
        target: request.uri.path_and_query().map_or("/", |all| all.as_str()),
        headers: &headers,
        body,
        now: Some(now()),
    })
}
