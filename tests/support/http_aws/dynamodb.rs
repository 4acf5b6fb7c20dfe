//! DynamoDB as far as the functions need it: `SET` and `ADD`, comparisons and `attribute_(not_)exists` with AND and
//! OR, and lists in pages. A table's key is whatever a call names; where a call has a whole item, it is one of
//! [`KEYS`].

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::account::{Account, Refusal};
use super::page::page;

/// What the stack's tables have as keys.
const KEYS: [&str; 3] = ["jobId", "queue", "entry"];
/// Most writes of one request.
const MAX_WRITES: usize = 25;

type Item = Map<String, Value>;
type Answer = Result<Value, Refusal>;

impl Account {
    /// Puts an item in a table, under keys that are texts.
    pub fn put_item<const N: usize>(&mut self, table: &str, key: [(&str, &str); N], item: Value) {
        let mut item = item.as_object().cloned().unwrap_or_default();
        let key: Item =
            key.map(|(name, value)| (name.to_owned(), json!({"S": value}))).into_iter().collect();
        item.extend(key.clone());
        self.items.insert((table.to_owned(), place_of(&key)), item);
    }

    pub(super) fn dynamodb(&mut self, operation: &str, asked: &Value) -> Answer {
        let table = asked["TableName"].as_str().unwrap_or_default().to_owned();
        let key = asked["Key"].as_object().cloned().unwrap_or_default();
        let place = (table, place_of(&key));
        match operation {
            "GetItem" => {
                let mut answer = match self.items.get(&place) {
                    Some(item) => json!({"Item": projected(item, &asked["ProjectionExpression"])}),
                    None => json!({}),
                };
                consume(&mut answer, asked, 0.5);
                Ok(answer)
            }
            "UpdateItem" => {
                let before = self.items.get(&place).cloned();
                let words = Words { asked, item: before.as_ref() };
                if !asked["ConditionExpression"].as_str().is_none_or(|text| words.hold(text)) {
                    let text = "The conditional request failed".to_owned();
                    return Err((400, "ConditionalCheckFailedException", text));
                }
                let mut after = before.clone().unwrap_or(key);
                words.update(asked["UpdateExpression"].as_str().unwrap_or_default(), &mut after);
                let mut answer = match asked["ReturnValues"].as_str() {
                    Some("ALL_NEW" | "UPDATED_NEW") => json!({"Attributes": after}),
                    Some("ALL_OLD" | "UPDATED_OLD") => json!({"Attributes": before}),
                    _ => json!({}),
                };
                self.items.insert(place, after);
                consume(&mut answer, asked, 1.0);
                Ok(answer)
            }
            "PutItem" => {
                let item = asked["Item"].as_object().cloned().unwrap_or_default();
                let place = (place.0, key_of(&item));
                let words = Words { asked, item: self.items.get(&place) };
                if !asked["ConditionExpression"].as_str().is_none_or(|text| words.hold(text)) {
                    let is_asked = asked["ReturnValuesOnConditionCheckFailure"] == "ALL_OLD";
                    let there = self.items.get(&place).filter(|_| is_asked);
                    let text = "The conditional request failed".to_owned();
                    let text = there.map_or(text, |item| json!(item).to_string());
                    return Err((400, "ConditionalCheckFailedException", text));
                }
                self.items.insert(place, item);
                let mut answer = json!({});
                consume(&mut answer, asked, 1.0);
                Ok(answer)
            }
            "BatchWriteItem" => self.batch_write(asked),
            "Scan" => {
                let items = self.items.iter().filter(|((table, _), _)| *table == place.0);
                let after = asked["ExclusiveStartKey"].as_object().map(key_of);
                let rest = items.skip_while(|((_, key), _)| Some(key) <= after.as_ref());
                let (items, next) = page(rest, &Value::Null);
                let last = items.last().filter(|_| next.is_some());
                let last = last.and_then(|((_, key), _)| serde_json::from_str::<Value>(key).ok());
                let items: Vec<&Item> = items.into_iter().map(|(_, item)| item).collect();
                let mut answer = json!({"Count": items.len(), "Items": items});
                if let Some(last) = last {
                    answer["LastEvaluatedKey"] = last;
                }
                Ok(answer)
            }
            other => Err((400, "UnknownOperationException", other.to_owned())),
        }
    }

