//! Lists in pages, whose token is the number of the first item.

/// One page of these, and the token of the next.
pub fn page<T>(
    all: impl IntoIterator<Item = T>,
    token: Option<&str>,
    size: usize,
) -> (Vec<T>, Option<String>) {
    let from: usize = token.map_or(0, |token| token.parse().expect("a token of ours"));
    let mut rest = all.into_iter().skip(from);
    let page = rest.by_ref().take(size).collect();
    (page, rest.next().map(|_| (from + size).to_string()))
}

#[cfg(test)]
mod tests {
    use super::page;

    #[test]
    fn the_last_page_has_no_token() {
        assert_eq!(page([1, 2, 3], None, 2), (vec![1, 2], Some("2".to_owned())));
        assert_eq!(page([1, 2, 3], Some("2"), 2), (vec![3], None));
        assert_eq!(page([1, 2], None, 2), (vec![1, 2], None));
        assert_eq!(page([0; 0], None, 2), (vec![], None));
    }
}
