//! Amazon DynamoDB: tables, whose writes hold their conditions.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::delete_item::{
    DeleteItemError, DeleteItemInput, DeleteItemOutput,
};
use aws_sdk_dynamodb::operation::get_item::{GetItemError, GetItemInput, GetItemOutput};
use aws_sdk_dynamodb::operation::put_item::{PutItemError, PutItemInput, PutItemOutput};
use aws_sdk_dynamodb::operation::query::{QueryError, QueryInput, QueryOutput};
use aws_sdk_dynamodb::operation::transact_write_items::{
    TransactWriteItemsError, TransactWriteItemsInput, TransactWriteItemsOutput,
};
use aws_sdk_dynamodb::types::error::{
    ConditionalCheckFailedException, TransactionCanceledException,
};
use aws_sdk_dynamodb::types::{
    AttributeValue, CancellationReason, ConsumedCapacity, TransactWriteItem,
};
use aws_smithy_mocks::{RuleMode, mock_client};

use crate::door::{not_found, on};
use crate::{Account, FakeAws};

/// How many items are on a page.
const PAGE: usize = 2;

/// An item's attributes.
pub type Item = HashMap<String, AttributeValue>;
type Names = HashMap<String, String>;

/// Tables by their name.
#[derive(Debug, Default)]
pub struct DynamoDb {
    /// There are no others.
    pub tables: BTreeMap<String, Table>,
}

/// A table, whose keys are texts.
#[derive(Debug, Clone, Default)]
pub struct Table {
    /// The names of the partition key and, if it has one, of the sort key.
    keys: Vec<&'static str>,
    /// By the values of their keys, in this order.
    pub items: BTreeMap<Vec<String>, Item>,
}

impl Table {
    /// An empty table with this partition key, and maybe a sort key.
    pub fn new(keys: &[&'static str]) -> Self {
        Self { keys: keys.to_vec(), items: BTreeMap::new() }
    }

    /// Writes an item past all conditions.
    pub fn put(&mut self, item: Item) {
        self.items.insert(self.key(&item), item);
    }

    fn key(&self, of: &Item) -> Vec<String> {
        self.keys.iter().map(|name| of[*name].as_s().expect("a key is a text").clone()).collect()
    }

    fn get(&self, key: &Item) -> Option<&Item> {
        self.items.get(&self.key(key))
    }
}

impl FakeAws {
    /// A client of DynamoDB.
    pub fn dynamodb(&self) -> Client {
        let rules = [
            on!(
                self,
                "dynamodb",
                Client::put_item,
                "PutItem",
                |input| input.table_name().unwrap_or_default(),
                put_item
            ),
            on!(
                self,
                "dynamodb",
                Client::get_item,
                "GetItem",
                |input| input.table_name().unwrap_or_default(),
                get_item
            ),
            on!(
                self,
                "dynamodb",
                Client::delete_item,
                "DeleteItem",
                |input| input.table_name().unwrap_or_default(),
                delete_item
            ),
            on!(
                self,
                "dynamodb",
                Client::query,
                "Query",
                |input| input.table_name().unwrap_or_default(),
                query
            ),
            on!(
                self,
                "dynamodb",
                Client::transact_write_items,
                "TransactWriteItems",
                |_input| "",
                transact_write_items
            ),
        ];
        mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, &rules, |config| config
            .interceptor(aws_models::Taken))
    }
}

fn put_item(account: &mut Account, input: &PutItemInput) -> Result<PutItemOutput, PutItemError> {
    let tables = &mut account.dynamodb.tables;
    let table = tables.get_mut(input.table_name().unwrap()).ok_or_else(not_found)?;
    let new = input.item().unwrap();
    let holds = holds(
        table.get(new),
        input.condition_expression(),
        input.expression_attribute_names(),
        input.expression_attribute_values(),
    );
    if !holds {
        let error = ConditionalCheckFailedException::builder().build();
        return Err(PutItemError::ConditionalCheckFailedException(error));
    }
    table.put(new.clone());
    let asked = input.return_consumed_capacity.is_some();
    let consumed = asked.then(|| ConsumedCapacity::builder().capacity_units(1.0).build());
    Ok(PutItemOutput::builder().set_consumed_capacity(consumed).build())
}

fn get_item(account: &mut Account, input: &GetItemInput) -> Result<GetItemOutput, GetItemError> {
    let tables = &account.dynamodb.tables;
    let table = tables.get(input.table_name().unwrap()).ok_or_else(not_found)?;
    Ok(GetItemOutput::builder().set_item(table.get(input.key().unwrap()).cloned()).build())
}

fn delete_item(
    account: &mut Account,
    input: &DeleteItemInput,
) -> Result<DeleteItemOutput, DeleteItemError> {
    let tables = &mut account.dynamodb.tables;
    let table = tables.get_mut(input.table_name().unwrap()).ok_or_else(not_found)?;
    let key = table.key(input.key().unwrap());
    table.items.remove(&key);
    Ok(DeleteItemOutput::builder().build())
}

