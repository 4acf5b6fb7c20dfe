//! What a misspelt word was probably meant to be.

use tripline::text::nearest;

/// The one of `known` that `word` was probably meant to be. A distance takes time and memory in
/// proportion to both lengths, so it is not measured where the lengths alone rule it out, nor for
/// words or lists that nobody wrote by hand.
pub(crate) fn near<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    const LONGEST: usize = 128;
    const MOST: usize = 1_000;
    if word.len() > LONGEST {
        return None;
    }
    let characters = word.chars().count();
    let close = |other: &&&'a str| {
        other.len() <= LONGEST && other.chars().count().abs_diff(characters) <= 1 + word.len() / 5
    };
    let close: Vec<&str> = known.iter().filter(close).take(MOST).copied().collect();
    nearest(word, &close)
}
