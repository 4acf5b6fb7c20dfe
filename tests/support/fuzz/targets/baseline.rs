//! The file of a baseline.

use tripline::baseline::{Baseline, SlowerBy, Tolerance};
use tripline::evidence::Limits;

use super::super::said::{ONE, is_fit_line};
use super::super::{Shape, Target};

pub(super) const TARGET: Target = Target {
    name: "baseline",
    shape: Shape::Json,
    seeds: &[],
    words: &["version", "rollouts", "pooled", "slowest", "unfinished", "devices", "failures"],
    check,
};

fn check(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let baseline = match Baseline::parse(&text) {
        Ok(baseline) => baseline,
        Err(error) => return is_fit_line(&error.to_string(), ONE),
    };
    assert_eq!(Baseline::parse(&baseline.to_json()).as_ref(), Ok(&baseline), "written and read");
    is_fit_line(baseline.name(), ONE);
    assert!((1..=100_000).contains(&baseline.rollouts()));
    assert!((1..=100_000_000).contains(&baseline.devices()));
    assert!(baseline.failures() <= baseline.devices());
    for minute in [0, 1, baseline.last_age(), baseline.last_age() + 1, u32::MAX] {
        for share in [baseline.unfinished(minute), baseline.slowest_unfinished(minute)] {
            assert!((0.0..=1.0).contains(&share), "{share} at {minute}");
        }
    }
    // Limits of it are usable, or it is said why there are none.
    for percent in [0, 20, SlowerBy::MAX] {
        let slower_by = SlowerBy::new(percent).unwrap();
        for (silent, timeout) in [(0.0, None), (0.01, Some(60)), (1.0, Some(10_080))] {
            let parameters = baseline.parameters(Tolerance { slower_by, silent }, timeout);
            if let Err(why) = Limits::new(parameters) {
                is_fit_line(&why.to_string(), ONE);
            }
        }
    }
}
