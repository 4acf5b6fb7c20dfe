//! What is said of an input that is refused.

/// Most bytes of an error about one thing: a sentence, and an excerpt or two of at most four bytes a character.
pub(super) const ONE: usize = 1_000;
/// Most bytes of the error about a whole file: a hundred faults with their hints.
pub(super) const FILE: usize = 100_000;

/// An error is fit to be shown: no terminal obeys it, and it fits into a log.
pub(super) fn is_fit(text: &str, most: usize) {
    assert!(text.len() <= most, "an error of {} bytes (at most {most})", text.len());
    let is_odd = |c: &char| c.is_control() && *c != '\n' || matches!(c, '\u{202e}' | '\u{200b}');
    assert!(!text.chars().any(|c| is_odd(&c)), "an error with control characters: {text:?}");
}

/// The same, on one line.
pub(super) fn is_fit_line(text: &str, most: usize) {
    is_fit(text, most);
    assert!(!text.contains('\n'), "an error of several lines: {text:?}");
}
