//! The same for clients without a wire: what they would send is checked when it is signed.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

use crate::{Request, faults};

/// An interceptor for the clients of tests: it panics at a request that AWS would refuse.
#[derive(Debug, Clone, Copy)]
pub struct Taken;

impl Intercept for Taken {
    fn name(&self) -> &'static str {
        "Taken"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request();
        let headers = request.headers().iter();
        let headers: Vec<(String, String)> =
            headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        // A file that is read while it is sent is no more than bytes to a model.
        let body = request.body().bytes().unwrap_or(b"streamed");
        let found = faults(&Request {
            method: request.method(),
            target: target(request.uri()),
            headers: &headers,
            body,
            // Tests have clocks of their own.
            now: None,
        });
        assert!(found.is_empty(), "{found:#?}");
        Ok(())
    }
}

/// Path and query of an address.
fn target(uri: &str) -> &str {
    let after = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    after.find('/').map_or("/", |at| &after[at..])
}
