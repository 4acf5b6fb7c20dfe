use std::collections::HashMap;

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure::AllOld;
use aws_sdk_dynamodb::types::{
    AttributeValue, DeleteRequest, PutRequest, ReturnConsumedCapacity, WriteRequest,
};
use tripline::evidence::Record;
use tripline::job::JobId;
use tripline::release::hold::{HOLDS, HeldBriefly};
use tripline::time::Timestamp;
use tripline_aws::answer::whole;
use tripline_aws::{Failure, FailureKind};
use tripline_guard::kept::{
    ALERT_ONLY, ARMED_AT, BASELINE, CONFIG, FIRST_SEEN, FIRST_SEEN_PREFIX, FirstSeen, JOB,
    is_written,
};

use super::Aws;
use crate::ask::{EvidenceItem, Item, Page, Table};

/// The key of what the keeper remembers. No job can be called so.
const MEMORY_KEY: &str = "$guard-keeper";
/// What it remembers, as text.
const MEMORY: &str = "memory";

impl Table for Aws {
    async fn read_table(&self, next: Option<String>) -> Result<Page<Item>, Failure> {
        let from = next.map(|job| HashMap::from([(JOB.to_owned(), AttributeValue::S(job))]));
        let output = self
            .dynamodb
            .scan()
            .table_name(&self.settings.table)
            // What the last minute wrote is to be seen.
            .consistent_read(true)
            .set_exclusive_start_key(from)
            .send()
            .await
            .map_err(|error| Failure::from_sdk("Scan", &error))?;
        // An empty table would have no job's own config, and all evidence would begin again.
        whole("Scan", output.items.is_some(), &output)?;
        let last = output.last_evaluated_key.and_then(|mut key| text(&mut key, JOB));
        let items = output.items.into_iter().flatten().filter_map(item).collect();
        Ok(Page { items, next: last })
    }

    async fn write_table(&self, memory: Option<&str>, forget: &[JobId]) -> Result<(), Failure> {
        let memory = memory.map(|memory| put([(JOB, MEMORY_KEY), (MEMORY, memory)]));
        let forget = forget.iter().map(|job| delete(job.as_str()));
        self.write(memory.into_iter().chain(forget).collect()).await
    }

    async fn write_evidence(&self, job: &JobId, item: &EvidenceItem) -> Result<bool, Failure> {
        let number = |number: i64| AttributeValue::N(number.to_string());
        let put = self
            .dynamodb
            .put_item()
            .table_name(&self.settings.table)
            .item(JOB, AttributeValue::S(Record::key(job)))
            .item(Record::ATTRIBUTE, AttributeValue::S(item.text.clone()))
            .item(Record::STATE, AttributeValue::B(Blob::new(item.state.clone())))
            .item(Record::TICK, number(item.tick.into()))
            .expression_attribute_names("#key", Record::TICK)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .return_values_on_condition_check_failure(AllOld);
        let put = match item.instead_of {
            None => put.condition_expression(IS_FIRST),
            Some(read) => put
                .condition_expression(IS_AS_READ)
                .expression_attribute_values(":read", number(read.into())),
        };
        match put.send().await {
            Ok(put) => is_written("PutItem", put.consumed_capacity.as_ref()).map(|()| true),
            Err(error) if error.code() == Some("ConditionalCheckFailedException") => {
                Ok(is_there(error.as_service_error(), item))
            }
            Err(error) => Err(Failure::from_sdk("PutItem", &error)),
        }
    }

    async fn forget_evidence(&self, jobs: &[JobId]) -> Result<(), Failure> {
        self.write(jobs.iter().map(|job| delete(&Record::key(job))).collect()).await
    }

    async fn write_first_seen(
        &self,
        seen: &[(JobId, FirstSeen)],
        forget: &[JobId],
    ) -> Result<(), Failure> {
        let key = |job: &JobId| format!("{FIRST_SEEN_PREFIX}{job}");
        let puts = seen.iter().map(|(job, first)| {
            put([(JOB, key(job).as_str()), (FIRST_SEEN, first.to_text().as_str())])
        });
        let deletes = forget.iter().map(|job| delete(&key(job)));
        self.write(puts.chain(deletes).collect()).await
    }
}

/// Only what was read is overwritten.
const IS_FIRST: &str = "attribute_not_exists(#key)";
const IS_AS_READ: &str = "#key = :read";

const OPERATION: &str = "BatchWriteItem";

