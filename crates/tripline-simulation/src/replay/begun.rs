//! When executions began, of a recording that says so.

use tripline::time::Timestamp;

/// An execution that began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Begun {
    pub device: u64,
    pub at: Timestamp,
    /// Whether it was not the device's first attempt.
    pub is_retry: bool,
}

/// When each device first began, to be asked by device.
#[derive(Debug, Default)]
pub(super) struct FirstBegun(Vec<Begun>);

impl FirstBegun {
    pub fn of(mut begun: Vec<Begun>) -> Self {
        begun.sort_unstable_by_key(|begun| (begun.device, begun.at));
        begun.dedup_by_key(|begun| begun.device);
        Self(begun)
    }

    pub fn get(&self, device: u64) -> Option<&Begun> {
        let found = self.0.binary_search_by_key(&device, |begun| begun.device);
        found.ok().and_then(|place| self.0.get(place))
    }

    pub fn all(&self) -> &[Begun] {
        &self.0
    }
}
