//! The things of a fleet and their thing group: `register` and `remove`.
//!
//! What the fleet creates carries a mark, and only what carries it is used or removed: a prefix
//! that meets real devices must not turn into their impersonation or loss.

use std::collections::HashSet;
use std::sync::Arc;

use aws_sdk_iot::Client;
use aws_sdk_iot::types::{AttributePayload, ThingGroupProperties};
use schemars::JsonSchema;
use serde::Serialize;
use tokio::task::JoinSet;
use tripline_aws::{Failure, FailureKind, SdkConfig};

use super::arguments::{Devices, Limits};
use super::names::Prefix;
use crate::aws::pace::Pace;
use crate::exit::{End, Error};
use crate::terminal::document::print_document;
use crate::terminal::output::Output;
use crate::terminal::print::{print, say};

/// The attribute of a simulated thing and of its group.
const MARK: (&str, &str) = ("simulatedBy", "tripline");
/// `ListThings` gives so many at a time.
const MOST_LISTED: i32 = 250;

#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  tripline fleet register --devices 200 --prefix demo-

Repeating it, or with more devices, adds what is missing.

Exit code 2: an option is not right, or a thing or group of that name is not a fleet's; 3: AWS
refused or could not be reached.")]
pub struct Register {
    #[command(flatten)]
    devices: Devices,
    /// Thing group to create; `<PREFIX>fleet` if not given
    #[arg(long)]
    group: Option<String>,
    #[command(flatten)]
    limits: Limits,
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  tripline fleet remove --prefix demo-

Removes only what `tripline fleet register` has created.

Exit code 2: an option is not right, or the group is not a fleet's; 3: AWS refused or could not be
reached.")]
pub struct Remove {
    /// Start of every device's name
    #[arg(long)]
    prefix: Prefix,
    /// Thing group of the fleet; `<PREFIX>fleet` if not given
    #[arg(long)]
    group: Option<String>,
    #[command(flatten)]
    limits: Limits,
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

/// A fleet that was registered.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RegisteredData {
    devices: u32,
    /// The thing group of the fleet.
    group: String,
    group_arn: String,
}

/// A fleet that was removed.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RemovedDevices {
    /// How many devices.
    removed: usize,
    /// The thing group, if there was one.
    group: Option<String>,
}

impl Register {
    pub async fn run(self, config: &SdkConfig) -> Result<End, Error> {
        let iot = Client::new(config);
        let Devices { devices, prefix } = self.devices;
        let group = self.group.unwrap_or_else(|| prefix.group());

        let arn = create_group(&iot, &group).await?;
        let in_group = group.clone();
        for_each(prefix.names(devices), self.limits.pace(), move |pace, thing| {
            let (iot, group) = (iot.clone(), in_group.clone());
            async move { create_thing(&iot, &pace, &thing, &group).await }
        })
        .await?;

        say(&format!("{devices} devices in thing group {group}"));
        match self.output {
            Output::Text => print(&format!("{arn}\n")),
            Output::Json => {
                print_document(&RegisteredData { devices, group, group_arn: arn });
            }
        }
        Ok(End::Done)
    }
}

impl Remove {
    pub async fn run(self, config: &SdkConfig) -> Result<End, Error> {
        let iot = Client::new(config);
        let group = self.group.unwrap_or_else(|| self.prefix.group());

        let has_group = is_marked(&iot, &group).await?;
        let mut things = marked_things(&iot).await?;
        things.retain(|thing| self.prefix.names_a_device(thing));
        let removed = things.len();
        let of = iot.clone();
        for_each(things.into_iter(), self.limits.pace(), move |pace, thing| {
            let iot = of.clone();
            async move {
                let _permit = pace.permit().await;
                let removed = iot.delete_thing().thing_name(thing).send().await;
                removed.map(drop).map_err(|error| Failure::from_sdk("DeleteThing", &error).into())
            }
        })
        .await?;
        if has_group {
            let deleted = iot.delete_thing_group().thing_group_name(&group).send().await;
            deleted.map_err(|error| Failure::from_sdk("DeleteThingGroup", &error))?;
        }

        match self.output {
            Output::Text if has_group => {
                say(&format!("removed {removed} devices and thing group {group}"))
            }
            Output::Text => {
                say(&format!("removed {removed} devices; there is no thing group {group}"))
            }
            Output::Json => {
                let group = has_group.then_some(group);
                print_document(&RemovedDevices { removed, group });
            }
        }
        Ok(End::Done)
    }
}

async fn create_group(iot: &Client, group: &str) -> Result<String, Error> {
    let created = iot
        .create_thing_group()
        .thing_group_name(group)
        .thing_group_properties(
            ThingGroupProperties::builder()
                .thing_group_description("Devices simulated by `tripline fleet`")
                .attribute_payload(mark())
                .build(),
        )
        .send()
        .await;
    match created {
        Ok(created) => created.thing_group_arn.ok_or_else(|| {
            let missing = "the answer has no ARN of the thing group";
            Failure::new("CreateThingGroup", FailureKind::Unavailable, missing).into()
        }),
        Err(error)
            if error
                .as_service_error()
                .is_some_and(|e| e.is_resource_already_exists_exception()) =>
        {
            Err(Error::input(format!(
                "thing group `{group}` exists and is not of a simulated fleet"
            ))
            .hint("name another one with --group"))
        }
        Err(error) => Err(Failure::from_sdk("CreateThingGroup", &error).into()),
    }
}