impl Aws {
    async fn write(&self, writes: Vec<Result<WriteRequest, Failure>>) -> Result<(), Failure> {
        if writes.is_empty() {
            return Ok(());
        }
        let writes = writes.into_iter().collect::<Result<Vec<_>, _>>()?;
        // What DynamoDB does not get to comes again the next minute.
        let write = self.dynamodb.batch_write_item().request_items(&self.settings.table, writes);
        let write = write.return_consumed_capacity(ReturnConsumedCapacity::Total).send().await;
        let written = write.map_err(|error| Failure::from_sdk(OPERATION, &error))?;
        is_written(OPERATION, written.consumed_capacity().first())
    }
}

/// Whether what is there instead is this item itself: its answer was lost, and the call was made again.
fn is_there(error: Option<&PutItemError>, item: &EvidenceItem) -> bool {
    let Some(PutItemError::ConditionalCheckFailedException(error)) = error else { return false };
    let state = AttributeValue::B(Blob::new(item.state.clone()));
    let text = AttributeValue::S(item.text.clone());
    let there = error.item();
    let is_as = |name, value| there.is_some_and(|there| there.get(name) == Some(value));
    is_as(Record::STATE, &state) && is_as(Record::ATTRIBUTE, &text)
}

fn incomplete(_: aws_sdk_dynamodb::error::BuildError) -> Failure {
    Failure::new(OPERATION, FailureKind::Refused, "an incomplete request")
}

fn put(item: [(&str, &str); 2]) -> Result<WriteRequest, Failure> {
    let item = item.into_iter().map(pair).collect();
    let put = PutRequest::builder().set_item(Some(item)).build().map_err(incomplete)?;
    Ok(WriteRequest::builder().put_request(put).build())
}

fn delete(key: &str) -> Result<WriteRequest, Failure> {
    let key = HashMap::from([pair((JOB, key))]);
    let delete = DeleteRequest::builder().set_key(Some(key)).build().map_err(incomplete)?;
    Ok(WriteRequest::builder().delete_request(delete).build())
}

fn pair((key, text): (&str, &str)) -> (String, AttributeValue) {
    (key.to_owned(), AttributeValue::S(text.to_owned()))
}

fn item(mut item: HashMap<String, AttributeValue>) -> Option<Item> {
    let key = text(&mut item, JOB)?;
    if key == MEMORY_KEY {
        return Some(Item::Memory(text(&mut item, MEMORY)?));
    }
    if key == HOLDS {
        let hold = |(job, value): (String, AttributeValue)| {
            Some((JobId::new(&job).ok()?, HeldBriefly::from_text(value.as_s().ok()?)?))
        };
        return Some(Item::Holds(item.into_iter().filter_map(hold).collect()));
    }
    if let Some(job) = key.strip_prefix(FIRST_SEEN_PREFIX) {
        let job = JobId::new(job).ok()?;
        let first = FirstSeen::from_text(&text(&mut item, FIRST_SEEN)?)?;
        return Some(Item::FirstSeen { job, first });
    }
    if let Some(job) = key.strip_prefix(Record::KEY_PREFIX) {
        let job = JobId::new(job).ok()?;
        let state = match item.remove(Record::STATE) {
            Some(AttributeValue::B(bytes)) => bytes.into_inner(),
            _ => Vec::new(),
        };
        let text = text(&mut item, Record::ATTRIBUTE).unwrap_or_default();
        let tick = match item.get(Record::TICK) {
            Some(AttributeValue::N(number)) => number.parse().unwrap_or(0),
            _ => 0,
        };
        return Some(Item::Evidence { job, text, state, tick });
    }
    let job = JobId::new(&key).ok()?;
    let alert_only = matches!(item.get(ALERT_ONLY), Some(AttributeValue::Bool(true)));
    let armed = match item.get(ARMED_AT) {
        Some(AttributeValue::N(number)) => number.parse().unwrap_or(0),
        _ => 0,
    };
    let armed = Timestamp::from_seconds(armed);
    // An item without a text is a config that says nothing.
    let text = text(&mut item, CONFIG).unwrap_or_default();
    let baseline = self::text(&mut item, BASELINE);
    Some(Item::Config { job, text, armed, alert_only, baseline })
}

fn text(item: &mut HashMap<String, AttributeValue>, key: &str) -> Option<String> {
    match item.remove(key) {
        Some(AttributeValue::S(text)) => Some(text),
        _ => None,
    }
}
