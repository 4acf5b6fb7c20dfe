//! Lists in pages.

use serde_json::Value;

/// Most entries of a page. Small, so that whoever forgets the next page sees too little.
const PAGE: usize = 3;

/// The page that this token asks for (the first without one), and the token of the next.
pub(super) fn page<T>(all: impl Iterator<Item = T>, token: &Value) -> (Vec<T>, Option<String>) {
    let from = token.as_str().and_then(|token| token.parse().ok()).unwrap_or(0);
    let mut rest = all.skip(from);
    let items: Vec<T> = rest.by_ref().take(PAGE).collect();
    (items, rest.next().map(|_| (from + PAGE).to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_on_one_page() {
        let (mut seen, mut token) = (Vec::new(), Value::Null);
        loop {
            let (items, next) = page(0..7, &token);
            seen.extend(items);
            let Some(next) = next else { break };
            token = next.into();
        }
        assert_eq!(seen, (0..7).collect::<Vec<_>>());
    }
}