fn query(account: &mut Account, input: &QueryInput) -> Result<QueryOutput, QueryError> {
    assert_eq!(input.consistent_read(), Some(true), "what is read here is decided on");
    let tables = &account.dynamodb.tables;
    let table = tables.get(input.table_name().unwrap()).ok_or_else(not_found)?;
    let after = input.exclusive_start_key().map(|key| table.key(key));
    let is_meant = |item: &Item| {
        holds(
            Some(item),
            input.key_condition_expression(),
            input.expression_attribute_names(),
            input.expression_attribute_values(),
        )
    };
    let mut rest = table
        .items
        .iter()
        .filter(|(key, _)| after.as_ref().is_none_or(|after| *key > after))
        .map(|(_, item)| item)
        .filter(|item| is_meant(item));
    let page: Vec<Item> = rest.by_ref().take(PAGE).cloned().collect();
    let last = page.last().filter(|_| rest.next().is_some());
    let last = last.map(|item| {
        table.keys.iter().map(|name| ((*name).to_owned(), item[*name].clone())).collect()
    });
    Ok(QueryOutput::builder().set_items(Some(page)).set_last_evaluated_key(last).build())
}

/// All writes or none.
fn transact_write_items(
    account: &mut Account,
    input: &TransactWriteItemsInput,
) -> Result<TransactWriteItemsOutput, TransactWriteItemsError> {
    let before = &account.dynamodb.tables;
    let mut after = before.clone();
    let reasons: Vec<_> = input
        .transact_items()
        .iter()
        .map(|write| {
            let code = if carry_out(write, before, &mut after) {
                "None"
            } else {
                "ConditionalCheckFailed"
            };
            CancellationReason::builder().code(code).build()
        })
        .collect();
    if reasons.iter().all(|reason| reason.code() == Some("None")) {
        account.dynamodb.tables = after;
        return Ok(TransactWriteItemsOutput::builder().build());
    }
    let error = TransactionCanceledException::builder().set_cancellation_reasons(Some(reasons));
    Err(TransactWriteItemsError::TransactionCanceledException(error.build()))
}

/// Carries out one write of several; `false` if its condition did not hold before them.
fn carry_out(
    write: &TransactWriteItem,
    before: &BTreeMap<String, Table>,
    after: &mut BTreeMap<String, Table>,
) -> bool {
    if let Some(update) = write.update() {
        let (names, values) =
            (update.expression_attribute_names(), update.expression_attribute_values());
        let there = before[update.table_name()].get(update.key());
        let mut item = there.unwrap_or_else(|| update.key()).clone();
        let set = update.update_expression().strip_prefix("SET ").expect("only SET is known");
        for part in set.split(", ") {
            let (name, value) = part.split_once(" = ").unwrap();
            item.insert(names.unwrap()[name].clone(), values.unwrap()[value].clone());
        }
        after.get_mut(update.table_name()).unwrap().put(item);
        holds(there, update.condition_expression(), names, values)
    } else if let Some(put) = write.put() {
        after.get_mut(put.table_name()).unwrap().put(put.item().clone());
        let there = before[put.table_name()].get(put.item());
        let (names, values) = (put.expression_attribute_names(), put.expression_attribute_values());
        holds(there, put.condition_expression(), names, values)
    } else {
        let delete = write.delete().expect("only updates, puts and deletes are known");
        let table = &before[delete.table_name()];
        after.get_mut(delete.table_name()).unwrap().items.remove(&table.key(delete.key()));
        let there = table.get(delete.key());
        let (names, values) =
            (delete.expression_attribute_names(), delete.expression_attribute_values());
        holds(there, delete.condition_expression(), names, values)
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
    condition.is_none_or(|condition| {
        condition.split(" AND ").all(|part| match part.split_once(" = ") {
            Some((name, value)) => attribute(name) == Some(&values.unwrap()[value]),
            None => {
                let name =
                    part.strip_prefix("attribute_not_exists(").unwrap().trim_end_matches(')');
                attribute(name).is_none()
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fake_knows_conditions() {
        let number = |value: i32| AttributeValue::N(value.to_string());
        let item = Item::from([("version".to_owned(), number(1))]);
        let names = Names::from([("#v".to_owned(), "version".to_owned())]);
        let values = Item::from([(":v".to_owned(), number(1)), (":w".to_owned(), number(2))]);
        let holds = |condition| holds(Some(&item), Some(condition), Some(&names), Some(&values));
        assert!(holds("#v = :v"));
        assert!(!holds("#v = :v AND #v = :w"));
        assert!(!holds("attribute_not_exists(#v)"));
    }
}
