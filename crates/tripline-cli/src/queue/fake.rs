//! A table and a bucket in memory behind the real clients.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::queue::state::Entry;
use aws_sdk_dynamodb::operation::get_item::GetItemOutput;
use aws_sdk_dynamodb::operation::put_item::{PutItemError, PutItemOutput};
use aws_sdk_dynamodb::operation::query::QueryOutput;
use aws_sdk_dynamodb::operation::transact_write_items::{
    TransactWriteItemsError, TransactWriteItemsOutput,
};
use aws_sdk_dynamodb::types::error::{
    ConditionalCheckFailedException, TransactionCanceledException,
};
use aws_sdk_dynamodb::types::{AttributeValue, CancellationReason};
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use aws_smithy_mocks::{MockResponse, Rule, RuleMode, mock, mock_client};

use super::aws::Aws;
use super::files::Files;
use super::item::{ENTRY, HEAD, Item, VERSION, entry, item, number};
use super::store::Store;

/// What the fake holds, by the sort key.
#[derive(Debug, Default)]
pub struct World {
    pub items: BTreeMap<String, Item>,
    /// What every object of the bucket holds.
    pub object: &'static [u8],
}

#[derive(Debug, Clone, Default)]
pub struct FakeAws(Arc<Mutex<World>>);

type Names = std::collections::HashMap<String, String>;

impl FakeAws {
    pub fn with(entries: &[Entry]) -> Self {
        let fake = Self::default();
        fake.world().object = b"abc";
        for entry in entries {
            fake.put(entry);
        }
        fake
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap()
    }

    /// Writes an entry past all conditions.
    pub fn put(&self, entry: &Entry) {
        let item = item(&"default".parse().unwrap(), entry);
        self.world().items.insert(entry.id.to_string(), item);
    }

    pub fn entry(&self, id: &crate::queue::state::EntryId) -> Entry {
        entry(&self.world().items[id.as_str()]).unwrap()
    }

