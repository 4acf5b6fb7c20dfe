mod advice;
mod conditions;
mod evidence;
mod figures;
mod runs;
mod stops;
mod unsuccessful_rate;

use std::num::NonZeroUsize;

use super::*;
use tripline::alarm::AlarmDefinition;
use tripline::rollout::{Rate, RolloutConfig};
use tripline::stop::StopMode;
use tripline::time::Timestamp;
use tripline_config::AlarmConfig;

const SAMPLE: &str = include_str!("../../../../examples/guards/sample.ini");
const RECOMMENDED: &str = include_str!("../../../../examples/guards/recommended.ini");
/// An alarm on downloads beside abort criteria and a timeout.
const DOWNLOADS: &str = include_str!("tests/slow-downloads.ini");

/// 2026-01-01T00:00:00Z
const START: Timestamp = Timestamp::from_seconds(1_767_225_600);

fn share(share: f64) -> Share {
    Share::new(share).unwrap()
}

/// A fleet of which a share takes longer than an hour, with a wide spread.
fn fleet(devices: u32, over_an_hour: f64) -> Fleet {
    let download = Lognormal::with_share_over(3_600.0, over_an_hour, 1.0).unwrap();
    Fleet { download, ..Fleet::healthy(devices) }
}

fn read(config: &str) -> (RolloutConfig, AlarmDefinition) {
    let rollout = tripline_config::parse_rollout("dev.ini", config).unwrap();
    let mut alarms = AlarmConfig::parse("dev.ini", config).unwrap().alarms;
    (rollout, alarms.remove(0))
}

fn at_rate(fleet: Fleet, rate: u32) -> Scenario {
    let rollout = RolloutConfig { rate: Rate::Constant(rate), ..RolloutConfig::default() };
    Scenario::new(fleet, rollout, START)
}

fn study(scenario: &Scenario, plans: &[&dyn GuardPlan], runs: u32) -> Study {
    let threads = NonZeroUsize::new(2).unwrap();
    Study::new(scenario, plans, Runs { seed: 1, runs, threads }, &|_| {})
}

#[test]
fn shares_over_a_limit_are_those_of_the_distribution() {
    // 2.326, 1.282 and 0 deviations.
    for (share, median) in [(0.01, 351.5), (0.1, 999.3), (0.5, 3_600.0), (0.9, 12_968.0)] {
        let times = Lognormal::with_share_over(3_600.0, share, 1.0).unwrap();
        assert!((times.median() - median).abs() < 0.1, "{share}: {}", times.median());
        assert!((times.share_over(3_600.0) - share).abs() < 1e-9);
    }
    for (limit, share, sigma) in [
        (0.0, 0.1, 1.0),
        (3_600.0, 0.0, 1.0),
        (3_600.0, 1.0, 1.0),
        (3_600.0, 0.1, 6.0),
        (f64::NAN, 0.1, 1.0),
    ] {
        assert_eq!(Lognormal::with_share_over(limit, share, sigma), None);
    }
    assert_eq!(Lognormal::new(300.0, 0.0).unwrap().share_over(299.0), 1.0);
}

#[test]
fn fleets_that_cannot_be_are_refused() {
    let half = share(0.5);
    let too_many =
        Fleet { failing: half, silent: half, rejecting: share(0.1), ..Fleet::healthy(1) };
    assert_eq!(
        too_many.check().unwrap_err().to_string(),
        "the shares add up to `1.1` (expected at most 1)"
    );
    assert!(
        Fleet {
            failing: share(0.7),
            silent: share(0.2),
            rejecting: share(0.1),
            ..Fleet::healthy(1)
        }
        .check()
        .is_ok()
    );
    assert!(Fleet { devices: 0, ..Fleet::healthy(1) }.check().is_err());
    assert!(
        Lognormal::new(0.0, 1.0).is_err()
            && Lognormal::new(1.0, -1.0).is_err()
            && Lognormal::new(f64::NAN, 1.0).is_err()
    );
    assert!(Share::new(1.01).is_err() && Share::new(f64::NAN).is_err());
}

#[test]
fn what_is_changed_in_a_fleet_leaves_the_rest_as_it_was() {
    let draw = |fleet: Fleet| {
        let mut random = random::random(7, 0, random::Stream::Fleet);
        (0..200).map(|_| fleet.draw(&mut random)).collect::<Vec<_>>()
    };
    let healthy = draw(Fleet::healthy(1));
    let failing = draw(Fleet { failing: share(0.5), ..Fleet::healthy(1) });
    assert!(
        healthy.iter().zip(&failing).all(|(a, b)| (a.start, a.download) == (b.start, b.download))
    );
    assert!(failing.iter().filter(|fate| fate.kind == Kind::Fails).count() > 70);
    let slow = draw(Fleet { slow: share(0.5), ..Fleet::healthy(1) });
    assert!(healthy.iter().zip(&slow).all(|(a, b)| b.download == a.download
        || b.download / 10 == a.download
        || b.download / 10 == a.download + 1
        || b.download >= a.download));
    assert_ne!(healthy, {
        let mut random = random::random(7, 1, random::Stream::Fleet);
        (0..200).map(|_| Fleet::healthy(1).draw(&mut random)).collect::<Vec<_>>()
    });
}
