use proptest::prelude::*;

use super::*;
use crate::detail::Detail;
use crate::event::InvalidDetail;
use crate::metric::{DownloadTime, Outcome, RetryCount};

const NOW: Timestamp = Timestamp::from_seconds(1_790_000_045);

fn event(id: &str, seconds: f64) -> ExecutionEvent {
    ExecutionEvent {
        id: EventId::new(id).ok(),
        job: JobId::new("fw-1").unwrap(),
        ending: Some(ExecutionEnding {
            outcome: Outcome::Succeeded,
            download_time: DownloadTime::new(seconds).ok(),
            retry_count: RetryCount::new(1).ok(),
            invalid: Vec::new(),
        }),
        at: Some(NOW),
    }
}

fn batch(events: &[ExecutionEvent]) -> Batch {
    Batch::new(events.iter().enumerate(), &RecentEvents::new(10), NOW)
}

/// How often each metric of each job was seen.
fn totals(batch: &Batch) -> BTreeMap<(JobId, Metric), u64> {
    let mut totals = BTreeMap::new();
    for datum in batch.requests.iter().flat_map(|request| &request.datums) {
        let count: u64 = datum.values.iter().map(|(_, count)| u64::from(*count)).sum();
        *totals.entry((datum.job.clone(), datum.metric)).or_default() += count;
    }
    totals
}

#[test]
fn equal_values_of_a_minute_become_one_with_a_count() {
    let batch = batch(&[event("a", 10.0), event("b", 10.0), event("c", 20.0)]);
    let [request] = &batch.requests[..] else { panic!("one request: {batch:?}") };
    let of = |metric| request.datums.iter().find(|datum| datum.metric == metric).unwrap();
    assert_eq!(of(Metric::DownloadTime).values, [(10.0, 2), (20.0, 1)]);
    assert_eq!(of(Metric::Count(Outcome::Succeeded)).values, [(1.0, 3)]);
    assert_eq!(of(Metric::RetryCount).values, [(1.0, 3)]);
    assert_eq!(of(Metric::DownloadTime).at.seconds(), 1_790_000_040);
    assert_eq!(request.datums.len(), 3);
}

#[test]
fn old_and_future_events_are_counted_now() {
    for (offset, retimed) in [
        // Three hours ago, and two hours ahead.
        (-10_801, true),
        (-10_800, false),
        (0, false),
        (7_200, false),
        (7_201, true),
    ] {
        let mut odd = event("a", 1.0);
        odd.at = Some(Timestamp::from_seconds(NOW.seconds() + offset));
        let batch = batch(&[odd.clone()]);
        assert_eq!(batch.retimed, usize::from(retimed), "{offset}");
        let expected = if retimed { NOW } else { odd.at.unwrap() }.minute();
        assert_eq!(batch.requests[0].datums[0].at, expected, "{offset}");
    }
    let mut timeless = event("a", 1.0);
    timeless.at = None;
    assert_eq!(batch(&[timeless]).requests[0].datums[0].at, NOW.minute());
}

#[test]
fn a_repetition_is_counted_once_and_shares_the_first_ones_fate() {
    let batch = batch(&[event("a", 1.0), event("b", 2.0), event("a", 1.0)]);
    assert_eq!(batch.repeated, 1);
    assert_eq!(batch.requests[0].events, [0, 1, 2]);
    assert_eq!(totals(&batch).values().copied().max(), Some(2));
}

#[test]
fn what_was_counted_before_is_not_counted_again() {
    let mut recent = RecentEvents::new(10);
    recent.remember(EventId::new("a").unwrap());
    let events = [event("a", 1.0)];
    let batch = Batch::new(events.iter().enumerate(), &recent, NOW);
    assert_eq!((batch.requests.len(), batch.repeated), (0, 1));
}

#[test]
fn a_deleted_execution_needs_no_request() {
    let mut deleted = event("a", 1.0);
    deleted.ending = None;
    assert_eq!(batch(&[deleted]), Batch::default());
}

#[test]
fn a_repetition_of_an_event_in_a_closed_request_joins_that_request() {
    let mut events: Vec<_> = (0..2_000)
        .map(|n| ExecutionEvent {
            job: JobId::new(&format!("fw-{n}")).unwrap(),
            ..event(&n.to_string(), 1.0)
        })
        .collect();
    events.push(events[0].clone());
    let batch = batch(&events);
    assert!(batch.requests.len() > 1);
    assert!(batch.requests[0].events.contains(&2_000));
}

#[test]
fn details_that_cannot_be_used_are_counted_with_their_execution() {
    let mut odd = event("a", 1.0);
    let unusable = InvalidDetail::Key { meant: Detail::DownloadTime, key: String::new() };
    odd.ending.as_mut().unwrap().invalid = vec![unusable; 2];
    let totals = totals(&batch(&[odd, event("b", 1.0)]));
    let count = |metric| totals.get(&(JobId::new("fw-1").unwrap(), metric)).copied();
    assert_eq!(count(Metric::InvalidDetailCount), Some(2));
    assert_eq!(count(Metric::Count(Outcome::Succeeded)), Some(2));
}

