//! What all parts share: how long they are, where chance begins, and where it is written what they saw.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tripline_tests::workspace::root;

/// The parts that a long run writes about, in the order of the page.
pub const PARTS: [&str; 5] = ["events", "messages", "minutes", "releases", "memory"];
const FOLDER: &str = "tests/it/stopper/soak/summary";

/// Where chance begins.
pub fn seed() -> u64 {
    number("TRIPLINE_SEED").unwrap_or(11)
}

/// Whether this is the long run, or a part of it.
pub fn is_long() -> bool {
    std::env::var_os("TRIPLINE_SOAK").is_some()
}

/// How many there are in a run.
pub fn size(short: u64, long: u64) -> u64 {
    number("TRIPLINE_SOAK").map_or(short, |percent| (long * percent / 100).max(short))
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Gives whoever works a number each, until there are no more, or the time is over.
#[derive(Debug)]
pub struct Supply {
    what: &'static str,
    next: AtomicU64,
    count: u64,
    began: Instant,
}

impl Supply {
    /// The numbers below `count`.
    pub fn new(what: &'static str, count: u64) -> Self {
        Self { what, next: AtomicU64::new(0), count, began: Instant::now() }
    }

    pub fn next(&self) -> Option<u64> {
        if number("TRIPLINE_SOAK_MINUTES").is_some_and(|most| self.minutes() >= most) {
            return None;
        }
        let n = self.next.fetch_add(1, Ordering::Relaxed);
        let is_tenth = self.count >= 10 && n.is_multiple_of(self.count / 10);
        if is_long() && is_tenth && n < self.count {
            println!("{}: {n} of {} after {} minutes", self.what, self.count, self.minutes());
        }
        (n < self.count).then_some(n)
    }

    /// How many were given.
    pub fn given(&self) -> u64 {
        self.next.load(Ordering::Relaxed).min(self.count)
    }

    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    fn minutes(&self) -> u64 {
        self.elapsed().as_secs() / 60
    }
}

/// What a part saw: said, and kept of a long run.
pub fn summarize(part: &str, saw: &str) {
    assert!(PARTS.contains(&part), "{part}");
    println!("{part}: {saw}");
    if is_long() {
        std::fs::write(root().join(FOLDER).join(format!("{part}.md")), format!("{saw}\n")).unwrap();
    }
}

/// The first of what went wrong, for the person at the terminal.
#[track_caller]
pub fn assert_none(what: &str, wrong: &[String]) {
    let shown: Vec<&str> = wrong.iter().take(5).map(String::as_str).collect();
    assert!(wrong.is_empty(), "{}: {what}\n{}", wrong.len(), shown.join("\n\n"));
}

/// A number with commas.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
