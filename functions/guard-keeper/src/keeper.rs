//! The function's state.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::clock::Paces;
use crate::observe::cache::Cache;
use crate::settings::Settings;

/// The function, with what it knows from earlier minutes. It may forget all of that.
#[derive(Debug)]
pub struct Keeper<C, K> {
    pub(crate) client: C,
    pub(crate) clock: K,
    pub(crate) settings: Settings,
    pub(crate) paces: Paces,
    pub(crate) cache: Cache,
}

impl<C, K> Keeper<C, K> {
    /// A keeper that knows nothing yet.
    pub fn new(client: C, clock: K, settings: Settings) -> Self {
        Self { client, clock, settings, paces: Paces::default(), cache: Cache::default() }
    }
}

/// What the lanes of a minute share. A lane that panicked has left it whole.
pub(crate) fn held<T>(of_lanes: &Mutex<T>) -> MutexGuard<'_, T> {
    of_lanes.lock().unwrap_or_else(PoisonError::into_inner)
}