#[test]
fn the_jobs_of_a_batch_are_those_that_it_counts_for() {
    let of =
        |job: &str, id: &str| ExecutionEvent { job: JobId::new(job).unwrap(), ..event(id, 1.0) };
    let mut deleted = of("fw-3", "c");
    deleted.ending = None;
    let batch = batch(&[of("fw-2", "a"), of("fw-1", "b"), of("fw-2", "d"), deleted]);
    let jobs: Vec<&str> = batch.jobs().into_iter().map(JobId::as_str).collect();
    assert_eq!(jobs, ["fw-1", "fw-2"]);
}

/// Each of its points may need a datum of its own, with one value.
#[test]
fn an_ending_fits_where_a_datum_for_each_of_its_points_does() {
    let three_points = event("a", 1.0).ending.unwrap();
    assert_eq!(points(&three_points).count(), 3);
    let fits = |datums, bytes| Open { datums, bytes, ..Open::default() }.fits(&three_points);
    assert!(fits(MAX_DATUMS_PER_REQUEST - 3, MAX_REQUEST_BYTES - 3 * 420));
    assert!(!fits(MAX_DATUMS_PER_REQUEST - 2, 0));
    assert!(!fits(0, MAX_REQUEST_BYTES - 3 * 420 + 1));
}

fn any_event() -> impl Strategy<Value = ExecutionEvent> {
    let outcome = prop::sample::select(vec![
        Outcome::Succeeded,
        Outcome::Failed,
        Outcome::Rejected,
        Outcome::TimedOut,
        Outcome::Canceled,
        Outcome::Removed,
    ]);
    let ending = (outcome, 0.0..604_800.0_f64, 0_u64..20_000, 0_usize..3).prop_map(
        |(outcome, seconds, retries, invalid)| ExecutionEnding {
            outcome,
            download_time: DownloadTime::new(seconds).ok(),
            retry_count: RetryCount::new(retries).ok(),
            invalid: vec![
                InvalidDetail::Key { meant: Detail::DownloadTime, key: String::new() };
                invalid
            ],
        },
    );
    (0_u16..400, 0_u8..4, prop::option::weighted(0.9, ending), -20_000_i64..20_000).prop_map(
        |(id, job, ending, offset)| ExecutionEvent {
            id: EventId::new(&id.to_string()).ok(),
            job: JobId::new(&format!("fw-{job}")).unwrap(),
            ending,
            at: Some(Timestamp::from_seconds(NOW.seconds() + offset)),
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn shuffling_and_duplicating_changes_no_count(
        (events, log) in prop::collection::vec(any_event(), 0..120).prop_flat_map(|mut events| {
            for (n, event) in events.iter_mut().enumerate() {
                event.id = EventId::new(&n.to_string()).ok();
            }
            let doubled = [events.clone(), events.clone()].concat();
            (Just(events), Just(doubled).prop_shuffle())
        })
    ) {
        prop_assert_eq!(totals(&batch(&events)), totals(&batch(&log)));
    }

    #[test]
    fn every_counted_event_is_in_exactly_one_request_within_the_limits(
        events in prop::collection::vec(any_event(), 0..1500)
    ) {
        let batch = batch(&events);
        let mut positions: Vec<_> =
            batch.requests.iter().flat_map(|request| request.events.clone()).collect();
        positions.sort_unstable();
        let expected: Vec<_> = (0..events.len()).filter(|n| events[*n].ending.is_some()).collect();
        prop_assert_eq!(positions, expected);
        for request in &batch.requests {
            prop_assert!(request.datums.len() <= MAX_DATUMS_PER_REQUEST);
            for datum in &request.datums {
                prop_assert!((1..=MAX_VALUES_PER_DATUM).contains(&datum.values.len()));
                prop_assert!(Metric::ALL.contains(&datum.metric));
            }
        }
    }

    /// What is kept of a request while it is filled is what it comes to.
    #[test]
    fn a_request_s_size_is_known_while_it_is_filled(
        seconds in prop::collection::vec(0_u16..400, 1..600), jobs in 1_usize..3,
    ) {
        let mut open = Open::default();
        for (n, seconds) in seconds.iter().enumerate() {
            let job = JobId::new(&format!("fw-{}", n % jobs)).unwrap();
            open.count(&job, &event("a", f64::from(*seconds)).ending.unwrap(), NOW.minute());
        }
        let (datums, bytes) = (open.datums, open.bytes);
        let request = open.close().unwrap();
        let values: usize = request.datums.iter().map(|datum| datum.values.len()).sum();
        prop_assert_eq!(datums, request.datums.len());
        prop_assert_eq!(bytes, 400 * datums + 20 * values);
    }

    #[test]
    fn outcomes_are_counted_once_each(events in prop::collection::vec(any_event(), 0..300)) {
        let mut unique = std::collections::HashSet::new();
        let expected = events.iter()
            .filter(|event| event.ending.is_some() && unique.insert(event.id.clone()))
            .count() as u64;
        let counted: u64 = totals(&batch(&events)).into_iter()
            .filter(|((_, metric), _)| matches!(metric, Metric::Count(_)))
            .map(|(_, count)| count).sum();
        prop_assert_eq!(counted, expected);
    }
}
