//! The stack and its resources.

use aws_sdk_cloudformation::types::{ResourceStatus, StackStatus};
use aws_sdk_cloudwatch::types::{AlarmType, MetricAlarm};
use tripline::text::excerpt;
use tripline_aws::Failure;

use super::clients::Clients;
use crate::aws::stack::{describe, missing};
use crate::doctor::facts::{Answer, NoAnswer, Resource, StackFacts};
use crate::exit::Error;

/// `DescribeAlarms` takes so many names.
const MOST_NAMES: usize = 100;

impl Clients {
    /// The stack, in whatever state.
    pub async fn describe_stack(&self, name: &str) -> Result<StackFacts, Error> {
        let stack = describe(&self.alarms.cloudformation, name).await?;
        let stack = stack.ok_or_else(|| missing(name))?;
        let outputs = stack.outputs().iter();
        let changed = stack.last_updated_time().or(stack.creation_time());
        Ok(StackFacts {
            // It may have been named by its ARN.
            name: excerpt(stack.stack_name().unwrap_or(name)),
            age: changed.map(|changed| self.dates.now() - changed.secs()),
            status: stack.stack_status().map_or("unknown", StackStatus::as_str).to_owned(),
            outputs: outputs
                .filter_map(|output| {
                    Some((output.output_key()?.to_owned(), output.output_value()?.to_owned()))
                })
                .collect(),
        })
    }

    /// The stack's resources, and those of its alarms that CloudWatch still knows.
    pub async fn list_resources_and_alarms(
        &self,
        stack: &StackFacts,
        with_alarms: bool,
    ) -> (Answer<Vec<Resource>>, Answer<Vec<MetricAlarm>>) {
        let resources = self.list_resources(&stack.name).await;
        let alarms = match (&resources, with_alarms) {
            (_, false) => Err(NoAnswer::NotAsked),
            (Err(failure), true) => Err(failure.clone().into()),
            (Ok(resources), true) => Ok(self.describe_stack_alarms(resources).await),
        };
        let alarms = alarms.and_then(|alarms| alarms.map_err(NoAnswer::from));
        (resources.map_err(NoAnswer::from), alarms)
    }

    async fn list_resources(&self, stack: &str) -> Result<Vec<Resource>, Failure> {
        let mut pages = self
            .alarms
            .cloudformation
            .list_stack_resources()
            .stack_name(stack)
            .into_paginator()
            .send();
        let mut resources = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| Failure::from_sdk("ListStackResources", &error))?;
            resources.extend(page.stack_resource_summaries().iter().map(|resource| Resource {
                logical: excerpt(resource.logical_resource_id().unwrap_or_default()),
                kind: resource.resource_type().unwrap_or_default().to_owned(),
                physical: resource.physical_resource_id().unwrap_or_default().to_owned(),
                status:
                    resource.resource_status().map_or("unknown", ResourceStatus::as_str).to_owned(),
            }));
        }
        Ok(resources)
    }

    async fn describe_stack_alarms(
        &self,
        resources: &[Resource],
    ) -> Result<Vec<MetricAlarm>, Failure> {
        let names: Vec<String> = resources
            .iter()
            .filter(|resource| {
                resource.kind == "AWS::CloudWatch::Alarm" && !resource.physical.is_empty()
            })
            .map(|resource| resource.physical.clone())
            .collect();
        let mut alarms = Vec::new();
        for names in names.chunks(MOST_NAMES) {
            let described = self
                .alarms
                .cloudwatch
                .describe_alarms()
                .set_alarm_names(Some(names.to_vec()))
                .alarm_types(AlarmType::MetricAlarm)
                .max_records(100)
                .send()
                .await
                .map_err(|error| Failure::from_sdk("DescribeAlarms", &error))?;
            alarms.extend_from_slice(described.metric_alarms());
        }
        Ok(alarms)
    }
}
