use std::collections::HashMap;

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::operation::get_item::GetItemOutput;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};
use tripline::evidence::Record;
use tripline::job::JobId;
use tripline::release::hold::{HOLDS, Hold};
use tripline::release::item::{APPROVAL, ENTRY, PLAN, QUEUE, STATE, VERSION};
use tripline::release::{Approval, Plan, ReleaseId, State};
use tripline::time::Timestamp;
use tripline_aws::answer::Complete;
use tripline_aws::{Failure, FailureKind};
use tripline_guard::kept::{self, JOB, KeptGuard};

use super::Aws;
use crate::ask::{Guards, Kept, Releases, Versioned};

type Item = HashMap<String, AttributeValue>;

fn text(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

fn number(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

fn read(item: &Item, name: &str) -> Option<String> {
    item.get(name)?.as_s().ok().cloned()
}

fn unreadable(what: &str) -> Failure {
    Failure::new("GetItem", FailureKind::Refused, format!("{what} cannot be read"))
}

impl Aws {
    async fn item(&self, table: &str, key: Item) -> Result<Option<Item>, Failure> {
        let got = self
            .dynamodb
            .get_item()
            .table_name(table)
            .set_key(Some(key))
            .consistent_read(true)
            // An answer without an item is as empty as one of a proxy. DynamoDB's own says this too.
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .customize()
            .interceptor(Complete::<GetItemOutput>::new(|output| {
                output.item.is_some() || output.consumed_capacity.is_some()
            }))
            .send()
            .await
            .map_err(|error| Failure::from_sdk("GetItem", &error))?;
        Ok(got.item)
    }

    async fn release_item(&self, queue: &str, entry: &str) -> Result<Option<Item>, Failure> {
        let key = Item::from([(QUEUE.to_owned(), text(queue)), (ENTRY.to_owned(), text(entry))]);
        self.item(&self.settings.releases, key).await
    }

    async fn guard_item(&self, key: &str) -> Result<Option<Item>, Failure> {
        let key = Item::from([(JOB.to_owned(), text(key))]);
        self.item(&self.settings.guards, key).await
    }
}

impl Releases for Aws {
    async fn plan(&self, release: &ReleaseId, attempt: u32) -> Result<Option<Plan>, Failure> {
        let key = State::plan_key(release, attempt);
        let Some(item) = self.release_item(State::PLANS, &key).await? else { return Ok(None) };
        let plan = read(&item, PLAN).and_then(|text| Plan::from_text(&text));
        plan.map(Some).ok_or_else(|| unreadable("the plan of the release"))
    }

    async fn state(&self, release: &ReleaseId) -> Result<Option<Versioned>, Failure> {
        let item = self.release_item(State::QUEUE, release.as_str()).await?;
        let Some(item) = item else { return Ok(None) };
        let state = read(&item, STATE).and_then(|text| State::from_text(&text));
        let version = item.get(VERSION).and_then(|it| it.as_n().ok()).and_then(|n| n.parse().ok());
        match (state, version) {
            (Some(state), Some(version)) => Ok(Some(Versioned { state, version })),
            _ => Err(unreadable("the state of the release")),
        }
    }

    async fn write_state(&self, read: &Versioned) -> Result<bool, Failure> {
        let put = self
            .dynamodb
            .put_item()
            .table_name(&self.settings.releases)
            .item(QUEUE, text(State::QUEUE))
            .item(ENTRY, text(read.state.release.as_str()))
            .item(STATE, text(read.state.to_text()))
            .item(VERSION, number(read.version + 1))
            .condition_expression("#version = :read")
            .expression_attribute_names("#version", VERSION)
            .expression_attribute_values(":read", number(read.version))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        match put.send().await {
            Ok(put) => kept::is_written("PutItem", put.consumed_capacity.as_ref()).map(|()| true),
            Err(error) if error.code() == Some("ConditionalCheckFailedException") => Ok(false),
            Err(error) => Err(Failure::from_sdk("PutItem", &error)),
        }
    }

    async fn approval(&self, key: &str) -> Result<Option<Approval>, Failure> {
        let Some(item) = self.release_item(State::APPROVALS, key).await? else { return Ok(None) };
        let approval = read(&item, APPROVAL);
        let approval = approval.and_then(|text| serde_json::from_str(&text).ok());
        approval.map(Some).ok_or_else(|| unreadable("the approval"))
    }
}

impl Guards for Aws {
    async fn keep(&self, job: &JobId, guard: &KeptGuard, now: Timestamp) -> Result<(), Failure> {
        kept::keep(&self.dynamodb, &self.settings.guards, job, guard, now.seconds()).await
    }

    async fn record(&self, job: &JobId) -> Result<Option<Kept>, Failure> {
        let Some(item) = self.guard_item(&Record::key(job)).await? else { return Ok(None) };
        let state = item.get(Record::STATE).and_then(|it| it.as_b().ok());
        let state = state.map(|bytes| bytes.clone().into_inner()).unwrap_or_default();
        // One of another version is as good as none: the gate waits.
        let record = read(&item, Record::ATTRIBUTE).and_then(|text| Record::from_text(&text));
        Ok(record.map(|record| Kept { record, state }))
    }

    async fn holds(&self) -> Result<Vec<(JobId, Hold)>, Failure> {
        let item = self.guard_item(HOLDS).await?.unwrap_or_default();
        let holds = item.iter().filter(|(name, _)| *name != JOB).filter_map(|(job, value)| {
            Some((JobId::new(job).ok()?, Hold::from_text(value.as_s().ok()?)?))
        });
        let mut holds: Vec<_> = holds.collect();
        holds.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(holds)
    }

    async fn write_hold(&self, job: &JobId, read: &Hold, hold: &Hold) -> Result<bool, Failure> {
        let update = self
            .dynamodb
            .update_item()
            .table_name(&self.settings.guards)
            .key(JOB, text(HOLDS))
            .update_expression("SET #job = :hold")
            .condition_expression("#job = :read")
            .expression_attribute_names("#job", job.as_str())
            .expression_attribute_values(":hold", text(hold.to_text()))
            .expression_attribute_values(":read", text(read.to_text()))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        match update.send().await {
            Ok(update) => {
                kept::is_written("UpdateItem", update.consumed_capacity.as_ref()).map(|()| true)
            }
            Err(error) if error.code() == Some("ConditionalCheckFailedException") => Ok(false),
            Err(error) => Err(Failure::from_sdk("UpdateItem", &error)),
        }
    }
}
