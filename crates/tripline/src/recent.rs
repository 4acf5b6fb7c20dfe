//! Remembers the events that were counted, so that a repetition is not counted again.

use std::collections::{HashSet, VecDeque};
use std::hash::Hash;

use crate::event::EventId;

/// The events that were counted last.
///
/// AWS IoT delivers job events at least once. Only a *published* event may be remembered: one
/// whose publishing failed comes again and has to be counted then.
pub type RecentEvents = Recent<EventId>;

/// What happened last, at most `capacity` of it.
#[derive(Debug)]
pub struct Recent<T> {
    capacity: usize,
    known: HashSet<T>,
    oldest_first: VecDeque<T>,
}

impl<T: Clone + Eq + Hash> Recent<T> {
    /// An empty memory for `capacity` of them. 10,000 ids of events take about 2 MB.
    pub fn new(capacity: usize) -> Self {
        Self { capacity, known: HashSet::new(), oldest_first: VecDeque::new() }
    }

    /// Whether this is remembered.
    pub fn contains(&self, id: &T) -> bool {
        self.known.contains(id)
    }

    /// Remembers this, and forgets the oldest when there are too many.
    pub fn remember(&mut self, id: T) {
        if !self.known.insert(id.clone()) {
            return;
        }
        self.oldest_first.push_back(id);
        while self.oldest_first.len() > self.capacity {
            if let Some(oldest) = self.oldest_first.pop_front() {
                self.known.remove(&oldest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: usize) -> EventId {
        EventId::new(&number.to_string()).unwrap()
    }

    #[test]
    fn remembers_the_newest_and_no_more() {
        let mut recent = RecentEvents::new(3);
        for number in 0..5 {
            recent.remember(id(number));
            recent.remember(id(number));
        }
        let known: Vec<_> = (0..5).filter(|number| recent.contains(&id(*number))).collect();
        assert_eq!(known, [2, 3, 4]);
    }
}
