//! CloudWatch's alarms, as far as a function and the command ask the same of them.

use aws_sdk_cloudwatch::Client;

use crate::Failure;

/// Most names of one `DeleteAlarms`.
pub const MOST_DELETED: usize = 100;

/// The keys and values of an alarm's tags.
///
/// # Errors
/// That of the call.
pub async fn alarm_tags(client: &Client, arn: &str) -> Result<Vec<(String, String)>, Failure> {
    let listed = client.list_tags_for_resource().resource_arn(arn).send().await;
    let listed = listed.map_err(|error| Failure::from_sdk("ListTagsForResource", &error))?;
    let tags = listed.tags.into_iter().flatten();
    Ok(tags.filter_map(|tag| Some((tag.key?, tag.value?))).collect())
}

/// Deletes alarms, at most [`MOST_DELETED`].
///
/// # Errors
/// That of the call.
pub async fn delete_alarms(client: &Client, names: &[String]) -> Result<(), Failure> {
    let deleted = client.delete_alarms().set_alarm_names(Some(names.to_vec())).send().await;
    deleted.map(drop).map_err(|error| Failure::from_sdk("DeleteAlarms", &error))
}
