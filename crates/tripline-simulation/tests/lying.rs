//! How many devices have to lie for a healthy rollout to be stopped, or for a bad one to go on: the table of
//! `SECURITY.md`.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use tripline::alarm::{
    AlarmDefinition, AlarmName, Evaluation, Limit, MinSamples, MissingData, Percentile, Period,
    Statistic,
};
use tripline::evidence::{Ages, Limits, State, Tick};
use tripline::metric::NAMESPACE;
use tripline::notification::AlarmState;
use tripline::time::Timestamp;
use tripline_config::parse_evidence;
use tripline_simulation::evaluation::{
    CountedDevices, Evaluator, Parameters, RateEvaluator, Series,
};

const RECOMMENDED: &str = include_str!("../../../examples/guards/recommended.ini");
const PAGE: &str = include_str!("../../../SECURITY.md");
const FLEET: u32 = 24_000;
/// Devices notified each minute.
const RATE: u32 = 100;
/// Minutes after which an honest device has ended.
const TAKES: u32 = 10;
/// Share of the honest devices that bad firmware fails on, in percent.
const BAD: [u32; 2] = [100, 40];

/// The least number that does it; so does every larger one.
fn least(most: u32, does_it: impl Fn(u32) -> bool) -> u32 {
    let (mut low, mut high) = (0, most);
    assert!(does_it(most), "not even {most}");
    while low < high {
        let middle = low + (high - low) / 2;
        if does_it(middle) { high = middle } else { low = middle + 1 }
    }
    low
}

/// So many of the first devices, where they are spread evenly over the fleet.
fn of_the_first(begun: u32, all: u32) -> u32 {
    u32::try_from(u64::from(begun) * u64::from(all) / u64::from(FLEET)).unwrap()
}

fn thousands(number: u32) -> String {
    match number {
        0..1_000 => number.to_string(),
        _ => format!("{},{:03}", number / 1_000, number % 1_000),
    }
}

/// By minute, how many devices have begun, up to when all have ended and the last limit is past.
fn minutes() -> impl Iterator<Item = (u32, u32)> {
    (1..=FLEET / RATE + 90).map(|minute| (minute, (minute * RATE).min(FLEET)))
}

/// The stack's alarm on the failure rate, as `templates/tripline.yaml` has it by default.
fn failure_rate_stops(fleet: u32, failing: impl Fn(u32) -> u32) -> bool {
    let (name, least) = (AlarmName::new("failure-rate").unwrap(), MinSamples::new(50).unwrap());
    let alarm = AlarmDefinition::on_unsuccessful_rate(name, 20.0, least, Vec::new());
    let at = |minute: u32| Timestamp::from_seconds(600_000 + i64::from(minute) * 60);
    let mut rate = RateEvaluator::new(&alarm, Parameters::default(), at(0));
    minutes().any(|(minute, notified)| {
        let notified = notified.min(fleet);
        let counted = CountedDevices { notified, unsuccessful: failing(notified) };
        let changed = rate.evaluate(at(minute), counted);
        changed.is_some_and(|changed| changed.to == AlarmState::Alarm)
    })
}

/// The stack's alarm on downloads, with these seconds reported in every period of ten minutes.
fn downloads_stop(in_a_period: impl Fn() -> Vec<f64>) -> bool {
    let alarm = AlarmDefinition {
        name: AlarmName::new("download").unwrap(),
        namespace: NAMESPACE.to_owned(),
        metric: "downloadTime".to_owned(),
        statistic: Statistic::Percentile(Percentile::parse("97").unwrap()),
        period: Period::new(600).unwrap(),
        threshold: 3_600.0,
        limit: Limit::Upper,
        evaluation: Evaluation::new(3, 3, Period::new(600).unwrap()).unwrap(),
        missing_data: MissingData::NotBreaching,
        min_samples: MinSamples::new(100).ok(),
        topics: Vec::new(),
    };
    let mut series = Series::new(60);
    // All within one minute of a period, so that each has them, wherever it slides to.
    for period in 0..6 {
        let at = Timestamp::from_seconds(600_000 + period * 600);
        in_a_period().into_iter().for_each(|seconds| assert!(series.add(at, seconds)));
    }
    let first = Timestamp::from_seconds(600_000 + 60);
    let mut evaluator = Evaluator::new(alarm, Parameters::default(), first);
    (1..=60).any(|minute| {
        let at = Timestamp::from_seconds(600_000 + minute * 60);
        evaluator.evaluate(at, &series).is_some_and(|changed| changed.to == AlarmState::Alarm)
    })
}

fn limits() -> Limits {
    let config = parse_evidence("recommended.ini", RECOMMENDED).unwrap().unwrap();
    config.limits(None, true).unwrap()
}

