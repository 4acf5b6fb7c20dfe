//! Whether an answer is the service's at all.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

const HEADER: &str = "smithy-protocol";
const RPC_V2_CBOR: &str = "rpc-v2-cbor";

/// Believes a 2xx of CloudWatch only if it is marked as its protocol demands (Smithy RPC v2 CBOR, "Responses":
/// the header `Smithy-Protocol` with the request's own value). The SDK does not look: to
/// an operation that has nothing to answer, such as `PutMetricData`, any page of a proxy is a success, and to others
/// `{}` of anybody says that there is nothing. Such a page becomes the SDK's response error.
#[derive(Debug, Clone, Copy)]
pub struct InProtocol;

#[dyn_dispatch_hint]
impl Intercept for InProtocol {
    fn name(&self) -> &'static str {
        "InProtocol"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response();
        let is_marked = response.headers().get(HEADER) == Some(RPC_V2_CBOR);
        if !response.status().is_success() || is_marked {
            return Ok(());
        }
        let status = response.status().as_u16();
        Err(format!("status {status} without `{HEADER}: {RPC_V2_CBOR}`, so not the service's")
            .into())
    }
}