    /// Puts and deletes, without conditions.
    fn batch_write(&mut self, asked: &Value) -> Answer {
        let tables = asked["RequestItems"].as_object().cloned().unwrap_or_default();
        let count: usize = tables.values().filter_map(Value::as_array).map(Vec::len).sum();
        if !(1..=MAX_WRITES).contains(&count) {
            return Err((400, "ValidationException", format!("{count} writes")));
        }
        for (table, writes) in tables {
            for write in writes.as_array().into_iter().flatten() {
                if let Some(item) = write["PutRequest"]["Item"].as_object() {
                    self.items.insert((table.clone(), key_of(item)), item.clone());
                }
                if let Some(key) = write["DeleteRequest"]["Key"].as_object() {
                    self.items.remove(&(table.clone(), key_of(key)));
                }
            }
        }
        let mut answer = json!({"UnprocessedItems": {}});
        if asked["ReturnConsumedCapacity"] == "TOTAL" {
            answer["ConsumedCapacity"] = json!([{"CapacityUnits": count}]);
        }
        Ok(answer)
    }
}

/// Adds what a call took, if it asked for that.
fn consume(answer: &mut Value, asked: &Value, units: f64) {
    if asked["ReturnConsumedCapacity"] == "TOTAL" {
        let table = &asked["TableName"];
        answer["ConsumedCapacity"] = json!({"TableName": table, "CapacityUnits": units});
    }
}

/// The key of an item, as it is one's place.
fn key_of(item: &Item) -> String {
    let key = item.iter().filter(|(name, _)| KEYS.contains(&name.as_str()));
    place_of(&key.map(|(name, value)| (name.clone(), value.clone())).collect())
}

/// The same of a key, in whatever order it comes.
fn place_of(key: &Item) -> String {
    let sorted: BTreeMap<&String, &Value> = key.iter().collect();
    json!(sorted).to_string()
}

/// The attributes that are asked for.
fn projected(item: &Item, expression: &Value) -> Item {
    let Some(names) = expression.as_str() else { return item.clone() };
    let names: Vec<&str> = names.split(',').map(str::trim).collect();
    let asked = item.iter().filter(|(name, _)| names.contains(&name.as_str()));
    asked.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The names and values of an expression, and the item that it is about.
struct Words<'a> {
    asked: &'a Value,
    item: Option<&'a Item>,
}

