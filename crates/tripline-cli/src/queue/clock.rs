//! The time, and chance.

use std::hash::{BuildHasher, RandomState};
use std::time::{SystemTime, UNIX_EPOCH};

use tripline::time::Timestamp;

/// Milliseconds since 1970.
pub fn milliseconds() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Now, in whole seconds.
pub fn now() -> Timestamp {
    Timestamp::from_seconds(milliseconds() / 1_000)
}

/// A token for a request that is to be carried out once. The SDK's own come from the machine's clock, and
/// two workers that begin at the same moment may have the same.
pub fn token() -> String {
    format!("{:016x}{:016x}", random(), random())
}

/// A number that nobody else has: the standard library seeds its hashers from the system. It names
/// things, and keeps no secret.
pub fn random() -> u64 {
    RandomState::new().hash_one(milliseconds())
}
