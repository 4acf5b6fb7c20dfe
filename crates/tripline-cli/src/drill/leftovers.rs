//! `tripline drill --clean-up`: what drills have left that were killed.

use std::collections::{BTreeMap, BTreeSet};

use tripline::alarm::alarm_name_prefix;
use tripline_aws::Failure;

use super::clean_up::{CleanUp, CleanUpReport};
use super::clients::{DrillClients, MARK, NAME};
use super::mailbox::drill_subscriptions;
use crate::aws::drill_name::{DrillName, PREFIX};

/// `ListJobs` and `ListThings` give so many at a time.
const PAGE: i32 = 250;

/// Removes what is left of all drills.
pub async fn remove(
    cloud: &DrillClients,
    stack: &str,
    dry_run: bool,
) -> Result<CleanUpReport, Failure> {
    let mut tidied = CleanUpReport::default();
    let topics = topics(cloud).await?;
    for name in names(cloud, &topics).await? {
        let topic = topics.get(&name).map(String::as_str);
        CleanUp { cloud, topic, stack: Some(stack), dry_run }.remove(&name, &mut tidied).await;
    }
    Ok(tidied)
}

/// Every name that something of a drill's has. Whether it really is a drill's, is seen before it is
/// removed.
async fn names(
    cloud: &DrillClients,
    topics: &BTreeMap<DrillName, String>,
) -> Result<BTreeSet<DrillName>, Failure> {
    let mut names: BTreeSet<DrillName> = topics.keys().cloned().collect();
    let listed = cloud.aws.iot.list_things().attribute_name(MARK.0).attribute_value(MARK.1);
    let mut pages = listed.into_paginator().page_size(PAGE).send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| Failure::from_sdk("ListThings", &error))?;
        names.extend(page.things().iter().filter_map(|thing| {
            let name = DrillName::of_thing(thing.thing_name()?)?;
            (thing.attributes()?.get(NAME)? == name.as_str()).then_some(name)
        }));
    }
    let mut pages = cloud.aws.iot.list_jobs().into_paginator().page_size(PAGE).send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| Failure::from_sdk("ListJobs", &error))?;
        names.extend(page.jobs().iter().filter_map(|job| DrillName::new(job.job_id()?)));
    }
    for alarm in cloud.aws.alarms(&format!("tripline-{PREFIX}")).await?.metric {
        // The job is what follows `tripline-`, up to its length.
        let owner = cloud.aws.tagged_job(&alarm).await?;
        let name = owner.as_deref().and_then(DrillName::new);
        let of_name = |name: &DrillName| {
            let prefix = name.job().map(|job| alarm_name_prefix(&job)).unwrap_or_default();
            alarm.alarm_name().is_some_and(|alarm| alarm.starts_with(&prefix))
        };
        names.extend(name.filter(of_name));
    }
    let mut pages = cloud.sqs.list_queues().queue_name_prefix(PREFIX).into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| Failure::from_sdk("ListQueues", &error))?;
        names.extend(
            page.queue_urls().iter().filter_map(|url| DrillName::new(url.rsplit('/').next()?)),
        );
    }
    Ok(names)
}

/// The topic that each drill's queue is subscribed to.
async fn topics(cloud: &DrillClients) -> Result<BTreeMap<DrillName, String>, Failure> {
    let found = drill_subscriptions(cloud, None).await?.into_iter();
    // A subscription's ARN is its topic's and an id.
    Ok(found.filter_map(|(name, arn)| Some((name, arn.rsplit_once(':')?.0.to_owned()))).collect())
}