impl Words<'_> {
    fn name<'a>(&'a self, word: &'a str) -> &'a str {
        let word = word.trim();
        self.asked["ExpressionAttributeNames"][word].as_str().unwrap_or(word)
    }

    /// A value, an attribute, `if_not_exists(a, b)`, or a sum of two of them.
    fn value(&self, words: &str) -> Option<Value> {
        let words = words.trim();
        if let Some((left, right)) = words.split_once(" + ") {
            return Some(sum(&self.value(left)?, &self.value(right)?));
        }
        if let Some(inner) = words.strip_prefix("if_not_exists(") {
            let (name, other) = inner.trim_end_matches(')').split_once(',')?;
            return self.attribute(name).cloned().or_else(|| self.value(other));
        }
        match self.asked["ExpressionAttributeValues"].get(words) {
            Some(value) => Some(value.clone()),
            None => self.attribute(words).cloned(),
        }
    }

    fn attribute(&self, word: &str) -> Option<&Value> {
        self.item?.get(self.name(word))
    }

    fn hold(&self, condition: &str) -> bool {
        let each = |all: &str| all.split(" AND ").all(|one| self.holds(one));
        condition.split(" OR ").any(each)
    }

    fn holds(&self, condition: &str) -> bool {
        let condition = condition.trim();
        let inner = |function: &str| condition.strip_prefix(function)?.strip_suffix(')');
        if let Some(name) = inner("attribute_not_exists(") {
            return self.attribute(name).is_none();
        }
        if let Some(name) = inner("attribute_exists(") {
            return self.attribute(name).is_some();
        }
        let words: Vec<&str> = condition.trim_matches(['(', ')']).split_whitespace().collect();
        let [left, sign, right] = words[..] else { return false };
        let (Some(left), Some(right)) = (self.value(left), self.value(right)) else { return false };
        let Some(order) = compare(&left, &right) else { return false };
        match sign {
            "=" => order == Ordering::Equal,
            "<>" => order != Ordering::Equal,
            "<" => order == Ordering::Less,
            "<=" => order != Ordering::Greater,
            ">" => order == Ordering::Greater,
            ">=" => order != Ordering::Less,
            _ => false,
        }
    }

    fn update(&self, expression: &str, item: &mut Item) {
        if let Some(removed) = expression.trim().strip_prefix("REMOVE ") {
            for part in parts(removed) {
                item.remove(self.name(&part));
            }
            return;
        }
        let (set, add) = match expression.split_once("ADD ") {
            Some((set, add)) => (set, add),
            None => (expression, ""),
        };
        for part in parts(set.trim().trim_start_matches("SET ")) {
            if let Some((name, value)) = part.split_once('=')
                && let Some(value) = self.value(value)
            {
                item.insert(self.name(name).to_owned(), value);
            }
        }
        for part in parts(add) {
            if let Some((name, value)) = part.trim().split_once(' ')
                && let Some(value) = self.value(value)
            {
                let before = self.attribute(name).cloned().unwrap_or_else(|| json!({"N": "0"}));
                item.insert(self.name(name).to_owned(), sum(&before, &value));
            }
        }
    }
}

/// At commas that are in no parentheses.
fn parts(text: &str) -> Vec<String> {
    let (mut parts, mut depth) = (vec![String::new()], 0);
    for character in text.chars() {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if character == ',' && depth == 0 {
            parts.push(String::new());
        } else if let Some(last) = parts.last_mut() {
            last.push(character);
        }
    }
    parts.retain(|part| !part.trim().is_empty());
    parts
}

fn number(value: &Value) -> Option<f64> {
    value["N"].as_str()?.parse().ok()
}

fn sum(left: &Value, right: &Value) -> Value {
    let sum = number(left).unwrap_or_default() + number(right).unwrap_or_default();
    json!({"N": sum.to_string()})
}

fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    match (number(left), number(right)) {
        (Some(left), Some(right)) => left.partial_cmp(&right),
        _ => Some(left["S"].as_str()?.cmp(right["S"].as_str()?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_counts_up_to_its_limit() {
        let mut account = Account::default();
        let count = json!({
            "TableName": "t", "Key": {"id": {"S": "stops"}},
            "UpdateExpression": "SET #u = :until ADD #n :one",
            "ConditionExpression": "attribute_not_exists(#n) OR #n < :most",
            "ExpressionAttributeNames": {"#n": "count", "#u": "until"},
            "ExpressionAttributeValues": {":one": {"N": "1"}, ":most": {"N": "2"}, ":until": {"N": "9"}},
            "ReturnValues": "ALL_NEW",
        });
        for n in ["1", "2"] {
            let answer = account.dynamodb("UpdateItem", &count).unwrap();
            assert_eq!(answer["Attributes"]["count"]["N"], n);
        }
        let (status, code, _) = account.dynamodb("UpdateItem", &count).unwrap_err();
        assert_eq!((status, code), (400, "ConditionalCheckFailedException"));
        let item = account.dynamodb("GetItem", &count).unwrap();
        assert_eq!(item["Item"]["until"]["N"], "9");
    }

    #[test]
    fn an_item_is_read_as_far_as_it_is_asked_for() {
        let mut account = Account::default();
        account.put_item("t", [("id", "a")], json!({"n": {"N": "1"}, "text": {"S": "b"}}));
        let ask = |id: &str| {
            json!({
                "TableName": "t", "Key": {"id": {"S": id}},
                "ProjectionExpression": "text", "ReturnConsumedCapacity": "TOTAL",
            })
        };
        let answer = account.dynamodb("GetItem", &ask("a")).unwrap();
        assert_eq!(answer["Item"], json!({"text": {"S": "b"}}));
        let nothing = account.dynamodb("GetItem", &ask("b")).unwrap();
        assert_eq!(nothing, json!({"ConsumedCapacity": {"TableName": "t", "CapacityUnits": 0.5}}));
    }

    #[test]
    fn a_table_is_read_in_pages_and_written_in_batches() {
        let mut account = Account::default();
        let put = |n: usize| json!({"PutRequest": {"Item": {"jobId": {"S": format!("j{n}")}}}});
        let write = |writes: Vec<Value>| json!({"RequestItems": {"t": writes}});
        account.dynamodb("BatchWriteItem", &write((0..7).map(put).collect())).unwrap();
        let gone = json!({"DeleteRequest": {"Key": {"jobId": {"S": "j0"}}}});
        account.dynamodb("BatchWriteItem", &write(vec![gone])).unwrap();
        assert!(account.dynamodb("BatchWriteItem", &write((0..26).map(put).collect())).is_err());
        let (mut seen, mut from) = (Vec::new(), Value::Null);
        loop {
            let asked = json!({"TableName": "t", "ExclusiveStartKey": from});
            let answer = account.dynamodb("Scan", &asked).unwrap();
            let items = answer["Items"].as_array().unwrap().clone();
            seen.extend(items.iter().map(|item| item["jobId"]["S"].as_str().unwrap().to_owned()));
            let Some(last) = answer.get("LastEvaluatedKey") else { break };
            from = last.clone();
        }
        assert_eq!(seen, ["j1", "j2", "j3", "j4", "j5", "j6"]);
    }

    #[test]
    fn an_item_takes_the_place_of_what_was_read() {
        let mut account = Account::default();
        let put = |version: &str, read: &str| {
            json!({
                "TableName": "t", "Item": {"queue": {"S": "$"}, "entry": {"S": "a"}, "v": {"N": version}},
                "ConditionExpression": "attribute_not_exists(#v) OR #v = :read",
                "ExpressionAttributeNames": {"#v": "v"},
                "ExpressionAttributeValues": {":read": {"N": read}},
            })
        };
        account.dynamodb("PutItem", &put("1", "0")).unwrap();
        account.dynamodb("PutItem", &put("2", "1")).unwrap();
        let (_, code, _) = account.dynamodb("PutItem", &put("2", "1")).unwrap_err();
        assert_eq!(code, "ConditionalCheckFailedException");
    }

    #[test]
    fn a_missing_attribute_has_a_default() {
        let mut account = Account::default();
        let set = json!({
            "TableName": "t", "Key": {"id": {"S": "a"}},
            "UpdateExpression": "SET n = if_not_exists(n, :zero) + :one, at = :now",
            "ExpressionAttributeValues": {":zero": {"N": "0"}, ":one": {"N": "1"}, ":now": {"N": "5"}},
        });
        account.dynamodb("UpdateItem", &set).unwrap();
        account.dynamodb("UpdateItem", &set).unwrap();
        let item = account.dynamodb("GetItem", &set).unwrap();
        assert_eq!((&item["Item"]["n"]["N"], &item["Item"]["at"]["N"]), (&json!("2"), &json!("5")));
        let remove = json!({
            "TableName": "t", "Key": {"id": {"S": "a"}}, "UpdateExpression": "REMOVE at",
        });
        account.dynamodb("UpdateItem", &remove).unwrap();
        let item = account.dynamodb("GetItem", &set).unwrap();
        assert_eq!((&item["Item"]["n"]["N"], &item["Item"]["at"]), (&json!("2"), &json!(null)));
    }
}
