//! The queues.

use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::Value;
use tripline_aws::Failure;

use super::answer::{none_if_not_found, parse_policy};
use super::clients::Clients;
use crate::doctor::facts::{Answer, Ingest, Mapping, Queue, StackFacts};

impl Clients {
    /// What could not be handled.
    pub async fn get_undelivered_queue(&self, stack: &StackFacts) -> Answer<Option<Queue>> {
        self.get_queue(stack.output("UndeliveredQueueUrl")?).await
    }

    /// The queue of job events, if there is one, and what takes them out.
    pub async fn get_ingest(&self, stack: &StackFacts) -> Answer<Ingest> {
        if !stack.is_batched() {
            return Ok(Ingest::Direct);
        }
        let arn = stack.output("IngestQueueArn")?;
        let name = arn.rsplit(':').next().unwrap_or(arn);
        let url = self.sqs.get_queue_url().queue_name(name).send().await;
        let url = none_if_not_found(url.map_err(|error| Failure::from_sdk("GetQueueUrl", &error)))?;
        let queue = match url.and_then(|found| found.queue_url) {
            Some(url) => self.get_queue(&url).await?,
            None => None,
        };
        let mappings = self.lambda.list_event_source_mappings().event_source_arn(arn).send().await;
        let mappings =
            mappings.map_err(|error| Failure::from_sdk("ListEventSourceMappings", &error))?;
        let mappings = mappings.event_source_mappings().iter().map(|mapping| Mapping {
            id: mapping.uuid().unwrap_or_default().to_owned(),
            function: mapping.function_arn().unwrap_or_default().to_owned(),
            state: mapping.state().unwrap_or_default().to_owned(),
            reports_failures: mapping
                .function_response_types()
                .iter()
                .any(|kind| kind.as_str() == "ReportBatchItemFailures"),
        });
        Ok(Ingest::Batched { queue, mappings: mappings.collect() })
    }

    async fn get_queue(&self, url: &str) -> Answer<Option<Queue>> {
        let wanted = [
            QueueAttributeName::QueueArn,
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
            QueueAttributeName::Policy,
            QueueAttributeName::RedrivePolicy,
        ];
        let asked = self.sqs.get_queue_attributes().queue_url(url);
        let found = asked.set_attribute_names(Some(wanted.to_vec())).send().await;
        let Some(found) = none_if_not_found(
            found.map_err(|error| Failure::from_sdk("GetQueueAttributes", &error)),
        )?
        else {
            return Ok(None);
        };
        let attribute = |name| found.attributes().and_then(|all| all.get(&name)).cloned();
        let number = |name| attribute(name).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
        let redrive: Option<Value> = attribute(QueueAttributeName::RedrivePolicy)
            .and_then(|text| serde_json::from_str(&text).ok());
        Ok(Some(Queue {
            arn: attribute(QueueAttributeName::QueueArn).unwrap_or_default(),
            url: url.to_owned(),
            messages: number(QueueAttributeName::ApproximateNumberOfMessages)
                + number(QueueAttributeName::ApproximateNumberOfMessagesNotVisible),
            policy: match attribute(QueueAttributeName::Policy).filter(|text| !text.is_empty()) {
                Some(text) => parse_policy("GetQueueAttributes", &text)?,
                None => Default::default(),
            },
            dead_letters: redrive
                .and_then(|policy| Some(policy.get("deadLetterTargetArn")?.as_str()?.to_owned())),
        }))
    }
}
