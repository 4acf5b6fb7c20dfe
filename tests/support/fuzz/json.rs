//! A JSON document, changed as a tree.

use rand::RngExt;
use rand::seq::IndexedRandom;
use serde_json::{Map, Value, json};

use super::mutate::{NUMBERS, ODD, Random};

/// How deep a value is put into others: beyond what `serde_json` takes.
const DEEPEST: u32 = 140;

/// A document with one value changed; `None` if it is no JSON. `other` lends a value.
pub(super) fn changed(
    random: &mut Random,
    words: &[String],
    input: &[u8],
    other: &[u8],
) -> Option<Vec<u8>> {
    let mut document: Value = serde_json::from_slice(input).ok()?;
    let other = serde_json::from_slice(other).unwrap_or(Value::Null);
    let place = random.random_range(0..count(&document));
    let mut change = Change { random, words, other };
    change.at(&mut document, place);
    serde_json::to_vec(&document).ok()
}

/// How many values there are in a document, itself among them.
fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(fields) => fields.values().map(count).sum(),
        _ => 0,
    }
}

struct Change<'a> {
    random: &'a mut Random,
    words: &'a [String],
    other: Value,
}

impl Change<'_> {
    /// Changes the value at this place, in the order in which they are written.
    fn at(&mut self, value: &mut Value, mut place: usize) {
        if place == 0 {
            return self.change(value);
        }
        place -= 1;
        let children: Box<dyn Iterator<Item = &mut Value>> = match value {
            Value::Array(items) => Box::new(items.iter_mut()),
            Value::Object(fields) => Box::new(fields.values_mut()),
            _ => return,
        };
        for child in children {
            let inside = count(child);
            if place < inside {
                return self.at(child, place);
            }
            place -= inside;
        }
    }

    fn change(&mut self, value: &mut Value) {
        // A document in a text, as SNS and SQS carry them, is mostly changed inside.
        if let Value::String(text) = value
            && text.starts_with(['{', '['])
            && self.random.random_ratio(7, 8)
            && let Some(inner) = changed(self.random, self.words, text.as_bytes(), b"null")
        {
            *text = String::from_utf8_lossy(&inner).into_owned();
            return;
        }
        match (self.random.random_range(0..8), &mut *value) {
            (0, Value::Object(fields)) => self.change_key(fields),
            (1, Value::Object(fields)) => drop(fields.insert(self.text(), self.scalar())),
            (0, Value::Array(items)) if !items.is_empty() => {
                let at = self.random.random_range(0..items.len());
                drop(items.remove(at));
            }
            (1, Value::Array(items)) if !items.is_empty() => {
                let item = items[self.random.random_range(0..items.len())].clone();
                let times = if self.random.random_ratio(15, 16) { 1 } else { 200 };
                items.extend(std::iter::repeat_n(item, times));
            }
            (0..3, Value::String(text)) => {
                let ends: Vec<usize> =
                    text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
                let at = ends[self.random.random_range(0..ends.len())];
                text.insert_str(at, &self.text());
            }
            (3, _) => *value = std::mem::take(&mut self.other),
            (4, _) => {
                let deep = if self.random.random_ratio(3, 4) { 1 } else { DEEPEST };
                for _ in 0..self.random.random_range(1..=deep) {
                    *value = if self.random.random() {
                        json!([value.take()])
                    } else {
                        json!({ "a": value.take() })
                    };
                }
            }
            _ => *value = self.scalar(),
        }
    }

    fn change_key(&mut self, fields: &mut Map<String, Value>) {
        let keys: Vec<String> = fields.keys().cloned().collect();
        let Some(key) = keys.choose(self.random) else { return };
        let Some(value) = fields.remove(key) else { return };
        match self.random.random_range(0..4) {
            0 => {}
            1 => drop(fields.insert(key.to_uppercase(), value)),
            2 => drop(fields.insert(format!("{key}_"), value)),
            _ => drop(fields.insert(self.text(), value)),
        }
    }

    fn scalar(&mut self) -> Value {
        match self.random.random_range(0..6) {
            0 => Value::Null,
            1 => Value::Bool(self.random.random()),
            2 | 3 => {
                let number = NUMBERS.choose(self.random).copied().unwrap_or_default();
                serde_json::from_str(number).unwrap_or_else(|_| number.into())
            }
            4 => json!({}),
            _ => self.text().into(),
        }
    }

    fn text(&mut self) -> String {
        let text = match self.random.random_range(0..3) {
            0 => ODD.choose(self.random).copied(),
            1 => NUMBERS.choose(self.random).copied(),
            _ => self.words.choose(self.random).map(String::as_str),
        };
        let times = if self.random.random_ratio(15, 16) { 1 } else { 1_000 };
        text.unwrap_or_default().repeat(times)
    }
}
