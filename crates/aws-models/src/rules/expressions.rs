//! DynamoDB's expressions and values.

use std::collections::BTreeSet;

use super::Rules;
use crate::check::shown;
use crate::given::Given;

/// Bytes of an item, and of an expression.
const MAX_ITEM: usize = 400 << 10;
const MAX_EXPRESSION: usize = 4 << 10;

impl Rules<'_> {
    /// Of a request, and of each request that a transaction or a batch is made of.
    pub(super) fn expressions(&mut self, of: &Given) {
        self.placeholders(of);
        for (name, given) in of.entries() {
            match name.as_str() {
                "Key" | "Item" | "ExpressionAttributeValues" => self.values(name, given),
                "ExpressionAttributeNames" => {}
                _ => self.expressions(given),
            }
        }
        for item in of.items() {
            self.expressions(item);
        }
    }

    /// What an expression stands for is given, and nothing else is.
    fn placeholders(&mut self, of: &Given) {
        let texts = of.entries().iter().filter(|(name, _)| name.ends_with("Expression"));
        let texts: Vec<&str> = texts.filter_map(|(_, given)| given.text()).collect();
        let is_short = texts.iter().all(|text| (1..=MAX_EXPRESSION).contains(&text.len()));
        self.check(is_short, || format!("an expression: expected 1 to {MAX_EXPRESSION} bytes"));
        for (mark, name) in [('#', "ExpressionAttributeNames"), (':', "ExpressionAttributeValues")]
        {
            let used: BTreeSet<&str> = texts.iter().flat_map(|text| words(text, mark)).collect();
            let given = of.get(name).map_or(&[][..], Given::entries);
            let given: BTreeSet<&str> = given.iter().map(|(name, _)| name.as_str()).collect();
            for unused in given.difference(&used) {
                self.fault(format!("{name}: {} is in no expression", shown(unused)));
            }
            for missing in used.difference(&given) {
                self.fault(format!("{name}: {} is missing", shown(missing)));
            }
        }
    }

    fn values(&mut self, name: &str, item: &Given) {
        let mut size = 0;
        for (key, value) in item.entries() {
            size += key.len() + self.value(value);
            let is_empty = value.get("S").and_then(Given::text).is_some_and(str::is_empty);
            self.check(name != "Key" || !is_empty, || {
                format!("Key: {}: an empty text", shown(key))
            });
        }
        self.check(size <= MAX_ITEM, || {
            format!("{name}: {size} bytes (expected at most {MAX_ITEM})")
        });
    }

    /// The size of a value.
    fn value(&mut self, value: &Given) -> usize {
        let [(kind, given)] = value.entries() else {
            self.fault(format!("a value of {} kinds (expected one)", value.entries().len()));
            return 0;
        };
        if kind == "N" {
            let text = given.text().unwrap_or_default();
            self.check(text.parse::<f64>().is_ok_and(f64::is_finite), || {
                format!("N: {} (expected a number)", shown(text))
            });
        }
        if let "SS" | "NS" | "BS" = kind.as_str() {
            self.check(!given.items().is_empty(), || format!("{kind}: an empty set"));
        }
        match given {
            Given::List(items) if kind == "L" => {
                items.iter().map(|item| 1 + self.value(item)).sum()
            }
            Given::List(items) => items.iter().map(|item| item.text().map_or(0, str::len)).sum(),
            Given::Entries(entries) => {
                entries.iter().map(|(name, item)| 1 + name.len() + self.value(item)).sum()
            }
            other => other.text().map_or(1, str::len),
        }
    }
}

/// The words of an expression that begin with a mark, with it.
fn words(text: &str, mark: char) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || "#:_".contains(c)))
        .filter(move |word| word.starts_with(mark))
}
