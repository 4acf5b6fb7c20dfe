//! Whatever comes in: no panic, no number that is none, a bounded state, in bounded time.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::evidence::{Ages, Limits, Parameters, Slack, State, Tick};

fn number() -> impl Strategy<Value = u32> {
    prop_oneof![Just(0), Just(1), Just(u32::MAX), Just(u32::MAX - 1), 0_u32..2_000, any::<u32>()]
}

fn tick() -> impl Strategy<Value = (u32, Tick)> {
    let ages = prop::option::of(vec((number(), number()), 0..20));
    let step = prop_oneof![20 => Just(1_u32), 4 => 0_u32..20, 1 => number()];
    (step, number(), number(), number(), number(), ages).prop_map(
        |(step, begun, ended, unsuccessful, timed_out, ages)| {
            let in_progress = ages.map(Ages::of_counts);
            (step, Tick { t: 0, begun, ended, unsuccessful, timed_out, in_progress })
        },
    )
}

fn limits() -> impl Strategy<Value = Limits> {
    let pairs = vec((1_u32..400, 0.0_f64..=1.0), 0..20);
    let curve = vec((1_u32..400, 0.0_f64..=1.0), 0..6);
    (pairs, curve, any::<bool>(), prop::option::of(1_u32..500), any::<bool>()).prop_map(
        |(pairs, curve, list, timeout, exact)| {
            let in_order = |mut pairs: Vec<(u32, f64)>, falls: bool| {
                pairs.sort_by_key(|(age, _)| *age);
                pairs.dedup_by_key(|(age, _)| *age);
                let mut shares: Vec<f64> = pairs.iter().map(|(_, share)| *share).collect();
                shares.sort_by(f64::total_cmp);
                if falls {
                    shares.reverse();
                }
                pairs.iter().map(|(age, _)| *age).zip(shares).collect::<Vec<_>>()
            };
            Limits::new(Parameters {
                unfinished: in_order(pairs, true),
                failure_curve: in_order(curve, false),
                failed: 0.03,
                false_stops: 0.01,
                list,
                timeout,
                slack: if exact { Slack::None } else { Slack::OneTick },
                ..Parameters::default()
            })
            .unwrap()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn no_sequence_of_ticks_breaks_a_state(limits in limits(), ticks in vec(tick(), 1..120)) {
        let mut state = State::new(&limits);
        let (mut t, mut highest) = (0_u32, 0.0);
        for (step, mut tick) in ticks {
            t = t.wrapping_add(step);
            tick.t = t;
            let verdict = state.tick(&limits, &tick);
            prop_assert!(verdict.evidence.is_finite() && verdict.evidence >= highest);
            highest = verdict.evidence;
            let bytes = state.encode();
            prop_assert!(bytes.len() <= State::MAX_BYTES, "{} bytes", bytes.len());
            prop_assert_eq!(State::decode(&bytes, &limits), Ok(state.clone()));
            let words = verdict.brief(&limits).to_string();
            prop_assert!(words.len() < 120, "{words}");
            prop_assert_eq!(state.reason(&limits).is_some(), verdict.stop);
        }
    }

    #[test]
    fn no_bytes_break_a_state(
        limits in limits(),
        begun in vec(0_u32..1_000, 1..40),
        changes in vec((0_usize..400, any::<u8>()), 1..8),
        then in vec(tick(), 1..10),
    ) {
        let mut state = State::new(&limits);
        for (t, begun) in (1..).zip(begun) {
            state.tick(&limits, &Tick { t, begun, ended: begun / 3, ..Tick::default() });
        }
        let mut bytes = state.encode();
        // The version and the fingerprint stay, or nothing else would ever be read.
        let length = bytes.len();
        for (place, byte) in changes {
            bytes[9 + place % (length - 9)] = byte;
        }
        if let Ok(mut state) = State::decode(&bytes, &limits) {
            for (step, mut tick) in then {
                tick.t = state.last().unwrap_or(0).saturating_add(step);
                let verdict = state.tick(&limits, &tick);
                prop_assert!(!verdict.evidence.is_nan());
                state.parts(&limits);
                state.clearance();
            }
        }
    }
}

#[test]
fn limits_of_seven_days_fit_the_state_however_many_devices_begin() {
    let ages: Vec<u32> = (1..=20).map(|day| day * 504).collect();
    let limits = Limits::new(Parameters {
        unfinished: ages.iter().map(|age| (*age, 0.5 - f64::from(*age) / 30_000.0)).collect(),
        failed: 0.03,
        false_stops: 0.01,
        list: true,
        ..Parameters::default()
    })
    .unwrap();
    for rate in [1, 12, 1_000, 400_000] {
        let mut state = State::new(&limits);
        let mut longest = 0;
        // Whole minutes of the year 2026 are numbers of four bytes.
        for minute in 0..10_500 {
            let begun = rate * (minute + 1);
            let in_progress = (minute % 60 == 0).then(|| Ages::of_counts([(700, 3 * rate)]));
            let ended = begun / 2;
            let tick =
                Tick { t: 29_000_000 + minute, begun, ended, in_progress, ..Tick::default() };
            state.tick(&limits, &tick);
            longest = longest.max(state.encode().len());
        }
        assert!(longest <= State::MAX_BYTES, "{rate} a minute: {longest} bytes");
    }
}
