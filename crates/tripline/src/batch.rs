//! Aggregation: many endings become few datums, in requests that CloudWatch accepts.
//!
//! Each event belongs to exactly one request. So when a request fails, it is known which events
//! have to come again, and no other event is counted twice.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::{EventId, ExecutionEnding, ExecutionEvent};
use crate::job::JobId;
use crate::metric::{DownloadTime, Metric, Outcome, RetryCount};
use crate::recent::RecentEvents;
use crate::time::Timestamp;

/// Most unique values in a datum (CloudWatch `MetricDatum`, `Values`).
pub const MAX_VALUES_PER_DATUM: usize = 150;
/// Most datums in a request (CloudWatch `PutMetricData`).
pub const MAX_DATUMS_PER_REQUEST: usize = 1_000;
/// Most bytes in a request (CloudWatch `PutMetricData`).
pub const MAX_REQUEST_BYTES: usize = 1_000_000;
/// Oldest event, in seconds, that is published at its own time: CloudWatch shows points that are
/// older than this hours late.
pub const MAX_AGE: i64 = 3 * 3_600;
/// Farthest ahead of the clock, in seconds, that an event is published at its own time: a point
/// beyond this makes CloudWatch refuse the whole request.
pub const MAX_AHEAD: i64 = 2 * 3_600;

/// What one value and its count take at most in a request, in bytes: two CBOR doubles, rounded up.
const BYTES_PER_VALUE: usize = 20;
/// What a datum takes without its values, in bytes, at most: the names, the longest job id, the
/// unit and the timestamp with their keys, rounded up.
const BYTES_PER_DATUM: usize = 400;

/// Values of one metric of one job in one minute.
#[derive(Debug, Clone, PartialEq)]
pub struct Datum {
    /// The rollout: the value of the one dimension.
    pub job: JobId,
    /// The metric.
    pub metric: Metric,
    /// The beginning of the minute.
    pub at: Timestamp,
    /// Unique values with how often each was seen, at most [`MAX_VALUES_PER_DATUM`].
    pub values: Vec<(f64, u32)>,
}

/// One request to CloudWatch, within all its limits.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// At most [`MAX_DATUMS_PER_REQUEST`].
    pub datums: Vec<Datum>,
    /// The positions, in the batch, of the events that this request counts, and of those that it
    /// would count if they were no repetitions.
    pub events: Vec<usize>,
    /// The ids to be remembered once this request is accepted.
    pub ids: Vec<EventId>,
}

/// What becomes of a batch of events.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Batch {
    /// To be sent, in any order.
    pub requests: Vec<Request>,
    /// How many events were counted at `now` instead of their own time.
    pub retimed: usize,
    /// How many events were repetitions.
    pub repeated: usize,
}

impl Batch {
    /// Aggregates `events`, each with its position in the batch it came in. `now` is the time of
    /// receipt; an event that is in `recent` is not counted again.
    pub fn new<'a>(
        events: impl IntoIterator<Item = (usize, &'a ExecutionEvent)>,
        recent: &RecentEvents,
        now: Timestamp,
    ) -> Self {
        let mut batch = Self::default();
        let mut open = Open::default();
        let mut seen = BTreeMap::<&'a str, usize>::new();
        for (position, event) in events {
            let Some(ending) = &event.ending else { continue };
            if let Some(id) = &event.id {
                if recent.contains(id) {
                    batch.repeated += 1;
                    continue;
                }
                // A repetition shares the fate of the first: if its request fails, both come again.
                if let Some(request) = seen.get(id.as_str()) {
                    batch.repeated += 1;
                    match batch.requests.get_mut(*request) {
                        Some(closed) => closed.events.push(position),
                        None => open.events.push(position),
                    }
                    continue;
                }
            }
            let at = published_at(event.at, now);
            batch.retimed += usize::from(at.1);
            if !open.fits(ending) {
                batch.requests.extend(std::mem::take(&mut open).close());
            }
            if let Some(id) = &event.id {
                seen.insert(id.as_str(), batch.requests.len());
                open.ids.push(id.clone());
            }
            open.events.push(position);
            open.count(&event.job, ending, at.0);
        }
        batch.requests.extend(open.close());
        batch
    }
}

