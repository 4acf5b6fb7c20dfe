//! Every call as it is made, one line each: what `--debug` shows.

use std::time::Instant;

use aws_config::SdkConfig;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

/// Settings whose clients report each try of each call: what was asked of whom, the answer's status
/// and how long it took. Neither credentials nor bodies are shown.
pub fn traced(config: &SdkConfig, trace: fn(&str)) -> SdkConfig {
    match config.http_client() {
        Some(inner) => {
            let traced = SharedHttpClient::new(Traced { inner, trace });
            config.to_builder().http_client(traced).build()
        }
        None => config.clone(),
    }
}

#[derive(Debug)]
struct Traced<T> {
    inner: T,
    trace: fn(&str),
}

impl HttpClient for Traced<SharedHttpClient> {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Traced { inner, trace: self.trace })
    }
}

impl HttpConnector for Traced<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (begun, trace) = (Instant::now(), self.trace);
        let asked = asked(&request);
        let answer = self.inner.call(request);
        HttpConnectorFuture::new(async move {
            let answer = answer.await;
            let status = match &answer {
                Ok(answer) => answer.status().as_u16().to_string(),
                Err(_) => "no answer".to_owned(),
            };
            trace(&format!("{asked}: {status}, {} ms", begun.elapsed().as_millis()));
            answer
        })
    }
}

/// The operation where the protocol names it, or else method and path.
fn asked(request: &HttpRequest) -> String {
    let uri = request.uri();
    let (scheme, rest) = uri.split_once("://").unwrap_or(("", uri));
    let host = if scheme.is_empty() { "" } else { rest.split(['/', '?']).next().unwrap_or("") };
    let path = rest.strip_prefix(host).unwrap_or(rest);
    let path = path.split('?').next().unwrap_or("");
    match request.headers().get("x-amz-target") {
        Some(target) => format!("{target} at {host}"),
        None => format!("{} {path} at {host}", request.method()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_is_named_without_its_query() {
        let mut request = HttpRequest::empty();
        request.set_uri("https://iot.us-east-1.amazonaws.com/jobs/fw?secret=1").unwrap();
        assert_eq!(asked(&request), "GET /jobs/fw at iot.us-east-1.amazonaws.com");
        request.headers_mut().insert("x-amz-target", "DynamoDB_20120810.PutItem");
        assert_eq!(asked(&request), "DynamoDB_20120810.PutItem at iot.us-east-1.amazonaws.com");
    }
}
