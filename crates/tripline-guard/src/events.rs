//! Job events: AWS IoT sends none until they are enabled, for the account in a region. Without them
//! there is no metric, and an alarm guards nothing.

use aws_sdk_iot::Client;
use aws_sdk_iot::types::{Configuration, EventType};
use tripline_aws::Failure;

/// The events that are metrics' source: how jobs and their executions end.
const NEEDED: [EventType; 2] = [EventType::Job, EventType::JobExecution];

/// Whether AWS IoT sends job events.
pub async fn are_on(iot: &Client) -> Result<bool, Failure> {
    let described = iot
        .describe_event_configurations()
        .send()
        .await
        .map_err(|error| Failure::from_sdk("DescribeEventConfigurations", &error))?;
    let configurations = described.event_configurations();
    Ok(NEEDED.iter().all(|event| {
        configurations.and_then(|all| all.get(event)).is_some_and(Configuration::enabled)
    }))
}

/// Has AWS IoT send job events. The other events stay as they are.
pub async fn enable(iot: &Client) -> Result<(), Failure> {
    let mut update = iot.update_event_configurations();
    for event in NEEDED {
        let enabled = Configuration::builder().enabled(true).build();
        update = update.event_configurations(event, enabled);
    }
    let updated = update.send().await;
    updated.map(drop).map_err(|error| Failure::from_sdk("UpdateEventConfigurations", &error))
}