/// The time under which an event is published, and whether that is not its own.
fn published_at(at: Option<Timestamp>, now: Timestamp) -> (Timestamp, bool) {
    match at {
        Some(at) if (-MAX_AGE..=MAX_AHEAD).contains(&at.seconds_after(now)) => (at.minute(), false),
        _ => (now.minute(), true),
    }
}

/// A request that still takes events.
#[derive(Default)]
struct Open {
    values: BTreeMap<(JobId, Metric, Timestamp), BTreeMap<Ordered, u32>>,
    /// Upper bounds, so that they can be kept without looking at the values.
    datums: usize,
    bytes: usize,
    events: Vec<usize>,
    ids: Vec<EventId>,
}

impl Open {
    /// Whether there is room for an ending, even if each of its points needs a datum of its own.
    fn fits(&self, ending: &ExecutionEnding) -> bool {
        let points = points(ending).count();
        self.datums + points <= MAX_DATUMS_PER_REQUEST
            && self.bytes + points * (BYTES_PER_DATUM + BYTES_PER_VALUE) <= MAX_REQUEST_BYTES
    }

    fn count(&mut self, job: &JobId, ending: &ExecutionEnding, at: Timestamp) {
        for (metric, value, count) in points(ending) {
            let values = self.values.entry((job.clone(), metric, at)).or_default();
            let unique = values.len();
            *values.entry(Ordered(value)).or_default() += count;
            if values.len() > unique {
                self.bytes += BYTES_PER_VALUE;
                if unique.is_multiple_of(MAX_VALUES_PER_DATUM) {
                    self.datums += 1;
                    self.bytes += BYTES_PER_DATUM;
                }
            }
        }
    }

    fn close(self) -> Option<Request> {
        let mut datums = Vec::with_capacity(self.datums);
        for ((job, metric, at), values) in self.values {
            let values: Vec<_> = values.into_iter().map(|(value, n)| (value.0, n)).collect();
            for some in values.chunks(MAX_VALUES_PER_DATUM) {
                datums.push(Datum { job: job.clone(), metric, at, values: some.to_vec() });
            }
        }
        (!datums.is_empty()).then_some(Request { datums, events: self.events, ids: self.ids })
    }
}

/// What an ending counts: metric, value, how often.
pub fn points(ending: &ExecutionEnding) -> impl Iterator<Item = (Metric, f64, u32)> {
    let invalid = u32::try_from(ending.invalid.len()).unwrap_or(u32::MAX);
    points_of(ending.outcome, ending.download_time, ending.retry_count, invalid)
}

/// The same by its parts.
#[inline]
pub fn points_of(
    outcome: Outcome,
    download_time: Option<DownloadTime>,
    retry_count: Option<RetryCount>,
    invalid: u32,
) -> impl Iterator<Item = (Metric, f64, u32)> {
    [
        Some((Metric::Count(outcome), 1.0, 1)),
        download_time.map(|time| (Metric::DownloadTime, time.seconds(), 1)),
        retry_count.map(|retries| (Metric::RetryCount, f64::from(retries.get()), 1)),
        (invalid > 0).then_some((Metric::InvalidDetailCount, 1.0, invalid)),
    ]
    .into_iter()
    .flatten()
}

/// A number in total order; the values here are finite, so that is the usual order.
#[derive(Debug, Clone, Copy)]
struct Ordered(f64);

impl PartialEq for Ordered {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}
impl Eq for Ordered {}
impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Ordered {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl Batch {
    /// The jobs that the batch counts for.
    pub fn jobs(&self) -> BTreeSet<&JobId> {
        self.requests.iter().flat_map(|request| &request.datums).map(|datum| &datum.job).collect()
    }
}

#[cfg(test)]
mod tests;
