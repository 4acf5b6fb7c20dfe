use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, DeleteRequest, PutRequest, WriteRequest};
use tripline::job::JobId;
use tripline::time::Timestamp;
use tripline_aws::{Failure, FailureKind};
use tripline_guard::kept::{ARMED_AT, CONFIG, JOB};

use super::Aws;
use crate::ask::{Item, Page, Table};

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
            .set_exclusive_start_key(from)
            .send()
            .await
            .map_err(|error| Failure::from_sdk("Scan", &error))?;
        let last = output.last_evaluated_key.and_then(|mut key| text(&mut key, JOB));
        let items = output.items.into_iter().flatten().filter_map(item).collect();
        Ok(Page { items, next: last })
    }

    async fn write_table(&self, memory: Option<&str>, forget: &[JobId]) -> Result<(), Failure> {
        const OPERATION: &str = "BatchWriteItem";
        let incomplete = |_| Failure::new(OPERATION, FailureKind::Refused, "an incomplete request");
        let mut writes = Vec::new();
        if let Some(memory) = memory {
            let item = [(JOB, MEMORY_KEY), (MEMORY, memory)].into_iter().map(pair).collect();
            let put = PutRequest::builder().set_item(Some(item)).build().map_err(incomplete)?;
            writes.push(WriteRequest::builder().put_request(put).build());
        }
        for job in forget {
            let key = HashMap::from([pair((JOB, job.as_str()))]);
            let delete = DeleteRequest::builder().set_key(Some(key)).build().map_err(incomplete)?;
            writes.push(WriteRequest::builder().delete_request(delete).build());
        }
        if writes.is_empty() {
            return Ok(());
        }
        // What DynamoDB does not get to comes again the next minute.
        let write = self.dynamodb.batch_write_item().request_items(&self.settings.table, writes);
        write.send().await.map(drop).map_err(|error| Failure::from_sdk(OPERATION, &error))
    }
}

fn pair((key, text): (&str, &str)) -> (String, AttributeValue) {
    (key.to_owned(), AttributeValue::S(text.to_owned()))
}

fn item(mut item: HashMap<String, AttributeValue>) -> Option<Item> {
    let key = text(&mut item, JOB)?;
    if key == MEMORY_KEY {
        return Some(Item::Memory(text(&mut item, MEMORY)?));
    }
    let job = JobId::new(&key).ok()?;
    let armed = match item.get(ARMED_AT) {
        Some(AttributeValue::N(number)) => number.parse().unwrap_or(0),
        _ => 0,
    };
    let armed = Timestamp::from_seconds(armed);
    Some(Item::Config { job, text: text(&mut item, CONFIG)?, armed })
}

fn text(item: &mut HashMap<String, AttributeValue>, key: &str) -> Option<String> {
    match item.remove(key) {
        Some(AttributeValue::S(text)) => Some(text),
        _ => None,
    }
}