/// Evidence under the limits of `recommended.ini`, of so many devices that begin in the first minutes. Honest
/// devices end after some minutes; of the first devices that have ended so many fail, and so many never end.
fn evidence_stops_of(
    fleet: u32,
    failing: impl Fn(u32) -> u32,
    hanging: impl Fn(u32) -> u32,
) -> bool {
    let limits = limits();
    let mut state = State::new(&limits);
    let begun_at = |minute: u32| (minute * RATE).min(fleet);
    minutes().any(|(minute, _)| {
        let gone = begun_at(minute.saturating_sub(TAKES));
        let hang = hanging(gone);
        // By age: all of the youngest, and of the others those that hang.
        let still = |age: u32| {
            let began = |minute: u32| match age < TAKES {
                true => begun_at(minute),
                false => hanging(begun_at(minute)),
            };
            (age, began(minute - age) - began((minute - age).saturating_sub(1)))
        };
        let tick = Tick {
            t: minute,
            begun: begun_at(minute),
            ended: gone - hang,
            unsuccessful: failing(gone),
            timed_out: 0,
            in_progress: Some(Ages::of_counts((0..minute).map(still))),
        };
        state.tick(&limits, &tick).stop
    })
}

fn evidence_stops(failing: impl Fn(u32) -> u32, hanging: impl Fn(u32) -> u32) -> bool {
    evidence_stops_of(FLEET, failing, hanging)
}

/// How many liars, spread evenly over the fleet, have a guard stop it.
fn spread(stops: impl Fn(&dyn Fn(u32) -> u32) -> bool) -> u32 {
    least(FLEET, |liars| stops(&|begun| of_the_first(begun, liars)))
}

/// How many liars hide firmware that fails on this share of the honest devices from a guard.
fn hide(bad: u32, stops: impl Fn(&dyn Fn(u32) -> u32) -> bool) -> u32 {
    least(FLEET, |liars| {
        let honest = FLEET - liars;
        let failing = u32::try_from(u64::from(honest) * u64::from(bad) / 100).unwrap();
        !stops(&|begun| of_the_first(begun, failing))
    })
}

#[test]
fn so_many_devices_have_to_lie_as_the_page_says() {
    let nobody = |_: u32| 0;
    let failed = least(50, |liars| evidence_stops_of(50, |gone| gone.min(liars), nobody));
    let hanging = least(50, |liars| evidence_stops_of(50, nobody, |gone| gone.min(liars)));

    let rate = |failing: &dyn Fn(u32) -> u32| failure_rate_stops(FLEET, failing);
    let of_fifty = least(50, |liars| failure_rate_stops(50, |notified| notified.min(liars)));
    let download =
        |slow: usize| downloads_stop(|| [vec![300.0; 100 - slow], vec![7_200.0; slow]].concat());
    let slow = least(100, |slow| download(usize::try_from(slow).unwrap()));

    let evidence = |failing: &dyn Fn(u32) -> u32| evidence_stops(failing, nobody);
    let rows = [
        format!(
            "| default guard, failure rate | {of_fifty} of the first 50 | {} | {} | {} |",
            thousands(spread(rate)),
            thousands(hide(BAD[0], rate)),
            thousands(hide(BAD[1], rate)),
        ),
        {
            // Of a hundred reports, those of honest devices that are slow have to be fewer.
            let of_fleet = |bad: u32| {
                let slow_share = f64::from(slow - 1) / 100.0;
                let honest = f64::from(FLEET) * slow_share / (f64::from(bad) / 100.0);
                FLEET - (honest.floor() as u32)
            };
            format!(
                "| default guard, downloads | {} of 300, in half an hour | {} | {} | {} |",
                3 * slow,
                thousands(FLEET / 100 * slow),
                thousands(of_fleet(BAD[0])),
                thousands(of_fleet(BAD[1])),
            )
        },
        format!(
            "| evidence, failures | {failed} of the first 50 | {} | {} | {} |",
            thousands(spread(evidence)),
            thousands(hide(BAD[0], evidence)),
            thousands(hide(BAD[1], evidence)),
        ),
        {
            let hang = |hanging: &dyn Fn(u32) -> u32| evidence_stops(nobody, hanging);
            format!(
                "| evidence, devices that hang | {hanging} of the first 50 | {} | {} | {} |",
                thousands(spread(hang)),
                thousands(hide(BAD[0], hang)),
                thousands(hide(BAD[1], hang)),
            )
        },
    ];
    let missing: Vec<&String> =
        rows.iter().filter(|row| !PAGE.lines().any(|line| line == **row)).collect();
    assert!(missing.is_empty(), "SECURITY.md lacks {missing:#?}");
}