async fn create_thing(iot: &Client, pace: &Pace, thing: &str, group: &str) -> Result<(), Error> {
    let permit = pace.permit().await;
    // AWS answers a repeated call with the same attributes as the first one.
    let created = iot.create_thing().thing_name(thing).attribute_payload(mark()).send().await;
    drop(permit);
    match created {
        Ok(_) => {}
        Err(error)
            if error
                .as_service_error()
                .is_some_and(|e| e.is_resource_already_exists_exception()) =>
        {
            return Err(Error::input(format!(
                "thing `{thing}` exists and is not simulated, so it is left alone"
            ))
            .hint("choose another --prefix"));
        }
        Err(error) => return Err(Failure::from_sdk("CreateThing", &error).into()),
    }
    let _permit = pace.permit().await;
    let added =
        iot.add_thing_to_thing_group().thing_name(thing).thing_group_name(group).send().await;
    added.map(drop).map_err(|error| Failure::from_sdk("AddThingToThingGroup", &error).into())
}

fn mark() -> AttributePayload {
    AttributePayload::builder().attributes(MARK.0, MARK.1).build()
}

/// Whether the group is of a simulated fleet; a group that is gone is not, which makes `remove`
/// repeatable.
async fn is_marked(iot: &Client, group: &str) -> Result<bool, Error> {
    let described = iot.describe_thing_group().thing_group_name(group).send().await;
    let found = match described.map_err(|error| Failure::from_sdk("DescribeThingGroup", &error)) {
        Ok(found) => found,
        Err(failure) if failure.kind == FailureKind::NotFound => return Ok(false),
        Err(failure) => return Err(failure.into()),
    };
    let attributes = found
        .thing_group_properties()
        .and_then(|properties| properties.attribute_payload())
        .and_then(|payload| payload.attributes());
    match attributes.and_then(|attributes| attributes.get(MARK.0)) {
        Some(value) if value == MARK.1 => Ok(true),
        _ => Err(Error::input(format!(
            "thing group `{group}` is not of a simulated fleet, so nothing was removed"
        ))),
    }
}

/// By their mark and not by the group: a registration that was cut short leaves things in none.
async fn marked_things(iot: &Client) -> Result<Vec<String>, Error> {
    let listed = iot.list_things().attribute_name(MARK.0).attribute_value(MARK.1);
    let mut pages = listed.into_paginator().page_size(MOST_LISTED).send();
    let mut things = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| Failure::from_sdk("ListThings", &error))?;
        let page = page.things.unwrap_or_default().into_iter();
        things.extend(page.filter_map(|thing| thing.thing_name));
    }
    Ok(things)
}

/// Refuses to be devices that were not created to be simulated.
pub async fn check_simulated(iot: &Client, prefix: &Prefix, names: &[String]) -> Result<(), Error> {
    let marked: HashSet<String> = marked_things(iot).await?.into_iter().collect();
    let mut others = names.iter().filter(|name| !marked.contains(*name));
    let Some(first) = others.next() else { return Ok(()) };
    let (others, all) = (1 + others.count(), names.len());
    Err(Error::input(format!("{others} of {all} devices are not registered as simulated ones, first `{first}`; nothing was run")).hint(format!("`tripline fleet register --devices {all} --prefix {prefix}` creates those that are missing")).command(format!("tripline fleet register --devices {all} --prefix {prefix}")))
}

/// Does something with every thing, at a pace, and ends at the first failure.
async fn for_each<F>(
    things: impl Iterator<Item = String>,
    pace: Pace,
    act: impl Fn(Arc<Pace>, String) -> F,
) -> Result<(), Error>
where
    F: Future<Output = Result<(), Error>> + Send + 'static,
{
    let pace = Arc::new(pace);
    let mut running = JoinSet::new();
    for thing in things {
        running.spawn(act(Arc::clone(&pace), thing));
    }
    while let Some(ended) = running.join_next().await {
        ended
            .map_err(|lost| Failure::new("fleet", FailureKind::Unavailable, lost.to_string()))??;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use aws_sdk_iot::operation::list_things::ListThingsOutput;
    use aws_sdk_iot::types::ThingAttribute;
    use aws_smithy_mocks::{RuleMode, mock, mock_client};

    use super::*;

    /// Marked things, in pages of two.
    fn registry(marked: &'static [&'static str]) -> Client {
        let things = mock!(Client::list_things)
            .match_requests(|input| {
                (input.attribute_name(), input.attribute_value()) == (Some(MARK.0), Some(MARK.1))
            })
            .then_compute_output(move |input| {
                let from = input.next_token().map_or(0, |token| token.parse::<usize>().unwrap());
                let page = marked.iter().skip(from).take(2);
                let page = page.map(|name| ThingAttribute::builder().thing_name(*name).build());
                let next = (from + 2 < marked.len()).then(|| (from + 2).to_string());
                ListThingsOutput::builder()
                    .set_things(Some(page.collect()))
                    .set_next_token(next)
                    .build()
            });
        mock_client!(aws_sdk_iot, RuleMode::MatchAny, [&things])
    }

    async fn check(marked: &'static [&'static str]) -> Result<(), String> {
        let prefix: Prefix = "t-".parse().unwrap();
        let names: Vec<String> = prefix.names(3).collect();
        check_simulated(&registry(marked), &prefix, &names).await.map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn only_marked_things_are_simulated() {
        assert_eq!(check(&["t-000001", "other", "t-000002", "t-000003"]).await, Ok(()));
        let refused = check(&["t-000001", "other", "t-000004"]).await.unwrap_err();
        assert_eq!(
            refused,
            "2 of 3 devices are not registered as simulated ones, first `t-000002`; nothing was run\n  hint: `tripline fleet register --devices 3 --prefix t-` creates those that are missing"
        );
    }
}
