//! The fast way of reading a line against the way that the functions go.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::super::line::Line;
use super::{START, event, rollout};
use crate::evaluation::{Interpolation, Series};
use tripline::alarm::Statistic;
use tripline::batch::Batch;
use tripline::event::{EventId, ExecutionEvent};
use tripline::metric::Metric;
use tripline::recent::RecentEvents;
use tripline::time::Timestamp;

/// Any JSON, flat or nested.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".*".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((".*", inner), 0..6)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

/// Whether a line was read the fast way; if so, exactly as the functions read it.
fn is_read_alike(line: &[u8]) -> bool {
    let Some(fast) = Line::read(line) else { return false };
    let value: Value = serde_json::from_slice(line).expect("a line that is read fast is JSON");
    let Ok(event) = ExecutionEvent::from_json(line) else {
        // Jobs are checked once for all events of one.
        assert!(tripline::job::JobId::new(fast.job).is_err(), "{value}");
        return true;
    };
    assert_eq!(fast.id, event.id.as_ref().map(EventId::as_str), "{value}");
    assert_eq!(fast.job, event.job.as_str(), "{value}");
    assert_eq!(fast.thing, value.get("thingArn").and_then(Value::as_str), "{value}");
    assert_eq!(fast.at, event.at, "{value}");
    assert_eq!(fast.ending, event.ending, "{value}");
    true
}

#[test]
fn what_aws_iot_sends_is_read_fast() {
    for operation in
        ["succeeded", "failed", "rejected", "timed_out", "canceled", "removed", "deleted"]
    {
        for details in [
            json!({}),
            json!({"downloadTime": "412.5", "retryCount": "1", "key": "value", "é": "\u{1f600}"}),
            json!({"downloadTime": "1", "download_time": "2", "RetryCount": "3", "retryCount": "4"}),
            json!({"downloadTimeMs": "1", "reason": "accepted"}),
        ] {
            assert!(is_read_alike(event(1, START, operation, details).to_string().as_bytes()));
        }
        let mut bare = event(1, START, operation, json!({}));
        bare.as_object_mut().unwrap().remove("statusDetails");
        bare["versionNumber"] = 3.into();
        assert!(is_read_alike(format!(" {bare:#}\r").as_bytes()));
    }
}

#[test]
fn odd_lines_are_left_to_the_functions_way() {
    let good = event(1, START, "failed", json!({"downloadTime": "1"})).to_string();
    for odd in [
        good.replace("\"1\"", "1"),
        good.replace("downloadTime", "download_time"),
        good.replace("\"1\"", "\"1\", \"Retry-Count\": \"1\""),
        good.replace("\"1\"", "\"1 s\""),
        good.replace("\"1\"", "null"),
        good.replace("\"1\"", "\"1\", \"x\": {}"),
        good.replace("\"1\"", "\"1\", \"x\": 1e999"),
        good.replace("fw-1", "fw\\u002d1"),
        good.replace("failed", "exploded"),
        good.replace(&START.to_string(), "-1"),
        good.replace(&START.to_string(), "1.5"),
        good.replace("JOB_EXECUTION", "JOB"),
        good.replace("\"jobId\"", "\"job\""),
        format!("{good}x"),
        format!("[{good}]"),
    ] {
        assert!(!is_read_alike(odd.as_bytes()), "{odd}");
    }
    assert!(!is_read_alike(&[good.as_bytes(), b"\xff"].concat()));
    // Of a key that comes twice the last value counts.
    assert!(is_read_alike(good.replace("{\"event", "{\"jobId\":\"other\",\"event").as_bytes()));
}

/// A field's value that may make sense, or not.
fn value_of(key: &'static str) -> BoxedStrategy<Value> {
    let sensible: BoxedStrategy<Value> = match key {
        "eventType" => Just(json!("JOB_EXECUTION")).boxed(),
        "timestamp" => prop_oneof![(0..=i64::MAX).prop_map(Value::from), any::<u64>().prop_map(Value::from)].boxed(),
        "operation" => prop::sample::select(vec!["succeeded", "failed", "timed_out", "deleted"]).prop_map(Value::from).boxed(),
        "jobId" => "[a-z]{0,3}".prop_map(Value::from).boxed(),
        "statusDetails" => (
            "[dD]ownload[_ -]?[tT]ime|downloadTime",
            "[0-9.eE+-]{1,6}",
            "[rR]etry_?Count|retryCount",
            "[0-9+]{1,6}",
            any_json(),
        )
            .prop_map(|(time_key, time, retries_key, retries, other)| {
                json!({time_key: time, retries_key: retries, "other": other})
            })
            .boxed(),
        _ => "[0-9a-f-]{0,70}".prop_map(Value::from).boxed(),
    };
    prop_oneof![9 => sensible, 1 => any_json()].boxed()
}