    pub fn aws(&self) -> Aws {
        let table = [self.queries(), self.puts(), self.gets(), self.transacts()];
        let bucket = [self.fetches()];
        Aws {
            region: "us-east-1".to_owned(),
            store: Store::of(mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, &table)),
            files: Files::of(mock_client!(aws_sdk_s3, RuleMode::MatchAny, &bucket)),
        }
    }

    /// In pages of two items.
    fn queries(&self) -> Rule {
        let fake = self.clone();
        mock!(aws_sdk_dynamodb::Client::query).then_compute_output(move |input| {
            assert_eq!(input.consistent_read(), Some(true));
            let world = fake.world();
            let after = input.exclusive_start_key().map_or("", |key| key[ENTRY].as_s().unwrap());
            let mut rest = world.items.iter().filter(|(name, _)| name.as_str() > after);
            let page: Vec<Item> = rest.by_ref().take(2).map(|(_, item)| item.clone()).collect();
            let last = page.last().filter(|_| rest.next().is_some());
            let last = last.map(|item| Item::from([(ENTRY.to_owned(), item[ENTRY].clone())]));
            QueryOutput::builder().set_items(Some(page)).set_last_evaluated_key(last).build()
        })
    }

    fn puts(&self) -> Rule {
        let fake = self.clone();
        mock!(aws_sdk_dynamodb::Client::put_item).then_compute_response(move |input| {
            let new = input.item().unwrap();
            let name = new[ENTRY].as_s().unwrap();
            let mut world = fake.world();
            let (names, values) =
                (input.expression_attribute_names(), input.expression_attribute_values());
            if holds(world.items.get(name), input.condition_expression(), names, values) {
                world.items.insert(name.clone(), new.clone());
                return MockResponse::Output(PutItemOutput::builder().build());
            }
            let error = ConditionalCheckFailedException::builder().build();
            MockResponse::Error(PutItemError::ConditionalCheckFailedException(error))
        })
    }

    fn gets(&self) -> Rule {
        let fake = self.clone();
        mock!(aws_sdk_dynamodb::Client::get_item).then_compute_output(move |input| {
            let name = input.key().unwrap()[ENTRY].as_s().unwrap();
            let found = fake.world().items.get(name).cloned();
            GetItemOutput::builder().set_item(found).build()
        })
    }

    fn transacts(&self) -> Rule {
        let fake = self.clone();
        mock!(aws_sdk_dynamodb::Client::transact_write_items).then_compute_response(move |input| {
            let mut world = fake.world();
            let mut after = world.items.clone();
            let mut codes = Vec::new();
            for write in input.transact_items() {
                let held = if let Some(update) = write.update() {
                    assert_eq!(update.update_expression(), "SET #version = :next");
                    let values = update.expression_attribute_values();
                    let name = update.key()[ENTRY].as_s().unwrap();
                    assert_eq!(name, HEAD);
                    let next = values.unwrap()[":next"].clone();
                    let head = [(ENTRY, AttributeValue::S(HEAD.to_owned())), (VERSION, next)];
                    let head = head.map(|(name, value)| (name.to_owned(), value));
                    after.insert(name.clone(), Item::from(head));
                    let names = update.expression_attribute_names();
                    holds(world.items.get(name), update.condition_expression(), names, values)
                } else if let Some(put) = write.put() {
                    let name = put.item()[ENTRY].as_s().unwrap();
                    after.insert(name.clone(), put.item().clone());
                    let (names, values) =
                        (put.expression_attribute_names(), put.expression_attribute_values());
                    holds(world.items.get(name), put.condition_expression(), names, values)
                } else {
                    let delete = write.delete().unwrap();
                    let name = delete.key()[ENTRY].as_s().unwrap();
                    after.remove(name);
                    let (names, values) =
                        (delete.expression_attribute_names(), delete.expression_attribute_values());
                    holds(world.items.get(name), delete.condition_expression(), names, values)
                };
                let code = if held { "None" } else { "ConditionalCheckFailed" };
                codes.push(CancellationReason::builder().code(code).build());
            }
            if codes.iter().all(|reason| reason.code() == Some("None")) {
                world.items = after;
                return MockResponse::Output(TransactWriteItemsOutput::builder().build());
            }
            let error =
                TransactionCanceledException::builder().set_cancellation_reasons(Some(codes));
            MockResponse::Error(TransactWriteItemsError::TransactionCanceledException(
                error.build(),
            ))
        })
    }

    fn fetches(&self) -> Rule {
        let fake = self.clone();
        mock!(aws_sdk_s3::Client::get_object).then_compute_output(move |input| {
            assert!(input.key().unwrap().starts_with("queue/"));
            let object = fake.world().object;
            GetObjectOutput::builder().body(ByteStream::from_static(object)).build()
        })
    }
}

/// Whether a condition holds: `#name = :value` or `attribute_not_exists(#name)`, with AND between.
fn holds(
    item: Option<&Item>,
    condition: Option<&str>,
    names: Option<&Names>,
    values: Option<&Item>,
) -> bool {
    let attribute = |name: &str| item.and_then(|item| item.get(&names.unwrap()[name]));
    condition.unwrap().split(" AND ").all(|part| match part.split_once(" = ") {
        Some((name, value)) => attribute(name) == Some(&values.unwrap()[value]),
        None => {
            let name = part.strip_prefix("attribute_not_exists(").unwrap().trim_end_matches(')');
            attribute(name).is_none()
        }
    })
}

#[test]
fn the_fake_knows_conditions() {
    let item = Item::from([("version".to_owned(), number(1))]);
    let names = Names::from([("#v".to_owned(), "version".to_owned())]);
    let values = Item::from([(":v".to_owned(), number(1)), (":w".to_owned(), number(2))]);
    let holds = |condition| holds(Some(&item), Some(condition), Some(&names), Some(&values));
    assert!(holds("#v = :v"));
    assert!(!holds("#v = :v AND #v = :w"));
    assert!(!holds("attribute_not_exists(#v)"));
}
