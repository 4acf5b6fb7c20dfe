//! Calls that change jobs and thing groups, as a function and the command make the same.

use aws_sdk_iot::Client;
use aws_sdk_iot::operation::create_job::builders::CreateJobInputBuilder;

use crate::{Failure, FailureKind};

/// Creates a job; `false` if there is one of this name already.
///
/// # Errors
/// That of the call.
pub async fn create_job(client: &Client, request: CreateJobInputBuilder) -> Result<bool, Failure> {
    match request.send_with(client).await {
        Ok(_) => Ok(true),
        Err(error)
            if error
                .as_service_error()
                .is_some_and(|error| error.is_resource_already_exists_exception()) =>
        {
            Ok(false)
        }
        Err(error) => Err(Failure::from_sdk("CreateJob", &error)),
    }
}

/// Deletes a thing group. That there is none is as good.
///
/// # Errors
/// That of the call.
pub async fn delete_group(client: &Client, group: &str) -> Result<(), Failure> {
    let deleted = client.delete_thing_group().thing_group_name(group).send().await;
    match deleted.map_err(|error| Failure::from_sdk("DeleteThingGroup", &error)) {
        Err(failure) if failure.kind != FailureKind::NotFound => Err(failure),
        _ => Ok(()),
    }
}