/// Lines that are nearly events, with keys in any order, twice or missing.
fn any_line() -> impl Strategy<Value = String> {
    let keys = vec![
        "eventType",
        "eventId",
        "timestamp",
        "operation",
        "jobId",
        "thingArn",
        "status",
        "statusDetails",
        "more",
    ];
    let field = |key| value_of(key).prop_map(move |value| (key, value));
    let all: Vec<_> = keys.into_iter().map(field).collect();
    (all, prop::collection::vec(any::<u8>(), 9)).prop_flat_map(|(fields, often)| {
        let fields = fields.into_iter().zip(often).flat_map(|(field, often)| {
            let times = match often {
                0..10 => 0,
                10..20 => 2,
                _ => 1,
            };
            std::iter::repeat_n(field, times)
        });
        Just(fields.collect::<Vec<_>>()).prop_shuffle().prop_map(|fields| {
            let fields: Vec<_> =
                fields.into_iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
            format!("{{{}}}", fields.join(","))
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn both_ways_agree_on_lines_that_are_nearly_events(line in any_line()) {
        is_read_alike(line.as_bytes());
    }

    #[test]
    fn both_ways_agree_on_damaged_events(
        place in any::<prop::sample::Index>(), bytes in prop::collection::vec(any::<u8>(), 0..4), cut in 0_usize..6,
    ) {
        let good = event(1, START, "failed", json!({"downloadTime": "12.5", "x": "é\\n\u{1f600}"})).to_string().into_bytes();
        let place = place.index(good.len());
        let damaged = [&good[..place], &bytes, &good[(place + cut).min(good.len())..]].concat();
        is_read_alike(&damaged);
    }

    #[test]
    fn both_ways_agree_on_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        is_read_alike(&bytes);
    }
}

/// The metrics as the functions would have published them, in batches.
fn published(events: &[Value]) -> Vec<(Metric, Series)> {
    let mut series: Vec<_> =
        Metric::ALL.into_iter().map(|metric| (metric, Series::new(60))).collect();
    let mut recent = RecentEvents::new(10_000);
    for some in events.chunks(10) {
        let some: Vec<_> =
            some.iter().map(|event| ExecutionEvent::from_value(event).unwrap()).collect();
        let batch = Batch::new(some.iter().enumerate(), &recent, Timestamp::from_seconds(START));
        for request in batch.requests {
            for datum in &request.datums {
                series.iter_mut().filter(|(metric, _)| *metric == datum.metric).for_each(
                    |(_, series)| {
                        series.add_datum(datum);
                    },
                );
            }
            request.ids.into_iter().for_each(|id| recent.remember(id));
        }
    }
    series
}

fn any_event() -> impl Strategy<Value = Value> {
    let operation = prop::sample::select(vec![
        "succeeded",
        "failed",
        "rejected",
        "timed_out",
        "canceled",
        "removed",
        "deleted",
    ]);
    let detail = prop_oneof![
        (0..10_000_u32).prop_map(|n| json!(n.to_string())),
        (0.0..1e6).prop_map(|n: f64| json!(format!("{n:.1}"))),
        Just(json!("nan")),
        Just(json!(7)),
        Just(Value::Null),
    ];
    // Within what the functions publish at its own time.
    (0..60_u32, -7_200..7_200_i64, operation, detail.clone(), detail).prop_map(
        |(number, at, operation, time, retries)| {
            event(
                number,
                START + at,
                operation,
                json!({"downloadTime": time, "retryCount": retries}),
            )
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_metrics_are_those_that_the_functions_publish(mut events in prop::collection::vec(any_event(), 0..80)) {
        events.push(event(99, START, "failed", json!({})));
        let recorded = rollout(&events);
        for (metric, published) in published(&events) {
            for minute in -121..=121 {
                let period = (START + minute * 60, START + minute * 60 + 60);
                for statistic in ["SampleCount", "Sum", "Minimum", "Maximum", "p50", "p99"] {
                    let statistic = Statistic::parse(statistic).unwrap();
                    let of = |series: &Series| series.statistic(period, statistic, Interpolation::Linear, &mut Vec::new());
                    let (one, other) = (of(recorded.series(metric)), of(&published));
                    // Sums of the same numbers in another order.
                    let near = one.zip(other).map_or(one == other, |(one, other)| (one - other).abs() <= 1e-9 * one.abs());
                    prop_assert!(near, "{metric} at {minute}: {one:?}, published {other:?}");
                }
            }
        }
    }
}

#[test]
fn a_map_of_details_is_not_needed_to_be_small() {
    let details: Map<String, Value> =
        (0..10_000).map(|n| (format!("key{n}"), json!("v"))).collect();
    assert!(is_read_alike(
        event(1, START, "failed", Value::Object(details)).to_string().as_bytes()
    ));
}
