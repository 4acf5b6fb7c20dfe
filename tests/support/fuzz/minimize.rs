//! A finding made small: chunks are dropped as long as the same place fails.

use super::Failed;

/// Most inputs that are tried.
const TRIES: usize = 3_000;

/// The smallest input that was found to fail in the same place.
pub(super) fn minimize(
    mut input: Vec<u8>,
    failed: &Failed,
    holds: impl Fn(&[u8]) -> Result<(), Failed>,
) -> Vec<u8> {
    // What is slow is left as it is, and so is what needs much memory.
    if matches!(failed.place.as_str(), "time" | "memory") {
        return input;
    }
    let fails = |input: &[u8]| holds(input).is_err_and(|now| now.place == failed.place);
    let (mut tries, mut size) = (0, input.len().div_ceil(2));
    while size > 0 && tries < TRIES {
        let (mut from, before) = (0, input.len());
        while from < input.len() && tries < TRIES {
            let to = (from + size).min(input.len());
            let without = [&input[..from], &input[to..]].concat();
            tries += 1;
            if fails(&without) {
                input = without;
            } else {
                from = to;
            }
        }
        // Single bytes, as long as one more of them can go.
        size = if size == 1 && input.len() < before { 1 } else { size / 2 };
    }
    input
}
